"""A channel that outlives its certificate.

gRPC for Python cannot change the certificate of a channel, and leafs live a day. Stubs keep
what a channel gave them, so they are given callables that ask for the present channel.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import grpc
import structlog

from services.kernel.certificates import Certificates, Pems

# Calls on the channel before have this long to end; streams resume by themselves.
_GRACE: Final = 300.0
_log = structlog.get_logger("client")


class RenewingChannel(grpc.aio.Channel):
    """The channel that ``connect`` makes, made anew when the files have been renewed."""

    def __init__(
        self,
        files: Certificates,
        connect: Callable[[Pems], grpc.aio.Channel],
        recheck_seconds: float,
    ) -> None:
        self._files = files
        self._connect = connect
        self._recheck = recheck_seconds
        self._checked = time.monotonic()
        self._channel = connect(files.read())
        self._closing: set[asyncio.Task[None]] = set()

    def present(self) -> grpc.aio.Channel:
        """The channel with the newest certificate; looks at the files once in a while."""
        now = time.monotonic()
        if now - self._checked < self._recheck:
            return self._channel
        self._checked = now
        if self._files.renewed():
            before, self._channel = self._channel, self._connect(self._files.read())
            task = asyncio.ensure_future(before.close(_GRACE))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            _log.info("certificate_renewed")
        return self._channel

    def _callable(self, shape: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return _Callable(self, shape, args, kwargs)

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._callable("unary_unary", args, kwargs)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._callable("unary_stream", args, kwargs)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._callable("stream_unary", args, kwargs)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._callable("stream_stream", args, kwargs)

    async def close(self, grace: float | None = None) -> None:
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self.present().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self.present().channel_ready()

    async def __aenter__(self) -> RenewingChannel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Callable:
    """One method of a stub, on whichever channel is the present one."""

    def __init__(
        self, channel: RenewingChannel, shape: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._channel = channel
        self._shape = shape
        self._args = args
        self._kwargs = kwargs
        self._made_by: grpc.aio.Channel | None = None
        self._made: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        present = self._channel.present()
        if present is not self._made_by:
            self._made = getattr(present, self._shape)(*self._args, **self._kwargs)
            self._made_by = present
        return self._made(*args, **kwargs)
