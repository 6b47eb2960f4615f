"""How a path rolls its services: one at a time or at once, in which order, what it says after a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.pipeline.handling import UNASKED, Stream
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.pipeline.scripts import AwsCall, Command, How, Loop, plain_name
from checker.model.possible import OneOf, Possible, call_behind, options, shown, truth
from checker.model.values import Absent, Text, Unknown
from checker.reason.deploys.paths import At, DeployPath, Rollout, fails_here, follows, is_wait, shared_loops

_PRINTS: Final = frozenset({"echo", "printf", "jq", "cat", "tee", "column"})
_SHOWS: Final = frozenset({"DescribeServices", "ListTasks", "DescribeTasks", "DescribeTaskSets"})


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
        others = [each for each in rollouts[index + 1 :] if each.at.job is rollout.at.job]
        end = others[0].at.index if others else None
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
    around = _rounds(rollout)
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
    if not isinstance(call, AwsCall) or rollout.service is None or call.operation == "UpdateService":
        return True
    if _in_another_cluster(call, rollout.call):
        return False
    asked = call.texts("services")
    if not asked or not all(isinstance(each, str) for each in asked):
        return True
    return rollout.service in {str(each).rsplit("/", 1)[-1] for each in asked}


def is_for(wait: At, rollout: Rollout) -> bool:
    """Whether a wait surely asks for the service that was rolled: by one name, or by what is called the same."""
    call, rolled = wait.action, rollout.call.text("service")
    if not isinstance(call, AwsCall) or call.operation == "UpdateService" or isinstance(rolled, Absent | Unknown):
        return True
    # Of a list whose names only the run tells, what stands behind the loop may ask for all.
    if not shared_loops(rollout.call, call) and any(each.values is None for each in _rounds(rollout)):
        return True
    asked = call.argument("services" if call.operation == "DescribeServices" else "service")
    each = asked if isinstance(asked, tuple) else (asked,)
    if any(isinstance(one, Absent | Unknown | tuple | Mapping) for one in each):
        return True
    named = {shown(one).rpartition("/")[2] for one in each} | {shown(one) for one in each}
    return shown(rolled) in named or shown(rolled).rpartition("/")[2] in named


def _in_another_cluster(one: AwsCall, other: AwsCall) -> bool:
    """Whether two calls surely ask different clusters; none named is the account's default one."""
    names = [call.text("cluster") if call.complete else Unknown("") for call in (one, other)]
    named = ["default" if isinstance(each, Absent) else each for each in names]
    return all(isinstance(each, str) for each in named) and len({str(each).rsplit("/", 1)[-1] for each in named}) > 1


# What stands for services whose names only the run knows.
UNNAMED: Final = "what was rolled before"


def left_behind(path: DeployPath, backs: Sequence[Rollout]) -> list[str]:
    """The services that were rolled before another one could fail, and that nothing takes back then: neither what takes
    back others, nor what takes back the one that fails and no other. Nothing where that depends on open names."""
    forward = path.forward
    rolled = list(dict.fromkeys(each.service for each in forward))
    if None in rolled:
        return [UNNAMED] if all(_of_own_round(back, forward) for back in backs) else []
    found = []
    for index, name in enumerate(rolled[:-1]):
        later = [each for each in forward if each.service not in rolled[: index + 1]]
        if not all(any(_answers(back, name, failing, forward) for back in backs) for failing in later):
            found.append(str(name))
    return found


def _answers(back: Rollout, name: str | None, failing: Rollout, forward: Sequence[Rollout]) -> bool:
    """Whether a service is taken back by this when another one's roll-out fails."""
    if back.service not in (None, name) or (back.service is None and _of_own_round(back, forward)):
        return False
    if back.at.job is not failing.at.job:
        return back.at.job.after(failing.at.job)
    if back.call.reached.trap or back.call.step is not failing.call.step:
        return back.call.reached.trap or back.at.index > failing.at.index
    # In one script it answers what was rolled last before it; behind all of them, whatever failed.
    own = [each.at.index for each in forward if each.at.job is back.at.job]
    before = max((index for index in own if index < back.at.index), default=-1)
    return back.at.index > failing.at.index and before in (failing.at.index, own[-1])


