"""Whether an ``if`` holds: in a run where all went well so far, and after the failure of a step or of a job."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from checker.model.answers import NO, YES, Answer, Certain
from checker.model.answers import Open as Undecided
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.workflows import Step
from checker.model.values import Unknown
from checker.resolve.expressions.evaluation import (
    STATUS_FUNCTIONS,
    Contexts,
    ended,
    evaluate,
    in_each_status,
    interpolate,
)
from checker.resolve.expressions.syntax import functions_in, split
from checker.resolve.expressions.values import Data, Open, Partial, choices, truthy

_MOST_QUOTED: Final = 120


def runs_under(condition: Any, contexts: Contexts) -> Answer:
    """Whether an ``if`` holds in a run where all went well so far."""
    if condition is None:
        return YES
    if len(status_functions(condition)) > 1 and all(_holds(condition, each) is NO for each in in_each_status(contexts)):
        return NO  # `failure() && success()`: no run is both
    if status_functions(condition) & {"always", "success"}:
        contexts = ended(contexts, "success")  # `!failure()` holds then, as `success()` does
    return _holds(condition, contexts)


def _holds(condition: Any, contexts: Contexts) -> Answer:
    if isinstance(condition, str):
        value: Data = interpolate(condition, contexts) if "${{" in condition else evaluate(condition, contexts)
    else:
        value = condition
    if isinstance(value, Unknown):
        return Undecided(_undecided(condition))
    answers = {truthy(option) for option in choices(value)}
    if len(answers) == 1 and isinstance(answer := answers.pop(), Certain):
        return answer
    return Undecided(_undecided(condition))


def _undecided(condition: Any) -> str:
    """The same for each way to run a step: what is open does not tell two ways apart."""
    written = " ".join(str(condition).split())
    return f"whether {written if len(written) <= _MOST_QUOTED else written[:_MOST_QUOTED] + '...'} holds"


@lru_cache(maxsize=1 << 12)
def status_functions(condition: Any) -> frozenset[str]:
    """The status functions that say after what an ``if`` may hold: ``always`` after a failure and after none.

    ``!cancelled()`` is ``always()`` here, and ``!(failure() || cancelled())`` is ``success()``: what holds is asked,
    not how it is written. Empty where it asks none.
    """
    if not isinstance(condition, str):
        return frozenset()
    sources = [part for part, is_code in split(condition) if is_code] if "${{" in condition else [condition]
    asked = frozenset().union(*(functions_in(source) for source in sources)) & STATUS_FUNCTIONS
    if not asked:
        return asked
    return _in_effect(condition, _ANYTHING) or asked


def functions_in_effect(condition: Any, contexts: Contexts) -> frozenset[str]:
    """The same where contexts are known: an input that is not given leaves out a half of the condition."""
    asked = status_functions(condition)
    return (_in_effect(condition, contexts) or asked) if asked else asked


def _in_effect(condition: Any, contexts: Mapping[str, Any]) -> frozenset[str]:
    found = frozenset(each for each in _ENDS if _holds(condition, ended(contexts, each)) is not NO)
    return frozenset({"always" if "failure" in found else "success"}) if "success" in found else found


_ENDS: Final = ("success", "failure", "cancelled")
# Contexts of which nothing is known.
_CONTEXTS: Final = "github env vars job jobs steps runner secrets strategy matrix needs inputs"
_ANYTHING: Final = {name: Open(name) for name in _CONTEXTS.split()}


def only_after_failure(functions: frozenset[str]) -> bool:
    """Whether an ``if`` with these status functions holds only once something failed or was cancelled."""
    return bool(functions & {"failure", "cancelled"}) and not functions & {"always", "success"}


def goes_on(condition: Any, needs: Sequence[str], contexts: Contexts) -> frozenset[frozenset[tuple[str, str]]]:
    """How what a job needs may end without keeping it from running: see ``EffectiveJob``.

    Without a status function in its ``if`` a job runs only after a success of all (GitHub documentation, "Workflow
    syntax", ``jobs.<job_id>.needs``).
    """
    if not status_functions(condition) & {"always", "failure", "cancelled"} or len(needs) > _MOST_NEEDS:
        return frozenset()
    found = []
    for results in itertools.product(("success", "failure", "skipped"), repeat=len(needs)):
        seen = ended(contexts, *(("failure",) if "failure" in results else ()))
        told: dict[str, Data] = {}
        for need, result in zip(needs, results, strict=True):
            told[need] = Partial({"result": result}, Open(f"needs.{need}"))
        if set(results) != {"success"} and _holds(condition, {**seen, "needs": told}) is YES:
            found.append(frozenset((need, end) for need, end in zip(needs, results, strict=True) if end != "success"))
    return frozenset(found)


_MOST_NEEDS: Final = 5


def started_by(step: Step, before: Sequence[EffectiveStep], contexts: Contexts) -> frozenset[str]:
    """The ids of steps that may fail (``continue-on-error``), and whose failure surely starts this step.

    Such a step's ``outcome`` is then ``failure`` and its ``conclusion`` ``success``, and the job goes on as after a
    success (GitHub documentation, "Contexts", ``steps``).
    """
    allowed = [each for each in before if each.step.id and not each.via and each.continue_on_error is not False]
    return frozenset(
        each
        for each in sorted({other.step.id for other in allowed})
        if runs_under(step.if_, _with_outcomes({each: ("failure", "success")}, contexts)) is YES
        and runs_under(step.if_, _with_outcomes({each: ("success", "success")}, contexts)) is NO
    )


def after_failure(condition: Any, contexts: Contexts) -> Answer:
    """Whether an ``if`` holds where an earlier step has failed."""
    return _holds(condition, ended(contexts, "failure")) if status_functions(condition) else NO


def mends_after(step: Step, steps: Sequence[Step], contexts: Contexts) -> Mapping[int, Answer]:
    """The same for each earlier step of its job that may have failed, by its place among them, where the ``if`` asks
    how steps ended: those before that one have worked, and those behind it were skipped."""
    condition = step.if_
    if not status_functions(condition) or not isinstance(condition, str) or "steps." not in condition:
        return {}
    before = [each.id for each in steps[: step.index]][:_MOST_STEPS]
    found: dict[int, Answer] = {}
    for index in range(len(before)):
        hows = ("success" if at < index else "failure" if at == index else "skipped" for at in range(len(before)))
        ends = {each: (how, how) for each, how in zip(before, hows, strict=True) if each}
        found[index] = _holds(condition, _with_outcomes(ends, ended(contexts, "failure")))
    return found


_MOST_STEPS: Final = 100


def _with_outcomes(steps: Mapping[str, tuple[str, str]], contexts: Contexts) -> Contexts:
    """The contexts where these steps have such an ``outcome`` and ``conclusion``."""
    there = contexts["steps"]
    known, rest = (there.known, there.rest) if isinstance(there, Partial) else ({}, there)
    assert isinstance(rest, Open)
    ends = {
        step: Partial({"outcome": outcome, "conclusion": conclusion}, rest.below(step))
        for step, (outcome, conclusion) in steps.items()
    }
    return {**contexts, "steps": Partial({**known, **ends}, rest)}
