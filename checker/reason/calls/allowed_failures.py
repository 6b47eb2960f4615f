"""Failures that a step or a job is allowed (``continue-on-error``), or that the script around a program passes over,
and that nobody asks about afterwards.

Source: GitHub Docs, "Workflow syntax", ``jobs.<job_id>.continue-on-error`` and ``steps[*].continue-on-error``; GitHub
Docs, "Contexts", ``steps``: such a step's ``outcome`` is ``failure``, its ``conclusion`` ``success``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Trace
from checker.model.possible import Possible, options, truth
from checker.model.sources import Spot
from checker.reason.calls.step_ends import only_ends, only_says

# What a row of a matrix or the person who starts a run decides: each of it is chosen, or may be.
_CHOSEN: Final = lazy_re.compile(r"(?:matrix|inputs|github\.event\.inputs)\.[\w.-]+|true|false", re.IGNORECASE)
_NAMES: Final = lazy_re.compile(r"'[^']*'|(?<![\w.-])([A-Za-z_][\w.-]*+)(?!\s*\()")


def allowed_by_job(call: AwsCall) -> Answer:
    """Whether the job may fail without failing the run, and no later step of it says so."""
    job, step = call.job, call.step
    if job is None or step is None:
        return NO
    may = _may_fail(job.continue_on_error, job.job.continue_on_error, call)
    if may is NO:
        return NO
    outcome = re.compile(rf"\bjob\.status\b|\bsteps\.(?:{ids_of(step)})\.(?:outcome|conclusion)\b")
    said = any("failure" in each.status_functions or any(map(outcome.search, given(each))) for each in _after(step))
    return NO if said else may


def allowed_by_step(call: AwsCall) -> Answer:
    """Whether its step may fail and the job goes on as after a success, and nothing asks for the step's outcome."""
    job, step = call.job, call.step
    if job is None or step is None:
        return NO
    may = _may_fail(step.continue_on_error, step.allowance, call)
    if may is NO or not step.ids:
        return may
    asks = re.compile(rf"\bsteps\.(?:{ids_of(step)})\.outcome\b|toJSON\(\s*steps\s*\)", re.IGNORECASE)
    later = (each for each in _after(step) if not only_says(each))
    texts = [*(text for each in later for text in given(each)), *map(str, job.job.outputs.values())]
    return NO if any(map(asks.search, texts)) else may


def read_by_others(call: AwsCall, trace: Trace) -> str | None:
    """What is made of a call's failure that its step is allowed: a later step does something by what became of it, or
    that step, or another job, by what it was to hand on."""
    step = call.step
    if step is None or call.job is None or truth(step.continue_on_error) is NO:
        return None
    here = {each.spot for each in trace.commands if each.step is step}
    left = "|".join(re.escape(each.name) for each in trace.outputs if not each.step and each.spot in here) or "[?]"
    asks = re.compile(rf"\bsteps\.(?:{ids_of(step)})\.(?:outcome|conclusion|outputs)\b|(?:\$\{{?|\benv\.)(?:{left})\b")
    for other in _after(step):
        # What runs only where something failed mends, or says: a step whose failure is allowed does not start it.
        mends = bool(other.status_functions) and other.status_functions <= {"failure", "cancelled"}
        ends = mends or only_ends(other) or other in trace.failing
        if not ends and any(map(asks.search, (*given(other), other.step.run.text if other.step.run else ""))):
            return f"Its step may fail, and the step at line {other.spot.line} takes any failure of it for an answer."
    if any(map(asks.search, map(str, call.job.job.outputs.values()))):
        return "Its step may fail, and the job hands on what that was to answer: after any failure that is empty."
    return None


def passed_over(trace: Trace) -> dict[AwsCall | CdkCommand, Command]:
    """The calls whose failure the script passes over that starts what makes them: ``python roll.py || true``, and
    ``make roll || true`` of a task that calls AWS."""
    started: dict[tuple[int, tuple[Spot, ...]], Command] = {}
    found: dict[AwsCall | CdkCommand, Command] = {}
    quiet: dict[int, bool] = {}
    for action in trace.actions:
        if isinstance(action, Command) and action.step is not None:
            # Of two on one line, the last before the call.
            started[id(action.step), action.reached.way] = action
        via = action.reached.via if isinstance(action, AwsCall | CdkCommand) else ()
        for depth in range(1, len(via) + 1):
            command = started.get((id(action.step), via[:depth]))
            if command is None:
                continue
            if id(command) not in quiet:
                taken = command.handling
                quiet[id(command)] = taken.ends is NO and taken.adds is NO and not taken.left
            if quiet[id(command)]:
                assert isinstance(action, AwsCall | CdkCommand)
                found.setdefault(action, command)
    return found


def _may_fail(value: Possible, written: object, call: AwsCall) -> Answer:
    """What ``continue-on-error`` is where the call is made. An option that can be chosen, and allows it, allows it."""
    may = truth(value)
    if not isinstance(may, Open):
        return may
    each = options(value)
    step = call.step
    always = call.certain and step is not None and step.runs is YES
    if each and True in each and always and _is_chosen(str(written)):
        return YES
    return Open("whether its failure is allowed (continue-on-error), which only the run knows")


def _is_chosen(expression: str) -> bool:
    names = [match[1] for match in _NAMES.finditer(expression) if match[1]]
    return bool(names) and all(map(_CHOSEN.fullmatch, names))


def ids_of(step: EffectiveStep) -> str:
    """An expression for the ids under which others ask what became of a step; for none, what is no id."""
    return "|".join(map(re.escape, step.ids)) or "[?]"


def _after(step: EffectiveStep) -> Iterable[EffectiveStep]:
    return (each for each in step.job.steps if each.index > step.index)


def given(step: EffectiveStep) -> Iterator[str]:
    """All by which a step can be told what became of another: its condition, its variables, its inputs, and the
    expressions in what it runs."""
    yield from step.conditions
    yield from map(str, (*step.env.values(), *step.with_.values(), *step.expressions.values()))
