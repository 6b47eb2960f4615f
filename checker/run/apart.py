"""Rules of a project's own run in a process of their own, so that one that never ends can be stopped wherever it hangs.

Between two of its judgements any rule is stopped by its budget of time. Inside of one (an endless loop, a pattern that
backtracks, a call that waits) only the end of its process helps, and that process must not be the run's.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import struct
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NoReturn

from msgspec.structs import replace

from checker.collect.own_rules import OwnRule, load
from checker.errors import ConfigError
from checker.model.environments import Project
from checker.model.judgements import Judgement, Place
from checker.model.rules import Rule
from checker.model.verdicts import Outcome, Verdict

Says = Callable[[str], None]
_HEAD: Final = struct.Struct(">cI")
_AT, _ANSWER, _FAULT = b"a", b"r", b"e"
_CHECKS: Final = ("check", "check_project", "check_pipeline", "check_account", "check_settings")
# After its budget a rule has this much to come to its next judgement by itself, which keeps what it said so far.
_GRACE: Final = 1.0
_FIX: Final = "Correct the rule; rule_seconds in checker.toml is what it may take."


class StoppedError(Exception):
    """``work`` did not come to its end: at what it was, and what happened there."""

    def __init__(self, at: str, why: str, *, late: bool) -> None:
        super().__init__(f"{at}: {why}")
        self.at, self.why, self.late = at, why, late


def apart(work: Callable[[Says], object], seconds: float) -> Any:
    """What ``work`` answers, done in a process of its own.

    It says what it is at, and an empty text once it is at nothing: whatever it is at may take so many seconds. Raises
    :class:`StoppedError`.
    """
    reading, writing = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with warnings.catch_warnings():
        # With other threads about a forked process may hang on a lock of theirs: then it is stopped like any other.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os.close(reading)
        _in_child(work, writing)
    os.close(writing)
    try:
        return _heard(reading, child, seconds)
    finally:
        os.close(reading)
        _end(child)


def _in_child(work: Callable[[Says], object], writing: int) -> NoReturn:
    code = 1
    try:
        os.setpgid(0, 0)  # what it starts ends with it
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

        def send(kind: bytes, content: bytes) -> None:
            data = memoryview(_HEAD.pack(kind, len(content)) + content)
            while data:
                data = data[os.write(writing, data) :]

        try:
            answer = work(lambda at: send(_AT, at.encode()))
            send(_ANSWER, pickle.dumps(answer))
        except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
            send(_FAULT, f"{type(error).__name__}: {error}".encode(errors="replace"))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        code = 0
    finally:
        os._exit(code)  # nothing of the parent's is to be cleaned up twice


def _heard(reading: int, child: int, seconds: float) -> Any:
    at, until, held = "", 0.0, b""
    while True:
        left = max(0.0, until - time.monotonic()) if at else None
        if not select.select([reading], [], [], left)[0]:
            raise StoppedError(at, f"it used up its {seconds:g} s and was stopped", late=True)
        chunk = os.read(reading, 1 << 16)
        if not chunk:
            raise StoppedError(at, _how_it_ended(child), late=False)
        held += chunk
        while len(held) >= _HEAD.size:
            kind, size = _HEAD.unpack_from(held)
            if len(held) < _HEAD.size + size:
                break
            content, held = held[_HEAD.size : _HEAD.size + size], held[_HEAD.size + size :]
            if kind == _ANSWER:
                return pickle.loads(content)  # noqa: S301 - what this very program's child sent
            if kind == _FAULT:
                raise RuntimeError(content.decode(errors="replace"))
            at, until = content.decode(errors="replace"), time.monotonic() + seconds + _GRACE


def _how_it_ended(child: int) -> str:
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"it ended the process by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"it ended the process with exit code {os.WEXITSTATUS(status)}"


def _end(child: int) -> None:
    for end in (os.killpg, os.kill):
        try:
            end(child, signal.SIGKILL)
            break
        except (ProcessLookupError, PermissionError):
            continue
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)


# -- rules ---------------------------------------------------------------------------------------------


def refuse_endless(rules: Sequence[OwnRule], seconds: float) -> None:
    """Raise :class:`ConfigError` for the file of a rule that does not come to its end when it is loaded."""

    def loaded(says: Says) -> None:
        for each in rules:
            says(each.shown)
            with contextlib.suppress(ConfigError):  # told when it is loaded here
                load([each])

    if not rules or not hasattr(os, "fork"):
        return
    try:
        apart(loaded, seconds)
    except StoppedError as error:
        raise ConfigError(f"{error.at}: it cannot be loaded: {error.why}", "Work belongs into its checks.") from None


def judged(
    rules: Sequence[Rule], judge_them: Callable[[Sequence[Rule]], list[Verdict]], seconds: float
) -> list[Verdict]:
    """The verdicts of a project's own rules. One that does not end is unknown, one that ends the process an error; what
    the others say stands."""
    if not rules or not hasattr(os, "fork"):
        return judge_them(rules) if rules else []
    stopped: dict[str, StoppedError] = {}
    answer: list[Verdict] = []
    while len(stopped) < len(rules):
        left = [rule for rule in rules if rule.id not in stopped]
        try:
            answer = apart(partial(_told_by, judge_them, left), seconds)
            break
        except StoppedError as error:
            if error.at not in {rule.id for rule in left}:
                raise RuntimeError(f"the project's own rules could not be run: {error}") from None
            stopped[error.at] = error
    return [*answer, *judge_them([_stand_in(rule, stopped[rule.id]) for rule in rules if rule.id in stopped])]


def _told_by(judge_them: Callable[[Sequence[Rule]], list[Verdict]], rules: Sequence[Rule], says: Says) -> list[Verdict]:
    return judge_them([_telling(rule, says) for rule in rules])


def _telling(rule: Rule, says: Says) -> Rule:
    """The rule, saying when it begins and when it is done."""

    def with_word(check: Callable[..., Iterator[Judgement]]) -> Callable[..., Iterator[Judgement]]:
        def checked(*given: Any) -> Iterator[Judgement]:
            says(rule.id)
            yield from check(*given)
            says("")

        return checked

    return _with_checks(rule, with_word)


def _stand_in(rule: Rule, error: StoppedError) -> Rule:
    """A rule that says in the stopped one's place what became of it."""
    outcome = Outcome.UNKNOWN if error.late else Outcome.ERROR
    said = f"Cannot be decided: {error.why}" if error.late else f"The rule failed: {error.why}"

    def told(given: Place | Project, *_: object) -> Iterator[Judgement]:
        for place in given.environments if isinstance(given, Project) else (given,):
            yield Judgement(place, outcome, None, "", f"{said}. Nothing of what it judges is known.", _FIX)

    return _with_checks(rule, lambda _: told)


def _with_checks(rule: Rule, made: Callable[[Any], Any]) -> Rule:
    checks: dict[str, Any] = {name: getattr(rule, name) for name in _CHECKS}
    return replace(rule, **{name: made(check) for name, check in checks.items() if check is not None})
