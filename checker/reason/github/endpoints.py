"""Which operation of GitHub's REST API a request asks for: by method and path, by Octokit's name, by gh's command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final, TypeAlias

from checker import lazy_re
from checker.data.github_api import NEVER, Operation, by_id, operations
from checker.model.values import Hole, Text, pieces, split

# What a call needs: of each group one permission.
Needs: TypeAlias = "tuple[tuple[str, ...], ...]"
__all__ = ["NEVER", "Needs", "command_needs", "is_open", "matching", "methods_of", "namespaces", "needs_of", "octokit"]

# A segment of a request's path: written out, or open.
Segment: TypeAlias = "str | None"
_TWO: Final = lazy_re.compile(r"github\.repository\b(?!_)|GITHUB_REPOSITORY\b(?!_)|\brepo_?full_?name\b|full_name\b")
_LONG: Final = lazy_re.compile(r"\b(?:path|endpoint|url|uri|route)\b", re.IGNORECASE)
_FILLED: Final = lazy_re.compile(r"\{(?:owner|repo|branch)\}|:(?:owner|repo|branch)$")


@lru_cache(maxsize=4096)  # jobs ask the same again and again, of a thousand operations
def matching(method: str, url: str | Text) -> tuple[Operation, ...]:
    """The operations that a request can be, those that fit best alone; empty where there surely is none."""
    asked = [each for each in operations() if each.method == method]
    written, found = _fitting(url, asked)
    best = max((_exactness(each, written) for each in found), default=0)
    return tuple(each for each in found if _exactness(each, written) == best)


def methods_of(url: str | Text) -> list[str]:
    """The methods with which GitHub has this path."""
    return sorted({each.method for each in _fitting(url, operations())[1]})


def _fitting(url: str | Text, among: Sequence[Operation]) -> tuple[list[Segment | tuple[()]], list[Operation]]:
    """The path's segments, and the operations that have them. What a command prints is an id or a name; it is taken
    for more (an owner and a repository) only where that fits nothing."""
    for several in (False, True):
        written = list(_segments(url, several=several))
        found = [each for each in among if _fits(each.segments, written)]
        if found:
            break
    return written, found


def is_open(url: str | Text) -> bool:
    """Whether so little of the path is written out that it may be anything."""
    return not any(isinstance(part, str) and part.strip("/") for part in pieces(url))


def _segments(url: str | Text, *, several: bool) -> Iterator[Segment | tuple[()]]:
    """The path's segments: ``None`` for one that is open, ``()`` for any number of them."""
    for parts in split(url, "/"):
        yield from _segment(parts, several=several)


def _segment(parts: Sequence[str | Hole], *, several: bool) -> Iterator[Segment | tuple[()]]:
    holes = [part for part in parts if isinstance(part, Hole)]
    literal = "".join(part for part in parts if isinstance(part, str))
    if not holes:
        if literal:
            yield None if _FILLED.search(literal) else literal
    elif not literal and holes[0].shown.startswith("$("):  # the names in a command say nothing of what it prints
        yield () if several else None
    elif not literal and _TWO.search(holes[0].shown):
        yield from (None, None)
    elif not literal and _LONG.search(holes[0].shown):
        yield ()
    else:
        yield None


def _fits(template: Sequence[str], written: Sequence[Segment | tuple[()]]) -> bool:
    if not template or not written:
        return not template and all(each == () for each in written)
    first, given = template[0], written[0]
    if given == ():
        return _fits(template, written[1:]) or _fits(template[1:], written)
    if first.endswith("*}"):
        return any(_fits(template[1:], written[count:]) for count in range(1, len(written) + 1))
    if given is not None:
        if first.endswith("#}") and not str(given).isdigit():
            return False
        if not first.startswith("{") and first != given and "{" not in first:
            return False
    return _fits(template[1:], written[1:])


def _exactness(operation: Operation, written: Sequence[Segment | tuple[()]]) -> int:
    """How many segments are the same word in both: ``releases/latest`` is that rather than a release's number."""
    return sum(each in written for each in operation.segments if not each.startswith("{"))


def octokit(namespace: str, method: str) -> Operation | None:
    """``github.rest.repos.updateRelease``: an operation by its name in Octokit."""
    return by_id().get(f"{_kebab(namespace)}/{_kebab(method)}")


@cache
def namespaces() -> frozenset[str]:
    return frozenset(_camel(identifier.partition("/")[0]) for identifier in by_id())


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", name).lower()


def _camel(name: str) -> str:
    first, *rest = name.split("-")
    return first + "".join(each.capitalize() for each in rest)


def needs_of(operation: Operation) -> Needs:
    return (operation.needs,) if operation.needs else ()


_PULLS_READ: Final = ("pull-requests:read",)
_PULLS: Final = ("pull-requests:write",)
_COMMENTS: Final = ("pull-requests:write", "issues:write")
# Commands of gh by what they call. Source: GitHub CLI manual, each command's page.
_COMMANDS: Final[Mapping[str, Mapping[str, Needs]]] = {
    "release": {
        **dict.fromkeys(("list", "view", "download"), (("contents:read",),)),
        **dict.fromkeys(("create", "edit", "upload", "delete", "delete-asset"), (("contents:write",),)),
    },
    "run": {
        **dict.fromkeys(("list", "view", "watch", "download"), (("actions:read",),)),
        **dict.fromkeys(("rerun", "cancel", "delete"), (("actions:write",),)),
    },
    "workflow": {
        **dict.fromkeys(("list", "view"), (("actions:read",),)),
        **dict.fromkeys(("run", "enable", "disable"), (("actions:write",),)),
    },
    "cache": {"list": (("actions:read",),), "delete": (("actions:write",),)},
    "pr": {
        **dict.fromkeys(("list", "view", "diff", "checks", "status", "checkout"), (_PULLS_READ,)),
        **dict.fromkeys(("create", "ready", "review", "update-branch"), (_PULLS,)),
        **dict.fromkeys(("edit", "comment", "close", "reopen", "lock", "unlock"), (_COMMENTS,)),
        "merge": (_PULLS, ("contents:write",)),
    },
    "issue": {
        **dict.fromkeys(("list", "view", "status"), (("issues:read",),)),
        **dict.fromkeys(
            ("create", "edit", "comment", "close", "reopen", "delete", "lock", "unlock", "pin"), (("issues:write",),)
        ),
    },
    "label": {
        "list": (("issues:read", "pull-requests:read"),),
        **dict.fromkeys(("create", "edit", "delete"), (("issues:write", "pull-requests:write"),)),
    },
    "secret": dict.fromkeys(("list", "set", "delete"), ((NEVER,),)),
    "variable": dict.fromkeys(("list", "get", "set", "delete"), ((NEVER,),)),
    "repo": dict.fromkeys(("edit", "delete", "rename", "archive"), ((NEVER,),)),
    "attestation": {"verify": (("attestations:read",),), "download": (("attestations:read",),)},
}


def command_needs(group: str, verb: str) -> Needs | None:
    """What ``gh GROUP VERB`` needs, ``None`` for one that is not in the table."""
    return _COMMANDS.get(group, {}).get(verb)
