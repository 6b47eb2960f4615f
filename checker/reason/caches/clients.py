"""Who is handed the address of a cache, and whether they are told to talk to it in plain text.

Clients are told in many ways: by the scheme of an address, by a switch or a scheme in a variable of its own, by an
address's options, by a flag of a command. How a client names its switches follows from the libraries' own
(redis-py ``ssl``, ``ssl_cert_reqs``; ioredis and node-redis ``tls``, ``rejectUnauthorized``; StackExchange.Redis
``ssl=False``; ``redis-cli --tls``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment, Project
from checker.model.resources import Resource
from checker.model.values import (
    Attribute,
    Expression,
    Hole,
    Known,
    Reference,
    Resolved,
    ResourceKey,
    Text,
    Unknown,
    pieces,
    text,
)
from checker.model.verdicts import Surface
from checker.reason.workloads.elsewhere import RUNNERS, told_elsewhere
from checker.reason.workloads.variables import environment_variables, with_unnamed_variables

_CACHE_WORDS: Final = frozenset({"redis", "cache", "valkey", "elasticache", "memorydb", "sessions", "session"})
_PROTOCOLS: Final = frozenset({"redis", "valkey"})
_TLS_WORDS: Final = frozenset({"tls", "ssl", "encrypt", "encryption", "encrypted", "secure", "rediss"})
_CHECK_WORDS: Final = frozenset({"verify", "reqs", "unauthorized", "hostname", "validate", "verification"})
_SCHEME_WORDS: Final = frozenset({"scheme", "protocol", "proto"})
_NEGATIVE: Final = frozenset({"no", "not", "disable", "disabled", "without", "skip", "off"})
_PLAIN_WORDS: Final = frozenset({"insecure", "plaintext", "plain", "unencrypted"})
_ON: Final = frozenset({"true", "yes", "on", "1", "enabled", "enable", "required", "require", "full", "cert_required"})
_OFF: Final = frozenset({"false", "no", "off", "0", "disabled", "disable", "none", "cert_none", "never"})
_PLAIN_SCHEMES: Final = frozenset({"redis", "valkey", "tcp", "http", "plain", "plaintext", "unencrypted", "insecure"})
_TLS_SCHEMES: Final = frozenset({"rediss", "valkeys", "tls", "ssl", "https"})
# Words without a gap (``REDIS_SSLMODE``, ``CACHE_USETLS``), and ways that go on in plain text where TLS is refused.
_GLUED: Final = lazy_re.compile(
    r"(no|not|disable|skip|use|enable|with)?(?:tls|ssl)(mode|enabled?|disabled?|required?|on|off)?"
)
_FALLS_BACK: Final = frozenset({"prefer", "preferred", "allow", "optional", "starttls"})
_OF_ALL: Final = "NODE_TLS_REJECT_UNAUTHORIZED"  # Node.js, "Command-line API": of every connection of the process

_PLAIN: Final = lazy_re.compile(r"(?<![A-Za-z])(?:redis|valkey|redis-(?:cluster|sentinel)|tcp)://", re.IGNORECASE)
_TLS: Final = lazy_re.compile(r"(?<![A-Za-z])(?:rediss|valkeys|tls)://", re.IGNORECASE)
_SET_OFF: Final = lazy_re.compile(
    r"(?i)(?<![a-z])(?:use[_-]?)?(?:tls|ssl)(?:[_-]?(?:enabled|mode))?[\"']?\s*[=:]\s*[\"']?(?:false|0|no|off|disabled?)(?![a-z0-9])"
)
_SET_ON: Final = lazy_re.compile(
    r"(?i)(?<![a-z])(?:use[_-]?)?(?:tls|ssl)(?:[_-]?enabled)?[\"']?\s*[=:]\s*[\"']?(?:true|1|yes|on|\{)"
)
_UNCHECKED: Final = lazy_re.compile(
    r"(?i)(?:ssl|tls)_?cert_?reqs[\"']?\s*[=:]\s*[\"']?(?:none|cert_none|optional)"
    r"|check_?hostname[\"']?\s*[=:]\s*[\"']?(?:false|0|no)|reject_?unauthorized[\"']?\s*[=:]\s*[\"']?(?:false|0|no)"
    r"|(?:skip_?verify|insecure(?:_?skip_?(?:tls_?)?verify)?)[\"']?\s*[=:]\s*[\"']?(?:true|1|yes)"
    r"|verify_?(?:peer|mode)?[\"']?\s*[=:]\s*[\"']?(?:false|0|no|none)"
)
_CLI: Final = lazy_re.compile(r"(?:^|[\s/;&|(\"'])(?:redis|valkey)-cli\b(?P<rest>[^;&|]*)")
# Amazon ElastiCache User Guide, "Finding connection endpoints"; Amazon MemoryDB Developer Guide, likewise.
_OF_AMAZON: Final = lazy_re.compile(r"(?i)\.cache\.amazonaws\.com|\.memorydb\.[a-z0-9*-]+\.amazonaws\.com")
_REDIS_PORT: Final = lazy_re.compile(r":63(?:79|80)\b")
# A plain address whose host is open as a whole.
_PLAIN_TO_OPEN: Final = lazy_re.compile(r"(?i)(?<![a-z])(?:redis|valkey)://(?:[^@/\s]*@)?\*(?=[:/?\"'\s]|$)")
_UNNAMED: Final = "a variable whose name is not known may tell the client how to connect"
_HOST: Final = lazy_re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+[A-Za-z]{2,}")


class Manner(Struct):
    """How one container or function is told to connect, beside what its addresses say."""

    tls: Answer | None = None  # by a switch or a scheme of its own; ``None`` where there is none
    by: str = ""  # what says so
    unchecked: str = ""  # what keeps it from checking whom it talks to
    doubt: str = ""  # why it may be told otherwise by what is not known


class Client(Struct, frozen=True):
    """Something that is handed a cache's address. ``written``: the value, with a star for each open part."""

    owner: Resource
    name: str
    value: str | Text
    path: str
    manner: Manner = field(default_factory=Manner)

    @property
    def written(self) -> str:
        return "".join(part if isinstance(part, str) else "*" for part in pieces(self.value))

    @property
    def names_amazons(self) -> bool:
        """Whether the address is one of ElastiCache's or MemoryDB's, and of a cache that speaks Redis' protocol."""
        if not _OF_AMAZON.search(self.written):
            return False
        words = set(re.split(r"[^a-z0-9]+", self.name.lower()))
        told = self.plain or self.encrypted is not None or _REDIS_PORT.search(self.written)
        return bool(told or words & _PROTOCOLS)

    @property
    def plain(self) -> str:
        """Why it connects in plain text, empty where nothing says so."""
        if found := _PLAIN.search(self.written):
            return f"gives the client a {found[0]} address"
        if _SET_OFF.search(self.written):
            return "switches TLS off in the address's own options"
        if any("--tls" not in each["rest"] for each in _CLI.finditer(self.written)):
            return "calls the command line without --tls"
        return f"is used with {self.manner.by}, which switches TLS off" if self.manner.tls is NO else ""

    @property
    def unchecked(self) -> str:
        """What keeps the client from checking whom it talks to, empty where nothing does."""
        found = _UNCHECKED.search(self.written)
        return found[0] if found else self.manner.unchecked

    @property
    def encrypted(self) -> Answer | None:
        """Whether it connects with TLS, as far as it is told: ``None`` where nothing says."""
        if _TLS.search(self.written) or _SET_ON.search(self.written) or _CLI.search(self.written):
            return YES
        return self.manner.tls


