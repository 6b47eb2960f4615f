"""Every describer reads what real accounts answered: without a crash, into CloudFormation's shapes, errors as meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checker.collect.account.asking.failures import is_absent
from checker.collect.account.operations import OPERATIONS
from tests.collect.account.support import Script, account_of, describe, error, faults

ANSWERS = Path(__file__).parents[4] / "shared" / "recorded" / "answers"


def recorded(service: str, name: str) -> list[Any]:
    file = ANSWERS / f"{service}.{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


# What a recording holds that no template may say.
NO_FAULT_OF_OURS = {
    "AWS::RDS::DBCluster/BackupRetentionPeriod: 123": "the service takes 35 days at most",
    "AWS::WAFv2::WebACL/DefaultAction: Additional properties are not allowed ('Type'": "an answer of AWS WAF Classic",
}

CASES = [
    pytest.param(key, index, id=f"{key[0]}:{key[1]}[{index}]")
    for key in OPERATIONS
    if key[0] not in {"sts", "cloudformation"}
    for index in range(len(recorded(*key)))
]


def the_rest(skipped: tuple[str, str]) -> dict[tuple[str, str], Any]:
    """For every other operation an answer that has something in it."""
    found: dict[tuple[str, str], Any] = {}
    for key, operation in OPERATIONS.items():
        good = [each["body"] for each in recorded(*key) if each["status"] < 300]
        if operation.items:
            good = [each for each in good if each.get(operation.items)]
        if good and key != skipped:
            found[key] = {name: value for name, value in good[-1].items() if name != operation.marker}
    return found


@pytest.mark.skipif(not ANSWERS.is_dir(), reason="the recorded answers do not stand beside the checkout")
@pytest.mark.parametrize(("key", "index"), CASES)
def test_a_recorded_answer_is_read(key: tuple[str, str], index: int) -> None:
    operation = OPERATIONS[key]
    entry = recorded(*key)[index]
    failed = entry["status"] >= 300
    answer: Any = entry["body"]
    if failed:
        answer = error(answer["Error"]["Code"], answer["Error"].get("Message", ""), entry["status"])
    if operation.marker:
        answer = {name: value for name, value in answer.items() if name != operation.marker}
    script: Script = {**the_rest(key), key: answer}
    account = account_of(script)
    resources = describe(account, operation.service)
    assert [each for each in account.calls if each.operation == operation], "the operation was not asked for"
    assert [each for each in account.all_unread if "understood" in each.why] == []
    wrong = [
        fault for resource in resources for fault in faults(resource) if not fault.startswith(tuple(NO_FAULT_OF_OURS))
    ]
    assert wrong == []
    told = [why for resource in resources for why in resource.unread.values()]
    told += [each.why for each in account.all_unread]
    named = [why for why in told if str(operation) in why]
    if failed and not is_absent(operation, answer):
        assert named, "a failure left nothing unread"
    else:
        assert named == []
