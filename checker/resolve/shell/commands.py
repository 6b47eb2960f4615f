"""Commands of a shell: their words expanded, wrappers taken off, functions and the repository's scripts entered."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from checker.model.answers import Answer
from checker.model.pipeline.scripts import Command, Handling, Reached, Stream, Write
from checker.model.pipeline.shell import (
    Assignment,
    Block,
    Declare,
    Opaque,
    Redirect,
    Simple,
    Statement,
    Substitution,
    Variable,
    Word,
)
from checker.model.possible import Possible, call_behind, joined, one_of, open_text, shown
from checker.model.sources import Problem, Spot, brief
from checker.model.values import CallPlace, Text
from checker.resolve.shell.builtins import BUILTINS, Asked
from checker.resolve.shell.printing import output_of
from checker.resolve.shell.starting import Call, start
from checker.resolve.shell.state import Context, Failing, Flow, Leaving, Library, Result, State
from checker.resolve.shell.words import decide, expand, single
from checker.resolve.shell.wrappers import Unwrapped, started, unwrapped

MAX_DEPTH: Final = 24
NEXT: Final = Result()
# AWS CLI User Guide, "Environment variables"; GitHub CLI manual, "gh help environment".
_KEYS: Final = frozenset(
    {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_PROFILE",
     "GH_TOKEN", "GITHUB_TOKEN"}
)  # fmt: skip


@dataclass(slots=True)
class ShellCommands(ABC):
    """What a simple command does; who follows the statements around it derives from this class."""

    library: Library
    reached: Reached
    commands: list[Command] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    depth: int = 0
    rehearsals: Callable[[Failing], Callable[[], Answer]] | None = None
    _captures: int = 0
    _leaving: list[Leaving] = field(default_factory=list)

    @abstractmethod
    def block(self, block: Block, state: State, context: Context) -> Result: ...

    @abstractmethod
    def statement(self, statement: Statement, state: State, context: Context) -> Result: ...

    def process(self, block: Block, state: State, context: Context) -> Result:
        """A script in a process of its own: nothing leaves it but its exit status."""
        with self.inside(*Flow):
            self.block(block, state, context)
        return Result()

    # --- ways out ---------------------------------------------------------------------------------------------------

    @contextmanager
    def inside(self, *flows: Flow) -> Iterator[Leaving]:
        """A loop or function that ``flows`` end: what leaves it so is collected."""
        self._leaving.append(Leaving(frozenset(flows)))
        try:
            yield self._leaving[-1]
        finally:
            self._leaving.pop()

    def leave(self, flow: Flow, state: State, truth: bool | None = None) -> Result:
        """A process leaves the innermost loop or function that ``flow`` ends."""
        around = next((each for each in reversed(self._leaving) if flow in each.flows), None)
        if around is not None:
            around.states.append(state.fork())
            around.truths.add(truth)
        return Result(flow, truth)

    def returned(self, result: Result, leaving: Leaving, state: State) -> Result:
        """How a call of a function or a sourced file ends, with the processes that returned early gathered in."""
        truths = set(leaving.truths)
        if result.flow is Flow.NEXT:
            leaving.states.append(state.fork())
            truths.add(result.truth)
        if not leaving.states:
            return Result(result.flow)  # every way through it ends the script, or the loop around the call
        state.join(leaving.states)
        return Result(Flow.NEXT, truths.pop() if len(truths) == 1 else None)

    def _capturing(
        self, state: State, context: Context, name: str, *, lost: bool
    ) -> Callable[[Substitution], Possible]:
        def capture(substitution: Substitution) -> Possible:
            handling = replace(
                context.handling,
                captured=name,
                lost=context.handling.lost or lost,
                stdout=Stream.SHOWN,
                piped=not name,
                inside=not name,
            )
            inner = replace(context, handling=handling, writes=())
            fork = state.fork()
            start = len(self.commands)
            with self.inside(*Flow):
                self.block(substitution.body, fork, inner)
            printed = [c for c in self.commands[start:] if c.handling.stdout in {Stream.SHOWN, Stream.MERGED}]
            printed = [command for command in printed if not command.handling.piped or not name]
            printed = [command for command in printed if command.program not in {"exit", "return"}]
            self._captures += 1
            # Each time it runs it may print something else: two holes of one source are not the same value.
            source = re.sub(r"__gha\d+__", lambda match: str(state.marks.get(match[0], match[0])), substitution.source)
            call = _asked(self.commands[start:])
            opened = open_text(brief(source, 200), str(state.script.file), self._captures, call=call)
            if not printed:
                last = substitution.body.statements[-1] if substitution.body.statements else None
                return opened if last is not None else ""
            values = [output_of(command) for command in printed]
            known = [value for value in values if value is not None]
            if len(known) < len(values) or (len(known) > 1 and any(command.certain for command in printed)):
                return opened
            return one_of(known)

        return capture

    def _words(self, word: Word, state: State, context: Context) -> list[Possible]:
        return expand(word, state, self._capturing(state, context, "", lost=True))

    def _test_word(self, word: Word, state: State, context: Context) -> list[Possible]:
        return [self._single(word, state, context)]

    def _single(self, word: Word, state: State, context: Context) -> Possible:
        for part in word.parts:
            if isinstance(part, Opaque):
                for block in part.inner:
                    self.block(block, state.fork(), context.handled(lost=True, piped=True, inside=True))
        return single(word, state, self._capturing(state, context, "", lost=True))

    def _assign(
        self, assignment: Assignment, state: State, context: Context, *, lost: bool = False
    ) -> Possible | tuple[Possible, ...]:
        capture = self._capturing(state, context, assignment.name, lost=lost)
        before = state.variables.get(assignment.name)
        if assignment.items is not None:
            items = tuple(value for word in assignment.items for value in expand(word, state, capture))
            earlier = before if isinstance(before, tuple) else () if before is None else (before,)
            return (*earlier, *items) if assignment.append else items
        value = single(assignment.value, state, capture) if assignment.value is not None else ""
        if assignment.append and before is not None and not isinstance(before, tuple):
            return joined([before, value])
        return value

    def _declare(self, statement: Declare, state: State, context: Context) -> Result:
        for assignment in statement.assignments:
            if not assignment.name:
                self._declare_printed(assignment, statement, state, context)
                continue
            if assignment.value is not None or assignment.items is not None:
                state.set(assignment.name, self._assign(assignment, state, context, lost=True))
            elif statement.keyword == "local":
                state.set(assignment.name, "")
            if statement.keyword == "export":
                state.exported.add(assignment.name)
                self._note_key(assignment.name, statement, state, context)
        return Result(Flow.NEXT, True)

    def _declare_printed(self, assignment: Assignment, statement: Declare, state: State, context: Context) -> None:
        """``export $(...)``: variables that stand in what is printed; any, where that is not known."""
        for value in self._words(assignment.value, state, context) if assignment.value is not None else ():
            name, equals, text = value.partition("=") if isinstance(value, str) else ("", "", "")
            if equals:
                state.set(name, text)
                state.exported.add(name)
            elif not isinstance(value, str):
                state.closed = False
            written = Simple((), (), (), statement.line, 0, "export")
            self.emit([statement.keyword, value], written, state.script.spot(statement.line), state, context, {})

    def _note_key(self, name: str, statement: Declare, state: State, context: Context) -> None:
        """Put an exported key, token or role on record: from here on every program acts with it."""
        value = state.variables.get(name)
        if name in _KEYS and value is not None and not isinstance(value, tuple):
            written = Simple((), (), (), statement.line, 0, "export")
            self.emit(["export"], written, state.script.spot(statement.line), state, context, {name: value})

    def _redirects(self, redirects: Sequence[Redirect], state: State, context: Context) -> tuple[Write, ...]:
        return tuple(
            Write(each.descriptor, each.operator, self._single(each.target, state, context)) for each in redirects
        )

    def _simple(self, statement: Simple, state: State, context: Context) -> Result:
        own: dict[str, Possible | tuple[Possible, ...]] = {}
        for assignment in statement.assignments:
            value = self._assign(assignment, state, context)
            if statement.words:
                own[assignment.name] = value
            else:
                state.set(assignment.name, value)
        if not statement.words:
            for word in (redirect.target for redirect in statement.redirects):
                self._single(word, state, context)
            return Result(Flow.NEXT, None if _runs_something(statement) else True)
        for word in statement.words:
            for part in word.parts:
                for block in part.inner if isinstance(part, Opaque) else ():
                    self.block(block, state.fork(), context.handled(lost=True, piped=True, inside=True))
        unknown_fields = any(
            isinstance(part, Variable) and part.name in {"@", "*"} and state.positional is None
            for word in statement.words
            for part in word.parts
        )
        words = [value for word in statement.words for value in self._words(word, state, context)]
        own_writes = self._redirects(statement.redirects, state, context)
        writes = (*context.writes, *own_writes)
        context = replace(context, handling=streams(context.handling, own_writes), writes=writes)
        if unknown_fields:
            words.append(open_text("$@", state.script.file))
        return self.run(words, statement, state, context, own)

    def run(
        self,
        words: list[Possible],
        statement: Simple,
        state: State,
        context: Context,
        own: dict[str, Possible | tuple[Possible, ...]],
    ) -> Result:
        """Run a command whose words are expanded; wrappers (``env``, ``timeout`` ...) are taken off."""
        if words and words[0] == "timeout":
            context = context.handled(bounded=True)
        own_function = bool(words) and isinstance(words[0], str) and words[0] in state.functions
        inner = Unwrapped(words) if own_function else unwrapped(words)
        words, given = inner.words, inner.given
        if not words:
            return NEXT
        if inner.folder:
            state = state.fork()
            state.folder = state.path(inner.folder)
        for each in started(words):
            self.run(each, statement, state.fork(), replace(context, certain=False), own)
        name = words[0]
        spot = state.script.spot(statement.line, statement.column)
        if isinstance(name, str):
            builtin = BUILTINS.get(name)
            if builtin is not None:
                return builtin(Asked(self, words, statement, state, context))
            if name in state.functions:
                return self._function(name, words, spot, state, context)
            followed = start(self, words, Call(spot, state, context, {**own, **given}))
            if followed is not None:
                return followed
        elif isinstance(name, Text):
            self.problem(spot, f"the command {name} is not known before it runs", "Write the command out.")
        self.emit(words, statement, spot, state, context, {**own, **given})
        return Result(Flow.NEXT, decide(words[1:]) if name == "test" and not {"(", ")"} & set(words[1:]) else None)

    def emit(
        self,
        words: list[Possible],
        statement: Simple,
        spot: Spot,
        state: State,
        context: Context,
        own: Mapping[str, Possible | tuple[Possible, ...]],
    ) -> None:
        """Put a command on record."""
        handling = replace(context.handling, errexit=state.errexit, pipefail=state.pipefail)
        if self.rehearsals is not None:
            given_words = tuple(shown(word) for word in words)
            handling = replace(
                handling,
                rehearse=self.rehearsals(Failing(spot, given_words)),
                weigh=self.rehearsals(Failing(spot, given_words, works=True)),
            )
        reached = self.reached._replace(
            spot=spot,
            via=(*self.reached.via, *state.via),
            certain=context.certain,
            on_failure=context.on_failure,
            trap=context.trap,
            loops=context.loops,
        )
        given = {name: value for name, value in own.items() if not isinstance(value, tuple)}
        source = brief(statement.source, 500)
        self.commands.append(Command(tuple(words), reached, handling, source, state.folder, given, context.writes))

    def _function(self, name: str, words: list[Possible], spot: Spot, state: State, context: Context) -> Result:
        body, script = state.functions[name]
        if not self.enter(spot, f"the function {name}"):
            return NEXT
        kept = (state.positional, state.script, state.via)
        state.positional, state.script, state.via = tuple(words[1:]), script, (*state.via, spot)
        with self.inside(Flow.RETURN) as leaving:
            result = self.returned(self.statement(body, state, context), leaving, state)
        state.positional, state.script, state.via = kept
        self.depth -= 1
        return result

    def enter(self, spot: Spot, what: str) -> bool:
        if self.depth >= MAX_DEPTH:
            self.problem(
                spot, f"{what} calls itself, or is called more than {MAX_DEPTH} levels deep", "Break the cycle."
            )
            return False
        self.depth += 1
        return True

    def problem(self, spot: Spot, message: str, fix: str, *, unread: bool = True) -> None:
        self.note((Problem(spot, brief(message, 300), fix, unread),))

    def note(self, problems: Sequence[Problem]) -> None:
        self.problems.extend(problem for problem in problems if problem not in self.problems)


def streams(handling: Handling, writes: Sequence[Write]) -> Handling:
    """Where the outputs go after these redirections, in order."""
    stdout, stderr = handling.stdout, handling.stderr
    for write in writes:
        if write.operator.startswith("<"):
            continue
        target = write.target
        sink = Stream.DISCARDED if target == "/dev/null" else Stream.FILE
        if write.operator == ">&" and target in ("1", "2"):
            if write.descriptor == 2 and target == "1":
                stderr = stdout if stdout in {Stream.DISCARDED, Stream.FILE} else Stream.MERGED
            elif write.descriptor == 1 and target == "2":
                stdout = Stream.FILE if stderr is Stream.SHOWN else stderr
            continue
        if write.descriptor == -1 or write.operator.startswith("&>"):
            stdout = stderr = sink
        elif write.descriptor == 1:
            stdout = sink
        elif write.descriptor == 2:
            stderr = sink
    return replace(handling, stdout=stdout, stderr=stderr)


def _asked(commands: Sequence[Command]) -> CallPlace | None:
    """The AWS call whose answer a substitution holds; ``None`` where it holds none."""
    for command in reversed(commands):
        if command.program == "aws":
            plain = [word for word in command.words[1:] if isinstance(word, str) and not word.startswith("-")]
            service, operation = (*plain, "", "")[:2]
            return CallPlace(service, operation, command.spot.file, command.spot.line)
        for word in command.words[1:]:
            if (call := call_behind(word)) is not None:
                return call
    return None


def _runs_something(statement: Simple) -> bool:
    """Whether an assignment's status is that of a command in it."""
    words = [each.value for each in statement.assignments if each.value is not None]
    return any(isinstance(part, Substitution) for word in words for part in word.parts)