def clients(environment: Environment) -> Iterator[tuple[Client, tuple[Resource, ...]]]:
    """Everything that a client takes an address from, with the resources whose address it is."""
    aliases = environment.project.once(_aliases)
    for client in _told(environment):
        found = _leads_to(client.value, environment.project)
        if not found and aliases:
            found = next((aliases[host] for host in _hosts(client.written) if host in aliases), ())
        if found:
            yield client, found


def foreign_clients(environment: Environment) -> Iterator[Client]:
    """Clients of a cache that no template makes: its address is written out, or a plain one comes whole from outside.

    What a resource of the project answers to is none, and an account's own caches are not told by their addresses.
    """
    aliases = environment.project.once(_aliases)
    for client in _told(environment):
        value = client.value
        made = isinstance(value, Text) and any(isinstance(hole, Reference) for hole in value.holes)
        if made or any(host in aliases for host in _hosts(client.written)):
            continue
        written = client.names_amazons and (client.owner.surface is Surface.TEMPLATE or client.plain)
        if written or _PLAIN_TO_OPEN.search(client.written):
            yield client


def _hosts(written: str) -> Iterator[str]:
    return (found[0].lower() for found in _HOST.finditer(written))


def _told(environment: Environment) -> tuple[Client, ...]:
    return environment.project.once_for((_clients, environment.name), lambda: tuple(_clients(environment)))


