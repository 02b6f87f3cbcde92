"""Live progress: a table that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.table import Table

ORDER = (
    "RECEIVED", "IN_REVIEW", "ON_HOLD", "NOTIFYING", "AWAITING_ACKNOWLEDGEMENT",
    "AWAITING_DECISION", "CLARIFICATION_REQUESTED", "VERIFYING_REMOVAL", "CONTRADICTED",
    "MONITORING", "CLOSED",
)  # fmt: skip
_EVERY = 3.0


class ProgressView:
    """Shows how many referrals are in each state."""

    def __init__(self, *, live: bool, total: int) -> None:
        self._total = total
        self._live = Live(self._table({}), refresh_per_second=5) if live else None
        self._last = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, states: dict[str, str]) -> None:
        counts = dict(Counter(states.values()))
        if self._live is not None:
            self._live.update(self._table(counts))
        elif time.monotonic() - self._last > _EVERY:
            self._last = time.monotonic()
            shown = ", ".join(f"{s.lower()} {counts[s]}" for s in ORDER if counts.get(s))
            print(f"{len(states)} of {self._total} referrals: {shown}", flush=True)

    def _table(self, counts: dict[str, int]) -> Table:
        table = Table(title=f"{self._total} referrals")
        for state in ORDER:
            table.add_column(state.replace("_", " ").lower())
        table.add_row(*[str(counts.get(state, 0)) for state in ORDER])
        return table
