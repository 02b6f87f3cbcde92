"""One look says what is seen, why, and how sure it is; silence is never taken for removal."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.configs import CONTROLS
from services.kernel.errors import ErrorKind
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import observation_pb2
from tests.integration.observation.conftest import World
from tests.integration.observation.serving import content, observe, serving, web_server
from tests.integration.observation.states import ACCOUNTS, EXPECTED, STATES, account, key
from tests.integration.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _said(seen: observation_pb2.Observation) -> tuple[str, str, str, bool]:
    return (
        enums.Availability.Name(seen.availability).removeprefix("AVAILABILITY_"),
        enums.Visible.Name(seen.visible).removeprefix("VISIBLE_"),
        enums.Availability.Name(seen.cause).removeprefix("AVAILABILITY_"),
        seen.counts_as_gone,
    )


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("platform", EXPECTED)
async def test_every_state_of_a_page_is_seen_with_its_cause(
    world: World, platform: str, state: str
) -> None:
    request = observe(content(platform, key(platform, state)))
    seen = (await world.observation.stub.Observe(request, timeout=20)).observation
    assert _said(seen) == EXPECTED[platform][state]
    assert seen.controls_passed
    assert seen.marker.startswith(f"{platform}.")
    assert seen.confidence != enums.CONFIDENCE_UNSPECIFIED
    assert (seen.vantage, len(seen.response_sha256)) == ("the tests", 64)


@pytest.mark.parametrize(("platform", "state"), ACCOUNTS)
async def test_every_state_of_an_account_is_seen_with_its_cause(
    world: World, platform: str, state: str
) -> None:
    request = observe(content(platform, account(state), "ACCOUNT"))
    seen = (await world.observation.stub.Observe(request, timeout=20)).observation
    assert _said(seen) == ACCOUNTS[platform, state]


async def test_the_same_request_again_gets_the_stored_look(world: World) -> None:
    request = observe(content("x", key("x", "removed")))
    answers = await asyncio.gather(
        *[world.observation.stub.Observe(request, timeout=20) for _ in range(5)]
    )
    later = await world.observation.stub.Observe(request, timeout=20)
    assert len({a.observation.observation_id for a in [*answers, later]}) == 1
    assert len(later.series) == 1


async def test_one_request_id_shows_nothing_of_another_referral(world: World) -> None:
    request = observe(content("x", key("x", "removed")))
    await world.observation.stub.Observe(request, timeout=20)
    other = observe(content("x", key("x", "available")), request_id=request.request_id)
    error = await refused(world.observation.stub.Observe(other, timeout=20))
    assert (error.kind, error.reason) == (ErrorKind.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_looks_of_one_series_are_kept_apart_and_in_order(world: World) -> None:
    series, referral = str(uuid4()), str(uuid4())
    looks = [
        observe(content("x", key("x", state)), series=series, referral_id=referral)
        for state in ("available", "removed", "removed")
    ]
    answers = [await world.observation.stub.Observe(look, timeout=20) for look in looks]
    assert [len(answer.series) for answer in answers] == [1, 2, 3]
    assert [seen.counts_as_gone for seen in answers[-1].series] == [False, True, True]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no request_id": ({"request_id": ""}, "request_id"),
    "a NUL in the request_id": ({"request_id": "a\x00"}, "request_id"),
    "a NUL in the series": ({"series": "\x00"}, "series"),
    "a referral that is no UUID": ({"referral_id": "7"}, "referral_id"),
    "no purpose": ({"purpose": 0}, "purpose"),
    "an unknown purpose": ({"purpose": 99}, "purpose"),
    "no content": ({"content": None}, "content"),
    "an unknown kind": ({"content": {"platform": "x", "kind": 99}}, "content.kind"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_request_is_refused_by_field_and_not_stored(world: World, name: str) -> None:
    change, field = BAD[name]
    request = observe(content("x", key("x", "available")), **change)
    before = await _rows(world)
    error = await refused(world.observation.stub.Observe(request, timeout=5))
    assert error.kind is ErrorKind.INVALID
    assert field in {violation.field for violation in error.violations}
    assert await _rows(world) == before


async def _rows(world: World) -> int:
    connection = await asyncpg.connect(world.urls.app.replace("+asyncpg", ""))
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM observation.observations")
    finally:
        await connection.close()
    return count


async def test_a_platform_without_a_table_is_unknown(world: World) -> None:
    what = content("x", "1")
    what.platform = "elsewhere"
    seen = (await world.observation.stub.Observe(observe(what), timeout=20)).observation
    assert _said(seen) == ("UNKNOWN", "CANNOT_TELL", "UNKNOWN", False)
    assert not seen.controls_passed


@pytest.mark.parametrize("wrong", ["the live one reads as gone", "the dead one reads as there"])
async def test_a_misread_control_makes_every_look_blocked(world: World, wrong: str) -> None:
    live, dead = CONTROLS["x"]
    pair = (dead, dead) if "live" in wrong else (live, live)
    running = serving(
        world.pki, world.urls, world.folder, world.origin, controls={**CONTROLS, "x": pair}
    )
    async with running as observation:
        for state in ("removed", "available"):
            request = observe(content("x", key("x", state)))
            seen = (await observation.stub.Observe(request, timeout=20)).observation
            assert _said(seen) == ("PROBE_BLOCKED", "CANNOT_TELL", "UNKNOWN", False)
            assert (seen.controls_passed, seen.marker) == (False, "x.controls_misread")
        # Only that platform is blinded.
        request = observe(content("tiktok", key("tiktok", "removed")))
        assert (await observation.stub.Observe(request, timeout=20)).observation.counts_as_gone


async def test_a_platform_without_controls_is_never_seen_as_gone(world: World) -> None:
    running = serving(world.pki, world.urls, world.folder, world.origin, controls={})
    async with running as observation:
        request = observe(content("x", key("x", "removed")))
        seen = (await observation.stub.Observe(request, timeout=20)).observation
    assert (_said(seen)[0], seen.counts_as_gone) == ("PROBE_BLOCKED", False)


@pytest.mark.parametrize("platform", EXPECTED)
@pytest.mark.parametrize("kind", ["empty", "another page", "500", "429", "junk"])
async def test_a_page_that_changed_under_us_is_never_read_as_gone(
    world: World, platform: str, kind: str
) -> None:
    """Every page, the controls' too, has become this: nobody is told that content is gone."""
    codes = {"500": 500, "429": 429}
    bodies = {"another page": b"<html><title>New design</title></html>", "junk": b"\xff\x00{"}

    async def page(_: Request) -> Response:
        return Response(bodies.get(kind, b""), codes.get(kind, 200))

    app = Starlette(routes=[Route("/{path:path}", page)])
    async with (
        web_server(app, world.tls) as origin,
        serving(world.pki, world.urls, world.folder, origin) as observation,
    ):
        request = observe(content(platform, key(platform, "removed")))
        seen = (await observation.stub.Observe(request, timeout=20)).observation
    assert (seen.counts_as_gone, seen.visible) == (False, enums.VISIBLE_CANNOT_TELL)
    assert not seen.controls_passed


