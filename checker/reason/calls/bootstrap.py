"""What the CDK's command needs of AWS: the roles of the bootstrap stack.

Source: AWS CDK Developer Guide, "Bootstrapping" and "Configure and perform CDK stack synthesis": the default
synthesizer's stacks are deployed by taking on the bootstrap stack's roles; where that is refused, the command goes on
with the caller's own permissions, as it does for stacks of the synthesizers that use no bootstrap roles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.overlap import Pattern, overlap
from checker.model.pipeline.scripts import CdkCommand
from checker.model.possible import Possible, options
from checker.model.resources import Stack
from checker.model.values import Pseudo, Text, text
from checker.reason.calls.authority import Authority
from checker.reason.calls.needs import Need
from checker.reason.calls.touched import placed
from checker.reason.iam.evaluation import grants, policies_of
from checker.reason.names.bootstraps import DEFAULT_QUALIFIER, qualifier_of
from checker.reason.text.patterns import exact, glob

# Which roles of the bootstrap stack a command takes on. Source: AWS CDK Developer Guide, "Customize CDK bootstrapping"
# (the roles of the bootstrap template) and "Configure and perform CDK stack synthesis".
_BOOTSTRAP_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "deploy": ("deploy", "file-publishing", "image-publishing", "lookup"),
    "watch": ("deploy", "file-publishing", "image-publishing", "lookup"),
    "publish-assets": ("file-publishing", "image-publishing"),
    "destroy": ("deploy", "lookup"),
    "diff": ("deploy", "lookup"),
    "import": ("deploy", "lookup"),
    "rollback": ("deploy", "lookup"),
    "synth": ("lookup",),
    "synthesize": ("lookup",),
    "drift": ("deploy", "lookup"),
}
_PARTITION: Final = Pseudo("AWS::Partition")
_REGION: Final = Pseudo("AWS::Region")
_ACCOUNT: Final = Pseudo("AWS::AccountId")
# Without these a command cannot do its work. The others are used where an asset of their kind occurs, or are only
# asked for more than the template says.
_REQUIRED: Final = {
    "deploy": ("deploy", "file-publishing"),
    "watch": ("deploy", "file-publishing"),
    "import": ("deploy", "file-publishing"),
    "publish-assets": ("file-publishing",),
    "destroy": ("deploy",),
    "rollback": ("deploy",),
}
_ROLE: Final = lazy_re.compile(r":role/cdk-[^-]+-([a-z-]+)-role-")
_IMAGES: Final = "-container-assets-"


def bootstrap_needs(command: CdkCommand, authority: Authority) -> tuple[Need, ...]:
    """The permissions that this run of the command cannot do without."""
    return tuple({(need.action, need.resources): need for need in _needs(command, authority)}.values())


def _needs(command: CdkCommand, authority: Authority) -> Iterator[Need]:
    required = _REQUIRED.get(command.name)
    if required is None:
        return
    for stack in tuple(selected(command, authority)) or (None,):
        wanted, qualifier = required, DEFAULT_QUALIFIER
        if stack is not None:
            wanted = (*required, "image-publishing") if "deploy" in required and _has_images(stack) else required
            qualifier = qualifier_of(stack)
        for need in cdk_needs(command, qualifier):
            for arn in need.resources or ():
                found = _ROLE.search(str(arn))
                if found is not None and found[1] in wanted:
                    yield replace(need, resources=(placed(arn, _place(stack)),))


def roles_taken_on(command: CdkCommand, authority: Authority) -> tuple[Need, ...]:
    """All the bootstrap roles that the command may take on, those that it asks in vain among them."""
    qualifiers = {qualifier_of(stack) for stack in authority.project.stacks} or {DEFAULT_QUALIFIER}
    return tuple(need for qualifier in sorted(qualifiers) for need in cdk_needs(command, qualifier))


def _place(stack: Stack | None) -> dict[str, str]:
    """Where the stack goes, as far as its assembly says: the bootstrap roles are of that account and region."""
    return {} if stack is None else {"AWS::AccountId": stack.account, "AWS::Region": stack.region}


def goes_on_without(authority: Authority) -> bool:
    """Whether whoever is refused a bootstrap role may go on deploying with permissions of its own."""
    policies = [policies_of(role, authority.project) for role in authority.who.roles]
    return any(grants(each, "cloudformation:CreateChangeSet") for each in policies)


def selected(command: CdkCommand, authority: Authority) -> Iterator[Stack]:
    """The stacks that the command's selectors pick. Without any, those of the job's environment."""
    stacks = [stack for stack in authority.project.stacks if stack.parent is None]
    patterns = [pattern for selector in command.stacks for pattern in _patterns(selector)]
    for stack in stacks:
        own = not patterns and stack.environment == authority.environment
        if own or any(overlap(pattern, exact(name)) for pattern in patterns for name in (stack.name, stack.id)):
            yield stack


def _patterns(selector: Possible) -> Iterator[Pattern]:
    for each in options(selector) or ():
        if isinstance(each, str | Text):
            yield glob(each)


@lru_cache(maxsize=256)
def _has_images(stack: Stack) -> bool:
    """Whether the stack runs an image that the CDK builds: its address names the bootstrap stack's repository."""
    return _IMAGES in str(stack.template)


def cdk_needs(command: CdkCommand, qualifier: str = DEFAULT_QUALIFIER) -> tuple[Need, ...]:
    """The bootstrap roles that the command takes on. Only those whose asset kind or lookup occurs are really used."""
    found: list[Need] = []
    for role in _BOOTSTRAP_ROLES.get(command.name, ()):
        name = f":role/cdk-{qualifier}-{role}-role-"
        arn = text(["arn:", _PARTITION, ":iam::", _ACCOUNT, name, _ACCOUNT, "-", _REGION])
        why = f"`cdk {command.name}` assumes the bootstrap stack's {role} role"
        found.append(Need("sts:AssumeRole", (arn,), why=why))
    return tuple(found)
