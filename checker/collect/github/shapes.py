"""GitHub's answers as facts. Shapes: GitHub's REST API description (npm ``@octokit/openapi`` 23.0.2).

A field that GitHub documents as always there is asked for, and its absence is an answer of another shape; an optional
one that is missing has the value that its description gives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from checker.collect.github.client import WrongShape
from checker.model.live.repository_settings import (
    AnyRef,
    BranchProtection,
    DeploymentEnvironment,
    DeploysFrom,
    ImmutableReleases,
    NotRead,
    ProtectedBranches,
    RefPattern,
    Ruleset,
    SubjectTemplate,
)

Answer = Mapping[str, Any]


def environment(
    answer: Answer, gates: tuple[str, ...] | NotRead, patterns: Sequence[RefPattern] | NotRead
) -> DeploymentEnvironment:
    """Schema ``environment``. ``gates`` and ``patterns`` come from calls of their own."""
    reviewers: list[str] = []
    self_review, minutes = False, 0
    for rule in _list(answer, "protection_rules"):
        if rule["type"] == "required_reviewers":
            reviewers += [_reviewer(each) for each in _list(rule, "reviewers")]
            self_review = _bool(rule, "prevent_self_review", False)
        elif rule["type"] == "wait_timer":
            minutes = _number(rule, "wait_timer", 0)
    return DeploymentEnvironment(
        name=_text(answer, "name"),
        reviewers=tuple(sorted(reviewers)),
        prevents_self_review=self_review,
        wait_minutes=minutes,
        gates=gates,
        deploys_from=_deploys_from(answer, patterns),
    )


def has_patterns(answer: Answer) -> bool:
    """Whether an environment has name patterns, which are read by a call of their own."""
    policy = answer.get("deployment_branch_policy")
    return policy is not None and _bool(policy, "custom_branch_policies")


def _deploys_from(answer: Answer, patterns: Sequence[RefPattern] | NotRead) -> DeploysFrom:
    # `null` lets all branches and tags deploy; the key may be missing, and that says nothing.
    if "deployment_branch_policy" not in answer:
        return NotRead("GitHub's answer does not say what may deploy")
    policy = answer["deployment_branch_policy"]
    if policy is None:
        return AnyRef()
    if _bool(policy, "protected_branches"):
        return ProtectedBranches()
    return patterns if isinstance(patterns, NotRead) else tuple(patterns)


def _reviewer(answer: Answer) -> str:
    kind, who = answer["type"], answer["reviewer"]
    return f"{kind}:{who['slug'] if kind == 'Team' else who['login']}"


def ref_pattern(answer: Answer) -> RefPattern:
    """Schema ``deployment-branch-policy``. Without a type it is a branch's, as before tags had patterns."""
    kind = answer.get("type", "branch")
    if kind not in ("branch", "tag"):
        raise WrongShape(f"a policy's type is {kind!r}")
    return RefPattern(kind, _text(answer, "name"))


def gate(answer: Answer) -> str | None:
    """Schema ``deployment-protection-rule``: the app that must agree, where the rule is on."""
    return str(answer["app"]["slug"]) if _bool(answer, "enabled") else None


def ruleset(answer: Answer) -> Ruleset:
    """Schema ``repository-ruleset``. ``bypass_actors`` is there for those only who may write the ruleset."""
    names = (answer.get("conditions") or {}).get("ref_name") or {}
    actors = answer.get("bypass_actors")
    return Ruleset(
        name=_text(answer, "name"),
        target=_text(answer, "target"),
        enforcement=_text(answer, "enforcement"),
        include=tuple(names.get("include", ())),
        exclude=tuple(names.get("exclude", ())),
        rules=frozenset(str(rule["type"]) for rule in _list(answer, "rules")),
        bypass=None if actors is None else tuple(f"{each['actor_type']}:{each.get('actor_id')}" for each in actors),
    )


def branch_protection(answer: Answer) -> BranchProtection:
    """Schema ``branch-protection``. A missing part is not set."""
    reviews = answer.get("required_pull_request_reviews")
    return BranchProtection(
        reviews=0 if reviews is None else _number(reviews, "required_approving_review_count", 0),
        requires_pull_request=reviews is not None,
        enforced_for_admins=_enabled(answer, "enforce_admins"),
        allows_force_pushes=_enabled(answer, "allow_force_pushes"),
        allows_deletions=_enabled(answer, "allow_deletions"),
    )


def subject_template(answer: Answer) -> SubjectTemplate:
    """Schema ``oidc-custom-sub-repo``. With ``use_default`` the claim keys are ignored."""
    claims = () if _bool(answer, "use_default") else tuple(map(str, _list(answer, "include_claim_keys")))
    immutable = answer.get("use_immutable_subject")
    return SubjectTemplate(
        claims=claims,
        prefix=str(answer.get("sub_claim_prefix") or ""),
        immutable=immutable if isinstance(immutable, bool) else None,
    )


def immutable_releases(answer: Answer) -> ImmutableReleases:
    """Schema ``check-immutable-releases``."""
    return ImmutableReleases(enabled=_bool(answer, "enabled"), enforced_by_owner=_bool(answer, "enforced_by_owner"))


def _enabled(answer: Answer, name: str) -> bool:
    part = answer.get(name)
    return part is not None and _bool(part, "enabled")


def _list(answer: Answer, name: str) -> Sequence[Any]:
    value = answer.get(name, [])
    if not isinstance(value, list):
        raise WrongShape(f"{name} is not a list")
    return value


def _text(answer: Answer, name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise WrongShape(f"{name} is not text")
    return value


def _bool(answer: Answer, name: str, default: bool | None = None) -> bool:
    value = answer.get(name, default)
    if not isinstance(value, bool):
        raise WrongShape(f"{name} is not true or false")
    return value


def _number(answer: Answer, name: str, default: int) -> int:
    value = answer.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongShape(f"{name} is not a number")
    return value
