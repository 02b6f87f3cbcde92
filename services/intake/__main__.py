"""Intake: receives referrals, keeps the record."""

from __future__ import annotations

import grpc

from services.intake import accept
from services.intake.casework_servicer import CaseworkServicer
from services.intake.coalescer import Coalescer
from services.intake.config import IntakeSettings
from services.intake.record_servicer import RecordServicer
from services.intake.servicer import ReferralServicer
from services.intake.watch import Watch
from services.kernel import config, db, grpc_server, process, telemetry
from services.kernel.clock import SystemClock
from services.kernel.delivery_servicer import DeliveryServicer


async def main(settings: IntakeSettings) -> int:
    observed = telemetry.setup("intake", settings.telemetry)
    engine = db.engine(settings.database, "intake")
    clock = SystemClock()

    coalescer = Coalescer(accept.storing(engine), settings.coalesce, settings.coalesce_seconds)
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
        served = (referrals, CaseworkServicer(engine, clock), RecordServicer(engine, clock))
        return [servicer.register(server) for servicer in (*served, delivery)]

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
    process.run(main(config.load(IntakeSettings, "intake")))
