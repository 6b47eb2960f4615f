"""How a step ends: with a failing exit of its own, or by a later step that its failure starts and that fails."""

from __future__ import annotations

from typing import Final

from checker import lazy_re
from checker.model.answers import NO
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Trace
from checker.model.possible import truth
from checker.model.values import as_count

_FAILS: Final = lazy_re.compile(r"\s*exit [1-9]\d*\s*|\s*false\s*")
_FOR_LATER: Final = lazy_re.compile(r"GITHUB_(?:OUTPUT|ENV|STATE)|::set-output")
# A line that says something, or does nothing but set the shell up, wait or stand around such lines.
_SAYS: Final = lazy_re.compile(
    r"\s*(?:(?:echo|printf)\b(?!.*[;&|]\s*(?:exit|exec)\b).*"
    r"|#.*|set\s+[-+]\S+(?:\s+pipefail)?|[{}]|:|true|(?:date|sleep)\b[^;&|]*)?"
)


def is_failing_exit(command: Command) -> bool:
    """``exit 1``, ``return 1``, ``raise``: with a status that is known not to be 0, and that nobody swallows."""
    if command.program not in {"exit", "return"} or command.handling.swallowed or command.handling.lost:
        return False
    if command.handling.fallback and not command.handling.fallback_stops:
        return False
    status = command.words[1] if len(command.words) > 1 else ""
    return as_count(status) not in {None, 0}


def only_ends(step: EffectiveStep) -> bool:
    """Whether all that a step does is to say something and to fail the job."""
    lines = (step.step.run.text if step.step.run is not None else "").strip().splitlines()
    return bool(lines) and _FAILS.fullmatch(lines[-1]) is not None and all(_SAYS.fullmatch(each) for each in lines[:-1])


def only_says(step: EffectiveStep) -> bool:
    """Whether all that a step does is to say something to a person."""
    text = (step.step.run.text if step.step.run is not None else "").strip()
    return bool(text) and all(map(_SAYS.fullmatch, text.splitlines())) and not _FOR_LATER.search(text)


def ended_by_another(trace: Trace, index: int) -> bool:
    """Whether an action's step may fail, and its failure starts a later step that surely fails the job.

    Before anything else is called than what that failure starts: what is called in between is done although the step
    has failed.
    """
    step = trace.actions[index].step
    if step is None or not step.ids:
        return False
    started = [each for each in step.job.steps if not each.started_by.isdisjoint(step.ids)]
    ends = [each for each in started if only_ends(each) or any(each is other for other in trace.failing)]
    end = next((each for each in ends if truth(each.continue_on_error) is NO), None)
    return end is not None and not any(
        isinstance(each, AwsCall | CdkCommand)
        and each.step is not None
        and step.index < each.step.index < end.index
        and each.step.started_by.isdisjoint(step.ids)
        for each in trace.actions[index + 1 :]
    )
