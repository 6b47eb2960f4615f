"""Nobody's text becomes part of a script that deploys.

What the review found
    Nothing: found since. GitHub puts the value of ``${{ }}`` into a script before the shell reads it. What somebody
    types into a form, or calls a branch, a pull request or a commit, is then code: ``$(...)`` in it runs with all that
    the job may do.
What is checked
    Every script of a job that assumes a role, or whose token may write: ``run:``, and the scripts that actions are
    given. No expression in it gives text that a person chooses freely, by whatever way it comes: an input of a form
    or of an event, a title, body, comment or message, a branch's name, through callers and called workflows, and by
    what a step hands on to later steps and jobs. A choice from a list, a number, a yes or no, and a comparison give no
    such text.
When it does not apply
    No job holds anything, or no script of such a job has an expression.
What cannot be decided
    Inputs of a reusable workflow that nothing in this repository calls. What a script makes of a text before it hands
    it on, or whether it lets only some texts through.
Fix
    Give the value to the step's ``env:`` and write the variable, quoted, in the script: the shell takes it as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from checker import lazy_re
from checker.model.answers import NO
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.possible import Possible
from checker.model.rules import Rule
from checker.reason.deploys.paths import once
from checker.reason.text.written import INPUT, Handed

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.pipeline.pipeline import Pipeline

_FIX: Final = 'Hand it to the script as a variable of the step (env: {NOTE: "${{ ... }}"}), and write "$NOTE" there.'
_SCRIPTS: Final = lazy_re.compile(r"^(?:inline-?)?script$|^(?:run|commands?|cmd)$", re.IGNORECASE)


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:  # noqa: ARG001 - no template tells
    handed = Handed(pipeline)
    yield from once(
        judgement
        for job in pipeline.jobs
        if _holds_something(job)
        for step in job.steps
        for judgement in _judged(step, handed)
    )


def _holds_something(job: EffectiveJob) -> bool:
    """Whether code in the job could do anything: it assumes a role, or may ask for one, or its token may write."""
    permissions = job.permissions
    levels = [permissions.level(scope) for scope in ("id-token", *permissions.levels)]
    return bool(job.credentials) or "write" in (*levels, permissions.others)


def _judged(step: EffectiveStep, handed: Handed) -> Iterator[Judgement]:
    scripts = list(_in_scripts(step))
    if step.runs is NO or not scripts:
        return
    found = [each for value in scripts for each in handed.written(value, step.job)]
    for written, expression in found:
        if step.job.is_reusable_alone and INPUT.search(expression):
            why = f"what callers in other repositories give for {written.what}, which becomes part of the script"
            yield step.undecided(None, why, fix=_FIX)
            return
        if not written.doubt:
            way = "" if written.what in expression or expression in written.what else f" (as {expression})"
            why = f"The text of {written.what} is pasted into the script{way}: what somebody writes there runs as code."
            yield step.fails(None, why, fix=_FIX)
            return
    for written, expression in found:
        why = f"{expression} may be what somebody writes as {written.what}: {written.doubt}"
        yield step.undecided(None, why, fix=_FIX)
        return
    yield step.passes(None, "No expression in its script gives text that somebody writes.")


def _in_scripts(step: EffectiveStep) -> Iterator[Possible]:
    """What expressions give to the scripts of a step."""
    if step.run is not None:
        yield from (value for mark, value in step.expressions.items() if mark in step.run.text)
    for name, value in step.with_.items():
        if _SCRIPTS.search(name) and not isinstance(value, str):
            yield value


RULE = Rule(
    id="P21",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="script with an expression in it, in a job that holds a role or a token that may write,",
)
