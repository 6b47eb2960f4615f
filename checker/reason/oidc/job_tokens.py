"""The OIDC tokens that a job can present: each way it can start, times the environment it names.

Source: GitHub Docs, "OpenID Connect reference" (a job with an environment presents that and no ref; a pull request's
subject is ``pull_request``).
"""

from __future__ import annotations

from msgspec import Struct

from checker.model.pipeline.jobs import PULL_REQUESTS, Credentials, Demand, EffectiveJob
from checker.model.possible import Possible, options
from checker.model.values import Absent, Text, pieces, text
from checker.reason.oidc.trust import Repository, Token, environment_token, pull_request_token, ref_token, with_claims


class Presented(Struct, frozen=True):
    """A token and how it comes about. ``ref`` is the ref or an example; ``environment`` is empty for none."""

    token: Token
    event: str
    ref: str | Text
    environment: str | Text = ""
    demand: Demand = Demand.EACH

    @property
    def way(self) -> str:
        """As messages tell it: ``release (refs/tags/v1.2.3)``."""
        return f"{self.event} ({self.ref})" if self.ref else self.event


def tokens_of(job: EffectiveJob, credentials: Credentials, repository: Repository) -> tuple[list[Presented], str]:
    """Every token that the job can present at this step, and what kept some from being told (empty: nothing)."""
    environments, why = _environments(job)
    found: dict[tuple[object, ...], Presented] = {}
    for each in job.examples:
        for environment in environments:
            token = _token(job, credentials, repository, each.event, each.ref, environment)
            presented = Presented(token, each.event, each.ref, environment, each.demand)
            found.setdefault((token.subject, each.event, each.ref), presented)
    if not job.starts:
        why = why or "nothing in this repository calls its workflow"
    return list(found.values()), why


def _environments(job: EffectiveJob) -> tuple[tuple[str | Text, ...], str]:
    """The environments that the job can name; ``""`` among them for none."""
    if isinstance(job.environment, Absent):
        return ("",), ""
    each = options(job.environment)
    if each is None:
        return (), "the name of its environment cannot be told"
    names = tuple(dict.fromkeys(option if isinstance(option, Text) else str(option or "") for option in each))
    return names, ""


def _token(
    job: EffectiveJob,
    credentials: Credentials,
    repository: Repository,
    event: str,
    ref: str | Text,
    environment: str | Text,
) -> Token:
    if environment:
        token = environment_token(repository, environment, ref=ref)
    elif event in PULL_REQUESTS:
        token = with_claims(pull_request_token(repository), ref=ref)
    else:
        token = ref_token(repository, ref)
    workflow = text([*pieces(repository.name), f"/{job.workflow.file}@", *pieces(ref)])
    token = with_claims(token, job_workflow_ref=workflow, workflow=job.entry.name)
    audience = credentials.audience
    if not isinstance(audience, Absent):
        return with_claims(token, aud=_made_for(audience, repository))
    audience = {name.lower(): value for name, value in credentials.step.with_.items()}.get("audience", "")
    if audience in ("", None):
        return token
    return with_claims(token, aud=audience if isinstance(audience, str) else None)


def _made_for(audience: Possible, repository: Repository) -> str | None:
    """The audience of a token that was asked for with this one: the owner of the repository where it is empty."""
    if audience != "":
        return audience if isinstance(audience, str) else None
    owner = pieces(repository.name)[0]
    return f"https://github.com/{owner.partition('/')[0]}" if isinstance(owner, str) and "/" in owner else None
