"""Why a URL is refused, for machines and for people."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from services.intake.platforms.registry import BY_NAME

MAX_URL_LENGTH: Final = 2048
"""Characters; the limit that intake publishes."""


class UrlReason(StrEnum):
    """Why a URL was refused."""

    MISSING = "MISSING"
    TOO_LONG = "TOO_LONG"
    CONTROL_CHARACTERS = "CONTROL_CHARACTERS"
    BIDI_CHARACTERS = "BIDI_CHARACTERS"
    RELATIVE = "RELATIVE"
    UNPARSABLE = "UNPARSABLE"
    SCHEME_NOT_HTTP = "SCHEME_NOT_HTTP"
    USERINFO = "USERINFO"
    PORT = "PORT"
    IP_ADDRESS_HOST = "IP_ADDRESS_HOST"
    LOOKALIKE_HOST = "LOOKALIKE_HOST"
    UNKNOWN_PLATFORM = "UNKNOWN_PLATFORM"
    UNSUPPORTED_PATH = "UNSUPPORTED_PATH"


_MESSAGES: Final = {
    UrlReason.MISSING: "The URL is empty; give the address of the content, starting with https://.",
    UrlReason.TOO_LONG: (
        f"The URL is longer than {MAX_URL_LENGTH} characters; remove what follows the content's id."
    ),
    UrlReason.CONTROL_CHARACTERS: (
        "The URL contains a control character such as a line break, tab or NUL; copy it again from"
        " the address bar."
    ),
    UrlReason.BIDI_CHARACTERS: (
        "The URL contains an invisible or direction-changing character; copy it again from the"
        " address bar."
    ),
    UrlReason.RELATIVE: (
        "The URL does not start with a scheme; give the whole address, starting with https://."
    ),
    UrlReason.UNPARSABLE: (
        "The URL cannot be read as an address; copy it again from the address bar."
    ),
    UrlReason.SCHEME_NOT_HTTP: (
        "The URL is not a web address; give the content's address starting with https://."
    ),
    UrlReason.USERINFO: (
        "The URL carries a user name before its host, which hides where it leads; give it without"
        " that part."
    ),
    UrlReason.PORT: (
        "The URL names a port, which no platform's address does; give it without the port."
    ),
    UrlReason.IP_ADDRESS_HOST: (
        "The URL names a network address instead of a platform; give the content's address on its"
        " platform."
    ),
    UrlReason.LOOKALIKE_HOST: (
        "The host only looks like a platform's; check where the URL leads and give the address on"
        " the platform itself."
    ),
    UrlReason.UNKNOWN_PLATFORM: (
        "The host belongs to no platform that takes referrals here; use one of "
        + ", ".join(platform.title for platform in BY_NAME.values())
        + "."
    ),
    UrlReason.UNSUPPORTED_PATH: (
        "The address names nothing that can be referred; open the post, account, page or group and"
        " copy its own address."
    ),
}


class UrlRefused(ValueError):  # noqa: N818 - a refusal is an answer, and its name is public
    """A URL that names no content; ``reason`` is for machines, ``message`` for people.

    The message never repeats the URL, so it may be logged.
    """

    def __init__(self, reason: UrlReason, message: str = "") -> None:
        self.reason = reason
        self.message = message or _MESSAGES[reason]
        super().__init__(self.message)
