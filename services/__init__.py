"""The services, and the kernel under them.

gRPC's handlers of fork are left out before gRPC is loaded: nothing here forks without an exec, and
in a process whose threads are at work they end the child before it gets to its program
(``ev_epoll1_linux.cc: Check failed``). libuv's fork runs them, asyncio's own did not.
"""

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
