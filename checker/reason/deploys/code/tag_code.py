"""Which code a job deploys with: that of the tag it deploys, or what a branch happens to have.

A run that a release or a pushed tag started stands on the tag's commit: ``actions/checkout`` without a ``ref`` takes
that. One that a person started stands on the branch that they picked, whatever tag they typed in (GitHub Docs, "Events
that trigger workflows", ``GITHUB_SHA``). A ref that an earlier step worked out is followed to what that step was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import YES
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep, Start
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, Scalar, options
from checker.model.values import Absent, Hole, RunValue, Text, Unknown
from checker.reason.deploys.changes import Action
from checker.reason.deploys.code.brought import INSTALLERS, Brought
from checker.reason.deploys.code.fetched_code import brought_by, folder_of, is_checkout
from checker.reason.deploys.code.foreign_code import (
    OWN_REF,
    RELEASE,
    actions_of_branches,
    foreign_code,
    of_other_runs,
    own_actions,
    restored,
    uploads,
)
from checker.reason.deploys.code.head_names import asks_of_head
from checker.reason.deploys.code.trees import behind, is_used, stands_in
from checker.reason.deploys.rollbacks import on_tag, tag_inputs

_INPUT: Final = lazy_re.compile(r"\binputs\.([A-Za-z_][\w-]*)")
# "Specifies the commitish value that determines where the Git tag is created from. Can be any branch or commit SHA.
# Unused if the Git tag already exists." (GitHub REST API, "Create a release")
_MADE_FROM: Final = lazy_re.compile(r"\bgithub\.event\.release\b.*\btarget_commitish\b")
_OUTPUT: Final = lazy_re.compile(r"\bsteps\.([A-Za-z_][\w-]*)\.outputs\b(?:\.([\w-]+))?")
_REFS: Final = lazy_re.compile(r"^(?:refs/)?tags/")
_LEVELS: Final = 6


class Code(StrEnum):
    """Whose code it is."""

    TAG = "tag"
    OTHER = "other"
    OPEN = "open"


class Found(Struct, frozen=True):
    """The answer, with the step that decides it and what completes "... has ..." in a message."""

    code: Code
    step: EffectiveStep
    why: str = ""
    brought: bool = False  # nobody knows whose code a command brings


def code_of(
    job: EffectiveJob,
    before: Action | None,
    starts: Sequence[Start],
    pipeline: Pipeline,
    own: str,
    *,
    alone: bool = False,
) -> list[Found]:
    """Whose code stands in the workspace when ``before`` runs (or at the job's end), each checkout with its answer; in
    the folder in which that runs, where one is checked out of its own.

    Empty where the job has no code of the repository: neither checked out nor handed on by an earlier job. ``own`` is
    the repository's name. ``alone``: whatever the script is of that runs it.
    """
    return list(_codes(pipeline, own, alone).of(job, before, tuple(starts), 0))


def unfollowed_code(job: EffectiveJob, starts: Sequence[Start], pipeline: Pipeline, own: str) -> Iterator[Found]:
    """Code that nobody followed, and that may deploy the tag: another repository's, and that of the repository's own
    actions where another commit than the tag's was checked out for them."""
    trace = pipeline.trace(job)
    yield from (Found(Code.OPEN, step, why) for step, why in foreign_code(job, trace, own))
    codes = _Codes(pipeline, own)
    roots = [step for step in job.steps if is_checkout(step, own) and not folder_of(step)]
    for step in own_actions(job, trace):
        last = next((each for each in reversed(roots) if each.index < step.index), None)
        found = codes.of_checkout(last, job, tuple(starts)) if last is not None else None
        if found is not None and found.code is Code.OTHER:
            why = f"whether {step.step.action}, which was not followed, deploys with the code of {found.why}"
            yield Found(Code.OPEN, found.step, why)


def first_of_each_code(job: EffectiveJob, places: Sequence[Action], pipeline: Pipeline, own: str) -> Iterator[Action]:
    """Of the places in a job, in order: the first one, and the first after each change of what is checked out."""
    wanted = set(map(id, places))
    steps = [step for step in job.steps if is_checkout(step, own)]
    checkouts = [step.index for step in steps]
    every = brought_by(pipeline.trace(job), own, list(map(folder_of, steps)))
    brought = {index for index, _ in every}
    homes = {each.place for _, each in every} | set(map(folder_of, steps))
    seen, count = None, 0
    for index, (action, home) in enumerate(stands_in(pipeline.trace(job), homes)):
        count += index in brought
        if id(action) not in wanted:
            continue
        at = action.step.index if action.step is not None else -1
        code = (sum(each < at for each in checkouts), count, home)
        if code != seen:
            seen = code
            yield action


class _Codes(Struct):
    pipeline: Pipeline
    own: str
    alone: bool = False  # whether it counts alone where a change runs, and not what runs it
    brought: dict[EffectiveJob, list[tuple[int, Brought]]] = field(default_factory=dict)
    used: dict[Command, bool] = field(default_factory=dict)  # by what made a tree: whether something of it is used

    def of(self, job: EffectiveJob, before: Action | None, starts: tuple[Start, ...], level: int) -> Iterator[Found]:
        end = before.step.index if before is not None and before.step is not None else len(job.steps)
        checkouts = [step for step in job.steps[: end + 1] if is_checkout(step, self.own)]
        roots = [step for step in checkouts if not folder_of(step)]
        brought = self.brought.get(job)
        if brought is None:
            paths = [folder_of(step) for step in job.steps if is_checkout(step, self.own)]
            brought = self.brought[job] = brought_by(self.pipeline.trace(job), self.own, paths)
        homes = {each.place for _, each in brought} | set(map(folder_of, checkouts))
        actions = self.pipeline.trace(job).actions
        until = next((index for index, each in enumerate(actions) if each is before), len(actions))
        earlier = [each for index, each in brought if index < until]
        home = next((home for action, home in stands_in(self.pipeline.trace(job), homes) if action is before), "")
        if home:
            yield from self._in_folder(home, checkouts, job, earlier, starts, level)
        by_script = before is not None and before.spot.file != job.workflow.file and not self.alone
        if (roots or checkouts) and (not home or by_script):
            yield from self._in_workspace(checkouts, job, earlier, starts, level)
        if roots or home:
            others = [step for step in checkouts if folder_of(step) not in {"", home}]
            apart = [each for each in earlier if each.place != home]
            found = self._beside(job, others, apart if home else earlier, starts, level)
            yield from (each for each in found if each.code is not Code.TAG)
        yield from self._before(job, roots, starts, level)
        yield from (Found(Code.OPEN, step, why) for step, why in of_other_runs(job, end))
        yield from self._of_caches(job, end, starts)
        yield from (Found(Code.OTHER, step, why) for step, why in actions_of_branches(job, end, self.own))
        if any(step.step.action == "actions/download-artifact" for step in job.steps) and level < _LEVELS:
            for maker in self.pipeline.jobs:
                if maker.entry is job.entry and job.after(maker) and uploads(maker):
                    yield from self.of(maker, None, starts, level + 1)

    def of_checkout(self, step: EffectiveStep, job: EffectiveJob, starts: tuple[Start, ...]) -> Found:
        """Whose code one checkout brings."""
        return self._found(step.with_.get("ref", ""), step, job, starts, 0)

    def _in_workspace(
        self,
        checkouts: Sequence[EffectiveStep],
        job: EffectiveJob,
        brought: Sequence[Brought],
        starts: tuple[Start, ...],
        level: int,
    ) -> Iterator[Found]:
        """What was checked out, and what came over it. Where nothing is at the root, all in folders may be used."""
        roots = [each for each in checkouts if not folder_of(each)]
        step = (roots or checkouts)[-1]
        places = set() if roots else set(map(folder_of, checkouts))
        over: list[Brought] = []
        whole = False
        for each in brought:
            at = each.command.step
            if (not each.folder or each.place in places) and at is not None and at.index > step.index:
                whole = whole or each.whole
                over = [each] if each.whole else [*over, each]
        if not whole:
            yield self._found(step.with_.get("ref", ""), step, job, starts, level)
        for each in over:
            found = self._of_brought(each, step, job, starts, level)
            if each.whole or found.code is not Code.TAG:
                yield found

    def _in_folder(
        self,
        home: str,
        checkouts: Sequence[EffectiveStep],
        job: EffectiveJob,
        brought: Sequence[Brought],
        starts: tuple[Start, ...],
        level: int,
    ) -> Iterator[Found]:
        """What was checked out into a folder of its own, and what came over it there."""
        step = next((each for each in reversed(checkouts) if folder_of(each) == home), None)
        over: list[Brought] = []
        for each in brought:
            packages = not each.folder and each.command.program in INSTALLERS  # they are found from everywhere
            late = step is None or (each.command.step is not None and each.command.step.index > step.index)
            if late and (each.place == home or packages):
                over = [each] if each.whole else [*over, each]
        if step is not None and not (over and over[0].whole):
            yield self._found(step.with_.get("ref", ""), step, job, starts, level)
        yield from (self._of_brought(each, job.steps[0], job, starts, level) for each in over)

    def _before(
        self, job: EffectiveJob, roots: Sequence[EffectiveStep], starts: tuple[Start, ...], level: int
    ) -> Iterator[Found]:
        """Actions of the workspace that nobody followed, and that ran on what was checked out before."""
        unread = {gap.problem.spot for gap in self.pipeline.trace(job).gaps}
        for step in job.steps[: roots[-1].index] if roots else ():
            earlier = [each for each in roots if each.index < step.index]
            if earlier and step.uses.startswith("./") and not step.unfolded and step.spot in unread:
                found = self._found(earlier[-1].with_.get("ref", ""), earlier[-1], job, starts, level)
                if found.code is Code.OTHER:
                    why = f"whether {step.step.action}, which was not followed, deploys with the code of {found.why}"
                    yield Found(Code.OPEN, earlier[-1], why)

    def _beside(
        self,
        job: EffectiveJob,
        checkouts: Sequence[EffectiveStep],
        brought: Sequence[Brought],
        starts: tuple[Start, ...],
        level: int,
    ) -> Iterator[Found]:
        """What lies in folders of its own, where something of it is used."""
        for step in checkouts:
            folder = folder_of(step)
            replaced = any(each.place == folder and each.whole for each in brought)
            if not replaced and is_used(folder, job, self.pipeline.folders, behind(step, self.pipeline.trace(job))):
                yield self._found(step.with_.get("ref", ""), step, job, starts, level)
        commands = [each for each in self.pipeline.trace(job).actions if isinstance(each, Command)]
        for index, tree in enumerate(brought):
            found = self._of_brought(tree, job.steps[0], job, starts, level) if tree.folder else None
            if found is None or found.code is Code.TAG:
                continue
            if any(other.folder == tree.folder and other.whole for other in brought[index + 1 :]):
                continue
            if tree.command not in self.used:
                later = commands[commands.index(tree.command) + 1 :]
                self.used[tree.command] = is_used(tree.folder, job, self.pipeline.folders, later)
            if self.used[tree.command]:
                yield found

    def _of_caches(self, job: EffectiveJob, end: int, starts: tuple[Start, ...]) -> Iterator[Found]:
        """What another run left, where the change is made with it."""
        for step, taken in restored(job, end, of_tag=all(map(on_tag, starts))):
            later = behind(step, self.pipeline.trace(job))
            if any(each == "." or is_used(each, job, self.pipeline.folders, later) for each in taken):
                yield Found(Code.OPEN, step, f"whose code the cache of {', '.join(taken)} is: an earlier run left it")

    def _of_brought(
        self, brought: Brought, step: EffectiveStep, job: EffectiveJob, starts: tuple[Start, ...], level: int
    ) -> Found:
        at = brought.command.step or step
        if isinstance(brought.ref, Unknown):
            return Found(Code.OPEN, at, brought.ref.why, brought=True)
        if brought.copied is not None:
            return self._copied(brought.copied, at, brought.command, job, starts, level)
        if brought.ref is None:
            found = Found(Code.OTHER, at, f"what its branch has by then ({brought.command.spelled})")
        else:
            found = self._found(brought.ref, at, job, starts, level)
        return Found(Code.OPEN, at, brought.doubt) if brought.doubt and found.code is Code.OTHER else found

    def _copied(
        self,
        home: str,
        at: EffectiveStep,
        command: Command,
        job: EffectiveJob,
        starts: tuple[Start, ...],
        level: int,
    ) -> Found:
        """Whose code was where a command copies from: the root of the workspace, or a folder."""
        actions = self.pipeline.trace(job).actions
        until = next(index for index, each in enumerate(actions) if each is command)
        earlier = [each for index, each in self.brought[job] if index < until]
        checkouts = [step for step in job.steps[: at.index + 1] if is_checkout(step, self.own)]
        found: list[Found] = []
        if home:
            found = list(self._in_folder(home, checkouts, job, earlier, starts, level))
        elif any(not folder_of(step) for step in checkouts):
            found = list(self._in_workspace(checkouts, job, earlier, starts, level))
        worst = next((each for code in (Code.OTHER, Code.OPEN) for each in found if each.code is code), None)
        return replace(worst, step=at) if worst is not None else Found(Code.TAG, at)

    def _found(
        self,
        ref: Possible | Absent,
        step: EffectiveStep,
        job: EffectiveJob,
        starts: tuple[Start, ...],
        level: int,
    ) -> Found:
        answers = [self._judge(ref, start, job, level) for start in starts]
        worst = next((each for each in answers if each[0] is Code.OTHER), None)
        worst = worst or next((each for each in answers if each[0] is Code.OPEN), None) or (Code.TAG, "")
        return Found(worst[0], step, worst[1])

    def _judge(self, ref: Possible | Absent, start: Start, job: EffectiveJob, level: int) -> tuple[Code, str]:
        """Whose code ``ref`` is in a run that ``start`` began."""
        each = () if isinstance(ref, Absent) else options(ref)
        if each is None:
            return Code.OPEN, "what is checked out cannot be told"
        answers = [answer for option in each or ("",) if (answer := self._option(option, start, job, level))]
        answers = answers or [self._option("", start, job, level) or (Code.OPEN, "")]
        codes = {code for code, _ in answers}
        if start.event == "workflow_dispatch" and Code.TAG in codes and Code.OTHER in codes:
            # What stands behind `||` is for a run in which nobody named a tag: then what was picked is deployed.
            others = [why for code, why in answers if code is Code.OTHER]
            return (Code.TAG, "") if all("picked" in why for why in others) else (Code.OPEN, others[0])
        return next((each for each in answers if each[0] is Code.OTHER), None) or next(
            (each for each in answers if each[0] is Code.OPEN), answers[0]
        )

    def _option(self, ref: Scalar, start: Start, job: EffectiveJob, level: int) -> tuple[Code, str] | None:
        """``None`` for what is empty in a run of this start."""
        of_tag = on_tag(start)
        if ref in ("", None):
            return (Code.TAG, "") if of_tag else (Code.OTHER, "no ref: the branch that was picked")
        if not isinstance(ref, Text):
            return Code.OTHER, f"always {ref}"
        if _REFS.sub("", shown := str(ref)) == _REFS.sub("", str(start.ref)) and of_tag:
            return Code.TAG, ""
        if RELEASE.search(shown):
            return (Code.TAG, "") if start.event == "release" else None
        if _MADE_FROM.search(shown):
            why = "target_commitish is the branch that the release was made from, unless somebody named a commit"
            return (Code.OPEN, f"whether {shown} is the tag's commit: {why}") if start.event == "release" else None
        given = {name.replace("-", "_").lower() for name in _INPUT.findall(shown)}
        if given:
            if of_tag:
                return None  # nobody gives any
            named = {name.replace("-", "_").lower() for name in tag_inputs(job.entry)}
            return (Code.TAG, "") if given & named else (Code.OPEN, f"whether {shown} names the tag")
        if shown.startswith("refs/heads/"):
            return None if of_tag else (Code.OTHER, "the branch that was picked")
        if OWN_REF.search(shown):
            return (Code.TAG, "") if of_tag else (Code.OTHER, f"{shown}: the branch that was picked")
        if "default_branch" in shown:
            return Code.OTHER, "the default branch"
        for hole in ref.holes:
            found = self._output(hole, start, level)
            if found is not None:
                return found
        return Code.OPEN, f"whether {shown} is the tag's commit"

    def _output(self, hole: Hole, start: Start, level: int) -> tuple[Code, str] | None:
        """What a step's output follows from: the values that the step is given."""
        match = _OUTPUT.search(hole.shown)
        name = hole.where if isinstance(hole, RunValue) else ""
        job = next((each for each in self.pipeline.jobs if each.name == name), None)
        if match is None or job is None or level >= _LEVELS:
            return None
        step = next((each for each in job.steps if each.step.id == match[1]), None)
        if step is None:
            return None
        written = [each for each in self.pipeline.trace(job).outputs if (each.step, each.name) == match.groups()]
        each = [one for output in written for one in options(output.value) or ("?",)]
        answers = [answer for one in each if (answer := self._option(one, start, job, level + 1))]
        sure = step.runs is YES and "?" not in each and any(output.certain for output in written)
        if answers and all(code is Code.OTHER for code, _ in answers):
            if sure:
                return answers[0]  # all that it can be in a run of this start
            if step.runs is not YES and "?" not in each and any(output.certain for output in written):
                return Code.OPEN, f"whether {hole.shown} is the tag's commit"  # that, or nothing
        opened = [each for each in _given(step) if any(isinstance(one, Text) for one in options(each) or ())]
        answers = [self._judge(value, start, job, level + 1) for value in opened]
        if any(code is Code.TAG for code, _ in answers):
            return Code.TAG, ""
        if step.run is not None and asks_of_head(step.run.text):
            actions = self.pipeline.trace(job).actions
            asked = next((each for each in actions if each.step is step), None)
            found = next(self.of(job, asked, (start,), level + 1), None)
            return (found.code, found.why) if found else None
        return next((each for each in answers if each[0] is Code.OTHER), None)


@lru_cache(maxsize=2)  # many places of one pipeline are asked about
def _codes(pipeline: Pipeline, own: str, alone: bool) -> _Codes:
    return _Codes(pipeline, own, alone)


def _given(step: EffectiveStep) -> Iterator[Possible]:
    """What a step works with: its inputs, the expressions in its script, and the variables that it reads."""
    yield from step.with_.values()
    yield from step.expressions.values()
    text = step.run.text if step.run else ""
    for name, value in step.env.items():
        if name in step.step.env or re.search(rf"\$\{{?{re.escape(name)}\b", text):
            yield value
