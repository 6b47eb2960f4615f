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

from checker import lazy_re
from checker.model.answers import NO, YES
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep, Start
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, Scalar, options, shown
from checker.model.values import ABSENT, Absent, Hole, RunValue, Text, Unknown
from checker.reason.deploys.brought import Brought
from checker.reason.deploys.changes import Action
from checker.reason.deploys.fetched_code import brought_by, is_own, stands_in, uses
from checker.reason.deploys.foreign_code import (
    OWN_REF,
    RELEASE,
    actions_of_branches,
    cached,
    foreign_code,
    of_other_runs,
    own_actions,
)
from checker.reason.deploys.rollbacks import on_tag, tag_inputs

_INPUT: Final = lazy_re.compile(r"\binputs\.([A-Za-z_][\w-]*)")
# "Specifies the commitish value that determines where the Git tag is created from. Can be any branch or commit SHA.
# Unused if the Git tag already exists." (GitHub REST API, "Create a release")
_MADE_FROM: Final = lazy_re.compile(r"\bgithub\.event\.release\b.*\btarget_commitish\b")
_OUTPUT: Final = lazy_re.compile(r"\bsteps\.([A-Za-z_][\w-]*)\.outputs\b(?:\.([\w-]+))?")
_REFS: Final = lazy_re.compile(r"^(?:refs/)?tags/")
_HEAD: Final = lazy_re.compile(r"\brev-parse\b.*\bHEAD\b")
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
    roots = [step for step in job.steps if _is_checkout(step, own) and not _folder(step)]
    for step in own_actions(job, trace):
        last = next((each for each in reversed(roots) if each.index < step.index), None)
        found = codes.of_checkout(last, job, tuple(starts)) if last is not None else None
        if found is not None and found.code is Code.OTHER:
            why = f"whether {step.step.action}, which was not followed, deploys with the code of {found.why}"
            yield Found(Code.OPEN, found.step, why)


