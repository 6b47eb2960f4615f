"""The hook on requests in CloudFormation's form: what it says, in time, and whether it fails open or closed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.hook.handler import handler
from tests.work import HANG_SECONDS

URL = "https://bucket.s3.us-west-2.amazonaws.com/request?X-Amz-Signature=1"
DATABASE = {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot", "UpdateReplacePolicy": "Snapshot"}
ENCRYPTED = {"Resources": {"Data": {**DATABASE, "Properties": {"Engine": "postgres", "StorageEncrypted": True}}}}
PLAIN = {"Resources": {"Data": {**DATABASE, "Properties": {"Engine": "postgres", "StorageEncrypted": False}}}}


def request(**more: Any) -> dict[str, Any]:
    """As the user guide shows a stack's request."""
    data = {"targetName": "STACK", "targetType": "STACK", "targetLogicalId": "arn", "payload": URL}
    return {
        "clientRequestToken": "token-1",
        "awsAccountId": "111111111111",
        "stackId": "arn:aws:cloudformation:us-west-2:111111111111:stack/ShopProd/1a2b",
        "changeSetId": "None",
        "hookTypeName": "DocPlatform::Checker::Gate",
        "hookTypeVersion": "00000001",
        "hookModel": {"LambdaFunction": "arn"},
        "actionInvocationPoint": "CREATE_PRE_PROVISION",
        "requestData": {**data, **more.pop("data", {})},
        "requestContext": {"invocation": 1, "callbackContext": None},
        **more,
    }


def ask(template: object, event: dict[str, Any] | None = None, **payload: Any) -> dict[str, Any]:
    text = json.dumps({"template": template, **payload})
    answer = handler(event or request(), fetch=lambda _: text)
    assert answer["clientRequestToken"] == "token-1"
    assert len(answer["message"]) <= 4096
    return answer


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHECKER_HOOK_PROJECT", str(tmp_path))
    monkeypatch.delenv("CHECKER_HOOK_FAILS", raising=False)
    return tmp_path


@pytest.mark.parametrize("as_text", [True, False])
def test_a_template_is_judged(as_text: bool) -> None:
    def form(template: object) -> object:
        return json.dumps(template) if as_text else template

    assert ask(form(ENCRYPTED))["hookStatus"] == "SUCCESS"
    refused = ask(form(PLAIN))
    assert (refused["hookStatus"], refused["errorCode"]) == ("FAILED", "NonCompliant")
    assert "C8[storage] Data: The data is stored in the clear." in refused["message"]


def test_yaml_with_short_forms_is_a_template_too() -> None:
    text = "Parameters: {On: {Type: String, Default: 'false'}}\nResources:\n  Data:\n    Type: AWS::RDS::DBInstance\n"
    text += "    Properties: {Engine: postgres, StorageEncrypted: !Ref On}\n"
    assert ask(text)["errorCode"] == "NonCompliant"


def test_a_change_set_and_an_update_are_judged_a_deletion_is_not() -> None:
    assert ask(PLAIN, request(data={"targetType": "CHANGE_SET"}), changedResources=[])["errorCode"] == "NonCompliant"
    assert ask(PLAIN, request(actionInvocationPoint="UPDATE_PRE_PROVISION"))["errorCode"] == "NonCompliant"
    assert ask(PLAIN, request(actionInvocationPoint="DELETE_PRE_PROVISION"))["hookStatus"] == "SUCCESS"


def test_waivers_and_severity_hold_there_too(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty / "policies").mkdir()
    (empty / "policies/waivers.yaml").write_text(
        "waivers:\n- {finding: C8, environments: ['*'], resource: Data, reason: r, owner: o, approved-on: 2026-01-01, "
        "expires-on: 2026-12-31}\n"
    )
    assert "1 waived" in ask(PLAIN)["message"]
    bare = {"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}}}
    assert ask(bare)["hookStatus"] == "SUCCESS"
    monkeypatch.setenv("CHECKER_HOOK_FAIL_ON", "warning")
    assert "P12" in ask(bare)["message"]


def hangs(_: str) -> str:
    time.sleep(HANG_SECONDS)
    return "{}"


class Context:
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 2300


@pytest.mark.parametrize(
    ("fails", "status"), [(None, "FAILED"), ("closed", "FAILED"), ("opne", "FAILED"), ("open", "SUCCESS")]
)
@pytest.mark.parametrize(
    ("event", "payload", "why"),
    [
        (request(), "not json", "not valid JSON"),
        (request(), "{}", "holds no template"),
        (request(), json.dumps({"template": "[" * 10}), "the template"),
        (request(data={"payload": None}), "", "names no template"),
        (request(data={"targetType": "RESOURCE", "targetName": "AWS::S3::Bucket"}), "", "only whole stacks"),
        ({"clientRequestToken": "token-1"}, "", "the target is not named"),
    ],
)
def test_what_cannot_be_judged_fails_as_configured_and_says_which(
    monkeypatch: pytest.MonkeyPatch, fails: str | None, status: str, event: dict[str, Any], payload: str, why: str
) -> None:
    if fails:
        monkeypatch.setenv("CHECKER_HOOK_FAILS", fails)
    answer = handler(event, fetch=lambda _: payload)
    assert answer["hookStatus"] == status
    assert why in answer["message"]
    assert ("fails open" in answer["message"]) is (status == "SUCCESS")
    assert answer.get("errorCode") == (None if status == "SUCCESS" else "InternalFailure")


def test_it_answers_within_its_time() -> None:
    answer = handler(request(), Context(), fetch=hangs)
    assert answer["errorCode"] == "InternalFailure"
    assert "it took more than 0.3 s" in answer["message"]


@pytest.mark.parametrize(
    "address",
    ["http://bucket.s3.amazonaws.com/x", "https://evil.example/x", "file:///etc/passwd", "https://amazonaws.com.evil/"],
)
def test_a_payload_comes_from_aws_alone(address: str) -> None:
    answer = handler(request(data={"payload": address}))
    assert answer["errorCode"] == "InternalFailure"
    assert "is not one of AWS" in answer["message"]


def test_a_refusal_of_everything_fits_the_message() -> None:
    many = {"Resources": {f"Data{number}": PLAIN["Resources"]["Data"] for number in range(300)}}
    assert " more" in ask(many)["message"]


REQUESTS = yaml.safe_load(Path(__file__).with_name("requests.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", REQUESTS, ids=[each["name"] for each in REQUESTS])
def test_every_documented_request_is_answered(case: dict[str, Any]) -> None:
    asked: list[str] = []

    def fetch(address: str) -> str:
        asked.append(address)
        return json.dumps(case["payload"])

    answer = handler(case["request"], fetch=fetch)
    expected = case["expect"]
    assert (answer["hookStatus"], answer.get("errorCode")) == (expected["status"], expected.get("code")), answer
    assert expected["says"] in answer["message"]
    assert answer["clientRequestToken"] == "5b7f0c9e-93f5-4d0e-8a8c-2f40cf1f64d1"
    assert set(answer) <= {"hookStatus", "errorCode", "message", "clientRequestToken"}
    assert asked in ([], [case["request"]["requestData"].get("payload")])
