"""Intake as a real server on a real database, in this process or as one of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import grpc

from services.intake import accept
from services.intake.casework_servicer import CaseworkServicer
from services.intake.coalescer import Coalescer
from services.intake.domain import PRIORITIES, Event, Projection, fold
from services.intake.record_servicer import RecordServicer
from services.intake.servicer import ReferralServicer
from services.intake.watch import Watch
from services.kernel import db, grpc_client
from services.kernel.allow_list import AllowList
from services.kernel.clock import SystemClock
from services.kernel.config import MESSAGE_LIMIT
from services.kernel.grpc_server import server_credentials
from services.kernel.interceptors import ServerInterceptor
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.casework_service_pb2_grpc import (
    CaseworkServiceStub,
    add_CaseworkServiceServicer_to_server,
)
from takedown.intake.v1.record_service_pb2_grpc import (
    RecordServiceStub,
    add_RecordServiceServicer_to_server,
)
from takedown.intake.v1.referral_service_pb2_grpc import (
    ReferralServiceStub,
    add_ReferralServiceServicer_to_server,
)
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.pki import Pki
from tests.integration.conftest import DatabaseUrls

REPOSITORY = Path(__file__).resolve().parents[3]
TABLES = ("referrals", "submissions", "evidence", "events", "inbox_items", "commands")


@dataclass
class Intake:
    """A running intake; stubs are made per caller, as ``role/name``."""

    target: str
    pki: Pki
    urls: DatabaseUrls
    channels: list[grpc.aio.Channel] = field(default_factory=list)
    # False for a test that writes events of its own, past the services.
    audited: bool = True

    def channel(self, who: str, *, retry: bool = False) -> grpc.aio.Channel:
        made = grpc_client.channel(
            self.target, self.pki.tls(who), "intake.takedown.internal", retry=retry
        )
        self.channels.append(made)
        return made

    def referrals(self, who: str = "referrer/nca") -> Any:
        return ReferralServiceStub(self.channel(who))

    def casework(self, who: str = "operator/ann") -> Any:
        return CaseworkServiceStub(self.channel(who))

    def record(self, who: str = "service/worker") -> Any:
        return RecordServiceStub(self.channel(who))

    async def sql(self) -> asyncpg.Connection:
        """A connection of our own, as the service's role; the caller closes it."""
        return await asyncpg.connect(self.urls.app.replace("+asyncpg", ""))

    async def counts(self) -> dict[str, int]:
        connection = await self.sql()
        try:
            return {
                table: await connection.fetchval(f"SELECT count(*) FROM intake.{table}")  # noqa: S608
                for table in TABLES
            }
        finally:
            await connection.close()

    async def starts_handed_over(self) -> None:
        """The relay has handed over every start: nothing waits for its turn in the inbox."""
        connection = await self.sql()
        try:
            await connection.execute(
                "UPDATE intake.inbox_items SET completed_at = now(), result = 'DELIVERED'"
                " WHERE kind = 'referral.accepted' AND completed_at IS NULL"
            )
        finally:
            await connection.close()

    async def close(self) -> None:
        for channel in self.channels:
            await channel.close()


@asynccontextmanager
async def serving(
    pki: Pki, urls: DatabaseUrls, *, accept_real: bool = True, coalesce: int = 200
) -> AsyncIterator[Intake]:
    """Wired as ``services.intake.__main__`` does it."""
    engine, clock, stop = db.engine(urls.settings(), "intake"), SystemClock(), asyncio.Event()
    coalescer = Coalescer(accept.storing(engine), coalesce)
    watch = Watch(engine, urls.settings(), 0.3)
    server = grpc.aio.server(
        interceptors=(ServerInterceptor(AllowList.read()),),
        options=(("grpc.max_receive_message_length", MESSAGE_LIMIT),),
    )
    referrals = ReferralServicer(engine, coalescer, watch, clock, accept_real=accept_real)
    add_ReferralServiceServicer_to_server(referrals, server)
    add_CaseworkServiceServicer_to_server(CaseworkServicer(engine, clock), server)
    add_RecordServiceServicer_to_server(RecordServicer(engine, clock), server)
    port = server.add_secure_port("127.0.0.1:0", server_credentials(pki.tls("service/intake")))
    await server.start()
    work = [asyncio.create_task(run(stop)) for run in (coalescer.run, watch.background)]
    intake = Intake(f"127.0.0.1:{port}", pki, urls)
    try:
        yield intake
    finally:
        stop.set()
        await intake.close()
        await server.stop(0)
        await asyncio.gather(*work)
        await engine.dispose()


