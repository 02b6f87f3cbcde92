"""Do the work, then fail (A3): every store and adapter call loses some of its answers."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from infra.local.access import channel
from infra.local.auditor import AcceptedSubmission, audit, read_ledger
from infra.local.configs import identity_of
from infra.local.layout import PLATFORMS, SCRIPT, Layout
from infra.local.stack import Stack
from services.kernel import grpc_client
from services.kernel.config import TlsSettings
from services.kernel.identity import Identity
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.intake.v1.referral_service_pb2_grpc import ReferralServiceStub
from takedown.referral.v1 import enums_pb2 as enums
from tests.conftest import Figures
from tests.fakes.forgetful import Forgetful

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]
OFFER = json.loads(
    (SCRIPT.parents[3] / "docs/examples/referrals.ndjson").read_text("utf-8").splitlines()[0]
)["text"]
FIRST = 21 * 10**17
SHARE = 0.08
SERVICES = ("intake", "classification", "acknowledgement", "observation")
DONE = frozenset({enums.REFERRAL_STATE_MONITORING, enums.REFERRAL_STATE_CLOSED})


@dataclass
class Lossy:
    """A whole stack in which every call between processes may lose its answer."""

    stack: Stack
    proxies: dict[str, Forgetful]
    submit_at: str

    @property
    def forgotten(self) -> Counter[str]:
        return sum((proxy.forgotten for proxy in self.proxies.values()), Counter())

    @property
    def calls(self) -> Counter[str]:
        return sum((proxy.calls for proxy in self.proxies.values()), Counter())


def tls(layout: Layout, identity: Identity) -> TlsSettings:
    return TlsSettings.model_validate(layout.certificates(identity)[0])


@asynccontextmanager
async def lossy(root: Path, seed: int) -> AsyncIterator[Lossy]:
    """The worker, the adapters' forwarding and the referrer all speak through lossy proxies."""
    script = json.loads(SCRIPT.read_text("utf-8"))
    path = root / "script.json"
    # The platform, too, takes some notices and loses its answer.
    for number in range(0, 400, 9):
        script[f"x/{FIRST + number}"] = {"faults": ["lost_answer"]}
    path.write_text(json.dumps(script))
    layout = Layout.prepare(root, time_scale=2e-3, script=path)
    stack, chance = Stack(layout, gives_way=False), random.Random(seed)
    worker = Identity("service", "worker")
    wanted = {(name, worker): name for name in (*SERVICES, *(f"adapter_{s}" for s in PLATFORMS))}
    wanted |= {
        ("acknowledgement", identity_of(f"adapter_{slug}")): f"from {slug}" for slug in PLATFORMS
    }
    wanted[("intake", Identity("referrer", "nca"))] = "referrer"
    proxies: dict[str, Forgetful] = {}
    addresses: dict[str, str] = {}
    async with AsyncExitStack() as exits:
        for (service, caller), label in wanted.items():
            name = grpc_client.server_name(service.removeprefix("adapter_"))
            proxy = Forgetful(
                layout.address(service), tls(layout, caller), name, SHARE,
                random.Random(chance.random()),
            )  # fmt: skip
            addresses[label] = await proxy.serve(tls(layout, identity_of(service)))
            exits.push_async_callback(proxy.close)
            proxies[label] = proxy
        redirect(layout, addresses)
        try:
            await asyncio.to_thread(stack.start)
            yield Lossy(stack, proxies, addresses["referrer"])
        finally:
            unclean = stack.unclean(await asyncio.to_thread(stack.stop))
        assert unclean == {}


def redirect(layout: Layout, addresses: dict[str, str]) -> None:
    """Point the callers' settings at the proxies instead of at the services."""
    folder = layout.root / "config"
    text = (folder / "worker.toml").read_text("utf-8")
    for name in (*SERVICES, *(f"adapter_{slug}" for slug in PLATFORMS)):
        assert layout.address(name) in text
        text = text.replace(layout.address(name), addresses[name])
    # A lost answer holds a place until the call is tried again: with few places, and nothing urgent
    # to keep them free for, the test would only wait.
    (folder / "worker.toml").write_text(f"routine_starts = 32\n{text}")
    for slug in PLATFORMS:
        path = folder / f"adapter_{slug}.toml"
        said = path.read_text("utf-8")
        changed = said.replace(layout.address("acknowledgement"), addresses[f"from {slug}"])
        assert changed != said
        path.write_text(changed)


async def submit(lossy: Lossy, number: int) -> AcceptedSubmission:
    """As a careful client: the same request again until there is an answer."""
    opened = grpc_client.channel(
        lossy.submit_at, tls(lossy.stack.layout, Identity("referrer", "nca")),
        grpc_client.server_name("intake"), retry=False,
    )  # fmt: skip
    request = pb.SubmitReferralRequest(
        request_id=str(uuid.uuid4()),
        content=pb.SubmittedContent(url=f"https://x.com/e2e/status/{FIRST + number}", text=OFFER),
        terms_ground=1,
        test=True,
    )
    try:
        while True:
            try:
                answer = await ReferralServiceStub(opened).SubmitReferral(request, timeout=10)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                continue
            return AcceptedSubmission("nca", request.request_id, answer.referral.referral_id)
    finally:
        await opened.close()


async def until_done(layout: Layout, accepted: list[AcceptedSubmission], seconds: float) -> None:
    """Wait, on a line without losses, until every referral's removal is confirmed."""
    opened = channel(layout, "intake", "referrer", "nca")
    stub = ReferralServiceStub(opened)
    open_ids = {item.referral_id for item in accepted}
    async with asyncio.timeout(seconds):
        while open_ids:
            for referral_id in list(open_ids):
                request = pb.GetReferralRequest(referral_id=referral_id)
                found = (await stub.GetReferral(request, timeout=10)).referral
                # A person would have to decide: nothing was lost, and waiting would be in vain.
                assert found.state != enums.REFERRAL_STATE_IN_REVIEW, "the offer was not referred"
                if found.state in DONE:
                    open_ids.discard(referral_id)
            await asyncio.sleep(0.3)
    await opened.close()


async def test_lost_answers_lose_no_referral_and_double_no_effect(
    long: bool, figures: Figures
) -> None:
    count, seed = (100, 1) if long else (24, 1)
    root = Path(tempfile.mkdtemp(prefix="takedown-e2e-"))
    try:
        async with lossy(root, seed) as running:
            layout = running.stack.layout
            accepted = [await submit(running, number) for number in range(count)]
            await until_done(layout, accepted, 1200 if long else 150)
            findings = await audit(layout, accepted)
            effects = Counter(effect["notice_id"] for effect in read_ledger(layout))
            figures(
                "A3", seed=seed, share=SHARE, referrals=count, calls=running.calls.total(),
                answers_lost=dict(running.forgotten), lost=findings.lost, stuck=findings.stuck,
                duplicates=findings.duplicate_effects + sum(n - 1 for n in effects.values()),
            )  # fmt: skip
            assert findings.clean, findings.notes
            assert len(effects) == count
            assert set(effects.values()) == {1}
            methods = {name.rpartition("/")[2] for name in running.forgotten}
            assert {"AppendEvents", "SubmitReferral", "Observe", "Complete", "Receive"} <= methods
    finally:
        shutil.rmtree(root, ignore_errors=True)
