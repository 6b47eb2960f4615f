"""Templates as the pipeline deploys them: one stack for each name that its commands give, with what each is given.

A template that stands in the tree by itself says neither what its stack is called nor where it belongs. Two deployments
of one are two stacks: the values of one are not crossed with those of the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from checker.model.environment_words import UNNAMED, environment_of, kind_of
from checker.model.environments import EnvironmentKind
from checker.model.pipeline.changes import Held
from checker.model.pipeline.pipeline import Pipeline
from checker.model.resources import Stack, rebuilt
from checker.model.settings import Settings
from checker.resolve.templates.deployed.changed import Reading, changed
from checker.resolve.templates.deployed.commanded import (
    Deployment,
    deployments,
    given,
    is_template,
    makes_anew,
    of_previous,
)
from checker.resolve.templates.discovery import BESIDE, NOTHING_NAMES, in_environment, taken
from checker.resolve.templates.inside import BY_NAMES, BY_TAGS, environment_inside, named_after

_MOST: Final = 12
BY_JOBS: Final = "by its job's environment"
_SHORTEST: Final = 3  # letters of an environment's name that is looked for in others


class Deployed(Struct, frozen=True):
    """The stacks as they are deployed, what their environments are, and what is noted of them."""

    stacks: list[Stack]
    kinds: dict[str, EnvironmentKind]
    notes: tuple[str, ...]


def as_deployed(
    stacks: Sequence[Stack],
    kinds: Mapping[str, EnvironmentKind],
    notes: Iterable[str],
    pipeline: Pipeline,
    settings: Settings,
    reading: Reading,
) -> Deployed:
    """The stacks with the names, environments and parameters that the pipeline's commands give them."""
    found = [of_previous(each, stacks) for each in deployments(pipeline, reading.text)]
    made: list[Stack] = []
    said = list(notes)
    for stack in stacks:
        of = [each for each in found if is_template(each, stack.source.file) or makes_anew(each, stack)]
        loosely = _guessed(stack, said)
        names = _names(stack, of, loosely)
        if not names:
            one, said = _of_its_jobs(_with_changes(stack, of, reading), of, said)
            made.append(given(one, found, settings) if found else one)
            continue
        said = [each for each in said if each not in loosely]
        for name in names:
            own = [each for each in found if name in each.names and (each in of or each.previous)]
            environment, why = _environment(name, own, settings)
            if environment == UNNAMED:
                environment, why = environment_inside(stack) or (environment, why)
            if why:
                said.append(taken(f"{name}, as {own[0].spot} deploys {stack.source.file},", environment, why))
            called = _with_changes(_called(stack, name, environment, alone=len(names) == 1), own, reading)
            made.append(given(called, own, settings, said=stack.parameters))
    made, said = _of_jobs(made, said, pipeline)
    return Deployed(made, _kinds(made, kinds, settings), tuple(said))


def _of_its_jobs(stack: Stack, of: Sequence[Deployment], notes: list[str]) -> tuple[Stack, list[str]]:
    """A template or task definition that nothing names is of the environment of the jobs that deploy it, where they
    have one between them."""
    note = taken(stack.name, UNNAMED, NOTHING_NAMES, stack.what)
    jobs = {each.environment for each in of}
    if note not in notes or len(jobs) != 1 or not (job := jobs.pop()):
        return stack, notes
    told = taken(stack.name, job, BY_JOBS, stack.what)
    return in_environment(stack, job), [told if each == note else each for each in notes]


def _of_jobs(stacks: Sequence[Stack], notes: Sequence[str], pipeline: Pipeline) -> tuple[list[Stack], list[str]]:
    """The stacks that nothing names are of that environment of the pipeline's jobs which their resources are called
    after: what an environment is called may be any word, and the jobs tell which words are."""
    told = (name for job in pipeline.jobs for name in job.environments or ())
    names = {name for name in told if isinstance(name, str) and len(name) >= _SHORTEST}
    made, said = list(stacks), list(notes)
    for index, stack in enumerate(stacks):
        note = taken(stack.name, UNNAMED, NOTHING_NAMES)
        if note in said and (found := named_after(stack, names)) is not None:
            made[index] = in_environment(stack, found)
            said[said.index(note)] = taken(stack.name, found, BY_NAMES)
    return made, said


def _with_changes(stack: Stack, of: Sequence[Deployment], reading: Reading) -> Stack:
    """The stack as the jobs that deploy it have changed its template before."""
    if all(each.held is None for each in of):
        return stack
    changes = changed(stack, [each.held or Held("") for each in of], reading)
    return rebuilt(stack, lambda each: changes if each is stack else {}) if changes else stack


def _guessed(stack: Stack, notes: Sequence[str]) -> frozenset[str]:
    """The notes of an environment that neither the stack's own name nor anybody says: the pipeline knows better."""
    whys = (NOTHING_NAMES, BY_NAMES, BY_TAGS, BESIDE)
    return frozenset(notes) & {taken(stack.name, stack.environment, why) for why in whys}


def _names(stack: Stack, of: Sequence[Deployment], loosely: Collection[str]) -> tuple[str, ...]:
    """The names of the stacks that a template is deployed as; none where it has its own, or not all are known."""
    said = stack.environment != UNNAMED and not loosely
    if said or "@" in stack.id or not of or not all(each.names for each in of):
        return ()
    names = tuple(dict.fromkeys(name for each in of for name in each.names))
    return names if len(names) <= _MOST else ()


def _environment(name: str, own: Sequence[Deployment], settings: Settings) -> tuple[str, str]:
    """The environment of a stack of this name, and why it is taken for that one where nobody says so."""
    if (by_hand := settings.stacks.get(name)) is not None:
        return by_hand, ""
    if (by_name := environment_of(name)) is not None:
        return by_name, "by its name"
    jobs = {each.environment for each in own}
    if len(jobs) == 1 and (job := jobs.pop()):
        return job, BY_JOBS
    return UNNAMED, NOTHING_NAMES


def _called(stack: Stack, name: str, environment: str, *, alone: bool) -> Stack:
    def change(each: Stack) -> dict[str, Any]:
        own = {"name": name, "named": True} if each is stack else {}
        key = stack.id if alone else f"{stack.id}@{name}"
        return {"id": key + each.id.removeprefix(stack.id), "environment": environment, **own}

    return rebuilt(stack, change)


def _kinds(
    stacks: Iterable[Stack], before: Mapping[str, EnvironmentKind], settings: Settings
) -> dict[str, EnvironmentKind]:
    """What the environments are that still have stacks, those that were there before first."""
    named = dict.fromkeys(stack.environment for stack in stacks)
    found = {name: kind for name, kind in before.items() if name in named}
    for name in named:
        if name not in found:
            own = settings.environment_kinds.get(name)
            found[name] = EnvironmentKind(own) if own else kind_of(name)
    return found
