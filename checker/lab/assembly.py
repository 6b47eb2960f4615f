"""The project's assembly with the ids and image tags that exist in the lab.

An assembly is often synthesized with example ids: a hosted zone, a certificate, a placeholder image tag. In an account
these are real, and given to the synthesis as contexts. The lab does to a copy what those contexts would do, text for
text, so that the copy is what is expected of the lab's account: `audit` and `drift` are pointed at it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from checker.collect.templates.assembly import read_assembly
from checker.model.resources import Stack

Template = Mapping[str, Any]

_ASSETS: Final = ("asset.*", "*.zip")


def copied(source: Path, target: Path) -> Path:
    """A fresh copy of an assembly folder or bare template, without its assets; what ``--assembly`` names."""
    if target.is_dir():
        shutil.rmtree(target)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_ASSETS))
        return target
    target.mkdir(parents=True)
    return Path(shutil.copy(source, target / source.name))


def stacks_of(path: Path) -> Sequence[Stack]:
    return read_assembly(path, path.parent).stacks


def template_files(path: Path) -> Sequence[Path]:
    """Every template below an assembly."""
    return sorted(path.rglob("*.template.json")) if path.is_dir() else [path]


def nested_templates(path: Path, account: str, region: str) -> Iterator[tuple[str, str, Path]]:
    """Bucket, key and file of each template among the assembly's assets, but for the stacks' own."""
    own = {stack.source.file for stack in stacks_of(path)}
    place = {"${AWS::AccountId}": account, "${AWS::Region}": region, "${AWS::Partition}": "aws"}
    for manifest in sorted(path.rglob("*.assets.json")) if path.is_dir() else ():
        for asset in json.loads(manifest.read_text(encoding="utf-8")).get("files", {}).values():
            file = manifest.parent / str(asset.get("source", {}).get("path", ""))
            if not file.is_file() or file.suffix != ".json" or file.name in {Path(each).name for each in own}:
                continue
            for destination in asset.get("destinations", {}).values():
                bucket = destination["bucketName"]
                for placeholder, value in place.items():
                    bucket = bucket.replace(placeholder, value)
                yield bucket, destination["objectKey"], file


def replace_everywhere(path: Path, replacements: Mapping[str, str]) -> None:
    """Write literal values of all templates anew. Both sides are written as JSON text, so nothing else changes."""
    pairs = [(json.dumps(old)[1:-1], json.dumps(new)[1:-1]) for old, new in replacements.items() if old != new]
    for file in template_files(path):
        before = text = file.read_text(encoding="utf-8")
        for old, new in pairs:
            text = text.replace(old, new)
        if text != before:
            file.write_text(text, encoding="utf-8")


def hosted_zones(template: Template) -> dict[str, str]:
    """Literal hosted zone id -> the name of a record in it, as far as the template has both."""
    found: dict[str, str] = {}
    for properties in _properties(template, "AWS::Route53::RecordSet", "AWS::Route53::RecordSetGroup"):
        zone, names = properties.get("HostedZoneId"), [properties.get("Name")]
        names += [record.get("Name") for record in properties.get("RecordSets", ())]
        for name in names:
            if isinstance(zone, str) and isinstance(name, str):
                found.setdefault(zone, name.rstrip("."))
    return found


def certificates(template: Template) -> list[str]:
    """Literal certificate ARNs that listeners present."""
    listeners = _properties(
        template, "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerCertificate"
    )
    named = [each.get("CertificateArn") for listener in listeners for each in listener.get("Certificates", ())]
    return list(dict.fromkeys(arn for arn in named if isinstance(arn, str)))


def moved_tags(template: Template, placeholders: Sequence[str], tag: str) -> dict[str, str]:
    """The ends of image references with a placeholder tag -> the same with ``tag``."""
    found: dict[str, str] = {}
    for properties in _properties(template, "AWS::ECS::TaskDefinition"):
        for container in properties.get("ContainerDefinitions", ()):
            for text in _strings(container.get("Image")):
                name, colon, old = text.rpartition(":")
                if colon and old in placeholders:
                    found[text] = f"{name}:{tag}"
    return found


def looked_up_parameters(template: Template) -> Iterator[str]:
    """Names of SSM parameters that CloudFormation reads for the template, such as CDK's bootstrap version."""
    for parameter in template.get("Parameters", {}).values():
        kind, name = parameter.get("Type"), parameter.get("Default")
        if isinstance(kind, str) and kind.startswith("AWS::SSM::Parameter::Value") and isinstance(name, str):
            yield name


def _properties(template: Template, *types: str) -> Iterator[dict[str, Any]]:
    for resource in template.get("Resources", {}).values():
        if resource.get("Type") in types:
            yield resource.get("Properties", {})


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
