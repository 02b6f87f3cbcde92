"""The service as a process of its own: starts, answers, stops with 0, says what is wrong."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path

import psutil

from services.kernel import grpc_client
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.classification.v1 import classification_service_pb2_grpc as pb_grpc
from takedown.classification.v1.classification_service_pb2 import Picture
from tests.fakes.pictures import drawn, encoded
from tests.fakes.pki import Pki

NAME = grpc_client.server_name("classification")
REPOSITORY = Path(__file__).resolve().parents[3]
CANARY = "Boat from Calais to UK tonight, kids free, WhatsApp +44 7700 900188"


def settings(pki: Pki, folder: Path, extra: str = "") -> Path:
    tls = pki.tls("service/classification")
    file = folder / "classification.toml"
    file.write_text(
        f'ready_file = "{folder / "ready"}"\n{extra}\n[tls]\nca_file = "{tls.ca_file}"\n'
        f'cert_file = "{tls.cert_file}"\nkey_file = "{tls.key_file}"\n'
        '[telemetry]\nlog_level = "DEBUG"\n',
        encoding="utf-8",
    )
    return file


async def start(config: Path, *options: str) -> Process:
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "protos" / "gen")])
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.classification", "--config", str(config), *options,
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": path}, stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip


async def port(ready: Path, process: Process) -> int:
    """A file tells of itself by being there: nothing of another process can be awaited."""
    async with asyncio.timeout(20):
        while not (found := _written(ready)):
            assert process.returncode is None, await ended(process)
            await asyncio.sleep(0.02)
    return found


def _written(ready: Path) -> int:
    return int(ready.read_text(encoding="ascii")) if ready.exists() else 0


async def ended(process: Process) -> tuple[int | None, str]:
    async with asyncio.timeout(20):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_service_answers_stops_with_0_and_logs_no_content(
    pki: Pki, tmp_path: Path
) -> None:
    process = await start(settings(pki, tmp_path))
    try:
        target = f"127.0.0.1:{await port(tmp_path / 'ready', process)}"
        channel = grpc_client.channel(target, pki.tls("service/worker"), NAME)
        stub = pb_grpc.ClassificationServiceStub(channel)
        answer = await stub.Assess(pb.AssessRequest(item_id="1", text=CANARY), timeout=10)
        await channel.close()
        assert answer.assessment.probability > 0.5
        process.terminate()
        code, output = await ended(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert code == 0, output
    assert "stopped" in output
    assert not any(word in output for word in ("Calais", "900188", "kids"))


async def test_a_stopped_service_leaves_no_reader_of_pictures(pki: Pki, tmp_path: Path) -> None:
    process = await start(settings(pki, tmp_path, "picture_seconds = 60"))
    try:
        target = f"127.0.0.1:{await port(tmp_path / 'ready', process)}"
        channel = grpc_client.channel(target, pki.tls("service/worker"), NAME)
        stub = pb_grpc.ClassificationServiceStub(channel)
        asked = pb.AssessRequest(item_id="1", pictures=[Picture(content=encoded(drawn()))])
        answer = await stub.Assess(asked, timeout=60)
        await channel.close()
        assert "WhatsApp 07700" in answer.assessment.picture_text
        (reader,) = psutil.Process(process.pid).children()
        process.terminate()
        code, output = await ended(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert code == 0, output
    assert not reader.is_running()
    assert "picture_reader_started" in output
    # gRPC's handlers of fork, run in the child, ended it before it got to its program.
    assert "fork_posix" not in output
    assert not any(word in output for word in ("07700", "children", "Boat"))


async def test_an_unknown_setting_refuses_to_start(pki: Pki, tmp_path: Path) -> None:
    process = await start(settings(pki, tmp_path, "thraeds = 2"), "--check-config")
    code, output = await ended(process)
    assert code == 2
    assert "thraeds" in output


async def test_half_a_signal_bank_refuses_to_start(pki: Pki, tmp_path: Path) -> None:
    for extra, sentence in (
        (f'signal_key = "{"k" * 32}"', "together, or neither"),
        ('signal_key = "short"\ndatabase = { url = "postgresql+asyncpg://x@/y" }', "32 bytes"),
    ):
        process = await start(settings(pki, tmp_path, extra), "--check-config")
        code, output = await ended(process)
        assert code == 2
        assert sentence in output
