"""What a run has looked at, what it could not read, and what it leaves out and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from checker.collect.config.settings_file import FILE_NAME as SETTINGS_FILE
from checker.collect.repository import workflows_around
from checker.collect.seen import asked
from checker.collect.templates.assembly import Assembly
from checker.model.pipeline.shell import REFUSED
from checker.model.resources import Stack
from checker.model.settings import Settings
from checker.model.verdicts import Outcome, Surface, Unread, Verdict
from checker.resolve.templates.alternatives import loops_not_followed
from checker.resolve.templates.project import with_nested
from checker.run.request import Request

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline


def excluded(what: str, settings: Settings) -> str:
    """The reason for which ``checker.toml`` leaves a file out that could not be read; empty where it does not."""
    file = what.split(":", 1)[0]
    return next((why for pattern, why in settings.exclude.items() if fnmatchcase(file, pattern)), "")


def exclusions(
    request: Request, of_templates: frozenset[str] | None, pipeline: Pipeline | None, unread: Sequence[Unread]
) -> Iterator[str]:
    """What exclusions left out of the pipeline, and those that change nothing: somebody thinks that they do.

    ``of_templates`` are those that left something out of the templates; ``None`` where none was looked for: then one
    that left nothing out of the pipeline may be meant for them, unless there is no such file.
    """
    of_pipeline = pipeline.exclusions if pipeline else {}
    yield from (f"left out by {SETTINGS_FILE}: {what} ({why})" for what, why in of_pipeline.items())
    files = [each.what.split(":", 1)[0] for each in unread]
    for pattern in request.settings.exclude:
        if (
            pattern in (of_templates or ())
            or pattern in of_pipeline
            or any(fnmatchcase(each, pattern) for each in files)
        ):
            continue
        named = not any(sign in pattern for sign in "*?[")
        missing = named and not asked(request.project / pattern).exists()
        if of_templates is None and not missing:
            continue
        why = f"there is no {pattern}" if missing else f"{pattern} leaves nothing out"
        yield f"{request.settings.places.get(f'exclude.{pattern}', f'{SETTINGS_FILE}:1')}: exclude: {why}"


def waived_away(
    unread: Iterable[Unread], pipeline: Pipeline | None, verdicts: Iterable[Verdict]
) -> Mapping[tuple[str, str], str]:
    """What was not read, and of which all that it leaves undecided is waived: ``(what, why)`` -> by which waivers.

    A job is told of once, however much of it was not followed: its gaps are settled together.
    """
    open_, waived = [], []
    for verdict in verdicts:
        if verdict.outcome is Outcome.UNKNOWN:
            open_.append(verdict)
        elif verdict.outcome is Outcome.WAIVED and verdict.waiver is not None:
            waived.append(verdict)
    if not waived:
        return {}
    together: dict[str, set[str]] = {}
    for gap in pipeline.unfollowed if pipeline else ():
        together.setdefault(gap.job.name, set()).add(str(gap.problem))
    found = {}
    for each in unread:
        whole = f"{each.what}: {each.why}"
        said = {whole}.union(*(texts for texts in together.values() if whole in texts))
        by = [verdict for verdict in waived if _rests_on(verdict, each, said)]
        if by and not any(_rests_on(verdict, each, said) for verdict in open_):
            found[each.what, each.why] = ", ".join(dict.fromkeys(verdict.finding for verdict in by))
    return found


def _rests_on(verdict: Verdict, unread: Unread, said: Iterable[str]) -> bool:
    """Whether a verdict names what was not read: as a whole, or as a part of the very file that it stands in."""
    file, _, part = unread.what.partition(": ")
    if part and verdict.location.file == file and f"{part}: {unread.why}" in verdict.violation:
        return True
    return any(each in verdict.violation for each in said)


def once_each(unread: Sequence[Unread]) -> list[Unread]:
    """Templates and pipeline are looked for in the same folders: what neither could read is named once.

    So is a template that is deployed several times, and a line that does the same twice.
    """
    once: dict[tuple[str, str], Unread] = {}
    for each in unread:
        once.setdefault((each.what, each.why), each)
    return [each for (what, why), each in once.items() if not what.endswith(":1") or (what[:-2], why) not in once]


def unread_of_stacks(stacks: Sequence[Stack]) -> Iterable[Unread]:
    for stack in with_nested(stacks):
        if stack.changed:
            yield Unread(stack.source.file, stack.changed, "the template as it is deployed, in the repository")
        for reason in stack.unread:
            what, _, why = reason.partition(": ")
            yield Unread(f"{stack.source.file}: {what}", why)
    for stack, loop in loops_not_followed(stacks):
        yield Unread(f"{stack.source.file}: {loop}", "its collection is not known")


def unread_of_pipeline(pipeline: Pipeline | None, others: Collection[str] = ()) -> Iterable[Unread]:
    """What of the pipeline was not read or followed, but for what only jobs of ``others`` do: nobody asks for them."""
    if pipeline is None:
        return
    of_migrations = [problem for folder in pipeline.migrations for problem in folder.all_problems]
    asked = (each for each in pipeline.unfollowed if any(way.environment_name not in others for way in each.job.ways))
    unfollowed = [each.problem for each in asked]
    causes = dict.fromkeys((*pipeline.problems, *of_migrations, *pipeline.of_containers, *unfollowed))
    for problem in causes:
        if problem.unread:
            yield Unread(str(problem.spot), problem.message, problem.fix)


def left_out(pipeline: Pipeline | None) -> Iterable[str]:
    if pipeline and pipeline.not_run:
        rest = len(pipeline.not_run) - 4
        shown = ", ".join(pipeline.not_run[:4]) + (f" and {rest} more" if rest > 0 else "")
        yield f"no workflow is seen to run {shown}: what it does is not judged"
    by_host: dict[str, dict[str, None]] = {}
    for trace in pipeline.traces.values() if pipeline else ():
        for way, host in trace.elsewhere:
            by_host.setdefault(host, {})[str(way[-1])] = None
    for host, spots in by_host.items():
        first, rest = next(iter(spots)), len(spots) - 1
        more = f" and {rest} more" if rest else ""
        yield f"calls that go to {host}, not to AWS, are not judged: {first}{more}"
    for name in pipeline.left_out if pipeline else ():
        yield f"jobs of environment {name} are not judged: its stacks are not among what is judged"
    problems = list(pipeline.workflows.all_problems) if pipeline else []
    problems += [each for folder in pipeline.migrations for each in folder.problems] if pipeline else []
    # Scripts that fail where they run, and that leave nothing open.
    of_scripts = (each for trace in pipeline.traces.values() for each in trace.problems) if pipeline else ()
    problems += [each for each in of_scripts if each.message == REFUSED]
    for problem in dict.fromkeys(problems):
        if not problem.unread:
            yield str(problem)


def around(project: Path) -> Iterable[str]:
    """What stands around a folder that is judged by itself."""
    try:
        found = workflows_around(project)
    except OSError:
        return
    if found:
        yield f"the workflows of the repository around this folder are not judged ({found}): run this at its top"


def surfaces(stacks: Sequence[Stack], pipeline: Pipeline | None) -> dict[str, str]:
    every = list(with_nested(stacks))
    count = sum(len(stack.template.get("Resources", ())) for stack in every)
    found = {Surface.TEMPLATE.value: f"{_many(len(every), 'template')}, {_many(count, 'resource')}"}
    if pipeline is not None:
        workflows, jobs = len(pipeline.workflows.files), len(pipeline.jobs)
        found[Surface.WORKFLOW.value] = f"{_many(workflows, 'workflow')}, {_many(jobs, 'job')}"
        if pipeline.migrations:
            count = sum(len(folder.migrations) for folder in pipeline.migrations)
            folders = _many(len(pipeline.migrations), "folder")
            found[Surface.MIGRATION.value] = f"{folders}, {_many(count, 'migration')}"
    return found


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def digests(assemblies: Iterable[Assembly], stacks: Sequence[Stack]) -> dict[str, str]:
    """The digest of the assembly that each environment is judged by."""
    digests: dict[str, str] = {}
    for assembly in assemblies:
        files = {id(stack.source) for stack in assembly.stacks}
        for stack in stacks:
            if id(stack.source) in files:
                digests.setdefault(stack.environment, assembly.digest)
    return digests
