"""One client of GitHub's REST API, and what each kind of refusal means.

A token is sent to the address of the environment and to nobody else, over TLS or to loopback. Answers that are no
answer (denied, throttled, timed out, of another shape) become :class:`NotRead` with their reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from checker.model.live.repository_settings import NotRead

if TYPE_CHECKING:
    from gidgethub import HTTPException
    from gidgethub.httpx import GitHubAPI

_T = TypeVar("_T")

TOKENS: Final = ("GH_TOKEN", "GITHUB_TOKEN")
"""In the order in which GitHub's own command line looks for them (GitHub CLI manual, gh help environment)."""
DEFAULT_URL: Final = "https://api.github.com"
_REQUESTER: Final = "doc-platform-checker"
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_MOST_ITEMS: Final = 2000
"""No repository has as many environments or rulesets: a list that goes on is one that repeats itself."""


class WrongShape(Exception):  # noqa: N818 - an answer, not an error of ours
    """An answer that is not what GitHub documents."""


def token_of(environ: Mapping[str, str]) -> str | None:
    return next((environ[name] for name in TOKENS if environ.get(name)), None)


def url_of(environ: Mapping[str, str]) -> str:
    """The API's address: ``GITHUB_API_URL``, which runners set, or github.com's."""
    return (environ.get("GITHUB_API_URL") or DEFAULT_URL).rstrip("/")


def refusal_of(url: str) -> NotRead | None:
    """Why a token may not be sent to an address, if it may not."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return None
    return NotRead(f"GITHUB_API_URL is {url}: a token is sent over https only", "GITHUB_API_URL with https")


class Client:
    """Asks within a deadline, a few questions side by side."""

    def __init__(self, api: GitHubAPI, deadline: float, seconds: float) -> None:
        self._api = api
        self._deadline = deadline
        self._seconds = seconds
        self._turns = asyncio.Semaphore(8)

    async def item(self, path: str) -> Any:
        async with self._turns:
            return await self._api.getitem(path)

    async def items(self, path: str, key: str) -> list[dict[str, Any]]:
        """Every item of a paged list, which is the answer itself or stands in it under ``key``."""
        found: list[dict[str, Any]] = []
        async with self._turns:
            async for each in self._api.getiter(path, iterable_key=key):
                if not isinstance(each, dict):
                    raise WrongShape(f"{key} is not a list of objects")
                found.append(each)
                if len(found) > _MOST_ITEMS:
                    raise WrongShape(f"its pages do not end after {_MOST_ITEMS} items")
        return found

    async def write(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """One call that changes something; never repeated."""
        async with self._turns:
            call = self._api.post if method == "POST" else self._api.patch
            return await call(path, data=body)

    async def fact(
        self,
        ask: Callable[[], Awaitable[_T]],
        *,
        needs: str,
        absent: Callable[[str], _T | None] = lambda _: None,
    ) -> _T | NotRead:
        """What ``ask`` answers, or why it does not. ``needs`` is the permission that it takes.

        ``absent`` is given the message of a 404, and answers the fact where that says "not set" for certain.
        """
        import gidgethub
        import httpx2

        try:
            async with asyncio.timeout_at(self._deadline):
                return await ask()
        except TimeoutError:
            return NotRead(f"GitHub gave no answer within {self._seconds:g} s")
        except gidgethub.RateLimitExceeded as error:
            return NotRead(_used_up(error.rate_limit.reset_datetime))
        except gidgethub.HTTPException as error:
            found = absent(str(error)) if error.status_code == 404 else None
            return found if found is not None else _meaning(error, needs)
        except httpx2.TimeoutException:
            return NotRead("GitHub gave no answer in time")
        except httpx2.HTTPError as error:
            return NotRead(f"GitHub cannot be reached ({type(error).__name__})")
        except (WrongShape, KeyError, TypeError, ValueError, AttributeError) as error:
            what = str(error) if isinstance(error, WrongShape) else type(error).__name__
            return NotRead(f"GitHub's answer is not as documented: {what}")


def _used_up(reset: datetime) -> str:
    return f"the token's rate limit is used up until {reset.astimezone(UTC):%H:%M} UTC"


def _meaning(error: HTTPException, needs: str) -> NotRead:
    status, message = int(error.status_code), str(error)
    if status == 429 or "retry-after" in error.headers or "secondary rate limit" in message.lower():
        return NotRead("GitHub slows this token down (secondary rate limit)")
    if status == 401:
        return NotRead("GitHub does not accept the token", "a valid token in GITHUB_TOKEN or GH_TOKEN")
    if status == 403:
        # GitHub REST API, Troubleshooting: the header names the permissions that would have sufficed.
        accepted = error.headers.get("x-accepted-github-permissions", "")
        return NotRead("the token may not read it", accepted.replace("=", ":") or needs)
    if status == 404:
        # GitHub REST API, Troubleshooting: 404 instead of 403 where a token may not know that something exists.
        return NotRead("GitHub says 404, which is not there or not for this token to see", needs)
    if 300 <= status < 400:
        return NotRead("the repository has another name or owner by now", "its present name in checker.toml")
    return NotRead(f"GitHub answered {status}")


@asynccontextmanager
async def connected(url: str, token: str, seconds: float) -> AsyncIterator[Client]:
    import httpx2
    from gidgethub.httpx import GitHubAPI

    deadline = asyncio.get_running_loop().time() + seconds
    async with httpx2.AsyncClient(timeout=min(10.0, seconds), follow_redirects=False) as http:
        api = GitHubAPI(http, _REQUESTER, oauth_token=token, base_url=url)
        yield Client(api, deadline, seconds)
