"""Commands of a script that is gone through with one of them failing: what they print, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Certain, yes_if
from checker.model.pipeline.handling import Handling, Stream
from checker.model.pipeline.scripts import Command, Write
from checker.model.pipeline.shell import Block, Opaque, Script, Simple, Substitution, Word
from checker.model.possible import Possible, joined, open_text, shown
from checker.model.sources import Spot, brief
from checker.model.values import Text, as_count
from checker.resolve.shell.builtins import BUILTINS
from checker.resolve.shell.dialects.patterns import compared
from checker.resolve.shell.files.told import coming_in
from checker.resolve.shell.printing import found_in, output_of
from checker.resolve.shell.process import Asked, EndlessError, Shell
from checker.resolve.shell.rehearsal.acts import Act, act_of, acts
from checker.resolve.shell.rehearsal.arithmetic import calculated, let, with_numbers
from checker.resolve.shell.rehearsal.choices import (
    Choices,
    TooMuchError,
    answer_of,
    denied,
    is_asked,
    is_same,
    own_words,
    picked_by_jq,
)
from checker.resolve.shell.rehearsal.clock import Clock, span
from checker.resolve.shell.rehearsal.files import Files, taken
from checker.resolve.shell.rehearsal.nothing import ends_on_nothing, fails_silently, passes_nothing
from checker.resolve.shell.rehearsal.traps import (
    EXIT,
    LEAVING,
    inherits,
    killed,
    leave_no_trap,
    set_trap,
    signal_to_itself,
    trap_text,
)
from checker.resolve.shell.starting import fed_by
from checker.resolve.shell.state import Context, Failing, Fed, Flow, Result, State, ends_with
from checker.resolve.shell.waiting import WAITER_SECONDS
from checker.resolve.shell.words import decide

MAX_STATEMENTS: Final = 6_000
MAX_ROUNDS: Final = 400
MAX_WAITING_STATEMENTS: Final = 30_000
MAX_WAITING_ROUNDS: Final = 5_000
# AWS CLI User Guide, "Return codes": a waiter that gives up, and a request that the service refuses.
_FAILED: Final = "255"
_REFUSED: Final = "254"
_QUIET: Final = lazy_re.compile(r"-[a-zA-Z]*q[a-zA-Z]*")


class Rehearsed(Struct):
    """The manner of one way through a script with a command failing. A process keeps its last status in ``$?``."""

    failing: Failing
    met: bool = False
    choices: Choices = field(default_factory=lambda: Choices([]))
    told: int | None = None  # where the script keeps what the failing command says, how much had been asked by then
    jobs: dict[str, str] = field(default_factory=dict)
    substituted: str = "0"  # the status of the last substitution, where that is the command's
    _inside: str = "0"  # the same, wherever it stands
    _failed: bool = False
    _said: list[int] = field(default_factory=list)  # after how many commands the failing one spoke
    _made: list[Command] = field(default_factory=list)
    _spoke: bool = False  # the command that is asked about prints what is given
    _captures: int = 0
    files: Files = field(default_factory=Files)
    clock: Clock = field(default_factory=Clock)
    endless: bool = False
    words: tuple[str, ...] = ()  # of the command that is asked about, as they are on this way
    failures: int = 0  # how often the command has failed so far
    later: list[Command] = field(default_factory=list)  # those that are made once it was met
    trapped_later: list[Command] = field(default_factory=list)  # those of them that a trap runs
    picked: dict[int, tuple[str, Command]] = field(default_factory=dict)  # what a command of jq prints, by its id
    traps: dict[str, Spot] = field(default_factory=dict)  # where what a trap runs was given to it

    @property
    def nothing(self) -> Result:
        """With success."""
        return Result(Flow.NEXT, YES)

    # --- processes --------------------------------------------------------------------------------------------------

    def process(self, shell: Shell, block: Block, state: State, context: Context) -> bool:
        """Whether a process of its own ends with success."""
        leave_no_trap(state)
        state.set("?", "0")
        if "SECONDS" not in state.variables:
            self.clock.begin(state)
        with shell.inside(*Flow):
            shell.block(block, state, context)
            self.trapped(shell, EXIT, state, context)
        return state.variables["?"] == "0"

    def trapped(self, shell: Shell, name: str, state: State, context: Context) -> bool:
        """Run what a trap holds; whether it ended the script. The status stays as it was where it does not."""
        text = state.variables.pop(name, None)
        if not isinstance(text, str):
            return False
        before = state.variables.get("?", "0")
        state.variables.update({LEAVING: before} if name == EXIT else {})
        kept = state.script
        state.script = trap_text(shell, text, self.traps.get(text) or state.script.spot(0))
        begun = len(self.later)
        result = shell.block(state.script.body, state, context)
        self.trapped_later += self.later[begun:]
        state.script = kept
        if result.flow is Flow.EXIT:
            return True
        state.set("?", before)
        if name != EXIT:
            state.set(name, text)
        return False

    # --- words ------------------------------------------------------------------------------------------------------

    def captured(
        self,
        shell: Shell,
        substitution: Substitution,
        state: State,
        context: Context,
        *,
        name: str,  # noqa: ARG002 - who only rehearses needs no name for it
        lost: bool,
    ) -> Possible:
        """What is printed on this way."""
        fork = state.fork()
        fork.errexit = inherits(state, context)
        begun = len(shell.commands)
        to, mistakes = Stream.SHOWN, context.handling.apart
        handling = replace(context.handling, stdout=to, stderr=mistakes, tested="", inside=True)
        self._said, self._spoke, self._made = [], False, shell.commands
        self.process(shell, substitution.body, fork, replace(context, handling=handling, writes=()))
        made = list(enumerate(shell.commands[begun:], begun))
        del shell.commands[begun:]
        self._inside = status_of(fork)
        self.substituted = "0" if lost else self._inside
        printed = [(at, each) for at, each in made if each.handling.stdout in {Stream.SHOWN, Stream.MERGED}]
        if self._spoke and len(printed) == 1 and (said := answer_of(printed[0][1], self.failing)) is not None:
            return said.rstrip("\n")
        texts = [
            *((at, self._printed(command)) for at, command in printed),
            *((at - 0.5, denied(self.failing)) for at in self._said),
        ]
        values = [value for _, value in sorted(texts, key=itemgetter(0))]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            self._captures += 1
            return open_text(brief(substitution.source, 200), str(state.script.file), self._captures)
        return joined([part for each in known for part in (each, "\n")][:-1]) if known else ""

    def _printed(self, command: Command) -> Possible | None:
        words = command.words
        numbers = [number for each in words[1:] if (number := as_count(each)) is not None]
        if command.program == "seq" and 0 < len(numbers) < 3 and len(numbers) == len(words) - 1:
            first, last = (numbers[0], numbers[1]) if len(numbers) > 1 else (1, numbers[0])
            return " ".join(str(number) for number in range(first, min(last, first + MAX_WAITING_ROUNDS) + 1))
        if command.program == "jobs" and "-p" in words:
            return " ".join(self.jobs)
        if words and (told := self.clock.printed(words)) is not None:
            return told
        kept = self.files.printed(words, command.writes) if words else None
        if kept is None and (made := self.picked.get(id(command))) is not None:
            return made[0]
        return kept if kept is not None else output_of(command)

    def fed(self, shell: Shell, block: Block, state: State, context: Context) -> None:
        """A process of its own, whose failure is told by what comes in from it."""
        self._failed = False
        self.process(shell, block, state.fork(), context)

    def number(self, word: Word, state: State) -> int | None:
        """The value of ``$(( ))``, where the word is nothing else."""
        part = word.parts[0] if len(word.parts) == 1 else None
        if not isinstance(part, Opaque) or not part.source.startswith("$(("):
            return None
        return calculated(self.clock.told(part.source.removeprefix("$((").removesuffix("))")), state)

    # --- commands ---------------------------------------------------------------------------------------------------

    def builtin(
        self, shell: Shell, name: str, words: list[Possible], statement: Simple, state: State, context: Context
    ) -> Result | None:
        """With its status, which decides where the script goes on."""
        fed = state.fed if not any(each.operator.startswith("<") for each in context.writes) else None
        silent = fed is not None and fed.text == "" and fails_silently(self.failing.words)
        if silent and (status := ends_on_nothing(words, shell.reached)) is not None:
            return ends_with(status, state)
        match name:
            case "exit":
                # `exit $(command)`, where that fails and prints nothing: with its status.
                inside = len(words) < 2 <= len(statement.words)
                state.set("?", self._inside if inside else _given(words, state))
                return Result(Flow.EXIT)
            case "return":
                status = _given(words, state)
                state.set("?", status)
                return shell.leave(Flow.RETURN, state, yes_if(status == "0"))
            case "trap":
                return set_trap(words, state, state.script.spot(statement.line), self.traps)
            case "wait":
                return ends_with(self._waited(words[1:]), state)
            case "let":
                return Result(Flow.NEXT, let(list(map(shown, words[1:])), state))
            case "kill" if signal := signal_to_itself(words):
                return killed(signal, state, lambda name: self.trapped(shell, name, state, context))
            case "test" if (given := with_numbers(self.files.decided(words[1:]), state)) != words[1:]:
                answer = decide(compared(given))
                return ends_with("0" if answer is YES else "1", state) if isinstance(answer, Certain) else None
            case "sleep":
                spans = [span(word) for word in words[1:]]
                known = [each for each in spans if each is not None]
                self.clock.passes(sum(known) if len(known) == len(spans) else None, state)
            case "touch":
                self.files.touch(words)
            case "rm":
                self.files.remove(words)
            case "tee":
                self.files.tee(words, state.fed.text if state.fed else None)
            case "read" if (line := self._next(statement, context)) is not None:
                return ends_with(taken(words, line, state), state)
            case "mapfile" | "readarray":
                self._listed(words, statement, state)
                return Result(Flow.NEXT, YES)
            case "grep" | "egrep" | "fgrep" if (
                found := self._found(shell, words, statement, state, context)
            ) is not None:
                return ends_with("0" if found else "1", state)
            case "read" if self._failed and _reads_process(statement):
                for word in words[1:]:
                    if isinstance(word, str) and word.isidentifier():
                        state.set(word, "")
                return ends_with("1", state)
        builtin = BUILTINS.get(name)
        return builtin(Asked(shell, words, statement, state, context)) if builtin is not None else None

    def _found(
        self, shell: Shell, words: list[Possible], statement: Simple, state: State, context: Context
    ) -> bool | None:
        """Whether ``grep`` finds something in what the failing command said; ``None`` where it looks elsewhere."""
        taken_on = context.handling.piped or context.handling.inside
        if taken_on and not any(_QUIET.fullmatch(shown(each)) for each in words):
            return None
        if (found := self.files.found(words)) is not None:
            return found
        here = next((each.target for each in statement.redirects if each.operator == "<<<"), None)
        text = shell.single(here, state, context) if here is not None else state.fed.text if state.fed else None
        if not isinstance(text, str | Text) or not text:
            return None
        asked = self.failing.waits or self.failing.names or self.failing.words[:1] == ("curl",)  # a page is told whole
        told = (asked and text == self.failing.says) or denied(self.failing) in str(text)
        return found_in(text, words) if told else None

    def _next(self, statement: Simple, context: Context) -> tuple[str] | tuple[()] | None:
        """The next line that ``read`` gets from a file that is known."""
        own = [each for each in context.writes if each.operator == "<"][-1:] if statement.redirects else []
        return self.files.next_line(context.writes, own)

    def _waited(self, words: list[Possible]) -> str:
        """The status of ``wait``: that of the last process it names, 0 where it names none."""
        if "-n" in words:
            name = next(iter(self.jobs), None)
            return self.jobs.pop(name) if name is not None else "127"
        names = [word for word in words if not (isinstance(word, str) and word.startswith("-"))]
        status = "0"
        for word in names:
            if isinstance(word, str) and word.startswith("%") and (number := as_count(word[1:])) is not None:
                listed = list(self.jobs.values())
                status = listed[number - 1] if 0 < number <= len(listed) else "127"
            elif isinstance(word, str):
                status = self.jobs.get(word, "127")
            else:
                raise TooMuchError
        return status

    def _listed(self, words: list[Possible], statement: Simple, state: State) -> None:
        """``mapfile names < <(command)``: no element where the command printed nothing."""
        name = next((word for word in reversed(words[1:]) if isinstance(word, str) and word.isidentifier()), "MAPFILE")
        fed = any(isinstance(part, Opaque) and part.inner for each in statement.redirects for part in each.target.parts)
        empty = fed and self._failed
        state.set(name, () if empty else (open_text(f"${{{name}}}", state.script.file),))

    def after_started(self, results: Sequence[Result], state: State, *, told: bool) -> Result | None:
        """With a failure where one of them failed, unless the program goes on without a word."""
        return ends_with("1" if told else "0", state) if any(each.truth is NO for each in results) else None

    def opened(self, writes: Sequence[Write]) -> None:
        """Files are emptied."""
        self.files.opened(writes)

    def wrote(self, command: Command, state: State) -> None:
        """What it prints into files is kept."""
        self.later += [command] if self.met else []
        if (made := picked_by_jq(command, coming_in(command, state.fed), self.failing)) is not None:
            self.picked[id(command)] = (made, command)
        self.clock.passes(1.0 if self.failing.ticks and command.program == "aws" else 0.0, state)
        if state.written is not None:
            state.written.note(command, state.fed)
        if command.writes and command.program not in {"exit", "return"}:
            self.files.wrote(command.writes, self._printed(command))

    def handling(
        self,
        handling: Handling,
        words: Sequence[Possible],
        spot: Spot,
        writes: Sequence[Write],
        script: Script,  # noqa: ARG002 - it is gone through
    ) -> Handling | None:
        """As it is, but for the command that is taken to fail."""
        self._failed = False
        given = tuple(shown(word) for word in words)
        here = spot == self.failing.spot
        if (self.met or here) and is_same(given, self.failing.words, here=here):
            self.met = True
            self.words = own_words(given)
            if self.failing.hangs:
                raise EndlessError
            again = self.failing.once and self.failures > 0
            self._failed = not self.failing.works and not again and not (self.failing.waits and self.failing.says)
            if self.failing.waits and not self.failing.says:
                self.clock.passes(WAITER_SECONDS)
            self._spoke = bool(self.failing.says)
            if self._failed:
                self.failures += 1
                self.files.wrote(writes, "", denied(self.failing))
            if self._failed and handling.stderr in {Stream.MERGED, Stream.FILE}:
                self.told = len(self.choices.given) if self.told is None else self.told
                self._said.append(len(self._made))
        return None if self._failed else handling

    def passed_on(self, commands: Sequence[Command], before: State, failures: int) -> Fed:
        """What the next command of a pipe gets, where ``failures`` had been when this one began."""
        shown_ones = [each for each in commands if each.handling.stdout in {Stream.SHOWN, Stream.MERGED}]
        if self.failures > failures and self._said:
            return Fed(text=denied(self.failing)) if not shown_ones else Fed()
        if self.failures > failures and not shown_ones:
            return Fed(text="")
        if len(shown_ones) == 1 and self._spoke and is_asked(shown_ones[0], self.failing):
            return Fed(text=self.failing.says)
        if len(shown_ones) == 1 and shown_ones[0].program == "tee":
            return before.fed or Fed()
        if before.fed is not None and before.fed.text == "" and all(passes_nothing(each.words) for each in shown_ones):
            return before.fed
        return fed_by(shown_ones, before)

    def begun(self) -> float:
        """How late it is."""
        return self.clock.gone

    def cut(self, begun: float, limit: Possible, *, endless: bool) -> bool:
        """Whether ``timeout`` ends what was begun then."""
        seconds = span(limit)
        if endless:
            self.clock.passes(None if seconds is None else begun + seconds - self.clock.gone)
            return True
        return self.clock.cut(begun, seconds)

    def acts(self, commands: Sequence[Command]) -> frozenset[Act]:
        """What these do that another command, step or person will see."""
        return frozenset(act_of(each) for each in commands if acts(each))

    def ended(self, words: list[Possible], state: State, truth: Answer) -> Result:  # noqa: ARG002
        """With success, or as the command that fails."""
        asks = self.words[:1] == ("aws",) and "s3" not in self.words[1:2] and "wait" not in self.words[:4]
        return ends_with(_REFUSED if asks else _FAILED, state) if self._failed else Result(Flow.NEXT, truth)


def _reads_process(statement: Simple) -> bool:
    """``read x < <(command)``: nothing comes in. The text of a here-document or a here-string ends with a line."""
    inputs = (each.target for each in statement.redirects if each.operator == "<")
    return any(isinstance(part, Opaque | Substitution) for target in inputs for part in target.parts)


def status_of(state: State) -> str:
    return str(state.variables.get("?", "0"))


def _given(words: list[Possible], state: State) -> str:
    """The status that ``exit`` and ``return`` are given."""
    if len(words) < 2:
        return str(state.variables.get(LEAVING, status_of(state)) if words[0] == "exit" else status_of(state))
    if not isinstance(given := words[1], str):
        raise TooMuchError
    # POSIX, "exit": of a number, what fits into eight bits.
    return str(int(given) % 256) if given.removeprefix("-").isdecimal() and len(given) < 20 else given
