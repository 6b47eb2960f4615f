"""Runs the rules over the model and puts what they say on record.

Every rule runs in every :class:`~checker.model.worlds.World`. What a rule says of one thing is merged over
the worlds: the same everywhere, it stands; different, it is unknown. A rule that crashes is an outcome of its own, and
one that takes longer than its budget is unknown: neither is ever a pass, and neither is silent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from checker.errors import printable
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement, Place
from checker.model.resources import Resource, StackPlace
from checker.model.rules import Rule
from checker.model.values import Parameter, Pseudo
from checker.model.verdicts import Finding, Outcome, Subject, Surface, Verdict
from checker.model.worlds import Budget, BudgetExceeded, Gaps, World
from checker.model.written.altered import AlteredResource

if TYPE_CHECKING:
    from checker.model.live.repository_settings import RepositorySettings
    from checker.model.pipeline.pipeline import Pipeline


class _Key(NamedTuple):
    finding: str
    sub: str | None
    environment: str
    subject: Subject
    path: str
    line: int = 0  # of a further failure of one subject: two pushes of one job are two things to correct


def judge(
    every_world: Sequence[World],
    projects: Iterable[Project],
    rules: Iterable[Rule],
    findings: Mapping[str, Finding],
    budget: Budget,
    *,
    seconds: float,
    pipeline: Pipeline | None = None,
    repository: RepositorySettings | None = None,
    clock: Callable[[], float] = time.thread_time,
) -> list[Verdict]:
    """All verdicts of ``rules``, rule by rule, over ``projects``: one for each world, in the order of ``every_world``.

    ``seconds`` of CPU bound each rule in each world, whatever else the machine does at the time; ``budget`` is the one
    that the projects' scopes spend.
    """
    rules = list(rules)
    answers = [
        {rule.id: _collect(rule, project, pipeline, repository, budget, seconds, clock) for rule in rules}
        for project in projects
    ]
    verdicts: list[Verdict] = []
    for rule in rules:
        merged = answers[0][rule.id]
        if len(answers) > 1:
            merged = _merge([answer[rule.id] for answer in answers], every_world)
        verdicts.extend(_on_record(findings[rule.id], key, judgement) for key, judgement in merged.items())
    return verdicts


def _collect(
    rule: Rule,
    project: Project,
    pipeline: Pipeline | None,
    repository: RepositorySettings | None,
    budget: Budget,
    seconds: float,
    clock: Callable[[], float],
) -> dict[_Key, Judgement]:
    """What one rule says of one project, with "not applicable" said for each environment it is silent about."""
    deadline = clock() + seconds
    budget.expired = lambda: clock() > deadline
    found: dict[_Key, Judgement] = {}
    heard: set[str] = set()
    said = 0  # also what was said before, of the same thing

    def listen(place: Place, judgements: Iterator[Judgement]) -> None:
        nonlocal said
        try:
            for judgement in judgements:
                said += 1
                _add(found, rule, _as_far_as_read(judgement, project.gaps))
                heard.add(judgement.place.environment_name)
                if budget.expired():
                    raise BudgetExceeded
        except BudgetExceeded:
            why = f"the rule used up its {seconds:g} s and was stopped: what it had not reached is not judged"
            _add(found, rule, place_undecided(place, why))
        except Exception as error:  # noqa: BLE001 - whatever a rule raises is its outcome, and fails the run
            _add(found, rule, _crashed(place, error))
            heard.add(place.environment_name)

    project.gaps.forget()
    project.pipeline = pipeline
    for environment in project.environments:
        if rule.check is not None:
            listen(environment, rule.check(environment))
    if rule.check_project is not None and project.environments:
        listen(project.environments[0], rule.check_project(project))
    account = project.account
    if rule.check_account is not None and account is not None:
        listen(account, rule.check_account(account, project))
    on_resources = rule.check or rule.check_project or (rule.check_account and account)
    for environment in project.environments if on_resources else ():
        if environment.name not in heard:
            _add(found, rule, _silence(rule, environment, project.gaps))
    if rule.check_pipeline is not None and pipeline is not None:
        before, known = said, len(found)
        listen(pipeline, rule.check_pipeline(pipeline, project))
        for judgement in _unseen(rule, pipeline, found.values()):
            _add(found, rule, judgement)
        if said == before and len(found) == known:
            _add(found, rule, _nothing_there(rule, pipeline))
    if rule.check_settings is not None and repository is not None:
        listen(repository, rule.check_settings(repository, project))
    _doubted(found, rule, project)
    return found


def _silence(rule: Rule, environment: Environment, gaps: Gaps) -> Judgement:
    """What a silent rule says of an environment: that it does not apply, unless it looked at what nobody read."""
    blank = sorted(kind for name, kind in gaps.blank_met if name == environment.name)
    if not blank:
        return environment.not_applicable(None, f"There is no {rule.looked_for}.")
    said = "; ".join(f"{kind} ({gaps.blank[environment.name, kind]})" for kind in blank)
    return environment.undecided(None, f"whether there is a {rule.looked_for}: not read: {said}", fix=_FIX)


def _nothing_there(rule: Rule, pipeline: Pipeline) -> Judgement:
    """What a silent rule says of a pipeline: that it does not apply, unless a workflow could not be read."""
    workflows = pipeline.workflows
    empty = (problem for each in workflows.files.values() if not each.jobs for problem in each.problems)
    problem = next((each for each in (*workflows.problems, *empty) if each.unread), None)
    if problem is None:
        return pipeline.not_applicable(None, f"No {rule.looked_for_in_pipeline} in this repository.")
    return pipeline.undecided(None, f"what a workflow does that was not read: {problem}", fix=problem.fix)


_FIX: Final = "Let the audit's role read it: `checker permissions` prints the policy."


def _why(types: Iterable[str], gaps: Gaps) -> str:
    return "; ".join(f"{kind} could not all be read ({gaps.unlisted[kind]})" for kind in sorted(types))


def _as_far_as_read(judgement: Judgement, gaps: Gaps) -> Judgement:
    """A failure that may rest on what could not be listed is unknown: what was looked for since the last judgement."""
    fresh = gaps.since()
    if not fresh or judgement.outcome is not Outcome.FAIL:
        return judgement
    own = judgement.place.type if isinstance(judgement.place, Resource) else ""
    others = fresh - {own}
    return _unknown(judgement, _why(others, gaps)) if others else judgement


def _unknown(judgement: Judgement, why: str) -> Judgement:
    return replace(judgement, outcome=Outcome.UNKNOWN, violation=f"Cannot be decided: {why}.", fix=_FIX)


def _doubted(found: dict[_Key, Judgement], rule: Rule, project: Project) -> None:
    """What a rule said of an account while resources that it asked for could not all be listed is unknown.

    A resource that passes although others of its type may be missing still passes, and one that fails by a property of
    its own fails: only what may rest on the missing ones is in doubt.
    """
    met = project.gaps.met
    if not met:
        return
    doubted = False
    for key, judgement in found.items():
        place = judgement.place
        if place.surface is not Surface.ACCOUNT or judgement.outcome in (Outcome.UNKNOWN, Outcome.ERROR):
            continue
        alone = isinstance(place, Resource) and met <= {place.type}
        if alone or (judgement.outcome is Outcome.FAIL and judgement.path):
            continue
        doubted = True
        found[key] = _unknown(judgement, _why(met, project.gaps))
    if not doubted:
        for environment in project.environments:
            _add(found, rule, environment.undecided(None, _why(met, project.gaps), fix=_FIX))


def _unseen(rule: Rule, pipeline: Pipeline, said: Iterable[Judgement]) -> Iterator[Judgement]:
    """What the rule cannot tell of jobs that could not be followed: once for each, where it has not said so itself."""
    open_ = [each.place for each in said if each.outcome in (Outcome.UNKNOWN, Outcome.FAIL)]
    if rule.unseen is None or any(place is pipeline for place in open_):
        return
    told = {id(of) for place in open_ for of in (place, getattr(place, "job", getattr(place, "workflow", None)))}
    causes: set[object] = set()
    for each in pipeline.unfollowed:
        unseen = rule.unseen
        if (unseen.logins and each.logged_in) or (each.problem.elsewhere and (unseen.logins or unseen.own)):
            continue
        if not told & {id(each.job), id(each.job.entry)} and each.problem not in causes:
            told.add(id(each.job))
            yield each.undecided(rule.unseen.sub, f"{rule.unseen.what}: {each.problem}", fix=each.problem.fix)
        causes.add(each.problem)


def place_undecided(place: Place, why: str) -> Judgement:
    return Judgement(place, Outcome.UNKNOWN, None, "", f"Cannot be decided: {why}.", "Raise the budget, or report it.")


def _add(found: dict[_Key, Judgement], rule: Rule, judgement: Judgement) -> None:
    place = judgement.place
    if judgement.outcome is Outcome.FAIL and isinstance(place, Resource) and not place.certain:
        judgement = replace(
            judgement,
            outcome=Outcome.UNKNOWN,
            violation=f"It exists only under a condition that cannot be decided; where it does: {judgement.violation}",
        )
    why = place.stack.changed if isinstance(place, Resource | StackPlace) else ""
    if isinstance(place, StackPlace) and place.stack.is_task_definition:
        why = ""  # whatever its file holds by then, it is no stack
    if why and judgement.outcome in (Outcome.PASS, Outcome.FAIL):
        fix = "Keep the template in the repository as it is deployed."
        judgement = replace(judgement, outcome=Outcome.UNKNOWN, violation=f"Cannot be decided: {why}.", fix=fix)
    if judgement.outcome is Outcome.UNKNOWN and (settings := _settings_that_tell(judgement)):
        judgement = replace(judgement, fix=f"{judgement.fix} Or say {settings} in checker.toml, which may decide it.")
    key = _Key(rule.id, judgement.sub, place.environment_name, place.subject, judgement.path)
    before = found.get(key)
    if judgement.outcome is Outcome.FAIL and before is not None and before.outcome is Outcome.FAIL:
        lines = [place.locate("", exactly=False).line or 0 for place in (before.place, place)]
        if before.place is not place and lines[0] != lines[1]:
            key = key._replace(line=lines[1])
            before = found.get(key)
    if before is None or judgement.outcome.gravity < before.outcome.gravity:
        found[key] = judgement


def _settings_that_tell(judgement: Judgement) -> str:
    """The settings that say what an open verdict names as not known: where the stack is deployed."""
    place = judgement.place
    if not isinstance(place, Resource | StackPlace) or place.surface is Surface.ACCOUNT:
        return ""
    open_ = {"account": "" if place.stack.account else "${AWS::AccountId}",
             "region": "" if place.stack.region else "${AWS::Region}"}  # fmt: skip
    return " and ".join(name for name, text in open_.items() if text and text in judgement.violation)


def _merge(answers: Sequence[Mapping[_Key, Judgement]], every_world: Sequence[World]) -> dict[_Key, Judgement]:
    """One answer from several worlds. Silence counts: a thing that fails in one world and is not there in another."""
    keys = dict.fromkeys(key for answer in answers for key in answer)
    spoken = {
        (key.finding, key.environment)
        for answer in answers
        for key, judgement in answer.items()
        if judgement.outcome is not Outcome.NOT_APPLICABLE
    }
    merged: dict[_Key, Judgement] = {}
    for key in keys:
        said = [answer.get(key) for answer in answers]
        heard = [judgement for judgement in said if judgement is not None]
        outcomes = {judgement.outcome for judgement in heard}
        graver = min(heard, key=lambda judgement: judgement.outcome.gravity)
        everywhere = len(heard) == len(said)
        if outcomes == {Outcome.NOT_APPLICABLE} and not everywhere and (key.finding, key.environment) in spoken:
            continue
        same = everywhere and len(outcomes) == 1
        if not same and graver.outcome is Outcome.FAIL:
            when = next(world for world, judgement in zip(every_world, said, strict=True) if judgement is graver)
            graver = replace(
                graver,
                outcome=Outcome.UNKNOWN,
                violation=f"{graver.violation} (It depends: so it is {_described(when)}.)",
            )
        merged[key] = graver
    return merged


def _described(world: World) -> str:
    given = {**world.parameters, **world.rows}
    often = Counter(hole.name for hole in given)
    named = {hole: f" of {_stack_of(hole)}" if often[hole.name] > 1 else "" for hole in given}
    parts = [
        f"with {hole.name}{named[hole]} = {value}" if value is not None else f"with another {hole.name}{named[hole]}"
        for hole, value in given.items()
    ]
    parts += [f"{'where' if answer else 'unless'} {key.split(': ', 1)[-1]}" for key, answer in world.conditions.items()]
    return " and ".join(parts) or "in one case"


def _stack_of(hole: Parameter | Pseudo) -> str:
    """The stack's own name, of an id that tells its template too."""
    return hole.stack.rpartition("@")[2]


