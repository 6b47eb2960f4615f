"""What reports draw of a project: what image expiry would take of imagined repositories."""

from __future__ import annotations

import json

from checker.model.shown.facts import Facts, Fate, ImagesOfAge
from checker.reason.facts import drawn_of
from tests.projects import project_of


def _policy(*rules: dict[str, object]) -> str:
    return json.dumps(json.dumps({"rules": list(rules)}))


_ANY = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3}
_UNTAGGED = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
THREE = _policy({"rulePriority": 1, "selection": _ANY, "action": {"type": "expire"}})
SHORT = _policy({"rulePriority": 1, "selection": _UNTAGGED, "action": {"type": "expire"}})
TEMPLATE = f"""
    Resources:
      Api: {{Type: AWS::ECR::Repository, Properties: {{LifecyclePolicy: {{LifecyclePolicyText: {THREE}}}}}}}
      Web: {{Type: AWS::ECR::Repository, Properties: {{LifecyclePolicy: {{LifecyclePolicyText: {THREE}}}}}}}
      Jobs: {{Type: AWS::ECR::Repository, Properties: {{LifecyclePolicy: {{LifecyclePolicyText: {SHORT}}}}}}}
      Refused: {{Type: AWS::ECR::Repository, Properties: {{LifecyclePolicy: {{LifecyclePolicyText: "{{}}"}}}}}}
"""
_KINDS = ["releases", "bootstrap", "in use", "young commits", "other commits", "untagged"]


def test_what_expiry_takes_of_each_kind_of_image() -> None:
    facts = drawn_of(project_of(TEMPLATE), None)
    by_policy: dict[tuple[str, ...], list[ImagesOfAge]] = {}
    for each in facts.retention:
        by_policy.setdefault(each.repositories, []).extend(each.images)
        kinds = [image.kind for image in each.images]
        assert kinds == sorted(kinds, key=_KINDS.index)
        for kind in set(kinds):
            ages = [image.age for image in each.images if image.kind == kind]
            assert ages == sorted(ages)
    assert set(by_policy) == {("Api", "Web"), ("Jobs",)}
    three, short = by_policy["Api", "Web"], by_policy["Jobs",]
    assert any(each.wrong and each.fate is Fate.EXPIRED for each in three if each.kind == "releases")
    assert {each.fate for each in short if each.kind != "untagged"} == {Fate.KEPT}
    assert {each.fate for each in short if each.must == "go"} == {Fate.EXPIRED}
    assert {(each.kind, each.must) for each in short} >= {
        ("releases", "stay"),
        ("other commits", ""),
        ("untagged", "go"),
    }


def test_a_project_without_repositories_has_nothing_to_draw() -> None:
    assert drawn_of(project_of("Resources: {Topic: {Type: AWS::SNS::Topic}}"), None) == Facts()
