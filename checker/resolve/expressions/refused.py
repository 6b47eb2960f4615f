"""What GitHub refuses of a workflow: such a workflow does not start at all.

Each key knows some contexts and functions only. One that it does not know is an "unrecognized named-value", and the
whole file is invalid: a step's ``if`` that asks for a secret, a job's that asks ``env`` or ``matrix``. Source: GitHub
documentation, "Contexts reference", Context availability; which key knows which is told by GitHub's own schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from checker.model.pipeline.workflows import Asking, CompositeAction, Workflow
from checker.model.sources import Problem
from checker.resolve.expressions.functions import FUNCTIONS
from checker.resolve.expressions.syntax import ExpressionError, contexts_in, functions_in, parse, split

_BY_ENV: Final = "Put the secret into an env of the job, and let the steps that hang on it ask that."
# Those that are known everywhere. What else there is, the schema says of each place.
_EVERYWHERE: Final = frozenset(FUNCTIONS) - {"hashfiles"} | {"case"}


@lru_cache(maxsize=64)
def refusals_of(file: Workflow | CompositeAction) -> tuple[Problem, ...]:
    """What keeps a workflow, or a job that uses an action, from starting: the file's shape, and expressions that ask
    for what is not there."""
    needs = _needs(file) if isinstance(file, Workflow) else ()
    return (*file.refusals, *needs, *(found for each in file.asking for found in _refused(each)))


def _needs(workflow: Workflow) -> Iterator[Problem]:
    for job in workflow.jobs.values():
        for need in job.needs:
            if need not in workflow.jobs:
                yield Problem(job.spot, f"job {job.id} needs {need!r}, which is no job", "Correct the name.")
    if workflow.jobs and all(job.needs for job in workflow.jobs.values()):
        first = next(iter(workflow.jobs.values()))
        yield Problem(first.spot, "each job needs another one, and none can be the first", "Take a need away.")


def _refused(asking: Asking) -> Iterator[Problem]:
    whole = asking.condition and "${{" not in asking.text
    for source, is_code in ((asking.text, True),) if whole else split(asking.text):
        if not is_code:
            if "${{" in source:
                yield Problem(asking.spot, f"an expression in {asking.where} is not closed", "Add the }}.")
            continue
        try:
            asked = contexts_in(parse(source))
        except ExpressionError as error:
            yield Problem(asking.spot, f"an expression in {asking.where} cannot be read: {error}", "Correct it.")
            return
        for name in sorted(asked - asking.contexts):
            fix = _BY_ENV if name == "secrets" and asking.condition else _there(asking.contexts)
            yield Problem(asking.spot, f"{asking.where} has no context `{name}`", fix)
            return
        for name in sorted(functions_in(source) - _EVERYWHERE - asking.functions):
            yield Problem(asking.spot, f"{asking.where} has no function `{name}()`", "Take another one.")
            return


def _there(contexts: frozenset[str]) -> str:
    return f"Use what is there: {', '.join(sorted(contexts))}."
