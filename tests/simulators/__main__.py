"""The simulator as a process: ``python -m tests.simulators --config FILE``."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from tests.simulators.ledger import Ledger
from tests.simulators.script import Script
from tests.simulators.server import Simulator
from tests.simulators.webhooks import Push


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Any:
        yield


async def serve(config: dict[str, Any]) -> None:
    script = Script.read(Path(config["script"])) if config.get("script") else Script({})
    simulator = Simulator(
        script=script,
        ledger=Ledger(Path(config["ledger"])),
        tokens=config["tokens"],
        pushes={name: Push(**push) for name, push in config.get("pushes", {}).items()},
        ca_file=config["ca_file"],
    )
    host, _, port = config["listen"].rpartition(":")
    server = _Server(
        uvicorn.Config(
            simulator.app(),
            host=host,
            port=int(port),
            ssl_certfile=config["cert_file"],
            ssl_keyfile=config["key_file"],
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=3,
        )
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve())
    pushing = asyncio.create_task(simulator.push(stop))
    while not server.started and not serving.done():  # noqa: ASYNC110 - it offers no event
        await asyncio.sleep(0.01)
    ready = Path(config["ready_file"])
    draft = ready.with_suffix(".new")
    draft.write_text(f"{server.servers[0].sockets[0].getsockname()[1]}\n")
    draft.replace(ready)
    await stop.wait()
    server.should_exit = True
    await asyncio.gather(serving, pushing)
    simulator.ledger.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulators")
    parser.add_argument("--config", type=Path, required=True)
    config = json.loads(parser.parse_args().config.read_text(encoding="utf-8"))
    asyncio.run(serve(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
