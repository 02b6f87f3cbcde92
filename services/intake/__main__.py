"""Intake: receives referrals, keeps the record."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from services.intake import accept
from services.intake.casework_servicer import CASEWORK, CaseworkServicer
from services.intake.coalescer import Coalescer
from services.intake.config import IntakeSettings
from services.intake.record_servicer import RECORD, RecordServicer
from services.intake.servicer import SERVICE, ReferralServicer
from services.intake.submission import NewSubmission
from services.intake.watch import Watch
from services.kernel import config, db, grpc_server, telemetry
from services.kernel.clock import SystemClock
from services.kernel.delivery_servicer import DeliveryServicer
from takedown.intake.v1.casework_service_pb2_grpc import add_CaseworkServiceServicer_to_server
from takedown.intake.v1.record_service_pb2_grpc import add_RecordServiceServicer_to_server
from takedown.intake.v1.referral_service_pb2_grpc import add_ReferralServiceServicer_to_server


async def main(settings: IntakeSettings) -> int:
    observed = telemetry.setup("intake", settings.telemetry)
    engine = db.engine(settings.database, "intake")
    clock = SystemClock()

    async def store(items: Sequence[NewSubmission]) -> list[accept.Result]:
        async with db.raw(engine) as conn:
            return await accept.accept(conn, items)

    coalescer = Coalescer(store, settings.coalesce)
    watch = Watch(engine, settings.database, settings.watch_heartbeat_seconds)
    delivery = DeliveryServicer(engine, settings.database, "intake", clock)
    referrals = ReferralServicer(
        engine,
        coalescer,
        watch,
        clock,
        accept_real=settings.accept_real,
        platforms=frozenset(settings.platforms),
    )

    def register(server: grpc.aio.Server) -> list[str]:
        add_ReferralServiceServicer_to_server(referrals, server)
        add_CaseworkServiceServicer_to_server(CaseworkServicer(engine, clock), server)
        add_RecordServiceServicer_to_server(RecordServicer(engine, clock), server)
        return [SERVICE, CASEWORK, RECORD, delivery.register(server)]

    return await grpc_server.serve(
        settings,
        observed,
        register,
        background=(watch.background, delivery.background),
        # Calls in flight wait for it: it ends after the last of them.
        until_drained=(coalescer.run,),
        on_stop=(engine.dispose,),
    )


if __name__ == "__main__":
    grpc_server.run(main(config.load(IntakeSettings, "intake")))
