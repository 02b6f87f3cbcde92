"""``takedown doctor``: is everything as it must be, and what to do where it is not."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

import grpc
import typer
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cli.output import EXIT_REFUSED, Failure, print_json, print_table, run
from services.cli.profile import Profile
from services.cli.referral import Json

SOON: Final = timedelta(hours=2)
_PACKAGES: Final = ("grpcio", "protobuf", "temporalio", "sqlmodel", "opentelemetry-sdk")
_MODULES: Final = {"worker": "workflows.worker"}


@dataclass(frozen=True)
class Finding:
    check: str
    ok: bool
    detail: str


def doctor(json_output: Json = False) -> None:
    """Check configuration, certificates, services, Temporal, the database and versions."""
    found = run(_examine())
    if json_output:
        for finding in found:
            print_json(asdict(finding))
    else:
        rows = [(f.check, "ok" if f.ok else "NOT OK", f.detail) for f in found]
        print_table("", ("check", "", "detail"), rows)
    if not all(finding.ok for finding in found):
        raise typer.Exit(EXIT_REFUSED)


async def _examine() -> list[Finding]:
    found = [Finding("versions", True, ", ".join(f"{p} {version(p)}" for p in _PACKAGES))]
    profile = Profile.read()
    found.append(Finding("profile", True, str(profile.path)))
    found += [_certificate(name, files) for name, files in _identities(profile)]
    found += await asyncio.gather(*(_health(profile, name) for name in profile.values["services"]))
    for name in ("temporal", "database"):
        found.append(_port(name, profile.values[name]))
    for name, path in profile.values.get("configs", {}).items():
        found.append(await asyncio.to_thread(_configuration, name, path))
    return found


def _identities(profile: Profile) -> list[tuple[str, dict[str, str]]]:
    return sorted(profile.values.get("identities", {}).items())


def _certificate(name: str, files: dict[str, str]) -> Finding:
    check = f"certificate {name}"
    try:
        leaf = x509.load_pem_x509_certificate(Path(files["cert_file"]).read_bytes())
    except (OSError, ValueError) as error:
        return Finding(check, False, f"cannot be read ({type(error).__name__}); run `make up`")
    left = leaf.not_valid_after_utc - datetime.now(UTC)
    if left < timedelta():
        return Finding(check, False, "has run out; run `make up`, which renews it")
    note = " (soon)" if left < SOON else ""
    return Finding(check, True, f"valid until {leaf.not_valid_after_utc:%Y-%m-%d %H:%M}{note}")


async def _health(profile: Profile, name: str) -> Finding:
    check = f"service {name}"
    try:
        async with profile.channel(name, "operator/dev") as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=3)
    except (grpc.aio.AioRpcError, Failure) as error:
        reason = error.code().name if isinstance(error, grpc.aio.AioRpcError) else str(error)
        return Finding(check, False, f"{reason}; see its log, or run `make up`")
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return Finding(check, status == "SERVING", status.lower())


def _port(name: str, address: str) -> Finding:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
    except OSError as error:
        return Finding(name, False, f"{address}: {error.strerror or error}; run `make up`")
    return Finding(name, True, address)


def _configuration(name: str, path: str) -> Finding:
    """Each service checks its own file, exactly as it would at start."""
    module = _MODULES.get(name, f"services.{name}")
    if name.startswith("adapter_"):
        module = "services.adapters"
    done = subprocess.run(  # noqa: S603 - our own interpreter and modules
        [sys.executable, "-m", module, "--config", path, "--check-config"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    detail = (done.stdout if done.returncode == 0 else done.stderr).strip()
    return Finding(f"configuration {name}", done.returncode == 0, detail[-300:])
