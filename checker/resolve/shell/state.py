"""What a shell knows while a script is followed: variables, options, the folder it stands in."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.answers import Answer, Open, yes_if
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import Command, Loop, Write
from checker.model.pipeline.shell import Script, Statement
from checker.model.possible import Possible, one_of, open_text
from checker.model.sources import Problem, Spot
from checker.model.values import Unknown
from checker.resolve.shell.lists.keyed import Keyed
from checker.resolve.shell.lists.several import Several, alternatives, either_list, one_of_lists
from checker.resolve.shell.variables.outside import may_be_there
from checker.resolve.shell.variables.scopes import in_full, meant, refers_to

Stored: TypeAlias = "Possible | tuple[Possible, ...]"


class Library(Protocol):
    """The repository's scripts, read when they are asked for. Paths are relative to the repository's root."""

    def shell(self, path: str) -> Script | None:
        """The shell script at ``path``; ``None`` where no such file is, or it is no shell script."""
        ...

    def shell_text(self, text: str, file: str, lines: tuple[int, ...]) -> Script:
        """A script that stands inside another file."""
        ...

    def as_shell(self, path: str) -> Script | None:
        """The file at ``path`` as a shell that is told to run it reads it, whatever its name and first line say."""
        ...

    def is_file(self, path: str) -> bool: ...

    def text(self, path: str) -> str | None:
        """The text of a file; ``None`` where it is not there, or cannot be read."""
        ...

    def files_below(self, folder: str) -> tuple[str, ...]:
        """The files of a folder and those below it, as far as they are not vendored or generated."""
        ...

    def go_files(self, pattern: str) -> tuple[str, ...] | None:
        """The Go files of a folder, or of ``folder/...``; ``None`` where they are too many."""
        ...

    def gemspecs(self) -> tuple[str, ...]:
        """The files that say what a gem of Ruby is."""
        ...

    def rake_files(self) -> tuple[str, ...]:
        """The files that tell rake of tasks."""
        ...

    def sql_files(self) -> tuple[str, ...]:
        """The files of SQL with lines that may be commands of a client's own."""
        ...

    def fault(self, path: str) -> Problem | None:
        """Why a file that is there could not be read."""
        ...


class Flow(Enum):
    """How a statement ended."""

    NEXT = auto()
    CONTINUE = auto()
    BREAK = auto()
    RETURN = auto()
    EXIT = auto()


# Made once: most commands end so.
UNTOLD: Final = Open("how a command ends, which only the run knows")


class Result(NamedTuple):
    """``truth`` is whether it succeeded, ``loops`` how many loops ``break`` leaves, or which one ``continue`` is of."""

    flow: Flow = Flow.NEXT
    truth: Answer = UNTOLD
    loops: int = 1

    @property
    def beyond(self) -> Result | None:
        """How a loop ends whose round has ended so, where that is for a loop around it (``continue 2``)."""
        return self._replace(loops=self.loops - 1) if self.flow in _OF_LOOPS and self.loops > 1 else None


_OF_LOOPS: Final = (Flow.BREAK, Flow.CONTINUE)


# From the way out that leaves most of the script to run.
_REACH: Final = (Flow.CONTINUE, Flow.BREAK, Flow.RETURN, Flow.EXIT)


def nearest(flows: Iterable[Flow]) -> Flow:
    """How a statement ends whose every branch leaves, each in its own way: as the one that leaves least."""
    return min(flows, key=_REACH.index, default=Flow.NEXT)


class Leaving(Struct):
    """The processes that left a loop (``break``, ``continue``) or a function (``return``) before its end.

    They go on behind it with what they had set by then. ``truths`` are the statuses that they left with.
    """

    flows: frozenset[Flow]
    states: list[State] = field(default_factory=list)
    truths: set[Answer] = field(default_factory=set)
    function: bool = False

    @staticmethod
    def in_loop(around: Sequence[Leaving]) -> bool:
        """Whether ``break`` leaves anything: the loops around a function's call are none of its own (Bash Reference
        Manual, "Bourne Shell Builtins")."""
        inner = next((each for each in reversed(around) if each.function or Flow.BREAK in each.flows), None)
        return inner is not None and not inner.function


class Context(Struct, frozen=True):
    """The constructs around a statement."""

    handling: Handling = field(default_factory=Handling)
    certain: bool = True
    on_failure: bool = False
    trap: bool = False
    loops: tuple[Loop, ...] = ()
    writes: tuple[Write, ...] = ()

    def handled(self, **changes: object) -> Context:
        return replace(self, handling=replace(self.handling, **changes))


