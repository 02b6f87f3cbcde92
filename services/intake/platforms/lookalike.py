"""Tells a host that imitates a platform's from one that is simply somebody else's.

Both are refused; the difference is what the referrer is told. A host is reduced to its skeleton
(one shape for all characters that look alike, after Unicode TS #39) and compared with the names
of the platforms and with their short hosts.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

from services.intake.platforms.registry import PLATFORMS, known_hosts

SHORTEST_COMPARED: Final = 5
SWAPPED: Final = 2
LONGEST_HOST: Final = 253  # RFC 1035; nothing longer resolves

# Digits and pairs of letters that pass for others in a Latin host name.
_LOOKS_LIKE: Final = str.maketrans("01345789i", "oleastbgl")


def imitates(host: str) -> bool:
    """Whether a host in lower case, foreign to every platform, is made to look like one's."""
    plain = skeleton(_unicode(host[:LONGEST_HOST]))
    if plain in _known() or _names_a_host(plain):
        return True
    labels = [_squeezed(label) for label in plain.split(".")]
    return any(
        brand in "".join(labels) or any(_one_slip_apart(brand, label) for label in labels)
        for brand in _brands()
    )


def skeleton(host: str) -> str:
    """The host with every character outside ASCII replaced by the one it looks like."""
    if host.isascii():
        return host
    plain = unicodedata.normalize("NFKD", host)
    return "".join(_shape(char) for char in plain if not unicodedata.combining(char)).lower()


@cache
def _shape(char: str) -> str:
    if char.isascii():
        return char
    # Half a megabyte of tables that only disguised hosts need.
    from anyascii import anyascii
    from confusable_homoglyphs import confusables

    for likeness in confusables.confusables_data.get(char, ()):
        if likeness["c"].isascii():
            return str(likeness["c"])
    return anyascii(char)


def _unicode(host: str) -> str:
    return ".".join(_label(label) for label in host.split("."))


def _label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return label


def _squeezed(label: str) -> str:
    return (
        label.replace("-", "")
        .replace("_", "")
        .translate(_LOOKS_LIKE)
        .replace("rn", "m")
        .replace("vv", "w")
    )


@cache
def _brands() -> tuple[str, ...]:
    return tuple(_squeezed(brand) for platform in PLATFORMS for brand in platform.brands)


@cache
def _known() -> frozenset[str]:
    return known_hosts()


def _names_a_host(plain: str) -> bool:
    """``t.me.example.com`` and ``x-com.example``: a platform's host, with more around it."""
    labels = plain.replace("-", ".").split(".")
    return any(
        ".".join(labels[start:stop]) in _known()
        for start in range(min(len(labels), 12))
        for stop in range(start + 2, min(len(labels), start + 4) + 1)
    )


def _one_slip_apart(brand: str, label: str) -> bool:
    """One letter changed, dropped, added, or two neighbours swapped."""
    if len(label) < SHORTEST_COMPARED or abs(len(brand) - len(label)) > 1:
        return False
    head = _shared(brand, label)
    brand, label = brand[head:], label[head:]
    tail = _shared(brand[::-1], label[::-1])
    brand, label = brand[: len(brand) - tail], label[: len(label) - tail]
    return max(len(brand), len(label)) <= 1 or (len(brand) == SWAPPED and brand == label[::-1])


def _shared(one: str, other: str) -> int:
    """The length of the common beginning."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