def _clients(environment: Environment) -> Iterator[Client]:
    """Variables, commands, parameters and secrets of the environment, of whatever runs containers or programs."""
    elsewhere = told_elsewhere(environment)
    variables = [*environment_variables(environment), *(each for each in elsewhere if each.name)]
    manners: dict[tuple[ResourceKey, str], Manner] = {}
    for variable in variables:
        manner = manners.setdefault((variable.owner.key, variable.container), Manner())
        _note(manner, variable.name, variable.value)
    for variable in elsewhere:
        if not variable.name and variable.owner.type.startswith(RUNNERS):
            manner = manners.setdefault((variable.owner.key, variable.container), Manner())
            manner.doubt = manner.doubt or _UNNAMED
    for owner, container in with_unnamed_variables(environment):
        manner = manners.setdefault((owner.key, container), Manner())
        manner.doubt = manner.doubt or _UNNAMED
    commands = list(_commands(environment))
    for owner, container, _, words in commands:
        _note_options(manners.setdefault((owner.key, container), Manner()), words)
    for variable in variables:
        if isinstance(variable.value, str | Text):
            manner = manners[variable.owner.key, variable.container]
            yield Client(variable.owner, variable.name, variable.value, variable.path, manner)
    for owner, container, path, words in commands:
        parts = [part for word in words for part in (*pieces(word), " ")]
        name = path.rpartition(".")[2] if not path.endswith("HealthCheck.Command") else "HealthCheck"
        yield Client(owner, name, text(parts), path, manners[owner.key, container])
    for kind, path in (("AWS::SSM::Parameter", "Value"), ("AWS::SecretsManager::Secret", "SecretString")):
        for store in environment.resources(kind):
            value = store.get(path)
            if isinstance(value, Known) and isinstance(value.value, str | Text):
                yield Client(store, path, value.value, path)


def _commands(environment: Environment) -> Iterator[tuple[Resource, str, str, list[str | Text]]]:
    """Each command of a container: its task definition, the container, where it stands, and its words."""
    for task in environment.resources("AWS::ECS::TaskDefinition"):
        containers = task.get("ContainerDefinitions")
        listed = containers.value if isinstance(containers, Known) else None
        for index, container in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(container, dict):
                continue
            check = container.get("HealthCheck")
            places: Mapping[str, Resolved] = {
                "Command": container.get("Command"),
                "EntryPoint": container.get("EntryPoint"),
                "HealthCheck.Command": check.get("Command") if isinstance(check, dict) else None,
            }
            for place, words in places.items():
                if isinstance(words, list):
                    written = [word for word in words if isinstance(word, str | Text)]
                    path = f"ContainerDefinitions.{index}.{place}"
                    yield task, str(container.get("Name", index)), path, written


