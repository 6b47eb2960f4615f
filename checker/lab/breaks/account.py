"""The lab's account as a break sees it: the resources of its stacks by type, whatever project they come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from checker.errors import UsageError
from checker.lab import assembly
from checker.lab.clients import Clients
from checker.model.environments import EnvironmentKind
from checker.model.settings import Settings
from checker.resolve.templates.discovery import assign


class Target(Struct, frozen=True):
    """A deployed resource. ``properties`` are the template's, unresolved."""

    stack: str
    logical_id: str
    id: str
    properties: Mapping[str, Any]


class Account(Struct, frozen=True):
    """``stacks`` are in the order in which something to break is looked for: production's first."""

    clients: Clients
    assembly: Path
    stacks: Sequence[str]
    environment: str
    """Of the first stack."""

    @classmethod
    def of(cls, clients: Clients, path: Path, settings: Settings) -> Account:
        assigned = assign(assembly.stacks_of(path), {}, settings.stacks)
        found, kinds = assigned.stacks, assigned.kinds
        order = (EnvironmentKind.PRODUCTION, EnvironmentKind.OTHER, EnvironmentKind.SHARED, EnvironmentKind.STAGING)
        ranked = sorted(found, key=lambda stack: order.index(kinds[stack.environment]))
        return cls(clients, path, tuple(stack.name for stack in ranked), ranked[0].environment)

    def all(self, kind: str) -> Iterator[Target]:
        """Every resource of a type, production's first."""
        templates = {stack.name: stack.template["Resources"] for stack in assembly.stacks_of(self.assembly)}
        for name in self.stacks:
            asked = {"StackName": name}
            shown = self.clients.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", **asked)
            for each in shown:
                if each["ResourceType"] == kind:
                    declared = templates[name].get(each["LogicalResourceId"], {}).get("Properties", {})
                    yield Target(name, each["LogicalResourceId"], each["PhysicalResourceId"], declared)

    def first(self, kind: str, wanted: Callable[[Target], bool] = lambda _: True, *, such: str = "") -> Target:
        """The first of a type that is wanted. Raises :class:`UsageError` where the lab has none."""
        for target in self.all(kind):
            if wanted(target):
                return target
        described = f"{kind} {such}".strip()
        raise UsageError(f"nothing to break: the lab has no {described}", "Deploy a stack that has one.")

    def deploy_role(self) -> tuple[str, str, dict[str, Any]]:
        """The role that CI deploys with, its inline policy that passes roles, and that policy's document.

        Where there are several, the one that admits the environment's own tokens.
        """
        found = []
        for target in self.all("AWS::IAM::Role"):
            trusted = json.dumps(target.properties.get("AssumeRolePolicyDocument", {}))
            policies = self.clients.pages("iam", "list_role_policies", "PolicyNames", RoleName=target.id)
            for name in policies if "WebIdentity" in trusted else ():
                document = self.clients("iam").get_role_policy(RoleName=target.id, PolicyName=name)["PolicyDocument"]
                if "iam:PassRole" in json.dumps(document):
                    found.append((f":environment:{self.environment}" in trusted, target.id, name, document))
        if not found:
            raise UsageError("nothing to break: no role of the lab deploys from CI", "Deploy a stack that has one.")
        _, role, policy, document = max(found, key=lambda each: each[0])
        return role, policy, document

    def update_stack(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Edit a stack's template and update the stack with it, as in the console's editor."""
        from checker.lab import stacks

        template = self.clients("cloudformation").get_template(StackName=name)["TemplateBody"]
        template = json.loads(json.dumps(template))
        change(template)
        stacks.update(self.clients, name, json.dumps(template))
