"""Deploying an assembly's stacks into a lab, by its CloudFormation, as a pipeline would into an account."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from checker.lab import assembly
from checker.lab.clients import Clients
from checker.lab.server import LabError
from checker.model.resources import Stack

BUCKET: Final = "lab-templates"
_STACK_SECONDS: Final = 120.0
_CAPABILITIES: Final = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
_BOOTSTRAP_VERSION: Final = "30"
_INLINE_BYTES: Final = 51_200
"""The longest template body that a call may carry (AWS CloudFormation quotas); a longer one goes through a bucket."""


def deploy(clients: Clients, path: Path, order: Sequence[str], say: Callable[[str], None]) -> None:
    """Deploy the stacks named in ``order``, one after the other.

    What a stack takes for there already (a hosted zone, a certificate) is found in the account, or made in it, just
    before; its ids then stand in the assembly's templates. Raises :class:`LabError`.
    """
    _upload(clients, path)
    for name in order:
        say(f"deploying {name} …")
        template = _stack(path, name).template
        for parameter in assembly.looked_up_parameters(template):
            clients("ssm").put_parameter(Name=parameter, Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True)
        assembly.replace_everywhere(path, _existing(clients, template))
        stack = _stack(path, name)
        create(clients, name, stack.source.text, stack.parameters)  # type: ignore[attr-defined]
    remove_bucket(clients)


def _upload(clients: Clients, path: Path) -> None:
    """The templates of nested stacks, where CDK's assets are. No other asset: no code of the project is taken along."""
    for bucket, key, file in assembly.nested_templates(path, clients.lab.account, clients.lab.region):
        make_bucket(clients, bucket)
        clients("s3").put_object(Bucket=bucket, Key=key, Body=file.read_bytes())


def _stack(path: Path, name: str) -> Stack:
    return next(stack for stack in assembly.stacks_of(path) if stack.name == name)


def create(clients: Clients, name: str, body: str, parameters: Mapping[str, Any]) -> None:
    """Create one stack and wait until it stands."""
    given = [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()]
    clients("cloudformation").create_stack(
        StackName=name,
        Capabilities=_CAPABILITIES,
        OnFailure="DO_NOTHING",
        Parameters=given,
        **_body(clients, name, body),
    )
    _settle(clients, name, "CREATE_COMPLETE")


def update(clients: Clients, name: str, body: str) -> None:
    """Update one stack with another template, its parameters as they are, and wait until it stands."""
    formation = clients("cloudformation")
    (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
    kept = [{"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in stack.get("Parameters", ())]
    formation.update_stack(StackName=name, Capabilities=_CAPABILITIES, Parameters=kept, **_body(clients, name, body))
    _settle(clients, name, "UPDATE_COMPLETE")
    remove_bucket(clients)


def _settle(clients: Clients, name: str, wanted: str) -> None:
    formation = clients("cloudformation")
    deadline = time.monotonic() + _STACK_SECONDS
    while time.monotonic() < deadline:
        (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
        if stack["StackStatus"] == wanted:
            return
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            reason = _reason(formation, name, stack)
            raise LabError(f"stack {name} is not as wanted: {reason}", "The emulator may lack something.")
        time.sleep(0.1)
    raise LabError(f"{name} did not settle within {_STACK_SECONDS:g} s", "Look at the emulator's log in .checker/lab.")


def _reason(formation: Any, name: str, stack: Mapping[str, Any]) -> str:
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED") and each["ResourceType"] != _STACK]
    if failed:
        first = failed[-1]
        return f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', '')}"
    return str(stack.get("StackStatusReason", stack["StackStatus"]))


_STACK: Final = "AWS::CloudFormation::Stack"


def _body(clients: Clients, name: str, body: str) -> dict[str, str]:
    if len(body.encode()) <= _INLINE_BYTES:
        return {"TemplateBody": body}
    make_bucket(clients, BUCKET)
    clients("s3").put_object(Bucket=BUCKET, Key=name, Body=body.encode())
    return {"TemplateURL": f"{clients.lab.endpoint}/{BUCKET}/{name}"}


def remove_bucket(clients: Clients) -> None:
    """Templates are not the account's: nothing stands in it that no stack made."""
    if BUCKET in _buckets(clients):
        for each in clients.pages("s3", "list_objects_v2", "Contents", Bucket=BUCKET):
            clients("s3").delete_object(Bucket=BUCKET, Key=each["Key"])
        clients("s3").delete_bucket(Bucket=BUCKET)


def _buckets(clients: Clients) -> set[str]:
    return {bucket["Name"] for bucket in clients("s3").list_buckets()["Buckets"]}


def make_bucket(clients: Clients, name: str) -> None:
    if name not in _buckets(clients):
        place = {"LocationConstraint": clients.lab.region}
        asked = {} if clients.lab.region == "us-east-1" else {"CreateBucketConfiguration": place}
        clients("s3").create_bucket(Bucket=name, **asked)


def _existing(clients: Clients, template: Mapping[str, Any]) -> dict[str, str]:
    """Ids that the template names and the account does not know -> those of the account that serve the same."""
    found = {}
    for written, record in assembly.hosted_zones(template).items():
        found[written] = _zone(clients, record)
    for written in assembly.certificates(template):
        domain = next(iter(assembly.hosted_zones(template).values()), "lab.example")
        found[written] = _certificate(clients, written, domain)
    return found


def _zone(clients: Clients, record: str) -> str:
    """The hosted zone that a record belongs into; a new one where the account has none."""
    zones = clients.pages("route53", "list_hosted_zones", "HostedZones")
    holding = [zone for zone in zones if f".{record}".endswith(f".{zone['Name'].rstrip('.')}")]
    if holding:
        zone = max(holding, key=lambda each: len(each["Name"]))
    else:
        domain = ".".join(record.split(".")[-2:])
        zone = clients("route53").create_hosted_zone(Name=domain, CallerReference=domain)["HostedZone"]
    return str(zone["Id"]).rpartition("/")[2]


def _certificate(clients: Clients, written: str, domain: str) -> str:
    arns = [each["CertificateArn"] for each in clients.pages("acm", "list_certificates", "CertificateSummaryList")]
    if written in arns or arns:
        return written if written in arns else str(arns[0])
    domain = ".".join(domain.split(".")[-2:])
    asked = {"DomainName": domain, "SubjectAlternativeNames": [f"*.{domain}"], "ValidationMethod": "DNS"}
    return str(clients("acm").request_certificate(**asked)["CertificateArn"])
