"""The parameters of one address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_plus

MAX_PARAMETERS: Final = 256


class AmbiguousParameterError(Exception):
    """An identifying parameter occurs twice with different values, so readers would disagree."""


class Query:
    """Decoded parameters."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Mapping[str, tuple[str, ...]]) -> None:
        self._pairs = pairs

    @classmethod
    def of(cls, text: str) -> Query:
        """The parameters, decoded once as HTML forms are; those beyond MAX_PARAMETERS are left."""
        if not text:
            return _NONE
        pairs: dict[str, tuple[str, ...]] = {}
        for pair in text.split("&", MAX_PARAMETERS)[:MAX_PARAMETERS]:
            name, _, value = pair.partition("=")
            if name:
                key = unquote_plus(name)
                pairs[key] = (*pairs.get(key, ()), unquote_plus(value))
        return cls(pairs)

    def get(self, name: str) -> str:
        """The value, or "" when absent; raises AmbiguousParameterError on two different ones."""
        values = self._pairs.get(name)
        if values is None:
            return ""
        if len(values) > 1 and len(set(values)) > 1:
            raise AmbiguousParameterError(name)
        return values[0]


_NONE: Final = Query({})
