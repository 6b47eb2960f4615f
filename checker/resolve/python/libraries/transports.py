"""How often a client of HTTP in Python tries again by itself, where what it asks answers that it is not ready.

What counts is an answer, and not that no connection comes about: in front of a service that is still starting stands
a load balancer that answers 502, 503 or 504. Sources: urllib3 documentation, "urllib3.util.Retry" (``status_forcelist``
is empty by default, ``allowed_methods``; ``total`` takes precedence over ``status``, and 503 without a Retry-After
header is no reason by itself); Requests documentation, "Transport Adapters" and ``HTTPAdapter`` (``max_retries`` as a
number applies to connections alone; the longest prefix decides), HTTPX documentation, "Transports" (``retries`` applies
to connections alone), HTTPX Retries documentation, "Retry".
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from checker import lazy_re
from checker.model.pipeline.retrying import AGAIN, Retried
from checker.model.possible import Possible, options
from checker.model.values import Text
from checker.resolve.python.binding import changed
from checker.resolve.python.machine import Call, Machine
from checker.resolve.python.objects import bind_outside
from checker.resolve.python.syntax_facts import mounting
from checker.resolve.python.values import Dict, Extern, Function, Value, Ways, elements, extern, plain

_NOT_READY: Final = frozenset({502, 503, 504})
_BY_NAME: Final = {"BAD_GATEWAY": 502, "SERVICE_UNAVAILABLE": 503, "GATEWAY_TIMEOUT": 504}
_RANGE: Final = lazy_re.compile(r"range\((\d{1,4}), ?(\d{1,4})\)")
_SESSIONS: Final = frozenset({"requests.Session", "requests.session", "requests.sessions.Session"})
_CLIENTS: Final = frozenset({"httpx.Client", "httpx.AsyncClient"})
_TRANSPORTS: Final = frozenset({"httpx.HTTPTransport", "httpx.AsyncHTTPTransport"})
_POOLS: Final = ("urllib3.PoolManager", "urllib3.ProxyManager", "urllib3.HTTPSConnectionPool",
                 "urllib3.HTTPConnectionPool")  # fmt: skip
_POSITION: Final = ("total", "connect", "read", "redirect", "status", "other", "allowed_methods", "status_forcelist")
_OF_HTTPX: Final = "httpx_retries."
_SESSION: Final = "requests.Session()"
_EVERY: Final = ""  # the prefix of every URL


def made_client(machine: Machine, function: Extern, given: Call) -> Value:
    """What a call makes that sends requests, or says how often they are sent again; ``None`` of any other call."""
    name = function.name
    ways: Ways | None = None
    if name in _SESSIONS:
        ways = ()
    elif name.endswith(".Retry") and name.startswith(("urllib3.", "requests.packages.urllib3.", _OF_HTTPX)):
        ways = (_retry(given, of_httpx=name.startswith(_OF_HTTPX)),)
    elif name in {"requests.adapters.HTTPAdapter", "requests.HTTPAdapter"}:
        ways = _handed(given, "max_retries", 2)
    elif name in _TRANSPORTS:
        ways = _of_all(Retried.NEVER)
    elif name.startswith(_OF_HTTPX) and name.endswith("RetryTransport"):
        ways = _handed(given, "retry", 1, otherwise=Retried.BOUNDED)
    elif name in _CLIENTS:
        ways = tuple(_sent_by(given))
    elif name in _POOLS:
        ways = _handed(given, "retries", 9)
    elif name.endswith(".mount") and function.ways is not None:
        _mount(machine, function.ways, given)
        return None
    return None if ways is None else extern(f"{name}()", library=function.library, ways=ways)


def again(function: Extern, method: Value, url: Value, given: Call) -> str:
    """How often a request is sent that is answered that the service is not ready, as an option of the request; empty
    where it is sent once."""
    if "retries" in given.named:
        how = _first(_handed(given, "retries", 9), str(method))
    elif not given.complete and function.name.startswith("urllib3."):
        how = Retried.UNTOLD
    else:
        how = _of_url(function.ways or (), str(method), plain(url, "{url}", given.file))
    return "" if how == Retried.NEVER else f"{AGAIN}{how.value}"


def _of_url(ways: Ways, method: str, url: Possible) -> Retried:
    """The longest prefix decides; where it is not known which one that is, what all of them say."""
    found: set[Retried] = set()
    prefixes = sorted({prefix for prefix, _, _ in ways}, key=len, reverse=True)
    for option in options(url) or (None,):
        head = option if isinstance(option, str) else _head(option) if isinstance(option, Text) else ""
        whole = isinstance(option, str)
        for prefix in prefixes:
            one, other = head.lower(), prefix.lower()
            if one.startswith(other):
                found.add(_first(tuple(each for each in ways if each[0] == prefix), method))
                break
            if not whole and other.startswith(one):
                found.add(_first(tuple(each for each in ways if each[0] == prefix), method))
        else:
            # Every URL begins so.
            both = not whole and not head and {"http://", "https://"} <= {each.lower() for each in prefixes}
            found.update(() if both else (Retried.NEVER,))
    return found.pop() if len(found) == 1 else Retried.UNTOLD


def _head(url: Text) -> str:
    first = url.parts[0] if url.parts else ""
    return first if isinstance(first, str) else ""


def _first(ways: Ways, method: str) -> Retried:
    """What the last of these says of a method."""
    for _, methods, how in reversed(ways):
        return how if how == Retried.UNTOLD or not methods or method.upper() in methods else Retried.NEVER
    return Retried.NEVER


def _of_all(how: Retried) -> Ways:
    return ((_EVERY, (), how),)


def _handed(given: Call, name: str, position: int, *, otherwise: Retried = Retried.NEVER) -> Ways:
    """What is said by the policy that a call is handed."""
    if name in given.named:
        found = given.named[name]
    elif len(given.positional) > position:
        found = given.positional[position]
    else:
        return _of_all(otherwise if given.complete else Retried.UNTOLD)
    if isinstance(found, int) or found is None:
        return _of_all(Retried.NEVER)  # of connections alone, or of none
    return _ways_of(found)


def _ways_of(found: Value) -> Ways:
    """Of an adapter, a transport or a policy; of one that is not known, nobody knows."""
    return found.ways if isinstance(found, Extern) and found.ways is not None else _of_all(Retried.UNTOLD)


def _sent_by(given: Call) -> Iterator[tuple[str, tuple[str, ...], Retried]]:
    """The transports of a client of HTTPX: one for all, and those that are mounted."""
    if not given.complete:
        yield from _of_all(Retried.UNTOLD)
    general = _ways_of(given.named["transport"]) if "transport" in given.named else _of_all(Retried.NEVER)
    yield from general
    mounts = given.named.get("mounts")
    items = mounts.items if isinstance(mounts, Dict) else ()
    if mounts is not None and (not isinstance(mounts, Dict) or mounts.open):
        yield from _of_all(Retried.UNTOLD)
    for key, transport in items:
        ways = _ways_of(transport)
        for prefix in _under(key) if isinstance(key, str) else ():
            yield from ((prefix, methods, how) for _, methods, how in ways)
        if (not isinstance(key, str) or "*" in key) and ways != general:
            yield from _of_all(Retried.UNTOLD)


def _under(key: str) -> tuple[str, ...]:
    """How the URLs begin that a mount of HTTPX is for (HTTPX documentation, "Transports", "Routing"); of a pattern none
    is told."""
    if "*" in key:
        return ()
    scheme, _, rest = key.partition("://")
    return (key,) if scheme != "all" else (f"http://{rest}", f"https://{rest}") if rest else (_EVERY,)


def _mount(machine: Machine, before: Ways, given: Call) -> None:
    """``session.mount(prefix, adapter)``: under that prefix the adapter sends from then on."""
    function = given.node.func
    owner = getattr(function, "value", None)
    if owner is None or len(given.positional) + len(given.named) < 2:
        return
    prefix = given.positional[0] if given.positional else given.named.get("prefix")
    adapter = given.positional[1] if len(given.positional) > 1 else given.named.get("adapter")
    certain = given.frame.reached.certain
    for each in (prefix,) if isinstance(prefix, str) else ("http://", "https://"):
        how = _ways_of(adapter) if certain and isinstance(prefix, str) else _of_all(Retried.UNTOLD)
        before = (*(one for one in before if one[0] != each), *((each, methods, said) for _, methods, said in how))
    session = extern(_SESSION, library="requests", ways=before)
    if isinstance(owner, ast.Name) and owner.id not in given.frame.names:
        bind_outside(machine, given.frame.module.names, owner.id, session)
    else:
        changed(machine, owner, session, given.frame)


def lent(machine: Machine, function: Function | Extern, given: Call) -> None:
    """A session that a function is handed which may mount something in it: from then on nobody knows how it sends."""
    arguments = [*zip(given.node.args, given.positional, strict=False), *_by_name(given)]
    sessions = [node for node, each in arguments if isinstance(each, Extern) and each.name == _SESSION]
    if sessions and (isinstance(function, Extern) or function.node in mounting(function.module.tree)):
        for node in sessions:
            changed(machine, node, extern(_SESSION, library="requests", ways=_of_all(Retried.UNTOLD)), given.frame)


def _by_name(given: Call) -> Iterator[tuple[ast.expr, Value]]:
    for keyword in given.node.keywords:
        if keyword.arg is not None and keyword.arg in given.named:
            yield keyword.value, given.named[keyword.arg]


def _retry(given: Call, *, of_httpx: bool) -> tuple[str, tuple[str, ...], Retried]:
    """What a policy says of an answer that the service is not ready."""
    named = {**dict(zip(_POSITION[:1] if of_httpx else _POSITION, given.positional, strict=False)), **given.named}
    if not given.complete:
        return _EVERY, (), Retried.UNTOLD
    listed = named.get("status_forcelist", tuple(sorted(_NOT_READY)) if of_httpx else ())
    codes = None if listed is None else _codes(listed)
    rather = named.get("allowed_methods", named.get("method_whitelist"))
    methods = elements(rather) if rather is not None and rather is not False else []
    counts = [named.get("total", 10), named.get("status")]
    if listed is None or (codes is not None and not codes & _NOT_READY and None not in codes):
        how = Retried.NEVER
    elif codes is None or not codes & _NOT_READY or methods is None or not all(map(_is_count, counts)):
        how = Retried.UNTOLD
    else:
        numbers = [int(each) for each in counts if isinstance(each, int)]
        how = Retried.FOR_EVER if not numbers else Retried.BOUNDED if min(numbers) > 0 else Retried.NEVER
    names = tuple(str(each).upper() for each in methods or ())
    return _EVERY, names, how


def _is_count(found: Value) -> bool:
    return found is None or isinstance(found, int)


def _codes(listed: Value) -> set[int | None] | None:
    """The status codes of a list, ``None`` among them for one that is not known; ``None`` where nothing is."""
    if isinstance(listed, Extern):
        found = _RANGE.search(listed.name)
        return set(range(int(found[1]), int(found[2]))) if found is not None else None
    each: Iterable[Value] | None = elements(listed)
    return {_code(one) for one in each} if each is not None else None


def _code(found: Value) -> int | None:
    if isinstance(found, Extern):
        return _BY_NAME.get(found.name.removesuffix(".value").rpartition(".")[2].upper())
    return found if isinstance(found, int) else None
