"""Requests over HTTP in Python code, by the libraries that people make them with.

Sources: the libraries' own documentation: http.client and urllib.request of the standard library, Requests, HTTPX,
urllib3, aiohttp (``raise_for_status`` of a session raises every answer that is an error).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from checker.resolve.python.values import Either, Extern, Value, is_plain

_VERBS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request"})
_LIBRARIES: Final = ("http.client.", "urllib.", "requests.", "httpx.", "urllib3.", "aiohttp.", "httpx_retries.")


def makes_requests(name: str) -> bool:
    """Whether calling ``name`` may make a request over HTTP."""
    return name.startswith(_LIBRARIES)


def names_host(name: str) -> bool:
    """Whether what calling ``name`` gives is about the host that it is given: a connection, a URL taken apart."""
    return name.endswith((".HTTPSConnection", ".HTTPConnection", ".urlsplit", ".urlparse"))


def host_in(name: str, words: tuple[str, ...]) -> str | None:
    """The host that an attribute of a URL taken apart is, ``None`` where it is anything else."""
    if name not in {"hostname", "netloc"} or not words or "://" not in words[0]:
        return None
    try:
        return urlsplit(words[0]).hostname
    except ValueError:
        return None


def options_of(name: str) -> tuple[str, ...]:
    """What is special about a request, as options of HTTPie: urllib raises an answer that is an error, and prepares a
    request before it is sent."""
    if name.startswith("aiohttp.ClientSession(") and "raise_for_status=True" in name:
        return ("--check-status",)
    if not name.startswith("urllib."):
        return ()
    return ("--check-status", "--offline") if name == "urllib.request.Request" else ("--check-status",)


def request_of(name: str, positional: list[Value], named: dict[str, Value]) -> tuple[Value, Value] | None:
    """Method and URL of a request over HTTP that calling ``name`` makes, ``None`` where it makes none."""
    if not makes_requests(name):
        return None
    library, _, rest = name.partition(".")
    verb = rest.rpartition(".")[2] if ")" not in rest.rpartition(".")[2] else ""
    if name.startswith("http.client.HTTP") and verb == "request" and len(positional) > 1:
        return positional[0], positional[1]
    if library == "urllib" and verb in {"urlopen", "urlretrieve"} and positional and _may_be_url(positional[0]):
        return "GET", positional[0]
    if library == "urllib" and name == "urllib.request.Request":
        url = positional[0] if positional else named.get("url")
        return named.get("method", "POST" if "data" in named else "GET"), url
    if library in {"requests", "httpx", "urllib3", "aiohttp"} and verb in _VERBS:
        given = [*positional, *(named[each] for each in ("method", "url") if each in named)]
        if verb == "request":
            return (given[0], given[1]) if len(given) > 1 else None
        return (verb.upper(), given[0]) if given else None
    return None


def _may_be_url(given: Value) -> bool:
    """Whether it is a URL, or may be one: a request that was prepared before is on record already."""
    each = given.options if isinstance(given, Either) else (given,)
    return all(is_plain(one) or (isinstance(one, Extern) and "Request(" not in one.name) for one in each)
