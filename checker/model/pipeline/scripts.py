"""What the pipeline's scripts do: commands in order, and of them the AWS and CDK calls, each with its error handling.

Overview. Following a job's steps through run blocks, shell scripts and Python code gives a :class:`Trace`
(:func:`checker.resolve.trace.tracer.trace_job`). In it, in the order in which they run:

- ``commands``: every :class:`Command` of a shell, with its words as far as they are known;
- ``aws``: every :class:`AwsCall`, of the AWS CLI and of boto3 alike;
- ``cdk``: every :class:`CdkCommand`;
- ``outputs``: what steps write to ``$GITHUB_OUTPUT``.

Each tells where it stands (``spot``), through which calls it was reached (``via``), whether it runs for certain on the
way on which all goes well (``certain``), in which :class:`Loop`, and how its failure is taken (:class:`Handling`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct, field

from checker.model.answers import YES
from checker.model.judgements import Judgeable
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.jobs import Credentials, EffectiveJob, EffectiveStep
from checker.model.possible import Nested, Possible, Scalar, options, shown
from checker.model.secrets.commands import words_to_show
from checker.model.sources import Problem, Spot, brief
from checker.model.values import ABSENT, Absent, CallPlace, Unknown
from checker.model.verdicts import Location, Subject, SubjectKind, Surface


class Loop(Struct, frozen=True):
    """A loop around a command. ``values`` are all the values of a list's loop in order, ``None`` where unknown.

    ``kind``: ``each`` (once per value, for different things), ``retry`` (until it works or tries are used up),
    ``while``. ``index``: the position of this command's value in an ``each``. ``attempts``: a retry's bound where that
    is a number; ``bounded``: whether it surely ends although what it waits for never comes, after so many ``seconds``
    where its code tells; ``by_library``: whether a decorator makes it.
    """

    kind: str
    spot: Spot
    variable: str = ""
    values: tuple[Possible, ...] | None = None
    index: int | None = None
    attempts: int | None = None
    sleeps: bool = False
    bounded: bool = True
    seconds: float | None = None
    by_library: bool = False


class Reached(NamedTuple):
    """How execution came to a place: ``via`` are the calls (step, script, function) on the way, outermost first.

    A named tuple: one is made for every call that is followed, in a fifth of the time that a frozen dataclass takes.
    """

    spot: Spot
    via: tuple[Spot, ...] = ()
    step: EffectiveStep | None = None
    certain: bool = True  # whether it runs for sure, in a run of its step
    on_failure: bool = False  # only runs after something failed
    loops: tuple[Loop, ...] = ()
    trap: bool = False  # what a `trap` runs, wherever in the script the failure is

    @property
    def way(self) -> tuple[Spot, ...]:
        """The calls on the way, and the place: that of a function that calls whatever it is given is one for all."""
        return (*self.via, self.spot)

    def leads_to(self, other: Reached) -> bool:
        """Whether what stands here starts what stands there, by more than the place: a shell's own line counts anew."""
        return other.via[: len(self.via) + 1] == self.way

    def behind(self) -> Reached:
        """Where that is reached which stands in what is started here."""
        return self._replace(via=self.way)

    def at(self, spot: Spot) -> Reached:
        """The same constructs around another place."""
        return Reached(spot, self.via, self.step, self.certain, self.on_failure, self.loops, self.trap)

    @property
    def loop(self) -> Loop | None:
        """The innermost loop."""
        return self.loops[-1] if self.loops else None


class _ScriptPlace(Judgeable):
    """What commands and calls have in common as subjects of a judgement; each says how it is ``spelled``, briefly.

    No abstract base class: rules ask of every action which of the three it is, and that would take twice as long.
    """

    __slots__ = ()
    reached: Reached

    if TYPE_CHECKING:

        @property
        def spelled(self) -> str: ...

    @property
    def spot(self) -> Spot:
        return self.reached.spot

    @property
    def step(self) -> EffectiveStep | None:
        return self.reached.step

    @property
    def job(self) -> EffectiveJob | None:
        return self.reached.step.job if self.reached.step else None

    @property
    def certain(self) -> bool:
        """Whether it runs for sure: its job does, and so does what it stands in."""
        return self.certain_in_job and (self.job is None or self.job.runs is YES)

    @property
    def certain_in_job(self) -> bool:
        """Whether it runs for sure in each run of its job."""
        step = self.reached.step
        return self.reached.certain and (step is None or step.runs is YES)

    @property
    def loop(self) -> Loop | None:
        return self.reached.loop

    @property
    def surface(self) -> Surface:
        return Surface.WORKFLOW if self.spot.file.startswith(".github/workflows/") else Surface.SCRIPT

    @property
    def environment_name(self) -> str:
        return self.job.environment_name if self.job else ""

    @property
    def subject(self) -> Subject:
        job = f"{self.job.name}: " if self.job else ""
        return Subject(SubjectKind.SCRIPT_LINE, f"{job}{self.spot.file}: {self.spelled}")

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - a line is exact enough
        return Location(self.spot.file, self.spot.line, path or None)


