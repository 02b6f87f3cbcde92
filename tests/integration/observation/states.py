"""Every page state of every platform, and what one look at it must say."""

from __future__ import annotations

from typing import Final

STATES: Final = (
    "available", "removed", "author_deleted", "suspended", "withheld", "age", "private",
    "not_found", "login_wall", "blocked", "soft_404",
)  # fmt: skip
_SEEN, _HIDDEN, _DARK = "YES", "NO", "CANNOT_TELL"
_AVAILABLE = ("AVAILABLE", _SEEN, "UNKNOWN", False)
_GONE = ("NOT_FOUND", _HIDDEN, "UNKNOWN", True)
_REMOVED = ("REMOVED", _HIDDEN, "REMOVED", True)
_DELETED = ("AUTHOR_DELETED", _HIDDEN, "AUTHOR_DELETED", True)
_SUSPENDED = ("ACCOUNT_SUSPENDED", _HIDDEN, "ACCOUNT_SUSPENDED", True)
_WITHHELD = ("GEO_WITHHELD", _HIDDEN, "GEO_WITHHELD", False)
_PRIVATE = ("PRIVATE", _HIDDEN, "PRIVATE", False)
_AGE = ("AGE_RESTRICTED", _SEEN, "UNKNOWN", False)
_WALL = ("LOGIN_WALL", _DARK, "UNKNOWN", False)
_BLOCKED = ("PROBE_BLOCKED", _DARK, "UNKNOWN", False)
_UNKNOWN = ("UNKNOWN", _DARK, "UNKNOWN", False)

# (availability, visible, cause, counts as gone); docs/platforms says why platforms differ.
EXPECTED: Final = {
    "tiktok": dict(zip(STATES, (
        _AVAILABLE, _REMOVED, _DELETED, _REMOVED, _WITHHELD, _AGE, _PRIVATE, _GONE, _WALL,
        _BLOCKED, _UNKNOWN), strict=True)),
    "x": dict(zip(STATES, (
        _AVAILABLE, _REMOVED, _DELETED, _SUSPENDED, _WITHHELD, _AGE, _PRIVATE, _GONE, _BLOCKED,
        _BLOCKED, _UNKNOWN), strict=True)),
    # Logged out, these two never say who removed something, nor that it is private.
    "instagram": dict(zip(STATES, (
        _AVAILABLE, _GONE, _GONE, _GONE, _GONE, _AGE, _GONE, _GONE, _BLOCKED, _BLOCKED,
        _BLOCKED), strict=True)),
    "facebook": dict(zip(STATES, (
        _AVAILABLE, _GONE, _GONE, _GONE, _WITHHELD, _GONE, _GONE, _GONE, _WALL, _BLOCKED,
        _UNKNOWN), strict=True)),
}  # fmt: skip
# A whole account: states that a platform shows otherwise than by what it shows of an item.
ACCOUNTS: Final = {
    ("tiktok", "available"): _AVAILABLE, ("tiktok", "suspended"): _SUSPENDED,
    ("tiktok", "private"): _PRIVATE, ("tiktok", "not_found"): _GONE,
    ("tiktok", "soft_404"): _UNKNOWN, ("tiktok", "login_wall"): _WALL,
    ("x", "available"): _AVAILABLE, ("x", "suspended"): _SUSPENDED, ("x", "private"): _PRIVATE,
    ("x", "not_found"): _GONE, ("x", "blocked"): _BLOCKED,
    ("instagram", "available"): _AVAILABLE, ("instagram", "suspended"): _GONE,
    ("instagram", "private"): _PRIVATE, ("instagram", "blocked"): _BLOCKED,
}  # fmt: skip


def key(platform: str, state: str) -> str:
    """The content id that stands in this state."""
    number = STATES.index(state)
    if platform == "instagram":
        return f"State{number:05}"
    return str(7_300_000_000_000_001_000 + number)


def account(state: str) -> str:
    return f"account_{state}"


PAGES: Final = {
    **{f"{p}/{key(p, state)}".lower(): state for p in EXPECTED for state in STATES},
    **{f"{p}/{account(state)}": state for p, state in ACCOUNTS},
    "tiktok/7300000000000000001": "available", "tiktok/7300000000000000002": "not_found",
    "x/1800000000000000001": "available", "x/1800000000000000002": "not_found",
    "instagram/ctrllive001": "available", "instagram/ctrldead001": "not_found",
    "facebook/900000000000001": "available", "facebook/900000000000002": "not_found",
}  # fmt: skip
SHORT_LINKS: Final = {
    "tiktok/zmleads": f"https://www.tiktok.com/@somebody/video/{key('tiktok', 'available')}",
    "tiktok/zmhome": "https://www.tiktok.com/?_r=1",
    "tiktok/zminside": "http://127.0.0.1/",
}
