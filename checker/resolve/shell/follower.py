"""Follows a shell script without running it: which commands it gives, in which order, with which words.

Both branches of a test that cannot be decided are followed and their variables joined; a loop over known values is
unrolled, a loop that tries again is followed once; functions and the repository's own scripts are entered. Every
command comes out with the constructs around it (:class:`~checker.model.pipeline.scripts.Handling`).
Source: Bash Reference Manual, "The Set Builtin" (when ``-e`` is ignored), "Pipelines", "Lists of Commands".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Certain, negated, yes_if
from checker.model.pipeline.handling import Stream
from checker.model.pipeline.scripts import Command, Loop, Reached
from checker.model.pipeline.shell import (
    AndOr,
    Background,
    Block,
    Case,
    Declare,
    For,
    Function,
    Group,
    If,
    Not,
    Pipe,
    Simple,
    Statement,
    Test,
    While,
)
from checker.model.possible import Possible, one_of, open_text, options
from checker.model.sources import Problem, brief
from checker.resolve.shell.commands import NEXT, ShellCommands
from checker.resolve.shell.dialects.patterns import as_pattern, compared, fitting
from checker.resolve.shell.ends import (
    FAILED,
    asks_for_failure,
    asks_for_success,
    demands,
    ends_badly,
    ends_shell,
    in_turn,
    is_test,
    last_leaves,
    stops_on_failure,
    surely_fails,
)
from checker.resolve.shell.followed import Followed, as_written
from checker.resolve.shell.lists.turns import Turns
from checker.resolve.shell.printing import streams
from checker.resolve.shell.rehearsal.arithmetic import holds
from checker.resolve.shell.rehearsal.ways import Allowance, Rehearsals
from checker.resolve.shell.starting import faults, fed_by
from checker.resolve.shell.state import UNTOLD, Context, Flow, Library, Result, State, nearest
from checker.resolve.shell.syntax_facts import attempts_of, counted, ends, leaves, retries, rounds_of, sleeps
from checker.resolve.shell.variables.arguments import over_arguments
from checker.resolve.shell.variables.calculated import calculated
from checker.resolve.shell.variables.rounds import by_index, count, widen
from checker.resolve.shell.variables.standing import join_at
from checker.resolve.shell.variables.tested import narrow
from checker.resolve.shell.waiting import told_alone
from checker.resolve.shell.words import decide, is_one_word

MAX_COMMANDS: Final = 2_000  # rules compare them with one another
MAX_STATEMENTS: Final = 100_000


class _ExhaustedError(Exception):
    pass


@dataclass(slots=True)
class Follower:
    """Follows scripts of one step."""

    library: Library
    reached: Reached
    left: int = MAX_STATEMENTS  # statements that may still be followed
    allowance: Allowance = field(default_factory=Allowance)
    fails: bool = False  # whether what was followed last surely ends with a failure
    calculated: list[Command] = field(default_factory=list)
    _manner: Followed = field(default_factory=Followed)
    _shell: ShellCommands = field(init=False)

    def __post_init__(self) -> None:
        self._shell = ShellCommands(self.library, self.reached, self, self._manner)

    @property
    def commands(self) -> list[Command]:
        """What was found so far."""
        return self._shell.commands

    @property
    def problems(self) -> list[Problem]:
        """What could not be followed so far."""
        return self._shell.problems

    def follow(self, state: State, whole: State | None = None) -> State:
        """Follow ``state.script`` from its beginning to its end. What becomes of it is asked of the ``whole``."""
        self._shell.note(faults(state))
        self._manner.rehearsals = Rehearsals(self.library, self.reached, (whole or state).apart(), self.allowance)
        try:
            here = self.reached
            around = Context(certain=here.certain, on_failure=here.on_failure, trap=here.trap, loops=here.loops)
            self.fails = self.process(state.script.body, state, around).truth is NO
        except (_ExhaustedError, RecursionError):
            self._shell.problem(
                state.script.spot(0), "does more than can be followed: the rest is not judged", "Split it."
            )
        self._shell.commands[:] = told_alone(self._shell.commands)
        return state

    def process(self, block: Block, state: State, context: Context) -> Result:
        """A script in a process of its own: nothing leaves it but its exit status."""
        with self._shell.inside(*Flow) as leaving:
            result = self.block(block, state, context)
        return Result(Flow.NEXT, surely_fails(result, leaving))

    # --- statements -------------------------------------------------------------------------------------------------

    def block(self, block: Block, state: State, context: Context) -> Result:
        result = NEXT
        for statement in in_turn(block.statements):
            if (result := self.statement(statement, state, context)).flow is not Flow.NEXT:
                break
        return result

    def statement(self, statement: Statement, state: State, context: Context) -> Result:
        result = self._statement(statement, state, context)
        if result.truth is NO and result.flow is Flow.NEXT and ends_shell(statement, state, context):
            return self._shell.leave(Flow.EXIT, state, NO)  # what stands behind it never happens
        return result

    def _statement(self, statement: Statement, state: State, context: Context) -> Result:
        self.left -= 1
        if self.left < 0 or len(self._shell.commands) >= MAX_COMMANDS:
            raise _ExhaustedError
        self.calculated.extend(calculated(statement, state, context, self.reached))
        match statement:
            case Simple() | Declare() if demands(statement, state):
                return self._shell.leave(Flow.EXIT, state, NO)
            case Simple():
                result = self._shell.simple(statement, state, context)
                count(statement, state)
                return result
            case Declare():
                return self._shell.declare(statement, state, context)
            case Test():
                for asked in statement.asked:
                    self._manner.captured(self._shell, asked, state, context, name="", lost=True)
                given = [self._shell.single(word, state, context) for word in statement.words]
                words = compared(given, statement, state.variables)
                answer = decide(words) if words else holds(statement.arithmetic, state)
                count(statement, state)
                return Result(Flow.NEXT, answer)
            case Pipe():
                return self._pipe(statement, state, context)
            case AndOr():
                return self._and_or(statement, state, context)
            case Not():
                tested = context.handling.tested or "not"
                inner = self.statement(statement.statement, state, context.handled(negated=True, tested=tested))
                return Result(inner.flow, negated(inner.truth))
            case Group():
                return self._group(statement, state, context)
            case Background():
                with self._shell.inside(*Flow):
                    beside = context.handled(background=not statement.awaited, lost=True)
                    self.statement(statement.statement, state.fork(), beside)
                return Result(Flow.NEXT, YES)
            case If():
                return self._if(statement, state, context)
            case While():
                return over_arguments(self._shell, statement, state, context, self._while)
            case For():
                return self._for(statement, state, context)
            case Case():
                return self._case(statement, state, context)
            case Function():
                state.functions[statement.name] = (statement.body, state.script)
                return NEXT

    def _and_or(self, statement: AndOr, state: State, context: Context) -> Result:
        is_or = statement.operator == "||"
        if is_or:
            fallback = brief(as_written(statement.right_shown, state), 200)
            stops = leaves(statement.right, state.functions)
            left_context = context.handled(tested="or", fallback=fallback, fallback_stops=stops)
        else:
            left_context = context.handled(tested=context.handling.tested or "and")
        left = self.statement(statement.left, state, left_context)
        if left.flow is not Flow.NEXT:
            return left
        decisive = yes_if(is_or)
        if left.truth is decisive:
            return left  # decided: the right side never runs
        if isinstance(left.truth, Certain):
            return self.statement(statement.right, state, context)
        # Which way it goes is not known, so neither may hide what comes after.
        asks = is_test(statement.left, state.functions)
        if is_or:
            inner = replace(context, certain=False, on_failure=context.on_failure or not asks or stops)
        else:
            # A command that works is the way on which all goes well; a test has no such way, but where it ends with a
            # failure.
            bad = asks and leaves(statement.right, state.functions)
            inner = replace(context, certain=context.certain and not asks, on_failure=context.on_failure or bad)
        fork = state.fork()
        narrow((statement.left,), fork, holds=not is_or)
        narrow((statement.left,), state, holds=is_or)
        right = self.statement(statement.right, fork, inner)
        if right.flow is not Flow.NEXT:
            return Result(Flow.NEXT, decisive)  # who comes past it did not take the right side
        join_at(state, fork, state if is_or else fork)  # `mkdir out && cd out`: where it stands when all goes well
        return Result(Flow.NEXT, decisive if right.truth is decisive else UNTOLD)

    def _if(self, statement: If, state: State, context: Context) -> Result:
        finished: list[State] = []
        flows: list[Flow] = []
        asking = context
        for condition, body in statement.branches:
            stops = stops_on_failure(statement, condition, body, state)
            result = self.block(condition, state, asking.handled(tested="if", fallback_stops=stops))
            if result.flow is not Flow.NEXT:
                return result
            if result.truth is NO:
                continue
            surely = result.truth is YES
            fork = state if surely else state.fork()
            narrow(condition.statements, fork, holds=True)
            fails = asks_for_failure(condition) or ends_badly(body, state)
            inner = asking if surely else replace(asking, certain=False, on_failure=asking.on_failure or fails)
            ended = self.block(body, fork, inner)
            flows.append(ended.flow)
            if ended.flow is Flow.NEXT:
                finished.append(fork.fork())
            if surely:
                break
            asking = replace(asking, certain=False)
            narrow(condition.statements, state, holds=False)
        else:
            fork = state.fork()
            last = statement.branches[-1][0] if statement.branches else Block()
            bad = asks_for_success(last) or (statement.otherwise is not None and ends_badly(statement.otherwise, state))
            inner = replace(asking, on_failure=asking.on_failure or (not asking.certain and bad))
            ended = self.block(statement.otherwise, fork, inner) if statement.otherwise else NEXT
            flows.append(ended.flow)
            if ended.flow is Flow.NEXT:
                finished.append(fork)
        if not finished:
            return Result(nearest(flows))
        state.join(finished)
        return NEXT

    def _while(self, statement: While, state: State, context: Context) -> Result:
        kind, variable = rounds_of(statement)
        spot = state.script.spot(statement.line)
        loop = Loop(kind, spot, variable, sleeps=sleeps(statement.body), bounded=ends(statement))
        inside = replace(context, loops=(*context.loops, loop)).handled(
            retried=kind == "retry" or context.handling.retried
        )
        before = state.fork()
        with self._shell.inside(Flow.BREAK, Flow.CONTINUE) as leaving:
            tested = inside.handled(tested="until" if statement.until else "while")
            asked = self.block(statement.condition, state, tested)
            if asked.flow is not Flow.NEXT:
                return asked
            if asked.truth is yes_if(statement.until):
                return NEXT
            endless = isinstance(asked.truth, Certain)
            widen(statement.body, state, str(spot))
            result = self.block(statement.body, state, inside if endless else replace(inside, certain=False))
        ends_here = result.flow is Flow.NEXT or bool(leaving.states)
        after = [] if endless else [before]
        state.join([*after, *leaving.states, *([state.fork()] if result.flow is Flow.NEXT else ())])
        widen(statement.body, state, str(spot))
        return NEXT if ends_here or not endless else Result(result.flow)

    def _for(self, statement: For, state: State, context: Context) -> Result:
        spot = state.script.spot(statement.line)
        values: list[Possible] | None = None
        if statement.words is not None:
            each_word = [(word, self._shell.words(word, state, context)) for word in statement.words]
            values = [value for _, found in each_word for value in found]
            if not all(is_one_word(value, word) for word, found in each_word for value in found):
                values = None
        elif not statement.arithmetic and state.positional is not None:
            values = list(state.positional)
        if (listed := by_index(statement, values, state)) is not None:
            statement, values = listed
        for name in counted(statement.arithmetic):
            state.set(name, open_text(f"${{{name}}}", str(spot)))
        if listed is None and retries(statement, values):
            attempts = len(values) if values is not None and len(values) > 1 else attempts_of(statement)
            tried = tuple(values or ()) or None
            loop = Loop("retry", spot, statement.variable, tried, None, attempts, sleeps(statement.body))
            inside = replace(context, loops=(*context.loops, loop)).handled(retried=True)
            state.set(
                statement.variable, one_of(values) if values else open_text(f"${{{statement.variable}}}", str(spot))
            )
            widen(statement.body, state, str(spot))
            with self._shell.inside(Flow.BREAK, Flow.CONTINUE) as leaving:
                result = self.block(statement.body, state, inside)
            state.join([*leaving.states, *([state.fork()] if result.flow is Flow.NEXT else ())])
            widen(statement.body, state, str(spot))  # the last round is not the first
            goes_on = leaving.states or not (result.flow is Flow.EXIT and last_leaves(statement.body))
            return NEXT if goes_on else Result(result.flow)
        if values is None:
            state.set(statement.variable, open_text(f"${{{statement.variable}}}", str(spot)))
            inside = replace(context, loops=(*context.loops, Loop("each", spot, statement.variable)))
            before = state.fork()  # there may be nothing to go through
            widen(statement.body, state, str(spot))
            with self._shell.inside(Flow.BREAK, Flow.CONTINUE) as leaving:
                result = self.block(statement.body, state, inside)
            state.join([before, *leaving.states, *([state.fork()] if result.flow is Flow.NEXT else ())])
            widen(statement.body, state, str(spot))
            return NEXT
        turns = Turns(self._shell, statement.body, spot, statement.variable, tuple(values))
        for index, value in enumerate(values):
            state.set(statement.variable, value)
            if (ended := turns.turn(index, state, context)) is not None:
                return ended
        return turns.done(state)

    def _case(self, statement: Case, state: State, context: Context) -> Result:
        value = self._shell.single(statement.word, state, context)
        each = options(value)
        finished: list[State] = []
        flows: list[Flow] = []
        complete = False
        for patterns, body in statement.items:
            listed = [as_pattern(pattern, self._shell.single(pattern, state, context)) for pattern in patterns]
            answers = fitting(value, listed, state.variables)
            if answers == {NO} or not answers:
                continue
            surely = len(each or ()) == 1 and YES in answers
            fork = state.fork()
            only = surely and not flows
            ended = self.block(body, fork, context if only else replace(context, certain=False))
            flows.append(ended.flow)
            if ended.flow is Flow.NEXT:
                finished.append(fork)
            if surely or "*" in listed:
                complete = True
                break
        if not complete:
            finished.append(state.fork())
        if not finished:
            return Result(nearest(flows))
        state.join(finished)
        return NEXT

    def _group(self, statement: Group, state: State, context: Context) -> Result:
        writes = self._shell.redirects(statement.redirects, state, context)
        inner = replace(context, writes=(*context.writes, *writes), handling=streams(context.handling, writes))
        if not statement.own_shell:
            return self.block(statement.body, state, inner)
        return self.process(statement.body, state.fork(), inner)

    def _pipe(self, statement: Pipe, state: State, context: Context) -> Result:
        *first, last = statement.statements or (Simple((), (), (), 0, 0, ""),)
        fed, truths = state.fed, set[Answer]()
        begun, around = len(self._shell.commands), context.handling.fed_by
        for each in first:
            before = len(self._shell.commands)
            lost = context.handling.lost or not state.pipefail
            stderr = Stream.MERGED if statement.merged else context.handling.apart
            inner = context.handled(piped=True, lost=lost, stdout=Stream.SHOWN, stderr=stderr)
            piped = state.fed_by(fed)
            truths.add(self.process(Block((each,)), piped, inner).truth)
            fed = fed_by(self._shell.commands[before:], piped)
            context = context.handled(fed_by=(*around, *dict.fromkeys(c.spot for c in self._shell.commands[begun:])))
        with self._shell.inside(*Flow) as leaving:
            result = self.statement(last, state.fed_by(fed), context)
        ended = surely_fails(result, leaving)
        if ended is NO or (state.pipefail and NO in truths):
            return FAILED
        return Result(Flow.NEXT, UNTOLD if first else result.truth)
