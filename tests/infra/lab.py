"""An emulated account on loopback, started and stopped around its use."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config

from infra import inputs, naming

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

REGION = "us-west-2"
_START_SECONDS = 20
_STOP_SECONDS = 3
_STACK_SECONDS = 60


class Lab:
    """Clients of one emulated account. Credentials are made up and the endpoint is loopback: nothing leaves."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._session = boto3.Session(
            # The key that the emulator takes for the account's root, where it asks who calls.
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name=REGION,
            profile_name=None,
        )

    def client(self, service: Any) -> Any:
        return self._session.client(
            service, endpoint_url=self.endpoint, config=Config(retries={"max_attempts": 1}, proxies={})
        )

    def deploy(
        self, name: str, template: str, on_failure: Literal["DO_NOTHING", "ROLLBACK"] = "DO_NOTHING"
    ) -> "StackTypeDef":
        """Create a stack and wait until it stands still. Goes by way of a bucket: templates are over 51,200 bytes."""
        self.client("s3").put_object(Bucket="templates", Key=name, Body=template.encode())
        formation: CloudFormationClient = self.client("cloudformation")
        formation.create_stack(
            StackName=name,
            TemplateURL=f"{self.endpoint}/templates/{name}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
            OnFailure=on_failure,
        )
        return self._settled(formation, name)

    def delete(self, name: str) -> None:
        formation: CloudFormationClient = self.client("cloudformation")
        formation.delete_stack(StackName=name)
        deadline = time.monotonic() + _STACK_SECONDS
        while time.monotonic() < deadline:
            statuses = {
                stack["StackName"]: stack["StackStatus"]
                for stack in formation.list_stacks()["StackSummaries"]
                if stack["StackStatus"] != "DELETE_COMPLETE"
            }
            if name not in statuses:
                return
            assert statuses[name] != "DELETE_FAILED"
            time.sleep(0.1)
        raise TimeoutError(f"{name} was not deleted in {_STACK_SECONDS} s")

    @staticmethod
    def _settled(formation: "CloudFormationClient", name: str) -> "StackTypeDef":
        deadline = time.monotonic() + _STACK_SECONDS
        while time.monotonic() < deadline:
            (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack
            time.sleep(0.1)
        raise TimeoutError(f"{name} did not settle in {_STACK_SECONDS} s")


@contextmanager
def running_lab(folder: Path, account: str, *, enforce: bool = False) -> Iterator[Lab]:
    """Start ministack for an account, with its files in a folder, and end it by its own process id.

    With `enforce` it refuses what the caller's policies do not allow.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        # Without it the server listens on every interface.
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": REGION,
        "S3_DATA_DIR": str(folder / "s3"),
        "AUTH": "true" if enforce else "false",
    }
    with (folder / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        lab = Lab(port)
        _wait_until_ready(server, lab.endpoint)
        yield lab
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(server: "subprocess.Popen[bytes]", endpoint: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "the emulated account did not start"
        try:
            with opener.open(f"{endpoint}/_ministack/health", timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise TimeoutError(f"the emulated account was not ready in {_START_SECONDS} s")


LACKING: Mapping[str, frozenset[str]] = {
    naming.SHARED_STACK: frozenset({"AWS::IAM::OIDCProvider"}),
    naming.STAGING_STACK: frozenset(
        {
            "AWS::EC2::EIP",
            "AWS::EC2::FlowLog",
            "AWS::EC2::NatGateway",
            "AWS::EC2::SecurityGroupEgress",
            "AWS::EC2::SecurityGroupIngress",
        }
    ),
    naming.PRODUCTION_STACK: frozenset(
        {
            "AWS::EC2::EIP",
            "AWS::EC2::FlowLog",
            "AWS::EC2::NatGateway",
            "AWS::EC2::SecurityGroupEgress",
            "AWS::EC2::SecurityGroupIngress",
            "AWS::WAFv2::IPSet",
            "AWS::WAFv2::LoggingConfiguration",
            "AWS::WAFv2::WebACLAssociation",
        }
    ),
}


def without(template: Mapping[str, Any], types: frozenset[str]) -> dict[str, Any]:
    """A template without resources of some types, and with a literal where something referred to one."""
    gone = {name for name, resource in template["Resources"].items() if resource["Type"] in types}

    def kept(value: Any) -> Any:
        match value:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]} if name in gone:
                return f"absent-{name}"
            case dict():
                return {key: kept(item) for key, item in value.items()}
            case list():
                return [kept(item) for item in value]
            case _:
                return value

    resources = {}
    for name, resource in template["Resources"].items():
        if name in gone:
            continue
        resources[name] = kept(resource)
        if "DependsOn" in resource:
            wanted = resource["DependsOn"] if isinstance(resource["DependsOn"], list) else [resource["DependsOn"]]
            resources[name]["DependsOn"] = [other for other in wanted if other not in gone]
    return {**template, "Resources": resources}


def for_the_lab(name: str, template: Mapping[str, Any], shared: Mapping[str, str]) -> str:
    """A stack's template as the lab can take it."""
    text = json.dumps(without(template, LACKING[name]))
    if shared:
        text = text.replace(inputs.EXAMPLE_HOSTED_ZONE_ID, shared["HostedZoneId"])
        text = text.replace(inputs.EXAMPLE_CERTIFICATE_ARN, shared["CertificateArn"])
    if name == naming.PRODUCTION_STACK:
        # AWS Cloud Map scopes a private DNS namespace by its VPC; the emulator, by the account.
        text = text.replace(f'"Name": "{naming.INTERNAL_NAMESPACE}"', '"Name": "internal-of-production"')
    return text
