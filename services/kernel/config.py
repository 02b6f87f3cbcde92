"""Strict settings: one TOML file and the environment; an unknown key refuses to start.

``TAKEDOWN_<SERVICE>__KEY`` (nested: ``__`` between levels; lists and tables as JSON) overrides
the file, so that secrets need not stand in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

# Octets of one gRPC message that a service takes, and so of a batch of submissions.
MESSAGE_LIMIT: Final = 4 * 1024 * 1024


class Part(BaseModel):
    """A section of the settings: unknown keys are refused there too."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSettings(Part):
    ca_file: Path
    cert_file: Path
    key_file: Path


class DatabaseSettings(Part):
    url: SecretStr
    pool_size: int = Field(default=6, ge=1, le=32)


class TelemetrySettings(Part):
    otlp_endpoint: str | None = None
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


class ServiceSettings(BaseSettings):
    """What every service has. Subclasses add their own fields."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    service: str
    listen: str = Field(default="127.0.0.1:0", pattern=r"^[^\s:]+:\d{1,5}$")
    tls: TlsSettings
    telemetry: TelemetrySettings = TelemetrySettings()
    # Reflection is served in development only.
    development: bool = False
    drain_seconds: float = Field(default=10.0, ge=0, le=120)
    # Written with the bound port once the service serves.
    ready_file: Path | None = None
    allow_list: Path | None = None

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: Any, init_settings: Any, *_: Any, **__: Any
    ) -> Any:
        # Everything comes through ``load``, which knows the file and the prefix.
        return (init_settings,)


S = TypeVar("S", bound=ServiceSettings)


def load(
    cls: type[S],
    service: str,
    argv: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> S:
    """Read, check and return the settings; ``--check-config`` says so and exits 0.

    Exits 2 with one sentence per problem: key, reason, remedy.
    """
    parser = argparse.ArgumentParser(prog=service)
    environment = os.environ if environ is None else environ
    parser.add_argument("--config", type=Path, default=environment.get("TAKEDOWN_CONFIG"))
    parser.add_argument("--check-config", action="store_true")
    options = parser.parse_args(argv)
    values = _file(service, Path(options.config)) if options.config else {}
    problems = _overlay(values, f"TAKEDOWN_{service.upper().replace('-', '_')}_", environment)
    if values.setdefault("service", service) != service:
        problems.append(f"service: this is {service}, not {values['service']}; give its own file.")
    if problems:
        refuse(service, problems)
    try:
        settings = cls(**values)
    except ValidationError as error:
        refuse(service, [_sentence(problem) for problem in error.errors()])
    if options.check_config:
        sys.stdout.write("configuration is valid\n")
        raise SystemExit(0)
    return settings


def refuse(service: str, problems: Sequence[str]) -> Any:
    """Say what is wrong with the configuration and exit 2."""
    for problem in problems:
        sys.stderr.write(f"{service}: {problem}\n")
    raise SystemExit(2)


def _file(service: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return dict(refuse(service, [f"{path}: {error.strerror}; give --config a readable file."]))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return dict(refuse(service, [f"{path}: is not TOML ({error}); correct it."]))


def _overlay(values: dict[str, Any], prefix: str, environment: Mapping[str, str]) -> list[str]:
    """Lay the environment over ``values``; one sentence for each variable that does not fit."""
    problems: list[str] = []
    for name, value in sorted(environment.items()):
        if not name.startswith(prefix):
            continue
        if not name.startswith(prefix + "_"):
            # With "__" further in it belongs to a service whose name begins like this one's.
            if "__" not in name:
                problems.append(f"{name}: unknown variable; levels are joined by __, not _.")
            continue
        *parents, leaf = name[len(prefix) + 1 :].lower().split("__")
        section: Any = values
        for parent in parents:
            section = section.setdefault(parent, {}) if isinstance(section, dict) else None
        if not isinstance(section, dict) or not leaf or "" in parents:
            problems.append(f"{name}: names no setting; check how its levels are joined by __.")
            continue
        try:
            section[leaf] = json.loads(value) if value.startswith(("[", "{")) else value
        except ValueError:
            problems.append(f"{name}: begins like a list or table but is no JSON; correct it.")
    return problems


def _sentence(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it or correct its spelling."
    if problem["type"] == "missing":
        return f"{key}: missing; set it in the file or the environment."
    return f"{key}: {problem['msg']}; correct the value."
