"""What containers migrate with: those of images that do so whenever they start, and those of tasks that jobs start.

A script that migrates under a condition does so perhaps in one task alone: that an image has it is no claim that all of
its containers do. What a task is told to run, it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from checker.model.migrations.folders import MigrationRunner
from checker.model.pipeline.pipeline import Pipeline, StartedContainer
from checker.model.pipeline.scripts import Command
from checker.reason.migrations.migrating import Migrating, migrating_in, programs_of, runs_its_image, starts_task
from checker.reason.migrations.started.built import changed_by_then


@lru_cache(maxsize=4)  # rules ask it over and over
def by_images(pipeline: Pipeline) -> tuple[Migrating, ...]:
    """What containers of images migrate with by themselves, whatever there is."""
    return tuple(each for one in pipeline.containers if one.call is None for each in _surely(one, pipeline))


def by_scripts(pipeline: Pipeline) -> list[Migrating]:
    """Likewise with a tool, without what is found by the tool's own command in the image's recipe or its script."""
    told = {each.library for each in pipeline.migration_code.at_start}
    return [each for each in by_images(pipeline) if each.tool is not None and each.tool.name not in told]


@lru_cache(maxsize=4)
def by_tasks(pipeline: Pipeline) -> tuple[Migrating, ...]:
    """What containers of tasks migrate with, as jobs have these started."""
    return tuple(each for one in pipeline.containers if one.call is not None for each in _inside(one, pipeline))


def read_into(steps: Sequence[Migrating], pipeline: Pipeline) -> list[Migrating]:
    """The steps, with what a task's container migrates with in place of the call that starts it; beside that call where
    not all of the container's script could be followed."""
    return [each for step in steps for each in _read_into(step, pipeline)]


def _read_into(step: Migrating, pipeline: Pipeline) -> Iterator[Migrating]:
    found = [each for each in pipeline.containers if each.call is not None and each.call is step.start]
    inner = [each for one in found for each in _inside(one, pipeline)] if step.tool is None else []
    if not inner or not all(each.whole for each in found):
        yield step
    yield from inner


def _surely(one: StartedContainer, pipeline: Pipeline) -> Iterator[Migrating]:
    return (each for each in _inside(one, pipeline) if each.action.reached.certain)


def _inside(one: StartedContainer, pipeline: Pipeline) -> Iterator[Migrating]:
    return (each for each in migrating_in(one.job, pipeline) if not each.back)


def step_changed_by_then(step: Migrating, pipeline: Pipeline) -> str:
    """Why the script that a container's step stands in is perhaps another one in the image; empty where nothing says
    so."""
    files = (spot.file for spot in (step.action.spot, *step.action.reached.via))
    images = [one.image for one in pipeline.containers if one.job is step.job]
    return changed_by_then(files, images, pipeline, [each.recipe for each in images]) if images else ""


def is_one_of(step: Migrating, runners: Sequence[MigrationRunner], pipeline: Pipeline) -> bool:
    """Whether a program of its own may be one that is read: any, where no file that it runs says otherwise; and what
    only starts the one that migrates, which may be the image's own entry point."""
    if runs_its_image(step):
        return bool(runners or pipeline.migration_code.at_start or by_scripts(pipeline))
    if not runners or not isinstance(step.action, Command) or starts_task(step, pipeline):
        return bool(runners)
    names = {each for runner in runners for each in (*(file.file for file in runner.files), *runner.callers)}
    known = {part for each in names for part in each.rpartition(".")[0].split("/")}
    return all(each in known for each in programs_of(step.action))
