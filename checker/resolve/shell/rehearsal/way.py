"""One way through a script with one of its commands failing: its statements, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Certain, negated, yes_if
from checker.model.pipeline.handling import Stream
from checker.model.pipeline.scripts import Reached
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
    Substitution,
    Test,
    Variable,
    While,
    Word,
)
from checker.model.possible import open_text
from checker.resolve.shell.commands import ShellCommands
from checker.resolve.shell.dialects.patterns import as_pattern, compared, fitting
from checker.resolve.shell.ends import demands, is_test, looks_up
from checker.resolve.shell.printing import streams
from checker.resolve.shell.process import EndlessError
from checker.resolve.shell.rehearsal.acts import Act
from checker.resolve.shell.rehearsal.arithmetic import calculated, with_numbers
from checker.resolve.shell.rehearsal.choices import Choices, TooMuchError
from checker.resolve.shell.rehearsal.clock import LONGEST, asks_for_time, without_clocks
from checker.resolve.shell.rehearsal.manner import (
    MAX_ROUNDS,
    MAX_STATEMENTS,
    MAX_WAITING_ROUNDS,
    MAX_WAITING_STATEMENTS,
    Rehearsed,
    status_of,
)
from checker.resolve.shell.state import ERR, UNTOLD, Context, Flow, Library, Result, State, ends_with
from checker.resolve.shell.syntax_facts import first_word, within
from checker.resolve.shell.words import decide, is_one_word


def _piped(context: Context, *, merged: bool) -> Context:
    """What it prints goes on to the next command; ``merged`` (``|&``): with what it says."""
    stderr = Stream.MERGED if merged else context.handling.apart
    return context.handled(stdout=Stream.SHOWN, stderr=stderr, piped=True)


def _vanishes(word: Word) -> bool:
    """Whether a word that is empty is none at all (Bash Reference Manual, "Word Splitting")."""
    expanded = [part for part in word.parts if isinstance(part, Variable | Substitution) and not part.quoted]
    return bool(expanded) and len(expanded) == len(word.parts)


def _is_question(statement: Statement, state: State, context: Context) -> bool:
    """Whether nobody knows beforehand how a command ends: a test, whether another line comes in or another option
    stands there, or whether something is there, where that is asked. Of what another command reads, that one asks."""
    tested = bool(context.handling.tested)
    if isinstance(statement, Simple) and (first_word(statement) in {"read", "getopts"} or looks_up(statement)):
        return tested and not context.handling.piped
    return is_test(statement, state.functions)


@dataclass(slots=True)
class Way:
    """One way through a script."""

    library: Library
    reached: Reached
    manner: Rehearsed
    choices: Choices
    left: int = MAX_STATEMENTS
    failed: bool = False
    acts: frozenset[Act] = frozenset()  # what it does that another command, step or person will see
    shell: ShellCommands = field(init=False)

    def __post_init__(self) -> None:
        if self.manner.failing.waits:
            self.left = MAX_WAITING_STATEMENTS
        self.shell = ShellCommands(self.library, self.reached, self, self.manner)

    def run_through(self, state: State) -> bool:
        """Whether the script ends with a failure."""
        try:
            return self.process(state.script.body, state, Context()).truth is NO
        except EndlessError:
            self.manner.endless = True
            return True

    def process(self, block: Block, state: State, context: Context) -> Result:
        """A script of its own: whether it ends with success."""
        return Result(Flow.NEXT, yes_if(self._ended(block, state, context.handled(tested=""))))

    def _ended(self, block: Block, state: State, context: Context) -> bool:
        return self.manner.process(self.shell, block, state, context)

    # --- statements -------------------------------------------------------------------------------------------------

    def block(self, block: Block, state: State, context: Context) -> Result:
        result = Result(Flow.NEXT, YES)
        for each in block.statements:
            result = self.statement(each, state, context)
            if result.flow is not Flow.NEXT:
                return result
        return result

    def statement(self, statement: Statement, state: State, context: Context) -> Result:
        self.left -= 1
        if self.left < 0:
            raise TooMuchError
        if isinstance(statement, Simple | Declare) and demands(statement, state):
            state.set("?", "1")
            return Result(Flow.EXIT)
        result = self._done(statement, state, context)
        if result.flow is not Flow.NEXT:
            return result
        worked = result.truth is YES
        if not isinstance(result.truth, Certain):
            worked = not _is_question(statement, state, context) or self.choices.choose(statement)
        if worked:
            state.set("?", "0")
        elif state.variables.get("?", "0") == "0":
            state.set("?", "1")
        ends = isinstance(statement, Simple | Declare | Test | Pipe) or (
            isinstance(statement, Group) and statement.own_shell
        )
        if ends and not isinstance(statement, Pipe) and "PIPESTATUS" in state.variables:
            state.set("PIPESTATUS", (status_of(state),))  # a command alone is a pipe of one
        if not worked and ends and not context.handling.tested:  # noqa: SIM102 - the trap runs before the shell ends
            if self.manner.trapped(self.shell, ERR, state, context) or state.errexit:
                return Result(Flow.EXIT)
        return Result(Flow.NEXT, yes_if(worked))

    def _done(self, statement: Statement, state: State, context: Context) -> Result:
        match statement:
            case Simple():
                self.manner.substituted = "0"
                result = self.shell.simple(statement, state, context)
                if not statement.words and result.flow is Flow.NEXT:
                    return ends_with(self.manner.substituted, state)
                return result
            case Declare():
                return self.shell.declare(statement, state, context)
            case Test():
                return Result(Flow.NEXT, yes_if(self._tested(statement, state, context)))
            case Pipe():
                return self._pipe(statement, state, context)
            case AndOr():
                return self._and_or(statement, state, context)
            case Not():
                inner = self.statement(statement.statement, state, context.handled(tested="not"))
                return inner if inner.flow is not Flow.NEXT else Result(Flow.NEXT, negated(inner.truth))
            case Group():
                return self._group(statement, state, context)
            case Background():
                fork = state.fork()
                self._ended(Block((statement.statement,)), fork, context.handled(tested=""))
                name = str(100_000 + len(self.manner.jobs))
                self.manner.jobs[name] = status_of(fork)
                state.set("!", name)
                return Result(Flow.NEXT, YES)
            case If():
                return self._if(statement, state, context)
            case While():
                return self._while(statement, state, context)
            case For():
                return self._for(statement, state, context)
            case Case():
                return self._case(statement, state, context)
            case Function():
                state.functions[statement.name] = (statement.body, state.script)
                return Result(Flow.NEXT, YES)

    def _group(self, statement: Group, state: State, context: Context) -> Result:
        if statement.redirects:
            writes = self.shell.redirects(statement.redirects, state, context)
            handling = streams(context.handling, writes)
            context = replace(context, writes=(*context.writes, *writes), handling=handling)
        if not statement.own_shell:
            return self.block(statement.body, state, context)
        fork = state.fork()
        worked = self._ended(statement.body, fork, context)
        return Result(Flow.NEXT, YES) if worked else ends_with(status_of(fork), state)

    def _tested(self, statement: Test, state: State, context: Context) -> bool:
        if statement.arithmetic:
            number = calculated(self.manner.clock.told(statement.arithmetic), state)
            for asked in statement.asked if number is None else ():
                self.manner.captured(self.shell, asked, state, context, name="", lost=True)
            return self.choices.choose(statement) if number is None else number != 0
        words = [self.shell.single(word, state, context) for word in statement.words]
        told = compared(words, statement, state.variables)
        if not statement.double and "" in words:
            each = zip(told, statement.words, strict=True)
            told = [value for value, word in each if value != "" or not _vanishes(word)]
        told = with_numbers(told, state, double=statement.double)
        answer = decide(self.manner.files.decided(told)) if words else UNTOLD
        return answer is YES if isinstance(answer, Certain) else self.choices.choose(statement)

    def _pipe(self, statement: Pipe, state: State, context: Context) -> Result:
        statuses: list[str] = []
        fed = state.fed
        begun = len(self.shell.commands)
        for each in statement.statements:
            del self.shell.commands[begun:]
            fork, failures = state.fed_by(fed), self.manner.failures
            last = each is statement.statements[-1]
            self._ended(Block((each,)), fork, context if last else _piped(context, merged=statement.merged))
            statuses.append(status_of(fork))
            if not last:
                fed = self.manner.passed_on(self.shell.commands[begun:], fork, failures)
        state.set("PIPESTATUS", tuple(statuses))
        bad = [status for status in statuses if status != "0"]
        return ends_with((bad or ["0"])[-1] if state.pipefail else statuses[-1], state)

    def _and_or(self, statement: AndOr, state: State, context: Context) -> Result:
        tested = context.handled(tested=statement.operator)
        left = self.statement(statement.left, state, tested)
        if left.flow is not Flow.NEXT or left.truth is yes_if(statement.operator == "||"):
            return left
        return self.statement(statement.right, state, context)

    def _if(self, statement: If, state: State, context: Context) -> Result:
        for condition, body in statement.branches:
            asked = self.block(condition, state, context.handled(tested="if"))
            if asked.flow is not Flow.NEXT:
                return asked
            if asked.truth is YES:
                return self.block(body, state, context)
        state.set("?", "0")
        return self.block(statement.otherwise or Block(), state, context)

    @property
    def _rounds(self) -> int:
        """How many rounds of a loop are gone through."""
        return MAX_WAITING_ROUNDS if self.manner.failing.waits else MAX_ROUNDS

    def _while(self, statement: While, state: State, context: Context) -> Result:
        waits = self.manner.failing.waits
        timed = asks_for_time([*within(statement.condition), *within(statement.body)], state.functions)
        last: Answer = YES
        late = False
        for _ in range(self._rounds):
            if waits and self.manner.clock.gone > LONGEST:
                raise EndlessError
            before = (self._told(state, timed=timed), self.choices.times, len(self.manner.jobs))
            with self.shell.inside(Flow.BREAK, Flow.CONTINUE):
                asked = self.block(statement.condition, state, context.handled(tested="while"))
                if asked.flow in {Flow.RETURN, Flow.EXIT}:
                    return asked
                if asked.flow is Flow.BREAK:
                    return asked.beyond or Result(Flow.NEXT, YES)
                if asked.truth is yes_if(statement.until):
                    break
                result = self.block(statement.body, state, context)
            if result.flow is Flow.BREAK or result.beyond is not None:
                return result.beyond or Result(Flow.NEXT, YES)
            if result.flow in {Flow.RETURN, Flow.EXIT}:
                return result
            last = YES if result.flow is Flow.CONTINUE else result.truth
            after = (self._told(state, timed=timed), self.choices.times, len(self.manner.jobs))
            if before == after:
                if not timed or waits or late or not self.manner.clock.known:
                    raise EndlessError  # the next round is the same
                late = True  # ... but for the time that rounds take: some time it is up
                self.manner.clock.passes(LONGEST, state)
        else:
            raise EndlessError
        return Result(Flow.NEXT, last)

    @staticmethod
    def _told(state: State, *, timed: bool) -> dict[str, object]:
        """What tells one round of a loop from another: the time does where it is asked for."""
        return dict(state.variables) if timed else without_clocks(state.variables)

    def _for(self, statement: For, state: State, context: Context) -> Result:
        if statement.arithmetic:
            header = statement.arithmetic.removeprefix("for").strip().removeprefix("((").removesuffix("))")
            first, _, rest = header.partition(";")
            condition, _, step = rest.partition(";")
            return self._counting(statement, (first, condition, step), state, context)
        # What may be several words goes round twice: the second round shows what the first one leaves behind.
        several = [open_text(f"${{{statement.variable}}}")] * 2
        if statement.words is None:
            values = list(state.positional) if state.positional is not None else several
        else:
            found = [(word, each) for word in statement.words for each in self.shell.words(word, state, context)]
            values = [each for word, value in found for each in ([value] if is_one_word(value, word) else several)]
        result = Result(Flow.NEXT, YES)
        if self.manner.failing.waits and len(values) > self._rounds:
            raise TooMuchError
        for value in values[: self._rounds]:
            state.set(statement.variable, value)
            result = self._round(statement.body, state, context)
            if result.flow is not Flow.NEXT:
                return self._left(result)
        return result

    def _round(self, body: Block, state: State, context: Context) -> Result:
        """A loop ends as the last command that it runs, and well where it runs none."""
        with self.shell.inside(Flow.BREAK, Flow.CONTINUE):
            result = self.block(body, state, context)
        return Result(Flow.NEXT, YES) if result.flow is Flow.CONTINUE and result.beyond is None else result

    @staticmethod
    def _left(result: Result) -> Result:
        """How a loop ends that a round leaves: by a ``break`` well, by what is of a loop around it as that says."""
        return result.beyond or (Result(Flow.NEXT, YES) if result.flow is Flow.BREAK else result)

    def _counting(self, statement: For, parts: tuple[str, str, str], state: State, context: Context) -> Result:
        calculated(parts[0], state)
        result = Result(Flow.NEXT, YES)
        for _ in range(self._rounds):
            number = calculated(parts[1], state) if parts[1].strip() else 1
            if not (self.choices.choose(statement) if number is None else number):
                return result
            result = self._round(statement.body, state, context)
            if result.flow is not Flow.NEXT:
                return self._left(result)
            calculated(parts[2], state)
        raise EndlessError

    def _case(self, statement: Case, state: State, context: Context) -> Result:
        value = self.shell.single(statement.word, state, context)
        for patterns, body in statement.items:
            listed = [as_pattern(each, self.shell.single(each, state, context)) for each in patterns]
            answers = fitting(value, listed, state.variables)
            if YES in answers or (answers - {NO} and self.choices.choose(body)):
                return self.block(body, state, context)
        return Result(Flow.NEXT, YES)
