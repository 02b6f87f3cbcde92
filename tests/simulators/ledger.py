"""The ledger of accepted effects: what the auditor counts. Durable, one row per notice."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Effect:
    notice_id: str
    platform: str
    key: str
    number: int
    accepted: float
    body_sha256: str
    withdrawn: float | None
    requests: int


class Ledger:
    """Committed before a notice is answered. ``path`` ":memory:" keeps nothing."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(str(path), isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS effects (notice_id TEXT PRIMARY KEY, platform TEXT,"
            " key TEXT, number INTEGER, accepted REAL, body_sha256 TEXT, withdrawn REAL,"
            " requests INTEGER)"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS told (notice_id TEXT, place INTEGER, at REAL,"
            " PRIMARY KEY (notice_id, place))"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS clarifications (notice_id TEXT, clarification_id TEXT,"
            " body_sha256 TEXT, at REAL, requests INTEGER,"
            " PRIMARY KEY (notice_id, clarification_id))"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS faults (key TEXT PRIMARY KEY, used INTEGER)")

    def close(self) -> None:
        self._db.close()

    def accept(self, effect: Effect) -> Effect:
        """The effect of this notice: new, or the one it had before (same key, no second one)."""
        self._db.execute(
            "INSERT INTO effects VALUES (?, ?, ?, ?, ?, ?, NULL, 1)"
            " ON CONFLICT (notice_id) DO UPDATE SET requests = requests + 1",
            (effect.notice_id, effect.platform, effect.key, effect.number, effect.accepted,
             effect.body_sha256),
        )  # fmt: skip
        found = self.find(effect.notice_id)
        if found is None:
            raise LookupError("an accepted notice is not in the ledger")
        return found

    def find(self, notice_id: str) -> Effect | None:
        row = self._db.execute("SELECT * FROM effects WHERE notice_id = ?", (notice_id,)).fetchone()
        return Effect(*row) if row else None

    def effects(self) -> list[Effect]:
        return [Effect(*row) for row in self._db.execute("SELECT * FROM effects ORDER BY accepted")]

    def accepted_after(self, row: int) -> list[tuple[int, Effect]]:
        """(row, effect) of what was accepted behind ``row``, in that order; 0 for all of it."""
        found = self._db.execute(
            "SELECT rowid, * FROM effects WHERE rowid > ? ORDER BY rowid", (row,)
        )
        return [(number, Effect(*columns)) for number, *columns in found]

    def accepted_times(self, platform: str, key: str) -> dict[int, float]:
        rows = self._db.execute(
            "SELECT number, min(accepted) FROM effects WHERE platform = ? AND key = ?"
            " GROUP BY number",
            (platform, key),
        )
        return dict(rows.fetchall())

    def withdraw(self, notice_id: str, at: float) -> bool:
        cursor = self._db.execute(
            "UPDATE effects SET withdrawn = coalesce(withdrawn, ?) WHERE notice_id = ?",
            (at, notice_id),
        )
        return cursor.rowcount > 0

    def answered(self, notice_id: str, clarification_id: str, digest: str, at: float) -> str:
        """Keep the first answer to a question; the digest of the one that is kept."""
        self._db.execute(
            "INSERT INTO clarifications VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE"
            " SET requests = requests + 1",
            (notice_id, clarification_id, digest, at),
        )
        kept: str = self._db.execute(
            "SELECT body_sha256 FROM clarifications WHERE notice_id = ? AND clarification_id = ?",
            (notice_id, clarification_id),
        ).fetchone()[0]
        return kept

    def answer_times(self, notice_id: str) -> list[float]:
        """When each question about this notice was answered, oldest first."""
        rows = self._db.execute(
            "SELECT at FROM clarifications WHERE notice_id = ? ORDER BY at", (notice_id,)
        )
        return [row[0] for row in rows]

    def heard(self, notice_id: str) -> dict[int, float]:
        """When each scripted question about this notice was answered, by the question's place."""
        rows = self._db.execute(
            "SELECT clarification_id, at FROM clarifications WHERE notice_id = ?", (notice_id,)
        )
        places = ((asked.removeprefix(f"{notice_id}:"), at) for asked, at in rows)
        return {int(place): at for place, at in places if place.isdecimal()}

    def heard_times(self, platform: str, key: str) -> dict[int, dict[int, float]]:
        """The same for every notice about one item, by the notice's number."""
        rows = self._db.execute(
            "SELECT notice_id, number FROM effects WHERE platform = ? AND key = ?", (platform, key)
        )
        return {number: self.heard(notice_id) for notice_id, number in rows.fetchall()}

    def untold(self, notice_id: str, places: list[int]) -> list[int]:
        told = {
            row[0]
            for row in self._db.execute("SELECT place FROM told WHERE notice_id = ?", (notice_id,))
        }
        return [place for place in places if place not in told]

    def tell(self, notice_id: str, place: int, at: float) -> None:
        self._db.execute("INSERT OR IGNORE INTO told VALUES (?, ?, ?)", (notice_id, place, at))

    def told_times(self) -> dict[str, float]:
        """When each answer was first delivered, by event id."""
        rows = self._db.execute("SELECT notice_id, place, at FROM told")
        return {event_id(notice, place): at for notice, place, at in rows}

    def next_fault(self, key: str, faults: tuple[str, ...]) -> str:
        """The fault that this request meets, "" when all are used up."""
        row = self._db.execute("SELECT used FROM faults WHERE key = ?", (key,)).fetchone()
        used = row[0] if row else 0
        if used >= len(faults):
            return ""
        self._db.execute(
            "INSERT INTO faults VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET used = used + 1",
            (key,),
        )
        return faults[used]


def event_id(notice_id: str, place: int) -> str:
    return f"{notice_id}:{place}"
