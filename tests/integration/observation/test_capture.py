"""What was there is preserved: the very bytes under their digest, and a record of the exchange."""

from __future__ import annotations

import asyncio
import hashlib
import io
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from warcio.archiveiterator import ArchiveIterator

from services.kernel.errors import ErrorKind
from services.observation.client import MAX_BYTES
from takedown.observation.v1 import observation_service_pb2 as pb
from tests.integration.observation.conftest import World
from tests.integration.observation.serving import Observation, content, serving, web_server
from tests.integration.observation.states import key
from tests.integration.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = "https://www.tiktok.com/@somebody/video/1"


def capture(url: str, **changes: Any) -> pb.CaptureRequest:
    values: dict[str, Any] = {
        "request_id": str(uuid4()),
        "referral_id": str(uuid4()),
        "content": content("tiktok", "1", url=url),
    }
    return pb.CaptureRequest(**{**values, **changes})


def body_of(observation: Observation, digest: str) -> bytes:
    return (observation.evidence / "bodies" / digest[:2] / digest).read_bytes()


def record_of(observation: Observation, warc_key: str) -> tuple[Any, bytes]:
    """The one record of a WARC file, and its payload, as warcio reads it."""
    packed = io.BytesIO((observation.evidence / warc_key).read_bytes())
    records = []
    for record in ArchiveIterator(packed, check_digests="raise"):
        records.append((record, record.content_stream().read()))
    (only,) = records
    return only


def bodies(observation: Observation) -> int:
    return sum(1 for path in (observation.evidence / "bodies").rglob("*") if path.is_file())


@pytest.mark.parametrize("platform", ["tiktok", "x", "instagram", "facebook"])
async def test_a_page_is_kept_byte_for_byte_with_a_readable_record(
    world: World, platform: str
) -> None:
    what = content(platform, key(platform, "available"))
    request = capture("", content=what)
    kept = (await world.observation.stub.Capture(request, timeout=20)).capture
    body = body_of(world.observation, kept.sha256)
    assert hashlib.sha256(body).hexdigest() == kept.sha256
    assert (len(body), kept.failure, kept.truncated) == (kept.size_bytes, "", False)
    record, payload = record_of(world.observation, kept.warc_key)
    assert payload == body
    assert record.rec_type == "response"
    assert record.http_headers.get_statuscode() == "200" == str(kept.http_status)
    assert record.rec_headers.get_header("WARC-Target-URI").startswith("https://")
    moment = kept.capture_time.ToDatetime().strftime("%Y-%m-%dT%H:%M:%S")
    assert record.rec_headers.get_header("WARC-Date").startswith(moment)


async def test_the_same_request_again_gets_the_stored_capture(world: World) -> None:
    request = capture("", content=content("x", key("x", "available")))
    first, *others = await asyncio.gather(
        *[world.observation.stub.Capture(request, timeout=20) for _ in range(4)]
    )
    again = await world.observation.stub.Capture(request, timeout=20)
    assert all(answer.capture == first.capture for answer in [*others, again])
    other = capture("", request_id=request.request_id, content=request.content)
    error = await refused(world.observation.stub.Capture(other, timeout=20))
    assert (error.kind, error.reason) == (ErrorKind.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_the_same_bytes_are_stored_once(world: World) -> None:
    running = serving(world.pki, world.urls, world.folder, world.origin)
    async with running as observation:
        request = capture("", content=content("x", key("x", "available")))
        first = await observation.stub.Capture(request, timeout=20)
        later = capture("", content=request.content)
        second = await observation.stub.Capture(later, timeout=20)
        assert first.capture.sha256 == second.capture.sha256
        assert first.capture.warc_key != second.capture.warc_key
        assert bodies(observation) == 1


async def _odd(request: Request) -> Response:
    path = request.path_params["path"]
    answers = {
        "inside": RedirectResponse("http://169.254.169.254/latest/meta-data/", 302),
        "big": Response(b"x" * (MAX_BYTES + 1)),
        "brotli": Response(b"\x00\x01packed", headers={"content-encoding": "br"}),
        "gone": Response(b"", 404),
    }
    return answers.get(path) or RedirectResponse("/gone", 302)


@pytest.fixture
def odd() -> Starlette:
    return Starlette(routes=[Route("/{path:path}", _odd)])


async def test_what_cannot_be_fetched_is_said_and_leaves_no_bytes(
    world: World, odd: Starlette
) -> None:
    async with (
        web_server(odd, world.tls) as origin,
        serving(world.pki, world.urls, world.folder, origin) as observation,
    ):
        cases = {
            "https://www.tiktok.com/inside": "forbidden_address",
            "http://127.0.0.1/": "forbidden_address",
            "ftp://www.tiktok.com/": "forbidden_address",
            "": "forbidden_address",
            "http://www.tiktok.com/": "no_answer",
        }
        for url, failure in cases.items():
            request = capture("")
            request.content.url = url
            kept = (await observation.stub.Capture(request, timeout=20)).capture
            assert (kept.failure, kept.sha256, kept.warc_key) == (failure, "", "")
        assert list(observation.evidence.rglob("*")) == []


async def test_a_page_that_is_cut_off_or_packed_says_so(world: World, odd: Starlette) -> None:
    async with (
        web_server(odd, world.tls) as origin,
        serving(world.pki, world.urls, world.folder, origin) as observation,
    ):
        request = capture("https://www.tiktok.com/big")
        kept = (await observation.stub.Capture(request, timeout=20)).capture
        assert (kept.truncated, kept.size_bytes) == (True, MAX_BYTES)
        record, _ = record_of(observation, kept.warc_key)
        assert record.rec_headers.get_header("WARC-Truncated") == "length"
        request = capture("https://www.tiktok.com/brotli")
        kept = (await observation.stub.Capture(request, timeout=20)).capture
        assert body_of(observation, kept.sha256) == b"\x00\x01packed"
        record, _ = record_of(observation, kept.warc_key)
        assert record.http_headers.get_header("content-encoding") == "br"
        request = capture("https://www.tiktok.com/moved")
        kept = (await observation.stub.Capture(request, timeout=20)).capture
        assert (kept.http_status, kept.size_bytes) == (404, 0)
        record, _ = record_of(observation, kept.warc_key)
        assert record.rec_headers.get_header("WARC-Target-URI") == "https://www.tiktok.com/gone"


async def test_an_evidence_store_that_cannot_be_written_is_unavailable(world: World) -> None:
    running = serving(world.pki, world.urls, world.folder, world.origin)
    async with running as observation:
        observation.evidence.rmdir()
        observation.evidence.write_bytes(b"in the way")
        request = capture("", content=content("x", key("x", "available")))
        error = await refused(observation.stub.Capture(request, timeout=20))
        assert (error.kind, error.reason) == (ErrorKind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
        # Nothing half-kept: when the store is back the same request succeeds.
        observation.evidence.unlink()
        observation.evidence.mkdir()
        again = await observation.stub.Capture(request, timeout=20)
        assert again.capture.sha256