class Failing(Struct, frozen=True):
    """A command that is taken to fail, or to work: where it stands, and its words as they are shown.

    ``missed``: can the script end well without coming to it? ``turns``: does it do something else where the command
    fails, and end well? ``says`` is what it prints, ``names``: where names may be looked for. ``waits``: what it asks
    about never comes. ``hangs``: it never ends. ``ticks``: every call of AWS takes a second. ``once``: later it works.
    """

    spot: Spot
    words: tuple[str, ...]
    works: bool = False
    missed: bool = False
    turns: bool = False
    says: str = ""
    waits: bool = False
    hangs: bool = False
    ticks: bool = False
    names: bool = False
    once: bool = False


class Fed(Struct, frozen=True):
    """What comes in over a pipe: a text, or the repository's file that is printed; neither where nobody knows."""

    text: Possible = None
    file: Possible = None


# Beside a shell's variables, under names that none has: what `trap` set for ERR, and whether that is inherited (`-E`).
ERR: Final = "trap ERR"
ERRTRACE: Final = "set -E"
# Likewise: whether a script looks aliases up, and whether `set -e` holds inside of substitutions.
EXPANDS: Final = "shopt expand_aliases"
INHERITS: Final = "shopt inherit_errexit"


class Kept(Protocol):
    """What the files hold that a job has written so far."""

    @property
    def is_empty(self) -> bool:
        """Whether it has written none."""

    def text(self, target: Possible, folder: str | None) -> Possible | None:
        """What a file holds; empty where the job has not written it, ``None`` where that is not known."""

    def has(self, target: Possible, folder: str | None) -> bool: ...

    def is_of_another_commit(self, target: Possible, folder: str | None) -> bool: ...

    def note(self, command: Command, fed: Fed | None) -> None:
        """A command of the job has run, with this input."""

    def copy(self) -> Kept: ...


# What a shell runs in its own process, beside functions.
_RUN_HERE: Final = frozenset({"eval", "source", "."})


