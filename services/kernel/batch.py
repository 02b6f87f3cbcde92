"""Batches whose items stand alone: one bad item never spoils the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from google.protobuf.message import Message
from google.rpc import status_pb2

from services.kernel.grpc_errors import as_domain_error, to_status
from services.kernel.interceptors import validate

Request = TypeVar("Request", bound=Message)
Item = TypeVar("Item")


def read_each(
    requests: Iterable[Request], read: Callable[[Request], Item]
) -> list[Item | status_pb2.Status]:
    """What ``read`` makes of each request, in order; the status of the refusal where it cannot."""
    return [read_one(request, read) for request in requests]


def read_one(request: Request, read: Callable[[Request], Item]) -> Item | status_pb2.Status:
    """What ``read`` makes of the request; the status of the refusal where it cannot.

    It is held against its message's rules first. A batch's own message leaves that out
    (IGNORE_ALWAYS), because there one broken item would refuse the batch.
    """
    try:
        validate(request)
        return read(request)
    except Exception as error:
        # Whatever it is: the item's caller is told, and what nobody foresaw is logged.
        return to_status(as_domain_error(error))
