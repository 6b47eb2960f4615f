"""What decides how a job runs, and every way in which it can be decided: a ref, an option, a row of a matrix.

One such choice is seen in several places: the row that names the environment names the role too. So a job is looked at
once for each way in which all of them can fall together (:class:`View`), and never with the environment of one and the
role of another. What decides who acts (the environment, the role) is always told apart, up to :data:`MAX_WAYS` ways;
what only decides names in scripts is where those are few.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveJob, Example
from checker.model.pipeline.workflows import Field, Input, Job, Step
from checker.model.possible import shown
from checker.resolve.expressions.contexts import Bound, View
from checker.resolve.expressions.evaluation import Contexts, open_conditions
from checker.resolve.expressions.matrices import Row, rows_of
from checker.resolve.expressions.syntax import split

MAX_WAYS: Final = 256
_FEW: Final = 32
# Conditions that only the run knows and that choose between values: each doubles the number of ways.
_MAX_CONDITIONS: Final = 3
_BY_HAND: Final = "workflow_dispatch"
# What tells a script, or an expression, on which ref it runs.
RUNNER_REF: Final = lazy_re.compile(r"\bGITHUB_(?:HEAD_|BASE_)?REF|\bGITHUB_EVENT_NAME\b")
_ON_REF: Final = lazy_re.compile(
    r"\bgithub\.(?:ref\w*|event_name|event\.release)\b|\bgithub\b(?!\s*[.\w])", re.IGNORECASE
)
_NAMES: Final = {
    kind: lazy_re.compile(rf"(?<![\w.]){kind}\b(?:\.([A-Za-z_][\w-]*)|\[\s*'([^']+)'\s*\])?", re.IGNORECASE)
    for kind in ("inputs", "matrix", "env")
}
_PICKED_BY_HAND: Final = lazy_re.compile(r"github\.event\.inputs\b(?:\.([A-Za-z_][\w-]*)|\[\s*'([^']+)'\s*\])?", re.I)
# Contexts that mean something else in every workflow.
_LOCAL: Final = lazy_re.compile(r"'context', '(?:inputs|needs|env|matrix|steps|job|secrets)'", re.IGNORECASE)
_ALL: Final = "*"
# Commands and variables by which a script takes a role on.
_TAKES_ON: Final = lazy_re.compile(r"assume-role|assume_role|AWS_ROLE_ARN|AssumeRole")


class Way(Struct, frozen=True):
    """One way in which a job's choices fall. ``given`` says it in words, the ref left out."""

    view: View
    examples: tuple[Example, ...]
    given: str = ""


class _Spoken(Struct):
    """What expressions speak of: names of inputs, of the matrix, of variables (``*`` for all), the ref, other jobs."""

    inputs: set[str] = field(default_factory=set)
    matrix: set[str] = field(default_factory=set)
    env: set[str] = field(default_factory=set)
    picked: set[str] = field(default_factory=set)
    ref: bool = False
    needs: bool = False
    secrets: bool = False

    def read(self, texts: Iterable[str]) -> None:
        for each in texts:
            self.ref = self.ref or bool(_ON_REF.search(each) or RUNNER_REF.search(each))
            self.needs = self.needs or "needs" in each
            self.secrets = self.secrets or "secrets" in each
            for kind, found in (("inputs", self.inputs), ("matrix", self.matrix), ("env", self.env)):
                found.update((match[1] or match[2] or _ALL).lower() for match in _NAMES[kind].finditer(each))
            self.picked.update((match[1] or match[2] or _ALL).lower() for match in _PICKED_BY_HAND.finditer(each))


def _among(name: str, names: Collection[str]) -> bool:
    return _ALL in names or name.lower() in names


class _Level(Struct, frozen=True):
    """A job on the way to the one that is looked at, the names of its matrix that matter to that, and the texts in
    which that is written."""

    bound: Bound
    job: Job
    matrix: frozenset[str]
    sources: tuple[str, ...]


class _Axes(Struct, frozen=True):
    """What matters to some of a job's values: in its workflow and its callers', innermost first, and at the start."""

    levels: tuple[_Level, ...]
    inputs: frozenset[str]
    ref: bool

    @property
    def top(self) -> Bound:
        return self.levels[-1].bound


