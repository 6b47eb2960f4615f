"""The engine, against a real botocore client whose answers are made here: no failure is ever taken for an answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Call
from checker.collect.account.asking.clients import Clients
from checker.collect.account.needs import EVERYTHING, Needs
from checker.collect.account.scope import Scope
from checker.collect.account.target import Limits, Target
from tests.work import HANG_SECONDS

Respond = Callable[[Any], tuple[int, bytes]]
JSON = "application/x-amz-json-1.1"


class _Raw:
    """What urllib3 would hand over."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body

    def read(self, *_: Any) -> bytes:
        return self._body


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Account, list[Any]]]]:
    """An account whose requests are answered by a function; with the list of the requests that were sent."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr("time.sleep", lambda _: None)
    opened: list[Account] = []

    def make(respond: Respond, limits: Limits | None = None, needs: Needs = EVERYTHING) -> tuple[Account, list[Any]]:
        clients = Clients(Target(region="us-west-2"), limits or Limits(attempts=2))
        sent: list[Any] = []

        def answer(request: Any, **_: Any) -> AWSResponse:
            sent.append(request)
            status, body = respond(request)
            return AWSResponse(request.url, status, {"x-amzn-requestid": "1"}, _Raw(body))  # type: ignore[arg-type]

        events: Any = clients._session.events
        events.register_last("before-send", answer)
        account = Account(clients, needs)
        account.scope = Scope()
        account.scope.settle((), known=False)
        opened.append(account)
        return account, sent

    yield make
    for account in opened:
        account.close()


def fixed(status: int, body: bytes | Mapping[str, Any]) -> Respond:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: (status, text)


def refusal(code: str, status: int = 400, message: str = "no") -> Respond:
    return fixed(status, {"__type": code, "message": message})


def test_a_list_is_read_over_all_its_pages(asking: Any) -> None:
    def respond(request: Any) -> tuple[int, bytes]:
        token = json.loads(request.body).get("nextToken")
        page = {None: (["a", "b"], "2"), "2": (["c"], "3"), "3": ([], None)}[token]
        return 200, json.dumps({"clusterArns": page[0], **({"nextToken": page[1]} if page[1] else {})}).encode()

    account, sent = asking(respond)
    answer = account.ask("ecs", "ListClusters")
    assert answer.items == ["a", "b", "c"]
    assert answer.complete
    assert len(sent) == 3
    assert [str(call.operation) for call in account.calls] == ["ecs:ListClusters"] * 3
    assert {call.operation.action for call in account.calls} == {"ecs:ListClusters"}


@pytest.mark.parametrize("tokens", [["x", "x"], ["x", "y", "x"]], ids=["its own token", "an earlier token"])
def test_a_page_that_was_there_before_ends_the_list(asking: Any, tokens: list[str]) -> None:
    given = iter(tokens * 500)
    account, sent = asking(lambda _: (200, json.dumps({"clusterArns": ["a"], "nextToken": next(given)}).encode()))
    answer = account.ask("ecs", "ListClusters")
    assert not answer.complete
    assert "an earlier one" in str(answer.failure)
    assert len(sent) < 5
    assert [each.what for each in account.all_unread] == UNREAD


def test_a_marker_without_a_paginator_is_followed_and_watched(asking: Any) -> None:
    given = iter(["m", "n", "m", "n"])
    account, sent = asking(
        lambda _: (200, json.dumps({"WebACLs": [{"Name": "a"}], "NextMarker": next(given)}).encode())
    )
    assert "an earlier one" in str(account.ask("wafv2", "ListWebACLs", Scope="REGIONAL").failure)
    assert len(sent) == 3


# Clusters, and what is found in them alone.
UNREAD = ["AWS::ECS::Cluster", "AWS::ECS::Service", "AWS::ECS::TaskDefinition", "facts/deployments", "facts/tasks"]
_WHO = "User: arn:aws:sts::111111111111:assumed-role/a/x is not authorized to perform: ecs:ListClusters on resource: *"
FAULTS = {
    "denied": (refusal("AccessDeniedException"), "access denied", "ecs:ListClusters"),
    "denied, as an emulator says it": (refusal("403", 403), "access denied", "ecs:ListClusters"),
    "denied by an organization": (
        refusal("AccessDeniedException", 400, f"{_WHO} with an explicit deny in a service control policy"),
        "access denied (an explicit deny in a service control policy)",
        "ecs:ListClusters",
    ),
    "kept from it by a boundary": (
        refusal("AccessDeniedException", 400, f"{_WHO} because no permissions boundary allows the action"),
        "access denied (no permissions boundary allows it)",
        "ecs:ListClusters",
    ),
    "not allowed by a policy of its own": (
        refusal("AccessDeniedException", 400, f"{_WHO} because no identity-based policy allows the action"),
        "access denied",
        "ecs:ListClusters",
    ),
    "a region that is off": (refusal("OptInRequired", 403), "has not enabled the service or the region", ""),
    "another clock": (refusal("RequestTimeTooSkewed", 403), "the credentials were refused (RequestTimeTooSkewed)", ""),
    "throttled": (refusal("ThrottlingException"), "throttled beyond the retries", ""),
    "failed": (fixed(500, b"{}"), "the service failed", ""),
    "unavailable": (fixed(503, b""), "the service failed", ""),
    "expired": (refusal("ExpiredTokenException"), "the credentials were refused", ""),
    "unknown operation": (refusal("UnknownOperationException"), "not supported here", ""),
    "cut off": (fixed(200, b'{"clusterArns": ["a"'), "cut off or malformed", ""),
    "cut off at a place that looks whole": (fixed(200, b'{"clusterArns": [{"a": 1}'), "cut off or malformed", ""),
    "empty": (fixed(200, b""), "cut off or malformed", ""),
    "another form": (fixed(200, b"[]"), "cut off or malformed", ""),
    "a page of a proxy": (fixed(200, b"<html>Sign in</html>"), "cut off or malformed", ""),
    "without its list": (fixed(200, b"{}"), "cut off or malformed", ""),
    "something else": (refusal("SomethingNew"), "refused (SomethingNew)", ""),
}


@pytest.mark.parametrize(("respond", "why", "needs"), FAULTS.values(), ids=FAULTS)
def test_no_failure_is_an_empty_list(asking: Any, respond: Respond, why: str, needs: str) -> None:
    account, _ = asking(respond)
    answer = account.ask("ecs", "ListClusters")
    assert answer.items == []
    assert not answer.complete
    assert answer.failure is not None
    assert why in answer.failure.why
    assert (why == "access denied") <= (answer.failure.why == why)
    assert answer.failure.needs == needs
    assert [each.what for each in account.all_unread] == UNREAD
    assert {each.needs for each in account.all_unread} == {needs}
    assert all(why in each.why for each in account.all_unread)


XML_FAULTS = {"empty": b"", "cut off": b"<DescribeVpcsResponse><vpcSet><item>", "without its list": b"<a></a>"}


@pytest.mark.parametrize("body", XML_FAULTS.values(), ids=XML_FAULTS)
def test_broken_xml_is_no_empty_list(asking: Any, body: bytes) -> None:
    account, _ = asking(fixed(200, body))
    assert not account.ask("ec2", "DescribeVpcs").complete
    assert [each.what for each in account.all_unread] == ["AWS::EC2::VPC"]


def test_an_empty_list_is_one(asking: Any) -> None:
    account, _ = asking(fixed(200, b"<DescribeVpcsResponse><requestId>1</requestId><vpcSet/></DescribeVpcsResponse>"))
    assert account.ask("ec2", "DescribeVpcs").complete
    account, _ = asking(fixed(200, b"{}"))
    assert account.ask("sqs", "ListQueues").complete, "Amazon SQS leaves an empty list out"


@pytest.mark.parametrize(
    ("service", "name", "parameters", "code"),
    [
        ("ecr", "GetLifecyclePolicy", {"repositoryName": "abc"}, "LifecyclePolicyNotFoundException"),
        ("wafv2", "GetLoggingConfiguration", {"ResourceArn": "a" * 20}, "WAFNonexistentItemException"),
        ("secretsmanager", "GetResourcePolicy", {"SecretId": "a"}, "ResourceNotFoundException"),
    ],
)
def test_absent_is_neither_unknown_nor_there(
    asking: Any, service: str, name: str, parameters: dict[str, str], code: str
) -> None:
    account, _ = asking(refusal(code))
    answer = account.ask(service, name, **parameters)
    assert answer.complete
    assert answer.outcome.absent
    assert answer.value == {}
    assert account.all_unread == ()


def test_what_is_not_asked_for_is_not_asked(asking: Any) -> None:
    account, sent = asking(fixed(200, {"clusterArns": []}), needs=Needs(without=frozenset({"AWS::ECS::Cluster"})))
    assert not account.ask("ecs", "ListClusters").complete
    assert sent == []
    assert account.all_unread == ()


def test_throttling_is_tried_again_and_counted(asking: Any) -> None:
    throttled = refusal("ThrottlingException")
    answers = iter([throttled, throttled, fixed(200, {"clusterArns": ["a"]})])

    def respond(request: Any) -> tuple[int, bytes]:
        return next(answers)(request)

    account, sent = asking(respond, Limits(attempts=3))
    assert account.ask("ecs", "ListClusters").items == ["a"]
    assert account.all_unread == ()
    assert len(sent) == 3
    assert [call.attempts for call in account.calls] == [3]


def test_the_deadline_ends_what_has_not_begun(asking: Any) -> None:
    account, sent = asking(fixed(200, {"clusterArns": []}), Limits(deadline=0.0))
    answer = account.ask("ecs", "ListClusters")
    assert "no time was left" in str(answer.failure)
    assert sent == []


def test_the_deadline_ends_what_hangs(asking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    released = threading.Event()

    def hang(_: Any) -> tuple[int, bytes]:
        released.wait(HANG_SECONDS)
        return 200, b"{}"

    account, _ = asking(hang, Limits(deadline=0.5))
    started = time.monotonic()
    answers = [account.ask("ecs", "ListClusters") for _ in range(40)]
    assert not any(answer.complete for answer in answers)
    assert time.monotonic() - started < HANG_SECONDS, "each of them is waited for a little longer, one after another"
    released.set()


def test_no_more_calls_at_once_than_allowed(asking: Any) -> None:
    import threading

    lock, now, most = threading.Lock(), [0], [0]
    passed = threading.Event()

    def respond(_: Any) -> tuple[int, bytes]:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        passed.wait(0.02)
        with lock:
            now[0] -= 1
        return 200, json.dumps({"clusterArns": []}).encode()

    account, _ = asking(respond, Limits(concurrency=3, per_service=2))
    answers = [account.ask("ecs", "ListClusters") for _ in range(12)]
    assert all(answer.complete for answer in answers)
    assert most[0] == 2


def test_each_call_is_heard_when_it_has_ended(asking: Any) -> None:
    heard: list[Call] = []
    account, _ = asking(fixed(200, {"clusterArns": []}))
    account._heard = heard.append
    assert account.ask("ecs", "ListClusters").complete
    assert [call.outcome for call in heard] == ["ok"]
    assert heard[0].seconds >= 0
