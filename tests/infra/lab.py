"""The product's emulated account as tests of the stacks drive it: a stack at a time, from a template of theirs."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from checker.lab import server
from checker.lab.clients import Clients
from infra import inputs, naming
from infra.environments import ENVIRONMENTS, REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

_STACK_SECONDS = 60
_BUCKET = "templates"


class Lab:
    """Clients of one emulated account, and its stacks."""

    def __init__(self, lab: server.Lab) -> None:
        self.endpoint = lab.endpoint
        self.client = Clients(lab)
        self.client("s3").create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for qualifier in ("hnb659fds", *map(naming.qualifier, ENVIRONMENTS)):
            self.client("ssm").put_parameter(Name=f"/cdk-bootstrap/{qualifier}/version", Value="30", Type="String")

    def deploy(
        self, name: str, template: str, on_failure: Literal["DO_NOTHING", "ROLLBACK"] = "DO_NOTHING"
    ) -> "StackTypeDef":
        """Create a stack and wait until it stands still. Goes by way of a bucket: templates are over 51,200 bytes."""
        self.client("s3").put_object(Bucket=_BUCKET, Key=name, Body=template.encode())
        formation: CloudFormationClient = self.client("cloudformation")
        formation.create_stack(
            StackName=name,
            TemplateURL=f"{self.endpoint}/{_BUCKET}/{name}",
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
    """An emulated account with its files in a folder; with `enforce` it refuses what policies do not allow."""
    lab = server.start(folder, account=account, region=REGION, enforce=enforce)
    try:
        yield Lab(lab)
    finally:
        server.stop(lab)


def for_the_lab(template: Mapping[str, Any], shared: Mapping[str, str]) -> str:
    """A stack's template with the shared stack's ids, as a deployment is given them."""
    text = json.dumps(template)
    if shared:
        text = text.replace(inputs.EXAMPLE_HOSTED_ZONE_ID, shared["HostedZoneId"])
        text = text.replace(inputs.EXAMPLE_CERTIFICATE_ARN, shared["CertificateArn"])
    return text