def _crashed(place: Place, error: Exception) -> Judgement:
    """The rule's own failure, with the resource that it was looking at when it happened."""
    traceback = error.__traceback__
    culprit, line = place, ""
    while traceback is not None:
        line = f"{traceback.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{traceback.tb_lineno}"
        culprit = _resource_in(traceback) or culprit
        traceback = traceback.tb_next
    said = f"The rule crashed at {line}: {type(error).__name__}: {error}"
    return Judgement(culprit, Outcome.ERROR, None, "", said, "Report it with the template: a rule must not crash.")


def _resource_in(traceback: TracebackType) -> Resource | None:
    return next((each for each in traceback.tb_frame.f_locals.values() if isinstance(each, Resource)), None)


def _on_record(finding: Finding, key: _Key, judgement: Judgement) -> Verdict:
    place = judgement.place
    return Verdict(
        finding=finding.id,
        severity=finding.severity_of(key.sub),
        outcome=judgement.outcome,
        surface=place.surface,
        environment=key.environment,
        subject=key.subject,
        location=place.locate(judgement.path, exactly=judgement.outcome is not Outcome.PASS),
        sub=judgement.sub,
        violation=clean(judgement.violation),
        fix=clean(judgement.fix),
        expected=clean(judgement.expected),
        actual=clean(judgement.actual),
        related=tuple(each.locate("", exactly=True) for each in (*judgement.related, *_changed_by(judgement))),
    )


def _changed_by(judgement: Judgement) -> Iterator[Resource]:
    """Who set what is judged, where that is not what stands at its place."""
    place = judgement.place
    if judgement.outcome is not Outcome.PASS and isinstance(place, AlteredResource):
        owner = place.changed_by(judgement.path)
        if owner is not None and owner not in judgement.related:
            yield owner


def clean(value: str) -> str:
    """Text from scanned input, safe to print, at no cost where it already is."""
    return value if value.isprintable() and len(value) < 2000 else printable(value)
