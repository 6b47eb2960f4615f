"""Where a roll-out that fails part way says what each service runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, either, every, yes_if
from checker.model.pipeline.handling import Stream
from checker.model.pipeline.scripts import AwsCall, Command
from checker.model.possible import Possible, call_behind, options, shown
from checker.model.values import Absent
from checker.reason.deploys.failures.brought_back import comes_behind, is_trapped, led_to
from checker.reason.deploys.failures.picked_parts import lets_version_through, shows_version, tells_version
from checker.reason.deploys.paths import At, DeployPath, Rollout, fails_here, is_wait
from checker.reason.deploys.sequence import may_be_for

_PRINTS: Final = frozenset({"echo", "printf", "jq", "cat", "tee", "column"})
_SHOWS: Final = frozenset({"DescribeServices", "DescribeTasks", "DescribeTaskSets"})


def shows_state(path: DeployPath, after: Rollout) -> tuple[At, Answer] | None:
    """Where a failure prints what is there: all services that were rolled by then are described, whichever roll-out
    fails, and then the step fails. Open where it is not known what is let through of that; ``None`` where it is not.

    Asking again and again until they are stable is not that.
    """
    found = [(at, answer) for at in path.actions() if (answer := _is_shown(at, path, after)) is not NO]
    sure = [at for at, answer in found if answer is YES]
    if sure and _covers(sure, path):
        return sure[0], YES
    if found and _covers([at for at, _ in found], path):
        return next((at, answer) for at, answer in found if answer is not YES)
    return None


def _covers(showing: Sequence[At], path: DeployPath) -> bool:
    """Whether these describe, after the failure of each roll-out, all services that were rolled by then."""
    by_then: set[str | None] = set()
    for failing in path.forward:
        by_then.add(failing.service)
        asked = [_asked(at) for at in showing if comes_behind(at, failing, path.forward)]
        told = {each for names in asked if names is not None for each in names}
        if not asked or (None not in (*asked, *by_then) and not by_then <= told):
            return False
    return True


def _asked(at: At) -> tuple[str, ...] | None:
    """The services that a call asks for; ``None`` where it may be all of them."""
    call = at.action
    if not isinstance(call, AwsCall) or call.operation != "DescribeServices":
        return None
    names = call.texts("services")
    known = [each.rsplit("/", 1)[-1] for each in names or () if isinstance(each, str)]
    return tuple(known) if names and len(known) == len(names) else None


def _is_shown(at: At, path: DeployPath, after: Rollout) -> Answer:
    action = at.action
    if not isinstance(action, AwsCall) or action.operation not in _SHOWS or is_wait(action):
        return NO
    seen = is_seen(at, action)
    if seen is NO or _is_of_others(at, path):
        return NO
    here = at.job is after.at.job
    asked = action.step.status_functions if action.step is not None else frozenset[str]()
    asked = asked if here else asked | at.job.asks
    if "cancelled" in asked and not asked & {"failure", "always"}:
        return NO
    printed = every((seen, _printed(at)))
    if action.reached.trap and action.step is after.at.action.step:
        return printed if is_trapped(path, at) else NO
    later, captured = here and at.index > after.at.index, action.handling.captured
    if action.reached.on_failure and led_to(path, action) is NO:
        return NO
    after_one = action.reached.on_failure or bool({"failure", "always"} & asked)
    if after_one and not captured and (later or not here):
        return seen
    if after_one and captured and here and printed is not NO:
        return printed
    return printed if later and not action.certain and fails_here(at) is not NO else NO


def _is_put_away(at: At) -> bool:
    """Whether it is written to a file that nothing shows: neither the job's summary, nor what a later command or step
    names."""
    action = at.action
    if action.handling.stdout is not Stream.FILE:
        return False
    here = (each for each in at.trace.actions if isinstance(each, Command) and each.spot == action.spot)
    files = [shown(write.target) for each in here for write in each.writes if not write.operator.startswith("<")]
    if not files or any("GITHUB_STEP_SUMMARY" in each or each.startswith("/dev/std") for each in files):
        return False
    later = [each for each in at.trace.actions[at.index + 1 :] if isinstance(each, Command)]
    said = [shown(word) for each in later for word in each.words]
    said += [shown(value) for each in at.job.steps for value in each.with_.values()]
    return not any(file.rpartition("/")[2] in each for file in files for each in said)


def _is_of_others(at: At, path: DeployPath) -> bool:
    """Whether services are described and none of them is one that the path rolls."""
    call = at.action
    asks = isinstance(call, AwsCall) and call.operation == "DescribeServices"
    return asks and not any(may_be_for(at, each) for each in path.forward)


def is_seen(at: At, call: AwsCall) -> Answer:
    """Whether a call's answer, as far as it is let through, may tell somebody which version runs: it is not thrown away
    or put into a file, and no query or filter leaves only how many tasks there are, or whether they run."""
    query = call.text("query")
    if call.handling.stdout is Stream.DISCARDED or _is_put_away(at):
        return NO
    asked = YES if isinstance(query, Absent) else Open("which part of the answer its query lets through")
    asked = yes_if(tells_version(query)) if isinstance(query, str) else asked
    return every((asked, lets_version_through(call, at.trace.actions)))


def _printed(at: At) -> Answer:
    """Whether an answer that was kept is printed: a command that follows says it, and not only something."""
    name = at.action.handling.captured
    return either(_says(at)) if name else YES


def _says(at: At) -> Iterator[Answer]:
    """Of each command of the step that is given the answer, whether that says it."""
    for each in at.trace.actions[at.index + 1 :]:
        if each.step is not at.action.step:
            return
        if isinstance(each, Command) and each.program in _PRINTS:
            told = (*each.words[1:], *(write.target for write in each.writes if write.operator.startswith("<<")))
            if any(_is_answer(word, at) for word in told):
                yield shows_version(each, at.trace.actions)


def _is_answer(word: Possible, at: At) -> bool:
    """Whether a word holds what the call at ``at`` answered."""
    spot = at.action.spot
    for option in options(word) or ():
        origin = call_behind(option)
        if origin is not None and (origin.file, origin.line) == (spot.file, spot.line):
            return True
    return False
