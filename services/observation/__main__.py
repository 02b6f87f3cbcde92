"""Observation: looks at content through a guarded client, and preserves it."""

from __future__ import annotations

import grpc
import structlog

from services.kernel import config, db, grpc_server, process, telemetry
from services.kernel.clock import SystemClock
from services.observation.client import GuardedClient
from services.observation.config import ObservationSettings
from services.observation.controls import control_items
from services.observation.evidence import EvidenceStore
from services.observation.observer import Controls, Observer
from services.observation.servicer import SERVICE, ObservationServicer
from services.observation.store import Store
from takedown.observation.v1.observation_service_pb2_grpc import (
    add_ObservationServiceServicer_to_server,
)


async def main(settings: ObservationSettings) -> int:
    observed = telemetry.setup("observation", settings.telemetry)
    if settings.sandbox is not None:
        structlog.get_logger("observation").warning(
            "sandbox_only", meaning="every connection goes to this origin, none to the internet",
            origin=settings.sandbox.origin,
        )  # fmt: skip
    engine = db.engine(settings.database, "observation")
    client = GuardedClient(settings.sandbox, settings.fetch_seconds)
    clock = SystemClock()
    items = control_items(settings.controls)
    controls = Controls(client, items, settings.control_seconds, clock)
    servicer = ObservationServicer(
        Observer(client, controls),
        client,
        EvidenceStore(settings.evidence),
        Store(engine),
        clock,
        vantage=settings.vantage,
    )

    def register(server: grpc.aio.Server) -> list[str]:
        add_ObservationServiceServicer_to_server(servicer, server)
        return [SERVICE]

    return await grpc_server.serve(
        settings, observed, register, on_stop=(client.close, engine.dispose)
    )


if __name__ == "__main__":
    process.run(main(config.load(ObservationSettings, "observation")))
