"""Batches whose items stand alone: one bad item never spoils the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from google.protobuf.message import Message
from google.rpc import status_pb2

from services.kernel.grpc_errors import as_domain_error, to_status
from services.kernel.interceptors import validate

Request = TypeVar("Request", bound=Message)
Item = TypeVar("Item")
Given = ParamSpec("Given")


def read_each(
    requests: Iterable[Request], read: Callable[[Request], Item]
) -> list[Item | status_pb2.Status]:
    """What ``read`` makes of each request, in order; the status of the refusal where it cannot.

    Each is held against its message's rules first. A batch's own message leaves that out
    (IGNORE_ALWAYS), because there one broken item would refuse the batch. First all are checked
    and then all are read: a processor does the same thing many times over in half the time of
    many things in turn.
    """
    checked = [(request, attempt(validate, request)) for request in requests]
    return [attempt(read, request) if refused is None else refused for request, refused in checked]


def read_one(request: Request, read: Callable[[Request], Item]) -> Item | status_pb2.Status:
    """As ``read_each``, of one request."""
    (made,) = read_each((request,), read)
    return made


def attempt(
    make: Callable[Given, Item], *args: Given.args, **kwargs: Given.kwargs
) -> Item | status_pb2.Status:
    """What ``make`` makes of its arguments; the status of the refusal where it cannot."""
    try:
        return make(*args, **kwargs)
    except Exception as error:
        # Whatever it is: the item's caller is told, and what nobody foresaw is logged.
        return to_status(as_domain_error(error))
