"""Redis is encrypted in transit and at rest, and requires authentication.

What the review found
    The cluster keeps and sends everything in plain text.
What is checked
    Every Redis or Valkey cluster: encryption at rest, encryption in transit with TLS required, and an auth token or a
    user group none of whose users gets in without a password; and every client that is handed its address, through a
    variable, a parameter or a secret, connects with ``rediss://``.
When it does not apply
    No Redis or Valkey cluster in the environment. Memcached.
What cannot be decided
    A flag taken from a parameter that has no default. A secondary of a global datastore, which is encrypted as the
    primary is. An engine that is not known.
Fix
    Use a replication group with ``AtRestEncryptionEnabled``, ``TransitEncryptionEnabled`` and an auth token, and give
    clients a ``rediss://`` URL. An existing cluster has to be replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import NOT_KNOWN, Resource
from checker.model.rules import Rule
from checker.model.values import (
    ABSENT,
    Absent,
    Attribute,
    Expression,
    Hole,
    Known,
    Reference,
    Resolved,
    ResourceKey,
    Text,
    Unknown,
    as_bool,
    as_list,
    first_unknown,
    pieces,
)
from checker.reason.templates.workloads import environment_variables

_REDIS: Final = {"redis", "valkey"}
_CLUSTER: Final = "AWS::ElastiCache::CacheCluster"
_GROUP: Final = "AWS::ElastiCache::ReplicationGroup"
_SERVERLESS: Final = "AWS::ElastiCache::ServerlessCache"
_MEMORY_DB: Final = "AWS::MemoryDB::Cluster"
_FIX_GROUP: Final = (
    "Move to an AWS::ElastiCache::ReplicationGroup with AtRestEncryptionEnabled, TransitEncryptionEnabled and an "
    "AuthToken; the cluster is replaced."
)
_FIX_AUTH: Final = "Set AuthToken from a secret ({{resolve:secretsmanager:...}}), or UserGroupIds."
_FIX_USERS: Final = "Give the group users with passwords, and one of its own named default that may do nothing."
_FIX_CLIENT: Final = "Write rediss:// in front of the address."
_PLAIN: Final = re.compile(r"(?<![A-Za-z])redis://", re.IGNORECASE)
_TLS: Final = re.compile(r"(?<![A-Za-z])rediss://", re.IGNORECASE)
_TLS_SWITCH: Final = re.compile(r"(?:^|_)(?:TLS|SSL)(?:_ENABLED|_ON)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Client:
    """Something that is handed a cache's address. ``says_tls``: its own switch for TLS, ``None`` where it has none."""

    owner: Resource
    name: str
    value: str | Text
    path: str
    says_tls: Answer | None = None


def check(environment: Environment) -> Iterator[Judgement]:
    for cache in environment.resources(*_JUDGES):
        engine = _engine(cache)
        if isinstance(engine, Unknown):
            yield cache.undecided("at-rest", f"Engine: {engine.why}", path="Engine", fix=_FIX_GROUP)
        elif engine not in _REDIS:
            yield cache.not_applicable(None, f"No Redis or Valkey: the engine is {engine}.")
        else:
            yield from _JUDGES[cache.type](cache, environment.project)
    caches = {cache.key for cache in environment.project.resources(*_JUDGES) if _engine(cache) in _REDIS}
    for client in _told(environment) if caches else ():
        for cache in _leads_to(client, environment.project):
            if cache.key in caches:
                yield _client(client, cache)


def _engine(cache: Resource) -> str | Unknown:
    value = cache.get("Engine")
    if isinstance(value, Absent):
        return "redis"
    if isinstance(value, Known) and isinstance(value.value, str):
        return value.value.lower()
    return value if isinstance(value, Unknown) else Unknown("it is not known before deployment")


# -- the caches ----------------------------------------------------------------------------------


def _cache_cluster(cluster: Resource, _: Project) -> Iterator[Judgement]:
    group = cluster.get("ReplicationGroupId")
    if not isinstance(group, Absent) and not (isinstance(group, Known) and group.value == ""):
        return  # a member of a group: the group is judged
    yield cluster.fails("at-rest", "A cache cluster cannot be encrypted at rest.", fix=_FIX_GROUP)
    yield cluster["TransitEncryptionEnabled"].must_be(
        True, sub="in-transit", violation="The cache cluster sends everything in plain text.", fix=_FIX_GROUP
    )
    yield cluster.fails("auth", "A cache cluster has no auth token: whoever reaches it may read it.", fix=_FIX_GROUP)


def _replication_group(group: Resource, project: Project) -> Iterator[Judgement]:
    if not isinstance(group.get("GlobalReplicationGroupId"), Absent):
        yield from _secondary(group)
    else:
        # Amazon ElastiCache API Reference, CreateReplicationGroup: at rest defaults to true for Valkey, else to false.
        yield group["AtRestEncryptionEnabled"].must_be(
            True,
            sub="at-rest",
            default=True if _engine(group) == "valkey" else ABSENT,
            violation="The replication group keeps its data unencrypted.",
            fix="Set AtRestEncryptionEnabled to true; the group is replaced.",
        )
        yield group["TransitEncryptionEnabled"].must_be(
            True,
            sub="in-transit",
            violation="The replication group sends everything in plain text.",
            fix="Set TransitEncryptionEnabled to true and give clients rediss:// URLs.",
        )
    if not isinstance(group.get("TransitEncryptionMode"), Absent):
        yield group["TransitEncryptionMode"].must_be(
            "required",
            sub="in-transit",
            violation="The replication group still accepts connections without TLS.",
            fix="Set TransitEncryptionMode to required once every client uses rediss://.",
        )
    yield _auth(group, project)