class Write(Struct, frozen=True):
    """A redirection of a command: what is written where."""

    descriptor: int
    operator: str
    target: Possible
    line: int = -1  # of the script's text, where that says it


class Command(_ScriptPlace, Struct, frozen=True, eq=False, dict=True):
    """A command of a shell after expansion. ``words[0]`` is the program; functions and followed scripts are not listed.

    ``exit`` and ``return`` are among them. So are Python's ways of doing the same: ``raise`` and ``sys.exit`` are
    ``exit 1``, a request over HTTP is HTTPie's ``http METHOD URL``.

    ``environment`` is what it is given in front (``X=1 cmd``), ``exported`` what its shell hands to what it may start;
    ``folder`` the folder it runs in, relative to the repository's root, ``None`` where that is not known; ``source``
    how it is written; ``entered`` whether what it runs stands behind it in the trace (a task of a Makefile).
    """

    words: tuple[Possible, ...]
    reached: Reached
    handling: Handling
    source: str = ""
    folder: str | None = ""
    environment: Mapping[str, Possible] = field(default_factory=dict)
    writes: tuple[Write, ...] = ()
    entered: bool = False
    exported: Mapping[str, Possible] = field(default_factory=dict)
    away: str = ""  # the folder outside of the repository that it runs in, as it is written

    @property
    def handed(self) -> Mapping[str, Possible]:
        """What a program that it starts finds in its environment."""
        return {**self.exported, **self.environment}

    @cached_property  # asked by nearly every rule, of every command
    def program(self) -> str:
        """The program's name without its folder, empty where it is not known."""
        first = self.words[0] if self.words else ""
        return first.rsplit("/", 1)[-1] if isinstance(first, str) else ""

    @property
    def only_ends(self) -> bool:
        """Whether it ends the script, or a program where that raises, and does nothing else."""
        return bool(self.words) and self.words[0] in ("exit", "return") and not self.writes

    @property
    def spelled(self) -> str:
        return brief(" ".join(words_to_show(self.words[:4])[:3]) or "a command", 80)

    def text(self) -> str:
        """All words as one line, holes as they are written. May hold secrets that were written out: do not print."""
        return " ".join(shown(word) for word in self.words)


CACHE: Final = "cache"  # an argument of a push of an image: it is a build's cache, which nothing runs


class How(StrEnum):
    """How an AWS call is made."""

    CLI = "cli"
    CLI_WAITER = "cli-waiter"  # `aws ecs wait ...`
    CLI_CUSTOM = "cli-custom"  # a command of the CLI that is no operation: `aws s3 sync`
    SDK = "sdk"
    SDK_WAITER = "sdk-waiter"
    SDK_PAGINATOR = "sdk-paginator"
    SDK_CUSTOM = "sdk-custom"  # a method of boto3's own: upload_file, generate_presigned_url


# An argument: a value, or several (`--services api web`), or a nested structure of boto3's.
Argument: TypeAlias = Nested


@lru_cache(maxsize=1 << 14)  # few spellings, asked for ten thousands of times
def plain_name(name: str) -> str:
    """``--task-definition``, ``taskDefinition`` and ``TaskDefinition`` are one argument."""
    return name.lstrip("-").replace("-", "").replace("_", "").lower()


class AwsCall(_ScriptPlace, Struct, frozen=True, eq=False):
    """One call of an AWS API. ``service`` is botocore's name (``ecs``, ``elbv2``), ``operation`` the API's
    (``UpdateService``); for a custom command its own name (``sync``), for a waiter the operation that it polls, with
    the waiter's name in ``waiter``. An operation that no table knows keeps its spelling.

    ``complete`` is false where some arguments could not be told (``"$@"``, ``**kwargs``). ``keys_of`` is the call whose
    answer holds the keys that it is made with, where the code hands them over itself. ``unless``: of a task definition
    that a program registers, the conditions that decide whether it does, as they are written.
    """

    service: str
    operation: str
    how: How
    arguments: Mapping[str, Argument]
    reached: Reached
    handling: Handling
    source: str = ""
    waiter: str = ""
    region: Possible | Absent = field(default_factory=Absent)
    profile: Possible | Absent = field(default_factory=Absent)
    complete: bool = True
    credentials: Credentials | None = None
    keys_of: CallPlace | None = None
    key: Possible | Absent = field(default_factory=Absent)  # the access key that code gives its client itself
    unless: tuple[str, ...] = ()
    folder: str | None = None  # where it runs, relative to the repository's root; None where that is not known
    set_before: Mapping[str, Possible] = field(default_factory=dict)  # AWS_ROLE_ARN ..., by the code itself

    def is_behind(self, answer: CallPlace) -> bool:
        """Whether an answer is this call's."""
        at_place = (self.spot.file, self.spot.line) == (answer.file, answer.line)
        same_way = self.reached.via[len(self.reached.via) - len(answer.via) :] == answer.via  # its end, in a program
        return at_place and same_way and plain_name(self.operation) == plain_name(answer.operation)

    @property
    def spelled(self) -> str:
        return brief(f"{self.service} {self.waiter or self.operation}", 80)

    @property
    def asks_state(self) -> bool:
        """Whether its answer tells how something is, and not whether it worked."""
        return self.operation.startswith("Describe") and not self.waiter

    def argument(self, name: str) -> Argument | Absent:
        """An argument by its API name in any spelling; positional ones of custom commands are ``"0"``, ``"1"``."""
        return self.arguments.get(plain_name(name), ABSENT)

    def text(self, name: str) -> Possible | Absent:
        """An argument that is one value: itself, or the only one of a list. Anything nested is unknown."""
        value = self.argument(name)
        if isinstance(value, str):  # by far the most
            return value
        if isinstance(value, tuple) and len(value) == 1:
            value = value[0]
        if isinstance(value, tuple | Mapping):
            return Unknown(f"{name} is not a single value")
        return value

    def texts(self, name: str) -> tuple[Scalar, ...] | None:
        """Everything that an argument of one or several values can be; empty where not given, ``None`` if unknown."""
        value = self.argument(name)
        if isinstance(value, Absent):
            return ()
        if isinstance(value, str):
            return (value,)
        found: list[Scalar] = []
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, tuple | Mapping):
                return None
            choices = options(each)
            if choices is None:
                return None
            found.extend(choices)
        return tuple(found)