def _note(manner: Manner, name: str, value: Resolved) -> None:
    """What a variable says of how to connect."""
    parts = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    words = frozenset(word for part in parts for word in _taken_apart(part))
    on = _switch(value)
    if name == _OF_ALL and on is False:
        manner.unchecked = name
    if isinstance(value, Unknown) and (name == _OF_ALL or (words & _CACHE_WORDS and words & _CHECK_WORDS)):
        manner.doubt = f"{name}: {value.why}"
    if not words & _CACHE_WORDS:
        return
    negative = bool(words & _NEGATIVE) or bool(words & _PLAIN_WORDS)
    said: Answer | None = None
    if words & _CHECK_WORDS:
        if on is not None and on is negative:
            manner.unchecked = name
    elif words & (_TLS_WORDS | _PLAIN_WORDS):
        if on is not None:
            said = yes_if(on is not negative)
        elif isinstance(value, str) and value.strip().lower() in _FALLS_BACK:
            said = Open(f"whether TLS is used is not known: {name} lets the client go on without it")
        elif isinstance(value, Unknown | Text) and not words - _CACHE_WORDS - _TLS_WORDS - {
            "enabled",
            "mode",
            "on",
            "use",
        }:
            said = Open(f"whether {name} switches TLS on is not known before deployment")
    elif words & _SCHEME_WORDS and isinstance(value, str):
        scheme = value.lower().rstrip(":/")
        said = NO if scheme in _PLAIN_SCHEMES else YES if scheme in _TLS_SCHEMES else None
    elif isinstance(value, str) and "://" not in value and (_SET_OFF.search(value) or _SET_ON.search(value)):
        said = NO if _SET_OFF.search(value) else YES  # options of the connection in a variable of their own
    if said is not None and manner.tls is not NO:
        manner.tls, manner.by = said, name


def _note_options(manner: Manner, words: list[str | Text]) -> None:
    """What the flags of a command say: ``--no-redis-tls``, ``--redis-tls=false``, ``--redis-tls false``."""
    for index, word in enumerate(words):
        if isinstance(word, str) and word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            given: str | Text = value if equals else next(iter(words[index + 1 : index + 2]), "")
            on = given if equals or _switch(given) is not None else "true"
            _note(manner, name, on)


def _taken_apart(word: str) -> tuple[str, ...]:
    """The words that a word without gaps is made of, where it speaks of TLS."""
    glued = _GLUED.fullmatch(word)
    return ("tls", *(part for part in glued.groups() if part)) if glued is not None else (word,)


def _switch(value: Resolved) -> bool | None:
    written = str(value).strip().lower() if isinstance(value, str | bool | int) else ""
    return True if written in _ON else False if written in _OFF else None


def _aliases(project: Project) -> dict[str, tuple[Resource, ...]]:
    """Names of records that lead to an address of a resource: host -> the resources."""
    found: dict[str, tuple[Resource, ...]] = {}
    for record in project.resources("AWS::Route53::RecordSet"):
        _note_record(found, _plain_of(record.get("Name")), _plain_of(record.get("ResourceRecords")), project)
    for group in project.resources("AWS::Route53::RecordSetGroup"):
        listed = _plain_of(group.get("RecordSets"))
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict):
                _note_record(found, entry.get("Name"), entry.get("ResourceRecords"), project)
    return found


def _plain_of(value: object) -> Resolved:
    return value.value if isinstance(value, Known) else None


def _note_record(found: dict[str, tuple[Resource, ...]], name: Resolved, targets: Resolved, project: Project) -> None:
    for target in targets if isinstance(targets, list) else ():
        if isinstance(name, str) and isinstance(target, str | Text) and (led := _leads_to(target, project)):
            found[name.rstrip(".").lower()] = led


def _leads_to(value: str | Text, project: Project) -> tuple[Resource, ...]:
    """The resources whose address a value is. A port, a name or an ARN is none."""
    if isinstance(value, Text) and any("Address" in _attribute(hole) for hole in value.holes):
        return tuple({each.key: each for each in project.all_referred(value)}.values())
    return ()


def _attribute(hole: Hole) -> str:
    if isinstance(hole, Attribute):
        return hole.name
    return hole.written if isinstance(hole, Expression) else ""
