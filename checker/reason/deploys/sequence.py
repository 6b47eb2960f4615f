"""How a path rolls its services: one at a time or at once, in which order, what it says after a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import YES
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.scripts import AwsCall, Command, How, Loop
from checker.model.possible import OneOf, Possible, options, shown
from checker.model.values import Absent, RunValue, Text, Unknown
from checker.reason.deploys.paths import At, DeployPath, Rollout, fails_here, follows, shared_loops


class Step(Struct, frozen=True):
    """A roll-out and what waits for it before the next one begins, if anything does. ``doubt``: what waits asks for the
    same as what waited for another service, so that it can be for one of them at most."""

    rollout: Rollout
    wait: At | None
    doubt: str = ""


def steps_of(path: DeployPath, rollouts: tuple[Rollout, ...]) -> Iterator[Step]:
    """Each roll-out with the wait between it and the next one of the same job, or in the same round of its loop."""
    waits = list(path.waits())
    found: list[tuple[Rollout, list[At]]] = []
    asked: dict[tuple[object, ...], set[str | None]] = {}  # after which services the same, open, was asked for
    for index, rollout in enumerate(rollouts):
        end = next((each.at.index for each in rollouts[index + 1 :] if each.at.job is rollout.at.job), None)
        found.append((rollout, [wait for wait in waits if _between(rollout, wait, end)]))
        for wait in found[-1][1]:
            if (key := _open_name(wait, rollout)) is not None:
                asked.setdefault(key, set()).add(rollout.service)
    for rollout, every in found:
        between = [wait for wait in every if len(asked.get(_open_name(wait, rollout) or (), ())) < 2]
        sure = (wait for wait in between if fails_here(wait) is YES)
        doubt = "what is waited for is called the same after each service" if every and not between else ""
        yield Step(rollout, next(sure, between[0] if between else None), doubt)


def _open_name(wait: At, rollout: Rollout) -> tuple[object, ...] | None:
    """What a wait asks for where that is one name that only the run tells, and the roll-out's own is known."""
    call = wait.action
    if not isinstance(call, AwsCall) or rollout.service is None or wait.job is not rollout.at.job:
        return None
    values = call.texts("services") or ()
    return (call.spot, *values) if len(values) == 1 and isinstance(values[0], Text) else None


def _between(rollout: Rollout, wait: At, end: int | None) -> bool:
    if wait == rollout.at:
        return True  # an action that waits itself
    if not may_be_for(wait, rollout):
        return False
    if not follows(wait, rollout.at) or (wait.job is rollout.at.job and end is not None and wait.index > end):
        return False
    if wait.job is not rollout.at.job:
        return end is None
    if wait.action.handling.background and not _is_over(wait, end):
        return False
    # In a loop over services that are not known, what waits has to stand in the loop too.
    around = rounds_of(rollout)
    return len([loop for loop in shared_loops(rollout.call, wait.action) if loop.kind == "each"]) == len(around)


def _is_over(wait: At, end: int | None) -> bool:
    """Whether what a shell waits for in the background is over before it rolls the next service (``wait``)."""
    call, later = wait.action, wait.trace.actions[wait.index + 1 : end]
    if not isinstance(call, AwsCall) or call.how not in {How.CLI, How.CLI_WAITER}:
        return not call.handling.left_alone
    return any(isinstance(each, Command) and each.program == "wait" and each.step is call.step for each in later)


def may_be_for(wait: At, rollout: Rollout) -> bool:
    """Whether a wait asks for the service that was rolled, as far as both are named."""
    call = wait.action
    if not isinstance(call, AwsCall) or rollout.service is None or call is rollout.call:
        return True
    if in_another_cluster(call, rollout.call):
        return False
    asked = call.texts("service" if call.operation == "UpdateService" else "services")
    if not asked or not all(isinstance(each, str) for each in asked):
        return True
    return rollout.service in {str(each).rsplit("/", 1)[-1] for each in asked}


