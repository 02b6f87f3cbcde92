"""Every bad input is refused with field, reason and a sentence, and leaves nothing behind."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.pki import Pki
from tests.integration.conftest import Postgres, fresh_schema
from tests.integration.intake.serving import REPOSITORY, Intake, serving, submission
from tests.integration.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="session")
POST = "https://x.com/somebody/status/1800000000000000001"
Change = Callable[[pb.SubmitReferralRequest], None]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def intake(pki: Pki, postgres: Postgres) -> AsyncIterator[Intake]:
    """One for all: whatever these tests send, it stays empty."""
    async with fresh_schema(postgres, "intake") as urls, serving(pki, urls) as running:
        yield running


def _url(url: str) -> Change:
    return lambda request: setattr(request.content, "url", url)


def _set(name: str, value: object) -> Change:
    return lambda request: setattr(request, name, value)


def _text(text: str) -> Change:
    return lambda request: setattr(request.content, "text", text)


def _evidence(content: bytes, digest: str, name: str = "shot.png") -> Change:
    def change(request: pb.SubmitReferralRequest) -> None:
        request.evidence.add(file_name=name, media_type="image/png", content=content, sha256=digest)

    return change


def _departure(hours: float) -> Change:
    moment = datetime.now(UTC) + timedelta(hours=hours)
    return lambda request: request.departure_time.FromDatetime(moment)


# Newer than this version knows.
UNKNOWN_GROUNDS: Any = [77]
GOOD_DIGEST = hashlib.sha256(b"png").hexdigest()
BAD: dict[str, tuple[Change, str]] = {
    "missing url": (_url(""), "content.url"),
    "blank url": (_url("   "), "content.url"),
    "relative url": (_url("/somebody/status/1800000000000000001"), "content.url"),
    "no scheme": (_url("x.com/somebody/status/1800000000000000001"), "content.url"),
    "javascript": (_url("javascript:alert(1)"), "content.url"),
    "ftp": (_url("ftp://x.com/somebody/status/1800000000000000001"), "content.url"),
    "file": (_url("file:///etc/passwd"), "content.url"),
    "userinfo": (_url("https://x.com@evil.example/somebody/status/1"), "content.url"),
    "userinfo on the platform": (_url(POST.replace("//", "//a:b@")), "content.url"),
    "odd port": (_url(POST.replace("x.com", "x.com:8443")), "content.url"),
    "unknown platform": (_url("https://example.com/somebody/status/1"), "content.url"),
    "look-alike suffix": (_url(POST.replace("x.com", "x.com.evil.example")), "content.url"),
    "look-alike cyrillic": (_url("https://www.tikt\u043ek.com/@a/video/7300000000000000001"),
                            "content.url"),
    "address host": (_url("http://169.254.169.254/latest/meta-data"), "content.url"),
    "nul in url": (_url(POST + "\x00"), "content.url"),
    "crlf in url": (_url(POST + "\r\nHost: evil"), "content.url"),
    "bidi in url": (_url(POST.replace("somebody", "some\u202ebody")), "content.url"),
    "url too long": (_url(POST + "?q=" + "a" * 2048), "content.url"),
    "path that names nothing": (_url("https://x.com/settings/profile"), "content.url"),
    "text too long": (_text("x" * 20_001), "content.text"),
    "nul in text": (_text("a\x00b"), "content.text"),
    "digest of other bytes": (_evidence(b"other", GOOD_DIGEST), "evidence[0].sha256"),
    "digest that is none": (_evidence(b"png", "abc"), "evidence[0].sha256"),
    "path in a file name": (_evidence(b"png", GOOD_DIGEST, "../x"), "evidence[0].file_name"),
    "evidence too large": (_evidence(b"x" * 1_048_577, GOOD_DIGEST), "evidence[0].content"),
    "departure in the past": (_departure(-1), "departure_time"),
    "departure in ten years": (_departure(87_600), "departure_time"),
    "imminent without a time": (_set("urgency", enums.URGENCY_IMMINENT_DEPARTURE),
                                "departure_time"),
    "unknown urgency": (_set("urgency", 99), "urgency"),
    "unknown ground": (_set("terms_ground", 99), "terms_ground"),
    "no ground": (_set("terms_ground", 0), "terms_ground"),
    "unknown legal ground": (lambda r: r.legal_grounds.extend(UNKNOWN_GROUNDS), "legal_grounds[0]"),
    "request_id no uuid": (_set("request_id", "1234"), "request_id"),
    "request_id missing": (_set("request_id", ""), "request_id"),
    "no content": (lambda r: r.ClearField("content"), "content"),
    "departure in no calendar": (lambda r: setattr(r.departure_time, "seconds", 2**62),
                                 "departure_time"),
    "one legal ground twice": (lambda r: r.legal_grounds.extend([1, 1]), "legal_grounds"),
    "country that is none": (lambda r: r.territorial_scope.countries.append("Britain"),
                             "territorial_scope.countries[0]"),
    "reason too long": (_set("reason", "x" * 4001), "reason"),
    "nul in reason": (_set("reason", "\x00"), "reason"),
    "nul in reference": (_set("reference", "\x00"), "reference"),
    "campaign with a space": (_set("campaign_id", "a b"), "campaign_id"),
    "language that is none": (lambda r: setattr(r.content, "language", "'; --"),
                              "content.language"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_by_field_and_nothing_is_stored(
    intake: Intake, name: str
) -> None:
    change, field = BAD[name]
    request = submission()
    change(request)
    error = await refused(intake.referrals().SubmitReferral(request, timeout=5))
    assert error.kind is ErrorKind.INVALID
    named = {violation.field: violation for violation in error.violations}
    assert field in named
    assert named[field].reason.isupper()
    # A sentence for people, which never repeats what was sent.
    assert len(named[field].message.split()) >= 4
    assert "somebody" not in error.message
    assert "evil" not in error.message
    assert not any((await intake.counts()).values())


async def test_all_bad_inputs_in_one_batch_are_refused_one_by_one(intake: Intake) -> None:
    items = []
    for name, (change, _) in BAD.items():
        if name == "evidence too large":
            continue
        item = submission()
        change(item)
        items.append(item)
    answer = await intake.referrals().BatchSubmitReferrals(
        pb.BatchSubmitReferralsRequest(requests=items), timeout=10
    )
    assert {result.error.code for result in answer.results} == {3}
    assert not any((await intake.counts()).values())


ERRORS_PAGE = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
REASONS_GIVEN = {
    "missing url": "STRING_MIN_LEN", "blank url": "MISSING", "no scheme": "RELATIVE",
    "relative url": "RELATIVE", "javascript": "SCHEME_NOT_HTTP", "ftp": "SCHEME_NOT_HTTP",
    "file": "SCHEME_NOT_HTTP", "userinfo": "USERINFO", "userinfo on the platform": "USERINFO",
    "odd port": "PORT", "unknown platform": "UNKNOWN_PLATFORM",
    "look-alike suffix": "LOOKALIKE_HOST", "look-alike cyrillic": "LOOKALIKE_HOST",
    "address host": "IP_ADDRESS_HOST", "nul in url": "CONTROL_CHARACTERS",
    "crlf in url": "CONTROL_CHARACTERS", "bidi in url": "BIDI_CHARACTERS",
    "path that names nothing": "UNSUPPORTED_PATH", "text too long": "STRING_MAX_LEN",
    "nul in text": "CONTROL_CHARACTERS", "digest of other bytes": "DIGEST_MISMATCH",
    "departure in the past": "IN_THE_PAST", "departure in ten years": "TOO_FAR_AHEAD",
    "departure in no calendar": "NO_MOMENT", "imminent without a time": "REQUIRED",
    "request_id no uuid": "STRING_UUID", "unknown urgency": "ENUM_DEFINED_ONLY",
}  # fmt: skip


async def test_the_reason_says_what_is_wrong_and_stands_on_the_page_of_errors(
    intake: Intake,
) -> None:
    given = {}
    for name, (change, field) in BAD.items():
        request = submission()
        change(request)
        error = await refused(intake.referrals().SubmitReferral(request, timeout=5))
        assert error.reason == "INVALID_FIELD"
        (reason,) = {v.reason for v in error.violations if v.field == field}
        # A word of the service's own; a rule's id names the kind of value that it is a rule of.
        own = not reason.startswith(("STRING_", "ENUM_", "REPEATED_", "BYTES_", "REQUIRED"))
        assert not own or f"`{reason}`" in ERRORS_PAGE, name
        given[name] = reason
    assert {name: given[name] for name in REASONS_GIVEN} == REASONS_GIVEN


Call = Callable[[Any], Any]
ELSEWHERE: dict[str, tuple[Call, str]] = {
    "an empty batch": (
        lambda s: s.BatchSubmitReferrals(pb.BatchSubmitReferralsRequest(), timeout=5), "requests"),
    "an id that is none": (
        lambda s: s.GetReferral(pb.GetReferralRequest(referral_id="7"), timeout=5), "referral_id"),
    "no id": (lambda s: s.GetReferral(pb.GetReferralRequest(), timeout=5), "referral_id"),
    "a page of less than nothing": (
        lambda s: s.ListReferrals(pb.ListReferralsRequest(page_size=-1), timeout=5), "page_size"),
    "a page of too much": (
        lambda s: s.ListReferrals(pb.ListReferralsRequest(page_size=501), timeout=5), "page_size"),
    "an unknown state": (
        lambda s: s.ListReferrals(pb.ListReferralsRequest(states=UNKNOWN_GROUNDS), timeout=5),
        "states[0]"),
    "an unknown outcome": (
        lambda s: s.ListReferrals(pb.ListReferralsRequest(outcomes=UNKNOWN_GROUNDS), timeout=5),
        "outcomes[0]"),
    "a platform that is no slug": (
        lambda s: s.ListReferrals(pb.ListReferralsRequest(platforms=["'; --"]), timeout=5),
        "platforms[0]"),
    "a NUL in a filter": (
        lambda s: s.ListReferrals(pb.ListReferralsRequest(campaign_id="\x00"), timeout=5),
        "campaign_id"),
    "a time that no calendar holds": (
        lambda s: s.ListReferrals(
            pb.ListReferralsRequest(updated_since=Timestamp(seconds=2**62)), timeout=5),
        "updated_since"),
    "a withdrawal without a reason": (
        lambda s: s.WithdrawReferral(
            pb.WithdrawReferralRequest(referral_id=str(uuid4()), request_id=str(uuid4())),
            timeout=5),
        "reason"),
    "a withdrawal without a request_id": (
        lambda s: s.WithdrawReferral(
            pb.WithdrawReferralRequest(referral_id=str(uuid4()), reason="r"), timeout=5),
        "request_id"),
}  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
async def test_bad_input_of_every_other_call_is_refused_by_field(intake: Intake, name: str) -> None:
    call, field = ELSEWHERE[name]
    error = await refused(call(intake.referrals()))
    assert (error.kind, error.reason) == (ErrorKind.INVALID, "INVALID_FIELD")
    (violation,) = error.violations
    assert violation.field == field
    assert len(violation.message.split()) >= 4
    assert not any((await intake.counts()).values())


async def test_a_page_token_of_our_own_making_is_refused(intake: Intake) -> None:
    referral_id = str(uuid4())
    for token in ("x", "bnVsbA==", "WzFd", "\x00", "WyJhIl0=", "\u0661"):
        stub = intake.referrals()
        for call in (
            stub.ListReferrals(pb.ListReferralsRequest(page_token=token), timeout=5),
            stub.ListReferralEvents(
                pb.ListReferralEventsRequest(referral_id=referral_id, page_token="y" + token),
                timeout=5,
            ),
        ):
            error = await refused(call)
            assert (error.kind, error.reason) == (ErrorKind.INVALID, "CURSOR_UNKNOWN")
            (violation,) = error.violations
            assert (violation.field, violation.reason) == ("page_token", "TOKEN_UNKNOWN")


async def test_what_grpc_itself_refuses_has_a_published_reason_too(intake: Intake) -> None:
    items = [submission(n, text="x" * 20_000) for n in range(250)]
    batch = pb.BatchSubmitReferralsRequest(requests=items)
    error = await refused(intake.referrals().BatchSubmitReferrals(batch, timeout=20))
    assert (error.kind, error.reason) == (ErrorKind.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    unknown = intake.channel("referrer/nca").unary_unary("/takedown.intake.v1.ReferralService/Get")
    error = await refused(unknown(b"", timeout=5))
    assert (error.kind, error.reason) == (ErrorKind.UNIMPLEMENTED, "METHOD_UNKNOWN")
    assert not any((await intake.counts()).values())


@pytest.mark.parametrize("values", ["[-1, -1]", "[99999999999999999999999, 1]", "[1, 1e400]"])
async def test_a_forged_cursor_is_refused_and_never_an_internal_error(
    intake: Intake, values: str
) -> None:
    cursor = base64.urlsafe_b64encode(values.encode()).decode()
    call = intake.referrals().WatchReferralEvents(
        pb.WatchReferralEventsRequest(cursor=cursor), timeout=5
    )
    error = await refused(call.read())
    assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, "cursor")
    assert error.reason == "CURSOR_UNKNOWN"