def _of_own_round(back: Rollout, forward: Sequence[Rollout]) -> bool:
    """Whether what takes back is of the one service that a loop or a matrix is at, by its variable."""
    return any(_shares_round(back, each) for each in forward)


def _shares_round(back: Rollout, rolled: Rollout) -> bool:
    own, round_ = (_rounds(each) for each in (back, rolled))
    if back.call.reached.trap and not own:
        written = shown(back.call.text("service"))
        return any(written in (f"${{{loop.variable}}}", f"${loop.variable}") for loop in round_ if loop.variable)
    if back.service is not None or back.at.job is not rolled.at.job:
        return False
    if back.call.text("service") != rolled.call.text("service"):
        return False
    return by_matrix(rolled) or (bool(round_) and own == round_)


def _rounds(rollout: Rollout) -> list[Loop]:
    return [loop for loop in rollout.call.reached.loops if loop.kind == "each"]


def takes_back(path: DeployPath, back: Rollout) -> bool:
    """Whether a roll-out after a failure may be of a service that the path rolls. What stands before them all answers
    no failure of theirs, unless a trap runs it then."""
    here = [each.at.index for each in path.forward if each.at.job is back.at.job]
    if here and back.at.index < min(here) and not back.call.reached.trap:
        return False
    if back.call.reached.trap and not _trapped(path, back.at):
        return False
    return any(
        (None in (each.service, back.service) or each.service == back.service)
        and not _in_another_cluster(each.call, back.call)
        for each in path.forward
    )


# Where it is chosen outside of the workflow whether something runs.
_CHOSEN: Final = lazy_re.compile(r"(?:vars|env|inputs|secrets)\b")


def comes_after_failure(path: DeployPath, back: Rollout) -> Answer:
    """Whether what takes a service back runs where a roll-out fails part way; open where somebody chooses that."""
    step = back.call.step
    rolled = [each for each in path.forward if each.at.job is back.at.job]
    if step is not None and not any(each.call.step is step for each in path.forward):
        if rolled and step.mends is NO and step.status_functions and not step.started_by:
            return NO
        if rolled and isinstance(step.mends, Open) and any(map(_CHOSEN.search, step.conditions)):
            return step.mends
    waits = [each for each in path.waits() if each.action.step is step and fails_here(each) is YES]
    late = [each for each in waits if follows(each, path.forward[0].at)]
    comes = late[-1].action.handling.mends(back.call.handling) if late else YES
    return comes if comes is NO or comes is UNASKED else YES


def runs_anyway(back: Rollout) -> bool:
    """Whether a trap takes a service back where all has gone well, too."""
    return back.call.reached.trap and back.call.handling.missed is NO


_SAYS: Final = frozenset({"echo", "printf", "logger", "cat"})
_SILENT: Final = lazy_re.compile(r"\s*+(?:true|:|exit 0|return(?: 0)?|continue|break)?\s*+;?\s*+")


def fails_unseen(path: DeployPath, back: Rollout) -> bool:
    """Whether nobody learns of it when a service cannot be taken back. A step that rolls as well is judged by that."""
    taken, step = back.call.handling, back.call.step
    alone = step is not None and not any(each.call.step is step for each in path.forward)
    if step is not None and alone and truth(step.continue_on_error) is YES:
        return True
    if taken.tested == "or" and taken.fallback and _SILENT.fullmatch(taken.fallback):
        return True
    if taken.tested in {"if", "not"} and taken.ends is NO and taken.turns is NO and not _says_more(back):
        return True
    return taken.background or (taken.swallowed and taken.untold)


def _says_more(back: Rollout) -> bool:
    """Whether its step may say something behind it: ``if ! ...; then echo "it stays"; fi``."""
    behind = back.at.trace.actions[back.at.index + 1 :]
    return any(
        isinstance(each, Command) and each.program in _SAYS and each.step is back.call.step and not each.certain
        for each in behind
    )


