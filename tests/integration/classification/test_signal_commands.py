"""``takedown signal`` and ``campaign suggest`` against a real signal bank, as people type them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.pki import Pki
from tests.integration.classification.bank import ADVERT, CLEAR, Classification, serving
from tests.integration.conftest import MakeSchema
from tests.integration.intake.serving import REPOSITORY

Typed = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def there(pki: Pki, make_schema: MakeSchema) -> AsyncIterator[Classification]:
    async with serving(pki, await make_schema("classification")) as made:
        yield made


@pytest.fixture
async def typed(there: Classification, pki: Pki, tmp_path: Path) -> AsyncIterator[Typed]:
    """``await typed("signal", "list")``: how it exits, and what it prints."""
    name = "classification.takedown.internal"
    profile = {
        "services": {"classification": {"address": there.target, "server_name": name}},
        "identities": {"operator/dev": pki.tls("operator/dev").model_dump(mode="json")},
    }
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(profile), encoding="utf-8")
    typist = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.intake.typist",
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'protos' / 'gen'}"},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    source, sink = typist.stdout, typist.stdin
    assert source is not None
    assert sink is not None

    async def run(*arguments: str) -> tuple[int, str]:
        asked = json.dumps({"profile": str(path), "arguments": arguments})
        sink.write(asked.encode() + b"\n")
        told = json.loads(await asyncio.wait_for(source.readline(), 60))
        return told["code"], told["err"] if told["code"] else told["out"]

    yield run
    sink.close()
    await typist.wait()


def lines(out: str) -> list[Any]:
    return [json.loads(line) for line in out.splitlines()]


async def test_a_text_is_added_listed_and_withdrawn(typed: Typed) -> None:
    code, out = await typed("signal", "add-negative", CLEAR, "--note", "A lawful firm.", "--json")
    assert code == 0, out
    [added] = lines(out)
    assert added["added_by"].endswith("operator/dev")
    [listed] = lines((await typed("signal", "list", "--verdict", "not-advert", "--json"))[1])
    assert listed["signal_id"] == added["signal_id"]
    assert CLEAR[:20] not in json.dumps(listed)
    assert (await typed("signal", "withdraw", added["signal_id"], "--note", "A mistake."))[0] == 0
    assert lines((await typed("signal", "list", "--json"))[1]) == []
    [kept] = lines((await typed("signal", "list", "--inactive", "--json"))[1])
    assert kept["note"] == "A mistake."
    code, out = await typed("signal", "list", "--verdict", "maybe")
    assert code == 2
    assert "undecided" in out


async def test_referrals_that_share_a_text_are_suggested_as_a_campaign(
    there: Classification, typed: Typed
) -> None:
    for platform in ("x", "tiktok"):
        await there.learn(CLEAR, ADVERT, platform=platform)
    code, out = await typed("campaign", "suggest", "--json")
    assert code == 0, out
    [suggested] = lines(out)
    assert sorted(suggested["platforms"]) == ["tiktok", "x"]
    assert suggested["shared"] == ["TEXT", "CONTACT"]
