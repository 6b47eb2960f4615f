"""Two deploys of one service at once: those that different workflows make, and what keeps them apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, yes_if
from checker.model.overlap import could_be_equal
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall
from checker.model.possible import Possible, Scalar, options
from checker.model.values import ABSENT, Absent, Text, Unknown
from checker.reason.deploys.changes import Changing
from checker.reason.deploys.serial import Guard, looks_first, same_group, service_changes

_ROLLS: Final = frozenset({"UpdateService", "deploy"})
_OF_REPOSITORY: Final = lazy_re.compile(r"\b(?:vars|secrets)\.|\bgithub\.repository\b")
_ARN: Final = "arn:aws:ecs:"
_UNTOLD: Final = Open("which service it changes, or of which environment, is not told")


class Beside(Struct, frozen=True):
    """A change of a service that another workflow may be changing at that time. ``apart`` is open where it is not known
    whether it is the same one, or whether something keeps the two from it."""

    job: EffectiveJob
    call: AwsCall
    other: EffectiveJob
    apart: Answer


class _Rolled(Struct, frozen=True):
    """A change of a service: what tells which one it is, and what may keep it apart from others."""

    job: EffectiveJob
    call: AwsCall
    given: tuple[Possible | Absent, ...]
    groups: tuple[str, ...]

    @property
    def spelled(self) -> tuple[object, ...]:
        return (self.groups, tuple(map(str, self.given)), str(self.job.environments))


_Looks: TypeAlias = Callable[[EffectiveJob, AwsCall], tuple[Guard, str]]


def beside(workflows: Iterable[Changing], pipeline: Pipeline) -> dict[str, Beside]:
    """By the workflow's file, a change of a service that another deploy changes too, or may change, of the same
    environment, where no concurrency group holds both and not both look at the service first."""
    changes = (_rolled(*each) for workflow in workflows for each in service_changes(workflow))
    rolled = [each for each in changes if each is not None]
    if len({each.job.entry.file for each in rolled}) < 2:
        return {}
    looks = lru_cache(maxsize=None)(lambda job, call: looks_first(job, call, pipeline))
    alike = _alike(rolled, looks)
    few = [each for changes in alike for each in changes[:2]]
    found: dict[str, Beside] = {}
    for each in (one for changes in alike for one in changes):
        known = found.get(each.job.entry.file)
        if known is not None and known.apart is NO:
            continue
        others = [other for other in few if other.job.entry is not each.job.entry]
        answers = ((other, _apart(each, other, looks)) for other in others)
        # What surely collides tells more than what may.
        clashes = sorted((one for one in answers if one[1] is not YES), key=lambda one: one[1] is not NO)
        if clashes and (known is None or clashes[0][1] is NO):
            found[each.job.entry.file] = Beside(each.job, each.call, clashes[0][0].job, clashes[0][1])
    return found


def _rolled(job: EffectiveJob, call: AwsCall) -> _Rolled | None:
    if call.operation not in _ROLLS or call.reached.on_failure:
        return None
    service = call.text("service")
    acting = (call.credentials,) if call.credentials is not None else job.credentials
    given = [Unknown("which service") if isinstance(service, Absent) else service, call.text("cluster"), call.region]
    given += [value for each in acting for value in (each.role, each.region)]
    groups = {str(each.group).casefold() for each in job.concurrency}
    return _Rolled(job, call, tuple(given), tuple(sorted(groups)))


def _alike(changes: Iterable[_Rolled], looks: _Looks) -> list[list[_Rolled]]:
    """Changes of one service, one for each workflow, by what may keep them apart from others: their groups, and what
    they look at first. Two of them stand for all that are alike."""
    found: dict[tuple[object, ...], list[_Rolled]] = {}
    for each in changes:
        alike = found.setdefault((looks(each.job, each.call)[0], *each.spelled), [])
        if all(other.job.entry is not each.job.entry for other in alike):
            alike.append(each)
    return list(found.values())


def _apart(one: _Rolled, other: _Rolled, looks: _Looks) -> Answer:
    """Whether two changes are never made at once: they are of two services, or something keeps them apart."""
    is_same = every([_same_environment(one.job, other.job), *map(_is_same, *_paired(one, other))])
    if is_same is NO:
        return YES
    shared = either(same_group(mine, theirs) for mine in one.job.concurrency for theirs in other.job.concurrency)
    if shared is YES:
        return YES
    guards = [looks(each.job, each.call) for each in (one, other)]
    if any(guard is Guard.MISSING for guard, _ in guards):
        return _UNTOLD if isinstance(is_same, Open) else shared
    return next((Open(why) for guard, why in guards if guard is Guard.OPEN), YES)


def _paired(one: _Rolled, other: _Rolled) -> tuple[Sequence[Possible | Absent], Sequence[Possible | Absent]]:
    pairs = list(zip_longest(one.given, other.given, fillvalue=ABSENT))
    return [mine for mine, _ in pairs], [theirs for _, theirs in pairs]


def _same_environment(one: EffectiveJob, other: EffectiveJob) -> Answer:
    mine, theirs = one.environments, other.environments
    if mine is None or theirs is None:
        return Open("")
    if not mine or not theirs:
        return yes_if(not mine and not theirs)
    if len(mine) == len(theirs) == 1:
        return _is_same(mine[0], theirs[0])
    return either(Open("") if could_be_equal(left, right) else NO for left in mine for right in theirs)


def _is_same(one: Possible | Absent, other: Possible | Absent) -> Answer:
    """Whether two names are of one thing. What the repository's settings say is the same in each workflow."""
    mine, theirs = _told(one), _told(other)
    if mine is not None and theirs is not None:
        return yes_if(mine == theirs)
    left, right = (() if isinstance(each, Absent) else options(each) for each in (one, other))
    if left is None or right is None:
        return Open("")
    if not left or not right:
        return Open("")  # one is not given: the default may be the other
    return either(Open("") if _could_be(a, b) else NO for a in left for b in right)


def _told(value: Possible | Absent) -> str | None:
    """A name, of an ARN the last part; ``None`` where only a run tells it."""
    if isinstance(value, Absent):
        return ""
    each = options(value)
    if each is None or len(each) != 1:
        return None
    if isinstance(each[0], Text) and not all(_OF_REPOSITORY.search(hole.shown) for hole in each[0].holes):
        return None
    return _name(each[0])


def _name(value: Scalar) -> str:
    return str(value).rpartition("/")[2] if str(value).startswith(_ARN) else str(value)


def _could_be(one: Scalar, other: Scalar) -> bool:
    open_arn = any(isinstance(each, Text) and str(each).startswith(_ARN) for each in (one, other))
    mine, theirs = (each if isinstance(each, Text) else _name(each) for each in (one, other))
    return open_arn or could_be_equal(mine, theirs)
