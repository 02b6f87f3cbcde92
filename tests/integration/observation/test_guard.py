"""No address of the inside is ever asked for anything, however it is spelled or reached."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from services.observation.client import MAX_BYTES, GuardedBackend, GuardedClient
from services.observation.config import SandboxSettings
from tests.fakes.platform import http
from tests.fakes.wire import Machine, Wire, machine
from tests.integration.observation.conftest import World
from tests.integration.observation.serving import web_server

pytestmark = pytest.mark.asyncio(loop_scope="session")
PUBLIC = "8.8.8.8"
HOST = "https://www.tiktok.com"

# Every one of these leads inside; {port} is where the canary really listens.
FORMS = (
    "127.0.0.1", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "017700000001", "0x7f000001",
    "0x7f.1", "0177.0.0.1", "127.0x0.1", "127.00.0x0.01", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[fe80::1%25lo]", "[fe80::1%lo]", "[fec0::1]", "[fd00::1]", "localhost", "localhost.",
    "LOCALHOST", "169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "192.168.0.1",
    "10.0.0.1", "172.16.0.1", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
    "\uff11\uff12\uff17.0.0.1", "\u2460\u2461\u2466.0.0.1", "127\u30020\u30020\u30021",
)  # fmt: skip


@asynccontextmanager
async def guarded(
    answers: dict[str, list[list[str]]], public: bytes
) -> AsyncIterator[tuple[GuardedClient, Machine, Machine]]:
    """A client on the wire, with a resolver that gives each name these answers in turn."""

    async def resolve(host: str, _: int) -> list[str]:
        left = answers[host]
        return left.pop(0) if len(left) > 1 else left[0]

    async with machine(public) as there, machine(http(200, b"secret")) as canary:
        wire = Wire({PUBLIC: there}, canary)
        client = GuardedClient(None, 5, GuardedBackend(None, resolve if answers else None, wire))
        try:
            yield client, there, canary
        finally:
            await client.close()


async def test_the_wire_is_real_and_the_canary_can_sing() -> None:
    """The counter-test: a public name is fetched, and an unguarded client reaches the canary."""
    async with guarded({"public.example": [[PUBLIC]]}, http(200, b"hello")) as (client, _, canary):
        fetched = await client.fetch("http://public.example/")
        assert (fetched.status, fetched.body) == (200, b"hello")
        reader, writer = await asyncio.open_connection("127.0.0.1", canary.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert (await reader.read()).endswith(b"secret")
        writer.close()
        assert len(canary.asked) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_spelling_of_an_inside_address_is_connected_to(scheme: str) -> None:
    async with guarded({}, b"") as (client, _, canary):
        for form in FORMS:
            for port in ("", ":80", f":{canary.port}"):
                fetched = await client.fetch(f"{scheme}://{form}{port}/latest/meta-data/")
                assert fetched.failure in ("forbidden_address", "no_answer"), form
                assert fetched.body == b""
        assert canary.asked == []


@pytest.mark.parametrize("form", FORMS)
async def test_no_redirect_leads_inside(form: str) -> None:
    names = {"public.example": [[PUBLIC]], "localhost": [["127.0.0.1"]]}
    for target in (f"http://{form}/", f"//{form}/"):
        # Names that only the system's resolver knows must not even be looked up: KeyError.
        answers = {**names, form.lower().rstrip("."): [["127.0.0.1"]], form: [["127.0.0.1"]]}
        async with guarded(answers, http(302, location=target)) as (client, there, canary):
            fetched = await client.fetch("http://public.example/")
            assert fetched.failure in ("forbidden_address", "no_answer")
            assert (len(there.asked), canary.asked) == (1, [])


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://public.example/", "gopher://127.0.0.1/", "https://[::1",
     "http://a:b@public.example/", "http://public.example:8080/", "javascript:1", "http://"
     "public.example\\@127.0.0.1/", "http://127.0.0.1\t/"],
)  # fmt: skip
async def test_a_redirect_to_what_is_never_fetched_ends_there(target: str) -> None:
    answers = {"public.example": [[PUBLIC]]}
    async with guarded(answers, http(302, location=target)) as (client, there, canary):
        fetched = await client.fetch("http://public.example/")
        assert fetched.failure in ("forbidden_address", "no_answer")
        assert (len(there.asked), canary.asked) == (1, [])


async def test_a_name_that_changes_its_mind_is_caught_at_the_next_connection() -> None:
    """DNS rebinding: public at first, the inside as soon as it was trusted."""
    answers = {"rebind.example": [[PUBLIC], ["127.0.0.1"]]}
    redirect = http(302, location="http://rebind.example/again")
    async with guarded(answers, redirect) as (client, there, canary):
        fetched = await client.fetch("http://rebind.example/")
        assert fetched.failure == "forbidden_address"
        assert (len(there.asked), canary.asked) == (1, [])
        assert (await client.fetch("http://rebind.example/")).failure == "forbidden_address"
        assert canary.asked == []


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    """The name is asked for once: a second answer between check and connection has no chance."""
    answers = {"rebind.example": [[PUBLIC], ["127.0.0.1"]]}
    async with guarded(answers, http(200, b"hello")) as (client, there, canary):
        fetched = await client.fetch("http://rebind.example/")
        assert (fetched.body, len(there.asked), canary.asked) == (b"hello", 1, [])


@pytest.mark.parametrize("inside", ["127.0.0.1", "::1", "169.254.169.254", "::ffff:10.0.0.1"])
async def test_one_inside_address_among_public_ones_is_enough_to_refuse(inside: str) -> None:
    answers = {"mixed.example": [[PUBLIC, inside]]}
    async with guarded(answers, http(200)) as (client, there, canary):
        fetched = await client.fetch("http://mixed.example/")
        assert fetched.failure == "forbidden_address"
        assert (there.asked, canary.asked) == ([], [])


# --- with the sandbox's origin allowed, which is itself on the loopback address ----------------


async def _hop(request: Request) -> Response:
    left = int(request.path_params["left"])
    return Response(b"there") if left == 0 else RedirectResponse(f"/hop/{left - 1}", 302)


async def _big(request: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(int(request.path_params["megabytes"])):
            yield b"x" * 1024 * 1024

    return StreamingResponse(chunks())


async def _bomb(_: Request) -> Response:
    packed = gzip.compress(b"\x00" * (MAX_BYTES * 10))
    return Response(packed, headers={"content-encoding": "gzip"})


async def _drip(_: Request) -> Response:
    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b"."
            await asyncio.sleep(0.05)

    return StreamingResponse(drops())


async def _away(request: Request) -> Response:
    return RedirectResponse(request.query_params["to"], 302)


ODD_SERVER = Starlette(
    routes=[
        Route("/hop/{left}", _hop),
        Route("/big/{megabytes}", _big),
        Route("/bomb", _bomb),
        Route("/drip", _drip),
        Route("/away", _away),
        Route("/packed", lambda _: Response(gzip.compress(b"words"),
              headers={"content-encoding": "gzip"})),
        Route("/not-packed", lambda _: Response(b"words", headers={"content-encoding": "gzip"})),
    ]
)  # fmt: skip


@asynccontextmanager
async def sandboxed(world: World, seconds: float = 10) -> AsyncIterator[GuardedClient]:
    async with web_server(ODD_SERVER, world.tls) as origin:
        sandbox = SandboxSettings(origin=f"127.0.0.1:{origin}", ca_file=world.tls.ca_file)
        client = GuardedClient(sandbox, seconds)
        try:
            yield client
        finally:
            await client.close()


async def test_five_redirects_are_followed_and_a_sixth_is_not(world: World) -> None:
    async with sandboxed(world) as client:
        followed = await client.fetch(f"{HOST}/hop/5")
        assert (followed.body, followed.final_url) == (b"there", f"{HOST}/hop/0")
        refused = await client.fetch(f"{HOST}/hop/6")
        assert (refused.failure, refused.body) == ("too_many_redirects", b"")
        unfollowed = await client.fetch(f"{HOST}/hop/5", follow=False)
        assert unfollowed.status == 302


async def test_ten_megabytes_are_read_and_no_more(world: World) -> None:
    async with sandboxed(world) as client:
        whole = await client.fetch(f"{HOST}/big/10")
        assert (len(whole.body), whole.truncated) == (MAX_BYTES, False)
        cut = await client.fetch(f"{HOST}/big/40")
        assert (len(cut.body), cut.truncated) == (MAX_BYTES, True)


async def test_a_compressed_bomb_stops_growing_at_ten_megabytes(world: World) -> None:
    async with sandboxed(world) as client:
        fetched = await client.fetch(f"{HOST}/bomb")
        assert (len(fetched.body), fetched.truncated) == (MAX_BYTES, True)
        packed = await client.fetch(f"{HOST}/packed")
        assert (packed.body, packed.truncated) == (b"words", False)
        assert (await client.fetch(f"{HOST}/not-packed")).failure == "no_answer"


async def test_a_fetch_ends_when_its_time_is_up_though_bytes_keep_coming(world: World) -> None:
    async with sandboxed(world, 0.5) as client:
        before = time.monotonic()
        fetched = await client.fetch(f"{HOST}/drip")
        assert fetched.failure == "timed_out"
        assert time.monotonic() - before < 5


async def test_a_canary_beside_the_sandbox_is_never_asked(world: World) -> None:
    async with sandboxed(world) as client, machine(http(200, b"secret")) as canary:
        for form in FORMS:
            for scheme in ("http", "https"):
                url = f"{scheme}://{form}:{canary.port}/"
                for wanted in (url, f"{HOST}/away?to={quote(url)}"):
                    fetched = await client.fetch(wanted)
                    assert fetched.failure in ("forbidden_address", "no_answer"), wanted
        assert canary.asked == []
        # The origin itself is still there for those who ask by a platform's name.
        assert (await client.fetch(f"{HOST}/hop/1")).body == b"there"


async def test_an_address_in_any_script_is_followed(world: World) -> None:
    """Servers send unencoded addresses; that is no fault of ours and no fault at all."""
    async with sandboxed(world) as client:
        raw = quote(f"{HOST}/hop/0?q=قارب إلى")
        fetched = await client.fetch(f"{HOST}/away?to={raw}")
        assert (fetched.body, fetched.failure) == (b"there", "")
        assert (await client.fetch(f"{HOST}/hop/0?q=قارب إلى")).body == b"there"
    answers = {"public.example": [[PUBLIC]]}
    location = "http://public.example/قارب"
    async with guarded(answers, http(302, location=location)) as (client, there, _):
        assert (await client.fetch("http://public.example/")).failure == "too_many_redirects"
        assert b"GET /%D9%82%D8%A7%D8%B1%D8%A8 HTTP/1.1" in there.asked[-1]
