"""What is set in an emulated account is read back, for each property that a rule asks for; on two emulators.

Where an emulator does not keep a setting, or does not tell it, that is listed; a setting that it learns fails here.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from checker.collect.account import Limits, Needs, Reader, Target
from checker.collect.account.operations import OPERATIONS
from checker.lab import server
from checker.model.live.snapshot import LiveResource
from tests.collect.account import settings

REGION = "us-west-2"
# (emulator, what is made) -> what it does not tell as it was set: such a property is held by recorded answers alone.
UNTRUE: Mapping[tuple[str, str], str] = {
    ("ministack", "tag_exclusions"): "AWS::ECR::Repository ImageTagMutabilityExclusionFilters",
    ("moto", "deployments"): "AWS::ECS::Service DeploymentConfiguration",
    ("ministack", "secret"): "AWS::SecretsManager::Secret KmsKeyId",
    # Both confirm a subscription by e-mail themselves.
    ("ministack", "unconfirmed"): "AWS::SNS::Subscription PendingConfirmation",
    ("moto", "unconfirmed"): "AWS::SNS::Subscription PendingConfirmation",
}
# What an emulator cannot make at all.
CANNOT = {("ministack", "registry_scanning")}

pytestmark = pytest.mark.xdist_group("read back")
CASES = [
    pytest.param(emulator, make, id=f"{emulator}-{make.__name__}")
    for emulator in ("ministack", "moto")
    for make in settings.made()
]


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    from moto.server import ThreadedMotoServer

    lab = server.start(tmp_path_factory.mktemp("lab"), account="111111111111", region=REGION)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    _, port = moto.get_host_and_port()
    try:
        yield {"ministack": lab.endpoint, "moto": f"http://127.0.0.1:{port}"}
    finally:
        moto.stop()
        server.stop(lab)


def fresh(emulator: str, endpoint: str) -> None:
    """Empty moto's one account. The other emulator takes twelve digits of a key for the number of a new one."""
    if emulator == "moto":
        request = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            assert answer.status == 200


def clients(endpoint: str, account: str) -> settings.Client:
    session: Any = boto3.Session(aws_access_key_id=account, aws_secret_access_key="test", region_name=REGION)
    config = Config(retries={"max_attempts": 0}, proxies={})
    built: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in built:
            built[service] = session.client(service, endpoint_url=endpoint, config=config)
        return built[service]

    return client


def needed(kinds: set[str]) -> Needs:
    """These types, and what the same services tell beside them: some are found by way of others."""
    services = {each.service for each in OPERATIONS.values() if kinds & set(each.serves)}
    only = {what for each in OPERATIONS.values() if each.service in services for what in each.serves}
    return Needs(only=frozenset(only), unmanaged=True)


def at(resource: LiveResource, path: str) -> Any:
    """The value at a path; a list of keys and values is asked by key."""
    value: Any = resource.properties
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            return None
    return value


def shown(resource: LiveResource, path: str, expected: Any) -> Any:
    found = at(resource, path)
    if isinstance(expected, Mapping) and isinstance(found, list):
        pairs = {each["Key"]: each["Value"] for each in found}
        return {key: pairs.get(key) for key in expected}
    return found


@pytest.mark.parametrize(("emulator", "make"), CASES)
def test_what_is_set_is_read_back(
    endpoints: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    emulator: str,
    make: Callable[[settings.Client], settings.Expected],
) -> None:
    account = f"{[each.values[1] for each in CASES].index(make) + 1:012d}"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    fresh(emulator, endpoints[emulator])
    case = (emulator, make.__name__)
    if case in CANNOT:
        with pytest.raises(ClientError):
            make(clients(endpoints[emulator], account))
        return
    expected = make(clients(endpoints[emulator], account))
    target = Target(region=REGION, endpoint_url=endpoints[emulator])
    resources = Reader(target, needed({kind for kind, _ in expected}), Limits(attempts=1)).read().snapshot.resources
    wrong = []
    for (kind, part), properties in expected.items():
        found = [each for each in resources if each.type == kind and part in (each.physical_id or "")]
        if len(found) != 1:
            wrong.append(f"{len(found)} of {kind} {part}")
            continue
        for path, value in properties.items():
            seen = shown(found[0], path, value)
            if seen != value:
                wrong.append(f"{kind} {path}: {seen!r}, set to {value!r} {found[0].unread.get(path, '')}")
    if case in UNTRUE:
        assert wrong
        assert all(each.startswith(UNTRUE[case]) for each in wrong)
    else:
        assert wrong == []
