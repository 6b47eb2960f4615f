"""Does the environment answer? Both health endpoints, through the load balancer, as anybody would ask."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from infra.release.console import Clock, Deadline
from infra.release.errors import FailedError, UsageError

PATHS: Final = ("/api/health", "/health")
_TIMEOUT_SECONDS: Final = 10.0
_FIRST_PAUSE_SECONDS: Final = 2.0
_LONGEST_PAUSE_SECONDS: Final = 30.0


def check(url: str, paths: Sequence[str], seconds: float, clock: Clock, say: Callable[[str], None]) -> None:
    """Ask until each path answered 200, twice as long apart each time; `FailedError` once its time has passed."""
    for path in paths:
        deadline = Deadline(clock, seconds)
        pause = _FIRST_PAUSE_SECONDS
        while True:
            answer = ask(url, path)
            say(f"{url}{path}: {answer}")
            if answer == "200":
                break
            if not deadline.pause(pause):
                raise FailedError(
                    f"{url}{path} does not answer 200 but: {answer}",
                    fix="Look at the target groups and the service's log. Roll back if users are affected.",
                )
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def ask(url: str, path: str) -> str:
    """The status code of one request, or why there was none. A redirect is not followed: it is not health."""
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port
    if parts.scheme not in ("https", "http") or not host:
        raise UsageError(f"{url!r} is no http(s) URL")
    connection = (
        http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    )
    try:
        connection.request("GET", path, headers={"User-Agent": "doc-platform-release", "Accept": "*/*"})
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({type(error).__name__}: {error})"
    finally:
        connection.close()
