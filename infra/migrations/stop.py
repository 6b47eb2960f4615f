"""The bound on a whole run, and what a signal does to it.

The first of SIGALRM (the deadline), SIGTERM (Amazon ECS stops a task so, and kills it 30 s later) and SIGINT raises
Stopped, upon which the statement in the server is cancelled and its transaction rolled back. If even that hangs, the
process ends without ceremony: the server ends the session, and the lock with it.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from infra.migrations.errors import Stopped

GRACE = 15.0
"""Seconds between the first stop and the end without ceremony: inside the 30 that ECS leaves."""

_SIGNALS = (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raises Stopped inside the block when `seconds` have passed or a signal asks for the end."""
    stopping = False

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:  # one Stopped is enough: a second would interrupt the tidying up of the first
            if number == signal.SIGALRM:
                os.write(2, b"error: the server did not answer the request to cancel; the session is abandoned\n")
                os._exit(Stopped.exit_code)
            return
        stopping = True
        signal.setitimer(signal.ITIMER_REAL, GRACE)
        raise Stopped(
            f"the overall deadline of {seconds:g} s passed" if number == signal.SIGALRM else signal.Signals(number).name
        )

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
