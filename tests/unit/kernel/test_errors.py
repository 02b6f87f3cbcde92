"""The error table, in both directions and against what the code really raises."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
import sqlalchemy.exc
from google.rpc import code_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.kernel import db
from services.kernel.errors import REASONS, TABLE, DomainError, ErrorKind, FieldViolation, invalid
from services.kernel.grpc_errors import as_domain_error, from_status, status_name, to_status

REPOSITORY = Path(__file__).resolve().parents[3]
# Loading it tells the error table what a database that is away looks like.
assert db.__name__
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


def test_every_kind_has_one_status_of_its_own() -> None:
    assert set(TABLE) == set(ErrorKind)
    assert len({rule.code for rule in TABLE.values()}) == len(TABLE)
    for kind, rule in TABLE.items():
        assert code_pb2.Code.Name(rule.code) == status_name(kind)
        assert grpc.StatusCode[status_name(kind)].value[0] == rule.code


def test_only_what_may_pass_by_itself_is_retryable() -> None:
    assert {kind for kind, rule in TABLE.items() if rule.retryable} == {
        ErrorKind.UNAVAILABLE,
        ErrorKind.DEADLINE_EXCEEDED,
        ErrorKind.RESOURCE_EXHAUSTED,
        ErrorKind.ABORTED,
    }


@given(
    st.sampled_from(ErrorKind),
    st.sampled_from(sorted(REASONS)),
    TEXT,
    st.lists(st.builds(FieldViolation, TEXT, TEXT, TEXT), max_size=3),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=1)),
    st.dictionaries(TEXT, TEXT, max_size=3),
)
def test_an_error_arrives_as_it_left(
    kind: ErrorKind,
    reason: str,
    message: str,
    violations: list[FieldViolation],
    retry_after: timedelta | None,
    metadata: dict[str, str],
) -> None:
    sent = DomainError(kind, reason, message, tuple(violations), retry_after, metadata)
    seen = from_status(to_status(sent))
    assert vars(seen) == vars(sent)


def test_what_a_driver_wraps_is_still_a_database_that_is_away() -> None:
    import asyncpg

    original = Exception("wrapped")
    original.__cause__ = asyncpg.AdminShutdownError("terminating")
    wrapped = sqlalchemy.exc.DBAPIError("SELECT 1", None, original)
    assert as_domain_error(wrapped).kind is ErrorKind.UNAVAILABLE


@pytest.mark.parametrize("code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND])
def test_a_refusal_by_a_service_that_we_call_is_our_fault_not_our_callers(
    code: grpc.StatusCode,
) -> None:
    empty = grpc.aio.Metadata()
    assert as_domain_error(grpc.aio.AioRpcError(code, empty, empty)).kind is ErrorKind.INTERNAL


def test_one_field_names_itself() -> None:
    error = invalid("content.url", "HOST_UNKNOWN", "No such platform; check the address.")
    assert error.violations == (FieldViolation("content.url", "HOST_UNKNOWN", error.message),)


def test_every_reason_that_the_code_gives_is_published() -> None:
    given = {
        reason
        for folder in ("services", "workflows")
        for file in sorted((REPOSITORY / folder).rglob("*.py"))
        for reason in _reasons(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert given - set(REASONS) == set()


def test_every_published_reason_is_given_somewhere() -> None:
    given = {
        node.value
        for folder in ("services", "workflows")
        for file in sorted((REPOSITORY / folder).rglob("*.py"))
        if file.name != "errors.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # Given by ``errors.invalid`` for every field of every service.
    assert set(REASONS) - given - {"INVALID_FIELD"} == set()


def _reasons(tree: ast.AST) -> set[str]:
    """The literal reasons of DomainError(kind, reason, ...) and of the helpers."""
    places = {"DomainError": 1, "not_found": 0, "failed_precondition": 0, "permission_denied": 0}
    places["unavailable"] = 0
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id not in places:
            continue
        place = places[node.func.id]
        chosen = [k.value for k in node.keywords if k.arg == "reason"] + node.args[
            place : place + 1
        ]
        literals = [part for part in chosen[:1] for part in ast.walk(part)]
        found |= {p.value for p in literals if isinstance(p, ast.Constant) and p.value}
    return found
