"""Every bad input is refused with field, reason and a sentence, and leaves nothing behind."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kernel.errors import ErrorKind
from takedown.intake.v1 import referral_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.integration.intake.serving import Intake, refused, submission

POST = "https://x.com/somebody/status/1800000000000000001"
Change = Callable[[pb.SubmitReferralRequest], None]


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


async def test_a_page_token_of_our_own_making_is_refused(intake: Intake) -> None:
    for token in ("x", "bnVsbA==", "WzFd", "\x00"):
        error = await refused(
            intake.referrals().ListReferrals(pb.ListReferralsRequest(page_token=token), timeout=5)
        )
        assert (error.kind, error.violations[0].field) == (ErrorKind.INVALID, "page_token")


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
