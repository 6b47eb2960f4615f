"""Hosts of the project's own domains that are called after an environment that is not at hand: preprod, a test's."""

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
