"""The guarded client: fetches hostile URLs and reaches public addresses only.

The address is checked when the connection is made, on every redirect, so that neither a
name that resolves to an inside address nor one that changes its mind gets through. At most
5 redirects, 10 MB and 15 seconds. No cookies, no proxies, no credentials.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
import string
import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

import httpcore2

from services.observation.config import SandboxSettings
from services.observation.domain import Fetched

MAX_REDIRECTS: Final = 5
MAX_BYTES: Final = 10 * 1024 * 1024
MAX_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
USER_AGENT: Final = "TakedownVerifier/1"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PORTS: Final = {"https": 443, "http": 80}
_MAX_URL: Final = 8192
_SPACE: Final = 0x20
_HOST: Final = re.compile(r"[a-z0-9._-]{1,253}")
# What stays as it is in an address; a blank and everything beyond ASCII is percent-encoded.
_ASCII: Final = string.punctuation


Resolve = Callable[[str, int], Awaitable[list[str]]]


class ForbiddenAddressError(httpcore2.ConnectError):
    """The name leads to no public address, or the URL is none that may be fetched."""


def is_public(address: str) -> bool:
    """Whether an IP address is on the open internet, IPv4 in IPv6 clothes included."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        nat64 = ip in ipaddress.ip_network("64:ff9b::/96")
        if nat64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None and not is_public(str(inner)):
            return False
        # Deprecated, yet still routed inside some networks; the library calls it global.
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves once, checks the very address that is connected to, or uses the sandbox's.

    Args:
        resolve: the addresses of a name; the system's resolver unless given.
        wire: makes the connections, to addresses alone; the system's network unless given.
    """

    def __init__(
        self,
        sandbox: SandboxSettings | None,
        resolve: Resolve | None = None,
        wire: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._inner = wire or httpcore2.AnyIOBackend()
        self._addresses = resolve or system_resolver
        self._origin = None
        if sandbox is not None:
            host, _, port = sandbox.origin.rpartition(":")
            self._origin = (host, int(port))

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        if self._origin is not None:
            return await self._inner.connect_tcp(*self._origin, timeout=timeout)
        address = await self._public(host, port)
        return await self._inner.connect_tcp(address, port, timeout=timeout)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise ForbiddenAddressError("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _public(self, host: str, port: int) -> str:
        try:
            addresses = await self._addresses(host, port)
        except OSError as error:
            raise httpcore2.ConnectError("the name does not resolve") from error
        # One inside address among public ones is an attack, not a fallback.
        if not addresses or not all(is_public(address) for address in addresses):
            raise ForbiddenAddressError("the name leads to an address that is not public")
        return addresses[0]


async def system_resolver(host: str, port: int) -> list[str]:
    """What this machine makes of a name. Raises OSError when nothing."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class GuardedClient:
    """``close`` when done. ``seconds`` bounds one fetch, redirects included."""

    def __init__(
        self,
        sandbox: SandboxSettings | None,
        seconds: float = MAX_SECONDS,
        backend: GuardedBackend | None = None,
    ) -> None:
        self._seconds = min(seconds, MAX_SECONDS)
        context = ssl.create_default_context(cafile=str(sandbox.ca_file) if sandbox else None)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=32,
            max_keepalive_connections=32,
            keepalive_expiry=10,
            network_backend=backend or GuardedBackend(sandbox),
        )

    async def close(self) -> None:
        await self._pool.aclose()

    async def fetch(
        self, url: str, headers: Iterable[tuple[str, str]] = (), *, follow: bool = True
    ) -> Fetched:
        """GET a URL. Never raises for what the other side does: ``failure`` says it."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(url, tuple(headers), MAX_REDIRECTS if follow else 0)
        except ForbiddenAddressError:
            return Fetched(url=url, failure="forbidden_address")
        except TimeoutError:
            return Fetched(url=url, failure="timed_out")
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
            ssl.SSLError,
            OSError,
            UnicodeError,
            zlib.error,
        ):
            return Fetched(url=url, failure="no_answer")

    async def _follow(
        self, url: str, headers: tuple[tuple[str, str], ...], redirects: int
    ) -> Fetched:
        here = url
        for _ in range(redirects + 1):
            fetched = await self._once(url, here, headers)
            target = dict(fetched.headers).get("location", "")
            if fetched.status not in _REDIRECTS or not target or redirects == 0:
                return fetched
            here = _joined(here, target)
        return Fetched(url=url, final_url=here, failure="too_many_redirects")

    async def _once(self, url: str, here: str, headers: tuple[tuple[str, str], ...]) -> Fetched:
        host = check(here)
        given = {name.lower() for name, _ in headers}
        sent = [("Host", host), ("Accept-Encoding", "gzip"), ("Accept-Language", "en"), *headers]
        if "user-agent" not in given:
            sent.append(("User-Agent", USER_AGENT))
        timeouts = {"connect": CONNECT_SECONDS, "read": MAX_SECONDS, "write": MAX_SECONDS}
        async with self._pool.stream(
            "GET", quote(here, safe=_ASCII), headers=sent, extensions={"timeout": timeouts}
        ) as response:
            body, truncated, unpacked = await _bounded(response)
            received = tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in response.headers
                if not (unpacked and name.lower() == b"content-encoding")
            )
            reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
        return Fetched(url, here, response.status, reason, received, body, truncated)


def _joined(here: str, target: str) -> str:
    """Where a redirect leads. Raises ForbiddenAddressError for what is no URL at all."""
    # Headers travel as bytes; what is not ASCII in an address is UTF-8 where it is anything.
    target = target.encode("latin-1").decode("utf-8", "replace")
    try:
        return quote(urljoin(here, target), safe=_ASCII)
    except ValueError:
        raise ForbiddenAddressError("not a URL") from None


def check(url: str) -> str:
    """The host of a URL that may be fetched.

    Raises:
        ForbiddenAddressError: not http(s), an odd port, credentials, an address instead of a
            name, or too long.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise ForbiddenAddressError("not a URL") from None
    if not _HOST.fullmatch(host) or any(ord(char) < _SPACE for char in url):
        raise ForbiddenAddressError("no platform's address is written so")
    if len(url) > _MAX_URL or parts.scheme not in _PORTS or not host:
        raise ForbiddenAddressError("only http and https are fetched")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddressError("credentials in a URL are not sent")
    if port is not None and port != _PORTS[parts.scheme]:
        raise ForbiddenAddressError("no platform uses another port")
    if host.replace(".", "").isdigit() or host.startswith("0x"):
        raise ForbiddenAddressError("no platform is addressed by number")
    return host


async def _bounded(response: httpcore2.Response) -> tuple[bytes, bool, bool]:
    """(body, cut off, unpacked): at most MAX_BYTES, where a compressed bomb stops growing too."""
    encodings = [v.lower() for n, v in response.headers if n.lower() == b"content-encoding"]
    unpack = zlib.decompressobj(wbits=47) if encodings in ([b"gzip"], [b"deflate"]) else None
    body = bytearray()
    async for chunk in response.aiter_stream():
        room = MAX_BYTES + 1 - len(body)
        body += unpack.decompress(chunk, room) if unpack is not None else chunk[:room]
        if len(body) > MAX_BYTES:
            return bytes(body[:MAX_BYTES]), True, unpack is not None
    return bytes(body), False, unpack is not None
