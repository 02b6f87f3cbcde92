"""Settings of the worker process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from services.kernel.config import Part, ServiceSettings

_LABEL: Final = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# What people have: an atom, an at sign and a host name with a dot (RFC 5321, without quotes).
Address = Annotated[
    str,
    Field(
        max_length=254,
        pattern=rf"^[A-Za-z0-9_%+-]+(\.[A-Za-z0-9_%+-]+)*@({_LABEL}\.)+{_LABEL}$",
    ),
]
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class TemporalSettings(Part):
    address: str = Field(pattern=r"^[^\s:]+:\d{1,5}$")
    namespace: str = "default"


class SmtpSettings(Part):
    """The mail server. Unencrypted only on this very machine and without a password."""

    host: str = Field(pattern=r"^[^\s/@]+$", max_length=253)
    port: int = Field(ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Address
    username: str | None = Field(default=None, min_length=1, max_length=254)
    password: SecretStr | None = None
    # Trust this authority instead of the system's.
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=12.0, gt=0, le=15)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("give username and password together, or neither")
        if self.security == "none" and (self.host not in _LOOPBACK or self.username):
            raise ValueError('security "none" is for this machine alone, without a password')
        return self


class ContactSettings(Part):
    """Who is reminded, by the level of the ladder. ``platforms``: slug -> our contact there."""

    platforms: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,31}$")], Address]
    referrer_liaison: Address
    head_of_unit: Address

    def of(self, level: str, platform: str) -> str:
        """The address for a level.

        Raises:
            LookupError: there is no such level or platform.
        """
        if level == "PLATFORM_CONTACT":
            return self.platforms[platform]
        return {
            "REFERRER_LIAISON": self.referrer_liaison,
            "HEAD_OF_UNIT": self.head_of_unit,
        }[level]


class NotifierSettings(Part):
    """Reminders go to the log, or with ``smtp`` to the contacts by mail."""

    contacts: ContactSettings | None = None
    smtp: SmtpSettings | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.smtp is not None and self.contacts is None:
            raise ValueError("mail needs contacts: set notifier.contacts")
        return self


class WorkerSettings(ServiceSettings):
    """``adapters`` maps a platform's slug to the address of its adapter."""

    temporal: TemporalSettings
    intake: str
    classification: str
    acknowledgement: str
    observation: str
    adapters: dict[str, str]
    # One factor on every duration of the policy: 1.0 is real time.
    time_scale: float = Field(default=1.0, gt=0, le=1.0)
    workflow_tasks: int = Field(default=8, ge=2, le=64)
    local_activities: int = Field(default=64, ge=1, le=500)
    # Referrals kept in memory between their steps, some 130 KB each; any other is read again
    # from its history when something happens to it.
    cached_workflows: int = Field(default=80, ge=0, le=5000)
    platform_activities: int = Field(default=16, ge=1, le=200)
    observation_activities: int = Field(default=16, ge=1, le=200)
    # Routine referrals between their start and their first notice; more wait in the inbox.
    routine_starts: int = Field(default=4, ge=1, le=1000)
    notification_activities: int = Field(default=4, ge=1, le=50)
    notifier: NotifierSettings = NotifierSettings()
    # Every workflow in a fresh copy of its modules: what tests do, at twice the cost of a step.
    sandbox: bool = False

    @model_validator(mode="after")
    def _every_platform_has_a_contact(self) -> Self:
        contacts = self.notifier.contacts
        if contacts is not None:
            missing = sorted(self.adapters.keys() - contacts.platforms.keys())
            if missing:
                raise ValueError(f"notifier.contacts.platforms has no {', '.join(missing)}")
        return self
