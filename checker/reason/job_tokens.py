"""The OIDC tokens that a job can present: each way it can start, times the environment it names.

Sources: GitHub Docs, "OpenID Connect reference" (a job with an environment presents that and no ref; a pull request's
subject is ``pull_request``) and "Events that trigger workflows" (refs). Refs that a filter or a person leaves open are
asked about by example: the default branch, release tags, and a branch and a tag that nobody protects. An ``if`` of the
job or of a caller is evaluated for each example, so that ``if: github.ref == 'refs/heads/main'`` counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from checker.model.jobs import Credentials, EffectiveJob, Start
from checker.model.possible import Possible, options, pattern_of
from checker.model.settings import Settings
from checker.model.values import Absent, Text
from checker.reason.deployers import RELEASES
from checker.reason.expression_values import Open, Partial
from checker.reason.expressions import Contexts
from checker.reason.oidc import Repository, Token, environment_token, pull_request_token, ref_token, with_claims
from checker.reason.steps import runs_under

_HEADS: Final = "refs/heads/"
_TAGS: Final = "refs/tags/"
# Where a person picks the ref: that one of the project's own gets in is enough.
_BY_HAND: Final = frozenset({"workflow_dispatch", "create", "deployment", "deployment_status", "repository_dispatch"})
_OF_PULL_REQUESTS: Final = frozenset(
    {"pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_target"}
)


class Demand(StrEnum):
    """How a token counts among those of its job and event."""

    EACH = "each"  # it must get in
    ONE = "one"  # one of these must: a person picks the ref
    MAYBE = "maybe"  # whether the job runs with it depends on what only the run knows


@dataclass(frozen=True, slots=True)
class Presented:
    """A token and how it comes about. ``ref`` is the ref or an example; ``environment`` is empty where none is named."""

    token: Token
    event: str
    ref: str | Text
    environment: str | Text = ""
    demand: Demand = Demand.EACH

    @property
    def way(self) -> str:
        """As messages tell it: ``release (refs/tags/v1.2.3)``."""
        return f"{self.event} ({self.ref})" if self.ref else self.event


def tokens_of(
    job: EffectiveJob, credentials: Credentials, repository: Repository, settings: Settings
) -> tuple[list[Presented], str]:
    """Every token that the job can present at this step, and what kept some from being told (empty: nothing)."""
    environments, why = _environments(job)
    found: dict[tuple[object, ...], Presented] = {}
    for start in job.starts:
        for ref, demand in _refs(job, start, settings):
            for environment in environments:
                token = _token(job, credentials, repository, start.event, ref, environment)
                presented = Presented(token, start.event, ref, environment, demand)
                found.setdefault((token.subject, start.event, ref), presented)
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
    elif event in _OF_PULL_REQUESTS:
        token = with_claims(pull_request_token(repository), ref=ref)
    else:
        token = ref_token(repository, ref)
    if isinstance(repository.name, str) and isinstance(ref, str):
        workflow = f"{repository.name}/{job.workflow.file}@{ref}"
        token = with_claims(token, job_workflow_ref=workflow, workflow=job.entry.name)
    audience: Possible = {name.lower(): value for name, value in credentials.step.with_.items()}.get("audience", "")
    if isinstance(audience, str) and audience:
        token = with_claims(token, aud=audience)
    return token


def _refs(job: EffectiveJob, start: Start, settings: Settings) -> Iterator[tuple[str | Text, Demand]]:
    """The refs of one start with what each asks for, those left out for which an ``if`` is false."""
    by_hand = start.event in _BY_HAND
    if start.event in _OF_PULL_REQUESTS and start.event != "pull_request":
        # Whether these present the pull request or the ref that they run on is not documented.
        yield start.ref, Demand.EACH if job.environments else Demand.MAYBE
        return
    if not isinstance(start.ref, Text) or start.event in _OF_PULL_REQUESTS:
        yield start.ref, Demand.ONE if by_hand else Demand.EACH
        return
    fits = pattern_of(start.ref)
    own = [f"{_HEADS}{settings.default_branch}", *_release_tags(settings)]
    others = [] if by_hand or start.event == "release" else [f"{_HEADS}any-branch", f"{_TAGS}any-tag"]
    examples = [ref for ref in (*own, *others) if fits.fullmatch(ref)]
    if not examples:
        yield start.ref, Demand.EACH
        return
    for ref in examples:
        answer = _runs_on(job, start, ref)
        if answer is not False:
            if by_hand:
                yield ref, Demand.ONE
            else:
                yield ref, Demand.MAYBE if answer is None and ref in others else Demand.EACH


def _release_tags(settings: Settings) -> Iterator[str]:
    for pattern in settings.release_tag_patterns:
        head, star, _ = pattern.partition("*")
        for release in RELEASES if star else ("",):
            yield f"{_TAGS}{head}{release}"


def _runs_on(job: EffectiveJob, start: Start, ref: str) -> bool | None:
    """Whether the conditions of the job and its callers let it run on this ref."""
    is_tag = ref.startswith(_TAGS)
    github = {
        "ref": ref,
        "ref_name": ref.removeprefix(_HEADS).removeprefix(_TAGS),
        "ref_type": "tag" if is_tag else "branch",
        "event_name": start.event,
    }
    contexts: Contexts = {
        "github": Partial(github, Open("github")),
        **{name: Open(name) for name in ("inputs", "vars", "secrets", "needs", "env", "matrix", "steps", "job")},
    }
    answers = {runs_under(each.job.if_, contexts) for each in job.chain}
    return False if False in answers else None if None in answers else True
