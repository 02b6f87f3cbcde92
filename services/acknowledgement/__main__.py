"""Acknowledgement: takes in what platforms say, and hands it to the relay."""

from __future__ import annotations

import grpc

from services.acknowledgement.config import AcknowledgementSettings
from services.acknowledgement.servicer import SERVICE, AcknowledgementServicer
from services.acknowledgement.store import SCHEMA
from services.kernel import config, db, grpc_server, process, telemetry
from services.kernel.clock import SystemClock
from services.kernel.delivery_servicer import DeliveryServicer
from takedown.acknowledgement.v1.acknowledgement_service_pb2_grpc import (
    add_AcknowledgementServiceServicer_to_server,
)


async def main(settings: AcknowledgementSettings) -> int:
    observed = telemetry.setup("acknowledgement", settings.telemetry)
    engine = db.engine(settings.database, "acknowledgement")
    clock = SystemClock()
    delivery = DeliveryServicer(engine, settings.database, SCHEMA, clock)

    def register(server: grpc.aio.Server) -> list[str]:
        servicer = AcknowledgementServicer(engine, clock)
        add_AcknowledgementServiceServicer_to_server(servicer, server)
        return [SERVICE, delivery.register(server)]

    return await grpc_server.serve(
        settings, observed, register, background=(delivery.background,), on_stop=(engine.dispose,)
    )


if __name__ == "__main__":
    process.run(main(config.load(AcknowledgementSettings, "acknowledgement")))