def _secondary(group: Resource) -> Iterator[Judgement]:
    """A secondary of a global datastore takes both flags from the primary, unless it says no itself."""
    for sub, flag in (("at-rest", "AtRestEncryptionEnabled"), ("in-transit", "TransitEncryptionEnabled")):
        if isinstance(group.get(flag), Absent):
            why = "a secondary is encrypted as the primary of its global datastore is"
            yield group.undecided(sub, why, path="GlobalReplicationGroupId", fix=f"Set {flag} to true on the primary.")
        else:
            said = f"{flag} is off on a secondary of a global datastore."
            yield group[flag].must_be(True, sub=sub, violation=said, fix=f"Set {flag} to true; the group is replaced.")


def _auth(group: Resource, project: Project) -> Judgement:
    """An auth token or a user group: one that is there decides, then one that may be there."""
    token, users = group.get("AuthToken"), group.get("UserGroupIds")
    if isinstance(users, Known) and users.value not in ([], [""], ""):
        return _users(group, "UserGroupIds", project)
    if isinstance(users, Unknown) and not (isinstance(token, Known) and _is_set(token.value) is YES):
        return group.undecided("auth", f"UserGroupIds: {users.why}", path="UserGroupIds", fix=_FIX_AUTH)
    return group["AuthToken"].must(
        _is_set,
        expected="an auth token or a user group",
        violation="The replication group lets in whoever reaches it: no auth token and no user group.",
        fix=_FIX_AUTH,
        sub="auth",
    )


def _is_set(value: Resolved) -> Answer:
    return yes_if(value not in ("", [], None))


def _users(cache: Resource, path: str, project: Project) -> Judgement:
    """A user group keeps people out only where none of its users needs no password.

    The user that every account has by the id ``default`` needs none and may do everything (Amazon ElastiCache User
    Guide, "Role-Based Access Control"). A group that is not part of the project is taken to be made with care.
    """
    value = cache.get(path)
    doubt = first_unknown(value.value) if isinstance(value, Known) else None
    for group in project.all_referred(value):
        members = group.get("UserIds")
        listed = as_list(members.value) if isinstance(members, Known) else []
        doubt = doubt or (members if isinstance(members, Unknown) else first_unknown(listed))
        if "default" in listed:
            why = "The user group holds the account's own default user, who needs no password and may do everything."
            return cache.fails("auth", why, fix=_FIX_USERS, path=path, related=(group,))
        for user in project.all_referred(listed):
            free = _needs_no_password(user) if user.type == "AWS::ElastiCache::User" else False
            if isinstance(free, Unknown):
                doubt = doubt or free
            elif free:
                why = f"The user group lets in {user.logical_id} without a password."
                return cache.fails("auth", why, fix=_FIX_USERS, path=path, related=(group, user))
    if doubt is not None:
        return cache.undecided("auth", f"who is in the user group: {doubt.why}", path=path, fix=_FIX_USERS)
    return cache.passes("auth", "A user group decides who may connect.", path=path)


def _needs_no_password(user: Resource) -> bool | Unknown:
    flag, mode = user.get("NoPasswordRequired"), user.get("AuthenticationMode.Type")
    for value in (flag, mode):
        if isinstance(value, Unknown):
            return value
    free = (isinstance(flag, Known) and as_bool(flag.value) is True) or (
        isinstance(mode, Known) and mode.value == "no-password-required"
    )
    access = user.get("AccessString")
    off = isinstance(access, Known) and isinstance(access.value, str) and access.value.split()[:1] == ["off"]
    return free and not off


def _serverless(cache: Resource, project: Project) -> Iterator[Judgement]:
    # Serverless caches always encrypt both ways (Amazon ElastiCache User Guide, "Data security").
    value = cache.get("UserGroupId")
    if isinstance(value, Known) and _is_set(value.value) is YES:
        yield _users(cache, "UserGroupId", project)
    else:
        yield cache["UserGroupId"].must(
            _is_set,
            expected="a user group",
            violation="Anyone who reaches the serverless cache may read it: it has no user group.",
            fix="Set UserGroupId to a group whose users have passwords.",
            sub="auth",
        )


def _memory_db(cluster: Resource, _: Project) -> Iterator[Judgement]:
    # MemoryDB always encrypts at rest (Amazon MemoryDB Developer Guide, "At-Rest Encryption").
    yield cluster["TLSEnabled"].must_be(
        True,
        sub="in-transit",
        default=True,
        violation="The MemoryDB cluster sends everything in plain text.",
        fix="Set TLSEnabled to true; the cluster is replaced.",
    )
    yield cluster["ACLName"].must(
        _is_closed,
        expected="an ACL other than open-access",
        violation="The MemoryDB cluster lets anyone in: its ACL is open-access.",
        fix="Set ACLName to an ACL whose users have passwords.",
        sub="auth",
    )