def first_of_each_code(job: EffectiveJob, places: Sequence[Action], pipeline: Pipeline, own: str) -> Iterator[Action]:
    """Of the places in a job, in order: the first one, and the first after each change of what is checked out."""
    wanted = set(map(id, places))
    checkouts = [step.index for step in job.steps if _is_checkout(step, own)]
    every = brought_by(pipeline.trace(job), own)
    brought = {index for index, each in every if not each.folder}
    homes = {each.place for _, each in every} | {_folder(step) for step in job.steps if _is_checkout(step, own)}
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
        checkouts = [step for step in job.steps[: end + 1] if _is_checkout(step, self.own)]
        roots = [step for step in checkouts if not _folder(step)]
        brought = self.brought.get(job)
        if brought is None:
            brought = self.brought[job] = brought_by(self.pipeline.trace(job), self.own)
        homes = {each.place for _, each in brought} | set(map(_folder, checkouts))
        actions = self.pipeline.trace(job).actions
        until = next((index for index, each in enumerate(actions) if each is before), len(actions))
        earlier = [each for index, each in brought if index < until]
        home = next((home for action, home in stands_in(self.pipeline.trace(job), homes) if action is before), "")
        if home:
            yield from self._in_folder(home, checkouts, job, earlier, starts, level)
        by_script = before is not None and before.spot.file != job.workflow.file and not self.alone
        if (roots or checkouts) and (not home or by_script):
            yield from self._in_workspace((roots or checkouts)[-1], job, earlier, starts, level)
        if roots:
            others = [each for each in checkouts if _folder(each)]
            yield from (
                found for found in self._beside(job, others, brought, starts, level) if found.code is not Code.TAG
            )
        yield from self._before(job, roots, starts, level)
        yield from (Found(Code.OPEN, step, why) for step, why in of_other_runs(job, end))
        yield from self._of_caches(job, end, starts)
        yield from (Found(Code.OTHER, step, why) for step, why in actions_of_branches(job, end, self.own))
        if any(step.step.action == "actions/download-artifact" for step in job.steps) and level < _LEVELS:
            for maker in self.pipeline.jobs:
                if maker.entry is job.entry and job.after(maker) and _uploads(maker):
                    yield from self.of(maker, None, starts, level + 1)

    def of_checkout(self, step: EffectiveStep, job: EffectiveJob, starts: tuple[Start, ...]) -> Found:
        """Whose code one checkout brings."""
        return self._found(step.with_.get("ref", ""), step, job, starts, 0)

    def _in_workspace(
        self,
        step: EffectiveStep,
        job: EffectiveJob,
        brought: Sequence[Brought],
        starts: tuple[Start, ...],
        level: int,
    ) -> Iterator[Found]:
        """What was checked out, and what came over it."""
        over: list[Brought] = []
        whole = False
        for each in brought:
            at = each.command.step
            if not each.folder and at is not None and at.index > step.index:
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
        over: list[Brought] = []
        for each in brought:
            if each.place == home:
                over = [each] if each.whole else [*over, each]
        step = next((each for each in reversed(checkouts) if _folder(each) == home), None)
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
        brought: Sequence[tuple[int, Brought]],
        starts: tuple[Start, ...],
        level: int,
    ) -> Iterator[Found]:
        """What lies in folders of its own, where something of it is used."""
        commands = [each for each in self.pipeline.trace(job).actions if isinstance(each, Command)]
        for step in checkouts:
            folder = _folder(step)
            if self._is_used(folder, step, job, commands):
                yield self._found(step.with_.get("ref", ""), step, job, starts, level)
        for _, tree in brought:
            found = self._of_brought(tree, job.steps[0], job, starts, level) if tree.folder else None
            if found is None or found.code is Code.TAG:
                continue
            if tree.command not in self.used:
                later = commands[commands.index(tree.command) + 1 :]
                whole = any(other.folder == tree.folder and other.whole and other is not tree for _, other in brought)
                self.used[tree.command] = not whole and any(uses(each, tree.folder) for each in later)
            if self.used[tree.command]:
                yield found

    def _is_used(self, folder: str, step: EffectiveStep, job: EffectiveJob, commands: Sequence[Command]) -> bool:
        """Whether what a step puts into a folder is used: by name, or for what the repository has there itself."""
        later = (each for each in commands if each.step is not None and each.step.index > step.index)
        acts = any(each.uses.startswith(f"./{folder}/") for each in job.steps)
        return acts or folder in self.pipeline.folders or any(uses(each, folder) for each in later)

    def _of_caches(self, job: EffectiveJob, end: int, starts: tuple[Start, ...]) -> Iterator[Found]:
        """What another run left, where the change is made with it: a cache that is not told by the commit."""
        commands = [each for each in self.pipeline.trace(job).actions if isinstance(each, Command)]
        for step in job.steps[: end + 1]:
            if step.step.action.lower() not in _CACHES or step.runs is NO:
                continue
            paths = cached(shown(step.with_.get("path", "")))
            key = shown(step.with_.get("key", ""))
            key = key if all(map(on_tag, starts)) else OWN_REF.sub("", key)  # what a person picked is no tag
            told = _TOLD.search(key) and not step.with_.get("restore-keys")
            taken = [each for each in paths if each and not _INSTALLED.search(each)]
            if not told and any(each == "." or self._is_used(each, step, job, commands) for each in taken):
                yield Found(Code.OPEN, step, f"whose code the cache of {', '.join(taken)} is: an earlier run left it")

    def _of_brought(
        self, brought: Brought, step: EffectiveStep, job: EffectiveJob, starts: tuple[Start, ...], level: int
    ) -> Found:
        at = brought.command.step or step
        if isinstance(brought.ref, Unknown):
            return Found(Code.OPEN, at, brought.ref.why, brought=True)
        if brought.ref is None:
            return Found(Code.OTHER, at, f"what its branch has by then ({brought.command.spelled})")
        return self._found(brought.ref, at, job, starts, level)

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
        if step.run is not None and _HEAD.search(step.run.text):
            found = next(self.of(job, None, (start,), level + 1), None)
            return (found.code, found.why) if found else None
        return next((each for each in answers if each[0] is Code.OTHER), None)


@lru_cache(maxsize=2)  # many places of one pipeline are asked about
def _codes(pipeline: Pipeline, own: str, alone: bool) -> _Codes:
    return _Codes(pipeline, own, alone)


# GitHub Docs, "Dependency caching reference": a key that is not there is looked for by the prefixes of restore-keys.
_CACHES: Final = frozenset({"actions/cache", "actions/cache/restore"})
_TOLD: Final = lazy_re.compile(r"github\.(?:sha|ref|run_id|event\.release)\b|hashFiles|inputs\.|steps\.|needs\.")
_INSTALLED: Final = lazy_re.compile(r"^[~/$]|(?:^|/)(?:node_modules|\.?venv|vendor|target|\.\w+|\w*cache)(?:/|$)")


def _given(step: EffectiveStep) -> Iterator[Possible]:
    """What a step works with: its inputs, the expressions in its script, and the variables that it reads."""
    yield from step.with_.values()
    yield from step.expressions.values()
    text = step.run.text if step.run else ""
    for name, value in step.env.items():
        if name in step.step.env or re.search(rf"\$\{{?{re.escape(name)}\b", text):
            yield value


def _is_checkout(step: EffectiveStep, own: str) -> bool:
    if step.step.action.lower() != "actions/checkout" or step.runs is NO:
        return False
    repository = step.with_.get("repository", ABSENT)
    if isinstance(repository, Absent) or repository == "":
        return True
    return isinstance(repository, str | Text) and is_own(repository, own)


def _folder(step: EffectiveStep) -> str:
    """The folder that is checked out into, empty for the workspace itself."""
    return shown(step.with_.get("path", "")).removeprefix("./").strip("/").removeprefix(".")


def _uploads(job: EffectiveJob) -> bool:
    return any(step.step.action == "actions/upload-artifact" for step in job.steps)
