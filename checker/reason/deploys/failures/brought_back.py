"""Which services are brought back where a roll-out fails part way, to what, and who learns that one is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.pipeline.handling import UNASKED
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import AwsCall, Command, How, plain_name
from checker.model.possible import OneOf, call_behind, options, shown, truth
from checker.model.values import Absent, CallPlace, Text, Unknown
from checker.reason.deploys.paths import At, DeployPath, Rollout, after_failure, fails_here, follows
from checker.reason.deploys.sequence import by_matrix, in_another_cluster, rounds_of
from checker.reason.names.families import family_made, plain_family

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
    return comes_behind(back.at, failing, forward)


def comes_behind(at: At, failing: Rollout, forward: Sequence[Rollout]) -> bool:
    """Whether what is done after a failure is done after that of this roll-out."""
    if at.job is not failing.at.job:
        return at.job.after(failing.at.job)
    trapped, step = at.action.reached.trap, at.action.step
    if trapped or step is not failing.call.step:
        runs = step is None or after_its_failure(step, failing) is not NO or not step.status_functions
        return trapped or (at.index > failing.at.index and runs)
    # In one script it answers what was rolled last before it; behind all of them, whatever failed.
    own = [each.at.index for each in forward if each.at.job is at.job]
    before = max((index for index in own if index < at.index), default=-1)
    return at.index > failing.at.index and before in (failing.at.index, own[-1])


def _of_own_round(back: Rollout, forward: Sequence[Rollout]) -> bool:
    """Whether what takes back is of the one service that a loop or a matrix is at, by its variable."""
    return any(_shares_round(back, each) for each in forward)


def _shares_round(back: Rollout, rolled: Rollout) -> bool:
    own, round_ = (rounds_of(each) for each in (back, rolled))
    if back.call.reached.trap and not own:
        written = shown(back.call.text("service"))
        return any(written in (f"${{{loop.variable}}}", f"${loop.variable}") for loop in round_ if loop.variable)
    if back.service is not None or back.at.job is not rolled.at.job:
        return False
    if back.call.text("service") != rolled.call.text("service"):
        return False
    return by_matrix(rolled) or (bool(round_) and own == round_)


def takes_back(path: DeployPath, back: Rollout) -> bool:
    """Whether a roll-out after a failure may be of a service that the path rolls. What stands before them all answers
    no failure of theirs, unless a trap runs it then."""
    here = [each.at.index for each in path.forward if each.at.job is back.at.job]
    if here and back.at.index < min(here) and not back.call.reached.trap:
        return False
    if back.call.reached.trap and not is_trapped(path, back.at):
        return False
    return any(
        (None in (each.service, back.service) or each.service == back.service)
        and not in_another_cluster(each.call, back.call)
        for each in path.forward
    )


# Where it is chosen outside of the workflow whether something runs.
_CHOSEN: Final = lazy_re.compile(r"(?:vars|env|inputs|secrets)\b")


def comes_after_failure(path: DeployPath, back: Rollout) -> Answer:
    """Whether what takes a service back runs where a roll-out fails part way; open where somebody chooses that."""
    step = back.call.step
    rolled = [each for each in path.forward if each.at.job is back.at.job]
    if step is not None and not any(each.call.step is step for each in path.forward):
        after = [after_its_failure(step, each) for each in rolled]
        if after and all(each is NO for each in after) and step.status_functions and not step.started_by:
            return NO
        if rolled and isinstance(step.mends, Open) and any(map(_CHOSEN.search, step.conditions)):
            return step.mends
    return led_to(path, back.call)


def after_its_failure(step: EffectiveStep, rolled: Rollout) -> Answer:
    """Whether a step runs where the step of a roll-out has failed."""
    failed = rolled.call.step
    return step.mends_after.get(failed.place, step.mends) if failed is not None else step.mends


def led_to(path: DeployPath, call: AwsCall) -> Answer:
    """Whether the program of a roll-out comes to a call where the roll-out fails, as far as that is followed."""
    late = _waits_for_rollouts(path, call.step)
    comes = late[-1].action.handling.mends(call.handling) if late else YES
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
    """Whether what takes a service back sets the very revision that was rolled forward, or leaves it as it is."""
    value, own = back.call.argument("taskDefinition"), _own(path, back)
    forward = [rollout.call.argument("taskDefinition") for rollout in own]
    if isinstance(value, Absent):  # with `--force-new-deployment` it starts tasks of the same revision
        plain = back.call.operation == "UpdateService" and back.call.complete
        return plain and bool(forward) and not any(isinstance(each, Absent | Unknown) for each in forward)
    each = options(value) if isinstance(value, str | Text | OneOf) else None
    if each and any(_asked_too_late(path, option, back.service) or _is_newest(option, own) for option in each):
        return True
    if not each or value not in [rollout.call.argument("taskDefinition") for rollout in path.forward]:
        return False
    # A family stands for its newest revision, whichever that is then; what code calls alike may be two things.
    if back.call.how is How.CLI:
        return isinstance(value, Text) or ":" in str(value)
    same = [rollout for rollout in own if rollout.call.argument("taskDefinition") == value]
    if any(rollout.call.step is back.call.step for rollout in same) and all(map(_is_of_start, each)):
        return True
    behind = [call.operation for option in each if (call := call_behind(option)) is not None]
    return any(plain_name(operation) == "registertaskdefinition" for operation in behind)


# A variable of the environment, and an option of the command line, as code calls them.
_OF_START: Final = lazy_re.compile(r"\$\{\w+\}|\{arguments\.\w+\}")


def _is_of_start(value: object) -> bool:
    """Whether a program is given a value when it starts: then it is the same wherever the program uses it."""
    return isinstance(value, Text) and all(_OF_START.fullmatch(hole.shown) for hole in value.holes)


def _is_newest(value: object, own: Sequence[Rollout]) -> bool:
    """Whether a family stands for the revision that was registered in it and rolled (Amazon ECS API Reference,
    "UpdateService", ``taskDefinition``: without a revision it is the latest active one)."""
    if not isinstance(value, str) or ":" in value.rpartition("/")[2]:
        return False
    return any(family_made(each.at.trace, each.call) == plain_family(value) for each in own)


def _own(path: DeployPath, back: Rollout) -> list[Rollout]:
    """The roll-outs forward of the service that is taken back."""
    return [each for each in path.forward if each.service == back.service]


def _asked_too_late(path: DeployPath, value: object, service: str | None) -> bool:
    """Whether what a service runs was asked for when its roll-out had begun: that is the new revision. In a loop a call
    stands before one round and behind another."""
    origin = call_behind(value)
    if origin is None or plain_name(origin.operation) != "describeservices":
        return False
    asked = [at for at in path.actions() if _is_from(at, origin, service)]
    return bool(asked) and all(_is_one_round(at) and _is_behind_its_own(at, path, service) for at in asked)


def _is_behind_its_own(at: At, path: DeployPath, service: str | None) -> bool:
    """Whether a call that asks what a service runs comes behind that service's roll-out."""
    name = _asked_of(at) or service
    return any(follows(at, each.at) for each in path.forward if each.service == name and name is not None)


