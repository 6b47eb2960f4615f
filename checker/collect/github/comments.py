"""The one comment of ours on a pull request: written where there is none yet, else written again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from checker import lazy_re
from checker.collect.github.client import connected, refusal_of, token_of, url_of
from checker.errors import OutputError, UsageError, install_with
from checker.model.live.repository_settings import NotRead

DEADLINE: Final = 30.0
_NAME: Final = lazy_re.compile(r"(?!\.)[\w.-]+/(?!\.{1,2}$)[\w.-]+", re.ASCII)
_NEEDS: Final = "pull-requests:write"


def post(repository: str, number: int, body: str, marker: str, environ: Mapping[str, str]) -> str:
    """Write the comment and say which it is. ``marker`` begins it, and tells it from everybody else's.

    Raises :class:`OutputError` with GitHub's reason, and with the permission that is missing.
    """
    token, url = token_of(environ), url_of(environ)
    if not _NAME.fullmatch(repository):
        raise UsageError("it is not known which repository", "Set repository in checker.toml, or GITHUB_REPOSITORY.")
    if token is None:
        raise UsageError("no token to comment with", f"Set GITHUB_TOKEN to one with {_NEEDS}.")
    if (refused := refusal_of(url)) is not None:
        raise UsageError(refused.why, f"Set {refused.needs}.")
    if find_spec("gidgethub") is None or find_spec("httpx2") is None:
        raise UsageError("commenting needs a package", install_with("github"))
    found = asyncio.run(_post(f"/repos/{repository}", number, body, marker, token, url))
    if isinstance(found, NotRead):
        hint = f"The token needs {found.needs}." if found.needs else "Try again."
        raise OutputError(f"{repository}#{number} cannot be commented on: {found.why}", hint)
    return found


async def _post(path: str, number: int, body: str, marker: str, token: str, url: str) -> str | NotRead:
    async with connected(url, token, DEADLINE) as client:

        async def write() -> str:
            comments = await client.items(f"{path}/issues/{number}/comments?per_page=100", "comments")
            ours = next((each for each in comments if _is_ours(each, marker)), None)
            if ours is None:
                made = await client.write("POST", f"{path}/issues/{number}/comments", {"body": body})
                return f"written: {made['html_url']}"
            if ours.get("body") == body:
                return f"unchanged: {ours['html_url']}"
            made = await client.write("PATCH", f"{path}/issues/comments/{int(ours['id'])}", {"body": body})
            return f"written again: {made['html_url']}"

        return await client.fact(write, needs=_NEEDS)


def _is_ours(comment: Mapping[str, Any], marker: str) -> bool:
    """Begun by our marker, and written by a bot or by whoever may write here: a visitor's copy of it is not ours."""
    text, author = comment.get("body"), comment.get("user")
    if not isinstance(text, str) or not text.startswith(marker):
        return False
    bot = isinstance(author, Mapping) and author.get("type") == "Bot"
    return bot or comment.get("author_association") in ("OWNER", "MEMBER", "COLLABORATOR")
