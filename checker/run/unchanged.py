"""The run of an earlier gate, where nothing that it was made from is another by now; else a new one, which is kept.

A run hangs on the checker's own code and the packages beside it, on what was asked for, on the day, on what git says of
the checkout, and on all files of the project: those below it, whatever they are, and of folders of other people's code
those that were looked at. That is told by what the file system says of them (:mod:`checker.collect.kept.states`).

Nothing is kept of a run in which a file changed, or that began less than two seconds after one did; of one in which a
rule crashed or may have been stopped by the clock; and of rules of the project's own, which may look at anything.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from checker.collect import repository
from checker.collect.kept.packing import packed, unpacked
from checker.collect.kept.states import Tree, changed_at, code_state, state_of, tree_of
from checker.collect.kept.user_cache import keep, key_of, user_cache
from checker.collect.seen import UNTOLD, seen, seen_once
from checker.model.verdicts import Outcome, Run
from checker.run.request import Request

_MOST_RUNS: Final = 64
_MOST_BYTES: Final = 32 * 1024 * 1024
# The clock of a file system ticks, FAT's every two seconds; a file that is changed twice within one tick has one time.
_TICK: Final = 2_000_000_000


def judged(request: Request, judge: Callable[[Request], Run], shown: Callable[[Run], Run]) -> Run:
    """What ``judge`` says, or said of the same; always anew where nothing is to be kept (``earlier`` is None).

    ``shown``: a run as reports may hold it. It is kept as that, since what may be a secret is written nowhere.
    """
    if request.earlier is None or (request.own_rules_allowed and request.settings.rules):
        return judge(request)
    began, cpu = time.time_ns(), time.process_time()
    tree = _tree(request)
    place = _place(request, tree) if tree is not None else None
    if tree is None or place is None:
        return judge(request)
    if (known := _recalled(place)) is not None:
        return known
    with seen_once():
        run = judge(request)
        looked_at = seen()
        untold = {path: state_of(path) for path in looked_at.untold} if looked_at is not None else {}
    spent = time.process_time() - cpu
    newest = max([tree.newest, *map(changed_at, untold)])
    is_steady = newest + _TICK < began and tree == _tree(request)
    if is_steady and _is_whole(run, spent, request.settings.rule_seconds):
        _keep(place, untold, shown(run))
    return run


def _is_whole(run: Run, spent: float, allowed: float) -> bool:
    """Whether the same would come out again: no rule can have used up its time where all together did not."""
    return spent < allowed and not any(verdict.outcome is Outcome.ERROR for verdict in run.verdicts)


def _tree(request: Request) -> Tree | None:
    """The project's files; ``None`` also where an assembly lies elsewhere, or among other people's code."""
    root = request.project.resolve()
    for _, path in request.assemblies:
        real = path.resolve()
        if not real.is_relative_to(root) or not UNTOLD.isdisjoint(real.relative_to(root).parts):
            return None
    return tree_of(root)


def _place(request: Request, tree: Tree) -> Path | None:
    """Where a run of this is kept: its name tells all that it hangs on. Nowhere for a user without a home."""
    told = (
        code_state(Path(__file__).parents[1], [""]),
        state_of(str(Path(msgspec.__file__).parents[1])),
        _user(),
        str(request.project),
        tree.digest,
        repository.state(request.project),
        request.settings,
        [(environment, str(path)) for environment, path in request.assemblies],
        tuple(request.environments),
        tuple(request.waivers),
        request.own_rules_allowed,
        request.today,
        request.with_facts,
    )
    name = hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    with suppress(RuntimeError):
        return user_cache("runs", f"{key_of(request.project)}-{name}")
    return None


def _user() -> int:
    """Who runs it: what one may not read another may."""
    return os.geteuid() if hasattr(os, "geteuid") else 0


def _recalled(place: Path) -> Run | None:
    try:
        content = place.read_bytes() if place.stat().st_size < _MOST_BYTES else b""
    except OSError:
        return None
    told, body = content[:64], content[64:]
    found = unpacked(body) if told == hashlib.sha256(body).hexdigest().encode() else None
    if not (isinstance(found, tuple) and len(found) == 2):
        return None
    untold, run = found
    same = isinstance(untold, dict) and all(state_of(path) == state for path, state in untold.items())
    return run if same and isinstance(run, Run) else None


def _keep(place: Path, untold: dict[str, str], run: Run) -> None:
    body = packed((untold, run))
    if body is not None and len(body) < _MOST_BYTES:
        keep(place, hashlib.sha256(body).hexdigest().encode() + body, _MOST_RUNS)
