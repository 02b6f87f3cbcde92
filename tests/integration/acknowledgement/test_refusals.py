"""What a platform says badly, or another says for it, is refused and not stored."""

from __future__ import annotations

from typing import Any

import grpc

from services.kernel.errors import ErrorKind
from takedown.acknowledgement.v1.acknowledgement_service_pb2_grpc import AcknowledgementServiceStub
from tests.fakes.pki import Pki
from tests.integration.acknowledgement.conftest import NAME, StubFor
from tests.integration.acknowledgement.events import counts, spoken
from tests.integration.conftest import DatabaseUrls
from tests.integration.refusing import refused


async def test_another_platforms_event_is_refused(stub_for: StubFor, urls: DatabaseUrls) -> None:
    stub = stub_for("platform/tiktok")
    error = await refused(stub.RecordPlatformEvent(spoken("e"), timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.PERMISSION_DENIED, "OTHER_PLATFORM")
    for who in ("service/worker", "referrer/nca"):
        error = await refused(stub_for(who).RecordPlatformEvent(spoken("e"), timeout=5))
        assert error.reason == "NOT_ALLOWED"
    assert await counts(urls) == (0, 0, 0)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no platform": ({"platform": ""}, "platform_event.platform"),
    "a platform that is no slug": ({"platform": "X"}, "platform_event.platform"),
    "no event_id": ({"event_id": ""}, "platform_event.event_id"),
    "an event_id that is too long": ({"event_id": "e" * 201}, "platform_event.event_id"),
    "a NUL in the event_id": ({"event_id": "e\x00"}, "platform_event.event_id"),
    "no type": ({"type": 0}, "platform_event.type"),
    "an unknown type": ({"type": 99}, "platform_event.type"),
    "a notice_id that is no UUID": ({"notice_id": "7"}, "platform_event.notice_id"),
    "too many words": ({"message": "x" * 4001}, "platform_event.message"),
    "a NUL in the message": ({"message": "\x00"}, "platform_event.message"),
    "an address that is too long": ({"content_url": "x" * 2049}, "platform_event.content_url"),
    "a country that is none": (
        {"type": 4, "decision": {"kind": 1, "countries": ["Britain"]}},
        "platform_event.decision.countries[0]",
    ),
}


async def test_a_bad_event_is_refused_by_field_and_not_stored(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    stub = stub_for("platform/x")
    for name, (changes, field) in BAD.items():
        said = spoken(**{"event_id": "e", **changes})
        error = await refused(stub.RecordPlatformEvent(said, timeout=5))
        assert error.kind is ErrorKind.INVALID, name
        assert field in {violation.field for violation in error.violations}, name
    assert await counts(urls) == (0, 0, 0)


async def test_a_time_that_no_calendar_holds_is_refused(
    stub_for: StubFor, urls: DatabaseUrls
) -> None:
    request = spoken("e")
    for seconds in (2**62, -(2**62)):
        request.platform_event.occur_time.seconds = seconds
        error = await refused(stub_for("platform/x").RecordPlatformEvent(request, timeout=5))
        found = [(v.field, v.reason) for v in error.violations]
        assert found == [("platform_event.occur_time", "NO_MOMENT")]
    request.platform_event.ClearField("occur_time")
    error = await refused(stub_for("platform/x").RecordPlatformEvent(request, timeout=5))
    assert error.violations[0].field == "platform_event.occur_time"
    assert await counts(urls) == (0, 0, 0)


async def test_no_certificate_or_a_wrong_one_gets_nothing(
    target: str, pki: Pki, foreign_pki: Pki, urls: DatabaseUrls
) -> None:
    authority = pki.ca.certificate_file.read_bytes()
    strangers = (foreign_pki.tls("platform/x"), pki.odd("no-identity", None))
    shown = [
        grpc.ssl_channel_credentials(authority, s.key_file.read_bytes(), s.cert_file.read_bytes())
        for s in strangers
    ]
    kinds = []
    for credentials in (grpc.ssl_channel_credentials(authority), *shown):
        options = [("grpc.ssl_target_name_override", NAME)]
        async with grpc.aio.secure_channel(target, credentials, options) as channel:
            call: Any = AcknowledgementServiceStub(channel).RecordPlatformEvent
            kinds.append((await refused(call(spoken("e"), timeout=2))).kind)
    away = (ErrorKind.UNAVAILABLE, ErrorKind.DEADLINE_EXCEEDED)
    assert kinds[0] in away
    assert kinds[1] in away
    assert kinds[2] is ErrorKind.UNAUTHENTICATED
    assert await counts(urls) == (0, 0, 0)


async def test_a_deadline_is_needed(stub_for: StubFor, pki: Pki, target: str) -> None:
    tls = pki.tls("platform/x")
    files = (tls.ca_file, tls.key_file, tls.cert_file)
    credentials = grpc.ssl_channel_credentials(*[file.read_bytes() for file in files])
    options = [("grpc.ssl_target_name_override", NAME)]
    async with grpc.aio.secure_channel(target, credentials, options) as channel:
        call: Any = AcknowledgementServiceStub(channel).RecordPlatformEvent
        assert (await refused(call(spoken("e")))).reason == "DEADLINE_REQUIRED"
