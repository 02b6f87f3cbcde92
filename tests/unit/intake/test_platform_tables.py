"""The tables hold together, and the page that people read says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.intake.platforms.lookalike import imitates
from services.intake.platforms.registry import BY_NAME, PLATFORMS, place_of
from services.intake.platforms.table import PLACEHOLDER, Platform, Route

PAGE = Path(__file__).parents[3] / "docs" / "platforms" / "urls.md"
NAMED = re.compile(r"\{(\w+)\}")


def routes_of(platform: Platform) -> list[tuple[str, Route]]:
    return [(name, route) for name, routes in platform.sections.items() for route in routes]


def test_the_registry_names_the_seven_platforms_explicitly() -> None:
    assert list(BY_NAME) == [
        *("facebook", "instagram", "tiktok", "x", "youtube", "snapchat", "telegram"),
    ]


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_every_template_uses_only_what_its_route_reads(platform: Platform) -> None:
    for _, route in routes_of(platform):
        read = {found[1] for found in PLACEHOLDER.finditer(route.path + "?" + route.query)}
        for template in (route.content, route.account, route.canonical):
            assert set(NAMED.findall(template)) <= read, route


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_every_host_leads_to_a_section_and_lies_in_a_domain_of_its_platform(
    platform: Platform,
) -> None:
    for host, section in platform.hosts.items():
        assert section in platform.sections
        assert host == host.lower()
        assert any(host == domain or host.endswith("." + domain) for domain in platform.owned)
    assert set(platform.sections) == {
        *platform.hosts.values(),
        *(pattern.section for pattern in platform.host_patterns),
    }


def test_no_host_belongs_to_two_platforms() -> None:
    hosts = [host for platform in PLATFORMS for host in platform.hosts]
    assert len(hosts) == len(set(hosts))


def test_no_platforms_own_host_is_called_a_look_alike() -> None:
    for platform in PLATFORMS:
        for host in platform.hosts:
            place = place_of(host)
            assert place is not None
            assert place.platform is platform


@pytest.mark.parametrize("host", ["example.com", "gov.uk", "münchen.de", "bbc.co.uk", "nca.gov.uk"])
def test_an_honest_host_is_not_called_a_look_alike(host: str) -> None:
    assert not imitates(host)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_the_documentation_has_a_row_for_every_route(platform: Platform) -> None:
    page = PAGE.read_text("utf-8")
    section = page.split(f"## {platform.title}\n", 1)[1].split("\n## ", 1)[0]
    for _, route in routes_of(platform):
        assert documented_row(platform, route) in section


def documented_row(platform: Platform, route: Route) -> str:
    """A route's row: form, kind, identity."""
    form = documented_form(route)
    if route.unwrap:
        return f"| {form} | of what it leads to | of what it leads to |"
    if not route.kind:
        return f"| {form} | refused | - |"
    family = platform.families.get(route.kind, route.kind)
    identity = f"{platform.name}/{family}/{route.content or route.account}"
    return f"| {form} | {route.kind} | `{identity}` |"


def documented_form(route: Route) -> str:
    """A route as the page writes it."""
    form = PLACEHOLDER.sub(r"{\1}", route.path.replace("/*", "/…"))
    query = PLACEHOLDER.sub(r"{\1}", route.query)
    if route.unwrap:
        query = f"{route.unwrap}=…"
    return f"`{form}?{query}`" if query else f"`{form}`"
