"""What is named in a text besides words: contacts, prices, links and places."""

from __future__ import annotations

import pytest

from services.classification.domain import EntityKind
from tests.unit.classification.corpus import assess


def named(text: str, kind: EntityKind) -> list[str]:
    return [entity.value for entity in assess(text).entities if entity.kind is kind]


@pytest.mark.parametrize(
    "written",
    [
        "+44 7700 900123",
        "0044 7700 900123",
        "+44(0)7700-900123",
        "+٤٤ ٧٧٠٠ ٩٠٠١٢٣",
        "+44.7700.900.123",
        "0 7 7 0 0 9 0 0 1 2 3",
        "07700 900123",
        "447700900123",
    ],
)
def test_a_number_is_found_however_it_is_written(written: str) -> None:
    assert named(f"call {written} for a boat to uk", EntityKind.PHONE) == ["+447700900123"]


@pytest.mark.parametrize(
    "written", ["12/06/2026", "2026-06-12", "£1,500", "1.000.000 tl", "room 12345", "04:30"]
)
def test_a_date_or_a_price_is_no_telephone_number(written: str) -> None:
    assert named(f"crossing {written} uk", EntityKind.PHONE) == []


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("boat £1,500 pp", "£1,500"),
        ("bateau 1200€ par personne", "1200€"),
        ("bot 1.200 euro kişi başı", "1.200 euro"),
        ("قایق ۲۵۰۰ یورو", "۲۵۰۰ یورو"),
        ("call +44 7700 900123 £900", "£900"),
        ("price 12k", "12k"),
        ("5000 TL", "5000 TL"),
    ],
)
def test_a_price_keeps_its_original_spelling(text: str, price: str) -> None:
    assert named(text, EntityKind.PRICE) == [price]


def test_handles_and_links_are_found_and_mail_addresses_are_not_handles() -> None:
    text = "dm @route_uk900 or t.me/example900, mail a@example.org, ig: boats.example"
    assert named(text, EntityKind.HANDLE) == ["@route_uk900", "boats.example"]
    assert named(text, EntityKind.URL) == ["t.me/example900,"[:-1]]
    assert "t.me/example900" in named(text, EntityKind.MESSAGING_MOVE)


def test_places_and_moves_to_a_messaging_service_are_named() -> None:
    text = "Calais to Dover, message me on WhatsApp"
    assert named(text, EntityKind.PLACE) == ["Calais", "Dover"]
    assert "WhatsApp" in named(text, EntityKind.MESSAGING_MOVE)


def test_entities_point_at_what_they_name() -> None:
    text = "قایق 🚤 ‎+44 7700 900123 ۲۵۰۰ یورو جمعه"
    for entity in assess(text).entities:
        assert text[entity.start : entity.end].strip()
        if entity.kind in (EntityKind.PRICE, EntityKind.PLACE, EntityKind.URL):
            assert entity.value == text[entity.start : entity.end]


def test_a_thousand_numbers_are_listed_but_once_a_kind_is_full() -> None:
    assert len(named("+44 7700 900123 " * 1000, EntityKind.PHONE)) == 20
