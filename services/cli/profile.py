"""Where the services are and who we are to them: a profile file, named by the environment.

``make up`` writes one for the local stack. A profile holds addresses and the files of
certificates; it holds no secret itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from services.cli.output import Failure
from services.kernel import grpc_client
from services.kernel.config import TlsSettings

VARIABLE: Final = "TAKEDOWN_PROFILE"
LOCAL: Final = Path(".local") / "profile.json"


@dataclass(frozen=True)
class Profile:
    path: Path
    values: dict[str, Any]

    @classmethod
    def read(cls) -> Profile:
        """The profile in TAKEDOWN_PROFILE, else the local stack's.

        Raises:
            Failure: there is none, or it cannot be read; the sentence says what to do.
        """
        path = Path(os.environ.get(VARIABLE, LOCAL))
        try:
            return cls(path, json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise Failure(
                f"No profile at {path}: start a stack with `make up`, or set {VARIABLE}."
            ) from None
        except (OSError, ValueError) as error:
            raise Failure(f"{path} is no readable profile ({type(error).__name__}).") from None

    def tls(self, identity: str) -> TlsSettings:
        files = self.values.get("identities", {}).get(identity)
        if files is None:
            known = ", ".join(sorted(self.values.get("identities", {})))
            raise Failure(f"{identity} is not in {self.path}; there are {known}.")
        return TlsSettings.model_validate(files)

    @asynccontextmanager
    async def channel(self, service: str, identity: str) -> AsyncIterator[grpc.aio.Channel]:
        """A channel to ``service`` as ``identity`` (role/name), closed at the end."""
        found = self.values.get("services", {}).get(service)
        if found is None:
            raise Failure(f"{service} is not in {self.path}.")
        channel = grpc_client.channel(found["address"], self.tls(identity), found["server_name"])
        try:
            yield channel
        finally:
            await channel.close()
