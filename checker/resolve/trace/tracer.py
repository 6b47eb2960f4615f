"""Traces: everything a job does, through run blocks, shell scripts and Python code, in the order in which it runs.

A :class:`Tracer` reads scripts through its library only when a job needs them, and traces each job once.
"""

from __future__ import annotations

import posixpath
from collections import ChainMap
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from checker.data.actions import BAKE
from checker.model.answers import NO, YES
from checker.model.pipeline.changes import held_among
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.holding import hands_over
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep, complete
from checker.model.pipeline.pipeline import Unfollowed
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Gap, Output, Reached, Trace
from checker.model.pipeline.shell import Script
from checker.model.possible import OneOf, Possible, is_known, joined, mapped, one_of, options, shown
from checker.model.sources import Problem, Spot
from checker.model.values import Hole, RunValue, Text
from checker.resolve.effort import Effort, SpentError
from checker.resolve.shell.files.overlaid import Overlaid
from checker.resolve.shell.files.written import Written
from checker.resolve.shell.printing import UNTOLD
from checker.resolve.shell.variables.exported import KEY, given_to
from checker.resolve.shell.variables.github_script import set_by_script
from checker.resolve.shell.variables.search_path import with_before
from checker.resolve.trace.actions import calls_of_action, command_of_action, files_of, metadata_of
from checker.resolve.trace.assuming.sessions import Sessions
from checker.resolve.trace.collected import Collected
from checker.resolve.trace.commands.foreign import GITHUB_SCRIPT, unread_action, unread_container
from checker.resolve.trace.gaps import Gaps
from checker.resolve.trace.held_files import by_now, with_files
from checker.resolve.trace.image_tags import variables_of
from checker.resolve.trace.javascript.texts import texts_of
from checker.resolve.trace.programs import Earlier, Programs, Scripts
from checker.resolve.workflows.ifs import only_after_failure
from checker.resolve.workflows.outputs_asked import unmade
from checker.resolve.workflows.starts import runner_variables
from checker.resolve.workflows.steps import credentials, keeps_to_itself, shell_options

Action: TypeAlias = "Command | AwsCall | CdkCommand"

_CHECKOUT: Final = "actions/checkout"
_BRINGS: Final = frozenset({_CHECKOUT, "actions/download-artifact"})


