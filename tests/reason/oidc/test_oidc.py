"""GitHub's tokens: what their subjects are, and which trust policies let them in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.answers import NO, YES
from checker.model.settings import SubjectForm
from checker.reason.iam.deployers import deployment_of
from checker.reason.iam.evaluation import Access
from checker.reason.oidc.overmatch import Own, is_narrow, outsider
from checker.reason.oidc.trust import (
    AUDIENCE,
    HOST,
    Repository,
    Token,
    Trust,
    all_admitted,
    environment_token,
    pull_request_token,
    ref_token,
    trust_of,
    with_claims,
)
from tests.answers import said
from tests.projects import project_of, resource

REPO = Repository("kcjonson/doc-platform")
IMMUTABLE = Repository("kcjonson/doc-platform", SubjectForm.IMMUTABLE, "12", "34")


@pytest.mark.parametrize(
    ("token", "subject"),
    [
        (environment_token(REPO, "production"), "repo:kcjonson/doc-platform:environment:production"),
        (environment_token(REPO, "prod:eu"), "repo:kcjonson/doc-platform:environment:prod%3Aeu"),
        (ref_token(REPO, "refs/tags/v1"), "repo:kcjonson/doc-platform:ref:refs/tags/v1"),
        (pull_request_token(REPO), "repo:kcjonson/doc-platform:pull_request"),
        (ref_token(IMMUTABLE, "refs/heads/main"), "repo:kcjonson@12/doc-platform@34:ref:refs/heads/main"),
        (environment_token(IMMUTABLE, "x"), "repo:kcjonson@12/doc-platform@34:environment:x"),
    ],
)
def test_subjects(token: Token, subject: str) -> None:
    assert token.subject == subject


def test_ids_that_nobody_told_are_open() -> None:
    token = environment_token(Repository("o/r", SubjectForm.IMMUTABLE), "x")
    assert str(token.subject) == "repo:o@<owner id>/r@<repository id>:environment:x"


def _trust(condition: str) -> Trust:
    project = project_of(f"""
        Resources:
          R:
            Type: AWS::IAM::Role
            Properties:
              AssumeRolePolicyDocument:
                Statement:
                  - Effect: Allow
                    Action: sts:AssumeRoleWithWebIdentity
                    Principal: {{Federated: "arn:aws:iam::1:oidc-provider/{HOST}"}}
                    Condition: {condition}
    """)
    trust = trust_of(resource(project, "R"), project)
    assert trust is not None
    return trust


def _subjects(*patterns: str) -> Trust:
    written = ", ".join(f'"{pattern}"' for pattern in patterns)
    return _trust(f"{{StringEquals: {{{HOST}:aud: {AUDIENCE}}}, StringLike: {{{HOST}:sub: [{written}]}}}}")


def test_where_one_token_is_refused_not_all_are_admitted() -> None:
    trust = _subjects("repo:kcjonson/doc-platform:ref:refs/heads/main")
    tokens = [ref_token(REPO, "refs/heads/main"), environment_token(REPO, "production")]
    assert all_admitted(trust, tokens) is NO
    assert all_admitted(trust, tokens[:1]) is YES


def test_claims_decide_beside_the_subject() -> None:
    trust = _trust(f"{{StringEquals: {{{HOST}:aud: {AUDIENCE}, {HOST}:environment: production}}}}")
    assert trust.admits(environment_token(REPO, "production")).allowed
    assert trust.admits(environment_token(REPO, "staging")).denied
    assert trust.admits(ref_token(REPO, "refs/heads/main")).denied
    assert trust.admits(with_claims(environment_token(REPO, "production"), aud="other")).denied


_PART = st.sampled_from(
    ["kcjonson", "doc-platform", "/", ":", "*", "?", "environment:", "production", "ref:refs/heads/"]
)
_PATTERN = st.lists(_PART, max_size=6).map("".join) | st.lists(_PART, max_size=4).map(
    lambda parts: "repo:kcjonson/doc-platform:" + "".join(parts)
)


@given(_PATTERN)
def test_narrow_and_too_wide_never_hold_together(pattern: str) -> None:
    trust = _subjects(pattern)
    own = Own((REPO,), ("refs/heads/main", "refs/tags/v*"), ("production",), declared=True)
    (statement,) = trust.entrances
    if is_narrow(trust, statement, own) is YES:
        assert outsider(trust, statement, own) is None


@pytest.mark.parametrize("pattern", ["repo:Kcjonson/*", "repo:KCJONSON/doc-platform:*", "repo:kcjonson/Doc-Platform:*"])
def test_nobody_else_has_the_owner_s_name_in_another_case(pattern: str) -> None:
    trust = _trust(f"{{StringEquals: {{{HOST}:aud: {AUDIENCE}}}, StringLike: {{{HOST}:sub: '{pattern}'}}}}")
    own = Own((REPO,), ("refs/heads/main",), ("production",), declared=True)
    assert outsider(trust, trust.entrances[0], own) is None


def test_a_role_is_worked_out_once_per_project() -> None:
    project = project_of("Resources: {R: {Type: AWS::IAM::Role}}")
    assert deployment_of(project) is deployment_of(project)
    assert deployment_of(project).github_roles == ()


@pytest.mark.parametrize(
    ("known", "asked", "expected"),
    [("34", "34", True), ("34", "35", False), ("", "34", None), ("", "*", False)],
)
def test_a_repository_by_its_id_is_the_project_s_own_where_the_settings_have_it(
    known: str, asked: str, expected: bool | None
) -> None:
    own = Own((Repository("kcjonson/doc-platform", repository_id=known),), (), ("production",), declared=True)
    trust = _trust(f"{{StringLike: {{{HOST}:repository_id: '{asked}', {HOST}:environment: production}}}}")
    assert said(is_narrow(trust, trust.entrances[0], own)) is expected


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("arn:aws:iam::${AWS::AccountId}:saml-provider/${Name}", None),
        ("arn:aws:iam::${AWS::AccountId}:oidc-provider/${Name}", Access.UNKNOWN),
        ("${Name}", Access.UNKNOWN),
    ],
)
def test_a_provider_with_open_parts_may_be_github_s_unless_its_arn_says_another_kind(
    provider: str, expected: Access | None
) -> None:
    project = project_of(f"""
        Parameters: {{Name: {{Type: String}}}}
        Resources:
          R:
            Type: AWS::IAM::Role
            Properties:
              AssumeRolePolicyDocument:
                Statement:
                  - {{Effect: Allow, Action: "sts:AssumeRoleWith*", Principal: {{Federated: !Sub "{provider}"}}}}
    """)
    trust = trust_of(resource(project, "R"), project)
    assert (trust and trust.admits(environment_token(REPO, "production")).answer) is expected
