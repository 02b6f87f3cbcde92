"""Phones, handles, links, prices, places and moves to a messaging service, with their place."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import phonenumbers

from services.classification.domain import Entity, EntityKind
from services.classification.matcher import Match
from services.classification.normalise import Normalised

MAX_EACH: Final = 20
# Runs of digits that are looked at before a text is taken for noise.
_MOST_TRIED: Final = 100
# What ``_PHONE`` asks for.
_FEWEST_DIGITS: Final = 7
_PHONE: Final = re.compile(r"(?<![\w+])(?:\+|00)?\(?\d(?:[ .()/\-]{0,2}\d){6,16}(?!\w)")
_NOT_PHONE: Final = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}|\d{1,2}[:.]\d\d")
_URL: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>\"']{3,300}"
    r"|(?<![\w@.])(?:wa\.me|t\.me|telegram\.me|chat\.whatsapp\.com|signal\.me|bit\.ly|linktr\.ee)"
    r"/[^\s<>\"']{2,100}",
    re.IGNORECASE,
)
_MOVE_URL: Final = re.compile(r"(?:wa\.me|t\.me|whatsapp\.com|telegram\.me|signal\.me)/", re.I)
_HANDLE: Final = re.compile(r"(?<![\w@./])@[A-Za-z0-9_](?:[\w.]{1,28}\w)(?!\w)")
_NAMED_HANDLE: Final = re.compile(
    r"\b(?:ig|insta|instagram|snap|snapchat|telegram|tg|tiktok|zalo|imo|fb)\s?[:=]\s?"
    r"([A-Za-z0-9_][\w.]{2,28}\w)",
    re.IGNORECASE,
)
_AMOUNT: Final = r"\d{1,3}(?:[.,' ]\d{3}){1,3}|\d{1,9}(?:[.,]\d{1,2})?"
# Folded spellings; the folding of ₺ £ € $ leaves them as they are.
_CURRENCY_WORDS: Final = (
    "eur|euros?|gbp|pounds?|quid|usd|dollars?|tl|lira|lire|lek|leke|paund|pound|sterlin|"
    "trieu|ty|vnd|bang anh|toman|dinar|dirham|afghani|yuro|evro|"
    "یورو|پوند|پاوند|باوند|جنیه|دولار|دلار|دالر|ډالر|تومان|تومن|دینار|درهم|لیره|افغانی|ملیون|"
    "میلیون|دفتر|پونډه|پونده|یوورو|لک|لاکه|ریال|روپی"
).replace("ډ", "د")
_PRICE: Final = re.compile(
    rf"(?=[£€$₺\d])(?:[£€$₺]\s?(?:{_AMOUNT})(?:\s?k\b)?(?!\d)|(?<![\w.,])(?:{_AMOUNT})\s?k?\s?(?:[£€$₺]|(?:{_CURRENCY_WORDS})\b)"
    r"|\b\d{1,3}k\b)"
)
_DEFAULT_REGION: Final = {
    "en": "GB", "fr": "FR", "tr": "TR", "sq": "AL", "vi": "VN", "fa": "IR", "prs": "AF",
    "ps": "AF", "ckb": "IQ", "ar": "IQ", "ro": "RO",
}  # fmt: skip
_LOCAL_DIGITS: Final = 10
_MOVES: Final = frozenset({"app", "contact"})
PLACES: Final = frozenset({"destination", "origin"})


def find(text: Normalised, matches: Sequence[Match], language: str) -> tuple[Entity, ...]:
    """Everything but dates (see departure.py), in the order of the text; at most 20 a kind."""
    urls = _capped(_urls(text))
    dialled = text.digits >= _FEWEST_DIGITS
    phones = _capped(_phones(text, _DEFAULT_REGION.get(language, "GB"))) if dialled else []
    found = [
        *urls,
        *phones,
        *_capped(_handles(text)),
        *(_capped(_prices(text, phones, urls)) if text.digits else ()),
        *_capped(_from_matches(text, matches, PLACES, EntityKind.PLACE)),
        *_capped(_moves(text, matches, urls)),
    ]
    return tuple(sorted(found, key=lambda e: (e.start, e.end, e.kind)))


def _capped(found: Iterator[Entity]) -> list[Entity]:
    return list(islice(found, MAX_EACH))


def _entity(
    text: Normalised, kind: EntityKind, start: int, end: int, value: str | None = None
) -> Entity:
    a, b = text.span(start, end)
    return Entity(kind, text.original[a:b] if value is None else value, a, b)


def _urls(text: Normalised) -> Iterator[Entity]:
    if "/" not in text.text and "www." not in text.text:
        return
    for match in _URL.finditer(text.text):
        # A sentence's own punctuation is no part of the link.
        end = match.start() + len(match.group().rstrip(".,;:!?)]}،؛؟"))
        yield _entity(text, EntityKind.URL, match.start(), end)


def _phones(text: Normalised, region: str) -> Iterator[Entity]:
    for match in islice(_PHONE.finditer(text.text), _MOST_TRIED):
        raw = match.group()
        if _NOT_PHONE.match(raw.strip("() ")):
            continue
        number = _number(raw, region)
        if number:
            yield _entity(text, EntityKind.PHONE, match.start(), match.end(), number)


def _number(raw: str, region: str) -> str:
    """E.164, or nothing for digits that are no telephone number."""
    digits = re.sub(r"\D", "", raw)
    international = raw.lstrip("(").startswith(("+", "00"))
    if not international and (len(digits) < _LOCAL_DIGITS or digits[0] != "0"):
        # Without a plus, a long run that begins with a country code is how posts write it.
        return f"+{digits}" if _possible(f"+{digits}", None) and len(digits) > _LOCAL_DIGITS else ""
    written = "+" + digits.removeprefix("00") if international else digits
    return _possible(written, None if international else region)


def _possible(written: str, region: str | None) -> str:
    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _handles(text: Normalised) -> Iterator[Entity]:
    if "@" in text.text:
        for match in _HANDLE.finditer(text.text):
            yield _entity(text, EntityKind.HANDLE, match.start(), match.end())
    if ":" in text.text or "=" in text.text:
        for match in _NAMED_HANDLE.finditer(text.text):
            yield _entity(text, EntityKind.HANDLE, match.start(1), match.end(1))


def _prices(text: Normalised, *others: Sequence[Entity]) -> Iterator[Entity]:
    """Amounts with a currency, outside phone numbers and links."""
    taken = sorted((entity.start, entity.end) for found in others for entity in found)
    at = 0
    while match := _PRICE.search(text.text, at):
        price = _entity(text, EntityKind.PRICE, match.start(), match.end())
        over = next((span for span in taken if span[0] < price.end and price.start < span[1]), None)
        if over is None:
            yield price
            at = match.end()
        else:
            # Go on behind what was taken: the amount may begin right there.
            at = max(match.start() + 1, bisect_left(text.starts, over[1]))


def _from_matches(
    text: Normalised, matches: Sequence[Match], concepts: frozenset[str], kind: EntityKind
) -> Iterator[Entity]:
    seen: set[tuple[int, int]] = set()
    for match in matches:
        if match.entry.concept in concepts:
            span = text.tokens[match.first].start, text.tokens[match.last].end
            if span not in seen:
                seen.add(span)
                yield Entity(kind, text.original[span[0] : span[1]], *span)


def _moves(text: Normalised, matches: Sequence[Match], urls: Sequence[Entity]) -> Iterator[Entity]:
    for url in urls:
        if _MOVE_URL.search(url.value):
            yield Entity(EntityKind.MESSAGING_MOVE, url.value, url.start, url.end)
    yield from _from_matches(text, matches, _MOVES, EntityKind.MESSAGING_MOVE)
