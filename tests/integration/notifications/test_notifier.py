"""A reminder reaches its contact as one message, or is tried again; and it names no content."""

from __future__ import annotations

import asyncio
import email
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from pydantic import ValidationError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from tests.fakes.pki import Pki
from workflows.activities.notifications import NotificationActivities
from workflows.config import NotifierSettings
from workflows.contracts import RemindRequest, RemindResult

REFERRAL = "01a20dab-4b4b-70ee-834c-534254042b3a"
CONTACTS = {
    "platforms": {"tiktok": "contact@platform.example", "x": "x@platform.example"},
    "referrer_liaison": "liaison@nca.example",
    "head_of_unit": "head@unit.example",
}


@dataclass
class MailServer:
    """What it took; ``says`` is its answer to a recipient."""

    port: int = 0
    says: str = "250 OK"
    taken: list[tuple[list[str], Message]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.says.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.says

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.taken.append((list(envelope.rcpt_tos), email.message_from_bytes(content)))
        return "250 OK"


def _login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"takedown", b"a password"))


@asynccontextmanager
async def mail_server(pki: Pki, *, implicit: bool = False) -> AsyncIterator[MailServer]:
    running = MailServer()
    tls = pki.tls("service/simulator")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.cert_file, tls.key_file)

    def session() -> SMTP:
        return SMTP(
            running, hostname="mail.example", tls_context=None if implicit else context,
            require_starttls=not implicit, auth_required=not implicit, authenticator=_login,
            auth_require_tls=not implicit,
        )  # fmt: skip

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if implicit else None)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        await server.wait_closed()


def _settings(pki: Pki, port: int, **smtp: Any) -> NotifierSettings:
    values = {
        "host": "127.0.0.1", "port": port, "sender": "takedown@unit.example",
        "username": "takedown", "password": "a password", "ca_file": pki.ca.certificate_file,
        "timeout_seconds": 5,
    }  # fmt: skip
    return NotifierSettings.model_validate({"contacts": CONTACTS, "smtp": {**values, **smtp}})


def _request(**changes: Any) -> RemindRequest:
    values: dict[str, Any] = {
        "referral_id": REFERRAL, "key": f"{REFERRAL}/reminder/1", "level": "PLATFORM_CONTACT",
        "deadline": "decision", "platform": "tiktok", "state": "AWAITING_DECISION",
        "urgency": "URGENT", "notice_number": 2, "test": False,
    }  # fmt: skip
    return RemindRequest(**{**values, **changes})


async def _remind(settings: NotifierSettings, request: RemindRequest) -> RemindResult:
    activities = NotificationActivities(settings)
    result: RemindResult = await ActivityEnvironment().run(activities.remind, request)
    return result


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_the_contact_gets_what_is_late_and_what_to_do_next(pki: Pki, security: str) -> None:
    async with mail_server(pki, implicit=security == "tls") as server:
        settings = _settings(pki, server.port, security=security)
        result = await _remind(settings, _request())
    assert result.channel == "smtp"
    ((recipients, mail),) = server.taken
    assert recipients == ["contact@platform.example"]
    assert REFERRAL in mail["subject"]
    text = str(mail.get_payload())
    for part in (
        REFERRAL,
        "tiktok",
        "has not said what it decided",
        "What to do next:",
        "number 2",
    ):
        assert part in text
    assert "http" not in text
    assert "@" not in text


async def test_each_level_has_its_own_contact(pki: Pki) -> None:
    async with mail_server(pki) as server:
        settings = _settings(pki, server.port)
        for level, platform in [
            ("PLATFORM_CONTACT", "x"),
            ("REFERRER_LIAISON", "x"),
            ("HEAD_OF_UNIT", "tiktok"),
        ]:
            await _remind(settings, _request(level=level, platform=platform))
    assert [recipients for recipients, _ in server.taken] == [
        ["x@platform.example"], ["liaison@nca.example"], ["head@unit.example"],
    ]  # fmt: skip


