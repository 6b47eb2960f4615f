"""Whatever stands where a policy should stand, the rules answer: they neither crash nor pass what they cannot read."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from checker.collect.config.register import load_register
from checker.model.environments import EnvironmentKind
from checker.model.verdicts import Outcome
from checker.policies.rules import load
from checker.reason.oidc.trust import HOST
from checker.run.judging import judge_stacks
from tests.projects import project_of

_RULES = load(["C1", "W1", "W2", "W5", "W6"])
_FINDINGS = load_register().findings

_WORDS = st.sampled_from(
    ["Allow", "Deny", "*", "?", "iam:PassRole", "sts:AssumeRoleWithWebIdentity", "${x}", "repo:o/r:*", "repo:", ":"]
) | st.sampled_from(
    [f"arn:aws:iam::1:oidc-provider/{HOST}", "arn:aws:iam::*:role/*", "", "\ue000", "{}", "[1]", '{"Statement": 3}']
)
_KEYS = st.sampled_from(
    ["Statement", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal", "Federated"]
) | st.sampled_from(
    ["StringEquals", "StringLike", "Null", f"{HOST}:sub", f"{HOST}:aud", "iam:PassedToService", "Fn::If", "Ref"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)
_STATEMENT = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional=dict.fromkeys(("Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"), _JSON),
)
_DOCUMENT = _JSON | st.fixed_dictionaries({"Statement": _STATEMENT | st.lists(_STATEMENT, max_size=3)})


@given(_DOCUMENT, _DOCUMENT, _JSON)
@settings(max_examples=300, deadline=None)
def test_no_document_crashes_a_rule(trust: Any, policy: Any, extra: Any) -> None:
    open_to_all = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::1:oidc-provider/{HOST}"},
    }
    roles = {
        "A": {"AssumeRolePolicyDocument": trust, "Policies": [{"PolicyDocument": policy}], "ManagedPolicyArns": extra},
        "B": {
            "AssumeRolePolicyDocument": {"Statement": [open_to_all]},
            "Policies": [{"PolicyDocument": policy}],
            "PermissionsBoundary": extra,
        },
        "C": {"AssumeRolePolicyDocument": {"Statement": [open_to_all]}, "Policies": extra, "RoleName": extra},
    }
    template = {
        "Resources": {
            **{name: {"Type": "AWS::IAM::Role", "Properties": properties} for name, properties in roles.items()},
            "P": {"Type": "AWS::IAM::Policy", "Properties": {"Roles": extra, "PolicyDocument": policy}},
            "T": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"TaskRoleArn": extra, "ExecutionRoleArn": "x"}},
        }
    }
    project = project_of(json.dumps(template))
    verdicts = judge_stacks(list(project.stacks), {"production": EnvironmentKind.PRODUCTION}, _RULES, _FINDINGS)
    assert [verdict for verdict in verdicts if verdict.outcome is Outcome.ERROR] == []
    # Role B lets everybody in, whatever else is in the template.
    over_match = [each for each in verdicts if each.id == "C1[over-match]" and each.subject.name == "B"]
    assert [each.outcome for each in over_match] == [Outcome.FAIL]
