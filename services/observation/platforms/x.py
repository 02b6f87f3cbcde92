"""X. Never its pages, which are empty shells: the syndication answer, in English, by id.
Sources: docs/platforms/x.md.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from services.observation.domain import Content, Fetched
from services.observation.platforms.table import (
    A,
    C,
    Condition,
    Probe,
    Row,
    body_json,
    status,
    straight,
)


def _same_post(fetched: Fetched, content: Content) -> bool:
    answer = body_json(fetched)
    return answer["__typename"] == "Tweet" and str(answer["id_str"]) == content.content_id


def tombstone(*beginnings: str) -> Condition:
    """Its text begins so, in the newer words or the older ones."""

    def condition(fetched: Fetched, _: Content) -> bool:
        answer = body_json(fetched)
        if answer["__typename"] != "TweetTombstone":
            return False
        text = straight(str(answer["tombstone"]["text"]["text"]))
        return any(text.startswith(_both(beginning)) for beginning in beginnings)

    return condition


def _both(beginning: str) -> tuple[str, str]:
    older = beginning.replace("Post author", "Tweet author").replace("Post", "Tweet")
    return beginning, older.replace("the X Rules", "the Twitter Rules")


def _empty_tombstone(fetched: Fetched, _: Content) -> bool:
    answer = body_json(fetched)
    return answer["__typename"] == "TweetTombstone" and not answer["tombstone"]


def _withheld(fetched: Fetched, _: Content) -> bool:
    answer = body_json(fetched)
    text = str(answer["tombstone"]["text"]["text"])
    return answer["__typename"] == "TweetTombstone" and "has been withheld" in text


def _other_tombstone(fetched: Fetched, _: Content) -> bool:
    return bool(body_json(fetched)["__typename"] == "TweetTombstone")


def _empty_object(fetched: Fetched, _: Content) -> bool:
    return bool(body_json(fetched) == {})


_POST: Final = (
    Row("post", _same_post, A.AVAILABLE, C.HIGH),
    Row("token_refused", _empty_object, A.PROBE_BLOCKED, C.HIGH),
    Row("bad_request", status(400), A.PROBE_BLOCKED, C.HIGH),
    Row("rules", tombstone("This Post violated the X Rules"), A.REMOVED, C.HIGH),
    Row("suspended", tombstone("This Post is from a suspended account"),
        A.ACCOUNT_SUSPENDED, C.HIGH),
    Row("deleted", tombstone("This Post was deleted by the Post author"),
        A.AUTHOR_DELETED, C.HIGH),
    Row("account_gone", tombstone("This Post is from an account that no longer exists"),
        A.AUTHOR_DELETED, C.MEDIUM),
    Row("protected", tombstone("You're unable to view this Post because this account owner limits"),
        A.PRIVATE, C.HIGH),
    Row("age", tombstone("Age-restricted adult content"), A.AGE_RESTRICTED, C.HIGH),
    Row("withheld", _withheld, A.GEO_WITHHELD, C.LOW),
    Row("unavailable", tombstone("This Post is unavailable"), A.UNKNOWN, C.MEDIUM),
    Row("empty_tombstone", _empty_tombstone, A.NOT_FOUND, C.HIGH),
    Row("unknown_tombstone", _other_tombstone, A.NOT_FOUND, C.LOW),
    Row("never_existed", status(404), A.NOT_FOUND, C.MEDIUM),
)  # fmt: skip


def _user(fetched: Fetched) -> dict[str, Any]:
    user: dict[str, Any] = body_json(fetched)["data"]["user"]["result"]
    return user


def _same_user(fetched: Fetched, content: Content) -> bool:
    user = _user(fetched)
    name = str(user["legacy"]["screen_name"]).lower()
    return user["__typename"] == "User" and name == content.account.lower()


def _user_protected(fetched: Fetched, content: Content) -> bool:
    return _same_user(fetched, content) and _user(fetched)["legacy"].get("protected") is True


def _user_suspended(fetched: Fetched, _: Content) -> bool:
    user = _user(fetched)
    return user["__typename"] == "UserUnavailable" and user.get("reason") == "Suspended"


def _user_missing(fetched: Fetched, _: Content) -> bool:
    return bool(body_json(fetched) == {"data": {}})


_ACCOUNT: Final = (
    Row("protected", _user_protected, A.PRIVATE, C.HIGH),
    Row("user", _same_user, A.AVAILABLE, C.HIGH),
    Row("suspended", _user_suspended, A.ACCOUNT_SUSPENDED, C.HIGH),
    Row("missing", _user_missing, A.NOT_FOUND, C.MEDIUM),
)


def _post_url(content: Content) -> str | None:
    if not content.content_id.isdigit():
        return None
    query = f"id={content.content_id}&token=takedown&lang=en"
    return f"https://cdn.syndication.twimg.com/tweet-result?{query}"


def _account_url(content: Content) -> str | None:
    variables = quote(json.dumps({"screen_name": content.account}), safe="")
    return f"https://api.x.com/graphql/UserByScreenName?variables={variables}"


PROBES: Final = (
    Probe("x.syndication", frozenset({"POST", "COMMENT"}), _post_url, _POST),
    Probe("x.user", frozenset({"ACCOUNT"}), _account_url, _ACCOUNT),
)
