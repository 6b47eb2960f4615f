"""Reading a repository's settings from a GitHub on loopback: what is there, and what every refusal makes of a fact."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import fields, replace

from checker.collect.github import client, read, shapes
from checker.collect.github.read import read_settings
from checker.model.live.repository_settings import (
    NOT_AT_HAND,
    AnyRef,
    BranchProtection,
    DeploymentEnvironment,
    ImmutableReleases,
    NotRead,
    ProtectedBranches,
    RefPattern,
    RepositorySettings,
    Ruleset,
    SubjectTemplate,
)
from checker.model.values import ABSENT
from tests.collect.github.server import REPOSITORY, TOKEN, Answer, GitHub, documented, protected, serving
from tests.work import HANG_SECONDS

EXPECTED = RepositorySettings(
    repository=REPOSITORY,
    default_branch="main",
    environments={
        "production": DeploymentEnvironment(
            name="production",
            reviewers=("Team:platform-team", "User:a-person"),
            prevents_self_review=True,
            wait_minutes=5,
            deploys_from=(RefPattern("branch", "main"), RefPattern("tag", "v*")),
        ),
        "staging": DeploymentEnvironment(name="staging", deploys_from=AnyRef()),
    },
    rulesets=(
        Ruleset(
            name="Main",
            target="branch",
            enforcement="active",
            include=("~DEFAULT_BRANCH",),
            rules=frozenset({"pull_request", "deletion"}),
        ),
        Ruleset(
            name="Releases",
            target="tag",
            enforcement="active",
            include=("refs/tags/v*",),
            rules=frozenset({"creation", "update", "deletion"}),
            bypass=(),
        ),
    ),
    branch_protection=ABSENT,
    subject_template=SubjectTemplate(prefix=f"repo:{REPOSITORY}", immutable=False),
    immutable_releases=ImmutableReleases(enabled=True),
)
# Fact -> the path that it is read from.
PATHS = {
    "environments": "/environments",
    "rulesets": "/rulesets",
    "branch_protection": "/branches/main/protection",
    "subject_template": "/actions/oidc/customization/sub",
    "immutable_releases": "/immutable-releases",
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serving(protected(GitHub())) as running:
        yield running


def settings(github: GitHub, **changed: str) -> RepositorySettings:
    return read_settings(REPOSITORY, {**github.environ, **changed}, seconds=5)


def test_everything_is_read(github: GitHub) -> None:
    assert settings(github) == EXPECTED
    assert settings(github).unread == ()
    assert github.tokens in ({f"token {TOKEN}"}, {f"Bearer {TOKEN}"})


def test_examples_of_the_documentation_are_read(github: GitHub) -> None:
    root = "/repos/{owner}/{repo}"
    for path in ("/environments", "/actions/oidc/customization/sub", "/immutable-releases"):
        github.says(path, documented()[root + path]["example"])
    name = f"{root}/environments/{{environment_name}}"
    listed = documented()[f"{name}/deployment-branch-policies"]["example"]
    github.says("/environments/staging/deployment-branch-policies", listed)
    gates = documented()[f"{name}/deployment_protection_rules"]["example"]
    github.says("/environments/staging/deployment_protection_rules", gates)
    github.says("/branches/main/protection", documented()[f"{root}/branches/{{branch}}/protection"]["example"])
    github.says("/rulesets", [{"id": 42}])
    github.says("/rulesets/42", documented()[f"{root}/rulesets/{{ruleset_id}}"]["example"])
    found = settings(github)
    assert found.unread == ()
    staging = found.environment("staging")
    assert isinstance(staging, DeploymentEnvironment)
    assert (staging.reviewers, staging.wait_minutes) == (("Team:justice-league", "User:octocat"), 30)
    assert staging.gates == ("a-custom-app", "another-custom-app")
    assert isinstance(found.branch_protection, BranchProtection)
    assert found.branch_protection.requires_pull_request
    assert found.subject_template == SubjectTemplate(claims=("repo", "context"))
    assert isinstance(found.rulesets, tuple)
    assert found.rulesets[0].bypass == ("Team:234",)


def test_the_recorded_answer_of_a_branch_without_protection_is_what_is_looked_for() -> None:
    recorded = documented()["/repos/{owner}/{repo}/branches/{branch}/protection"]["not_set"]
    assert recorded == {"message": "Branch not protected"}


def test_without_a_token_nothing_is_known_and_nothing_is_asked(github: GitHub) -> None:
    assert read_settings(REPOSITORY, {"GITHUB_API_URL": github.url}) == RepositorySettings(repository=REPOSITORY)
    assert github.seen == []
    assert RepositorySettings(repository=REPOSITORY).environments == NOT_AT_HAND
    (unread,) = RepositorySettings(repository=REPOSITORY).unread
    assert unread.what.startswith(f"{REPOSITORY}: default branch, environments, rulesets, branch protection, ")


def test_the_command_lines_own_variable_wins(github: GitHub) -> None:
    settings(github, GH_TOKEN="another")
    assert {each.split()[-1] for each in github.tokens} == {"another"}


@pytest.mark.parametrize("url", ["http://example.com", "ftp://127.0.0.1", "example.com"])
def test_a_token_is_not_sent_in_the_clear(url: str) -> None:
    found = read_settings(REPOSITORY, {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": url})
    assert isinstance(found.environments, NotRead)
    assert "https only" in found.environments.why
    assert TOKEN not in str(found)


@pytest.mark.parametrize("name", ["", "no-owner", "a/b/c", "../user", "a/..", "o/r?x"])
def test_what_is_no_repository_is_not_asked_for(github: GitHub, name: str) -> None:
    found = read_settings(name, github.environ)
    assert isinstance(found.environments, NotRead)
    assert found.environments.needs == "repository in checker.toml"
    assert github.seen == []


def test_without_the_package_its_extra_is_named(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "find_spec", lambda name: None)
    found = settings(github)
    assert isinstance(found.environments, NotRead)
    assert re.search(r"doc-platform-checker\[[\w,]*\bgithub\b[\w,]*\]", found.environments.needs)


REFUSALS = {
    "denied": (Answer(403, {"message": "Resource not accessible"}), "may not read it"),
    "unauthorized": (Answer(401, {"message": "Bad credentials"}), "does not accept the token"),
    "not there or not visible": (Answer(404, {"message": "Not Found"}), "not for this token to see"),
    "used up": (
        Answer(
            403,
            {"message": "API rate limit exceeded"},
            {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1798279200"},
        ),
        "rate limit is used up until 10:00 UTC",
    ),
    "slowed down": (Answer(403, {"message": "You have exceeded a secondary rate limit"}), "slows this token down"),
    "too many": (Answer(429, {"message": "Too many"}, {"retry-after": "60"}), "slows this token down"),
    "moved": (Answer(301, {"message": "Moved Permanently"}, {"Location": "/elsewhere"}), "another name or owner"),
    "broken": (Answer(502, None, {"Content-Type": "text/html"}, b"<html>"), "answered 502"),
    "cut": (Answer(200, body=b'{"environments": [{"na'), "not as documented"),
    "empty": (Answer(200, body=b""), "not as documented"),
    "no object": (Answer(200, "hello"), "not as documented"),
    "a list of words": (Answer(200, ["a", "b"]), "not as documented"),
    "null": (Answer(200, None), "not as documented"),
    "hangs": (Answer(hangs=True), "no answer"),
}


@pytest.mark.parametrize("fact", PATHS)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_makes_its_own_fact_unknown_and_no_other(github: GitHub, fact: str, refusal: str) -> None:
    answer, why = REFUSALS[refusal]
    github.routes[PATHS[fact]] = answer
    seconds = 3.0 if answer.hangs else 10.0
    started = time.monotonic()
    found = read_settings(REPOSITORY, github.environ, seconds=seconds)
    assert time.monotonic() - started < HANG_SECONDS
    if fact == "immutable_releases" and refusal == "not there or not visible":
        # To somebody who administers the repository this says: not enabled.
        assert found == replace(EXPECTED, immutable_releases=ImmutableReleases(enabled=False))
        return
    unread = getattr(found, fact)
    assert isinstance(unread, NotRead)
    assert why in unread.why
    for each in fields(RepositorySettings):
        if each.name != fact:
            assert getattr(found, each.name) == getattr(EXPECTED, each.name)
    assert [each.why for each in found.unread] == [unread.why]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_repository_that_cannot_be_seen_is_no_unprotected_one(github: GitHub, refusal: str) -> None:
    answer, why = REFUSALS[refusal]
    github.routes[""] = answer
    found = read_settings(REPOSITORY, github.environ, seconds=1.0)
    (unread,) = found.unread
    assert why in unread.why
    assert unread.what.count(", ") == 5


def test_the_missing_permission_is_named_as_github_names_it(github: GitHub) -> None:
    headers = {"x_accepted_github_permissions": "administration=read"}
    github.refuses("/branches/main/protection", 403, "Resource not accessible by integration", **headers)
    assert settings(github).branch_protection == NotRead("the token may not read it", "administration:read")


def test_a_branch_that_may_not_be_looked_at_is_no_unprotected_one(github: GitHub) -> None:
    github.refuses("/branches/main/protection", 404, "Not Found")
    found = settings(github).branch_protection
    assert isinstance(found, NotRead)
    assert found.needs == "administration:read"


def test_immutable_releases_are_unknown_to_those_who_do_not_administer(github: GitHub) -> None:
    github.says("", {"default_branch": "main", "permissions": {"admin": False}})
    github.refuses("/immutable-releases", 404, "Not Found")
    assert isinstance(settings(github).immutable_releases, NotRead)


def test_every_page_is_read(github: GitHub) -> None:
    first: dict[str, Any] = {"name": "one", "protection_rules": [], "deployment_branch_policy": None}
    link = f'<{github.url}/repos/{REPOSITORY}/environments?page=2>; rel="next"'
    github.says("/environments", {"environments": [first]}, Link=link)
    github.says("/environments?page=2", {"environments": [{**first, "name": "two"}]})
    found = settings(github).environments
    assert not isinstance(found, NotRead)
    assert list(found) == ["one", "two"]


def test_pages_without_an_end_are_no_answer(github: GitHub) -> None:
    many: list[dict[str, Any]] = [
        {"name": f"e{n}", "protection_rules": [], "deployment_branch_policy": None} for n in range(1000)
    ]
    link = f'<{github.url}/repos/{REPOSITORY}/environments>; rel="next"'
    github.says("/environments", {"environments": many}, Link=link)
    found = settings(github).environments
    assert isinstance(found, NotRead)
    assert "do not end" in found.why


def test_a_second_page_that_is_refused_leaves_nothing_half_known(github: GitHub) -> None:
    link = f'<{github.url}/repos/{REPOSITORY}/environments?page=2>; rel="next"'
    first: dict[str, Any] = {"name": "staging", "protection_rules": [], "deployment_branch_policy": None}
    github.says("/environments", {"environments": [first]}, Link=link)
    github.refuses("/environments?page=2", 502, "Bad gateway")
    assert isinstance(settings(github).environments, NotRead)
    assert isinstance(settings(github).environment("production"), NotRead)


def test_patterns_that_cannot_be_read_leave_the_rest_of_the_environment(github: GitHub) -> None:
    github.refuses("/environments/production/deployment-branch-policies", 403, "no")
    found = settings(github).environment("Production")
    assert isinstance(found, DeploymentEnvironment)
    assert found.reviewers
    assert isinstance(found.deploys_from, NotRead)
    (unread,) = settings(github).unread
    assert (unread.what, unread.needs) == (f"{REPOSITORY}: environment production: branch policies", "actions:read")


def test_protected_branches_are_not_every_branch(github: GitHub) -> None:
    policy = {"protected_branches": True, "custom_branch_policies": False}
    listed = [{"name": "production", "protection_rules": [], "deployment_branch_policy": policy}]
    github.says("/environments", {"environments": listed})
    found = settings(github).environment("production")
    assert isinstance(found, DeploymentEnvironment)
    assert found.deploys_from == ProtectedBranches()
    assert ProtectedBranches() != AnyRef()


def test_an_answer_that_does_not_say_what_may_deploy(github: GitHub) -> None:
    github.says("/environments", {"environments": [{"name": "production", "protection_rules": []}]})
    found = settings(github).environment("production")
    assert isinstance(found, DeploymentEnvironment)
    assert isinstance(found.deploys_from, NotRead)


def test_names_are_quoted_in_paths(github: GitHub) -> None:
    listed: list[dict[str, Any]] = [{"name": "eu/pro{d}?x#y", "protection_rules": [], "deployment_branch_policy": None}]
    github.says("/environments", {"environments": listed})
    settings(github)
    assert any("/environments/eu%2Fpro%7Bd%7D%3Fx%23y/" in each for each in github.seen)


def test_an_address_where_nobody_listens(github: GitHub) -> None:
    environ = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": "http://127.0.0.1:9"}
    found = read_settings(REPOSITORY, environ, seconds=2).environments
    assert isinstance(found, NotRead)
    assert "cannot be reached" in found.why


@pytest.mark.parametrize(
    "answer",
    [
        {"use_default": "yes"},
        {},
        {"use_default": False, "include_claim_keys": "repo"},
    ],
)
def test_a_subject_of_another_shape_is_no_default_one(github: GitHub, answer: object) -> None:
    github.routes[PATHS["subject_template"]] = Answer(200, answer)
    assert isinstance(settings(github).subject_template, NotRead)


def test_reading_settings_is_not_paid_for_at_start() -> None:
    assert not [name for name in vars(client) if name in {"gidgethub", "httpx2"}]
    assert shapes.environment.__module__ == "checker.collect.github.shapes"
