"""Whom a health check asks: the environment that was rolled, another one, the runner itself, or a stranger.

Sources: curl's manual (``--resolve`` and ``--connect-to`` lead a request elsewhere than its URL says).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.environment_words import kind_of, without_top_level, words
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.possible import options
from checker.model.values import Known
from checker.reason.deploys.http_requests import Request
from checker.reason.deploys.paths import DeployPath, environment_of
from checker.reason.network.served_names import listeners_and_distributions, normal_name

_HOST: Final = lazy_re.compile(r"https?://(?:[^/@]*@)?([^/:?#]+|\[[^\]]*\])", re.IGNORECASE)
_LOCAL: Final = lazy_re.compile(
    r"(?:.*\.)?localhost|127\.[\d.]+|0\.0\.0\.0|\[?::1?\]?|host\.docker\.internal", re.IGNORECASE
)
# What AWS calls a balancer, a distribution or an API by itself.
_GIVEN: Final = lazy_re.compile(r"\.amazonaws\.com(?:\.cn)?$|\.cloudfront\.net$|\.awsapprunner\.com$", re.IGNORECASE)

# What services and clusters are called after, and words that are in anybody's names.
_NAMED: Final = {"AWS::ECS::Service": "ServiceName", "AWS::ECS::Cluster": "ClusterName"}
_ANYBODY_S: Final = frozenset(
    {"api", "app", "web", "www", "site", "service", "services", "server", "backend", "frontend", "cluster", "stack",
     "status", "health", "main", "default", "com", "org", "net", "io", "example"}
)  # fmt: skip


def elsewhere(request: Request, path: DeployPath, project: Project) -> Answer:
    """Whether a request goes to another environment than the one that was rolled, or to the runner itself.

    Open where it goes to a host under a domain of which nothing in the environment's templates is served, or of which
    neither they nor the workflow say anything.
    """
    led = _led_to(request)
    hosts = [led] if led is not None else _hosts(request)
    if not hosts:
        return NO
    if all(_LOCAL.fullmatch(host) is not None or _of_another(host, path, project) for host in hosts):
        return YES
    environment = environment_of(path, project)
    if environment is not None and all(each.is_task_definition for each in environment.stacks):
        environment = None  # a task definition tells nothing of addresses
    served = _domains(environment) if environment is not None else None
    told = {_domain(host) for host in _told_by_jobs(path)}
    strangers = [
        host for host in hosts if _GIVEN.search(host) is None and _domain(host) not in {*(served or ()), *told}
    ]
    if len(strangers) < len(hosts):
        return NO
    if environment is None:
        return Open(f"the workflow says that what was rolled answers elsewhere than as {hosts[0]}") if told else NO
    if served or told:
        return Open(f"nothing in its templates is served as {hosts[0]}")
    if served is None or any(_speaks_of(host, environment) for host in hosts):
        return NO
    return Open(f"neither its templates nor the workflow say that what was rolled answers as {hosts[0]}")


def _told_by_jobs(path: DeployPath) -> Iterator[str]:
    """The hosts that the jobs give for their environments (``environment: {url: ...}``)."""
    for job in path.jobs:
        found = _HOST.match(job.job.environment_url)
        if found is not None and "{" not in found[1]:
            yield found[1]


def _speaks_of(host: str, environment: Environment) -> bool:
    """Whether its templates have a host's domain written somewhere, or are called as one of its labels."""
    if _domain(host) in _written(environment):
        return True
    named = set(words(environment.project.settings.repository))
    for resource in (each for kind in _NAMED for each in environment.resources(kind)):
        name = resource.get(_NAMED[resource.type])
        named.update(words(name.value) if isinstance(name, Known) and isinstance(name.value, str) else ())
    named.update(word for stack in environment.stacks for word in words(stack.name))
    own = {word for word in named if not _is_environment(word) and word not in _ANYBODY_S}
    labels = [set(words(label)) for label in host.split(".")[:-1]]
    return any(
        label & own and all(each in named or not each.isalpha() or _is_environment(each) for each in label)
        for label in labels
    )


def _is_environment(word: str) -> bool:
    return kind_of(word) is not EnvironmentKind.OTHER


def _written(environment: Environment) -> str:
    """All that its templates have written in them, in small letters: somewhere there a name of its own may stand."""
    written = [json.dumps(stack.template, default=str) for stack in environment.stacks]
    return "\n".join((*written, *(str(each.get("")) for each in environment.resources()))).lower()


def _hosts(request: Request) -> list[str]:
    """The hosts of all that its URL can be; empty where one of them is not known."""
    each = options(request.url) or ()
    found = [_HOST.match(url) for url in each if isinstance(url, str)]
    return (
        [match[1] for match in found if match is not None] if found and len(found) == len(each) and all(found) else []
    )


def _led_to(request: Request) -> str | None:
    """Where curl is told to connect instead, ``None`` where it is not."""
    given = list(request.command.words) if request.command is not None and request.command.program == "curl" else []
    for word, value in pairwise(given):
        name, _, inline = word.partition("=") if isinstance(word, str) else ("", "", "")
        told = inline or value
        if name in {"--connect-to", "--resolve"} and isinstance(told, str):
            parts = told.split(":", 2)
            if len(parts) == 3:
                return parts[2].rpartition(":")[0] or parts[2] if name == "--connect-to" else parts[2]
    return None


def _of_another(host: str, path: DeployPath, project: Project) -> bool:
    others = {each.name for each in project.environments if each.kind is not EnvironmentKind.SHARED}
    own, spoken = path.environment, set(words(without_top_level(f"://{host}")))
    if own and own not in spoken and spoken & (others - {own}):
        return True
    kinds = {kind_of(word) for word in spoken} - {EnvironmentKind.OTHER, EnvironmentKind.SHARED}
    return path.kind is EnvironmentKind.PRODUCTION and kinds == {EnvironmentKind.STAGING}


def _domains(environment: Environment) -> frozenset[str] | None:
    """The domains under which the environment serves names; ``None`` where one of its names is not known."""
    found = [name for server in listeners_and_distributions(environment) for name in server.names]
    known = [each for name in found if isinstance(each := normal_name(name), str)]
    return frozenset(map(_domain, known)) if len(known) == len(found) else None


def _domain(host: str) -> str:
    """The last two labels of a name, three where the second is short (``example.co.uk``)."""
    labels = host.lower().rstrip(".").split(".")
    size = 3 if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2 else 2
    return ".".join(labels[-size:])
