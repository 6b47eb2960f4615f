"""An emulated account on loopback, started and stopped around its use."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

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
            aws_access_key_id="lab", aws_secret_access_key="lab", region_name=REGION, profile_name=None
        )

    def client(self, service: Any) -> Any:
        return self._session.client(
            service, endpoint_url=self.endpoint, config=Config(retries={"max_attempts": 1}, proxies={})
        )

    def deploy(self, name: str, template: str) -> "StackTypeDef":
        """Create a stack and wait until it stands still. Goes by way of a bucket: templates are over 51,200 bytes."""
        self.client("s3").put_object(Bucket="templates", Key=name, Body=template.encode())
        formation: CloudFormationClient = self.client("cloudformation")
        formation.create_stack(
            StackName=name,
            TemplateURL=f"{self.endpoint}/templates/{name}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
            OnFailure="DO_NOTHING",
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
def running_lab(folder: Path, account: str) -> Iterator[Lab]:
    """Start ministack for an account, with its files in a folder, and end it by its own process id."""
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