def ways_of(job: EffectiveJob, bound: Bound) -> tuple[Way, ...]:
    """Every way in which the choices that matter to a job can fall; one where there is nothing to choose."""
    deciding = _axes(bound, job.job, list(_deciding(job)))
    named = _axes(bound, job.job, [text for step in job.job.steps for text in _values_of(step)])
    by_ref = deciding.ref or _chosen_by_ref(named) > 1
    ways = [way for start in _starts(job, deciding, by_ref=by_ref) for way in _filled_in(start, deciding, MAX_WAYS)]
    ways = _by_rows(ways, deciding, MAX_WAYS)
    ways = _widened(ways, partial(_conditions, axes=deciding, least=1), MAX_WAYS)
    ways = [each for way in ways for each in _filled_in(way, named, _FEW, booleans=False)] if len(ways) < _FEW else ways
    ways = _by_rows(ways, named, _FEW)
    return tuple(_widened(ways, partial(_conditions, axes=named, least=2), _FEW))


def _deciding(job: EffectiveJob) -> Iterator[str]:
    """What is written of who acts: the environment, the steps that take a role on, variables that name one."""
    yield from _texts(job.job.environment)
    through = {each.step.via[0] for each in job.credentials if each.step.via}
    taking = {id(each.step.step) for each in job.credentials}
    for step in job.job.steps:
        if id(step) in taking or (through and step.uses.startswith("./")):
            yield from _texts((step.if_, step.with_, step.env))
        elif step.run is not None and _TAKES_ON.search(step.run.text):
            yield from (step.run.text, *_texts((step.if_, step.env)))
    for env in (job.workflow.env, job.job.env, *(step.env for step in job.job.steps)):
        yield from _texts([value for name, value in env.items() if name.startswith("AWS_")])


def _values_of(step: Step) -> Iterator[str]:
    yield from _texts((step.with_, step.env, step.working_directory, step.run.text if step.run else ""))


def _widened(ways: list[Way], split_up: Callable[[Way], list[Way]], most: int) -> list[Way]:
    """Each way split up further; as they were where that gives too many."""
    found: list[Way] = []
    for way in ways:
        found.extend(split_up(way))
        if len(found) > most:
            return ways
    return found


def _by_rows(ways: list[Way], axes: _Axes, most: int) -> list[Way]:
    for level in reversed(axes.levels):
        if level.matrix and level.job.matrix is not None:
            ways = _widened(ways, partial(_rows, level=level), most)
    return ways


def _axes(bound: Bound, job: Job, texts: list[str]) -> _Axes:
    """What matters to something that is written in a job."""
    levels: list[_Level] = []
    ref, picked = False, set[str]()
    while True:
        spoken = _Spoken()
        spoken.read(texts)
        for env in (job.env, bound.workflow.env):
            texts += (more := list(_texts([value for name, value in env.items() if _among(name, spoken.env)])))
            spoken.read(more)
        if spoken.matrix:
            texts += (more := list(_texts(job.matrix)))
            spoken.read(more)
        if spoken.needs:
            spoken.read(_needed(bound, job))
        levels.append(_Level(bound, job, frozenset(spoken.matrix), tuple(texts)))
        ref = ref or spoken.ref
        picked |= spoken.picked
        if bound.caller is None or bound.job is None:
            return _Axes(tuple(levels), frozenset(spoken.inputs | picked), ref)
        job, bound = bound.job, bound.caller
        given = [value for name, value in job.with_.items() if _among(name, spoken.inputs)]
        texts = [*_texts(given), *(_texts(job.secrets) if spoken.secrets else ())]


def _needed(bound: Bound, job: Job) -> Iterator[str]:
    """What is written in the jobs that a job needs, and those need."""
    for each in bound.workflow.needed(job.id):
        needed = bound.workflow.jobs.get(each)
        if needed is not None:
            yield from _texts((needed.if_, needed.env, needed.steps, needed.with_, needed.outputs))


