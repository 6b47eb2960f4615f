"""Nobody's text becomes part of a script that deploys.

What the review found
    Nothing: found since. GitHub puts the value of ``${{ }}`` into a script before the shell reads it. What somebody
    types into a form, or calls a branch, a pull request or a commit, is then code: ``$(...)`` in it runs with all that
    the job may do.
What is checked
    Every script of a job that assumes a role, is given keys of AWS, or whose token may write: ``run:``, and the scripts
    that actions are given. No expression in it gives text that a person chooses freely, by whatever way it comes: an
    input of a form or of an event, a title, body, comment or message, a branch's name, through callers and called
    workflows, and by what a step hands on to later steps and jobs. A choice from a list, a number, a yes or no, and a
    comparison give no such text. No command runs such text as code either, once it is a variable: ``eval``, ``bash
    -c``, ``python -c``, a shell that reads it, a ``trap``; a recipe of make, just or Task; the shell of another machine
    or of a container (ssh, ``docker exec``, Systems Manager); a statement of SQL, a program of awk or sed; a
    calculation of the shell's, an index, a comparison of numbers in ``[[ ]]`` and the name of a variable, in each of
    which ``a[$(...)]`` is run. Nor is such a text, where it may have several lines, written where a line sets a
    variable for the steps after it, or the value of a variable that programs take for code: ``BASH_ENV``,
    ``NODE_OPTIONS``, ``GIT_SSH_COMMAND``, ``LD_PRELOAD``, ``PYTHONPATH`` and their like.
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
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from checker import lazy_re
from checker.model.answers import NO
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.possible import Possible
from checker.model.rules import Rule
from checker.model.values import Unknown
from checker.reason.deploys.paths import once
from checker.reason.text.run_as_code import run_as_code
from checker.reason.text.set_for_later import set_for_later
from checker.reason.text.variables_of_code import variables_of_code
from checker.reason.text.written import INPUT, Handed, Written, free_text, is_name_of_a_ref, may_have_lines

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.pipeline.scripts import AwsCall, Command, Trace

_FIX: Final = 'Hand it to the script as a variable of the step (env: {NOTE: "${{ ... }}"}), and write "$NOTE" there.'
_FIX_RUN: Final = (
    "Let no shell read it again: give it as a variable, or as an argument of its own: "
    """bash -c '... "$1"' _ "$NOTE"."""
)
_FIX_SET: Final = "Hand the text over under a name that no program knows, and let the script look at it."
_EXPRESSION: Final = lazy_re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_Texts: TypeAlias = "list[tuple[Written, str]]"  # each with the expression that gives it
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
    holding = [job for job in pipeline.jobs if _holds_something(job)]
    yield from once(each for job in holding for each in _run(pipeline.trace(job), handed))
    yield from once(each for job in holding for each in _set(job, handed))


def _run(trace: Trace, handed: Handed) -> Iterator[Judgement]:
    """What commands run as code of the text that they are given."""
    ends = [(each.step, each.spot) for each in trace.commands if each.only_ends]
    for command, step, found in _found(trace, handed):
        here = command.spot
        looked_at = any(
            by is step and at.file == here.file and (at.line, at.column) < (here.line, here.column) for by, at in ends
        )
        certain = next((written for written, _ in found if not written.doubt and not looked_at), None)
        if step.job.is_reusable_alone and any(INPUT.search(expression) for _, expression in found):
            why = (
                f"what callers in other repositories give for {found[0][0].what}, which {command.spelled} runs as code"
            )
            yield command.undecided(None, why, fix=_FIX_RUN)
        elif certain is not None:
            said = f"The text of {certain.what} is run as code: what somebody writes there is a script of its own."
            yield command.fails(None, said, fix=_FIX_RUN)
        else:
            doubt = found[0][0].doubt or "whether the script lets only some texts through"
            why = f"what is run as code may be what somebody writes as {found[0][0].what}: {doubt}"
            yield command.undecided(None, why, fix=_FIX_RUN)


def _set(job: EffectiveJob, handed: Handed) -> Iterator[Judgement]:
    """What variables hold that programs take for code, of the text of people."""
    for step, name, value in variables_of_code(job):
        if step.runs is NO:
            continue
        found = [*handed.written(value, job)]
        certain = next((written for written, _ in found if not written.doubt), None)
        path = f"env.{name}"
        if found and job.is_reusable_alone and any(INPUT.search(expression) for _, expression in found):
            why = f"what callers in other repositories give for {found[0][0].what}, which {name} has programs run"
            yield step.undecided(None, why, fix=_FIX_SET, path=path)
        elif certain is not None:
            said = f"{name} says what programs run before anything else, and holds the text of {certain.what}."
            yield step.fails(None, said, fix=_FIX_SET, path=path)
        elif found:
            why = f"{name} has programs run what may be what somebody writes as {found[0][0].what}: {found[0][0].doubt}"
            yield step.undecided(None, why, fix=_FIX_SET, path=path)


def _found(trace: Trace, handed: Handed) -> Iterator[tuple[Command | AwsCall, EffectiveStep, _Texts]]:
    """The commands and calls that make code of what they are given, each with the texts of people in that."""
    for command, texts in run_as_code(trace):
        if command.step is not None and (found := _texts_of(texts, command.step, handed)):
            yield command, command.step, found
    for command in trace.calculated:  # what is run of it stands in brackets
        step = command.step
        found = _texts_of(command.words[1:], step, handed) if step is not None else []
        found = [(each, expression) for each, expression in found if not is_name_of_a_ref(each)]
        if step is not None and found:
            yield command, step, found
    for command, text, broken in set_for_later(trace):
        step = command.step
        found = _texts_of((text,), step, handed) if step is not None else []
        found = [each for each in found if not broken or may_have_lines(*each)]
        if step is not None and found:
            yield command, step, found


def _texts_of(texts: Iterable[Possible], step: EffectiveStep, handed: Handed) -> _Texts:
    return [each for text in texts for each in handed.in_command(text, step)]


def _holds_something(job: EffectiveJob) -> bool:
    """Whether code in the job could do anything: it assumes a role, or may ask for one, is given keys of AWS, or its
    token may write."""
    permissions = job.permissions
    levels = [permissions.level(scope) for scope in ("id-token", *permissions.levels)]
    has_keys = any("AWS_SECRET_ACCESS_KEY" in step.env for step in job.steps)
    return bool(job.credentials) or has_keys or "write" in (*levels, permissions.others)


def _judged(step: EffectiveStep, handed: Handed) -> Iterator[Judgement]:
    scripts = list(_in_scripts(step))
    if step.runs is NO or not scripts:
        return
    found = [each for value, _ in scripts for each in handed.written(value, step.job)]
    alone = step.job.is_reusable_alone  # what nothing here calls is given its inputs elsewhere
    for written, expression in sorted(found, key=lambda each: alone and _is_input(*each)):
        if alone and _is_input(written, expression):
            why = f"what callers in other repositories give for {written.what}, which becomes part of the script"
            yield step.undecided(None, why, fix=_FIX)
            return
        if not written.doubt:
            plain = written.what in expression or expression in written.what or not expression.strip("*")
            # A ref is its name behind a prefix: the script may as well say `github.ref`.
            plain = plain or (expression == "github.ref_name" and is_name_of_a_ref(written))
            way = "" if plain else f" (as {expression})"
            why = f"The text of {written.what} is pasted into the script{way}: what somebody writes there runs as code."
            yield step.fails(None, why, fix=_FIX)
            return
    for value, source in scripts:
        if isinstance(value, Unknown) and (what := free_text(source, step.job)):
            why = f"what {source} gives, which may be what somebody writes as {what}: {value.why}"
            yield step.undecided(None, why, fix=_FIX)
            return
    for written, expression in found:
        why = f"{expression} may be what somebody writes as {written.what}: {written.doubt}"
        yield step.undecided(None, why, fix=_FIX)
        return
    yield step.passes(None, "No expression in its script gives text that somebody writes.")


def _is_input(written: Written, expression: str) -> bool:
    """Whether a text is an input's, read where it is pasted or put into a variable before."""
    return INPUT.search(expression) is not None or written.what.startswith("the input ")


def _in_scripts(step: EffectiveStep) -> Iterator[tuple[Possible, str]]:
    """What expressions give to the scripts of a step, each with how it is written."""
    if step.run is not None:
        sources = _EXPRESSION.findall(step.step.run.text if step.step.run is not None else "")
        sources += [""] * len(step.expressions)
        for (mark, value), source in zip(step.expressions.items(), sources, strict=False):
            if mark in step.run.text:
                yield value, source.strip()
    for name, value in step.with_.items():
        if _SCRIPTS.search(name) and not isinstance(value, str):
            given = step.step.with_.get(name)
            yield value, " ".join(_EXPRESSION.findall(str(given.value))) if given is not None else ""


RULE = Rule(
    id="P21",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="script with an expression in it, in a job that holds a role or a token that may write,",
)
