"""Counts per platform: states and outcomes, and what the lives of referrals held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg

from takedown.intake.v1 import casework_service_pb2 as pb

_STATES = """
    SELECT platform, test, state, outcome, count(*) AS referrals FROM intake.referrals
    WHERE $1 = '' OR campaign_id = $1
    GROUP BY platform, test, state, outcome ORDER BY platform, test
"""
# A renewal goes on with the hold before it, which then has an end time and no end: counted once.
_LIVES = """
    SELECT r.platform, r.test,
        sum(coalesce((r.detail ->> 'contradictions')::bigint, 0)) AS contradictions,
        sum(coalesce((r.detail ->> 'reappearances')::bigint, 0)) AS reappearances,
        count(*) FILTER (WHERE r.detail ? 'reversal') AS reversals,
        sum(h.holds) AS holds, sum(h.held_seconds) AS held_seconds, sum(h.vanished) AS vanished
    FROM intake.referrals r
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (
                WHERE hold ? 'placeTime' AND (hold ? 'end' OR NOT hold ? 'endTime')) AS holds,
            coalesce(sum((hold -> 'cost' ->> 'heldSeconds')::bigint), 0) AS held_seconds,
            count(*) FILTER (WHERE (hold -> 'cost' ->> 'vanished')::boolean) AS vanished
        FROM jsonb_array_elements(coalesce(r.detail -> 'holds', '[]')) AS hold
    ) AS h
    WHERE r.detail ?| ARRAY['holds', 'contradictions', 'reappearances', 'reversal']
        AND ($1 = '' OR r.campaign_id = $1)
    GROUP BY r.platform, r.test
"""


async def read(conn: asyncpg.Connection, campaign_id: str) -> list[pb.PlatformStatistics]:
    """Counts of one campaign, or of everything for ""; tests stand apart from real referrals."""
    found: dict[tuple[str, bool], pb.PlatformStatistics] = {}
    for row in await conn.fetch(_STATES, campaign_id):
        counts = _of(found, row)
        counts.referrals += row["referrals"]
        counts.states[row["state"]] += row["referrals"]
        if row["outcome"]:
            counts.outcomes[row["outcome"]] += row["referrals"]
    for row in await conn.fetch(_LIVES, campaign_id):
        counts = _of(found, row)
        counts.contradictions = int(row["contradictions"])
        counts.reappearances = int(row["reappearances"])
        counts.reversals = row["reversals"]
        counts.holds = int(row["holds"])
        counts.held_seconds = int(row["held_seconds"])
        counts.vanished_on_hold = int(row["vanished"])
    return list(found.values())


def _of(
    found: dict[tuple[str, bool], pb.PlatformStatistics], row: Mapping[str, Any]
) -> pb.PlatformStatistics:
    key = (row["platform"], row["test"])
    return found.setdefault(key, pb.PlatformStatistics(platform=key[0], test=key[1]))
