"""Follows a shell script without running it: which commands it gives, in which order, with which words.

Both branches of a test that cannot be decided are followed and their variables joined; a loop over known values is
unrolled, a loop that tries again is followed once; functions and the repository's own scripts are entered. Every
command comes out with the constructs around it (:class:`~checker.model.scripts.Handling`).
Source: Bash Reference Manual, "The Set Builtin" (when ``-e`` is ignored), "Pipelines", "Lists of Commands".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from checker.model.possible import Possible, one_of, open_text, options
from checker.model.scripts import Command, Handling, Loop, Reached, Stream, Write
from checker.model.shell import (
    AndOr,
    Assignment,
    Background,
    Block,
    Case,
    Declare,
    For,
    Function,
    Group,
    If,
    Not,
    Opaque,
    Pipe,
    Redirect,
    Simple,
    Statement,
    Substitution,
    Test,
    Variable,
    While,
    Word,
)
from checker.model.sources import Problem, Spot, brief
from checker.model.values import Text
from checker.reason.shell_builtins import BUILTINS, output_of
from checker.reason.shell_state import Context, Flow, Library, Result, State
from checker.reason.shell_syntax_facts import assigned_in, attempts_of, leaves, retries, sleeps
from checker.reason.shell_words import decide, expand, matches, single
from checker.reason.wrappers import unwrapped

MAX_COMMANDS: Final = 10_000
MAX_STATEMENTS: Final = 100_000
MAX_DEPTH: Final = 24
_SHELLS: Final = frozenset({"bash", "sh", "dash", "zsh", "ksh"})
NEXT: Final = Result()


class _ExhaustedError(Exception):
    pass


@dataclass(slots=True)
class Follower:
    """Follows scripts of one step. ``commands`` and ``problems`` are what it found so far."""

    library: Library
    reached: Reached
    commands: list[Command] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _left: int = MAX_STATEMENTS
    _depth: int = 0
    _captures: int = 0

    def follow(self, state: State) -> State:
        """Follow ``state.script`` from its beginning to its end."""
        self._note(state.script.problems)
        try:
            self.block(state.script.body, state, Context(certain=self.reached.certain))
        except (_ExhaustedError, RecursionError):
            self.problem(state.script.spot(0), "does more than can be followed: the rest is not judged", "Split it.")
        return state

    def problem(self, spot: Spot, message: str, fix: str, *, unread: bool = True) -> None:
        self._note((Problem(spot, brief(message, 300), fix, unread),))

    def _note(self, problems: Sequence[Problem]) -> None:
        self.problems.extend(problem for problem in problems if problem not in self.problems)

    # --- statements -------------------------------------------------------------------------------------------------

    def block(self, block: Block, state: State, context: Context) -> Result:
        result = NEXT
        for statement in block.statements:
            result = self.statement(statement, state, context)
            if result.flow is not Flow.NEXT:
                return result
        return result

    def statement(self, statement: Statement, state: State, context: Context) -> Result:
        self._left -= 1
        if self._left < 0 or len(self.commands) >= MAX_COMMANDS:
            raise _ExhaustedError
        match statement:
            case Simple():
                return self._simple(statement, state, context)
            case Declare():
                return self._declare(statement, state, context)
            case Test():
                words = [value for word in statement.words for value in self._test_word(word, state, context)]
                return Result(Flow.NEXT, decide(words) if words else None)
            case Pipe():
                return self._pipe(statement, state, context)
            case AndOr():
                return self._and_or(statement, state, context)
            case Not():
                tested = context.handling.tested or "not"
                inner = self.statement(statement.statement, state, context.handled(negated=True, tested=tested))
                return Result(inner.flow, None if inner.truth is None else not inner.truth)
            case Group():
                return self._group(statement, state, context)
            case Background():
                fork = state.fork()
                self.statement(statement.statement, fork, context.handled(background=True, lost=True))
                return Result(Flow.NEXT, True)
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
                return NEXT

    def _and_or(self, statement: AndOr, state: State, context: Context) -> Result:
        is_or = statement.operator == "||"
        if is_or:
            fallback = brief(statement.right_source, 200)
            stops = leaves(statement.right, state.functions)
            left_context = context.handled(tested="or", fallback=fallback, fallback_stops=stops)
        else:
            left_context = context.handled(tested=context.handling.tested or "and")
        left = self.statement(statement.left, state, left_context)
        if left.flow is not Flow.NEXT:
            return left
        if left.truth is is_or:
            return left  # decided: the right side never runs
        if left.truth is not None:
            return self.statement(statement.right, state, context)
        is_test = _is_test(statement.left)
        if not is_or and not is_test:
            # On the way on which all goes well the right side runs.
            right = self.statement(statement.right, state, context)
            return Result(Flow.NEXT, None) if right.flow is not Flow.NEXT else right
        fork = state.fork()
        failed = is_or and not is_test
        inner = replace(context, certain=False, on_failure=context.on_failure or failed)
        right = self.statement(statement.right, fork, inner)
        if right.flow is Flow.NEXT:
            state.join([state.fork(), fork])
        return Result(Flow.NEXT, None)

    def _if(self, statement: If, state: State, context: Context) -> Result:
        finished: list[State] = []
        flows: list[Flow] = []
        asking = context
        for condition, body in statement.branches:
            result = self.block(condition, state, asking.handled(tested="if"))
            if result.flow is not Flow.NEXT:
                return result
            if result.truth is False:
                continue
            fork = state if result.truth else state.fork()
            fails = _asks_for_failure(condition)
            inner = asking if result.truth else replace(asking, certain=False, on_failure=asking.on_failure or fails)
            ended = self.block(body, fork, inner)
            flows.append(ended.flow)
            if ended.flow is Flow.NEXT:
                finished.append(fork.fork())
            if result.truth:
                break
            asking = replace(asking, certain=False)
        else:
            fork = state.fork()
            last = statement.branches[-1][0] if statement.branches else Block()
            inner = replace(asking, on_failure=asking.on_failure or (not asking.certain and _asks_for_success(last)))
            ended = self.block(statement.otherwise, fork, inner) if statement.otherwise else NEXT
            flows.append(ended.flow)
            if ended.flow is Flow.NEXT:
                finished.append(fork)
        if not finished:
            return Result(max(set(flows), key=flows.count) if flows else Flow.NEXT)
        state.join(finished)
        return NEXT

    def _while(self, statement: While, state: State, context: Context) -> Result:
        kind = "retry" if statement.until or sleeps(statement.body) else "while"
        spot = state.script.spot(statement.line)
        loop = Loop(kind, spot, sleeps=sleeps(statement.body))
        inside = replace(context, loops=(*context.loops, loop))
        if kind == "retry":
            inside = inside.handled(retried=True)
        before = state.fork()
        asked = self.block(statement.condition, state, inside.handled(tested="until" if statement.until else "while"))
        if asked.truth is statement.until:
            return NEXT
        always = asked.truth is not None
        self._widen(statement.body, state, str(spot))
        result = self.block(statement.body, state, inside if always else replace(inside, certain=False))
        if not always:
            state.join([before, state.fork()])
        return Result(result.flow) if always and result.flow in {Flow.EXIT, Flow.RETURN} else NEXT

    @staticmethod
    def _widen(body: Block, state: State, where: str) -> None:
        """What a loop assigns may hold something else when it comes round again."""
        for name in assigned_in(body):
            known = state.variables.get(name)
            if known is not None and not isinstance(known, tuple):
                state.variables[name] = one_of([known, open_text(f"${{{name}}}", where)])

    def _for(self, statement: For, state: State, context: Context) -> Result:
        spot = state.script.spot(statement.line)
        values: list[Possible] | None = None
        if statement.words is not None:
            values = [value for word in statement.words for value in self._words(word, state, context)]
            if not all(isinstance(value, str) for value in values) or any(
                isinstance(part, Substitution | Opaque) for word in statement.words for part in word.parts
            ):
                values = values if all(isinstance(value, str) for value in values) else None
        elif not statement.arithmetic and state.positional is not None:
            values = list(state.positional)
        if retries(statement, values):
            attempts = len(values) if values is not None and len(values) > 1 else attempts_of(statement)
            loop = Loop(
                "retry", spot, statement.variable, tuple(values or ()) or None, None, attempts, sleeps(statement.body)
            )
            inside = replace(context, loops=(*context.loops, loop)).handled(retried=True)
            state.set(
                statement.variable, one_of(values) if values else open_text(f"${{{statement.variable}}}", str(spot))
            )
            result = self.block(statement.body, state, inside)
            return Result(result.flow) if result.flow is Flow.EXIT and _last_leaves(statement.body) else NEXT
        if values is None:
            state.set(statement.variable, open_text(f"${{{statement.variable}}}", str(spot)))
            inside = replace(context, loops=(*context.loops, Loop("each", spot, statement.variable)))
            self.block(statement.body, state, inside)
            return NEXT
        for index, value in enumerate(values):
            state.set(statement.variable, value)
            loop = Loop("each", spot, statement.variable, tuple(values), index, None, sleeps(statement.body))
            result = self.block(statement.body, state, replace(context, loops=(*context.loops, loop)))
            if result.flow is Flow.BREAK:
                break
            if result.flow is not Flow.NEXT:
                return result
        return NEXT

    def _case(self, statement: Case, state: State, context: Context) -> Result:
        value = self._single(statement.word, state, context)
        each = options(value)
        finished: list[State] = []
        flows: list[Flow] = []
        complete = False
        for patterns, body in statement.items:
            listed = [self._single(pattern, state, context) for pattern in patterns]
            answers = {
                matches(option, choice)
                for option in each or (open_text("?"),)
                for pattern in listed
                for choice in options(pattern) or (open_text("?"),)
            }
            if answers == {False} or not answers:
                continue
            surely = len(each or ()) == 1 and True in answers
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
            return Result(flows[0] if flows else Flow.NEXT)
        state.join(finished)
        return NEXT

    def _group(self, statement: Group, state: State, context: Context) -> Result:
        writes = self._redirects(statement.redirects, state, context)
        inner = replace(context, writes=(*context.writes, *writes), handling=_streams(context.handling, writes))
        if not statement.own_shell:
            return self.block(statement.body, state, inner)
        self.block(statement.body, state.fork(), inner)
        return NEXT

    def _pipe(self, statement: Pipe, state: State, context: Context) -> Result:
        *first, last = statement.statements or (Simple((), (), (), 0, 0, ""),)
        for each in first:
            lost = context.handling.lost or not state.pipefail
            changes = {"piped": True, "lost": lost, "stdout": Stream.SHOWN}
            if statement.merged:
                changes["stderr"] = Stream.MERGED
            self.statement(each, state.fork(), context.handled(**changes))
        fork = state.fork()
        result = self.statement(last, fork, context)
        return Result(Flow.NEXT, result.truth if not first else None)

    # --- words ------------------------------------------------------------------------------------------------------

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
            )
            inner = replace(context, handling=handling, writes=())
            fork = state.fork()
            start = len(self.commands)
            self.block(substitution.body, fork, inner)
            printed = [c for c in self.commands[start:] if c.handling.stdout in {Stream.SHOWN, Stream.MERGED}]
            printed = [command for command in printed if not command.handling.piped or not name]
            self._captures += 1
            # Each time it runs it may print something else: two holes of one source are not the same value.
            source = re.sub(r"__gha\d+__", lambda match: str(state.marks.get(match[0], match[0])), substitution.source)
            opened = open_text(brief(source, 200), f"{state.script.file}#{self._captures}")
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
                    self.block(block, state.fork(), context.handled(lost=True, piped=True))
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
            from checker.model.possible import joined

            return joined([before, value])
        return value

    def _declare(self, statement: Declare, state: State, context: Context) -> Result:
        for assignment in statement.assignments:
            if assignment.value is not None or assignment.items is not None:
                state.set(assignment.name, self._assign(assignment, state, context, lost=True))
            elif statement.keyword == "local":
                state.set(assignment.name, "")
            if statement.keyword == "export":
                state.exported.add(assignment.name)
        return Result(Flow.NEXT, True)

    def _redirects(self, redirects: Sequence[Redirect], state: State, context: Context) -> tuple[Write, ...]:
        return tuple(
            Write(each.descriptor, each.operator, self._single(each.target, state, context)) for each in redirects
        )

    # --- commands ---------------------------------------------------------------------------------------------------

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
                    self.block(block, state.fork(), context.handled(lost=True, piped=True))
        unknown_fields = any(
            isinstance(part, Variable) and part.name in {"@", "*"} and state.positional is None
            for word in statement.words
            for part in word.parts
        )
        words = [value for word in statement.words for value in self._words(word, state, context)]
        own_writes = self._redirects(statement.redirects, state, context)
        writes = (*context.writes, *own_writes)
        context = replace(context, handling=_streams(context.handling, own_writes), writes=writes)
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
        words, given = unwrapped(words)
        if not words:
            return NEXT
        name = words[0]
        spot = state.script.spot(statement.line, statement.column)
        if isinstance(name, str):
            builtin = BUILTINS.get(name)
            if builtin is not None:
                return builtin(self, words, statement, state, context)
            if name in state.functions:
                return self._function(name, words, spot, state, context)
            followed = self._script(words, spot, state, context, {**own, **given})
            if followed is not None:
                return followed
        elif isinstance(name, Text):
            self.problem(spot, f"the command {name} is not known before it runs", "Write the command out.")
        self.emit(words, statement, spot, state, context, {**own, **given})
        return Result(Flow.NEXT, {"true": True, ":": True, "false": False}.get(name) if isinstance(name, str) else None)

    def emit(
        self,
        words: list[Possible],
        statement: Simple,
        spot: Spot,
        state: State,
        context: Context,
        own: dict[str, Possible | tuple[Possible, ...]],
    ) -> None:
        """Put a command on record."""
        handling = replace(context.handling, errexit=state.errexit, pipefail=state.pipefail)
        reached = replace(
            self.reached,
            spot=spot,
            via=(*self.reached.via, *state.via),
            certain=context.certain,
            on_failure=context.on_failure,
            loops=context.loops,
        )
        given = {name: value for name, value in own.items() if not isinstance(value, tuple)}
        source = brief(statement.source, 500)
        self.commands.append(Command(tuple(words), reached, handling, source, state.folder, given, context.writes))

    def _function(self, name: str, words: list[Possible], spot: Spot, state: State, context: Context) -> Result:
        body, script = state.functions[name]
        if not self._enter(spot, f"the function {name}"):
            return NEXT
        kept = (state.positional, state.script, state.via)
        state.positional, state.script, state.via = tuple(words[1:]), script, (*state.via, spot)
        result = self.statement(body, state, context)
        state.positional, state.script, state.via = kept
        self._depth -= 1
        return Result(Flow.EXIT) if result.flow is Flow.EXIT else NEXT

    def _enter(self, spot: Spot, what: str) -> bool:
        if self._depth >= MAX_DEPTH:
            self.problem(
                spot, f"{what} calls itself, or is called more than {MAX_DEPTH} levels deep", "Break the cycle."
            )
            return False
        self._depth += 1
        return True

    def _script(
        self,
        words: list[Possible],
        spot: Spot,
        state: State,
        context: Context,
        own: dict[str, Possible | tuple[Possible, ...]],
    ) -> Result | None:
        """Follow a script of the repository that the words start, ``None`` where they start none."""
        options_given: tuple[str, ...] = ()
        rest = words
        explicit = words[0] in _SHELLS or (isinstance(words[0], str) and words[0].rsplit("/", 1)[-1] in _SHELLS)
        if explicit:
            flags = list(_flags(words[1:]))
            options_given, rest = tuple(flags), words[1 + len(flags) :]
            if "-c" in flags or any(flag.startswith("-") and flag.endswith("c") and len(flag) < 6 for flag in flags):
                return self._inline(rest, spot, state, context, own, options_given)
            if not rest:
                return None
        name = rest[0]
        if not isinstance(name, str) or (not explicit and "/" not in name):
            return None
        path = state.path(name)
        script = self.library.shell(path) if path else None
        if script is None:
            if path is not None and (explicit or name.endswith(".sh")) and not self.library.is_file(path):
                self.problem(spot, f"there is no script {name} in the repository", "Mend the path.")
            return None
        return self._child(script, rest, spot, state, context, own, options_given, explicit=explicit)

    def _inline(
        self,
        rest: list[Possible],
        spot: Spot,
        state: State,
        context: Context,
        own: dict[str, Possible | tuple[Possible, ...]],
        given: tuple[str, ...],
    ) -> Result | None:
        if not rest or not isinstance(rest[0], str):
            return None
        lines = tuple(spot.line for _ in range(rest[0].count("\n") + 1))
        script = self.library.shell_text(rest[0], spot.file, lines)
        return self._child(script, rest[1:] or [""], spot, state, context, own, given, explicit=True)

    def _child(
        self,
        script: object,
        words: list[Possible],
        spot: Spot,
        state: State,
        context: Context,
        own: dict[str, Possible | tuple[Possible, ...]],
        given: tuple[str, ...],
        *,
        explicit: bool,
    ) -> Result:
        from checker.model.shell import Script
        from checker.reason.shell_state import WORKSPACE

        assert isinstance(script, Script)
        if not self._enter(spot, script.file):
            return NEXT
        flags = given if explicit else tuple(script.shebang.split()[1:])
        child = State(
            script,
            variables={**state.environment(), **own},
            exported=state.exported | set(own),
            positional=tuple(words[1:]),
            zero=f"{WORKSPACE}/{script.file}",
            errexit=_has_flag(flags, "e"),
            pipefail="pipefail" in flags,
            folder=state.folder,
            via=(*state.via, spot),
            closed=state.closed,
        )
        if state.marks and script.file == state.script.file:
            child.marks = state.marks
        self._note(script.problems)
        self.block(script.body, child, context)
        self._depth -= 1
        return NEXT

    def source(self, words: list[Possible], statement: Simple, state: State, context: Context) -> Result:
        """``source file``: another script in this very process."""
        spot = state.script.spot(statement.line, statement.column)
        name = words[1] if len(words) > 1 else ""
        path = state.path(name)
        script = self.library.shell(path) if path else None
        if script is None:
            if not (isinstance(name, str) and ("bin/activate" in name or name.startswith(("/etc/", "/usr/")))):
                self.problem(
                    spot, "a sourced file cannot be found in the repository", "Name it relative to the script."
                )
            return NEXT
        if not self._enter(spot, script.file):
            return NEXT
        kept = (state.script, state.via, state.positional)
        state.script, state.via = script, (*state.via, spot)
        if len(words) > 2:
            state.positional = tuple(words[2:])
        self._note(script.problems)
        result = self.block(script.body, state, context)
        state.script, state.via, state.positional = kept
        self._depth -= 1
        return Result(Flow.EXIT) if result.flow is Flow.EXIT else NEXT

    def trap(self, text: str, statement: Simple, state: State, context: Context) -> None:
        """What ``trap`` runs later: after a failure, or at the end."""
        line = state.script.spot(statement.line).line
        script = self.library.shell_text(text, state.script.file, tuple(line for _ in range(text.count("\n") + 1)))
        fork = state.fork()
        fork.script = script
        if self._enter(script.spot(0), "a trap"):
            self.block(script.body, fork, replace(context, certain=False, on_failure=True))
            self._depth -= 1


def _streams(handling: Handling, writes: Sequence[Write]) -> Handling:
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


def _is_test(statement: Statement) -> bool:
    """Whether a statement only asks about values, so that its failure is an answer."""
    match statement:
        case Test():
            return True
        case Not():
            return _is_test(statement.statement)
        case AndOr():
            return _is_test(statement.left) and _is_test(statement.right)
        case Simple():
            first = statement.words[0].parts[0] if statement.words and statement.words[0].parts else None
            return getattr(first, "text", "") in {"test", "grep", "command", "which", "type"}
    return False


def _asks_for_failure(condition: Block) -> bool:
    """``if ! command``: the body runs after a failure."""
    last = condition.statements[-1] if condition.statements else None
    return isinstance(last, Not) and not _is_test(last)


def _asks_for_success(condition: Block) -> bool:
    last = condition.statements[-1] if condition.statements else None
    return last is not None and not isinstance(last, Not) and not _is_test(last)


def _last_leaves(body: Block) -> bool:
    return bool(body.statements) and leaves(body.statements[-1], {})


def _runs_something(statement: Simple) -> bool:
    """Whether an assignment's status is that of a command in it."""
    words = [each.value for each in statement.assignments if each.value is not None]
    return any(isinstance(part, Substitution) for word in words for part in word.parts)


def _flags(words: Sequence[Possible]) -> Iterator[str]:
    takes_value = False
    for word in words:
        if not isinstance(word, str) or not (word.startswith(("-", "+")) or takes_value):
            return
        yield word
        takes_value = bool(re.fullmatch(r"[-+][a-z]*o", word)) and not takes_value


def _has_flag(flags: Sequence[str], letter: str) -> bool:
    return any(re.fullmatch(r"-[a-zA-Z]+", flag) and letter in flag for flag in flags) or (
        letter == "e" and "errexit" in flags
    )
