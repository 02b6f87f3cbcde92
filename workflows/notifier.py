"""The notifier port: how a reminder reaches a named contact. Two channels: a log line, and SMTP.

A message is named by its key for good: tried again it carries the same Message-ID, so that the
one who gets it twice has it once.
"""

from __future__ import annotations

import asyncio
import email.utils
import hashlib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final, Protocol

import aiosmtplib
import structlog

from workflows.config import SmtpSettings

MESSAGE_DOMAIN: Final = "takedown.internal"
# SMTP answers from here on are final for this message (RFC 5321, 4.2.1).
_FINAL: Final = 500
_log = structlog.get_logger("notifier")


@dataclass(frozen=True)
class Message:
    """``key`` makes it one message; ``to`` is an address, "" where the channel needs none."""

    key: str
    level: str
    to: str
    subject: str
    body: str
    referral_id: str

    @property
    def message_id(self) -> str:
        """RFC 5322 Message-ID; the same for the same key."""
        digest = hashlib.sha256(self.key.encode()).hexdigest()[:32]
        return f"<{digest}@{MESSAGE_DOMAIN}>"


class NotSentError(Exception):
    """Nobody took the message; ``final`` when trying it again cannot help."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Notifier(Protocol):
    """``channel`` is its name on the record."""

    channel: str

    async def send(self, message: Message) -> None:
        """Hand over one message.

        Raises:
            NotSentError: the message was not taken.
        """


class LogNotifier:
    """One log line a message: for installations without mail, and for the one-machine stack.

    Names the level and never the address: who a contact is does not belong in a log.
    """

    channel = "log"

    async def send(self, message: Message) -> None:
        _log.warning(
            "reminder",
            message_id=message.message_id,
            escalation_level=message.level,
            subject=message.subject,
            referral_id=message.referral_id,
        )


class SmtpNotifier:
    """One connection a message: reminders are seldom. Nothing goes over an open line."""

    channel = "smtp"

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._tls: ssl.SSLContext | None = None
        if settings.security != "none":
            cafile = str(settings.ca_file) if settings.ca_file else None
            self._tls = ssl.create_default_context(cafile=cafile)

    async def send(self, message: Message) -> None:
        s = self._settings
        client = aiosmtplib.SMTP(
            hostname=s.host,
            port=s.port,
            username=s.username,
            password=s.password.get_secret_value() if s.password else None,
            use_tls=s.security == "tls",
            start_tls=s.security == "starttls",
            tls_context=self._tls,
            timeout=s.timeout_seconds,
        )
        try:
            async with asyncio.timeout(s.timeout_seconds), client:
                await client.send_message(
                    _mail(message, s.sender), sender=s.sender, recipients=[message.to]
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            final = all(refusal.code >= _FINAL for refusal in error.recipients)
            raise NotSentError("the mail server refuses the contact", final=final) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NotSentError(f"the mail server: {type(error).__name__}") from error


def _mail(message: Message, sender: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = message.to
    mail["Subject"] = message.subject
    mail["Date"] = email.utils.localtime()
    mail["Message-ID"] = message.message_id
    # RFC 3834: no out-of-office note in answer.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.body)
    return mail
