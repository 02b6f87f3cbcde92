"""The signal bank put together: its service, and how assessments ask it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from services.classification.bank import digests
from services.classification.bank.asking import Asking
from services.classification.bank.digests import Digester
from services.classification.bank.purging import Purging
from services.classification.bank.servicer import Entities, SignalBankServicer
from services.classification.config import ClassificationSettings
from services.kernel import db
from services.kernel.clock import Clock


@dataclass(frozen=True)
class Bank:
    """``engine`` is the database's."""

    engine: AsyncEngine
    executor: Executor
    asking: Asking
    servicer: SignalBankServicer
    purging: Purging

    @classmethod
    def of(
        cls,
        settings: ClassificationSettings,
        entities: Entities,
        executor: Executor,
        clock: Clock,
    ) -> Bank | None:
        """None where the settings name no database."""
        if settings.database is None or settings.signal_key is None:
            return None
        engine = db.engine(settings.database, "classification")
        digester = Digester(settings.signal_key.get_secret_value().encode())
        asking = Asking(engine, digester, executor, clock)
        servicer = SignalBankServicer(engine, digester, entities, executor, clock)
        return cls(engine, executor, asking, servicer, Purging(engine, clock))

    async def background(self, stop: asyncio.Event) -> None:
        """Load what digests need, beside serving, then purge what has ended."""
        await asyncio.get_running_loop().run_in_executor(self.executor, digests.warm)
        await self.purging.background(stop)

    async def close(self) -> None:
        await self.engine.dispose()
