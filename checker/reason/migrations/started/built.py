"""Whether an image has a file of the repository as the repository has it: its recipe may change it, or put another one
in its place, and so may the job that builds the image, before it does.

Sources: Docker CLI reference, "docker buildx build", "docker buildx bake", "docker compose build"; podman-build(1);
README of docker/build-push-action ("Path context": what is built is the folder as the job has it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from checker.data.harmless import engine_verbs
from checker.model.migrations.folders import MigrationRunner
from checker.model.migrations.images import ImageStart
from checker.model.pipeline.changes import held_by
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import Command, Trace

FIX_CHANGED: Final = "Have it in the repository as it runs, and change it nowhere else."
_ENGINES: Final = frozenset({"docker", "docker-compose", "podman", "podman-compose", "nerdctl", "finch", "buildah"})
_BUILDS: Final = frozenset({"build", "b", "bud", "build-using-dockerfile", "bake"})
_STARTS_THEM: Final = frozenset({"up", "run", "create"})  # of compose, which builds what is not there
_ACTIONS: Final = frozenset({"docker/build-push-action", "docker/bake-action", "depot/build-push-action"})
_Build: TypeAlias = Command | EffectiveStep


def changed_by_then(
    files: Iterable[str], images: Sequence[ImageStart], pipeline: Pipeline, recipes: Sequence[str] = ()
) -> str:
    """Why one of the files is perhaps another one in the images; empty where nothing says so. ``recipes``: of what
    follows from these, too."""
    own = tuple(dict.fromkeys(files))
    for file in own:
        if any(image.line_that_changes(file) is not None for image in images):
            return f"the recipe of the image changes {file}"
    for file in dict.fromkeys((*own, *recipes)):
        if any(held_by(trace, file, build) is not None for trace, build in _builds(pipeline)):
            return f"{file} is changed before the image is built"
    return ""


def runner_changed_by_then(runner: MigrationRunner, pipeline: Pipeline) -> str:
    """The same of a program that the repository has: in the image that starts it, or in those that have its files."""
    files = [each.file for each in runner.files if each.code]  # a task definition's is in no image
    every = pipeline.migration_code.images
    if runner.recipe:
        images = [each for each in every if each.recipe == runner.recipe]
        return changed_by_then(files, images, pipeline, [runner.recipe])
    images = [each for each in every if any(True for file in files for _ in each.lies(file))]
    return changed_by_then(files, images, pipeline) if images else ""


@lru_cache(maxsize=4)
def _builds(pipeline: Pipeline) -> tuple[tuple[Trace, _Build], ...]:
    """What builds images in jobs that change files."""
    traces = ((job, pipeline.trace(job)) for job in pipeline.jobs)
    return tuple((trace, each) for job, trace in traces if trace.changes for each in _of_job(job, trace))


def _of_job(job: EffectiveJob, trace: Trace) -> Iterator[_Build]:
    yield from (each for each in job.steps if each.step.action.lower() in _ACTIONS)
    for command in trace.commands:
        verbs = {verb for _, verb in engine_verbs(command.words)} if command.program in _ENGINES else set()
        composes = command.program.endswith("-compose") or "compose" in verbs
        if verbs & _BUILDS or (composes and verbs & _STARTS_THEM):
            yield command