def rolls_again(path: DeployPath, back: Rollout) -> bool:
    """Whether what takes a service back sets the very revision that was rolled forward."""
    value = back.call.argument("taskDefinition")
    each = options(value) if isinstance(value, str | Text | OneOf) else None
    forward = [rollout.call.argument("taskDefinition") for rollout in path.forward]
    if not each or value not in forward:
        return False
    # A family stands for its newest revision, whichever that is then; what code calls alike may be two things.
    if back.call.how is How.CLI:
        return isinstance(value, Text) or ":" in str(value)
    behind = [call.operation for option in each if (call := call_behind(option)) is not None]
    return any(plain_name(operation) == "registertaskdefinition" for operation in behind)


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
    return beside or any(_repeats(each) for each in forward) or len({each.call.spot for each in forward}) > 1


def _repeats(rollout: Rollout) -> bool:
    """Whether one call is made for several services: in a loop over them, or in the jobs of a matrix."""
    return any(loop.values is None or len(loop.values) > 1 for loop in _rounds(rollout)) or by_matrix(rollout)


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


_OF_ANY: Final = lazy_re.compile(r"(?:desired|running|pending)Count|\bstatus\b|rolloutState")
_OF_ONE: Final = lazy_re.compile(
    r"[Tt]askDef|[Ii]mage|evision|taskSets|events|\bid\b|Arn|[*@]|^\s*(?:services|deployments)\W*$"
)


def shows_state(path: DeployPath, after: Rollout) -> At | None:
    """Where a failure prints what is there: services are described after a roll-out, and then the step fails.

    Asking again and again until they are stable is not that.
    """
    for at in path.actions():
        action = at.action
        if not isinstance(action, AwsCall) or action.operation not in _SHOWS or is_wait(action):
            continue
        if action.handling.stdout is Stream.DISCARDED or _counts(action) or _is_of_others(at, path):
            continue
        asked = action.step.status_functions if action.step is not None else frozenset()
        if "cancelled" in asked and not asked & {"failure", "always"}:
            continue
        if action.reached.trap and action.step is after.at.action.step:
            if _printed(at) and _trapped(path, at):
                return at
            continue
        on_failure = action.reached.on_failure or bool({"failure", "always"} & asked)
        if on_failure and (at.job is not after.at.job or at.index > after.at.index) and not action.handling.captured:
            return at
        if on_failure and at.job is after.at.job and action.handling.captured and _printed(at):
            return at
        later = at.job is after.at.job and at.index > after.at.index and not action.certain
        if later and fails_here(at) is not NO and _printed(at):
            return at
    return None


def _is_of_others(at: At, path: DeployPath) -> bool:
    """Whether services are described and none of them is one that the path rolls."""
    call = at.action
    asks = isinstance(call, AwsCall) and call.operation == "DescribeServices"
    return asks and not any(may_be_for(at, each) for each in path.forward)


def _trapped(path: DeployPath, at: At) -> bool:
    """Whether what a trap runs is run when something that waits fails, one roll-out being through already: the trap may
    be set too late, or taken off before."""
    waits = [each for each in path.waits() if each.action.step is at.action.step and fails_here(each) is YES]
    late = [each for each in waits if follows(each, path.forward[0].at)]
    return not any(each.action.handling.reaches(at.action.handling) is NO for each in late[-1:])


def _counts(call: AwsCall) -> bool:
    """Whether all that a call picks is how many tasks there are, or whether they run: of which version nobody says."""
    query = call.text("query")
    return isinstance(query, str) and bool(_OF_ANY.search(query)) and not _OF_ONE.search(query)


def _printed(at: At) -> bool:
    """Whether an answer that was kept is printed: a command that follows says it, and not only something."""
    name = at.action.handling.captured
    if not name:
        return True
    for each in at.trace.actions[at.index + 1 :]:
        if each.step is not at.action.step:
            return False
        if isinstance(each, Command) and each.program in _PRINTS:
            told = (*each.words[1:], *(write.target for write in each.writes if write.operator.startswith("<<")))
            if any(_is_answer(word, at) for word in told):
                return True
    return False


def _is_answer(word: Possible, at: At) -> bool:
    """Whether a word holds what the call at ``at`` answered."""
    spot = at.action.spot
    for option in options(word) or ():
        origin = call_behind(option)
        if origin is not None and (origin.file, origin.line) == (spot.file, spot.line):
            return True
    return False