def _is_closed(acl: Resolved) -> Answer:
    """Whether an ACL's name is of a made one. What a parameter names cannot be told, what a resource makes can."""
    if isinstance(acl, Text):
        return YES if any(isinstance(hole, Reference) for hole in acl.holes) else NOT_KNOWN
    return yes_if(acl not in ("open-access", ""))


_JUDGES: Final = {
    _CLUSTER: _cache_cluster,
    _GROUP: _replication_group,
    _SERVERLESS: _serverless,
    _MEMORY_DB: _memory_db,
}


# -- their clients -------------------------------------------------------------------------------


def _told(environment: Environment) -> Iterator[Client]:
    """Everything that a client may take an address from: variables, parameters and secrets of the environment."""
    variables = list(environment_variables(environment))
    switches: dict[tuple[ResourceKey, str], Answer] = {}
    for variable in variables:
        if _TLS_SWITCH.search(variable.name) and "REDIS" in variable.name.upper():
            on = as_bool(variable.value)
            if on is not None or isinstance(variable.value, Unknown | Text):
                why = f"whether {variable.name} switches TLS on is not known before deployment"
                switches[variable.owner.key, variable.container] = Open(why) if on is None else yes_if(on)
    for variable in variables:
        if isinstance(variable.value, str | Text):
            says = switches.get((variable.owner.key, variable.container))
            yield Client(variable.owner, variable.name, variable.value, variable.path, says)
    for kind, path in (("AWS::SSM::Parameter", "Value"), ("AWS::SecretsManager::Secret", "SecretString")):
        for store in environment.resources(kind):
            value = store.get(path)
            if isinstance(value, Known) and isinstance(value.value, str | Text):
                yield Client(store, path, value.value, path)


def _attribute(hole: Hole) -> str:
    if isinstance(hole, Attribute):
        return hole.name
    return hole.written if isinstance(hole, Expression) else ""


def _leads_to(client: Client, project: Project) -> Iterator[Resource]:
    """The resources whose address the client is handed. A port, a name or an ARN is none."""
    value = client.value
    if isinstance(value, Text) and any("Address" in _attribute(hole) for hole in value.holes):
        yield from {each.key: each for each in project.all_referred(value)}.values()


def _client(client: Client, cache: Resource) -> Judgement:
    """Whether one client connects with TLS: by its URL, by its own switch, or because the server insists."""
    written = "".join(part if isinstance(part, str) else "*" for part in pieces(client.value))
    sub = f"client={client.name}"
    encrypted, insists = _transit(cache)
    related = (cache,)
    if _PLAIN.search(written):
        said = f"{client.name} gives the client a redis:// address: it connects without TLS, or not at all."
        return client.owner.fails(
            sub, said, fix=_FIX_CLIENT, path=client.path, expected="rediss://", actual="redis://", related=related
        )
    if client.says_tls is NO:
        said = f"The client of {client.name} has TLS switched off beside it: it connects in plain text, or not at all."
        return client.owner.fails(sub, said, fix="Switch TLS on for the client.", path=client.path, related=related)
    if encrypted is NO:
        said = f"{client.name} leads to a cache that offers no TLS."
        return client.owner.fails(sub, said, fix=_FIX_GROUP, path=client.path, related=related)
    if isinstance(client.says_tls, Open) and not _TLS.search(written):
        return client.owner.undecided(sub, client.says_tls.why, path=client.path, fix="Switch TLS on for the client.")
    if _TLS.search(written) or client.says_tls is YES or insists:
        return client.owner.passes(sub, "The client connects with TLS.", path=client.path)
    why = f"{client.name} names the host alone, and the cache may accept connections without TLS"
    return client.owner.undecided(sub, why, path=client.path, fix="Give clients a rediss:// URL.")


def _transit(cache: Resource) -> tuple[Answer, bool]:
    """Whether the cache offers TLS, and whether it refuses all else."""
    if cache.type == _SERVERLESS:
        return YES, True
    flag = cache.get("TLSEnabled" if cache.type == _MEMORY_DB else "TransitEncryptionEnabled")
    if isinstance(flag, Absent):
        if cache.type == _MEMORY_DB:
            return YES, True
        secondary = not isinstance(cache.get("GlobalReplicationGroupId"), Absent)
        return (Open("what the global group's first member has") if secondary else NO), False
    said = as_bool(flag.value) if isinstance(flag, Known) else None
    on = Open("whether the cache offers TLS is not known before deployment") if said is None else yes_if(said)
    mode = cache.get("TransitEncryptionMode")
    required = isinstance(mode, Absent) or (isinstance(mode, Known) and mode.value == "required")
    return on, on is YES and required


RULE = Rule(
    id="C7",
    looked_for="Redis or Valkey cluster (AWS::ElastiCache::*, AWS::MemoryDB::Cluster)",
    check=check,
)
