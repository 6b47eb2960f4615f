"""Settings in a snapshot, and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from checker.collect.github.facts import as_facts, from_facts
from checker.errors import InputError
from checker.model.live.repository_settings import (
    BranchProtection,
    DeploymentEnvironment,
    NotRead,
    ProtectedBranches,
    RepositorySettings,
)
from tests.collect.github.server import REPOSITORY
from tests.collect.github.test_read import EXPECTED

DENIED = NotRead("the token may not read it", "administration:read")
assert isinstance(EXPECTED.environments, dict)
PRODUCTION: DeploymentEnvironment = EXPECTED.environments["production"]


@pytest.mark.parametrize(
    "settings",
    [
        EXPECTED,
        RepositorySettings(repository=REPOSITORY),
        replace(EXPECTED, branch_protection=BranchProtection(reviews=2, requires_pull_request=True)),
        replace(EXPECTED, branch_protection=DENIED, immutable_releases=DENIED),
        replace(EXPECTED, environments={"production": replace(PRODUCTION, deploys_from=ProtectedBranches())}),
        replace(EXPECTED, environments={"production": replace(PRODUCTION, deploys_from=DENIED, gates=DENIED)}),
    ],
    ids=["whole", "nothing", "protected", "denied", "protected branches", "half an environment"],
)
def test_there_and_back(settings: RepositorySettings) -> None:
    text = json.dumps(as_facts(settings))
    assert from_facts(json.loads(text)) == settings


def test_what_a_person_left_out_is_unknown() -> None:
    found = from_facts({"repository": REPOSITORY, "environments": {"production": {"reviewers": ["User:a"]}}})
    production = found.environment("production")
    assert isinstance(production, DeploymentEnvironment)
    assert production.reviewers == ("User:a",)
    assert isinstance(production.deploys_from, NotRead)
    assert isinstance(found.rulesets, NotRead)
    assert isinstance(found.branch_protection, NotRead)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], r"facts\.github is not an object"),
        ({"repository": 1}, r"facts\.github\.repository is not text"),
        ({"repository": "o/r", "environments": []}, r"facts\.github\.environments is not an object"),
        (
            {"repository": "o/r", "environments": {"p": {"deploys_from": "all"}}},
            r"environments\.p\.deploys_from is none of any, protected branches",
        ),
        ({"repository": "o/r", "immutable_releases": {"enabled": "yes"}}, r"enabled is not true or false"),
    ],
)
def test_a_fault_names_its_place(document: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_facts(document)


def test_the_document_in_the_documentation_is_read() -> None:
    page = (Path(__file__).parents[3] / "docs" / "repository-settings.md").read_text(encoding="utf-8")
    (document,) = re.findall(r"```json\n(.+?)```", page, re.DOTALL)
    found = from_facts(json.loads(document))
    assert isinstance(found.rulesets, tuple)
    assert isinstance(found.environment("production"), DeploymentEnvironment)
    assert [each.what for each in found.unread] == [
        "OWNER/REPO: immutable releases",
    ]
