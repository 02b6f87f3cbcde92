"""An adapter: one platform's notices out, its answers in."""

from __future__ import annotations

import grpc

from services.adapters import profiles
from services.adapters.channels.api import ApiChannel
from services.adapters.clarifications import Clarifications
from services.adapters.config import AdapterSettings
from services.adapters.forwarder import Forwarder, Poller
from services.adapters.servicer import SERVICE, AdapterServicer
from services.adapters.store import Store
from services.adapters.web import webhook_server
from services.adapters.webhooks import WebhookReceiver, read_secret
from services.kernel import config, db, grpc_client, grpc_server, process, telemetry
from services.kernel.clock import SystemClock
from takedown.adapter.v1.platform_adapter_service_pb2_grpc import (
    add_PlatformAdapterServiceServicer_to_server,
)


async def main(settings: AdapterSettings) -> int:
    profile = profiles.find(settings.platform)
    observed = telemetry.setup(f"adapter-{settings.platform}", settings.telemetry)
    engine = db.engine(settings.database, f"adapter-{settings.platform}")
    clock = SystemClock()
    store = Store(engine, settings.platform)
    channel = ApiChannel(settings.endpoint, clock)
    acknowledgement = grpc_client.channel(
        settings.acknowledgement, settings.tls, grpc_client.server_name("acknowledgement")
    )
    forwarder = Forwarder(store, acknowledgement, clock)
    poller = Poller(profile, channel, store, forwarder, clock, settings.time_scale)
    key = read_secret(settings.webhook.secret.get_secret_value())
    receiver = WebhookReceiver(settings.platform, key, store, clock, forwarder.hurry)
    asked = Clarifications(engine, settings.platform)
    servicer = AdapterServicer(
        profile, channel, store, asked, poller, clock, sandbox=settings.endpoint.sandbox
    )

    def register(server: grpc.aio.Server) -> list[str]:
        add_PlatformAdapterServiceServicer_to_server(servicer, server)
        return [SERVICE]

    web = webhook_server(receiver.app(), settings.webhook, settings.tls)
    return await grpc_server.serve(
        settings,
        observed,
        register,
        background=(forwarder.run, poller.run, web),
        on_stop=(channel.close, acknowledgement.close, engine.dispose),
    )


if __name__ == "__main__":
    process.run(main(config.load(AdapterSettings, "adapter")))
