"""What a custom resource's calls make of other resources, and who is told of for it."""

from __future__ import annotations

import pytest

from checker.collect.config.register import load_register
from checker.collect.documents import parse_yaml
from checker.model.environments import EnvironmentKind
from checker.model.resources import Stack
from checker.model.verdicts import Verdict
from checker.policies.rules import load
from checker.run.judging import judge_stacks

CALL = (
    '{"service":"ECR","action":"putImageScanningConfiguration","parameters":'
    '{"repositoryName":"NAME","imageScanningConfiguration":{"scanOnPush":false}}}'
)
TEMPLATE = """
Parameters: {Who: {Type: String}}
Conditions: {Maybe: !Equals [!Ref Who, somebody], Never: !Equals [a, b]}
Resources:
  Api: {Type: AWS::ECR::Repository, Properties: {RepositoryName: api, ImageScanningConfiguration: {ScanOnPush: true}}}
  Call:
    Type: Custom::AWS
    Properties:
      ServiceToken: arn:aws:lambda:us-west-2:111111111111:function:x
      Create: CALL
"""


def _verdict(template: str) -> Verdict:
    document = parse_yaml(template, "main.yaml")
    stacks = [Stack("main", "main", "default", document.data, document, region="us-west-2")]
    kinds = {"default": EnvironmentKind.OTHER}
    verdicts = judge_stacks(stacks, kinds, load(["W7"]), load_register().findings)
    (of_api,) = (each for each in verdicts if each.subject.name == "Api")
    return of_api


def _written(call: str) -> str:
    return TEMPLATE.replace("CALL", f"'{call}'")


NAMED = _written(CALL.replace("NAME", "api"))
OTHERS = _written(CALL.replace("NAME", "another"))
EXPRESSION = NAMED.replace(
    "Properties: {RepositoryName: api, ImageScanningConfiguration: {ScanOnPush: true}}",
    "Properties: !If [Never, {}, {RepositoryName: api, ImageScanningConfiguration: {ScanOnPush: true}}]",
)

TOLD = TEMPLATE.replace("CALL", f"!Sub ['{CALL.replace('NAME', '${Asked}')}', {{Asked: ASKED}}]") + (
    "  Other: {Type: AWS::SNS::Topic}\n"
)
NUMBER = TEMPLATE.replace("CALL", """!Sub '{"service":"ECR","action":"ACTION","parameters":{"maxResults":${Who}}}'""")
ON = CALL.replace("false", "true")
OPEN = "!Sub '{}'".format
# What of the call only the deployment tells.
SERVICE = TEMPLATE.replace("CALL", OPEN(CALL.replace("NAME", "${Api}").replace('"ECR"', '"${Who}"')))
ACTION = TEMPLATE.replace(
    "CALL", OPEN(CALL.replace("NAME", "${Api}").replace("putImageScanningConfiguration", "${Who}"))
)
PARAMETERS = TEMPLATE.replace("CALL", OPEN(CALL.partition('{"repos')[0] + '"${Who}"}'))
WHOLE = TEMPLATE.replace("CALL", OPEN(CALL.partition('{"repos')[0] + "${Who}}"))
ANOTHER = CALL.partition('{"repos')[0].replace("putImageScanningConfiguration", "describeImages")
NAME = NAMED.replace("RepositoryName: api", "RepositoryName: !Sub '${Who}-api'")
DYNAMIC = _written(CALL.replace("NAME", "{{resolve:ssm:/repository}}"))
TOLD_BY_PARAMETER = TOLD.replace("ASKED", "!GetAtt Other.Value").replace(
    "AWS::SNS::Topic", "AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Api}"
)
EMPTY = _written(CALL.replace("NAME", "api").replace('{"scanOnPush":false}', "{}"))


def _besides(template: str, call: str, when: str = "Create") -> str:
    """Another call, by another custom resource or when the stack is updated."""
    if when == "Update":
        return f"{template}      Update: {call}\n"
    return f"{template}  Second:\n    Type: Custom::AWS\n    Properties: {{ServiceToken: x, Create: {call}}}\n"


OFF_HERE, ON_HERE = (f"'{each.replace('NAME', 'api')}'" for each in (CALL, ON))


