"""From sources to a Run: the one way through, as the command line and the CDK plug-in both take it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from checker import waivers
from checker.collect import repository
from checker.collect.config.excusing_files import WAIVER_FILES
from checker.collect.config.register import load_register
from checker.collect.config.waiver_files import passed_over
from checker.collect.own_rules import find, usable
from checker.collect.seen import seen_once
from checker.judge import judge
from checker.model.environments import EnvironmentKind, Project
from checker.model.resources import Stack
from checker.model.rules import Rule
from checker.model.settings import Settings
from checker.model.shown.facts import Facts
from checker.model.values import ResourceKey
from checker.model.verdicts import Coverage, Finding, Outcome, ProjectSummary, Run, Surface, Verdict
from checker.model.worlds import Budget
from checker.policies.rules import load, page_of
from checker.reason.altered.by_calls import altered_by_calls
from checker.reason.facts import drawn_of
from checker.reason.names.physical import literal_names
from checker.resolve.templates.alternatives import worlds
from checker.resolve.templates.conditional import never_made
from checker.resolve.templates.project import build_project
from checker.run.apart import judged as judged_apart
from checker.run.apart import refuse_endless
from checker.run.changed import Reading
from checker.run.coverage import (
    around,
    digests,
    excluded,
    exclusions,
    left_out,
    once_each,
    surfaces,
    unread_of_pipeline,
    unread_of_stacks,
    waived_away,
)
from checker.run.deployed import not_judged
from checker.run.ending import withheld
from checker.run.narrowed import not_asked_for, notes_of, without
from checker.run.pipeline import pipeline_of
from checker.run.request import Request
from checker.run.stacks import at_hand

if TYPE_CHECKING:
    from checker.model.live.repository_settings import RepositorySettings
    from checker.model.pipeline.pipeline import Pipeline

# What a gate can see without an account: the rest is for `audit`.
GATE_SURFACES: Final = frozenset({Surface.TEMPLATE, Surface.WORKFLOW, Surface.SCRIPT, Surface.MIGRATION})


@seen_once()
def gate(request: Request, *, with_pipeline: bool = True) -> Run:
    """Judge what is about to be merged or deployed, offline: templates, and the pipeline of the project around them.

    Where some environments are asked for, all are judged, and what is said of the others is left out.
    """
    here = at_hand(replace(request, environments=()))
    assemblies, stacks, kinds, notes = here.assemblies, here.stacks, here.kinds, here.notes
    register = load_register()
    told = (tuple(kinds), request.earlier, here.there)
    pipeline = pipeline_of(request.project, request.settings, *told) if with_pipeline else None
    if pipeline is not None:
        from checker.collect.pipeline.scripts import ScriptLibrary
        from checker.resolve.templates.deployed.deployed_as import as_deployed

        text = ScriptLibrary(request.project).text
        deployed_as = as_deployed(stacks, kinds, here.notes, pipeline, request.settings, Reading(text))
        if set(deployed_as.kinds) - set(kinds):
            # Jobs are told apart by the environments that there are.
            pipeline = pipeline_of(request.project, request.settings, tuple(deployed_as.kinds), request.earlier)
        stacks, kinds, notes = deployed_as.stacks, deployed_as.kinds, deployed_as.notes
        if pipeline is not None:
            from checker.run.tasks_started import with_tasks

            pipeline = with_tasks(pipeline, stacks)
    if not stacks and (pipeline is None or pipeline.all_left_out):
        raise here.nothing(request.project)
    others = not_asked_for(kinds, request.environments)
    if request.own_rules_allowed:
        refuse_endless(find(request.project, request.settings.rules, register.findings), request.settings.rule_seconds)
    own = usable(request.project, request.settings, register.findings, allowed=request.own_rules_allowed)
    rules = [rule for rule in load(with_pipeline=pipeline is not None) if rule.surfaces & GATE_SURFACES]
    findings = {**register.findings, **own.findings}
    facts: list[Facts] = []
    made: set[ResourceKey] = set()
    verdicts = judge_stacks(
        stacks,
        kinds,
        rules,
        findings,
        settings=request.settings,
        pipeline=pipeline,
        made=made,
        heard=(lambda project: facts.append(drawn_of(project, pipeline))) if request.with_facts else None,
    )
    verdicts += judged_apart(
        [rule for rule in own.rules if rule.surfaces & GATE_SURFACES],
        lambda some: judge_stacks(stacks, kinds, some, findings, settings=request.settings, pipeline=pipeline),
        request.settings.rule_seconds,
    )
    if request.earlier is not None:
        request.earlier.save()
    verdicts, statuses = waivers.apply(verdicts, request.waivers, request.today)
    judged = {verdict.finding for verdict in verdicts}
    deployed = () if request.assemblies else not_judged(request, assemblies, pipeline)
    broken = {each.what.partition(":")[0] for each in here.unread}  # one that is found and not read is said once
    also = (each for each in deployed if each.what not in broken)
    wanted = [stack for stack in stacks if stack.environment not in others]
    gaps = (*unread_of_stacks(wanted), *unread_of_pipeline(pipeline, others))
    unread = once_each((*here.unread, *also, *gaps))
    waived = waived_away(unread, pipeline, verdicts)
    coverage = Coverage(
        judged=tuple(finding for finding in findings if finding in judged),
        not_judged=tuple(finding for finding in findings if finding not in judged),
        surfaces=surfaces(wanted, pipeline),
        # No exclusion settles that the project's own rules were not run.
        unread=(
            *(
                each
                for each in unread
                if not excluded(each.what, request.settings) and (each.what, each.why) not in waived
            ),
            *own.unread,
        ),
        notes=(
            *own.notes,
            *notes,
            *passed_over(request.project, WAIVER_FILES),
            *exclusions(request, here.exclusions, pipeline, unread),
            *around(request.project),
            *left_out(pipeline),
            *notes_of(others, verdicts),
            *never_made(stacks, made),
            *(
                f"not read, and left out by checker.toml: {each.what} ({why})"
                for each in unread
                if (why := excluded(each.what, request.settings))
            ),
            *(
                f"not read, and all that it leaves open is waived ({ids}): {what}: {why}"
                for (what, why), ids in waived.items()
            ),
        ),
    )
    summary = ProjectSummary(
        repository=request.settings.repository or repository.slug(request.project),
        commit=repository.commit(request.project),
        assemblies=digests(assemblies, wanted),
    )
    environments = tuple(name for name in kinds if name not in others)
    shown = without(others, request.environments, verdicts)
    run = Run("gate", summary, environments, shown, coverage, findings, tuple(statuses))
    whole = with_facts(run, facts[0] if facts else Facts(), request.project) if request.with_facts else run
    return withheld(whole)


_WITH_LINES: Final = frozenset({Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN, Outcome.WAIVED})


def with_facts(run: Run, facts: Facts, root: Path) -> Run:
    """The run with what reports show beside its verdicts, the lines that they point at among it."""
    from checker.collect.config.controls import load_frameworks
    from checker.collect.excerpts import read_excerpts

    open_ = sorted((v for v in run.verdicts if v.outcome in _WITH_LINES), key=lambda v: v.outcome.gravity)
    places = [place for verdict in open_ for place in (verdict.location, *verdict.related)]
    pages = {each: page for each in dict.fromkeys(v.finding for v in open_) if (page := page_of(each))}
    facts = replace(facts, excerpts=read_excerpts(root, places), frameworks=load_frameworks(), pages=pages)
    return replace(run, facts=facts)


def judge_stacks(
    stacks: Sequence[Stack],
    kinds: Mapping[str, EnvironmentKind],
    rules: Iterable[Rule],
    findings: Mapping[str, Finding],
    *,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    pipeline: Pipeline | None = None,
    repository_settings: RepositorySettings | None = None,
    heard: Callable[[Project], None] | None = None,
    made: set[ResourceKey] | None = None,
    clock: Callable[[], float] = time.thread_time,
) -> list[Verdict]:
    """Judge stacks in every world that they leave open; one world's project at a time is in memory.

    ``heard`` is given the first of them when the rules are done with it; ``made`` takes in what is there in any world.
    """
    budget, every_world, seconds = Budget(), worlds(stacks), settings.rule_seconds

    def until(deadline: float) -> None:
        budget.expired = lambda: clock() > deadline

    def built() -> Iterator[Project]:
        for number, world in enumerate(every_world):
            budget.expired = lambda: False  # a rule's time, which the last one may have used up
            project = build_project(
                stacks, kinds, world, settings, budget, find_names=literal_names, find_changes=altered_by_calls
            )
            yield project
            if made is not None:
                made.update(resource.key for resource in project.known_resources())
            if number == 0 and heard is not None:
                until(clock() + seconds)
                heard(project)

    return judge(
        every_world,
        built(),
        rules,
        findings,
        budget,
        seconds=seconds,
        pipeline=pipeline,
        repository=repository_settings,
        clock=clock,
    )


@seen_once()
def model_of(request: Request) -> tuple[Project, Pipeline | None]:
    """What rules are asked about, for commands that show it and judge nothing: the project in its first world."""
    here = at_hand(request)
    stacks, kinds = here.stacks, here.kinds
    project = build_project(
        stacks,
        kinds,
        worlds(stacks)[0],
        request.settings,
        find_names=literal_names,
        find_changes=altered_by_calls,
    )
    return project, pipeline_of(request.project, request.settings, tuple(kinds), there=here.there)
