"""Docker's library for Python: what its calls do, as the lines of ``docker`` that do the same.

Source: Docker SDK for Python, "Client", "Images", "Containers" and "Low-level API" (docker-py.readthedocs.io).
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.python import nodes_of
from checker.model.possible import Possible, joined
from checker.resolve.python.machine import Call, Machine
from checker.resolve.python.record import program
from checker.resolve.python.values import Extern, Value, elements, extern

_LIBRARIES: Final = frozenset({"docker", "podman"})
# What only asks, connects, or changes nothing outside of the machine.
_QUIET: Final = lazy_re.compile(
    r"(?:docker|podman)\.(?:from_env|DockerClient|PodmanClient|APIClient|client\.\w+)"
    r"|.*\.(?:login|ping|version|info|df|close|reload|logs|wait|stats|top|history|search|prune)"
    r"|.*\.(?:images|containers|volumes|networks)\.(?:list|get|get_registry_data|pull|load|remove|prune|search)"
    r"|.*\.(?:from_env|DockerClient|PodmanClient|APIClient|images|containers)\(.*\)(?:\[.*\])?\.(?:stop|kill|remove|save)"
)


def of_docker(machine: Machine, function: Extern, given: Call) -> tuple[Value] | None:
    """What a call of the library gives, as the only one of a tuple; ``None`` where it is not told what it does."""
    if function.library.partition(".")[0] not in _LIBRARIES or not given.complete:
        return None
    words = _words(function.name, given)
    if words is None:
        return None
    pushes = words[1:2] == ["push"]
    if words:
        # A push answers with what went wrong, and raises nothing: somebody has to look at the answer.
        program(machine, tuple(words), given, checked=not pushes or not _is_alone(given))
    detached = given.named.get("detach", False)
    if pushes or (words[1:2] == ["run"] and detached is False):
        return (extern(given.shown),)  # text, or what the container printed
    return (extern(given.shown, function.words, library=function.library),)


def _is_alone(given: Call) -> bool:
    """Whether nobody takes what a call answers."""
    module = given.frame.module
    return any(isinstance(each, ast.Expr) and each.value is given.node for each in nodes_of(module.tree))


def _words(name: str, given: Call) -> list[Value] | None:
    """The command line of a call; empty for one that does nothing that matters, ``None`` where it is not told."""
    _, _, last = name.rpartition(".")
    image = _argument(given, 0, "repository" if last in {"push", "tag"} else "image")
    tag = _argument(given, 1, "tag")
    match last:
        case "push" if image is not None:
            return ["docker", "push", _named(image, tag, given)]
        case "tag" if image is not None and ".images." in name:
            return ["docker", "tag", given.shown, _named(image, tag, given)]
        case "build":
            named, path = given.named.get("tag"), given.named.get("path", given.first)
            made = ["--tag", given.plain(named)] if named is not None else []
            return ["docker", "build", *made, given.plain(path) if path is not None else "."]
        case "run" if image is not None and name.endswith(".containers.run"):
            return _run(image, _argument(given, 1, "command"), given.named.get("entrypoint"))
    return [] if _QUIET.fullmatch(name) else None


def _run(image: Value, command: Value, entry: Value) -> list[Value] | None:
    started: Sequence[Value] | None = ()
    if isinstance(command, str):
        try:
            started = shlex.split(command)
        except ValueError:
            return None
    elif command is not None:
        started = elements(command)
    if started is None or not (entry is None or isinstance(entry, str)):
        return None
    return ["docker", "run", *(["--entrypoint", entry] if entry else []), image, *started]


def _argument(given: Call, at: int, name: str) -> Value:
    return given.positional[at] if at < len(given.positional) else given.named.get(name)


def _named(image: Value, tag: Value, given: Call) -> Possible:
    """An image's whole name; with no tag said, the ones that were built are meant."""
    if tag is None:
        return given.plain(image)
    return joined([given.plain(image), ":", given.plain(tag)])
