"""Every call that audit, drift and preflight make, one after another, fails in every way there is.

The account is the lab with everything broken that can be broken at once, so that there is something to overlook. What
is called is what a reading asked, not a list by hand. How a broken answer becomes one of these errors is shown in
``tests/collect/account/test_engine.py``, against botocore itself.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace

from checker.audit import audit
from checker.collect.account import AUDIT, DRIFT, PREFLIGHT, Needs, Target
from checker.collect.account.asking.failures import MalformedError, RepeatedPageError
from checker.collect.account.operations import OPERATIONS, Operation
from checker.collect.account.target import Limits
from checker.collect.config.settings_file import project_settings
from checker.drift_run import drift
from checker.drift_run import exit_code as drift_exit
from checker.errors import CheckerError, ExitCode
from checker.lab import breaks
from checker.lab.clients import KEY
from checker.model.live.drift import ResourceState
from checker.model.live.snapshot import Snapshot
from checker.model.verdicts import Outcome, Run
from checker.preflight import preflight
from checker.run import pipeline
from checker.run.ending import exit_code
from checker.run.request import Request, request_for
from tests.collect.account.support import error
from tests.collect.account.test_faults import DENIALS
from tests.lab import taped
from tests.lab.breaks.test_each_break import fresh_lab, once
from tests.lab.taped import Fault, Key, Pages, Tape
from tests.work import HANG_SECONDS

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("fault matrix")


@dataclass(frozen=True, slots=True)
class Judged:
    """What a command says of an account: each thing by name, what it says, and how it ends."""

    said: Mapping[Any, str]
    unread: tuple[tuple[str, str, str], ...]
    code: ExitCode


@dataclass(frozen=True, slots=True)
class Command:
    needs: Needs
    judge: Callable[[Request, Snapshot], Judged]


def _of(run: Run) -> Judged:
    said = {each.identity: each.outcome.value for each in run.verdicts}
    unread = tuple((each.what, each.why, each.needs) for each in run.coverage.unread)
    return Judged(said, unread, exit_code(run))


def _drift(request: Request, snapshot: Snapshot) -> Judged:
    run, _ = drift(request, lambda _: snapshot)
    said = {(each.stack, each.logical_id or each.physical_id): each.state.value for each in run.drift}
    unread = tuple((each.what, each.why, each.needs) for each in run.coverage.unread)
    return Judged(said, unread, drift_exit(run))


COMMANDS = {
    "audit": Command(AUDIT, lambda request, snapshot: _of(audit(request, snapshot))),
    "drift": Command(DRIFT, _drift),
    "preflight": Command(PREFLIGHT, lambda request, snapshot: _of(preflight(request, snapshot))),
}
GOOD = {Outcome.PASS.value, Outcome.NOT_APPLICABLE.value, ResourceState.IN_SYNC.value}

# What only an account that was seen can show.
MADE_UP = {ResourceState.MISSING.value, ResourceState.CHANGED.value, ResourceState.UNMANAGED.value}


def _raises(failure: Exception) -> Fault:
    def fault(_: Pages) -> NoReturn:
        raise failure

    return fault


def _repeats(pages: Pages) -> Iterator[Mapping[str, Any]]:
    yield from pages[:1]
    raise RepeatedPageError


OTHERS: Mapping[str, Fault] = {
    "throttled": _raises(error("ThrottlingException")),
    "failed": _raises(error("InternalFailure", status=500)),
    "expired": _raises(error("ExpiredTokenException")),
    "cut off or empty": _raises(MalformedError()),
    "surprising": _raises(KeyError("x")),
}


@dataclass(slots=True)
class Broken:
    """The broken account: its answers for each command, and the project that is judged with it."""

    tapes: Mapping[str, Tape]
    request: Request
    known: dict[tuple[str, str], Judged] = field(default_factory=dict)

    def of(self, command: str, snapshot: Snapshot, *, anew: bool = False) -> Judged:
        """What is judged twice says the same twice; only the reasons differ between most faults."""
        place = (command, _without_reasons(snapshot))
        if anew or place not in self.known:
            self.known[place] = COMMANDS[command].judge(self.request, snapshot)
        return self.known[place]


def _without_reasons(snapshot: Snapshot) -> str:
    unread = tuple(sorted({each.what for each in snapshot.unread}))
    resources = [replace(each, unread=dict.fromkeys(each.unread, "")) for each in snapshot.resources]
    return repr(replace(snapshot, resources=tuple(resources), unread=())) + repr(unread)


@pytest.fixture(scope="module")
def broken(own_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    patch = pytest.MonkeyPatch()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, KEY)
    patch.setenv("NO_PROXY", "127.0.0.1")
    with fresh_lab(own_assembly, tmp_path_factory.mktemp("faults")) as account:
        for name in breaks.BREAKS:
            with contextlib.suppress(CheckerError, KeyError, IndexError, StopIteration, ValueError):
                breaks.apply(account, name)  # some take away what another would break
        target = Target(
            region="us-west-2",
            endpoint_url=account.clients.lab.endpoint,
            stacks=tuple(project_settings(ROOT).stacks),
        )
        tapes = {name: taped.record(target, command.needs) for name, command in COMMANDS.items()}
        request = request_for(
            ROOT, assemblies=[("", account.assembly)], environments=["production"], say=lambda _: None
        )
    # The pipeline is the same for every account: it is analysed once.
    patch.setattr(pipeline, "pipeline_of", once(pipeline.pipeline_of))
    yield Broken(tapes, request)
    patch.undo()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_broken_account_has_much_to_overlook(broken: Broken, command: str) -> None:
    whole = broken.of(command, broken.tapes[command].read())
    assert whole.code is ExitCode.FAILED
    assert sum(each not in GOOD for each in whole.said.values()) >= {"audit": 25, "drift": 15, "preflight": 1}[command]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_failure_of_a_call_is_good_news(broken: Broken, command: str) -> None:
    """No verdict becomes a pass, nothing crashes, nothing is made up, and what is lacking is named."""
    tape = broken.tapes[command]
    whole = broken.of(command, tape.read())
    wrong: list[Any] = []
    for number, key in enumerate(tape.operations):
        for name, fault in _faults(number, key):
            snapshot = tape.read(key, fault)
            found = broken.of(command, snapshot, anew=name == "denied")
            operation = OPERATIONS[key]
            needed = _is_needed(command, operation)
            wrong.extend((*key, name, each) for each in _wrong(whole, found, needed=needed))
            named = {(each.why, each.needs) for each in snapshot.unread}
            named |= {(why, "") for each in snapshot.resources for why in each.unread.values()}
            if not any(str(operation) in why for why, _ in named):
                wrong.append((*key, name, "the snapshot does not name the call"))
            if name == "denied" and needed:
                told = " ".join(f"{why} {needs}" for _, why, needs in found.unread)
                if operation.action not in told:
                    wrong.append((*key, name, "the run does not name the action that is missing"))
    assert wrong == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_part_that_fails_is_no_whole(broken: Broken, command: str) -> None:
    """One of an operation's questions is refused, or a list breaks off in the middle: what was told before stands, and
    the rest is not taken to be none."""
    tape = broken.tapes[command]
    whole = broken.of(command, tape.read())
    wrong: list[Any] = []
    for key in tape.operations:
        operation, questions = OPERATIONS[key], tape.questions(key)
        denied = _raises(error(DENIALS.get(key[0], "AccessDeniedException")))
        parts: list[tuple[Fault, str | None]] = [
            (denied, each) for each in (questions[0], questions[-1]) if len(questions) > 1
        ]
        parts += [(_breaks_off(operation.items), None)] if operation.items else []
        for fault, only in parts:
            found = broken.of(command, tape.read(key, fault, only=only))
            needed = _is_needed(command, operation)
            wrong.extend((*key, only or "in the middle", each) for each in _wrong(whole, found, needed=needed))
    assert wrong == []


def _breaks_off(items: str) -> Fault:
    def fault(pages: Pages) -> Iterator[Mapping[str, Any]]:
        for page in pages[:1]:
            told = page.get(items) or []
            yield {**page, items: told[: len(told) // 2]}
        raise error("ThrottlingException")

    return fault


@pytest.mark.parametrize("command", ["preflight", "drift"])
def test_a_field_that_is_always_told_hides_nothing_where_it_is_lacking(broken: Broken, command: str) -> None:
    """Each field of each answer's items, one after another."""
    tape = broken.tapes[command]
    whole = broken.of(command, tape.read())
    wrong: list[Any] = []
    for key in tape.operations:
        items = OPERATIONS[key].items or OPERATIONS[key].holds
        for name in _field_names(tape, key, items):
            found = broken.of(command, tape.read(key, _without(items, name)))
            for thing, says in found.said.items():
                before = whole.said.get(thing)
                hidden = before not in GOOD and before is not None and says in GOOD
                if says == Outcome.ERROR.value or (hidden and not set(found.unread) - set(whole.unread)):
                    wrong.append((*key, name, thing, before, says))
    assert wrong == []


