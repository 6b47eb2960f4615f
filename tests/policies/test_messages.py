"""What a failure says is the cause: where one verdict has several, the message names the one that holds."""

from __future__ import annotations

import pytest

from tests.policies.case import CASES, cases
from tests.policies.harness import verdicts_of


@pytest.mark.parametrize(
    ("case", "vpc", "said", "fix"),
    [
        ("no endpoint at all", "Vpc", "through no gateway endpoint", "RouteTableIds"),
        (
            "the endpoint's policy lets one bucket through, and images have their layers in another",
            "Vpc",
            "the policy of Endpoint does not let the layers of images through",
            "starport-layer-bucket",
        ),
        (
            "the S3 of another region, and an endpoint that lets nothing through",
            "A",
            "Elsewhere is for the S3 of another region",
            "ServiceName",
        ),
        (
            "the S3 of another region, and an endpoint that lets nothing through",
            "B",
            "the policy of Shut lets nothing through",
            "PolicyDocument",
        ),
        (
            "one subnet has no endpoint, and another one that is shut",
            "Vpc",
            "endpoint: One. And the policy of Shut",
            "PolicyDocument of Shut",
        ),
    ],
)
def test_s3_names_the_endpoint_that_does_not_help(case: str, vpc: str, said: str, fix: str) -> None:
    judged = next(each for each in cases(CASES / "S3.yaml") if each.name == case)
    verdict = next(each for each in verdicts_of("S3", judged) if each.subject.logical_id == vpc)
    assert said in verdict.violation
    assert fix in verdict.fix


def test_a_refusal_names_conditions_that_do_not_hold() -> None:
    judged = {each.name: each for each in cases(CASES / "P1.yaml")}
    closed = verdicts_of("P1", judged["a policy for another cluster, by its condition"])
    assert any("allows ecs:UpdateService on it under conditions that do not hold" in each.violation for each in closed)
