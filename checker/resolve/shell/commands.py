"""Commands of a shell: their words expanded, wrappers taken off, functions and the repository's scripts entered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.data.harmless import is_wrapped
from checker.model.answers import NO, YES, Answer
from checker.model.pipeline.scripts import Command, Reached, Write
from checker.model.pipeline.shell import (
    Assignment,
    Block,
    Declare,
    Opaque,
    Redirect,
    Simple,
    Substitution,
    Word,
)
from checker.model.possible import Possible, joined, open_text, shown
from checker.model.sources import Problem, Spot, brief
from checker.resolve.shell.dialects.aws_line import in_order
from checker.resolve.shell.dialects.patterns import compared
from checker.resolve.shell.handed.asking import first_of, handed, in_place_of, without_loading
from checker.resolve.shell.handed.kinds import Handed
from checker.resolve.shell.handed.variables import asked_by, is_loading
from checker.resolve.shell.in_time import Timed, is_left_alone, timed
from checker.resolve.shell.lists.keyed import array, with_element
from checker.resolve.shell.lists.several import same_program, ways_of
from checker.resolve.shell.lists.started import as_far_as, as_handed, is_one_of_few, rounds, started, tells_of_failures
from checker.resolve.shell.printing import streams
from checker.resolve.shell.process import EndlessError, Manner, Way
from checker.resolve.shell.starting import Call, start
from checker.resolve.shell.state import ERR, UNTOLD, Context, Flow, Leaving, Library, Result, State, Stored, ends_with
from checker.resolve.shell.syntax_facts import runs_something, spelled_out, takes_all
from checker.resolve.shell.variables.declaring import declare
from checker.resolve.shell.variables.exported import WHO, exported_to, key_printed, told_apart
from checker.resolve.shell.variables.scopes import meant
from checker.resolve.shell.variables.standing import away
from checker.resolve.shell.words import decide, expand, single
from checker.resolve.shell.wrappers import Unwrapped, unwrapped

MAX_DEPTH: Final = 24
NEXT: Final = Result()
# AWS CLI User Guide, "Environment variables"; GitHub CLI manual, "gh help environment".
_KEYS: Final = frozenset({*WHO, "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"})


class ShellCommands(Struct):
    """What a simple command does, for whoever goes through the statements around it, in its manner."""

    library: Library
    reached: Reached
    way: Way
    manner: Manner
    commands: list[Command] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    depth: int = 0
    _leaving: list[Leaving] = field(default_factory=list)

    def block(self, block: Block, state: State, context: Context) -> Result:
        """The statements of a block, as the one who goes through them does it."""
        return self.way.block(block, state, context)

    def process(self, block: Block, state: State, context: Context) -> Result:
        """A script in a process of its own: nothing leaves it but its exit status."""
        return self.way.process(block, state, context)

    # --- ways out ---------------------------------------------------------------------------------------------------

    @contextmanager
    def inside(self, *flows: Flow) -> Iterator[Leaving]:
        """A loop or function that ``flows`` end: what leaves it so is collected."""
        self._leaving.append(Leaving(frozenset(flows)))
        try:
            yield self._leaving[-1]
        finally:
            self._leaving.pop()

    def leave(self, flow: Flow, state: State, truth: Answer = UNTOLD, loops: int = 1) -> Result:
        """A process leaves the innermost loop or function that ``flow`` ends, or as many loops as are given, as far as
        it has them."""
        if flow in {Flow.BREAK, Flow.CONTINUE} and not Leaving.in_loop(self._leaving):
            return Result(Flow.NEXT, YES)
        around = [each for each in reversed(self._leaving) if flow in each.flows]
        own = next((index for index, each in enumerate(around) if Flow.EXIT in each.flows), len(around))
        left = max(min(loops, own), 1)
        for each in around[left - 1 : left]:
            each.states.append(state.fork())
            each.truths.add(truth)
        return Result(flow, truth, left)

    def returned(self, result: Result, leaving: Leaving, state: State) -> Result:
        """How a call of a function or a sourced file ends, with the processes that returned early gathered in."""
        truths = set(leaving.truths)
        if result.flow is Flow.NEXT:
            leaving.states.append(state.fork())
            truths.add(result.truth)
        if not leaving.states:
            return Result(result.flow)  # every way through it ends the script, or the loop around the call
        state.join(leaving.states)
        return Result(Flow.NEXT, truths.pop() if len(truths) == 1 else UNTOLD)

    def _capturing(
        self, state: State, context: Context, name: str, *, lost: bool
    ) -> Callable[[Substitution], Possible]:
        return partial(self.manner.captured, self, state=state, context=context, name=name, lost=lost)

    # --- words ------------------------------------------------------------------------------------------------------

    def words(self, word: Word, state: State, context: Context) -> list[Possible]:
        """The words that one word comes to."""
        number = self.manner.number(word, state)
        if number is not None:
            return [str(number)]
        return expand(word, state, self._capturing(state, context, "", lost=True))

    def single(self, word: Word, state: State, context: Context) -> Possible:
        """The one text that a word comes to, where the shell does not split it."""
        number = self.manner.number(word, state)
        if number is not None:
            return str(number)
        for part in word.parts:
            for block in part.inner if isinstance(part, Opaque) else ():
                self.manner.fed(self, block, state, context)
        return single(word, state, self._capturing(state, context, "", lost=True))

    def _assign(self, assignment: Assignment, state: State, context: Context, *, lost: bool = False) -> Stored:
        plain = assignment.value if not assignment.append else None
        if plain is not None and (number := self.manner.number(plain, state)) is not None:
            return str(number)
        capture = self._capturing(state, context, assignment.name, lost=lost)
        name, append = meant(assignment.name, state.variables), assignment.append
        outside = append and assignment.items is None and state.may_be_set_outside(name)
        before = state.variables.get(name, open_text(f"${{{name}}}") if outside else None)
        if assignment.items is not None:
            items = [value for word in assignment.items for value in expand(word, state, capture)]
            return array(items, before, name, append=append)
        value = single(assignment.value, state, capture) if assignment.value is not None else ""
        if assignment.index:
            return with_element(before, assignment.index, value, state.variables.get, name, append=append)
        if append and before is not None and not isinstance(before, tuple):
            return joined([before, value])
        return value

    # --- commands ---------------------------------------------------------------------------------------------------

    def declare(self, statement: Declare, state: State, context: Context) -> Result:
        """``export``, ``local`` and their kin."""
        for assignment in statement.assignments:
            if not assignment.name:
                self._declare_printed(assignment, statement, state, context)
                continue
            declare(assignment, statement, state, partial(self._assign, assignment, state, context, lost=True))
            if statement.keyword == "export" or "-x" in statement.flags:
                state.exported.add(f"{assignment.name}()" if "-f" in statement.flags else assignment.name)
                self._note_key(assignment.name, statement, state, context)
                self._note_loading(assignment.name, statement, state, context)
        return Result(Flow.NEXT, YES)

    def _declare_printed(self, assignment: Assignment, statement: Declare, state: State, context: Context) -> None:
        """``export $(...)``: variables that stand in what is printed; any, where that is not known."""
        spot = state.script.spot(statement.line)
        for value in self.words(assignment.value, state, context) if assignment.value is not None else ():
            name, equals, text = value.partition("=") if isinstance(value, str) else ("", "", "")
            if equals:
                state.set(name, text)
                state.exported.add(name)
            elif not isinstance(value, str):
                state.closed = False
                key_printed(value, state, str(spot))
            written = Simple((), (), (), statement.line, 0, "export")
            self.emit([statement.keyword, value], written, spot, state, context, {})

    def _note_key(self, name: str, statement: Declare, state: State, context: Context) -> None:
        """Put an exported key, token or role on record: from here on every program acts with it."""
        value = state.variables.get(name)
        if name in _KEYS and value is not None and not isinstance(value, tuple):
            written = Simple((), (), (), statement.line, 0, "export")
            self.emit(["export"], written, state.script.spot(statement.line), state, context, {name: value})

    def _note_loading(self, name: str, statement: Declare | Simple, state: State, context: Context) -> None:
        """Follow the code that an exported variable has other programs run first."""
        value = state.variables.get(name)
        if value is not None and not isinstance(value, tuple):
            written = Simple((), (), (), statement.line, 0, "export")
            as_handed((), self._hand_over(first_of({name: value}), written, state, replace(context, certain=False), {}))

    def redirects(self, redirects: Sequence[Redirect], state: State, context: Context) -> tuple[Write, ...]:
        """What is written where and read from where."""
        if not redirects:
            return ()
        made = tuple(
            Write(each.descriptor, each.operator, self.single(each.target, state, context), each.target.line)
            for each in redirects
        )
        self.manner.opened(made)
        return made

    def simple(self, statement: Simple, state: State, context: Context) -> Result:
        """A command with its words and assignments, or assignments alone."""
        own: dict[str, Stored] = {}
        statement = spelled_out(statement)
        for assignment in statement.assignments:
            value = self._assign(assignment, state, context)
            if statement.words:
                own[assignment.name] = value
            else:
                state.set(assignment.name, value)
                if is_loading(assignment.name) and assignment.name in {"PATH", "PS4", *state.exported}:
                    self._note_loading(assignment.name, statement, state, context)
        if not statement.words:
            self.redirects(statement.redirects, state, context)
            return Result(Flow.NEXT, UNTOLD if runs_something(statement) else YES)
        for word in statement.words:
            for part in word.parts:
                for block in part.inner if isinstance(part, Opaque) else ():
                    self.block(block, state.fork(), context.handled(lost=True, piped=True, inside=True))
        words = [value for word in statement.words for value in self.words(word, state, context)]
        own_writes = self.redirects(statement.redirects, state, context)
        context = replace(
            context, handling=streams(context.handling, own_writes), writes=(*context.writes, *own_writes)
        )
        if state.positional is None and takes_all(statement):
            words.append(open_text("$@", state.script.file))
        if (ways := ways_of(words)) and words[0] != "set":
            return self._each(
                ways, statement, state, replace(context, certain=context.certain and same_program(words)), own
            )
        return self.run(words, statement, state, context, own)

    def _each(
        self, ways: list[list[Possible]], statement: Simple, state: State, context: Context, own: dict[str, Stored]
    ) -> Result:
        """A command that is one of these: each is run, and nobody knows which."""
        made = [(self.run(way, statement, each, context, own), each) for way in ways for each in (state.fork(),)]
        if self.manner.after_started([result for result, _ in made], state, told=True) is not None:
            made = [each for each in made if each[0].truth is NO]  # the one that is taken to fail
        made = [each for each in made if each[0].flow is Flow.NEXT] or made
        state.join(each for _, each in made)
        return next((result for result, _ in made if result.truth is UNTOLD), made[0][0])

    def run(
        self, words: list[Possible], statement: Simple, state: State, context: Context, own: dict[str, Stored]
    ) -> Result:
        """Run a command. A program that ``exec`` puts in the shell's place ends the script as it ends itself."""
        result = self._run(words, statement, state, context, own)
        if len(words) > 1 and words[0] == "exec" and result.flow is Flow.NEXT:
            state.set("?", "0" if result.truth is not NO else state.variables.get("?", "1"))
            return self.leave(Flow.EXIT, state, result.truth)
        return result

    def _run(
        self, words: list[Possible], statement: Simple, state: State, context: Context, own: dict[str, Stored]
    ) -> Result:
        """Run a command whose words are expanded; wrappers (``env``, ``timeout`` ...) are taken off. What they start is
        no function of the shell, nor what ``command`` runs (Bash Reference Manual, "Bash Builtin Commands")."""
        own_function = bool(words) and isinstance(words[0], str) and words[0] in state.functions
        if not own_function and (bound := timed(words)) is not None:
            return self._bounded(bound, statement, state, context.handled(bounded=True), own)
        if not own_function and not context.handling.background and is_left_alone(words):
            with self.inside(*Flow):
                self._run(words, statement, state.fork(), context.handled(background=True, lost=True), own)
            return ends_with("0", state)
        functions = state.functions if own_function or words[:1] in (["time"], ["coproc"]) else {}
        inner = Unwrapped(words) if own_function else self._inner(words, state, context, own)
        context = rounds(words, inner.words, state.script.spot(statement.line), context, state.marks)
        words, given = inner.words if own_function else in_order(inner.words), inner.given
        if not words:
            return self.manner.nothing
        if inner.folder:
            state = state.fork()
            state.folder = state.path(inner.folder)
        perhaps = replace(context, certain=False)
        each_run = (self.run(each, statement, state.fork(), perhaps, own) for each in started(words))
        others = [*as_far_as(each_run, words)]
        if not own_function:
            found = handed(words, self, {**own, **given}, state, context)
            others += as_handed(words, self._hand_over(found, statement, state, perhaps, own))
        if (decided := self.manner.after_started(others, state, told=tells_of_failures(words))) is not None:
            return decided
        name = words[0]
        spot = state.script.spot(statement.line, statement.column)
        if isinstance(name, str):
            with state.lent(name, {**own, **given}):
                answer = self.manner.builtin(self, name, words, statement, state, context)
                if answer is None and name in functions:
                    answer = self._function(words, statement, spot, state, context)
                if answer is None:
                    call = Call(spot, state, context, {**own, **given}, statement.words, named=inner.words[0])
                    answer = start(self, words, call)
            if answer is not None:
                return answer
        elif not is_one_of_few(words) and not is_wrapped(str(name), state.script.file):
            self.problem(spot, f"the command {shown(name)} is not known before it runs", "Write the command out.")
        self.emit(words, statement, spot, state, context, {**own, **given})
        truth = decide(compared(words[1:])) if name == "test" and not {"(", ")"} & set(words[1:]) else UNTOLD
        return self.manner.ended(words, state, truth)

    def _inner(self, words: list[Possible], state: State, context: Context, own: dict[str, Stored]) -> Unwrapped:
        """A command without what only starts it, and what it surely is where it is another."""
        inner = unwrapped(in_place_of(words, self, own, state, context))
        found = in_place_of(inner.words, self, {**own, **inner.given}, state, context)
        if found is inner.words:
            return inner
        behind = unwrapped(found)
        return Unwrapped(behind.words, {**inner.given, **behind.given}, behind.folder or inner.folder)

    def _hand_over(
        self, found: Iterable[Handed], statement: Simple, state: State, context: Context, own: Mapping[str, Stored]
    ) -> Iterator[Result]:
        """Follow the commands that one was handed to run."""
        for each in found:
            if isinstance(each, str):
                self.problem(state.script.spot(statement.line, statement.column), each, "Call it by itself.")
            else:
                yield self.run(each, statement, state.fork(), context, without_loading(own))

    def _bounded(
        self, bound: Timed, statement: Simple, state: State, context: Context, own: dict[str, Stored]
    ) -> Result:
        """``timeout 60 command``: however long that takes, it ends."""
        begun, depth, folder, inner = self.manner.begun(), self.depth, state.folder, bound.inner
        words: list[Possible] = ["command", *inner.words]
        state.folder = state.path(inner.folder) if inner.folder else folder
        try:
            result = self._run(words, statement, state, context, {**own, **inner.given})
        except EndlessError:
            self.depth = depth
            self.manner.cut(begun, bound.limit, endless=True)
            return ends_with(bound.status, state)
        finally:
            state.folder = folder
        if result.flow is Flow.NEXT and self.manner.cut(begun, bound.limit, endless=False):
            return ends_with(bound.status, state)
        return result

    def emit(
        self,
        words: list[Possible],
        statement: Simple,
        spot: Spot,
        state: State,
        context: Context,
        own: Mapping[str, Stored],
    ) -> None:
        """Put a command on record."""
        plain = replace(context.handling, errexit=state.errexit, pipefail=state.pipefail)
        handed = exported_to(words, state.environment)
        handling = self.manner.handling(plain, told_apart(words, handed, own), spot, context.writes, state.script)
        if handling is None:
            return
        reached = self.reached._replace(
            spot=spot,
            via=(*self.reached.via, *state.via),
            certain=context.certain,
            on_failure=context.on_failure,
            trap=context.trap,
            loops=context.loops,
        )
        seen = {name: state.environment().get(name) for name in asked_by(words)}
        given = {name: value for name, value in {**seen, **own}.items() if not isinstance(value, tuple)}
        given = {name: value for name, value in given.items() if name in own or value is not None}
        told = (handling, brief(state.as_called(statement.source), 500), state.folder, given, context.writes)
        command = Command(tuple(words), reached, *told, exported=handed, away=away(state))
        self.commands.append(command)
        self.manner.wrote(command, state)

    def _function(self, words: list[Possible], statement: Simple, spot: Spot, state: State, context: Context) -> Result:
        body, script = state.functions[str(words[0])]
        if not self.enter(spot, f"the function {words[0]}"):
            return NEXT
        trap = state.without_trap()
        called = state.called(words, script, spot, statement.source)
        with called, state.in_function(), self.inside(Flow.RETURN) as leaving:
            leaving.function = True
            result = self.returned(self.way.statement(body, state, context), leaving, state)
        if trap is not None:
            state.variables.setdefault(ERR, trap)
        self.depth -= 1
        return result

    def enter(self, spot: Spot, what: str) -> bool:
        if self.depth >= MAX_DEPTH:
            self.problem(spot, f"{what} calls itself, or more than {MAX_DEPTH} levels deep", "Break the cycle.")
            return False
        self.depth += 1
        return True

    def problem(self, spot: Spot, message: str, fix: str, *, unread: bool = True) -> None:
        self.note((Problem(spot, brief(message, 300), fix, unread),))

    def note(self, problems: Sequence[Problem]) -> None:
        self.problems.extend(problem for problem in problems if problem not in self.problems)