def _field_names(tape: Tape, key: Key, items: str) -> list[str]:
    found: dict[str, None] = {}
    for place, pages in tape.answers.items():
        for page in pages if place[0] == key and isinstance(pages, list) else ():
            part = page.get(items)
            for each in part if isinstance(part, list) else [part]:
                found.update(dict.fromkeys(each if isinstance(each, Mapping) else ()))
    return list(found)


def _without(items: str, name: str) -> Fault:
    def cut(each: Any) -> Any:
        return {key: value for key, value in each.items() if key != name} if isinstance(each, Mapping) else each

    def fault(pages: Pages) -> Iterator[Mapping[str, Any]]:
        for page in pages:
            part = page.get(items)
            yield {**page, items: [cut(each) for each in part] if isinstance(part, list) else cut(part)}

    return fault


def _faults(number: int, key: Key) -> Iterator[tuple[str, Fault]]:
    """A refusal in the service's own words, a page that comes again, and the other faults in turn.

    Reading takes all of the others for the same, see ``tests/collect/account/test_faults.py``, where each meets each
    call.
    """
    yield "denied", _raises(error(DENIALS.get(key[0], "AccessDeniedException")))
    if OPERATIONS[key].items:
        yield "repeats a page", _repeats
    yield list(OTHERS.items())[number % len(OTHERS)]


