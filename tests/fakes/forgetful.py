"""Servers that do the work and then lose their answer, now and then.

``Forgetful`` stands between a caller and a service: it forwards every call as the caller, lets
the service do all of it, and then answers UNAVAILABLE for a share of the calls, chosen by a
seed. Streams are cut after a message. For the caller it is as if the service died between its
commit and its answer.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from services.kernel import grpc_client
from services.kernel.config import MESSAGE_LIMIT, TlsSettings
from services.kernel.grpc_server import server_credentials

# Server streams by method; everything else is one message for one message.
STREAMS: Final = frozenset({"Receive", "WatchReferralEvents", "Watch", "ServerReflectionInfo"})
_OWN: Final = ("grpc-", "user-agent", "content-type", "te", ":")
_LARGEST: Final = 8 * MESSAGE_LIMIT


def _same(message: bytes) -> bytes:
    return message


@dataclass
class Forgetful(grpc.GenericRpcHandler):  # type: ignore[misc]
    """``share`` of the calls lose their answer. ``forgotten`` counts them by method."""

    target: str
    caller: TlsSettings
    name: str
    share: float
    chance: random.Random
    calls: Counter[str] = field(default_factory=Counter)
    forgotten: Counter[str] = field(default_factory=Counter)
    # None until it serves.
    _channel: Any = None
    _server: Any = None

    async def serve(self, tls: TlsSettings) -> str:
        """Serve as the service that ``tls`` belongs to; the address."""
        # No retries here: a retry of ours would hide what the caller must survive.
        self._channel = grpc_client.channel(self.target, self.caller, self.name, retry=False)
        self._server = grpc.aio.server(
            handlers=(self,),
            options=(
                ("grpc.max_receive_message_length", _LARGEST),
                ("grpc.max_send_message_length", _LARGEST),
            ),
        )
        port = self._server.add_secure_port("127.0.0.1:0", server_credentials(tls))
        await self._server.start()
        return f"127.0.0.1:{port}"

    async def close(self) -> None:
        await self._server.stop(0)
        await self._channel.close()

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method
        if method.rpartition("/")[2] in STREAMS:
            return grpc.unary_stream_rpc_method_handler(self._stream(method), _same, _same)
        return grpc.unary_unary_rpc_method_handler(self._unary(method), _same, _same)

    def _unary(self, method: str) -> Any:
        async def handle(request: bytes, context: Any) -> bytes:
            call = self._channel.unary_unary(method, _same, _same)
            try:
                answer: bytes = await call(
                    request, metadata=_metadata(context), timeout=context.time_remaining()
                )
            except grpc.aio.AioRpcError as error:
                context.set_trailing_metadata(tuple(error.trailing_metadata() or ()))
                await context.abort(error.code(), error.details() or "")
                raise
            await self._forget_perhaps(method, context)
            return answer

        return handle

    def _stream(self, method: str) -> Any:
        async def handle(request: bytes, context: Any) -> AsyncIterator[bytes]:
            call = self._channel.unary_stream(method, _same, _same)(
                request, metadata=_metadata(context), timeout=context.time_remaining()
            )
            try:
                async for message in call:
                    yield message
                    await self._forget_perhaps(method, context)
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details() or "")

        return handle

    async def _forget_perhaps(self, method: str, context: Any) -> None:
        self.calls[method] += 1
        if self.chance.random() < self.share:
            self.forgotten[method] += 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the answer was lost")


def _metadata(context: Any) -> tuple[tuple[str, Any], ...]:
    given = context.invocation_metadata() or ()
    return tuple((key, value) for key, value in given if not key.startswith(_OWN))