class Tracer(Struct):
    """Traces jobs and scripts. What one job writes to its outputs is known to those that need it."""

    library: Scripts
    effort: Effort = field(default_factory=Effort)
    earlier: Earlier | None = None
    _programs: Programs | None = None
    _traces: dict[EffectiveJob, Trace] = field(default_factory=dict)
    _known: dict[Hole, Possible] = field(default_factory=dict)  # outputs of all jobs
    _own: dict[EffectiveJob, dict[Hole, Possible]] = field(default_factory=dict)  # and of each by itself
    _files: dict[Possible, Possible] = field(default_factory=dict)  # an output that is a path -> what the file holds

    @property
    def _started(self) -> Programs:
        if self._programs is None:
            self._programs = Programs(self.library, self.effort, self.earlier)
        return self._programs

    def job(self, job: EffectiveJob) -> Trace:
        """What a job does. The jobs that it needs are traced before."""
        found = self._traces.get(job)
        if found is None:
            self._traces[job] = Trace()  # while it is traced: `needs` that go in a circle end here
            for each in job.chain:
                for need in each.needs:
                    self._with_called(need)
            found = self._traces[job] = self._trace(job)
        return found

    def every(self, jobs: Iterable[EffectiveJob]) -> tuple[dict[EffectiveJob, Trace], tuple[Unfollowed, ...]]:
        """The traces of the jobs that have steps, and of their alternatives; what was not followed of either, one entry
        per cause and job."""
        traces: dict[EffectiveJob, Trace] = {}
        found: list[Unfollowed] = []
        for job in jobs:
            if not job.calls:
                gaps: dict[Problem, Gap] = {}
                for each in (job, *job.alternatives):
                    traces[each] = self.job(each)
                    for gap in traces[each].gaps:
                        gaps.setdefault(gap.problem, gap)
                found.extend(Unfollowed(job, gap.problem, gap.logged_in, gap.step) for gap in gaps.values())
            elif not job.called and hands_over(job):
                found.extend(Unfollowed(job, problem, logged_in=False) for problem in job.problems if problem.unread)
        return traces, tuple(found)

    def outputs(self, job: EffectiveJob) -> Mapping[Hole, Possible]:
        """What a job's steps write to their outputs, each under the hole that stands for it."""
        self.job(job)
        return self._own.get(job, {})

    def _with_called(self, job: EffectiveJob) -> None:
        self.job(job)
        for called in job.called:
            self._with_called(called)

    def _trace(self, job: EffectiveJob) -> Trace:
        written = Written(self.library)
        sessions = Sessions(Overlaid(self.library, written).text)
        collected = Collected(self.library, self._started, job=job, written=written, sessions=sessions)
        gaps = Gaps(job)
        by_step = {id(each.step): each for each in job.credentials}
        extra: dict[str, Possible] = runner_variables(job)
        own = self._own[job] = {_variable(name, job): value for name, value in job.env.items()}
        unsure: set[Hole] = set()  # outputs that are written in one place, which may not be come to
        self.effort.begin()
        over = False  # a step surely failed: GitHub passes over those whose `if` does not ask for that
        failing: list[EffectiveStep] = []
        composite: list[EffectiveStep] = []  # actions of the repository, whose outputs are those of their steps
        for step in job.steps:
            if step.runs is NO or (over and not step.runs_after_failure):
                continue
            spent = False
            self._composite(composite, own)
            composite.extend([step] if step.outputs else [])
            if (given := _told(step.with_, own, unsure)) is not None:
                complete(step, with_=given)
                by_step.update((id(step), each) for each in credentials([step]))
            try:
                self.effort.spend(1)
                self.effort.at_most(1)
                self._step(step, collected, extra, own, unsure)
            except SpentError:
                spent = True
            gaps.note(step, collected.credentials, collected.problems, collected.foreign)
            if spent:
                gaps.cut(step)
                break
            failing.extend(_with_those_around(step) if collected.failed else [])
            over = over or (collected.failed and step.runs is YES and step.continue_on_error is False)
            if id(step) in by_step and keeps_to_itself(step):
                collected.sessions.obtained(by_step[id(step)])
            elif id(step) in by_step:
                collected.credentials = by_step[id(step)]
                collected.sessions.logged_in()
                extra.pop(KEY, None)  # its own takes the place of one that was written before
        self._composite(composite, own)
        complete(job, credentials=tuple(by_step[id(each)] for each in job.steps if id(each) in by_step))
        for hole, value in own.items():
            _learn(self._known, hole, value)
        changes = tuple(collected.written.changes.found)
        javascript = tuple(texts_of(collected.actions, Overlaid(self.library, written)))
        traced = gaps.closed(collected.trace())
        return replace(traced, failing=tuple(failing), changes=changes, javascript=javascript)

    def _composite(self, steps: Sequence[EffectiveStep], own: dict[Hole, Possible]) -> None:
        """Take note of what actions of the repository put out, as far as their steps have been followed: of one that
        another one uses before that of the other."""
        for step in reversed(steps):
            for name, value in step.outputs.items():
                own[_output(step.step.id, name, step.scope or step.job.name)] = self._filled(value, own)

    def _step(
        self,
        step: EffectiveStep,
        collected: Collected,
        extra: dict[str, Possible],
        own: dict[Hole, Possible],
        unsure: set[Hole],
    ) -> None:
        """Follow one step. ``extra``: the variables that steps before it wrote to the job's environment; ``own``: what
        they wrote to their outputs."""
        reached = Reached(
            step.spot,
            step=step,
            on_failure=bool(step.started_by) or only_after_failure(step.status_functions),
        )
        scope, collected.failed = step.scope or step.job.name, False
        if step.run is not None:
            if (inside := unread_container(step.job.job)) is not None and inside not in collected.foreign:
                collected.foreign.append(inside)
            environment = {name: self._fallen_back(name, value, step, own) for name, value in step.env.items()}
            fill = partial(self._filled, own=own)
            begun, read = len(collected.actions), (len(collected.problems), len(collected.foreign))
            outputs = collected.step(step, reached, given_to(step, environment, extra, unsure), fill)
            for index in range(begun, len(collected.actions)):
                changes = collected.written.changes.found
                collected.actions[index] = with_files(index, collected.actions, changes, self._files, self.library.text)
            self._put_out(step, outputs, extra, own, unsure, collected.script)
            if read == (len(collected.problems), len(collected.foreign)):
                for name in unmade(step, collected.actions[begun:]):
                    own.setdefault(_output(step.step.id, name, scope), "")
            return
        given = {name.lower(): self._filled(value, own) for name, value in step.with_.items()}
        own_env = {name: self._filled(value, own) for name, value in step.env.items()}
        seen = given_to(step, own_env, extra, unsure)
        collected.sessions.begin(seen)
        if (file := given.get("task-definition")) is not None:
            given["task-definition"] = self._files.get(file, file)
            if isinstance(file, str) and (found := collected.written.changes.found):
                held = held_among(found, collected.actions, posixpath.normpath(file), step)
                text = by_now(held, file, self.library.text) if held is not None else file
                given["task-definition"] = text
        collected.record(calls_of_action(step, given, reached, collected.logged_in, self.library))
        command = command_of_action(step, given, reached)
        if command is not None:
            collected.of_program(replace(command, environment=seen), seen)
        if (action := step.step.action.lower()) in _BRINGS:
            path, cleans = shown(given.get("path") or ""), shown(given.get("clean", True)).lower() != "false"
            if action == _CHECKOUT:
                collected.written.checked_out(path, cleans=cleans)
            if (path not in {"", "."} and action != _CHECKOUT) or _of_another(step):
                collected.written.brought(path, step)
        made = metadata_of(step, given)
        told, surely = {**step.job.env, **extra}, step.runs is YES and step.continue_on_error is False
        extra |= variables_of(made, told, surely=surely)
        if step.step.id:
            for name, value in made.items():
                _learn(own, _output(step.step.id, name, scope), value)
            for name, value in files_of(step, given, self.library).items():
                self._files[Text((_output(step.step.id, name, scope),))] = value
        if step.step.action.lower() == GITHUB_SCRIPT:
            self._script(step, given, reached, collected.written)
            extra |= set_by_script(shown(given.get("script", "")), told, surely=surely)
        foreign = unread_action(step)
        if foreign is not None and (command is None or action == BAKE):
            collected.foreign.append(foreign)

    def _put_out(
        self,
        step: EffectiveStep,
        outputs: Iterable[Output],
        extra: dict[str, Possible],
        own: dict[Hole, Possible],
        unsure: set[Hole],
        script: Script,
    ) -> None:
        """Take note of what a step wrote for later ones: variables and outputs."""
        outputs = list(outputs)
        sure = _surely_written(outputs, script, stops="e" in (shell_options(step) or ""))
        scope = step.scope or step.job.name
        handed: dict[str, Possible] = {}  # what two branches of one step write may be either
        for output in outputs:
            if output.step or output.name in {"PATH", UNTOLD}:
                continue
            _note(_variable(output.name, step.job), output, step, handed.keys(), own, unsure, sure)
            before = None if output.certain else handed.get(output.name)  # the last line counts
            handed[output.name] = output.value if before is None else one_of([before, output.value])
        extra.update(handed)
        # Later steps ask for these as `${{ env.NAME }}` too.
        for name, value in handed.items():
            hole = _variable(name, step.job)
            own[hole] = one_of([step.job.env[name], value]) if hole in unsure and name in step.job.env else value
        put_out: set[Hole] = set()
        for output in outputs:
            if not output.step and output.name == "PATH":
                before = extra.get("PATH")
                extra["PATH"] = output.value if before is None else with_before(output.value, before)
            elif output.step:
                hole = _output(output.step, output.name, scope)
                _note(hole, output, step, (), own, unsure, sure)
                if output.certain and hole in put_out:
                    own.pop(hole)  # the last line counts
                put_out.add(hole)
                _learn(own, hole, output.value)

    def _script(self, step: EffectiveStep, given: Mapping[str, Possible], reached: Reached, written: Written) -> None:
        """The code of a step of actions/github-script is a program for Node.js, and may write files as any other."""
        words: tuple[Possible, ...] = ("node", "-e", shown(given.get("script", "")))
        begun = len(written.changes.found)
        written.note(Command(words, reached, Handling(), environment=step.env), None)
        found = written.changes.found
        found[begun:] = [replace(each, by=step) for each in found[begun:]]

    def _fallen_back(self, name: str, value: Possible, step: EffectiveStep, own: dict[Hole, Possible]) -> Possible:
        """A variable of a step, filled. What is empty left of ``||`` is passed over there."""
        written = step.step.env.get(name)
        if not isinstance(value, OneOf) or written is None or "||" not in str(written.value):
            return self._filled(value, own)
        *others, last = (self._filled(each, own) for each in value.options)
        return one_of([*(one for each in others for one in options(each) or (each,) if one != ""), last])

    def _filled(self, value: Possible, own: dict[Hole, Possible]) -> Possible:
        """A value with the outputs of earlier steps put in: the job's own, and those of the jobs that it needs."""
        return _put_in(value, ChainMap(own, self._known))


