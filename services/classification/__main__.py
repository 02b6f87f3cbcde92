"""Classification: says how likely a text is a smuggling advert, and why."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc

from services.classification import together
from services.classification.bank.assembly import Bank
from services.classification.config import ClassificationSettings
from services.classification.pictures.process import Limits
from services.classification.pictures.reader import PictureReader
from services.classification.servicer import SERVICE, ClassificationServicer
from services.classification.serving import ServingEngine
from services.kernel import config, grpc_server, process, telemetry
from services.kernel.clock import SystemClock
from takedown.classification.v1.classification_service_pb2_grpc import (
    add_ClassificationServiceServicer_to_server,
)


async def main(settings: ClassificationSettings) -> int:
    observed = telemetry.setup("classification", settings.telemetry)
    executor = ThreadPoolExecutor(settings.threads, thread_name_prefix="assess")
    try:
        engine = ServingEngine(
            settings.engine, settings.model, settings.shadow, executor, settings.embedding_threads
        )
    except (ValueError, OSError) as error:
        config.refuse("classification", [f"{error}; restore the files of the release."])
    together.collect_seldom()
    pictures = PictureReader(Limits(seconds=settings.picture_seconds))
    clock = SystemClock()
    bank = Bank.of(settings, engine.entities, executor, clock)
    asking = bank.asking if bank else None
    servicer = ClassificationServicer(engine, executor, clock, pictures, asking)

    def register(server: grpc.aio.Server) -> list[str]:
        add_ClassificationServiceServicer_to_server(servicer, server)
        return [SERVICE, *([bank.servicer.register(server)] if bank else [])]

    async def close() -> None:
        executor.shutdown(wait=True, cancel_futures=True)
        if bank:
            await bank.close()

    background = (engine.background, *([bank.background] if bank else []))
    return await grpc_server.serve(
        settings,
        observed,
        register,
        background=background,
        on_stop=(pictures.close, close),
    )


if __name__ == "__main__":
    process.run(main(config.load(ClassificationSettings, "classification")))
