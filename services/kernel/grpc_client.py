"""The one client builder: mTLS with the server's name checked, deadlines, one retry policy."""

from __future__ import annotations

import json
from typing import Any, Final

import grpc

from services.kernel.certificates import Certificates, Pems
from services.kernel.client_interceptors import DEFAULT_DEADLINE, StreamClient, UnaryClient
from services.kernel.config import MESSAGE_LIMIT, TlsSettings
from services.kernel.identity import TRUST_DOMAIN
from services.kernel.renewing import RenewingChannel

_MARGIN: Final = 0.05
# UNAVAILABLE alone is retried here; everything else is Temporal's or the caller's to repeat.
_SERVICE_CONFIG: Final = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 3,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)


def server_name(service: str) -> str:
    """The DNS name in a service's certificate, e.g. ``intake.takedown.internal``."""
    return f"{service.replace('_', '-')}.{TRUST_DOMAIN}"


def channel_credentials(pems: Pems) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(pems.authority, pems.key, pems.certificate)


def channel(
    target: str,
    tls: TlsSettings,
    name: str,
    *,
    retry: bool = True,
    recheck_seconds: float = 10.0,
) -> grpc.aio.Channel:
    """A channel to ``target`` (host:port), whose certificate must carry ``name``, as ``tls``.

    A renewed certificate is taken up within ``recheck_seconds``; no call is cut off for it.
    """
    options: list[tuple[str, Any]] = [
        ("grpc.ssl_target_name_override", name),
        ("grpc.max_receive_message_length", 8 * MESSAGE_LIMIT),
        ("grpc.max_send_message_length", 8 * MESSAGE_LIMIT),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # A renewed channel must not share the old one's connection.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if retry:
        options += [("grpc.enable_retries", 1), ("grpc.service_config", _SERVICE_CONFIG)]
    else:
        options.append(("grpc.enable_retries", 0))

    def connect(pems: Pems) -> grpc.aio.Channel:
        interceptors: list[grpc.aio.ClientInterceptor] = [UnaryClient(), StreamClient()]
        return grpc.aio.secure_channel(
            target, channel_credentials(pems), options, None, interceptors
        )

    return RenewingChannel(Certificates(tls), connect, recheck_seconds)


def remaining(context: Any, longest: float = DEFAULT_DEADLINE) -> float:
    """The deadline to pass on: what is left of the caller's, less a margin to say so."""
    left = context.time_remaining()
    return longest if left is None else max(0.001, min(longest, left - _MARGIN))
