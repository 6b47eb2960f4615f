"""Where many accounts are read: on threads of this machine, or on a cluster's workers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from checker.errors import UsageError, install_with

_AT_ONCE: Final = 8  # accounts; each has calls side by side of its own


@contextmanager
def executor(scheduler: str, tasks: int) -> Iterator[Executor]:
    """Threads, or the executor of the Dask cluster at ``scheduler``. Raises :class:`UsageError` where none answers."""
    if not scheduler:
        with ThreadPoolExecutor(max(1, min(tasks, _AT_ONCE))) as pool:
            yield pool
        return
    try:
        from distributed import Client

        connect: Any = Client
    except ImportError:
        raise UsageError("--scheduler needs Dask, which is not installed", install_with("cluster")) from None
    try:
        client: Any = connect(scheduler, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at {scheduler}: {error}", "Name it as tcp://HOST:PORT.") from None
    with client, client.get_executor(retries=2, pure=False) as pool:
        yield pool
