"""Whether a step can end well without doing what it is there for: a check under a switch is a check that may not be.

A condition that is decided beforehand is no switch: scripts are followed with what is known. What is left depends on a
variable that nobody sets, on an answer, or on what somebody wrote into a commit's message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from checker import lazy_re
from checker.model.answers import YES, Open, yes_if
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command
from checker.model.sources import Spot, brief
from checker.reason.deploys.paths import At

# What became of steps and jobs, and everything else that an expression can ask for.
_RESULTS: Final = lazy_re.compile(
    r"\b(?:steps\.[\w-]+\.(?:outcome|conclusion)|needs\.[\w*-]+\.result|job\.status)\b", re.IGNORECASE
)
_CONTEXTS: Final = lazy_re.compile(
    r"\b(?:github|env|vars|secrets|inputs|matrix|steps|needs|runner|strategy|hashFiles)\b", re.IGNORECASE
)


def passed_over(at: At) -> Spot | None:
    """Where the program stands that can end well without coming to this action; ``None`` where none can.

    Such a program is the one that makes it, or one that starts that.
    """
    return next((each.spot for each in (at.action, *_around(at)) if each.handling.missed is YES), None)


def switched(at: At, other: At) -> bool:
    """Whether an action may be under the condition that the other one is under."""
    if at.action.certain:
        return False
    return at.action.step is other.action.step or any(each.handling.missed is YES for each in _around(at))


def _around(at: At) -> Iterator[Command | AwsCall | CdkCommand]:
    """The programs that an action is a part of."""
    for index in range(at.index):
        each = at.trace.actions[index]
        if isinstance(each, Command) and each.step is at.action.step and each.reached.leads_to(at.action.reached):
            yield each


_UNTOLD: Final = "its script can end well without it"


def left_out(checks: Sequence[At], of: At) -> str:
    """What decides whether any of these checks is made where this is done; empty where one of them surely is."""
    found = ""
    for each in checks:
        if each.action.step is of.action.step and not each.action.certain_in_job:
            continue
        where = passed_over(each) if not each.action.certain_in_job else None
        asked = condition_of(each, [of])
        if where is None and not asked:
            return ""
        found = found or (_UNTOLD if where is not None else f"that hangs on `{asked}`")
    beside = [each for each in checks if each.action.step is of.action.step]
    if beside:
        omits = of.action.handling.omits([each.action.handling for each in beside])
        if isinstance(omits, Open):
            omits = yes_if(of.action.certain_in_job and all(passed_over(each) is not None for each in beside))
        return _UNTOLD if omits is YES else ""
    return found


def condition_of(at: At, others: Sequence[At]) -> str:
    """What a workflow asks before the action's step or job runs, and cannot be answered beforehand; empty for nothing.

    Nothing either where all the ``others`` are asked the same.
    """
    shared = {id(job) for other in others for job in other.job.chain}
    asked = [each for each in at.job.chain if id(each) not in shared and isinstance(each.runs, Open)]
    step = at.action.step
    written = next((text for each in asked if (text := str(each.job.if_)) and not _only_results(text)), "")
    if written:
        return brief(written, 80)
    if step is None or not isinstance(step.runs, Open):
        return ""
    asks = [each for each in step.conditions if not _only_results(each)]
    if all(other.action.step is not None and _asked_too(asks, other.action.step.conditions) for other in others):
        return ""
    return brief(next(iter(asks), ""), 80)


def _asked_too(these: Sequence[str], those: Sequence[str]) -> bool:
    """Whether somebody else is asked the same before: each of these, alone or as one of the terms that have to hold."""
    terms = {term for each in those for term in _terms(each)}
    return all(terms.issuperset(_terms(each)) for each in these)


def _terms(condition: str) -> list[str]:
    """What all has to hold for a condition; the whole of it where it has a choice, or brackets, in it."""
    text = condition.strip()
    text = text.removeprefix("${{").removesuffix("}}") if text.startswith("${{") else text
    whole = "||" in text or "(" in text
    return [each.strip() for each in ([text] if whole else text.split("&&"))]


def _only_results(condition: str) -> bool:
    """Whether a condition asks for nothing but what became of steps and jobs before, which is success here."""
    return _RESULTS.search(condition) is not None and _CONTEXTS.search(_RESULTS.sub("", condition)) is None
