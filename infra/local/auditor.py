"""The auditor: after a run the record, the ledger and the workflows must tell one story.

I1 every submission seen accepted exists once; I2 one effect per notice at the platform;
I3 projection = fold of events = workflow's own state; I4 only legal transitions; I5 nothing
stuck. All counts must be zero.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from infra.local.layout import PLATFORMS, Layout
from services.intake.domain import PRIORITIES, Event, Projection, fold
from workflows import contracts
from workflows.lifecycle import State, is_legal
from workflows.snapshot import QUERY_SNAPSHOT, Snapshot

# A referral that moves on between the two looks agrees at the next: seconds between them.
_MOVING = (0.2, 1.0, 3.0)
_NOW = "SELECT state, outcome FROM intake.referrals WHERE referral_id = $1"
_COMPARED = ("state", "outcome", "last_sequence", "claim_time", "confirm_time", "detail")


@dataclass(frozen=True)
class AcceptedSubmission:
    """What a client was told: this request made or joined this referral."""

    referrer: str
    request_id: str
    referral_id: str


@dataclass
class Findings:
    """Counts by invariant; ``notes`` names what was found, by id only."""

    lost: int = 0
    duplicate_effects: int = 0
    projection_mismatches: int = 0
    illegal_transitions: int = 0
    stuck: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not any(value for name, value in asdict(self).items() if name != "notes")


async def audit(layout: Layout, accepted: Sequence[AcceptedSubmission]) -> Findings:
    """Hold record, ledger and workflows against each other."""
    findings = Findings()
    conn = await asyncpg.connect(
        layout.database_url("intake_app").replace("+asyncpg", ""), timeout=10
    )
    try:
        await conn.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )
        await _accepted_once(conn, accepted, findings)
        await _record(conn, layout, findings)
    finally:
        await conn.close()
    await _effects(layout, findings)
    return findings


async def _accepted_once(
    conn: asyncpg.Connection, accepted: Sequence[AcceptedSubmission], findings: Findings
) -> None:
    rows = await conn.fetch("SELECT referrer, request_id, referral_id FROM intake.submissions")
    known = Counter(
        (row["referrer"], str(row["request_id"]), str(row["referral_id"])) for row in rows
    )
    for item in accepted:
        if known[(item.referrer, item.request_id, item.referral_id)] != 1:
            findings.lost += 1
            findings.notes.append(f"I1 submission {item.request_id} is not on record once")


async def _record(conn: asyncpg.Connection, layout: Layout, findings: Findings) -> None:
    referrals, by_referral = await read_record(conn)
    temporal = await Client.connect(layout.address("temporal"))
    for referral in referrals:
        rows = by_referral.get(referral["referral_id"], [])
        _fold_agrees(referral, rows, findings)
        _legal(referral, rows, findings)
        await _workflow_agrees(temporal, conn, referral["referral_id"], findings)


async def read_record(conn: asyncpg.Connection) -> tuple[list[Any], dict[UUID, list[Any]]]:
    """Every referral and its events, as of one moment: what is audited may live on meanwhile."""
    by_referral: dict[UUID, list[Any]] = {}
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        for row in await conn.fetch("SELECT * FROM intake.events ORDER BY referral_id, sequence"):
            by_referral.setdefault(row["referral_id"], []).append(row)
        referrals = await conn.fetch("SELECT * FROM intake.referrals")
    return referrals, by_referral


def _fold_agrees(referral: Any, rows: list[Any], findings: Findings) -> None:
    first = Projection(priority=PRIORITIES["ROUTINE"])
    folded = fold([_event(row) for row in rows], first)
    gaps = [row["sequence"] for row in rows] != list(range(1, len(rows) + 1))
    differing = [n for n in _COMPARED if getattr(folded, n) != referral[n]]
    if gaps or differing:
        findings.projection_mismatches += 1
        findings.notes.append(f"I3 {referral['referral_id']} differs in {differing or 'sequence'}")


def _event(row: Any) -> Event:
    return Event(
        key=row["event_key"],
        type=row["type"],
        state=row["state"],
        actor=row["actor"],
        occurred_at=row["occur_time"],
        detail_kind=row["detail_kind"],
        detail=row["detail"],
    )


def _legal(referral: Any, rows: list[Any], findings: Findings) -> None:
    before = State.RECEIVED
    for row in rows:
        after = State(row["state"])
        # A late event is noted on a closed referral and changes nothing; at RESUMED the record says
        # where the workflow really is (docs/decisions/0017).
        unchanged = after is before or row["type"] == "RESUMED"
        if not unchanged and not is_legal(before, after):
            findings.illegal_transitions += 1
            findings.notes.append(f"I4 {referral['referral_id']}: {before} to {after}")
        before = after


async def _workflow_agrees(
    temporal: Client, conn: asyncpg.Connection, referral_id: UUID, findings: Findings
) -> None:
    handle = temporal.get_workflow_handle(contracts.workflow_id(str(referral_id)))
    try:
        described = await handle.describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        findings.stuck += 1
        findings.notes.append(f"I5 {referral_id} has no workflow")
        return
    for pause in (*_MOVING, 0.0):
        snapshot = await handle.query(QUERY_SNAPSHOT, result_type=Snapshot)
        referral = await conn.fetchrow(_NOW, referral_id)
        if (snapshot.state, snapshot.outcome) == (referral["state"], referral["outcome"]):
            break
        await asyncio.sleep(pause)
    else:
        findings.projection_mismatches += 1
        findings.notes.append(f"I3 {referral_id}: the workflow says {snapshot.state}")
    running = described.status is not None and described.status.name == "RUNNING"
    waits = running and bool(snapshot.waiting_for)
    if referral["state"] != "CLOSED" and not waits:
        findings.stuck += 1
        findings.notes.append(f"I5 {referral_id} waits for nothing")


async def _effects(layout: Layout, findings: Findings) -> None:
    """Every effect is of one prepared notice, with its stored bytes, and no notice has two."""
    # Before the notices, which are stored before they are sent: more may be sent meanwhile.
    effects = read_ledger(layout)
    sent: dict[str, Any] = {}
    for slug in PLATFORMS:
        conn = await asyncpg.connect(
            layout.database_url(f"adapter_{slug}_app").replace("+asyncpg", ""), timeout=10
        )
        rows = await conn.fetch(
            f"SELECT notice_id, referral_id, number, sha256 FROM adapter_{slug}.notices"  # noqa: S608
        )
        await conn.close()
        sent |= {str(row["notice_id"]): row for row in rows}
    per_notice = Counter(
        (str(sent[e["notice_id"]]["referral_id"]), e["number"])
        for e in effects
        if e["notice_id"] in sent
    )
    findings.duplicate_effects += sum(count - 1 for count in per_notice.values())
    for effect in effects:
        row = sent.get(effect["notice_id"])
        if row is None or row["sha256"] != effect["body_sha256"]:
            findings.duplicate_effects += 1
            findings.notes.append(f"I2 effect {effect['notice_id']} is of no stored notice")


async def unmatched(layout: Layout) -> int:
    """Platform events that no referral was found for, once all their attempts were made."""
    url = layout.database_url("acknowledgement_app").replace("+asyncpg", "")
    conn = await asyncpg.connect(url, timeout=10)
    try:
        return int(
            await conn.fetchval(
                "SELECT count(*) FROM acknowledgement.inbox_items WHERE result = 'UNMATCHED'"
                " OR completed_at IS NULL AND detail = 'unmatched'"
            )
        )
    finally:
        await conn.close()


def read_ledger(layout: Layout) -> list[dict[str, Any]]:
    """The simulated platforms' accepted effects."""
    ledger = sqlite3.connect(f"file:{layout.root / 'ledger.sqlite'}?mode=ro", uri=True)
    ledger.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in ledger.execute("SELECT * FROM effects ORDER BY accepted")]
    finally:
        ledger.close()


def read_told(layout: Layout) -> dict[str, float]:
    """When each platform answer was first delivered, by event id; seconds since the epoch."""
    ledger = sqlite3.connect(f"file:{layout.root / 'ledger.sqlite'}?mode=ro", uri=True)
    try:
        rows = ledger.execute("SELECT notice_id, place, at FROM told").fetchall()
        return {f"{notice}:{place}": at for notice, place, at in rows}
    finally:
        ledger.close()
