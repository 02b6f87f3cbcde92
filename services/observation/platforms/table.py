"""The vocabulary of page-state tables: probes, rows, and how rows are matched.

A row is a condition and what it means. Rows are tried in order: transport first (blocked,
login), then identity (it is there), then markers that give a reason, then generic ones.
Structure comes before text, because texts follow the language of whoever looks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from services.observation.domain import Availability, Confidence, Content, Fetched, Reading
from services.observation.domain import blocked as blocked_reading
from services.observation.domain import unknown as unknown_reading

A, C = Availability, Confidence
Condition = Callable[[Fetched, Content], bool]
_SERVER_ERROR: Final = 500
_TOO_MANY: Final = 429


@dataclass(frozen=True)
class Row:
    """``name`` is the row's own part of the marker."""

    name: str
    condition: Condition
    availability: Availability
    confidence: Confidence


@dataclass(frozen=True)
class Probe:
    """One request and the table that reads its answer.

    Attributes:
        name: the first part of every marker, e.g. ``tiktok.page``.
        kinds: the content kinds that it can tell about.
        url: where to look; None when this content cannot be asked about here.
        headers: sent with the request; one fixed user agent per probe.
    """

    name: str
    kinds: frozenset[str]
    url: Callable[[Content], str | None]
    rows: Sequence[Row]
    headers: tuple[tuple[str, str], ...] = ()

    def read(self, fetched: Fetched, content: Content) -> Reading:
        transport = self._transport(fetched)
        if transport is not None:
            return transport
        for row in self.rows:
            try:
                matched = row.condition(fetched, content)
            except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError):
                # A page of another shape than expected matches no row.
                matched = False
            if matched:
                return Reading(row.availability, row.confidence, f"{self.name}.{row.name}")
        return unknown_reading(f"{self.name}.no_marker")

    def _transport(self, fetched: Fetched) -> Reading | None:
        if fetched.failure:
            return blocked_reading(f"{self.name}.{fetched.failure}")
        if fetched.status == _TOO_MANY or fetched.status >= _SERVER_ERROR:
            return blocked_reading(f"{self.name}.http_{fetched.status}")
        return None


def final_path(*prefixes: str) -> Condition:
    """The redirects ended on a path that begins so: a login or a challenge."""
    return lambda fetched, _: urlsplit(fetched.final_url).path.startswith(prefixes)


def status(*codes: int) -> Condition:
    return lambda fetched, _: fetched.status in codes


def contains(*texts: str) -> Condition:
    """Any of these texts in the body, apostrophes made straight."""
    return lambda fetched, _: any(text in straight(fetched.text) for text in texts)


def everything(*conditions: Condition) -> Condition:
    return lambda fetched, content: all(test(fetched, content) for test in conditions)


def neither(*conditions: Condition) -> Condition:
    return lambda fetched, content: not any(test(fetched, content) for test in conditions)


def body_json(fetched: Fetched) -> Any:
    """The body as JSON. Raises ValueError when it is none."""
    return json.loads(fetched.body)


def straight(text: str) -> str:
    """Typographic apostrophes and quotes made straight: platforms use both."""
    return text.replace("\u2019", "'").replace("\u2018", "'")
