"""Nobody's text becomes part of a script that deploys.

What the review found
    Nothing: found since. GitHub puts the value of ``${{ }}`` into a script before the shell reads it. What somebody
    types into a form, or calls a branch, a pull request or a commit, is then code: ``$(...)`` in it runs with all that
    the job may do.
What is checked
    Every script of a job that assumes a role, or whose token may write: ``run:``, and the scripts that actions are
    given. No expression in it gives text that a person chooses freely, by whatever way it comes: an input of a form
    or of an event, a title, body, comment or message, a branch's name, through callers and called workflows. A choice
    from a list, a number, a yes or no, and a comparison give no such text.
When it does not apply
    No job holds anything, or no script of such a job has an expression.
What cannot be decided
    Inputs of a reusable workflow that nothing in this repository calls.
Fix
    Give the value to the step's ``env:`` and write the variable, quoted, in the script: the shell takes it as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from checker.model.answers import NO
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.possible import Possible, options
from checker.model.rules import Rule
from checker.model.values import Text
from checker.reason.deploys.paths import once

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.pipeline.workflows import Input

_FIX: Final = 'Hand it on as a variable (env: {NOTE: "${{ ... }}"}) and write "$NOTE" in the script.'
_INPUT: Final = re.compile(r"\b(?:github\.event\.)?inputs(?:\.([\w-]+)|\[\s*'([^']*)'\s*\])")
# What people write freely. Source: GitHub documentation, "Script injections": "Understanding the risk".
_WRITTEN: Final = re.compile(
    r"\bgithub\.head_ref\b"
    r"|\bgithub\.event(?:\.[\w*-]+|\[[^\]]*\])*\.(?:title|body|message|head_branch|page_name|default_branch|label|email"
    r"|description|display_title)\b"
    r"|\bgithub\.event(?:\.[\w*-]+)*\.(?:head|base)\.ref\b|\bgithub\.event(?:\.[\w*-]+)*\.(?:author|committer)\.name\b"
    r"|\bgithub\.event\.release\.(?:name|tag_name|target_commitish)\b|\bgithub\.event\.client_payload\b"
)
# All of an event or of its inputs, as JSON text: what people write is in it.
_WHOLE: Final = re.compile(
    r"\bgithub(?:\.event(?:\.(?:inputs|commits|pull_request|issue|comment|release|review))?)?\s*\)|\binputs\s*\)"
)
_FREE_TYPES: Final = frozenset({"string", ""})
# Expressions whose value is yes or no, or a hash, whatever they look at (GitHub documentation, "Evaluate expressions").
_ANSWER: Final = re.compile(
    r"^!|^(?:contains|startswith|endswith|hashfiles|success|failure|always|cancelled)\s*\(", re.I
)
_COMPARED: Final = re.compile(r"==|!=|<|>")
_SCRIPTS: Final = re.compile(r"^(?:inline-?)?script$|^(?:run|commands?|cmd)$", re.IGNORECASE)


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:  # noqa: ARG001 - no template tells
    yield from once(
        judgement for job in pipeline.jobs if _holds_something(job) for step in job.steps for judgement in _judged(step)
    )


def _holds_something(job: EffectiveJob) -> bool:
    """Whether code in the job could do anything: it assumes a role, or may ask for one, or its token may write."""
    permissions = job.permissions
    levels = [permissions.level(scope) for scope in ("id-token", *permissions.levels)]
    return bool(job.credentials) or "write" in (*levels, permissions.others)


def _judged(step: EffectiveStep) -> Iterator[Judgement]:
    scripts = list(_in_scripts(step))
    if step.runs is NO or not scripts:
        return
    for value in scripts:
        for option in options(value) or ():
            for expression in _expressions(option):
                written = _free_text(expression, step.job)
                if written and step.job.is_reusable_alone and _INPUT.search(expression):
                    why = f"what callers in other repositories give for {written}, which becomes part of the script"
                    yield step.undecided(None, why, fix=_FIX)
                    return
                if written:
                    why = f"What somebody writes as {written} becomes part of the script, and runs as code with it."
                    yield step.fails(None, why, fix=_FIX)
                    return
    yield step.passes(None, "No expression in its script gives text that somebody writes.")


def _in_scripts(step: EffectiveStep) -> Iterator[Possible]:
    """What expressions give to the scripts of a step."""
    if step.run is not None:
        yield from (value for mark, value in step.expressions.items() if mark in step.run.text)
    for name, value in step.with_.items():
        if _SCRIPTS.search(name) and not isinstance(value, str):
            yield value


def _expressions(option: object) -> Iterator[str]:
    """The expressions that a value has in it as they are written."""
    for hole in option.holes if isinstance(option, Text) else ():
        yield hole.shown.removeprefix("${{").removesuffix("}}").strip()


def _free_text(expression: str, job: EffectiveJob) -> str:
    """What of an expression is text that somebody writes; empty where it gives none."""
    if _ANSWER.search(expression) or (_COMPARED.search(expression) and not re.search(r"&&|\|\|", expression)):
        return ""
    for match in _INPUT.finditer(expression):
        name = match[1] or match[2]
        if _type_of(name, job) in _FREE_TYPES:
            return f"the input {name}"
    found = _WRITTEN.search(expression) or _WHOLE.search(expression)
    return found[0] if found else ""


def _type_of(name: str, job: EffectiveJob) -> str:
    """The type of an input of the workflow that GitHub started, or of the called one where nothing here calls it."""
    declared: Mapping[str, Input] = job.entry.call_inputs if job.is_reusable_alone else job.entry.inputs
    found = next((each for key, each in declared.items() if key.lower() == name.lower()), None)
    return found.type if found is not None else ""


RULE = Rule(
    id="P21",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="script with an expression in it, in a job that holds a role or a token that may write,",
)