@asynccontextmanager
async def process(
    pki: Pki, urls: DatabaseUrls, folder: Path, extra: str = ""
) -> AsyncIterator[tuple[Intake, asyncio.subprocess.Process]]:
    """``python -m services.intake``; killed at the end unless it is gone."""
    tls, ready = pki.tls("service/intake"), folder / f"ready-{uuid4()}"
    config = folder / "intake.toml"
    config.write_text(
        f'ready_file = "{ready}"\n{extra}\n[tls]\nca_file = "{tls.ca_file}"\n'
        f'cert_file = "{tls.cert_file}"\nkey_file = "{tls.key_file}"\n'
        f'[database]\nurl = "{urls.app}"\n'
    )
    path = f"{REPOSITORY}:{REPOSITORY / 'protos' / 'gen'}"
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.intake", "--config", str(config),
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": path},
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(20):
            while not ready.exists():
                assert started.returncode is None
                await asyncio.sleep(0.02)
        intake = Intake(f"127.0.0.1:{ready.read_text().strip()}", pki, urls)
        try:
            yield intake, started
        finally:
            await intake.close()
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGKILL)
        await started.wait()


def submission(number: int = 1, **changes: Any) -> pb.SubmitReferralRequest:
    """A request on X post ``number``; ``url`` and ``text`` go to the content."""
    content = pb.SubmittedContent(
        url=changes.pop(
            "url", f"https://x.com/somebody/status/{1_800_000_000_000_000_000 + number}"
        ),
        text=changes.pop("text", "words of the advert"),
    )
    values: dict[str, Any] = {
        "request_id": str(uuid4()),
        "content": content,
        "terms_ground": enums.TERMS_GROUND_HUMAN_SMUGGLING,
    }
    return pb.SubmitReferralRequest(**{**values, **changes})


async def assert_folded(intake: Intake) -> None:
    """Each referral's row is what folding its events from the first one gives."""
    connection = await intake.sql()
    try:
        rows = await connection.fetch("SELECT * FROM intake.referrals")
        events = await connection.fetch("SELECT * FROM intake.events ORDER BY sequence")
    finally:
        await connection.close()
    by_referral: dict[Any, list[Event]] = {row["referral_id"]: [] for row in rows}
    for e in events:
        by_referral[e["referral_id"]].append(
            Event(
                e["event_key"],
                e["type"],
                e["state"],
                e["actor"],
                e["occur_time"],
                e["detail_kind"],
                json.loads(e["detail"]),
            )
        )
    for row in rows:
        start = await _start_of(intake, row["referral_id"])
        folded = fold(by_referral[row["referral_id"]], start)
        names = ("state", "outcome", "priority", "departure_time", "claim_time", "confirm_time",
                 "last_sequence")  # fmt: skip
        assert {n: row[n] for n in names} == {n: getattr(folded, n) for n in names}
        assert json.loads(row["detail"]) == folded.detail


async def _start_of(intake: Intake, referral_id: Any) -> Projection:
    """What the submission that created the referral said of its urgency."""
    connection = await intake.sql()
    try:
        detail = await connection.fetchval(
            "SELECT detail FROM intake.submissions WHERE referral_id = $1"
            " ORDER BY create_time, submission_id LIMIT 1",
            referral_id,
        )
    finally:
        await connection.close()
    said = json.loads(detail)
    urgency = enums.Urgency.Name(said["urgency"]).removeprefix("URGENCY_")
    departs = said.get("departureTime")
    return Projection(
        priority=PRIORITIES[urgency],
        departure_time=datetime.fromisoformat(departs) if departs else None,
    )