class State(Struct):
    """A shell process. ``closed`` is true where every variable it was given is known (a job's step)."""

    script: Script
    variables: dict[str, Stored] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    functions: dict[str, tuple[Statement, Script]] = field(default_factory=dict)
    positional: tuple[Possible, ...] | None = ()
    zero: Possible = ""
    errexit: bool = False
    pipefail: bool = False
    folder: str | None = ""
    via: tuple[Spot, ...] = ()
    call: tuple[str, int] = ("", 0)  # what the function that runs was given, as it is written, and how many words
    closed: bool = False
    marks: Mapping[str, Possible] = field(default_factory=dict)
    fed: Fed | None = None  # what comes in over a pipe, where there is one
    # Whether nothing before the script can have given it a variable unseen, and the names that it took for empty all
    # the same. Forks share these; ``-n`` stands for a name that another one is set by.
    sealed: bool = False
    guessed: set[str] = field(default_factory=set)
    written: Kept | None = None  # forks share it
    outer: dict[str, Stored | None] | None = None  # what variables held before the function that runs; None: nothing
    sh: str = ""  # which shell `sh` is where this runs, empty where it is bash; and which one this is
    dialect: str = ""
    single: bool = False  # gone through on one way alone, round by round: what was not set on it is not set

    def fed_by(self, fed: Fed | None) -> State:
        """The process behind a pipe."""
        fork = self.fork()
        fork.fed = fed
        return fork

    def fork(self) -> State:
        return replace(
            self,
            variables=dict(self.variables),
            exported=set(self.exported),
            functions=dict(self.functions),
            outer=dict(self.outer) if self.outer is not None else None,
        )

    def apart(self) -> State:
        """A fork that writes no file of this one."""
        fork = self.fork()
        fork.written = self.written.copy() if self.written is not None else None
        return fork

    @contextmanager
    def called(self, words: Sequence[Possible], script: Script, spot: Spot, source: str) -> Iterator[None]:
        """While a function runs: what it is given, where it stands, and where it was called."""
        kept = self.positional, self.script, self.via, self.call
        self.call = self.as_called(source).partition(str(words[0]))[2].strip(), len(words) - 1
        self.positional, self.script, self.via = tuple(words[1:]), script, (*self.via, spot)
        try:
            yield
        finally:
            self.positional, self.script, self.via, self.call = kept

    def as_called(self, source: str) -> str:
        """A line with what its function was given, as :func:`in_full` has it."""
        return in_full(source, self.call, self.positional)

    @contextmanager
    def lent(self, name: object, given: Mapping[str, Stored]) -> Iterator[None]:
        """Variables in front of a function, or of what the shell itself runs: they are there for so long, for what that
        starts as well (Bash Reference Manual, "Environment")."""
        lent = given if name in self.functions or name in _RUN_HERE else {}
        before = {each: self.variables.get(each) for each in lent}
        fresh = set(lent) - self.exported
        for each, value in lent.items():
            self.set(each, value)
        self.exported |= fresh
        try:
            yield
        finally:
            for each, old in before.items():
                self.variables.pop(each, None)
                if old is not None:
                    self.variables[each] = old
            self.exported -= fresh

    def take(self, other: State) -> None:
        """Become ``other``, as if this process had done what that one did."""
        self.variables, self.exported, self.functions = other.variables, other.exported, other.functions
        self.folder, self.positional, self.outer = other.folder, other.positional, other.outer
        self.errexit, self.pipefail = other.errexit, other.pipefail

    def join(self, others: Iterable[State]) -> None:
        """Become what is left when one of ``others`` happened and nobody knows which."""
        states = list(others)
        if len(states) < 2:
            self.take(states[0] if states else self)
            return
        first, *rest = states
        names = dict.fromkeys(name for state in states for name in state.variables)
        joined = {name: first.one_of_these(name, [state.variables.get(name) for state in states]) for name in names}
        outer = None if first.outer is None else first.outer_of(states)
        self.take(first)
        self.variables, self.outer = joined, outer
        self.positional = either_list([state.positional for state in states])
        self.folder = first.folder if all(state.folder == first.folder for state in states) else None
        for state in rest:
            self.exported |= state.exported
            self.functions = {**state.functions, **self.functions}
            self.errexit &= state.errexit
            self.pipefail &= state.pipefail

    def one_of_these(self, name: str, values: list[Stored | None]) -> Stored:
        """What a variable holds that holds one of these, `None` for nothing."""
        if all(value == values[0] for value in values) and values[0] is not None:
            return values[0]
        if any(isinstance(value, tuple | Several) for value in values):
            # Nothing outside of the script gives it an array: it is empty where it was not set.
            unset: Stored = (open_text(f"${{{name}}}"),) if self.may_be_set_outside(name) else ()
            lists = [each for value in values for each in alternatives(unset if value is None else value)]
            return one_of_lists(lists, f"${{{name}[@]}}")
        if any(isinstance(value, Keyed) for value in values):
            return Unknown(f"${{{name}[@]}}")  # which keys it has is not known
        return one_of(
            open_text(f"${{{name}}}") if value is None else value for value in values if not isinstance(value, tuple)
        )

    def outer_of(self, states: Iterable[State]) -> dict[str, Stored | None]:
        """What variables held before the function that these are in; where one has not declared it, it holds it."""
        known = [(state.outer or {}, state.variables) for state in states]
        found: dict[str, Stored | None] = {}
        for name in dict.fromkeys(name for outer, _ in known for name in outer):
            values = [outer[name] if name in outer else held.get(name) for outer, held in known]
            found[name] = None if all(value is None for value in values) else self.one_of_these(name, values)
        return found

    def set(self, name: str, value: Stored) -> None:
        self.variables[meant(name, self.variables)] = value

    def refer(self, name: str, target: Stored | None) -> None:
        """Make a variable stand for the one that ``target`` names; for any, where that is not known."""
        reference = refers_to(name, target)
        if reference is None:
            self.guessed.add("-n")
        self.variables[name] = open_text(f"${{{name}}}") if reference is None else reference

    def declare(self, name: str) -> bool:
        """Make a variable one of the function that runs; whether it was none of it before."""
        if self.outer is None or name in self.outer:
            return False
        self.outer[name] = self.variables.pop(name, None)
        return True

    @contextmanager
    def in_function(self) -> Iterator[None]:
        """A function runs: its own variables are gone when it ends (Bash Reference Manual, "Shell Functions")."""
        around, self.outer = self.outer, {}
        try:
            yield
        finally:
            for name, value in (self.outer or {}).items():
                self.variables.pop(name, None)
                if value is not None:
                    self.variables[name] = value
            self.outer = around

    def without_trap(self) -> Stored | None:
        """What the trap for ERR is, taken off unless it is inherited."""
        return None if ERRTRACE in self.variables else self.variables.pop(ERR, None)

    def environment(self) -> dict[str, Stored]:
        """What a program that it starts sees."""
        return {name: self.variables[name] for name in self.exported if name in self.variables}

    def may_be_set_outside(self, name: str) -> bool:
        return not self.closed or may_be_there(name)

    def path(self, written: Possible) -> str | None:
        """A file's path relative to the repository's root; ``None`` where it is not known or not in it."""
        if not isinstance(written, str) or not written or "\0" in written:
            return None
        if written == WORKSPACE or written.startswith(f"{WORKSPACE}/"):
            found = written[len(WORKSPACE) + 1 :]
        elif written.startswith("/") or self.folder is None:
            return None
        else:
            found = posixpath.join(self.folder, written)
        found = posixpath.normpath(found) if found else ""
        return None if found.startswith("..") else ("" if found == "." else found)


def ends_with(status: str, state: State) -> Result:
    """A command ends with this status, which ``$?`` holds from here on."""
    state.set("?", status)
    return Result(Flow.NEXT, yes_if(status == "0"))
