"""Between the error table and google.rpc.Status, in both directions."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import uuid4

import grpc
import structlog
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.kernel.errors import REASONS, TABLE, DomainError, ErrorKind, FieldViolation

DOMAIN: Final = "takedown.internal"
_log = structlog.get_logger("errors")

_KINDS: Final = {rule.code: kind for kind, rule in TABLE.items()}

# What says that the database is away, coming up, going down or full: the caller may try again. The
# database's own errors are added by services/kernel/db.py.
_database_away: set[type[BaseException]] = {OSError}

# What a status means that gRPC itself gave, before or instead of any handler.
_BARE: Final = {
    ErrorKind.UNAVAILABLE: "DEPENDENCY_UNAVAILABLE",
    ErrorKind.DEADLINE_EXCEEDED: "DEPENDENCY_UNAVAILABLE",
    ErrorKind.RESOURCE_EXHAUSTED: "MESSAGE_TOO_LARGE",
    ErrorKind.UNIMPLEMENTED: "METHOD_UNKNOWN",
}

# What a service that we call may answer without a fault of its caller or of ours.
DEPENDENCY_AWAY: Final = frozenset({
    grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
})  # fmt: skip


def treat_as_database_away(*kinds: type[BaseException]) -> None:
    """Have errors of these kinds answered with DATABASE_UNAVAILABLE from now on.

    Whoever uses a database says so, so that a process without one (the worker, an adapter's
    client, the command line) does not load the libraries of one: some 18 MB.
    """
    _database_away.update(kinds)


def status_name(kind: ErrorKind) -> str:
    """The name of the gRPC status that ``kind`` travels as, e.g. INVALID_ARGUMENT."""
    return "INVALID_ARGUMENT" if kind is ErrorKind.INVALID else kind.value


def origin(error: BaseException) -> str:
    """Where it was raised, as function:line; "" when it never was."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    return "" if frames is None else f"{frames.tb_frame.f_code.co_qualname}:{frames.tb_lineno}"


def as_domain_error(error: BaseException) -> DomainError:
    """Whatever was raised as a domain error; what nobody foresaw becomes an opaque INTERNAL."""
    if isinstance(error, DomainError):
        return error
    cause = getattr(error, "orig", None)
    pgerror = getattr(cause, "__cause__", None)
    away = tuple(_database_away)
    if any(isinstance(e, away) for e in (error, cause, pgerror)):
        return DomainError(
            ErrorKind.UNAVAILABLE,
            "DATABASE_UNAVAILABLE",
            "The record cannot be reached just now; nothing was stored, send the request again.",
            retry_after=timedelta(seconds=1),
        )
    if isinstance(error, grpc.aio.AioRpcError) and error.code() in DEPENDENCY_AWAY:
        return DomainError(
            ErrorKind.UNAVAILABLE,
            "DEPENDENCY_UNAVAILABLE",
            "A service that this one needs cannot answer just now; send the same request again.",
            retry_after=timedelta(seconds=1),
        )
    error_id = uuid4().hex
    # Never the message: it may hold content.
    _log.error("internal_error", error_id=error_id, type=type(error).__name__, where=origin(error))
    return DomainError(
        ErrorKind.INTERNAL,
        "INTERNAL",
        f"Something went wrong on our side; quote {error_id} when you report it.",
        metadata={"error_id": error_id},
    )


def to_status(error: DomainError) -> status_pb2.Status:
    """google.rpc.Status with ErrorInfo and, where they apply, BadRequest and RetryInfo."""
    details: list[any_pb2.Any] = []
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    details.append(_packed(info))
    if error.violations:
        bad = error_details_pb2.BadRequest()
        for violation in error.violations:
            bad.field_violations.add(
                field=violation.field, reason=violation.reason, description=violation.message
            )
        details.append(_packed(bad))
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(error.retry_after)
        details.append(_packed(retry))
    return status_pb2.Status(code=TABLE[error.kind].code, message=error.message, details=details)


def _packed(
    message: error_details_pb2.ErrorInfo
    | error_details_pb2.BadRequest
    | error_details_pb2.RetryInfo,
) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def from_status(status: status_pb2.Status) -> DomainError:
    """The inverse of ``to_status``; a foreign status keeps its code and message."""
    kind = _KINDS.get(status.code, ErrorKind.INTERNAL)
    reason, metadata, violations, retry = "", {}, [], None
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        again = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            violations = [
                FieldViolation(v.field, v.reason, v.description) for v in bad.field_violations
            ]
        elif detail.Unpack(again):
            retry = again.retry_delay.ToTimedelta()
    if reason not in REASONS:
        reason = _BARE.get(kind, "INTERNAL")
    return DomainError(kind, reason, status.message, tuple(violations), retry, metadata)


def from_rpc_error(error: grpc.aio.AioRpcError) -> DomainError:
    """What a call of ours failed with, as a domain error."""
    status = rpc_status.from_call(error)
    if status is None and error.code() is grpc.StatusCode.CANCELLED:
        # Not by us, who would have seen CancelledError: the server was stopping and gRPC turned
        # the call away before any handler saw it.
        return DomainError(
            ErrorKind.UNAVAILABLE,
            "DRAINING",
            "The service is stopping just now; send the same request again.",
        )
    if status is None:
        code, _ = error.code().value
        status = status_pb2.Status(code=code, message=error.details() or "")
    return from_status(status)
