"""Tokens for the next page, and cursors: where a list goes on, as only we read it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from services.kernel.errors import DomainError, ErrorKind, FieldViolation


def page_token(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values, default=str).encode()).decode()


def read_token(token: str, field_name: str, *types: Callable[[Any], Any]) -> list[Any]:
    """The values in a token that this service made, each made by its type.

    Raises:
        DomainError: INVALID when it did not.
    """
    try:
        values = json.loads(base64.urlsafe_b64decode(token.encode()))
        if not isinstance(values, list) or len(values) != len(types):
            raise ValueError("wrong length")
        return [make(value) for make, value in zip(types, values, strict=True)]
    except (ValueError, TypeError, AttributeError, RecursionError):
        sentence = "This token was not made by this service; start again from the first page."
        raise DomainError(
            ErrorKind.INVALID,
            "CURSOR_UNKNOWN",
            sentence,
            violations=(FieldViolation(field_name, "TOKEN_UNKNOWN", sentence),),
        ) from None