@pytest.mark.parametrize(
    ("template", "outcome"),
    [
        pytest.param(NAMED, "fail", id="the repository by its name"),
        pytest.param(OTHERS, "pass", id="a repository that is made elsewhere"),
        pytest.param(_written(CALL.replace("NAME", "api").replace("false", "true")), "pass", id="what it is already"),
        pytest.param(NAMED.replace("Custom::AWS", "Custom::AWS\n    Condition: Maybe"), "unknown", id="perhaps"),
        pytest.param(NAMED.replace("Custom::AWS", "Custom::AWS\n    Condition: Never"), "pass", id="never"),
        pytest.param(NAMED.replace("Create:", "Delete:"), "pass", id="when it goes"),
        pytest.param(EXPRESSION, "unknown", id="one expression makes all properties"),
        pytest.param(TEMPLATE.replace("CALL", "!Ref Who"), "unknown", id="a call that is not known"),
        pytest.param(_written("no JSON"), "unknown", id="a call that cannot be read"),
        pytest.param(TEMPLATE.replace("      Create: CALL\n", ""), "pass", id="no call"),
        pytest.param(TOLD.replace("ASKED", "!Ref Who"), "unknown", id="a repository that a parameter names"),
        pytest.param(TOLD.replace("ASKED", "!GetAtt Other.Arn"), "pass", id="a resource of another type"),
        pytest.param(TOLD.replace("ASKED", "!GetAtt Call.Name"), "unknown", id="what a custom resource answers"),
        pytest.param(NUMBER.replace("ACTION", "putImageScanningConfiguration"), "unknown", id="a call with a number"),
        pytest.param(NUMBER.replace("ACTION", "describeImages"), "pass", id="another call with a number"),
        pytest.param(SERVICE, "unknown", id="a service that a parameter names"),
        pytest.param(SERVICE.replace("putImage", "getImage"), "pass", id="another action of such a service"),
        pytest.param(ACTION, "unknown", id="an action that a parameter names"),
        pytest.param(ACTION.replace('"ECR"', '"S3"'), "pass", id="such an action of another service"),
        pytest.param(PARAMETERS, "unknown", id="all that it is given is one parameter, as a text"),
        pytest.param(WHOLE, "unknown", id="all that it is given is one parameter"),
        pytest.param(TEMPLATE.replace("CALL", OPEN(ANOTHER + "${Who}}")), "pass", id="so of another call"),
        pytest.param(NAME.replace('"repositoryName":"api"', '"repositoryName":"prod-web"'), "pass", id="no name of it"),
        pytest.param(
            NAME.replace('"repositoryName":"api"', '"repositoryName":"prod-api"'), "unknown", id="its name, perhaps"
        ),
        pytest.param(DYNAMIC, "unknown", id="a name that is looked up when it is deployed"),
        pytest.param(TOLD_BY_PARAMETER, "unknown", id="a name that a parameter of Systems Manager holds"),
        pytest.param(TEMPLATE.replace("Custom::AWS", "Custom::Scan").replace("CALL", "!Ref Who"), "unknown", id="own"),
        pytest.param(TEMPLATE.replace("Custom::AWS", "Custom::Scan").replace("CALL", "yes"), "pass", id="no call"),
        pytest.param(NAMED.replace("Create:", "Update:"), "unknown", id="only when the stack is updated"),
        pytest.param(EMPTY, "fail", id="an empty configuration is that of no scan"),
        pytest.param(_besides(NAMED, ON_HERE), "unknown", id="off and on, by two"),
        pytest.param(_besides(NAMED, OFF_HERE), "fail", id="off and off, by two"),
        pytest.param(_besides(NAMED, ON_HERE, "Update"), "unknown", id="off when it is made, on when it is updated"),
        pytest.param(_besides(NAMED, OFF_HERE, "Update"), "fail", id="off when it is made and when it is updated"),
        pytest.param(_besides(TEMPLATE.replace("CALL", "!Ref Who"), ON_HERE), "unknown", id="a hidden one, and on"),
    ],
)
def test_a_call_that_switches_scanning_off(template: str, outcome: str) -> None:
    assert _verdict(template).outcome.value == outcome


def test_who_makes_the_call_is_told_of() -> None:
    assert [each.path for each in _verdict(NAMED).related] == ["Resources/Call"]
