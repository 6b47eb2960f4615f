"""Whether the roles that jobs ask for let them in: tokens meet trust policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from checker.model.answers import NO, YES
from checker.model.environments import Project
from checker.model.pipeline.jobs import Demand, EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.reason.iam.deployers import Deployer, deployment_of
from checker.reason.oidc.assumed_roles import Assumption, assumption, role_sessions
from checker.reason.oidc.job_tokens import Presented, tokens_of
from checker.reason.oidc.trust import AUDIENCE, with_claims


class Admission(Struct, frozen=True):
    """The answer for one step of one job. ``refused``: a token that the role surely refuses, every role that could be
    meant. ``why`` completes "cannot be decided: ..." where the answer is open; both empty: every token gets in."""

    job: EffectiveJob
    assumption: Assumption
    tokens: tuple[Presented, ...]
    refused: tuple[Deployer, Presented] | None = None
    why: str = ""

    @property
    def audience(self) -> str:
        """The audience that the token is refused for: made for AWS it would get in. Else empty."""
        role, presented = self.refused if self.refused is not None else (None, None)
        if role is None or presented is None:
            return ""
        own = with_claims(presented.token, aud=AUDIENCE)
        return str(presented.token.claims.get("aud")) if role.trust.admits(own).allowed else ""


def admissions_of(pipeline: Pipeline, project: Project) -> Iterator[Admission]:
    """An :class:`Admission` for every step that assumes a role by the job's own token."""
    found = [
        _admission(job, assumption(job, credentials, project), project)
        for job, credentials in role_sessions(pipeline)
        if credentials.oidc is not NO
    ]
    let_in = {_by_hand(each) for each in found if each.refused is None and not each.why}
    yield from (each for each in found if each.refused is None or _by_hand(each) not in let_in)


def _by_hand(admission: Admission) -> object:
    """What the ways of a job that a person starts have in common whatever ref is picked: where one of the refs gets in,
    that the others are refused is no fault."""
    events = {each.event for each in admission.tokens if each.demand is Demand.ONE}
    only = len(events) == 1 and all(each.demand is Demand.ONE for each in admission.tokens)
    job, spot = admission.job, admission.assumption.credentials.step.spot
    return (job.name, spot, job.given, *events) if only else id(admission)


def _admission(job: EffectiveJob, meant: Assumption, project: Project) -> Admission:
    deployment = deployment_of(project)
    if not meant.candidates:
        shown, _ = tokens_of(job, meant.credentials, deployment.own.repository)
        return Admission(job, meant, tuple(shown), why=f"whether its token gets in: {meant.why}")
    tokens: list[Presented] = []
    refusals: list[tuple[Deployer, Presented]] = []
    doubt = ""
    for role in meant.candidates:
        repository = deployment.repository(role.trust)
        tokens, untold = tokens_of(job, meant.credentials, repository)
        refused, why = _verdict(role, tokens)
        if refused is not None:
            refusals.append((role, refused))
        doubt = doubt or untold or why
    if refusals and len(refusals) == len(meant.candidates) and meant.credentials.oidc is YES:
        return Admission(job, meant, tuple(tokens), refused=refusals[0])
    if refusals and not doubt:
        names = ", ".join(each.role.logical_id for each in meant.candidates)
        role, presented = refusals[0]
        doubt = f"which of {names} it assumes; {role.role.logical_id} refuses {presented.token.subject}"
    return Admission(job, meant, tuple(tokens), why=doubt)


def _verdict(role: Deployer, tokens: Sequence[Presented]) -> tuple[Presented | None, str]:
    """A token that is refused for sure, and what is open about the rest."""
    doubt = ""
    by_hand: dict[str, list[Presented]] = {}
    for presented in tokens:
        if presented.demand is Demand.ONE:
            by_hand.setdefault(presented.event, []).append(presented)
            continue
        decision = role.trust.admits(presented.token)
        if decision.denied and presented.demand is Demand.EACH:
            return presented, ""
        if not decision.allowed:
            why = decision.why or "the job's conditions"
            doubt = doubt or f"whether it runs with {presented.token.subject}, which is refused: {why}"
    for each in by_hand.values():
        refused, why = _one_of(role, each)
        if refused is not None:
            return refused, ""
        doubt = doubt or why
    return None, doubt


def _one_of(role: Deployer, tokens: Iterable[Presented]) -> tuple[Presented | None, str]:
    """Of the refs that a person can pick, one of the project's own must get in."""
    first: Presented | None = None
    doubt = ""
    for presented in tokens:
        decision = role.trust.admits(presented.token)
        if decision.allowed:
            return None, ""
        first = first or presented
        if not decision.denied:
            doubt = doubt or f"whether {presented.token.subject} gets in: {decision.why}"
    return (None, doubt) if doubt else (first, "")
