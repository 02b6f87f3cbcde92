"""The api channel: notices over HTTPS as JSON, with receipts and polling.

The platform honours ``Idempotency-Key``: the same key again has no second effect. Answers
are bounded and checked like any input from outside. Endpoints, relative to the base:
``POST notices``, ``GET notices/<id>``, ``POST notices/<id>/withdrawal``,
``POST notices/<id>/clarifications/<clarification id>``.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import httpx2

from services.adapters.config import EndpointSettings
from services.adapters.domain import MEDIA_TYPE
from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind, failed_precondition

ANSWER_LIMIT: Final = 256 * 1024
LONGEST_PAUSE: Final = timedelta(hours=1)
_OK: Final = frozenset({200, 201, 202})
_BUSY: Final = frozenset({429, 503})
_UNKNOWN_THERE: Final = frozenset({404, 410})
_REFERENCE_LIMIT: Final = 200


@dataclass(frozen=True)
class Receipt:
    """The platform has it."""

    reference: str


@dataclass(frozen=True)
class Status:
    """What the platform says of a notice. ``done`` when nothing more will come."""

    reference: str
    answers: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False


class ApiChannel:
    """One platform's endpoint. ``close`` when done."""

    def __init__(self, settings: EndpointSettings, clock: Clock) -> None:
        self._clock = clock
        self._base = settings.url.rstrip("/")
        self._patience = settings.timeout_seconds
        context: ssl.SSLContext = ssl.create_default_context(
            cafile=str(settings.ca_file) if settings.ca_file else None
        )
        self._client = httpx2.AsyncClient(
            verify=context,
            timeout=settings.timeout_seconds,
            follow_redirects=False,
            trust_env=False,
            headers={
                "Authorization": f"Bearer {settings.token.get_secret_value()}",
                "Accept": MEDIA_TYPE,
                "Accept-Encoding": "identity",
                "User-Agent": "takedown-adapter/1",
            },
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, notice_id: UUID, body: bytes) -> Receipt:
        """Deliver one notice's exact bytes.

        Raises:
            DomainError: UNAVAILABLE (try again, with the platform's pause) or
                FAILED_PRECONDITION (the platform will never take it).
        """
        headers = {"Content-Type": MEDIA_TYPE, "Idempotency-Key": str(notice_id)}
        answer = await self._call("POST", "/notices", headers, body)
        return Receipt(_reference(answer))

    async def ask(self, notice_id: UUID) -> Status:
        """What became of a notice. Raises as ``send`` does."""
        answer = await self._call("GET", f"/notices/{notice_id}", {}, None)
        answers = answer.get("answers", [])
        if not isinstance(answers, list) or not all(isinstance(item, dict) for item in answers):
            raise _garbage()
        return Status(_reference(answer), answers[:100], bool(answer.get("done", False)))

    async def withdraw(self, notice_id: UUID, reason: str) -> None:
        """Tell the platform that a notice is withdrawn; one it never had needs no telling.

        Raises as ``send`` does.
        """
        body = json.dumps({"reason": reason}).encode()
        headers = {"Content-Type": MEDIA_TYPE, "Idempotency-Key": f"{notice_id}/withdrawal"}
        path = f"/notices/{notice_id}/withdrawal"
        await self._call("POST", path, headers, body, also=_UNKNOWN_THERE)

    async def answer(self, notice_id: UUID, clarification_id: str, body: bytes) -> None:
        """Answer a question of the platform with these exact bytes. Raises as ``send`` does."""
        # Made by the platform, so anything: as one part of a path it cannot lead elsewhere.
        named = quote(clarification_id, safe="")
        key = f"{notice_id}/clarifications/{named}"
        headers = {"Content-Type": MEDIA_TYPE, "Idempotency-Key": key}
        path = f"/notices/{notice_id}/clarifications/{named}"
        await self._call("POST", path, headers, body)

    async def _call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        also: frozenset[int] = frozenset(),
    ) -> dict[str, Any]:
        """One exchange. The client's own timeout is per read: one drop at a time would last."""
        try:
            async with (
                asyncio.timeout(self._patience),
                self._client.stream(
                    method, self._base + path, headers=dict(headers), content=body
                ) as response,
            ):
                if response.status_code in also:
                    return {}
                self._refuse(response)
                return _json(await _bounded(response))
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise _away("The platform could not be reached.") from error

    def _refuse(self, response: httpx2.Response) -> None:
        """Judge by the status alone: what else a refusal says may be of any size."""
        code = response.status_code
        if code in _OK:
            return
        if code in _BUSY:
            pause = retry_after(response.headers.get("retry-after"), self._clock.now())
            raise DomainError(
                ErrorKind.UNAVAILABLE,
                "PLATFORM_BUSY",
                "The platform asks to be called again later.",
                retry_after=pause,
            )
        if 400 <= code < 500 and code not in (401, 403, 408, 425):  # noqa: PLR2004
            raise failed_precondition(
                "NOTICE_REFUSED_BY_PLATFORM",
                f"The platform refused what was sent with HTTP {code}.",
            )
        raise _away(f"The platform answered HTTP {code}.")


async def _bounded(response: httpx2.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > ANSWER_LIMIT:
            raise _garbage()
    return bytes(content)


def _json(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        raise _garbage() from None
    if not isinstance(answer, dict):
        raise _garbage()
    return answer


def _reference(answer: Mapping[str, Any]) -> str:
    reference = answer.get("reference")
    if not isinstance(reference, str) or not 0 < len(reference) <= _REFERENCE_LIMIT:
        raise _garbage()
    if not reference.isprintable():
        raise _garbage()
    return reference


def _away(message: str) -> DomainError:
    return DomainError(ErrorKind.UNAVAILABLE, "PLATFORM_UNAVAILABLE", message)


def _garbage() -> DomainError:
    """Not understood is not accepted: the same notice goes again under the same key."""
    return _away("The platform's answer could not be understood.")


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """How long a Retry-After asks to wait (RFC 9110, 10.2.3): seconds or a date, bounded."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        # Longer than this many digits is not a time but an attack on our patience.
        return min(timedelta(seconds=int(text[:9])), LONGEST_PAUSE)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta()), LONGEST_PAUSE)
