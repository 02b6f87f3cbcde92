"""What a test says of a call that a service refuses."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import grpc
import pytest

from services.kernel.errors import DomainError
from services.kernel.grpc_errors import from_rpc_error


async def refused(call: Awaitable[Any]) -> DomainError:
    """The refusal, as a client reads it. Fails when the call was answered."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)
