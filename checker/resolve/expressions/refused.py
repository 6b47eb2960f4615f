"""What GitHub refuses of a workflow for its expressions: such a workflow does not start at all.

Each key knows some contexts only. One that it does not know is an "unrecognized named-value", and the whole file is
invalid: a step's ``if`` that asks for a secret, a job's that asks ``env`` or ``matrix``. Source: GitHub documentation,
"Contexts reference", Context availability.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.pipeline.workflows import Job
from checker.model.sources import Problem, Spot
from checker.resolve.expressions.syntax import ExpressionError, contexts_in, parse, split

_BY_ENV: Final = "Put the secret into an env of the job, and let the steps that hang on it ask that."
_OF_A_JOB: Final = frozenset({"github", "needs", "vars", "inputs"})
_OF_ITS_ROWS: Final = _OF_A_JOB | {"strategy", "matrix"}
_OF_A_STEP: Final = _OF_ITS_ROWS | {"job", "runner", "env", "steps"}
# Of a name that nobody knows nothing is said: it may be new.
_KNOWN: Final = _OF_A_STEP | {"secrets"}


def refusals_of(job: Job) -> Iterator[Problem]:
    """The expressions of a job, its steps' among them, that ask for a context which is not there."""
    yield from _refused(job.if_, job.spot, "a job's `if`", _OF_A_JOB, condition=True)
    if job.environment is not None:
        yield from _refused(job.environment.value, job.environment.spot, "a job's `environment`", _OF_ITS_ROWS)
    yield from _refused(job.runs_on, job.spot, "`runs-on`", _OF_ITS_ROWS)
    for key, given in job.with_.items() if job.uses else ():
        yield from _refused(given.value, given.spot, f"the input {key} of a called workflow", _OF_ITS_ROWS)
    for step in job.steps:
        yield from _refused(step.if_, step.spot, "a step's `if`", _OF_A_STEP, condition=True)


def _refused(
    written: object, spot: Spot, where: str, there: frozenset[str], *, condition: bool = False
) -> Iterator[Problem]:
    if not isinstance(written, str):
        return
    whole = condition and "${{" not in written
    for source in [written] if whole else [part for part, is_code in split(written) if is_code]:
        try:
            asked = contexts_in(parse(source))
        except ExpressionError:
            return  # said elsewhere
        for name in sorted(asked & _KNOWN - there):
            fix = _BY_ENV if name == "secrets" and condition else f"Use what is there: {', '.join(sorted(there))}."
            yield Problem(spot, f"{where} has no context `{name}`", fix)
            return
