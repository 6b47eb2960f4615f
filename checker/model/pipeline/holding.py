"""What a job has to act with: a role, a token that AWS accepts, keys, secrets, or a machine of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.workflows import INHERIT

_SECRET: Final = lazy_re.compile(r"\bsecrets\.(?!GITHUB_TOKEN\b)", re.IGNORECASE)
# Variables from which every AWS SDK takes credentials (AWS SDKs and Tools Reference Guide, "Environment variables").
AWS_KEYS: Final = frozenset(
    {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"}
)


def given_secrets(step: EffectiveStep | None) -> bool:
    """Whether a step is given a secret, GitHub's own token left out."""
    return step is not None and any_secret((*step.with_.values(), *step.env.values(), *step.expressions.values()))


def given_keys(step: EffectiveStep) -> bool:
    """Whether a step's variables hold what AWS takes for credentials."""
    return bool(AWS_KEYS.intersection(step.env))


def any_secret(values: Iterable[object]) -> bool:
    """Whether one of these is a secret's value, GitHub's own token left out."""
    return any(_SECRET.search(str(value)) for value in values)


def takes_token(job: EffectiveJob) -> bool:
    """Whether the job may ask for an identity token (``id-token: write``), which AWS takes for a role's credentials."""
    return job.permissions.level("id-token") != "none"


def may_act(job: EffectiveJob) -> bool:
    """Whether a job has anything to act with: a role, a token, a secret, or a machine of one's own."""
    if job.credentials or takes_token(job) or "self-hosted" in str(job.job.runs_on):
        return True
    if not isinstance(job.job.runs_on, str) or "${{" in job.job.runs_on:
        return True  # a group, labels or an expression: perhaps one's own
    return any(given_secrets(step) for step in job.steps)


def hands_over(job: EffectiveJob) -> bool:
    """Whether a job that calls a workflow lets that have a token or secrets."""
    secrets = job.job.secrets
    if secrets == INHERIT or takes_token(job):
        return True
    return isinstance(secrets, Mapping) and any_secret(each.value for each in secrets.values())


def ever_holds(job: EffectiveJob) -> bool:
    """Whether some step of a job holds what AWS takes, or a secret."""
    if job.credentials or takes_token(job):
        return True
    return any(given_secrets(step) or given_keys(step) for step in job.steps)