async def test_a_repetition_is_the_same_message_and_another_key_another(pki: Pki) -> None:
    async with mail_server(pki) as server:
        settings = _settings(pki, server.port)
        for key in ("a/reminder/1", "a/reminder/1", "a/reminder/2"):
            await _remind(settings, _request(key=key))
    first, again, other = [mail["message-id"] for _, mail in server.taken]
    assert first == again != other


async def test_a_server_that_is_away_is_tried_again(pki: Pki) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(ApplicationError) as caught:
            await _remind(_settings(pki, port), _request())
    assert not caught.value.non_retryable
    assert caught.value.type == "REMINDER_NOT_SENT"


async def test_a_server_that_says_nothing_is_given_up_in_time_and_tried_again(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        settings = _settings(pki, held.getsockname()[1], timeout_seconds=0.5)
        async with asyncio.timeout(5):
            with pytest.raises(ApplicationError) as caught:
                await _remind(settings, _request())
    assert not caught.value.non_retryable


@pytest.mark.parametrize(("says", "final"), [("450 later", False), ("550 unknown", True)])
async def test_a_refused_contact_is_final_only_when_the_server_says_so(
    pki: Pki, says: str, final: bool
) -> None:
    async with mail_server(pki) as server:
        server.says = says
        with pytest.raises(ApplicationError) as caught:
            await _remind(_settings(pki, server.port), _request())
    assert caught.value.non_retryable is final
    assert server.taken == []


async def test_nothing_is_said_to_a_server_that_we_do_not_trust_or_that_does_not_encrypt(
    pki: Pki, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Pki(tmp_path_factory.mktemp("stranger"))
    async with mail_server(pki) as server:
        with pytest.raises(ApplicationError):
            await _remind(_settings(stranger, server.port), _request())
    async with mail_server(pki, implicit=True) as server:
        # Asked for STARTTLS, it speaks TLS from the first byte: no mail either way.
        with pytest.raises(ApplicationError):
            await _remind(_settings(pki, server.port, timeout_seconds=1), _request())
    assert server.taken == []


async def test_no_password_stands_in_an_error_or_in_the_settings_shown(pki: Pki) -> None:
    async with mail_server(pki) as server:
        settings = _settings(pki, server.port, password="a wrong secret")
        with pytest.raises(ApplicationError) as caught:
            await _remind(settings, _request())
    assert "a wrong secret" not in f"{caught.value!r} {caught.value.__cause__!r} {settings!r}"


async def test_without_a_mail_server_a_reminder_is_a_log_line_without_an_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = NotifierSettings.model_validate({"contacts": CONTACTS})
    result = await _remind(settings, _request(level="HEAD_OF_UNIT"))
    assert result.channel == "log"
    written = capsys.readouterr().out
    assert "HEAD_OF_UNIT" in written
    assert REFERRAL in written
    assert "head@unit.example" not in written


@pytest.mark.parametrize(
    "address",
    ["", "head", "head@unit", "a@b.example\nBcc: c@d.example", "a b@c.example", "@c.example",
     "a@-c.example", "a@c..example", "A <a@c.example>", "a@c.example,b@c.example",
     "a@" + "c" * 250 + ".example", ".a@c.example"],
)  # fmt: skip
@pytest.mark.parametrize("level", ["referrer_liaison", "head_of_unit", "platforms"])
def test_a_bad_address_is_refused_at_start(level: str, address: str) -> None:
    value: Any = {"x": address} if level == "platforms" else address
    with pytest.raises(ValidationError):
        NotifierSettings.model_validate({"contacts": {**CONTACTS, level: value}})


@pytest.mark.parametrize(
    "smtp",
    [
        {"security": "none"},
        {"security": "none", "host": "mail.example", "username": None, "password": None},
        {"password": None},
        {"host": "mail.example/path"},
        {"timeout_seconds": 60},
        {"sender": "takedown"},
        {"unknown": 1},
    ],
)
def test_mail_settings_that_are_unsafe_or_incomplete_are_refused(
    pki: Pki, smtp: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        _settings(pki, 25, **smtp)


def test_mail_without_contacts_is_refused(pki: Pki) -> None:
    smtp = _settings(pki, 25).smtp
    with pytest.raises(ValidationError, match="contacts"):
        NotifierSettings(smtp=smtp)
