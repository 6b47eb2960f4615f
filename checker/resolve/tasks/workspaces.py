"""Runners of the scripts that a workspace's packages have under one name: Turborepo, ``lerna run``.

Sources: Turborepo documentation, "turbo run" and "Configuring turbo.json" (``dependsOn``); Lerna documentation, "lerna
run". Which packages a filter leaves is not asked: the scripts of all are followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from checker import lazy_re
from checker.model.possible import Possible
from checker.resolve.tasks.packages import scripts_of
from checker.resolve.tasks.recipes import TaskLibrary, Tasks, joined_path

# Verbs that run no script. Of any other program's the name is a task's: `turbo build` is `turbo run build`.
_QUIET: Final = {
    "turbo": frozenset(
        {
            "prune",
            "ls",
            "query",
            "login",
            "logout",
            "link",
            "unlink",
            "daemon",
            "telemetry",
            "info",
            "bin",
            "boundaries",
        }
    ),
    "lerna": frozenset({"bootstrap", "changed", "list", "ls", "version", "info", "clean", "diff"}),
}
_UNREAD: Final = frozenset({"gen", "generate", "publish", "import", "watch", "init", "create", "exec", "scan"})
_VALUES: Final = frozenset(
    {"--filter", "-F", "--concurrency", "--scope", "--ignore", "--since", "--cwd", "--log-order", "--output-logs",
     "--cache-dir", "--token", "--team", "--env-mode", "--root-turbo-json", "--npm-client", "--log-prefix"}
)  # fmt: skip
_COMMENT: Final = lazy_re.compile(r"^\s*//.*$", re.MULTILINE)


def tasks(program: str, words: Sequence[Possible], folder: str, library: TaskLibrary) -> Tasks:
    """The scripts of a runner's tasks, each in its package's folder."""
    names, given = _named(words)
    if names is None:
        return Tasks(missing=f"{program} with a task that is not known before it runs")
    verb = names[0] if names else ""
    if (
        not verb
        or verb in _QUIET[program]
        or any(each in {"--dry", "--dry-run", "--help", "--version"} for each in words)
    ):
        return Tasks()
    if verb in _UNREAD or (program == "lerna" and verb != "run"):
        return Tasks(missing=f"{program} {verb}")
    wanted = named = names[1:] if verb == "run" else names
    if program == "turbo":
        depending = _depending(wanted, library.text(joined_path(folder, "turbo.json")))
        if depending is None:
            return Tasks(missing=f"{program} {' '.join(wanted)}")
        wanted = depending
    lines = [line for name in wanted for line in scripts_of(name, given if name in named else (), folder, library)]
    return Tasks(tuple(lines), folder, "" if lines else f"{program} {' '.join(wanted)}")


def _named(words: Sequence[Possible]) -> tuple[list[str] | None, tuple[Possible, ...]]:
    """The words that name a verb or tasks, ``None`` where one is open; and what stands behind ``--``."""
    names: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not isinstance(word, str):
            return None, ()
        if word == "--":
            return names, tuple(rest)
        if word.startswith("-"):
            rest = rest[1:] if word in _VALUES else rest
        else:
            names.append(word)
    return names, ()


def _depending(names: Sequence[str], text: str | None) -> list[str] | None:
    """Tasks with those that ``turbo.json`` has run before them; ``None`` where it cannot be read."""
    try:
        data: Any = json.loads(_COMMENT.sub("", text)) if text else {}
    except (ValueError, RecursionError):
        return None
    declared = data.get("tasks", data.get("pipeline", {})) if isinstance(data, dict) else {}
    found, pending = dict[str, None](), [each.rpartition("#")[2] for each in names]
    while pending:
        name = pending.pop(0)
        if name in found:
            continue
        found[name] = None
        pending.extend(_before(name, declared))
    return list(found)


def _before(name: str, declared: Any) -> Iterator[str]:
    for known, each in declared.items() if isinstance(declared, dict) else ():
        if str(known).rpartition("#")[2] != name or not isinstance(each, dict):
            continue
        for one in (*each.get("dependsOn", ()), *each.get("with", ())):
            if isinstance(one, str) and not one.startswith("$"):
                yield one.lstrip("^").rpartition("#")[2]