LINKS = {
    "zmleads": ("UNKNOWN", False, "short_link.resolved"),
    "zmhome": ("NOT_FOUND", True, "short_link.leads_home"),
    "zmnowhere": ("NOT_FOUND", True, "short_link.not_found"),
    "zminside": ("PROBE_BLOCKED", False, "short_link.forbidden_address"),
}


@pytest.mark.parametrize("link", LINKS)
async def test_a_short_link_is_followed_to_where_it_leads(world: World, link: str) -> None:
    url = f"https://vm.tiktok.com/{link}/"
    request = observe(content("tiktok", link, "SHORT_LINK", url))
    seen = (await world.observation.stub.Observe(request, timeout=20)).observation
    assert (_said(seen)[0], seen.counts_as_gone, seen.marker) == LINKS[link]
    target = f"https://www.tiktok.com/@somebody/video/{key('tiktok', 'available')}"
    assert seen.resolved_url == (target if link == "zmleads" else "")


@pytest.mark.parametrize("code", [200, 403, 429, 500, 503])
async def test_a_short_link_that_answers_anything_but_its_end_is_not_gone(
    world: World, code: int
) -> None:
    async def page(_: Request) -> Response:
        return Response(b"<html>Please wait</html>", code)

    app = Starlette(routes=[Route("/{path:path}", page)])
    async with (
        web_server(app, world.tls) as origin,
        serving(world.pki, world.urls, world.folder, origin) as observation,
    ):
        url = "https://vm.tiktok.com/ZMbusy/"
        request = observe(content("tiktok", "zmbusy", "SHORT_LINK", url))
        seen = (await observation.stub.Observe(request, timeout=20)).observation
    assert (seen.counts_as_gone, seen.visible) == (False, enums.VISIBLE_CANNOT_TELL)


@pytest.mark.parametrize("who", ["referrer/nca", "platform/x", "operator/ann"])
async def test_nobody_but_the_worker_makes_observation_look(world: World, who: str) -> None:
    from services.kernel import grpc_client
    from takedown.observation.v1.observation_service_pb2_grpc import ObservationServiceStub

    name = grpc_client.server_name("observation")
    target = f"127.0.0.1:{world.observation.port}"
    async with grpc_client.channel(target, world.pki.tls(who), name, retry=False) as channel:
        stub: Any = ObservationServiceStub(channel)
        error = await refused(stub.Observe(observe(content("x", "1")), timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.PERMISSION_DENIED, "NOT_ALLOWED")
