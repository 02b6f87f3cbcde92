"""What the demonstration found: figures for people and for build/demo/summary.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from infra.local.auditor import Findings, read_ledger, read_told
from infra.local.demo_run import LIFE, Run
from infra.local.layout import PLATFORMS
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import event_pb2

_TYPE = "REFERRAL_EVENT_TYPE_"
_COLUMNS = (
    "submitted", "reviewed", "sent", "acknowledged", "REMOVED", "RESTRICTED", "DECLINED",
    "REJECTED", "GONE_BEFORE_NOTICE", "NO_RESPONSE", "WITHDRAWN", "UNDELIVERABLE", "DUPLICATE",
)  # fmt: skip


# Referrals to which this happened at least once, by the event that says so.
_HAPPENED = LIFE | {"escalated": "ESCALATED", "reminded": "REMINDER_SENT"}


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank; 0 without values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def summary(run: Run, findings: Findings, wall: float) -> dict[str, Any]:
    notice, answer = accept_to_notice_ms(run), answer_to_record_ms(run)
    return {
        "outcomes": {slug: dict(_outcomes(run, slug)) for slug in PLATFORMS},
        "dispositions": dict(run.dispositions),
        **{name: _with(run, kind) for name, kind in _HAPPENED.items()},
        "unmatched_events": run.unmatched,
        "campaigns": {c.campaign_id: c.referrals for c in run.campaigns},
        "accept_to_notice_ms_p50": round(percentile(notice, 0.5), 1),
        "accept_to_notice_ms_p99": round(percentile(notice, 0.99), 1),
        "answer_to_record_ms_p50": round(percentile(answer, 0.5), 1),
        "answer_to_record_ms_p99": round(percentile(answer, 0.99), 1),
        "lost": findings.lost,
        "duplicate_effects": findings.duplicate_effects,
        "stuck": findings.stuck,
        "illegal_transitions": findings.illegal_transitions,
        "projection_mismatches": findings.projection_mismatches,
        "unexpected": run.unexpected(),
        "wall_s": round(wall, 1),
    }


def _with(run: Run, kind: str, slug: str = "") -> int:
    """Referrals, of one platform or of all, to which this happened."""
    return sum(
        kind in types(events)
        for referral_id, events in run.events.items()
        if slug in ("", run.platform(referral_id))
    )


def _outcomes(run: Run, slug: str) -> Counter[str]:
    return Counter(
        run.outcome(referral_id) for referral_id in run.keys if run.platform(referral_id) == slug
    )


def accept_to_notice_ms(run: Run) -> list[float]:
    """From acceptance to the platform's own acceptance of the first notice, where no person
    decided and no fault was scripted."""
    first = {}
    for effect in read_ledger(run.layout):
        if effect["number"] == 1:
            first[f"{effect['platform']}/{effect['key']}"] = effect["accepted"]
    found = []
    for referral_id, key in run.keys.items():
        kinds = types(run.events.get(referral_id, ()))
        scripted = run.script.get(key, {})
        if key not in first or "REVIEW_REQUESTED" in kinds or scripted.get("faults"):
            continue
        accepted = run.events[referral_id][0].record_time.ToNanoseconds() / 1e9
        found.append((first[key] - accepted) * 1000)
    return found


def answer_to_record_ms(run: Run) -> list[float]:
    """From when a platform gave an answer to when a watcher saw it on record."""
    told = read_told(run.layout)
    return [
        (seen - told[event_id]) * 1000 for event_id, seen in run.seen_at.items() if event_id in told
    ]


def types(events: Sequence[event_pb2.ReferralEvent]) -> list[str]:
    return [event_pb2.ReferralEventType.Name(e.type).removeprefix(_TYPE) for e in events]


def print_report(run: Run, findings: Findings, wall: float) -> None:
    console = Console(width=160)
    console.print(_platform_table(run))
    console.print(_life_table(run))
    console.print(_timeline(run))
    notice, answer = accept_to_notice_ms(run), answer_to_record_ms(run)
    console.print(
        f"accept to notice p50 {percentile(notice, 0.5):.0f} ms, p99"
        f" {percentile(notice, 0.99):.0f} ms; answer to record p50"
        f" {percentile(answer, 0.5):.0f} ms, p99 {percentile(answer, 0.99):.0f} ms"
    )
    listed = ", ".join(f"{c.campaign_id}: {c.referrals} referrals" for c in run.campaigns)
    console.print(f"campaigns: {listed}; events of unknown notices: {run.unmatched}")
    console.print(
        f"auditor: lost {findings.lost}, duplicate effects {findings.duplicate_effects},"
        f" projection mismatches {findings.projection_mismatches}, illegal transitions"
        f" {findings.illegal_transitions}, stuck {findings.stuck}; {wall:.0f} s in all"
    )


def _platform_table(run: Run) -> Table:
    table = Table(title="The example batch")
    table.add_column("platform")
    for name in (*_COLUMNS, "median accept to notice", "median notice to removal"):
        table.add_column(name.replace("_", " ").lower(), justify="right")
    for slug in PLATFORMS:
        table.add_row(slug, *_row(run, slug))
    return table


def _life_table(run: Run) -> Table:
    table = Table(title="What happened on the way (referrals)")
    table.add_column("platform")
    for name in _HAPPENED:
        table.add_column(name, justify="right")
    for slug in PLATFORMS:
        table.add_row(slug, *(str(_with(run, kind, slug)) for kind in _HAPPENED.values()))
    return table


def _row(run: Run, slug: str) -> list[str]:
    mine = [i for i in run.keys if run.platform(i) == slug]
    submitted = sum(1 for a in run.accepted if run.platform(a.referral_id) == slug)
    kinds = {i: types(run.events.get(i, ())) for i in mine}
    counted = {
        "submitted": submitted,
        "reviewed": sum("REVIEW_DECIDED" in kinds[i] for i in mine),
        "sent": sum("NOTICE_DELIVERED" in kinds[i] for i in mine),
        "acknowledged": sum("ACKNOWLEDGED" in kinds[i] for i in mine),
    }
    outcomes = _outcomes(run, slug)
    cells = [str(counted.get(name, outcomes.get(name, 0))) for name in _COLUMNS]
    return [*cells, _median(run, mine, "RECEIVED", "NOTICE_DELIVERED"),
            _median(run, mine, "NOTICE_DELIVERED", "REMOVAL_CONFIRMED")]  # fmt: skip


def _median(run: Run, referral_ids: list[str], start: str, end: str) -> str:
    found = []
    for referral_id in referral_ids:
        times: dict[str, float] = {}
        for event, kind in zip(
            run.events.get(referral_id, ()), types(run.events.get(referral_id, ())), strict=True
        ):
            times.setdefault(kind, event.record_time.ToNanoseconds() / 1e9)
        if start in times and end in times:
            found.append(times[end] - times[start])
    return f"{median(found):.1f} s" if found else "-"


def _timeline(run: Run) -> Table:
    """One referral's whole life: the longest that ended in a removal."""
    removed = [i for i in run.keys if run.outcome(i) == "REMOVED"]
    table = Table(title="One referral's timeline")
    for name in ("#", "time (UTC)", "event", "state after it", "who"):
        table.add_column(name)
    if not removed:
        return table
    chosen = max(removed, key=lambda i: len(set(types(run.events[i]))))
    table.title = f"Timeline of {chosen}"
    for event, kind in zip(run.events[chosen], types(run.events[chosen]), strict=True):
        table.add_row(
            str(event.sequence),
            event.occur_time.ToJsonString()[11:23],
            _words(event, kind),
            enums.ReferralState.Name(event.state)[15:].replace("_", " ").lower(),
            event.actor.rpartition("/")[2],
        )
    return table


def _words(event: event_pb2.ReferralEvent, kind: str) -> str:
    text = kind.replace("_", " ").lower()
    if event.HasField("observation"):
        return f"{text}: {event.observation.marker}"
    if event.HasField("closed"):
        return f"{text}: {enums.Outcome.Name(event.closed.outcome).removeprefix('OUTCOME_')}"
    return text
