"""What a container does that starts a script of the repository: its image says so, or the one who starts a task.

The script is followed as one that a job calls, but by itself: with the roles, variables and files of no job, for a
task has its own. What its variables are only its task definition knows. Sources: Dockerfile reference, "ENTRYPOINT";
Amazon ECS API Reference, "ContainerOverride" (``command`` takes the place of CMD, and never that of ENTRYPOINT).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.migrations.images import ImageStart
from checker.model.pipeline.jobs import WORKSPACE, EffectiveJob, EffectiveStep
from checker.model.pipeline.pipeline import StartedContainer
from checker.model.pipeline.scripts import AwsCall, Command, Reached, Trace
from checker.model.pipeline.workflows import Job, Step, Workflow
from checker.model.possible import options, shown
from checker.model.sources import Problem, Spot
from checker.model.written.shell_lines import behind_options, is_shell, line_at, listed
from checker.resolve.effort import Effort, SpentError
from checker.resolve.shell.files.overlaid import Overlaid
from checker.resolve.shell.files.written import Written
from checker.resolve.shell.starting import line_of
from checker.resolve.shell.state import State
from checker.resolve.trace.assuming.sessions import Sessions
from checker.resolve.trace.collected import Collected
from checker.resolve.trace.programs import Earlier, Programs, Scripts

_STARTS: Final = frozenset({("ecs", "RunTask"), ("ecs", "StartTask")})
_INITS: Final = frozenset({"tini", "dumb-init", "catatonit"})
_AS_USER: Final = frozenset({"gosu", "su-exec"})
_COMMAND: Final = lazy_re.compile(r"[\"']?[cC]ommand[\"']?\s*[:=]\s*(\[[^\[\]]*\])")
_MOST: Final = 200  # containers that are followed
_FIX_LONG: Final = "Write a shorter recipe."
_FIX_MANY: Final = "Judge the folders of the images one by one."
# A repository's files as an image has them: its places, and the repository's that lie there.
Laid: TypeAlias = Callable[[Sequence[tuple[str, str]]], Scripts]


class _InImage(Struct):
    """What following came to in earlier runs, by what was started in an image whose files lie so."""

    earlier: Earlier
    places: tuple[tuple[str, str], ...]

    def recall(self, path: str, started: str) -> object | None:
        return self.earlier.recall(path, f"{started}\0{self.places!r}")

    def keep(self, path: str, started: str, what: Callable[[], object]) -> None:
        self.earlier.keep(path, f"{started}\0{self.places!r}", what)


def started_containers(
    images: Sequence[ImageStart],
    traces: Mapping[EffectiveJob, Trace],
    files: Scripts,
    laid: Laid,
    earlier: Earlier | None = None,
) -> tuple[tuple[StartedContainer, ...], tuple[Problem, ...]]:
    """The containers that start scripts of the repository, followed: those that images start so, and those of tasks
    that jobs start with a command, where one image alone has such a script. And what nobody knows of others."""
    found: list[StartedContainer] = []
    problems = [
        Problem(Spot(each.recipe, each.line), f"what its containers start is not known: {each.unknown}", _FIX_LONG)
        for each in images
        if each.unknown
    ]
    for image in images:
        words = _placed([*image.entry, *image.command], image, files)
        if words is not None and len(found) >= _MOST:
            message = f"what its containers start was not followed, behind {_MOST} others"
            problems.append(Problem(Spot(image.recipe, image.line), message, _FIX_MANY))
            break
        if words is not None:
            found.append(_followed(image, words, laid, None, earlier))
    for call, given in _commands(traces) if images else ():
        ways = {
            (tuple(words), image.own_folder, image.places): (image, words)
            for image in images
            if (words := _placed([*_before(image, files), *given], image, files)) is not None
        }
        if len(found) + len(ways) > _MOST:
            message = f"what the container does that this starts was not followed, behind {_MOST} others"
            problems.append(Problem(call.spot, message, _FIX_MANY))
            break
        each = [_followed(*way, laid, call, earlier) for way in ways.values()]
        # A line that a shell is given could be run in any: what tells is which image has the script in it.
        each = [one for one in each if len(each) == 1 or any(map(_in_own_script, one.trace.commands))]
        found += each if len(each) == 1 else []
    problems += [each for one in found for each in _changed(one)]
    return tuple(found), tuple(dict.fromkeys(problems))


def _changed(one: StartedContainer) -> Iterator[Problem]:
    """The scripts that a container runs, and that the recipe of its image has changed by then."""
    spots = [spot for each in one.trace.actions for spot in (each.reached.spot, *each.reached.via)]
    for file in dict.fromkeys(spot.file for spot in spots):
        line = one.image.line_that_changes(file)
        if line is not None:
            said = f"what {file} is in the image is not known: it was followed as the repository has it"
            yield Problem(Spot(one.image.recipe, line), said, "Change it in the repository.")


def _in_own_script(command: Command) -> bool:
    return bool(command.reached.via) and command.spot.file != command.reached.via[0].file


def _before(image: ImageStart, files: Scripts) -> tuple[str, ...]:
    """What an image puts before the command that a task is given; not a program that is none of the repository's, which
    most often starts that command in turn."""
    return image.entry if _placed(image.entry, image, files) is not None else ()


def _placed(words: Sequence[str], image: ImageStart, files: Scripts) -> list[str] | None:
    """The words, with the repository's own file in place of the image's; ``None`` where they start no shell script of
    the repository, nor a shell that is given a line."""
    words = [*_behind(words)]
    if line_at(words) is not None:
        return [*words]
    at = behind_options(words) if words and is_shell(words[0]) else 0
    if at >= len(words):
        return None
    known = files.as_shell if at else files.shell
    # A shell looks for its script in its folder first, and not on the path.
    named = f"./{words[at]}" if at and "/" not in words[at] else words[at]
    own = next((each for each in image.own(named) if files.is_file(each) and known(each) is not None), None)
    return [*words[:at], f"{WORKSPACE}/{own}", *words[at + 1 :]] if own is not None else None


def _behind(words: Sequence[str]) -> Sequence[str]:
    """What an init process, or what changes to another user, is given to start (tini, dumb-init and gosu: README)."""
    name = words[0].rpartition("/")[2] if words else ""
    if name in _INITS:
        at = next((index for index, each in enumerate(words) if index and not each.startswith("-")), len(words))
        return _behind(words[at:])
    return _behind(words[2:]) if name in _AS_USER else words


def _commands(traces: Mapping[EffectiveJob, Trace]) -> Iterator[tuple[AwsCall, tuple[str, ...]]]:
    """The commands that tasks are started with, by the calls that start them."""
    for trace in traces.values():
        for call in trace.aws:
            if (call.service, call.operation) in _STARTS:
                for name in ("overrides", "cliInputJson"):
                    for words in _in_text(call.argument(name)):
                        yield call, words


def _in_text(value: object) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if str(name).lower() == "command" and isinstance(each, tuple) and all(isinstance(one, str) for one in each):
                yield each
            else:
                yield from _in_text(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _in_text(each)
    else:
        for option in options(value) or ():  # type: ignore[arg-type]
            for match in _COMMAND.finditer(shown(option)):
                yield from _listed(match[1])


def _listed(written: str) -> Iterator[tuple[str, ...]]:
    """A list in JSON's spelling, or the CLI's shorthand."""
    words = listed(written)
    if words is None:
        words = [each.strip(" '\"") for each in written[1:-1].split(",")]
    if words:
        yield tuple(words)


def _followed(
    image: ImageStart, words: Sequence[str], laid: Laid, call: AwsCall | None, earlier: Earlier | None
) -> StartedContainer:
    files = laid(image.places)
    spot = Spot(image.recipe, image.line)
    recipe = Workflow(image.recipe, image.recipe, spot)
    job = EffectiveJob(image.recipe, Job(image.recipe, spot), recipe, recipe, None, "")
    step = EffectiveStep(job, Step(0, spot), 0)
    effort, written = Effort(), Written(files)
    effort.begin()
    collected = Collected(
        files,
        Programs(files, effort, _InImage(earlier, image.places) if earlier is not None else None),
        job=job,
        written=written,
        sessions=Sessions(Overlaid(files, written).text),
    )
    script = files.shell_text(line_of(words, {}), image.recipe, (image.line,))
    folder = image.own_folder
    state = State(script, folder=folder, written=written)
    try:
        collected.shell(state, Reached(spot, step=step))
    except SpentError:
        collected.complain(spot, "what a container of it does is too much to be followed", "Start less in one script.")
    problems: Iterable[object] = (*collected.problems, *collected.foreign)
    trace = replace(collected.trace(), changes=tuple(written.changes.found))
    return StartedContainer(job, trace, image, call, whole=not any(problems))