def _asked_of(at: At) -> str:
    named = at.action.text("services") if isinstance(at.action, AwsCall) else None
    return named.rpartition("/")[2] if isinstance(named, str) else ""


def _is_one_round(at: At) -> bool:
    """Whether it stands in no loop, or is one round of it: each is followed by itself where its values are known."""
    return all(loop.kind == "each" and loop.values is not None for loop in at.action.reached.loops)


_BEFORE: Final = lazy_re.compile(r"\bACTIVE\b")  # what is still replaced: Amazon ECS API Reference, "Deployment"


def _is_from(at: At, origin: CallPlace, service: str | None) -> bool:
    """Whether a call is the one that an answer comes from, as far as both say of this service."""
    call = at.action
    if not isinstance(call, AwsCall) or not call.is_behind(origin):
        return False
    others = service is not None and _asked_of(at) not in ("", service)
    return not others and not _BEFORE.search(shown(call.text("query")))


def is_trapped(path: DeployPath, at: At) -> bool:
    """Whether what a trap runs is run when something that waits fails, one roll-out being through already: the trap may
    be set too late, or taken off before."""
    late = _waits_for_rollouts(path, at.action.step)
    return not any(each.action.handling.reaches(at.action.handling) is NO for each in late[-1:])


def _waits_for_rollouts(path: DeployPath, step: EffectiveStep | None) -> list[At]:
    """The waits of a step whose failure ends it, and that come behind a roll-out; none of what takes one back."""
    waits = (each for each in path.waits() if each.action.step is step and fails_here(each) is YES)
    return [each for each in waits if follows(each, path.forward[0].at) and not after_failure(each.action)]