def is_for(wait: At, rollout: Rollout) -> bool:
    """Whether a wait surely asks for the service that was rolled: by one name, or by what is called the same."""
    call, rolled = wait.action, rollout.call.text("service")
    if not isinstance(call, AwsCall) or call.operation == "UpdateService" or isinstance(rolled, Absent | Unknown):
        return True
    # Of a list whose names only the run tells, what stands behind the loop may ask for all.
    if not shared_loops(rollout.call, call) and any(each.values is None for each in rounds_of(rollout)):
        return True
    asked = call.argument("services" if call.operation == "DescribeServices" else "service")
    each = asked if isinstance(asked, tuple) else (asked,)
    if any(isinstance(one, Absent | Unknown | tuple | Mapping) for one in each):
        return True
    named = {shown(one).rpartition("/")[2] for one in each} | {shown(one) for one in each}
    return shown(rolled) in named or shown(rolled).rpartition("/")[2] in named


def in_another_cluster(one: AwsCall, other: AwsCall) -> bool:
    """Whether two calls surely ask different clusters; none named is the account's default one."""
    names = [call.text("cluster") if call.complete else Unknown("") for call in (one, other)]
    named = ["default" if isinstance(each, Absent) else each for each in names]
    return all(isinstance(each, str) for each in named) and len({str(each).rsplit("/", 1)[-1] for each in named}) > 1


def rounds_of(rollout: Rollout) -> list[Loop]:
    return [loop for loop in rollout.call.reached.loops if loop.kind == "each"]


def several(path: DeployPath) -> bool:
    """Whether a path rolls more than one service."""
    forward = path.forward
    if len({each.service for each in forward if each.service}) > 1:
        return True
    # A function that code hands to threads or a pool; a script starts each of several in a call or a loop of its own.
    if forward and all(each.service == forward[0].service is not None for each in forward):
        return False  # one, more than once
    beside = any(
        each.call.handling.background and each.service is None and each.call.how is not How.CLI for each in forward
    )
    again = any(_repeats(each) or _varies(each) for each in forward)
    return beside or again or len({each.call.spot for each in forward}) > 1


def _repeats(rollout: Rollout) -> bool:
    """Whether one call is made for several services: in a loop over them, or in the jobs of a matrix."""
    return any(loop.values is None or len(loop.values) > 1 for loop in rounds_of(rollout)) or by_matrix(rollout)


def _varies(rollout: Rollout) -> bool:
    """Whether the service is another one in each round of a loop that only counts."""
    places = {str(loop.spot) for loop in rollout.call.reached.loops if loop.kind != "each"}
    value = rollout.call.text("service")
    each = () if isinstance(value, Absent | Unknown) else options(value) or ()
    holes = [hole for option in each if isinstance(option, Text) for hole in option.holes]
    return any(
        isinstance(hole, RunValue) and (hole.where in places or (places and _ELEMENT.search(hole.shown) is not None))
        for hole in holes
    )


# `${names[$i]}`, of which the loop counts the index.
_ELEMENT: Final = lazy_re.compile(r"\$\{\w+\[[^\]@*]*[A-Za-z_]")


def by_matrix(rollout: Rollout) -> bool:
    """Whether the service comes from a matrix, so that several jobs roll at once."""
    value = rollout.call.text("service")
    if not matrices(rollout) or rollout.one_each or isinstance(value, Absent | Unknown):
        return False
    each = options(value)
    return each is None or len(each) > 1 or "matrix" in shown(each[0])


def matrices(rollout: Rollout) -> list[EffectiveJob]:
    """The jobs that a matrix makes several of: the one that rolls, and those that called its workflow."""
    return [level for level in rollout.at.job.chain if any(_several(each) for each in level.matrix.values())]


def _several(value: Possible) -> bool:
    """Whether a matrix may have several rows for it: of one that lists a single value it makes one job."""
    return isinstance(value, OneOf | Text | Unknown)


def order_of(rollouts: tuple[Rollout, ...]) -> tuple[str, ...] | None:
    """The services in the order in which they are rolled, ``None`` where that is not known."""
    names: list[str] = []
    for each in rollouts:
        if each.service is None:
            return None
        if each.service not in names:
            names.append(each.service)
    return tuple(names)
