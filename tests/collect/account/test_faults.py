"""One call after another fails: exactly what it would have told is unread, and nothing else is different."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.failures import MalformedError, RepeatedPageError
from checker.collect.account.needs import EVERYTHING
from checker.collect.account.operations import OPERATIONS, types_served
from checker.collect.account.reading import Reader
from checker.collect.account.target import Caller, Limits, Target
from checker.model.live.snapshot import LiveResource, Snapshot
from tests.collect.account.example import ACCOUNT, ANSWERS, REGION
from tests.collect.account.support import ScriptedClients, error, faults

# Read one by one, as the stacks list them.
OTHERS = ("AWS::StepFunctions::StateMachine",)
MADE = [key for key in OPERATIONS if key[0] != "sts"]
Key = tuple[str, str]


def read(script: Mapping[Key, Any], stacks: tuple[str, ...] | None = ("Shop",)) -> tuple[Snapshot, list[Key]]:
    """A whole reading of the example, through everything but boto3."""
    reader = Reader(Target(stacks=stacks), EVERYTHING, Limits(deadline=30))
    scripted: Any = ScriptedClients(script)
    reader._clients, reader._caller = scripted, Caller(ACCOUNT, "arn", REGION)
    reading = reader.read()
    return replace(reading.snapshot, taken_at=""), [(op.service, op.name) for op, _ in scripted.asked]


WHOLE, ASKED = read(ANSWERS)


def test_the_example_answers_every_call_and_nothing_of_it_is_unread() -> None:
    assert set(MADE) == set(ANSWERS)
    assert set(ASKED) == set(MADE)
    assert WHOLE.unread == ()
    told = {why for each in WHOLE.resources for why in each.unread.values()}
    assert told <= {"not kept: may be a secret", "AWS Cloud Map does not tell the VPC of a namespace"}


def test_its_properties_are_those_of_the_registry() -> None:
    assert [fault for each in WHOLE.resources for fault in faults(each)] == []


def test_reading_it_again_gives_the_same() -> None:
    assert read(ANSWERS)[0] == WHOLE


def by_name(snapshot: Snapshot) -> dict[tuple[str, str], LiveResource]:
    found = {(each.type, each.physical_id or ""): each for each in snapshot.resources}
    # What cannot be given to a stack any more is called by its own id.
    found.update({(each.type, str(each.properties.get("PolicyName"))): each for each in snapshot.resources})
    return found


def tops(resource: LiveResource) -> set[str]:
    return {path.partition(".")[0] for path in resource.unread}


FAULTS = {
    "denied": error("AccessDeniedException"),
    "throttled": error("ThrottlingException"),
    "failed": error("InternalFailure", status=500),
    "expired": error("ExpiredTokenException"),
    "hangs": TimeoutError(),
    "malformed": ValueError(),
    "cut off": MalformedError(),
    "repeats a page": RepeatedPageError(),
    "refused in its own words": PermissionError(),
    "surprising": KeyError("x"),
}


# How services say that a caller may not, where they do not say AccessDeniedException (their API references).
DENIALS = {
    "ec2": "UnauthorizedOperation", "elbv2": "AccessDenied", "iam": "AccessDenied", "rds": "AccessDenied",
    "s3": "AccessDenied", "sns": "AuthorizationError", "cloudformation": "AccessDenied", "route53": "AccessDenied",
    "elasticache": "AccessDenied", "cloudwatch": "AccessDenied", "sqs": "AccessDenied",
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("key", MADE, ids=":".join)
def test_a_failure_takes_facts_away_and_makes_none(key: Key, fault: Exception) -> None:
    operation = OPERATIONS[key]
    denied = fault in (FAULTS["denied"], FAULTS["refused in its own words"])
    if fault is FAULTS["refused in its own words"]:
        fault = error(DENIALS.get(key[0], "AccessDeniedException"))
    snapshot, _ = read({**ANSWERS, key: fault})
    named = [each for each in snapshot.unread if str(operation) in each.why]
    marked = [each for each in snapshot.resources if any(str(operation) in why for why in each.unread.values())]
    assert named or marked, "nothing says that the call failed"
    if denied:
        assert {each.needs for each in named} <= {operation.action}
        assert all(operation.action in why for each in marked for why in each.unread.values() if "denied" in why)
    was = by_name(WHOLE)
    gaps = {each.what for each in snapshot.unread}
    for resource in snapshot.resources:
        before = was.get((resource.type, resource.physical_id or "")) or was.get(
            (resource.type, str(resource.properties.get("PolicyName")))
        )
        if before is None:
            # Its stack could not be told: the same thing under its own id.
            assert gaps & {"stacks", "stacks/resources", "stacks/template"}, resource
            continue
        for name in before.properties.keys() | resource.properties.keys():
            if not {name, ""} & (tops(resource) | tops(before)):
                assert resource.properties.get(name) == before.properties.get(name), (resource, name)
    lost = {each.type for each in WHOLE.resources} - {each.type for each in snapshot.resources}
    described_by_nobody = {kind for kind in lost if kind not in types_served() and "other types" in gaps}
    assert lost - described_by_nobody <= gaps, "a type vanished without a word"
    for name, facts in WHOLE.facts.items():
        if snapshot.facts.get(name) != facts:
            assert f"facts/{name}" in gaps, name


def _first(answer: Mapping[str, Any], key: Key) -> Any:
    return next(iter(answer.get(OPERATIONS[key].items) or ()), None)


LISTED = [
    key
    for key in MADE
    if OPERATIONS[key].items and isinstance(ANSWERS[key], Mapping) and isinstance(_first(ANSWERS[key], key), Mapping)
]


@pytest.mark.parametrize("key", LISTED, ids=":".join)
def test_an_item_without_its_name_is_not_forgotten(key: Key) -> None:
    """Something is there, and which thing it is cannot be told: its kind is not fully read."""
    types = [each for each in OPERATIONS[key].serves if each.startswith("AWS::") and "/" not in each]
    nameless = {"Unheard": "of"}
    snapshot, _ = read({**ANSWERS, key: {**ANSWERS[key], OPERATIONS[key].items: [nameless]}})
    gaps = {each.what for each in snapshot.unread}
    gone = {each.type for each in WHOLE.resources} - {each.type for each in snapshot.resources}
    assert gone & set(types) <= gaps, "a type vanished without a word"


ODD: tuple[Any, ...] = ("x", 7, ["x"], {"a": 1}, [None])


@pytest.mark.parametrize("key", LISTED, ids=":".join)
def test_a_field_of_another_kind_ends_no_reading_and_hides_no_type(key: Key) -> None:
    """A text where a list belongs, and so on: in each field of an item, and in place of the items."""
    items, first = OPERATIONS[key].items, _first(ANSWERS[key], key)
    changed = [{**first, name: odd} for name, value in first.items() for odd in ODD if type(odd) is not type(value)]
    answers = [[each] for each in changed] + ["x", 7, {"a": 1}, ["x"], [None], [7], [[]], True]
    for answer in answers:
        snapshot, _ = read({**ANSWERS, key: {**ANSWERS[key], items: answer}})
        gaps = {each.what for each in snapshot.unread}
        lost = {each.type for each in WHOLE.resources} - {each.type for each in snapshot.resources}
        told = {each.type for stack in snapshot.stacks for each in stack.resources}
        unlisted = {kind for kind in lost if "stacks" in gaps or (snapshot.stacks and kind not in told)}
        assert lost - unlisted - set(OTHERS) <= gaps, answer


@pytest.mark.parametrize("key", [key for key in MADE if OPERATIONS[key].holds], ids=":".join)
def test_an_answer_without_its_one_thing_is_none(key: Key) -> None:
    snapshot, _ = read({**ANSWERS, key: {"Unheard": "of"}})
    said = [each.why for each in snapshot.unread]
    said += [why for each in snapshot.resources for why in each.unread.values()]
    assert f"{OPERATIONS[key]}: the answer is cut off or malformed" in said


@pytest.mark.parametrize("odd", ["x", {"a": 1}])
def test_what_cloudformation_detected_takes_no_stack_away(odd: Any) -> None:
    """It is one more witness: an answer in no form is that alone."""
    snapshot, _ = read({**ANSWERS, ("cloudformation", "DescribeStackResourceDrifts"): {"StackResourceDrifts": [odd]}})
    assert snapshot.stacks == WHOLE.stacks
    assert ("facts/drift_detection" in {each.what for each in snapshot.unread}) is isinstance(odd, str)


def test_stacks_in_no_form_leave_nothing_of_them_known() -> None:
    odd = {"StackResourceSummaries": [{"LogicalResourceId": "It", "ResourceType": "x", "PhysicalResourceId": ["q"]}]}
    snapshot, _ = read({**ANSWERS, ("cloudformation", "ListStackResources"): odd})
    assert snapshot.stacks == ()
    assert {"stacks", "stacks/resources", "stacks/template"} <= {each.what for each in snapshot.unread}


def test_an_account_of_no_stack_is_read_by_its_lists() -> None:
    snapshot, _ = read({**ANSWERS, ("cloudformation", "DescribeStacks"): {"Stacks": []}}, None)
    assert snapshot.stacks == ()
    (bucket,) = [each for each in snapshot.resources if each.type == "AWS::S3::Bucket"]
    assert bucket.properties["VersioningConfiguration"] == {"Status": "Enabled"}


def test_a_stack_that_is_not_there_is_a_fact() -> None:
    gone = error("ValidationError", "Stack with id Shop does not exist")
    snapshot, _ = read({**ANSWERS, ("cloudformation", "DescribeStacks"): gone})
    assert snapshot.facts["missing_stacks"] == ["Shop"]


def test_an_account_is_closed_whatever_happens() -> None:
    account = Account(ScriptedClients({}), EVERYTHING)  # type: ignore[arg-type]
    account.close()
    account.close()


def test_a_permission_that_lets_nobody_through_is_not_understood() -> None:
    """A security group's answer lacks the networks of a permission: whom it lets out is not known, and not nobody."""
    key = ("ec2", "DescribeSecurityGroups")
    answer: Any = ANSWERS[key]
    (group,) = answer["SecurityGroups"]
    cut = {**group, "IpPermissionsEgress": [{"IpProtocol": "-1"}]}
    snapshot, _ = read({**ANSWERS, key: {"SecurityGroups": [cut]}})
    (found,) = [each for each in snapshot.resources if each.type == "AWS::EC2::SecurityGroup"]
    assert "SecurityGroupEgress" not in found.properties
    assert found.unread["SecurityGroupEgress"] == "the answer is not in the service's form"