def _put_in(value: Possible, known: Mapping[Hole, Possible]) -> Possible:
    def fill(scalar: object) -> Possible:
        if not isinstance(scalar, Text):
            return scalar  # type: ignore[return-value]
        if not any(hole in known for hole in scalar.holes):
            return scalar
        return joined(known.get(part, Text((part,))) if isinstance(part, Hole) else part for part in scalar.parts)

    return mapped(value, fill)


def _note(
    hole: Hole,
    output: Output,
    step: EffectiveStep,
    others: Container[str],
    own: Container[Hole],
    unsure: set[Hole],
    surely: Mapping[tuple[str, str], bool],
) -> None:
    """Take note of whether an output is surely written: in each branch of a script that writes it, or before."""
    sure = step.runs is YES and output.certain
    always = surely.get((output.step, output.name))
    also = (hole in own if output.step else output.name in others) if always is None else always and step.runs is YES
    if sure or also or (not output.step and hole in own and hole not in unsure):
        unsure.discard(hole)
    else:
        unsure.add(hole)


def _surely_written(outputs: Sequence[Output], script: Script, *, stops: bool) -> Mapping[tuple[str, str], bool]:
    """Whether a step's script writes its outputs and variables whichever branches it takes, by step and name; nothing
    of those that something else than its own lines writes, a function for one."""
    places: dict[tuple[str, str], set[Spot]] = {}
    for each in outputs:
        places.setdefault((each.step, each.name), set()).add(each.spot)
    own = script.own_lines() if any(len(spots) > 1 for spots in places.values()) else frozenset()
    return {
        name: script.comes_to(spots, stops=stops) for name, spots in places.items() if len(spots) > 1 and spots <= own
    }


