"""The command line against a real intake: what people type, what they read, how it exits."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from takedown.intake.v1 import casework_service_pb2 as pb
from takedown.intake.v1 import record_service_pb2 as record_pb
from takedown.referral.v1 import event_pb2
from tests.integration.intake.lives import (
    ahead,
    append,
    asked,
    created,
    event,
    in_review,
    noticed,
    shown,
    spiffe,
)
from tests.integration.intake.serving import REPOSITORY, Intake

WHO = ("referrer/nca", "operator/dev", "operator/two")


class Cli:
    """``takedown`` in a process of its own, with a profile of this intake."""

    def __init__(self, typist: subprocess.Popen[str], intake: Intake, folder: Path) -> None:
        files = {who: intake.pki.tls(who) for who in WHO}
        profile = {
            "services": {
                "intake": {"address": intake.target, "server_name": "intake.takedown.internal"}
            },
            "identities": {w: f.model_dump(mode="json") for w, f in files.items()},
        }
        self._typist = typist
        self._profile = folder / "profile.json"
        self._profile.write_text(json.dumps(profile), encoding="utf-8")

    async def __call__(self, *arguments: str, exits: int = 0) -> str:
        """What it printed: on stdout, or on stderr when it must fail."""
        asked = json.dumps({"profile": str(self._profile), "arguments": arguments})
        told = json.loads(await asyncio.wait_for(asyncio.to_thread(self._type, asked), 60))
        assert told["code"] == exits, told
        return str(told["err"] if exits else told["out"])

    def _type(self, line: str) -> str:
        source, sink = self._typist.stdout, self._typist.stdin
        assert source is not None
        assert sink is not None
        sink.write(line + "\n")
        sink.flush()
        return source.readline()

    async def json(self, *arguments: str) -> Any:
        return json.loads(await self(*arguments, "--json"))


@pytest.fixture(scope="module")
def typist() -> Iterator[subprocess.Popen[str]]:
    path = f"{REPOSITORY}:{REPOSITORY / 'protos' / 'gen'}"
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.intake.typist"],
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": path}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with started:
        yield started
        started.stdin.close()  # type: ignore[union-attr]


@pytest.fixture
def cli(typist: subprocess.Popen[str], intake: Intake, tmp_path: Path) -> Cli:
    return Cli(typist, intake, tmp_path)


async def test_files_go_along_as_evidence_or_nothing_is_submitted(cli: Cli, tmp_path: Path) -> None:
    url = "https://x.com/somebody/status/1800000000000000077"
    picture, empty, large = (tmp_path / name for name in ("ad.png", "empty.png", "large.bin"))
    picture.write_bytes(b"\x89PNG and so on")
    empty.touch()
    large.write_bytes(bytes((1 << 20) + 1))
    submit = ("referral", "submit", url, "--test", "--evidence")
    for path, why in ((empty, "is empty"), (large, "is larger"), (tmp_path / "no", "be read")):
        assert why in await cli(*submit, str(path), exits=2)
    answer = await cli.json(*submit, str(picture), "--evidence", str(picture))
    # Only now: what was refused had stored nothing to join.
    assert answer["disposition"] == "DISPOSITION_CREATED"
    [kept, _] = answer["submission"]["evidence"]
    assert (kept["file_name"], kept["media_type"]) == ("ad.png", "image/png")
    assert int(kept["size_bytes"]) == len(picture.read_bytes())


async def test_a_hold_is_submitted_shown_placed_and_released(intake: Intake, cli: Cli) -> None:
    answer = await cli.json(
        "referral", "submit", "https://x.com/somebody/status/1800000000000000001", "--test",
        "--hold-until", "3d", "--hold-reason", "surveillance",
    )  # fmt: skip
    referral_id = answer["referral"]["referral_id"]
    assert answer["referral"]["holds"][0]["owner"] == "referrer/nca"
    assert "(asked for)" in await cli("referral", "get", referral_id)
    assert "release asked for" in await cli("hold", "release", referral_id)
    same = ("hold", "place", referral_id, "--reason", "surveillance", "--for", "2d")
    refused = await cli(*same, exits=1)
    assert "HOLD_NOT_NEW" in refused
    assert "note" in refused
    assert "hold asked for until" in await cli(*same, "--note", "a new lead")
    missing = await cli("hold", "place", referral_id, "--reason", "other", exits=2)
    assert "--until or --for" in missing
    wrong = await cli("hold", "place", referral_id, "--reason", "why", "--for", "2d", exits=2)
    assert "live_investigation" in wrong
    half = await cli(
        "referral", "submit", "https://x.com/a/status/18", "--hold-until", "3d", exits=2
    )
    assert "--hold-reason" in half


async def test_two_people_refer_an_account(intake: Intake, cli: Cli) -> None:
    referral_id = await in_review(intake, url="https://x.com/fast_crossings_uk")
    assert "yours until" in await cli("review", "claim", referral_id)
    decide = ("review", "decide", referral_id, "refer", "--reason", "offer-confirmed")
    taken = await cli(*decide, "--as", "operator/two", exits=1)
    assert "REVIEW_CLAIMED" in taken
    assert "operator/dev" in taken
    listed = await cli("review", "list")
    assert "two people" in listed
    assert await cli("review", "list", "--for-me", "--json", "--as", "operator/two") == ""
    assert "first of two decisions" in await cli(*decide)
    again = await cli(*decide, exits=1)
    assert "SECOND_REVIEWER_NEEDED" in again
    assert "decided: refer" in await cli(*decide, "--as", "operator/two")


async def test_a_question_is_answered_and_a_departure_confirmed(intake: Intake, cli: Cli) -> None:
    referral_id = await asked(intake)
    assert "Which of the two accounts?" in await cli("referral", "get", referral_id)
    answer = ("clarify", referral_id, "--answer", "The second.")
    assert "answered" in await cli(*answer, "--as", "referrer/nca")
    assert "no open question" in await cli(*answer, exits=2)
    assert "one step up" in await cli("escalate", referral_id, "--note", "the press asks")
    assert "say it with --at" in await cli("departure", "confirm", referral_id, exits=2)
    proposed = event_pb2.DepartureProposedDetail(departure_time=ahead(hours=5))
    await append(intake, referral_id, event("DEPARTURE_PROPOSED", departure_proposed=proposed))
    assert "may leave" in await cli("referral", "get", referral_id)
    assert "leaves at" in await cli("departure", "confirm", referral_id)
    late = await cli("departure", "confirm", referral_id, "--at", "6h", exits=1)
    assert "DEPARTURE_KNOWN" in late


async def test_a_campaign_is_counted_held_and_approved(intake: Intake, cli: Cli) -> None:
    for number in range(1, 22):
        await created(intake, number, campaign_id="boats")
    assert "boats" in await cli("campaign", "list")
    assert "received 21" in await cli("campaign", "show", "boats")
    waiting = await cli.json("campaign", "withdraw", "boats", "--reason", "mistake")
    approval = waiting["approval"]["approval_id"]
    own = await cli("campaign", "approve", approval, exits=1)
    assert "SECOND_OPERATOR_NEEDED" in own
    done = await cli("campaign", "approve", approval, "--as", "operator/two")
    assert done.count(": done") == 21
    sent = await noticed(intake, 50, campaign_id="late")
    refused = await cli(
        "campaign", "hold", "late", "--reason", "surveillance", "--for", "1d", exits=1
    )
    assert f"{sent}: refused" in refused
    assert "HOLD_TOO_LATE" in refused
    nothing = await cli("campaign", "release", "nowhere", exits=1)
    assert "CAMPAIGN_NOT_FOUND" in nothing


async def test_reconcile_waits_for_the_report_and_says_when_there_is_none(
    intake: Intake, cli: Cli
) -> None:
    none = await cli("reconcile", "--dry-run", "--timeout", "1", exits=3)
    assert "no report after 1 s" in none
    assert "takedown doctor" in none
    before = (await _newest(intake)).reconciliation_id
    waiting = asyncio.create_task(cli.json("reconcile", "--dry-run"))
    async with asyncio.timeout(30):
        while (run := (await _newest(intake)).reconciliation_id) == before:
            assert not waiting.done()
    report = pb.Reconciliation(reconciliation_id=run, dry_run=True, missing_workflows=["a"])
    await intake.record().RecordReconciliation(
        record_pb.RecordReconciliationRequest(reconciliation=report), timeout=5
    )
    found = await waiting
    assert (found["reconciliation_id"], found["missing_workflows"]) == (run, ["a"])


async def _newest(intake: Intake) -> pb.Reconciliation:
    answer = await intake.casework().GetReconciliation(pb.GetReconciliationRequest(), timeout=5)
    newest: pb.Reconciliation = answer.reconciliation
    return newest


async def test_who_decided_is_who_was_named(intake: Intake, cli: Cli) -> None:
    referral_id = await in_review(intake)
    reject = ("review", "decide", referral_id, "reject", "--reason", "not-an-advert")
    await cli(*reject, "--as", "operator/two")
    assert (await shown(intake, referral_id)).review.decided_by == spiffe("operator/two")