class CdkCommand(_ScriptPlace, Struct, frozen=True, eq=False):
    """A run of the CDK's command. ``name`` is ``deploy``, ``synth``, ``diff``, ``destroy``, ``bootstrap`` ...

    ``stacks`` are the selectors as given (``--all`` gives ``*``); ``context`` what ``--context`` sets; ``options`` all
    other options by name without dashes, ``True`` for flags.
    """

    name: str
    stacks: tuple[Possible, ...]
    context: Mapping[str, Possible]
    options: Mapping[str, Possible]
    reached: Reached
    handling: Handling
    command: Command
    credentials: Credentials | None = None
    environment: Mapping[str, Possible] = field(default_factory=dict)  # what the app sees, the runner's own left out

    @property
    def spelled(self) -> str:
        return brief(f"cdk {self.name}", 80)

    @property
    def folder(self) -> str | None:
        """Where it runs: the folder of its ``cdk.json``."""
        return self.command.folder


class Output(Struct, frozen=True):
    """``echo "name=value" >> "$GITHUB_OUTPUT"`` (or ``GITHUB_ENV``: then ``step`` is empty)."""

    step: str
    name: str
    value: Possible
    spot: Spot
    certain: bool = True  # whether it is surely written, as far as its script goes


class Change(Struct, frozen=True):
    """A file that a job has changed: its path below the repository, or a whole one; with a slash at its end a folder of
    which any file may be another by now.

    ``text`` is what it holds since; where that is not known, ``edits`` may be: values put at places of what ``of`` held
    (that file itself where it is changed in its place), ``None`` as a value where the place is taken away. Neither of
    them known, it may hold anything. ``by`` is the command, or the step's action.
    """

    path: Possible
    by: Command | EffectiveStep
    text: Possible | None = None
    of: str = ""
    edits: tuple[tuple[tuple[str | int, ...], Possible], ...] | None = None
    own: bool = False  # whether the repository has a file there

    @property
    def told(self) -> str:
        """Who changed it, and where."""
        if not isinstance(by := self.by, Command):
            return f"{by.step.label} ({by.spot})"
        verb = by.program if by.program in {"jq", "yq", "sed"} else by.spelled  # behind those stand names and filters
        return f"`{verb}` ({by.spot})"


class Gap(Struct, frozen=True):
    """What a job's ``step`` does with something to act with in its hands, and nobody read. ``logged_in``: whether the
    job had taken on a role by then, as far as that was seen; where not, what was not read may have done it."""

    problem: Problem
    logged_in: bool
    step: EffectiveStep | None = None


class Trace(Struct, frozen=True):
    """What one job (or one script by itself) does, in order. ``problems`` are what could not be followed, ``gaps``
    those of them that could concern an environment."""

    commands: tuple[Command, ...] = ()
    aws: tuple[AwsCall, ...] = ()
    cdk: tuple[CdkCommand, ...] = ()
    outputs: tuple[Output, ...] = ()
    problems: tuple[Problem, ...] = ()
    actions: tuple[Command | AwsCall | CdkCommand, ...] = ()  # all in one order: what comes before what
    gaps: tuple[Gap, ...] = ()
    sessions: tuple[Credentials, ...] = ()  # roles that scripts take on by themselves
    failing: tuple[EffectiveStep, ...] = ()  # the steps that surely end with a failure
    changes: tuple[Change, ...] = ()  # files that the job changes, in order
    javascript: tuple[tuple[Command, str], ...] = ()  # programs for Node.js that are not followed, with their code
    calculated: tuple[Command, ...] = ()  # what shells calculate of values that are not known, behind the first word
    elsewhere: tuple[tuple[tuple[Spot, ...], str], ...] = ()  # calls of emulators, other vendors: their way, the host

    @property
    def complete(self) -> bool:
        """Whether everything was followed: what is not in a trace that is incomplete may still happen."""
        return not any(problem.unread for problem in self.problems)
