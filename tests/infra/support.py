"""Reading synthesized templates by type and property, never by a generated logical id."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import naming

STACK_OF = {"staging": naming.STAGING_STACK, "production": naming.PRODUCTION_STACK}


@dataclass(frozen=True, slots=True)
class Resource:
    logical_id: str
    type: str
    path: str
    """Where in the construct tree it was made, without the stack and without the closing `Resource`."""
    body: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Any]:
        properties: Mapping[str, Any] = self.body.get("Properties", {})
        return properties

    def __getitem__(self, name: str) -> Any:
        return self.properties[name]


@dataclass(frozen=True, slots=True)
class Template:
    name: str
    body: Mapping[str, Any]

    @classmethod
    def read(cls, assembly: Path, name: str) -> "Template":
        return cls(name, json.loads((assembly / f"{name}.template.json").read_text(encoding="utf-8")))

    def __iter__(self) -> Iterator[Resource]:
        for logical_id, body in self.body["Resources"].items():
            path = body.get("Metadata", {}).get("aws:cdk:path", "")
            yield Resource(logical_id, body["Type"], path.partition("/")[2].removesuffix("/Resource"), body)

    def of_type(self, *types: str) -> Sequence[Resource]:
        found = [resource for resource in self if resource.type in types]
        assert found, f"{self.name} has none of {types}"
        return found

    def only(self, kind: str, **properties: object) -> Resource:
        """The one resource of a type whose properties are as given."""
        found = [
            resource
            for resource in self.of_type(kind)
            if all(resource.properties.get(name) == value for name, value in properties.items())
        ]
        assert len(found) == 1, f"{len(found)} of {kind} with {properties} in {self.name}"
        return found[0]

    def at(self, path: str) -> Resource:
        """The resource made at a place in the construct tree."""
        found = [resource for resource in self if resource.path == path]
        assert len(found) == 1, f"{len(found)} at {path} in {self.name}"
        return found[0]

    def text(self, value: object) -> str:
        """A value with its references written as `${LogicalId}` or `${LogicalId.Attribute}`."""
        match value:
            case str():
                return value
            case {"Ref": str(target)}:
                return f"${{{target}}}"
            case {"Fn::GetAtt": [target, attribute]}:
                return f"${{{target}.{attribute}}}"
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(self.text(part) for part in parts)
            case _:
                raise AssertionError(f"not text: {value!r}")

    def target(self, value: object) -> Resource:
        """The resource that a `Ref` or `Fn::GetAtt` names."""
        match value:
            case {"Ref": str(logical_id)} | {"Fn::GetAtt": [str(logical_id), _]}:
                return next(resource for resource in self if resource.logical_id == logical_id)
            case _:
                raise AssertionError(f"no reference: {value!r}")


def statements(template: Template, role: Resource) -> Sequence[Mapping[str, Any]]:
    """What the policies attached to a role allow."""
    return [
        statement
        for policy in template.of_type("AWS::IAM::Policy")
        if {"Ref": role.logical_id} in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def listed(value: object) -> list[Any]:
    """IAM and CloudFormation write a list of one as its element."""
    return value if isinstance(value, list) else [value]
