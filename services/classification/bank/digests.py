"""What is kept of a text, a contact and a picture: digests under the deployment's own key.

Pure. The key makes them pseudonymous, not anonymous: whoever has it and guesses a text can
confirm the guess (docs/decisions/0021).
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import importlib.util
import re
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.classification.bank.numbers import (
    BANDS,
    CONTACTS,
    FEWEST_WORDS,
    PERMUTATIONS,
    ROWS,
    SEED,
)
from services.classification.domain import Entity, EntityKind
from services.classification.normalise import normalise

if TYPE_CHECKING:
    from datasketch import MinHash

SHORTEST_KEY: Final = 32
_CONTACT_KINDS: Final = frozenset({EntityKind.PHONE, EntityKind.HANDLE, EntityKind.URL})
_SCHEME: Final = re.compile(r"^(?:https?://)?(?:www\.)?", re.IGNORECASE)
_CHAT_NUMBER: Final = re.compile(r"wa\.me/\+?(\d{7,15})")
_LOW_HALF: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class TextDigest:
    """``digest`` is None for a text without a word: there is nothing to compare.

    ``words`` holds a 64-bit hash a word, in order; empty, as are ``signature`` (4 bytes a
    permutation, little endian) and ``bands``, for a text of fewer than eight words.
    """

    digest: bytes | None
    count: int
    words: tuple[int, ...] = ()
    signature: bytes = b""
    bands: tuple[int, ...] = ()


class Digester:
    """Digests under one key. Safe from several threads."""

    def __init__(self, key: bytes) -> None:
        """Raises ValueError for a key of fewer than 32 bytes."""
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"a key has at least {SHORTEST_KEY} bytes")
        # One key for each use, so that no digest says anything about another kind.
        self._text, self._word, self._band, self._contact = (
            hmac.digest(key, use, hashlib.sha256) for use in (b"text", b"word", b"band", b"contact")
        )

    def text(self, text: str) -> TextDigest:
        """Of the words as the classifier folds them; emoji and punctuation are no words."""
        words = folded_words(text)
        if not words:
            return TextDigest(None, 0)
        digest = hmac.digest(self._text, "\n".join(words).encode(), hashlib.sha256)
        if len(words) < FEWEST_WORDS:
            return TextDigest(digest, len(words))
        hashes = tuple(self._hash(self._word, word.encode()) for word in words)
        signature = _signature(hashes)
        return TextDigest(digest, len(words), hashes, signature, self._bands(signature))

    def contacts(self, entities: Iterable[Entity]) -> tuple[bytes, ...]:
        """Of phone numbers, handles and addresses, each once."""
        found = dict.fromkeys(
            contact for entity in entities if (contact := contact_of(entity)) is not None
        )
        kept = list(found)[:CONTACTS]
        return tuple(hmac.digest(self._contact, one.encode(), hashlib.sha256) for one in kept)

    def _bands(self, signature: bytes) -> tuple[int, ...]:
        width = 4 * ROWS
        return tuple(
            self._hash(self._band, bytes([band]) + signature[band * width : (band + 1) * width])
            for band in range(BANDS)
        )

    @staticmethod
    def _hash(key: bytes, value: bytes) -> int:
        """64 bits, signed as the database has them."""
        raw = hashlib.blake2b(value, key=key, digest_size=8).digest()
        return int.from_bytes(raw, "little", signed=True)


def folded_words(text: str) -> list[str]:
    """The likeliest reading of each word, in order."""
    # The replacement is the engine's own: half a character cannot be written again.
    read = normalise(text.encode("utf-8", "replace").decode("utf-8"))
    return [
        token.forms[0]
        for token in read.tokens
        if any(char.isalnum() for char in read.original[token.start : token.end])
    ]


def contact_of(entity: Entity) -> str | None:
    """One spelling for every way of writing a contact; None for what is none."""
    if entity.kind not in _CONTACT_KINDS:
        return None
    value = entity.value.strip().casefold()
    if entity.kind is EntityKind.HANDLE:
        return f"handle:{value.lstrip('@')}"
    if entity.kind is EntityKind.PHONE:
        return f"phone:{value}"
    address = _SCHEME.sub("", value, count=1).rstrip("/")
    number = _CHAT_NUMBER.match(address)
    return f"phone:+{number[1]}" if number else f"url:{address}"


def packed(words: Sequence[int]) -> bytes:
    return array("q", words).tobytes()


def unpacked(words: bytes) -> tuple[int, ...]:
    return tuple(array("q", words))


def _signature(hashes: Iterable[int]) -> bytes:
    sketch = _sketch()()
    # A set, in no order: what is hashed are 32-bit halves of keyed hashes.
    sketch.update_batch(set(hashes))
    return bytes(sketch.hashvalues.astype("<u4").tobytes())


def _low_half(value: int) -> int:
    return value & _LOW_HALF


def _minhash() -> type[MinHash]:
    """datasketch's MinHash without its package.

    The package imports all it has, of which LSH brings scipy: 0.7 s and 46 MB, for integrals that
    nothing here asks for. While its module is imported, an empty one stands for the package.
    """
    found = importlib.util.find_spec("datasketch")
    if found is None:
        raise ModuleNotFoundError("datasketch is not installed", name="datasketch")
    absent = "datasketch" not in sys.modules
    if absent:
        sys.modules["datasketch"] = importlib.util.module_from_spec(found)
    try:
        made: type[MinHash] = importlib.import_module("datasketch.minhash").MinHash
    finally:
        if absent:
            del sys.modules["datasketch"]
    return made


@functools.cache
def _sketch() -> Callable[[], MinHash]:
    """Makes empty sketches of the same permutations."""
    sketch = _minhash()
    first = sketch(PERMUTATIONS, seed=SEED, scheme="affine32")
    permutations: Any = first.permutations

    def make() -> MinHash:
        return sketch(
            PERMUTATIONS, seed=SEED, scheme="affine32", permutations=permutations,
            hashfunc=_low_half,
        )  # fmt: skip

    return make


def warm() -> None:
    """Load what the first digest would wait for."""
    _sketch()
