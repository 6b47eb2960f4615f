"""How a step ends: with a failing exit of its own, or by a later step that its failure starts and that fails."""

from __future__ import annotations

from typing import Final

from checker import lazy_re
from checker.model.answers import NO
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Trace
from checker.model.possible import options, shown, truth
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


# A condition that asks for one output and nothing else: `steps.roll.outputs.ok != 'true'`.
_ASKS_OUTPUT: Final = lazy_re.compile(
    r"(?:\$\{\{)?\s*(?:(?:always\(\)|!\s*cancelled\(\))\s*&&\s*)?"
    r"steps\.(?P<step>[\w-]+)\.outputs\.(?P<name>[\w-]+)\s*[!=]=\s*'(?P<value>[^']*)'\s*(?:\}\})?"
)


def ended_by_output(trace: Trace, index: int) -> bool:
    """Whether an action's step ends well where the action fails, and hands on another output then, for which a later
    step fails the job. The value that this one asks for has to be one that the output may have, and not its only one:
    what never holds, or always, tells no failure. Nothing but what says something comes in between: it is done although
    the action has failed."""
    action = trace.actions[index]
    step = action.step
    if step is None or not step.ids or isinstance(action, CdkCommand):
        return False
    for other in step.job.steps:
        if any(not only_says(each) and each.runs is not NO for each in step.job.steps[step.index + 1 : other.index]):
            return False
        ends = only_ends(other) or any(other is each for each in trace.failing)
        if other.index <= step.index or not ends or other.runs is NO or truth(other.continue_on_error) is not NO:
            continue
        asked = _ASKS_OUTPUT.fullmatch(other.conditions[0].strip()) if len(other.conditions) == 1 else None
        if asked is None or asked["step"] not in step.ids or asked["name"] not in action.handling.left:
            continue
        told = _told(trace, step, asked["step"], asked["name"])
        if asked["value"] in told and len(told) > 1:
            return True
    return False


def _told(trace: Trace, step: EffectiveStep, asked: str, name: str) -> set[object]:
    """The values that an output may have of the step with this id: of a composite action what a step in it hands on."""
    outer = next((each for each in step.job.steps if each.unfolded and each.ids[:1] == (asked,)), None)
    if outer is not None:
        handed_on = _OF_INNER.fullmatch(shown(outer.outputs.get(name, "")))
        asked, name = (handed_on["step"], handed_on["name"]) if handed_on is not None else ("", "")
    found = [each.value for each in trace.outputs if (each.step, each.name) == (asked, name)]
    return {option for value in found for option in options(value) or ()}


_OF_INNER: Final = lazy_re.compile(r"\$\{\{\s*steps\.(?P<step>[\w-]+)\.outputs\.(?P<name>[\w-]+)\s*\}\}")
