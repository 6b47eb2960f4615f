"""Hosts of the project's own domains that are called after an environment that is not at hand (preprod, a test's), and
names that CloudFormation made for resources of another environment's stack.

Source: AWS CloudFormation User Guide, "Name type": the stack's name, the logical id and a random part, with hyphens; in
small letters where the service wants them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.environment_words import kind_of, words
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.values import Known

_HOST: Final = lazy_re.compile(r"(?<![\w.@-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}(?![\w-])")
# Domains that a network has for itself.
_INNER: Final = (".internal", ".local")
# Words that begin a host's label without a gap: stagingdb. Shorter ones begin other words too.
_BEGINS: Final = lazy_re.compile(r"(?:staging|preprod|nonprod)(?=[a-z0-9])")
_NOT_PRODUCTION: Final = frozenset({"preprod", "nonprod", "preproduction", "nonproduction"})


def foreign_host(written: str, environment: Environment) -> str | None:
    """A host in a text that is of the project's domains, and of another kind of environment than production."""
    if environment.kind is not EnvironmentKind.PRODUCTION or "." not in written:
        return None
    domains = environment.project.once(_domains)
    for found in _HOST.finditer(written):
        host = found[0].lower()
        domain = next((each for each in domains if host.endswith(f".{each}")), None)
        ending = f".{domain}" if domain else next((each for each in _INNER if host.endswith(each)), None)
        if ending is not None and any(_is_foreign(label) for label in host.removesuffix(ending).split(".")):
            return host
    return None


def generated_name(written: str, environment: Environment) -> str | None:
    """A name in a text that CloudFormation gave to a resource of another environment."""
    if "-" not in written:
        return None
    lower, stacks = written.lower(), environment.project.once(_made_by_stacks)
    own = {name for name, (owner, _) in stacks.items() if owner in (environment.name, "")}
    for name, (_, logical_ids) in stacks.items():
        at = lower.find(f"{name}-")
        if name in own or at < 0 or _JOINED.search(lower[max(at - 1, 0) : at]):
            continue
        found = _PART.match(lower, at + len(name) + 1)
        part = found[0] if found else ""
        cut = len(part) >= _SURELY and any(each.startswith(part) for each in logical_ids)
        if part in logical_ids or cut:
            return f"{name}-{part}"
    return None


_JOINED: Final = lazy_re.compile(r"[a-z0-9-]")
_PART: Final = lazy_re.compile(r"[a-z0-9]+")
_SURELY: Final = 8  # characters of a logical id that a service has cut


def _made_by_stacks(project: Project) -> dict[str, tuple[str, frozenset[str]]]:
    """Stack, in small letters -> its environment, nothing where several have it or share it, and its logical ids."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for environment in project.environments:
        for stack in environment.stacks:
            name, shared = stack.name.lower(), environment.kind is EnvironmentKind.SHARED
            if stack.parent is not None or not stack.named:
                continue
            resources = stack.template.get("Resources")
            ids = frozenset(map(str.lower, resources)) if isinstance(resources, dict) else frozenset()
            found[name] = ("" if shared or name in found else environment.name, ids)
    return found


def _is_foreign(label: str) -> bool:
    """Whether a label says: not production. One that says production somewhere is production's."""
    parts = words(label)
    if _NOT_PRODUCTION.intersection(parts) or _BEGINS.match(label):
        return True
    kinds = {kind_of(part) for part in parts}
    return EnvironmentKind.STAGING in kinds and EnvironmentKind.PRODUCTION not in kinds


def _domains(project: Project) -> tuple[str, ...]:
    """The domains that the project's zones, records and certificates are of."""
    return tuple(dict.fromkeys(_named(project)))


def _named(project: Project) -> Iterator[str]:
    for kind, path in (
        ("AWS::Route53::HostedZone", "Name"),
        ("AWS::Route53::RecordSet", "Name"),
        ("AWS::CertificateManager::Certificate", "DomainName"),
    ):
        for resource in project.resources(kind):
            name = resource.get(path)
            if isinstance(name, Known) and isinstance(name.value, str):
                yield name.value.rstrip(".").removeprefix("*.").lower()
