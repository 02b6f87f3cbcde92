"""Signed webhooks in: Standard Webhooks v1 (HMAC-SHA256 over id.timestamp.body).

A forged, stale or altered message is refused and stores nothing. A message that came before
is answered as accepted and has no second effect.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.adapters.answers import AnswerNotUnderstoodError, new_answer, read_event
from services.adapters.store import Store
from services.kernel.clock import Clock
from services.kernel.grpc_errors import as_domain_error

BODY_LIMIT: Final = 256 * 1024
TOLERANCE: Final = timedelta(minutes=5)
_ID_LIMIT: Final = 200
_SIGNATURES_LIMIT: Final = 10
_PREFIX: Final = "whsec_"
_log = structlog.get_logger("webhooks")


class SignatureError(ValueError):
    """Why a message is not trusted, in words that tell a forger nothing."""


def read_secret(secret: str) -> bytes:
    """The key in a Standard Webhooks secret, with or without its prefix.

    Raises:
        ValueError: not base64, or shorter than the 24 bytes that the standard asks for.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("the webhook secret is not base64") from error
    if len(key) < 24:  # noqa: PLR2004
        raise ValueError("the webhook secret is shorter than 24 bytes")
    return key


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The v1 signature of a message, as it stands in the header."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(key: bytes, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The id of a message that is what it claims to be.

    Raises:
        SignatureError: a header is missing, the time is off by over five minutes, or no
            signature fits.
    """
    message_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not message_id or len(message_id) > _ID_LIMIT or "." in message_id:
        raise SignatureError("webhook-id is missing or malformed")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):  # noqa: PLR2004
        raise SignatureError("webhook-timestamp is missing or malformed")
    if abs(now - int(stamp)) > TOLERANCE.total_seconds():
        raise SignatureError("webhook-timestamp is not within five minutes of now")
    expected = sign(key, message_id, int(stamp), body).encode()
    candidates = given.encode("utf-8", "replace").split(b" ")[:_SIGNATURES_LIMIT]
    if not any(hmac.compare_digest(expected, candidate) for candidate in candidates):
        raise SignatureError("no signature fits")
    return message_id


class WebhookReceiver:
    """``accepted`` is called after a new answer is stored, to hurry its forwarding."""

    def __init__(
        self,
        platform: str,
        key: bytes,
        store: Store,
        clock: Clock,
        accepted: Callable[[], Awaitable[None]],
    ) -> None:
        self._platform = platform
        self._key = key
        self._store = store
        self._clock = clock
        self._accepted = accepted

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/webhooks", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return _answer(413, "the message is larger than 256 KiB")
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            message_id = verify(self._key, headers, body, self._clock.now().timestamp())
        except SignatureError as error:
            _log.info("webhook_refused", reason=str(error))
            return _answer(401, str(error))
        try:
            event = read_event(self._platform, _data(body))
        except AnswerNotUnderstoodError as error:
            _log.info("webhook_not_understood", reason=str(error))
            return _answer(400, str(error))
        return await self._keep(message_id, body, event)

    async def _keep(self, message_id: str, body: bytes, event: Any) -> Response:
        answer = new_answer("webhook", message_id, body, event)
        try:
            known = await self._store.keep_answer(answer, self._clock.now())
        except Exception as error:
            as_domain_error(error)
            return _answer(503, "not stored; send the same message again")
        if known is None:
            await self._accepted()
            return _answer(202, "stored")
        if known != answer.body_sha256:
            return _answer(409, "this webhook-id was used for a different message")
        return _answer(200, "stored before")


def _data(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise AnswerNotUnderstoodError("the body is no JSON") from None
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, dict):
        raise AnswerNotUnderstoodError("the body holds no object named data")
    return data


async def _body(request: Request) -> bytes | None:
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > BODY_LIMIT:
                return None
    except ClientDisconnect:
        return None
    return bytes(content)


def _answer(code: int, text: str) -> Response:
    return JSONResponse({"message": text}, status_code=code)