def _texts(value: object) -> Iterator[str]:
    """Every text in something that is written in a workflow."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Field):
        yield from _texts(value.value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, Step):
        yield from _texts((value.if_, *_values_of(value)))


# -- the choices ---------------------------------------------------------------------------------


def _chosen_by_ref(axes: _Axes) -> int:
    """How many expressions choose a value by the ref."""
    codes = [part for level in axes.levels for text in level.sources for part, is_code in split(text) if is_code]
    return sum(bool(_ON_REF.search(code)) and ("&&" in code or "[" in code) for code in codes)


def _starts(job: EffectiveJob, axes: _Axes, *, by_ref: bool) -> Iterator[Way]:
    """The starts that have to be told apart, each with its examples of refs."""
    if by_ref and job.examples:
        for each in job.examples:
            start = replace(each.start, ref=each.ref)
            yield Way(View((start,)), (replace(each, start=start),))
        return
    by_hand = tuple(start for start in job.starts if start.event == _BY_HAND)
    if not by_hand or len(by_hand) == len(job.starts) or not any(_choices(axes)):
        yield Way(View(job.starts), job.examples)
        return
    for hand in (True, False):
        starts = tuple(start for start in job.starts if (start.event == _BY_HAND) is hand)
        yield Way(View(starts), tuple(each for each in job.examples if (each.event == _BY_HAND) is hand))


def _choices(axes: _Axes) -> Iterator[tuple[str, tuple[object, ...]]]:
    """What a person can choose when starting the workflow, as far as it matters."""
    for name, each in axes.top.workflow.inputs.items():
        values = _values(each, axes.top)
        if len(values) > 1 and _among(name, axes.inputs):
            yield name, values


def _values(declared: Input, top: Bound) -> tuple[object, ...]:
    if declared.type == "boolean":
        return (True, False)
    if declared.type == "environment":
        return tuple(top.settings.github_environments)
    return tuple(dict.fromkeys(declared.options))


def _filled_in(way: Way, axes: _Axes, most: int, *, booleans: bool = True) -> list[Way]:
    """A start by hand, once for each way in which its form can be filled in."""
    if not way.view.starts or any(start.event != _BY_HAND for start in way.view.starts):
        return [way]
    found = [way]
    done = way.view.of("inputs")
    for name, values in _choices(axes):
        if name in done or (values == (True, False) and not booleans):
            continue
        if len(found) * len(values) > most:
            break
        found = [_picked(each, name, value) for each in found for value in values]
    return found


def _picked(way: Way, name: str, value: object) -> Way:
    given = ", ".join(each for each in (way.given, f"{name}={shown(value)}") if each)
    return replace(way, view=replace(way.view, picks=(*way.view.picks, ("inputs", name, value))), given=given)


def _rows(way: Way, level: _Level) -> list[Way]:
    """A way once for each row of a matrix, of the rows that it still has; those that differ in nothing that matters go
    together, and what else they have stays several."""
    where = f"{level.bound.path}/{level.job.id}"
    rows = rows_of(level.job.matrix, level.bound.contexts(way.view, level.job)) or ()
    left = way.view.of("matrix").get(where, tuple(range(len(rows))))
    groups: dict[str, list[int]] = {}
    for index in left:
        groups.setdefault(repr(_that_matters(rows[index], level)), []).append(index)
    if len(groups) < 2:
        return [way]
    found: list[Way] = []
    for group in groups.values():
        told = _that_matters(rows[group[0]], level)
        words = (f"{key}={shown(value)}" for key, value in told.items() if isinstance(value, str))
        given = ", ".join(dict.fromkeys(each for each in (*way.given.split(", "), *words) if each))
        picks = (*(each for each in way.view.picks if each[:2] != ("matrix", where)), ("matrix", where, tuple(group)))
        found.append(replace(way, view=replace(way.view, picks=picks), given=given))
    return found


def _that_matters(row: Row, level: _Level) -> Row:
    return {key: value for key, value in row.items() if _among(key, level.matrix)}


def _conditions(way: Way, axes: _Axes, least: int) -> list[Way]:
    """A way once with each open condition that holds, and once where it does not: conditions that are written ``least``
    times."""
    names: dict[str, int] = {}
    for level in axes.levels:
        contexts: Contexts | None = None
        for source in level.sources:
            for part, is_code in split(source) if "&&" in source or "case" in source else ():
                if is_code:
                    contexts = contexts or level.bound.contexts(way.view, level.job)
                    for name in open_conditions(part, contexts):
                        key = f"{level.bound.path if _LOCAL.search(name) else ''}?{name}"
                        names[key] = names.get(key, 0) + 1
    kept = [name for name, count in names.items() if count >= least][:_MAX_CONDITIONS]
    found = []
    for answers in itertools.product((True, False), repeat=len(kept)):
        picks = tuple(("holds", name, answer) for name, answer in zip(kept, answers, strict=True))
        found.append(replace(way, view=replace(way.view, picks=(*way.view.picks, *picks))))
    return found
