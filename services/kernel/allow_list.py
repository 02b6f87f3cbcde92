"""The default-deny allow-list per gRPC service and method; the rules are data."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Final

from services.kernel.errors import DomainError, ErrorKind
from services.kernel.identity import ROLES, Identity

PACKAGED: Final = Path(__file__).with_name("allow_list.toml")
# Pairs of caller and method whose answer is remembered: few call, and each calls again.
_REMEMBERED: Final = 1024


class AllowList:
    """gRPC service -> method -> patterns of role/name.

    Raises:
        ValueError: a pattern that names no known role, or anything that is not of that shape.
    """

    def __init__(self, rules: dict[str, dict[str, list[str]]]) -> None:
        for service, methods in rules.items():
            if not isinstance(methods, dict):
                raise ValueError(f"{service}: holds no methods; write a table of lists")  # noqa: TRY004
            for method, patterns in methods.items():
                if not isinstance(patterns, list):
                    raise ValueError(f"{service}/{method}: is no list of roles; write [...]")  # noqa: TRY004
                for pattern in patterns:
                    role, slash, name = str(pattern).partition("/")
                    if role not in ROLES or not slash or not name:
                        raise ValueError(f"{service}/{method}: {pattern!r} names no known role")
        self._rules = rules
        self._known = lru_cache(_REMEMBERED)(self._look_up)

    @classmethod
    def read(cls, path: Path | None = None) -> AllowList:
        return cls(tomllib.loads((path or PACKAGED).read_text(encoding="utf-8")))

    def allows(self, identity: Identity, full_method: str) -> bool:
        """Whether ``identity`` may call ``/package.Service/Method``."""
        return self._known(identity.short, full_method)

    def _look_up(self, short: str, full_method: str) -> bool:
        service, _, method = full_method.lstrip("/").partition("/")
        methods = self._rules.get(service, {})
        patterns = methods.get(method, methods.get("*", []))
        return any(fnmatchcase(short, pattern) for pattern in patterns)

    def check(self, identity: Identity, full_method: str) -> None:
        """Raises DomainError PERMISSION_DENIED unless the call is allowed."""
        if not self.allows(identity, full_method):
            raise DomainError(
                ErrorKind.PERMISSION_DENIED,
                "NOT_ALLOWED",
                "This identity may not call this method; ask the operator if it should.",
            )
