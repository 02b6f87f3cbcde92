"""Calls of CaseworkService that act on one referral, and how their answer is shown."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from services.cli.output import as_json, print_json, run, word
from services.cli.profile import Profile
from services.cli.referral import DEADLINE
from takedown.intake.v1.casework_service_pb2_grpc import CaseworkServiceStub
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import referral_pb2

DEFAULT_OPERATOR: Final = "operator/dev"
RequestId = Annotated[str, typer.Option(help="Repeat it when you retry.")]


def new_id(given: str) -> str:
    """The request_id that was given, or a fresh one."""
    return given or str(uuid.uuid4())


async def call(method: str, request: Any, identity: str, timeout: float = DEADLINE) -> Any:
    """One call of CaseworkService as ``identity``."""
    async with Profile.read().channel("intake", identity) as channel:
        return await getattr(CaseworkServiceStub(channel), method)(request, timeout=timeout)


def obey(
    method: str,
    make: Callable[[], Any],
    identity: str,
    json_output: bool,
    say: Callable[[referral_pb2.Referral], str],
) -> None:
    """Ask for one thing on one referral; print the referral, or ``say``'s sentence on it."""

    async def work() -> None:
        answer = await call(method, make(), identity)
        if json_output:
            print_json(as_json(answer.referral))
        else:
            typer.echo(say(answer.referral))

    run(work())


def state(referral: referral_pb2.Referral) -> str:
    return word(enums.ReferralState, referral.state, "REFERRAL_STATE_")


def who(actor: str) -> str:
    """role/name of a SPIFFE id."""
    return actor.partition("takedown.internal/")[2] or actor
