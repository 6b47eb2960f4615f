"""What one job has done so far: commands taken for what they are, Python programs entered, outputs noted."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.answers import YES
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.holding import ever_holds
from checker.model.pipeline.jobs import WORKSPACE, Credentials, EffectiveJob, EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Output, Reached, Trace
from checker.model.pipeline.shell import Block, Script
from checker.model.pipeline.within import WHOLE_STEP
from checker.model.possible import Possible, open_text
from checker.model.sources import Problem, Spot, brief
from checker.resolve.effort import RECORDING, STARTING, TASK
from checker.resolve.shell.dialects.own_shells import as_bash
from checker.resolve.shell.dialects.plain_sh import dialect, sh_of
from checker.resolve.shell.files.overlaid import Overlaid
from checker.resolve.shell.files.written import Written
from checker.resolve.shell.follower import MAX_STATEMENTS, Follower
from checker.resolve.shell.handed.asking import settings_kept
from checker.resolve.shell.printing import UNTOLD, Unfinished, outputs_of
from checker.resolve.shell.starting import line_of, starts_script
from checker.resolve.shell.state import State
from checker.resolve.shell.variables.exported import hand_on, of_the_app, without_keys
from checker.resolve.shell.variables.scopes import NOUNSET
from checker.resolve.shell.variables.standing import begin
from checker.resolve.shell.variables.startup import NAME, begun_with, exported_alone, loading_others, unseen
from checker.resolve.tasks import compose
from checker.resolve.tasks.lines import states_of
from checker.resolve.tasks.recipes import Line, Tasks, plain
from checker.resolve.tasks.runners import is_other_runner, runs_tasks, tasks_of
from checker.resolve.trace.assuming.over_http import asked_over_http
from checker.resolve.trace.assuming.sessions import Sessions
from checker.resolve.trace.builds import starts_programs
from checker.resolve.trace.commands.aws_cli import each_operation, parse_cli, with_input_read
from checker.resolve.trace.commands.aws_settings import started_by_settings
from checker.resolve.trace.commands.brought_in import BroughtIn
from checker.resolve.trace.commands.cdk_cli import cdk_script, parse_cdk
from checker.resolve.trace.commands.foreign import FIX, image_command, is_shell, not_read, unread, unread_script
from checker.resolve.trace.commands.images_pushed import pushes
from checker.resolve.trace.commands.loaded_first import TEST_RUNNERS, customized, is_own_program
from checker.resolve.trace.commands.own_commands import is_own, reads
from checker.resolve.trace.commands.python_cli import is_python
from checker.resolve.trace.commands.registry_clients import puts
from checker.resolve.trace.commands.remote import unread_remote
from checker.resolve.trace.commands.sam_cli import as_aws
from checker.resolve.trace.endpoints import at_aws
from checker.resolve.trace.javascript.database_programs import asks_a_database
from checker.resolve.trace.merging import each_option, merged
from checker.resolve.trace.other_tests import bats_programs, reaches_out
from checker.resolve.trace.programs import Programs, Scripts, started_by
from checker.resolve.trace.python_started import read_first, start_entry, start_python, start_tests
from checker.resolve.workflows.steps import is_hosted, is_sealed, shell_of, shell_options

_MAX_TASKS: Final = 20  # levels of tasks that run tasks
Action: TypeAlias = Command | AwsCall | CdkCommand


class Collected(Struct):
    """What one job has done so far."""

    library: Scripts
    programs: Programs
    job: EffectiveJob
    credentials: Credentials | None = None
    actions: list[Action] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    foreign: list[Problem] = field(default_factory=list)  # programs and actions that are neither followed nor harmless
    written: Written = field(default_factory=Written)
    logged_in: bool = False  # to a registry of Amazon ECR
    sessions: Sessions = field(default_factory=Sessions)
    built: list[Possible] = field(default_factory=list)  # names of images
    elsewhere: dict[tuple[tuple[Spot, ...], str], None] = field(default_factory=dict)  # see Trace
    calculated: list[Command] = field(default_factory=list)
    failed: bool = False  # whether the step that was followed last surely fails
    _exported: Mapping[str, Possible] = field(default_factory=dict)  # of the shell that is followed
    _brought: BroughtIn | None = None
    script: Script = Script("", Block())  # of the step
    _sealed: bool = False  # whether every variable that the step is given was seen
    _tasks: int = 0
    _begun: set[Possible] = field(default_factory=set)  # files that a bash of the job reads first, as they are named
    _unfinished: Unfinished = field(default_factory=Unfinished)  # a value that a step writes line by line

    @property
    def may_act(self) -> bool:
        """Whether the job holds something to act with, at some time."""
        return ever_holds(self.job)

    def trace(self) -> Trace:
        """All of it. What somebody else's programs do matters to jobs alone: see ``Tracer``."""
        return Trace(
            commands=tuple(each for each in self.actions if isinstance(each, Command)),
            aws=tuple(each for each in self.actions if isinstance(each, AwsCall)),
            cdk=tuple(each for each in self.actions if isinstance(each, CdkCommand)),
            outputs=tuple(each for each in self.outputs if each.name != UNTOLD),
            problems=tuple(dict.fromkeys((*self.problems, *self.job.problems))),
            calculated=tuple(self.calculated),
            actions=tuple(self.actions),
            sessions=tuple(self.sessions.found),
            elsewhere=tuple(self.elsewhere),
        )

    def record(self, found: Iterable[Action], given: Mapping[str, Possible] | None = None) -> None:
        """Put on record what a command or an action comes to. ``given``: a command's variables."""
        for action in found:
            each = action
            if not isinstance(each, Command):
                each = replace(each, credentials=self.sessions.acting(each, self.credentials, given))
            if isinstance(each, AwsCall) and each.operation in {"GetAuthorizationToken", "get-login-password"}:
                self.logged_in = self.logged_in or each.service.startswith("ecr")
            if isinstance(each, AwsCall) and (problem := unread_remote(each)) is not None:
                self.foreign.append(problem)
            self.actions.append(each)

    def complain(self, spot: Spot, message: str, fix: str) -> None:
        self.problems.append(Problem(spot, brief(message), fix))

    def step(
        self, step: EffectiveStep, reached: Reached, environment: Mapping[str, Possible], fill: object
    ) -> list[Output]:
        """Follow a ``run:`` step; what it writes to the job's outputs and environment."""
        assert step.run is not None and callable(fill)  # noqa: PT018
        self.sessions.begin(environment)
        start, self._unfinished = len(self.outputs), Unfinished()
        for name in loading_others(environment):
            self.complain(step.spot, f"the code that {name} names runs first, and was not followed", "Call it.")
        environment = {**environment, "GITHUB_WORKSPACE": WORKSPACE, "GITHUB_OUTPUT": open_text("${GITHUB_OUTPUT}")}
        if step.via:
            environment["GITHUB_ACTION_PATH"] = posixpath.join(WORKSPACE, step.via[-1])
        marks = {name: fill(value) for name, value in step.expressions.items()}
        folder = fill(step.working_directory)
        options, text, lines = as_bash(step, shell_options(step))
        self._sealed = is_sealed(step) and not hand_on(self.actions, self.library.text)
        if options is None:
            text = re.sub(r"__gha\d+__", lambda match: str(marks.get(match[0], match[0])), step.run.text)
            here = reached._replace(spot=Spot(step.spot.file, step.run.line(0)))
            where = State(Script("", Block())).path(folder) if folder else ""
            started = Command(("python", "-c", text), here, WHOLE_STEP, folder=where, exported=environment)
            self._other_shell(started, step, environment)
            return self.outputs[start:]
        script = self.script = self.library.shell_text(text, step.spot.file, lines)
        state = State(
            script,
            variables={**environment, **({NOUNSET: "1"} if "u" in options else {})},
            exported={*environment},
            errexit="e" in options,
            pipefail="p" in options,
            closed=is_hosted(step) and not any(each.name == UNTOLD for each in self.outputs),
            marks=marks,
            sealed=self._sealed,
            written=self.written,
            sh=sh_of(self.job.job),
        )
        state.dialect, state.folder = dialect(shell_of(step), state.sh), begin(state, folder)
        state.script = begun_with(script, state, self.library, step.spot, self.problems)
        self._begun.update({environment.get(NAME)} if not state.dialect else ())
        state.variables.update(settings_kept(each for each in self.actions if isinstance(each, Command)))
        self.failed = self.shell(state, reached) or self.failed
        return self.outputs[start:]

    def _other_shell(self, started: Command, step: EffectiveStep, environment: Mapping[str, Possible]) -> None:
        """A step that is no shell's: ``started`` is the program that runs it."""
        if step.shell.startswith("python"):
            self.actions.append(replace(started, entered=True))
            self.written.note(started, None)
            start_python(self, started, environment)
        elif step.run is not None:
            self.complain(step.run.spot, f"a script for {step.shell or 'PowerShell'} was not followed", "Use bash.")

    def shell(self, state: State, reached: Reached, whole: State | None = None, around: Handling | None = None) -> bool:
        """Follow a shell script, a part of the ``whole`` as it begins; whether it fails. ``around``: who starts it."""
        effort = self.programs.effort
        left = effort.at_most(MAX_STATEMENTS)
        follower = Follower(self.library, reached, left=left, allowance=effort.shells)
        follower.follow(state, whole)
        effort.spend(STARTING + left - follower.left + RECORDING * len(follower.commands))
        self.problems.extend(follower.problems)
        self.calculated.extend(follower.calculated)
        variables = {name: value for name, value in state.variables.items() if not isinstance(value, tuple)}
        self._exported = of_the_app({name: value for name, value in variables.items() if name in state.exported})
        made = follower.commands
        self.commands(made if around is None else [started_by(around, each) for each in made], without_keys(variables))
        return follower.fails

    def commands(self, commands: Iterable[Command], variables: Mapping[str, Possible]) -> None:
        for command in commands:
            self._command(command, variables)

    def _command(self, command: Command, variables: Mapping[str, Possible]) -> None:
        program = command.program
        if runs_tasks(program):
            self._runner(command, {**variables, **command.handed})
            self.outputs.extend(outputs_of(command, self._unfinished))
            return
        self.actions.append(command)
        self.sessions.note(command)
        if command.only_ends:
            return  # most commands of a program that is followed: each place where it may end
        if what := started_by_settings(command):
            self.foreign.append(not_read(command, f"{what} runs with what the job holds, and was not followed"))
        self._brought = self._brought or BroughtIn(self.library.is_file)
        self.foreign.extend(self._brought.unread(command, variables.get("PATH", ""), self.actions, self.job.steps))
        if program == "aws":
            self.aws_cli(command)
        elif program in {"sam", "rain"}:
            self._sam(command)
        elif program == "cdk":
            if (parsed := parse_cdk(command)) is not None:
                parsed = replace(parsed, environment={**self._exported, **of_the_app(command.handed)})
                self.record(at_aws([parsed], command.environment, self.elsewhere), command.handed)
        elif is_python(program):
            start_python(self, command, {**variables, **command.handed})
        elif program in {"docker", "podman", "nerdctl", "finch", "buildah", "docker-compose", "podman-compose"}:
            self._engine(command)
        elif program.endswith(".py"):
            path = State(Script("", Block()), folder=command.folder).path(command.words[0])
            if path is None or self.library.python(path) is None:
                self._unread(command)
            else:
                self.python(path, command.words[1:], command, {**variables, **command.handed})
        elif asks_a_database(command, self.library):
            pass
        elif is_other_runner(program):
            self._not_followed(command, " ".join(plain(command.words[1:2])))
        else:
            entry = self.library.entry_point(program) if program else None
            if self._put(command, variables):
                pass
            elif is_own(command, entry):
                self.record(reads(command), command.handed)
            elif entry is None or not start_entry(self, entry, command, {**variables, **command.handed}):
                environment = {**self._exported, **command.handed}
                read_first(self, command, customized(command, environment), environment)
                self._unread(command)
        known = Overlaid(self.library, self.written).known
        self.outputs.extend(outputs_of(command, self._unfinished, known))

    def _unread(self, command: Command, written: Command | None = None) -> None:
        if (first := unseen(command, self._begun)) is not None:
            exported = self._exported
            self._through_shell(first, first.handed)
            self._exported = exported
        if command.program in TEST_RUNNERS:
            start_tests(self, command, command.words[1:], {**self._exported, **command.handed})
        if self.may_act:
            self._other_tests(command)
        if (problem := unread(command, written, self.problems)) is not None:
            self.foreign.append(problem)

    def _other_tests(self, command: Command) -> None:
        """Tests in other languages, and builds: of bats their lines, of others that they reach out."""
        words, folder = command.words[1:], command.folder or ""
        for path, text in bats_programs(self.library, words, folder) if command.program == "bats" else ():
            self._line(Line(text, path, 1), folder, {**self._exported, **command.handed}, command)
        given = (self.library, command.program, words, folder)
        if file := reaches_out(*given) or starts_programs(*given):
            said = f"code that `{command.program}` runs reaches out ({file}), and was not followed"
            self.foreign.append(not_read(command, said))

    def _put(self, command: Command, variables: Mapping[str, Possible]) -> bool:
        """Whether a program puts images into a registry by itself, or asks STS: these are calls like any other."""
        seen = {**variables, **self._exported, **command.handed}
        found = puts(command, self.logged_in, seen, self.library.text)
        found = asked_over_http(command) if found is None else found
        if found is not None:
            self.record(found)
        return found is not None

    def _sam(self, command: Command) -> None:
        words, whole = as_aws(command.words, command.folder, self.library.text)
        if words:
            self.aws_cli(replace(command, words=words))
        None if whole else self._unread(command)

    def _engine(self, command: Command) -> None:
        """``docker`` and its kin: what they push, and what their images run."""
        found = compose.started(command.words, command.folder, self.library)
        if not found and command.program.endswith("-compose"):
            None if self._put(command, command.environment) else self._unread(command)
            return
        self.actions.pop()
        for words in found or (command.words,):
            each = replace(command, words=words)
            self.actions.append(each)
            if (inner := image_command(words)) is not None:
                self.aws_cli(replace(each, words=inner))
            elif not self._put(each, each.environment):
                self.record(pushes(each, self.logged_in, self.built))
                self._unread(each, command)

    def aws_cli(self, command: Command) -> None:
        for each in each_operation(command):
            parsed = parse_cli(with_input_read(each, Overlaid(self.library, self.written).known))
            if isinstance(parsed, str):
                self.complain(each.spot, f"an aws command was not understood: {parsed}", "Write it out.")
            elif parsed is not None:
                self.record(at_aws([parsed.made_by(each)], each.environment, self.elsewhere), each.handed)

    def python(
        self,
        path: str,
        words: tuple[Possible, ...] | None,
        started: Command,
        environment: Mapping[str, Possible],
        function: str = "",
    ) -> None:
        """Follow a Python program; programs that it starts are taken for what they are."""
        followed = self.programs.follow(path, words, environment, function, started)
        self.problems.extend(followed.problems)
        self.foreign.extend(followed.foreign)
        with self.sessions.given(started.handed):
            for call in followed.calls:
                self.of_program(call, environment)

    def of_program(self, call: Command | AwsCall, environment: Mapping[str, Possible]) -> None:
        if not isinstance(call, Command):
            self.record(at_aws([call], environment, self.elsewhere), {})
        elif starts_script(call) or is_own_program(call, {**environment, **call.handed}, self.written, self.library):
            self._through_shell(call, environment)
        else:
            if call.program != "exit":  # its end writes nothing
                self.written.note(call, None)
            self._command(call, environment)

    def _through_shell(self, call: Command, environment: Mapping[str, Possible]) -> None:
        """A shell or a script that a program starts: followed as the line of shell that it is."""
        self.actions.append(replace(call, entered=True))
        marks: dict[str, Possible] = {}
        numbers = (call.spot.line,) * ((text := line_of(call.words, marks)).count("\n") + 1)
        script, variables = self.library.shell_text(text, call.spot.file, numbers), {**environment, **call.environment}
        state, stops = State(script, {**variables}, {*variables}, folder=call.folder), call.handling.stops
        state.errexit, state.closed = stops, call.step is None or is_hosted(call.step)
        state.marks, state.written, state.sh = marks, self.written, sh_of(self.job.job)
        self.shell(state, call.reached.behind(), around=call.handling)

    def _runner(self, command: Command, environment: Mapping[str, Possible]) -> None:
        """Follow what a task runner's command comes to."""
        self.programs.effort.spend(TASK)
        start, runs, failed, each_fails = len(self.actions), [], self.failed, True
        for words in each_option(command.words):
            self.failed = False
            self._runner(replace(command, words=words), environment)
            each_fails = each_fails and self.failed  # any one of them may be what runs
            runs.append(self.actions[start:])
            del self.actions[start:]
        self.failed = failed or (bool(runs) and each_fails)
        if runs:
            self.actions.extend(merged(runs))
            return
        files = Overlaid(self.library, self.written)
        found = tasks_of(command, environment, files)
        self.problems.extend(files.changed(command.spot))
        if not isinstance(found, Tasks):
            self._command(replace(command, words=tuple(found)), environment)
            return
        cdk = cdk_script(command) if found.missing else None
        self.actions.append(replace(command, entered=not found.missing or cdk is not None))
        if cdk is not None:
            self.record([cdk], command.handed)
        elif found.missing or self._tasks >= _MAX_TASKS:
            self._not_followed(command, found.missing.partition(" ")[2])
        self._tasks += 1
        fails = False
        for line in found.lines if self._tasks <= _MAX_TASKS else ():
            fails = self._line(line, found.folder, environment, command) or fails
        self._tasks -= 1
        self.failed = self.failed or (fails and self.script.always(command.spot) and command.handling.ends is YES)

    def _not_followed(self, command: Command, target: str) -> None:
        fix = FIX if PurePosixPath(target.partition(" ")[0]).suffix else "Call the script itself."
        self.complain(command.spot, f"what `{command.program} {target}` runs was not followed", fix)

    def _line(self, line: Line, folder: str, environment: Mapping[str, Possible], by: Command) -> bool:
        """Follow one line of a task that a command runs: it fails as its last one does. Whether it surely fails."""
        numbers = tuple(line.line + index for index in range(line.text.count("\n") + 1))
        script = self.library.shell_text(line.text, line.file, numbers)
        if line.whole and not is_shell(script.shebang):
            self.foreign.append(unread_script(line.file, line.line, script.shebang))
            return False
        fails, at = False, folder if line.folder is None else line.folder
        around = replace(by.handling, beside=True) if line.beside else by.handling
        given = exported_alone(environment, by)

        def begun(text: Script, state: State) -> Script:
            return begun_with(text, state, self.library, by.spot, self.problems)

        for state, whole in states_of(line, script, at, given, begun, sh_of(self.job.job), sealed=self._sealed):
            state.written = whole.written = self.written
            fails = self.shell(state, by.reached.behind(), whole, around)
        return fails
