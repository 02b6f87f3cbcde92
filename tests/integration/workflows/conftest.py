"""A real intake, a real Temporal server, and a platform's adapter that answers as told."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.testing import ActivityEnvironment

from takedown.adapter.v1 import platform_adapter_service_pb2 as pb
from takedown.adapter.v1.platform_adapter_service_pb2_grpc import (
    PlatformAdapterServiceServicer,
    add_PlatformAdapterServiceServicer_to_server,
)
from takedown.referral.v1 import platform_event_pb2
from tests.fakes.pki import Pki
from tests.integration.conftest import MakeSchema
from tests.integration.intake.serving import Intake, assert_folded, serving
from workflows import contracts
from workflows.activities.reconciliation import ReconciliationActivities
from workflows.activities.restoring import Restoring
from workflows.contracts import StartReferral

BIN = Path(sys.executable).parent


@dataclass
class Adapter(PlatformAdapterServiceServicer):
    """Describes its rules and says what the platform answered; ``away`` refuses both."""

    answers: list[platform_event_pb2.PlatformEvent] = field(default_factory=list)
    away: bool = False

    async def Describe(self, request: Any, context: Any) -> pb.DescribeResponse:  # noqa: N802
        await self._refuse_when_away(context)
        answer = pb.DescribeResponse(platform="x")
        policy = answer.policy
        for name in (
            "acknowledgement", "acknowledgement_urgent", "decision", "decision_urgent",
            "renotice_interval", "delivery_patience", "claim_grace", "quorum_spacing",
            "monitoring_window", "monitoring_cadence",
        ):  # fmt: skip
            getattr(policy, name).FromTimedelta(timedelta(hours=7))
        policy.observation_cadence.add().FromTimedelta(timedelta(minutes=9))
        policy.quorum, policy.renotice_limit = 2, 3
        policy.confirmation = pb.CONFIRMATION_RULE_CLAIM_AND_OBSERVATION
        return answer

    async def GetNotice(self, request: Any, context: Any) -> pb.GetNoticeResponse:  # noqa: N802
        await self._refuse_when_away(context)
        return pb.GetNoticeResponse(platform_events=self.answers)

    async def _refuse_when_away(self, context: Any) -> None:
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")


@dataclass
class Desk:
    """Everything a reconciliation run works with."""

    intake: Intake
    temporal: Client
    adapter: Adapter
    activities: ReconciliationActivities

    async def run(self, activity: Any, request: Any, heartbeat: Any = None) -> Any:
        """As it runs in an installation whose relay has handed over every start."""
        await self.intake.starts_handed_over()
        environment = ActivityEnvironment()
        if heartbeat is not None:
            environment.info = _with_details(environment.info, heartbeat)
        return await environment.run(activity, request)

    async def described(self, referral_id: str) -> WorkflowExecutionDescription:
        return await self.temporal.get_workflow_handle(
            contracts.workflow_id(referral_id)
        ).describe()

    async def start_of(self, referral_id: str) -> StartReferral:
        """With what the referral's workflow was started."""
        handle = self.temporal.get_workflow_handle(contracts.workflow_id(referral_id))
        history = await handle.fetch_history()
        given = history.events[0].workflow_execution_started_event_attributes.input
        decoded = await self.temporal.data_converter.decode(given.payloads, [StartReferral])
        start: StartReferral = decoded[0]
        return start

    async def start_as_the_relay_does(self, referral_id: str) -> None:
        await self.temporal.start_workflow(
            contracts.WORKFLOW, StartReferral(referral_id, "x", "POST", "ROUTINE", version=2),
            id=contracts.workflow_id(referral_id), task_queue=contracts.REFERRALS_QUEUE,
        )  # fmt: skip


def _with_details(info: Any, heartbeat: Any) -> Any:
    return replace(info, heartbeat_details=[heartbeat])


@pytest.fixture(scope="session")
def temporal_address() -> Iterator[str]:
    """A development server of its own, in memory."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    command = [
        str(BIN / "temporal"), "server", "start-dev", "--headless", "--ip", "127.0.0.1",
        "--port", str(port), "--log-level", "error", "--disable-config-env",
        "--disable-config-file",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
async def temporal(temporal_address: str) -> Client:
    async with asyncio.timeout(30):
        while True:
            try:
                return await Client.connect(temporal_address)
            except RuntimeError:
                await asyncio.sleep(0.1)


@pytest.fixture
async def desk(pki: Pki, make_schema: MakeSchema, temporal: Client) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        intake = await stack.enter_async_context(serving(pki, await make_schema("intake")))
        adapter, server = Adapter(), grpc.aio.server()
        add_PlatformAdapterServiceServicer_to_server(adapter, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        stack.push_async_callback(server.stop, 0)
        opened = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        stack.push_async_callback(opened.close)
        worker = intake.channel("service/worker")
        restoring = Restoring(worker, {"x": opened}, time_scale=1.0)
        activities = ReconciliationActivities(temporal, worker, [], restoring)
        yield Desk(intake, temporal, adapter, activities)
        await assert_folded(intake)


def run_id() -> str:
    return str(uuid.uuid4())