def _is_needed(command: str, operation: Operation) -> bool:
    """Whether the run lacks something without the call: drift compares properties, and facts are kept for the audit."""
    return command != "drift" or not all(each.startswith("facts/") for each in operation.serves)


def _wrong(whole: Judged, found: Judged, *, needed: bool = True) -> Iterator[str]:
    if found.code is ExitCode.CLEAN or found.code is ExitCode.USAGE:
        yield f"it ends with {found.code.name}"
    if needed and not found.unread:
        yield "the run lacks nothing"
    lacks = " ".join(what for what, _, _ in found.unread)
    for thing, says in found.said.items():
        before = whole.said.get(thing)
        if before == ResourceState.PENDING.value and says == ResourceState.IN_SYNC.value and "template" in lacks:
            continue  # the code agrees with the account: what was deployed is not known, and the run says that
        if says == Outcome.ERROR.value:
            yield f"{thing}: a rule crashed"
        elif before not in {None, says} and (says in GOOD or (before in GOOD and says in MADE_UP)):
            yield f"{thing}: {before} became {says}"
        elif before is None and says in MADE_UP:
            yield f"{thing}: {says}, of which nothing was said before"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_call_that_hangs_does_not_hold_the_reading_up(broken: Broken, command: str) -> None:
    tape, released = broken.tapes[command], threading.Event()

    def read(key: Key) -> tuple[Key, Snapshot, float]:
        """A busy machine may not come to the call before everything's time is over: then it is given more of it."""
        asked = threading.Event()

        def hangs(_: Pages) -> Iterator[Mapping[str, Any]]:
            asked.set()
            released.wait(300)
            yield from ()

        for deadline in (1.0, 5.0, 25.0):
            started = time.monotonic()
            snapshot = tape.read(key, hangs, Limits(deadline=deadline))
            took = time.monotonic() - started
            if asked.is_set():
                break
        return key, snapshot, took

    with ThreadPoolExecutor(4) as pool:
        readings = list(pool.map(read, tape.operations[::3]))
        released.set()
    # An answer that is under way is waited for half a second longer; the rest is a busy machine's.
    assert [(key, took) for key, _, took in readings if took > HANG_SECONDS] == []
    whole = broken.of(command, tape.read())
    for key, snapshot, _ in readings:
        assert any(str(OPERATIONS[key]) in each.why for each in snapshot.unread) or any(
            str(OPERATIONS[key]) in why for each in snapshot.resources for why in each.unread.values()
        ), key
        needed = _is_needed(command, OPERATIONS[key])
        assert list(_wrong(whole, broken.of(command, snapshot), needed=needed)) == [], key