def _told(
    given: Mapping[str, Possible], own: Mapping[Hole, Possible], unsure: Container[Hole]
) -> Mapping[str, Possible] | None:
    """What an action is given, with what earlier steps of its job put out; ``None`` where that changes nothing. What
    stays open, or may not be written, keeps the name of the output: two uses of it are the same value."""
    asked = (each for value in given.values() for each in options(value) or () if isinstance(each, Text))
    known = {hole: own[hole] for each in asked for hole in each.holes if hole in own and hole not in unsure}
    known = {hole: value for hole, value in known.items() if is_known(value)}
    return {name: _put_in(value, known) for name, value in given.items()} if known else None


def _of_another(step: EffectiveStep) -> bool:
    """Whether a checkout is told which repository to take, and not by what this one is called."""
    given = next((each.value for name, each in step.step.with_.items() if name.lower() == "repository"), "")
    return step.step.action.lower() == _CHECKOUT and bool(given) and "github.repository" not in str(given)


def _with_those_around(step: EffectiveStep) -> Iterator[EffectiveStep]:
    """A step, and those that end as it does: they use the composite actions in which it runs wherever they do."""
    yield step
    for each in reversed(step.job.steps[: step.index]):
        if len(each.via) < len(step.via):
            if each.unfolded and each.conditions == step.conditions:
                yield from _with_those_around(each)
            return


def _variable(name: str, job: EffectiveJob) -> Hole:
    """A variable of a job, as expressions ask for it."""
    return RunValue(f"${{{{ env.{name} }}}}", job.name)


def _output(step: str, name: str, where: str) -> Hole:
    """An output of a step of the job at ``where``, as expressions ask for it."""
    return RunValue(f"${{{{ steps.{step}.outputs.{name} }}}}", where)


def _learn(known: dict[Hole, Possible], hole: Hole, value: Possible) -> None:
    """What a step writes to its outputs is known to whoever asks for them."""
    before = known.get(hole)
    known[hole] = value if before is None else one_of([before, value])
