"""Observations and captures, each stored once under its request_id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.kernel import db

Row = Mapping[str, Any]
_OBSERVATION: Final = (
    "observation_id", "request_id", "referral_id", "series", "purpose", "availability",
    "visible", "cause", "confidence", "marker", "controls_passed", "vantage",
    "response_sha256", "counts_as_gone", "resolved_url", "observe_time",
)  # fmt: skip
_CAPTURE: Final = (
    "capture_id", "request_id", "referral_id", "sha256", "size_bytes", "warc_key",
    "http_status", "truncated", "failure", "capture_time",
)  # fmt: skip


class Store:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def observation(self, request_id: str) -> Row | None:
        return await self._found("observations", request_id)

    async def capture(self, request_id: str) -> Row | None:
        return await self._found("captures", request_id)

    async def keep_observation(self, values: Row) -> Row:
        """The stored row: this one, or the one that was there under its request_id."""
        return await self._keep("observations", _OBSERVATION, values)

    async def keep_capture(self, values: Row) -> Row:
        return await self._keep("captures", _CAPTURE, values)

    async def series(self, series: str) -> list[Row]:
        """Every observation of a series, oldest first."""
        async with db.raw(self._engine) as conn:
            rows: list[Row] = await conn.fetch(
                "SELECT * FROM observation.observations WHERE series = $1"
                " ORDER BY observe_time, observation_id",
                series,
            )
        return rows

    async def _found(self, table: str, request_id: str) -> Row | None:
        async with db.raw(self._engine) as conn:
            row: Row | None = await conn.fetchrow(
                f"SELECT * FROM observation.{table} WHERE request_id = $1",  # noqa: S608
                request_id,
            )
        return row

    async def _keep(self, table: str, names: tuple[str, ...], values: Row) -> Row:
        columns = ", ".join(names)
        places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
        async with db.raw(self._engine) as conn:
            await conn.execute(
                f"INSERT INTO observation.{table} ({columns}) VALUES ({places})"  # noqa: S608
                " ON CONFLICT (request_id) DO NOTHING",
                *[values[name] for name in names],
            )
            row: Row = await conn.fetchrow(
                f"SELECT * FROM observation.{table} WHERE request_id = $1",  # noqa: S608
                values["request_id"],
            )
        return row
