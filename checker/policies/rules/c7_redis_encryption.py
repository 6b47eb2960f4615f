"""Redis is encrypted in transit and at rest, and requires authentication.

What the review found
    The cluster keeps and sends everything in plain text.
What is checked
    Every Redis or Valkey cluster: encryption at rest, encryption in transit with TLS required, and an auth token or a
    user group none of whose users gets in without a password, neither of which is written out; and every client that is
    handed its address, or the name of a record that leads there, through a variable, a command, a parameter or a
    secret, connects with TLS: by the address's scheme and options, and by the switches beside it.
When it does not apply
    No Redis or Valkey cluster in the environment. Memcached.
What cannot be decided
    A flag taken from a parameter that has no default. A secondary of a global datastore, which is encrypted as the
    primary is. A multi-Region cluster of MemoryDB that says nothing of TLS. An engine that is not known. Clients of a
    cache that is made elsewhere, and that are handed its host alone, or an address in plain text whose host comes from
    outside.
Fix
    Use a replication group with ``AtRestEncryptionEnabled``, ``TransitEncryptionEnabled`` and an auth token, and give
    clients a ``rediss://`` URL. An existing cluster has to be replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from checker.model.answers import NO, YES, Answer, Open, yes_if
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import NOT_KNOWN, Resource
from checker.model.rules import Rule
from checker.model.values import (
    ABSENT,
    Absent,
    Known,
    Reference,
    Resolved,
    Text,
    Unknown,
    as_bool,
    as_list,
    first_unknown,
)
from checker.model.verdicts import Surface
from checker.reason.altered.made import made_by_calls
from checker.reason.caches.clients import Client, clients, foreign_clients

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


def check(environment: Environment) -> Iterator[Judgement]:
    for cache in chain(environment.resources(*_JUDGES), made_by_calls(environment, _MAKES)):
        engine = _engine(cache)
        if isinstance(engine, Unknown):
            yield cache.undecided("at-rest", f"Engine: {engine.why}", path="Engine", fix=_FIX_GROUP)
        elif engine not in _REDIS:
            yield cache.not_applicable(None, f"No Redis or Valkey: the engine is {engine}.")
        else:
            yield from _JUDGES[cache.type](cache, environment.project)
    caches = {cache.key for cache in environment.project.resources(*_JUDGES) if _engine(cache) in _REDIS}
    for client, led_to in clients(environment) if caches else ():
        for cache in led_to:
            if cache.key in caches:
                yield _client(client, cache)
    for client in foreign_clients(environment):
        yield _foreign(client)
    for user in environment.resources(*_USERS):
        if (place := _written_password(user)) is not None:
            yield user.fails("auth", "A user's password is written out in the template.", fix=_FIX_AUTH, path=place)


# Calls of a custom resource that make a cache, whose parameters are called as the properties are.
_MAKES: Final = {
    ("elasticache", "createcachecluster"): "AWS::ElastiCache::CacheCluster",
    ("elasticache", "createreplicationgroup"): "AWS::ElastiCache::ReplicationGroup",
    ("elasticache", "createserverlesscache"): "AWS::ElastiCache::ServerlessCache",
    ("memorydb", "createcluster"): "AWS::MemoryDB::Cluster",
    ("memorydb", "createmultiregioncluster"): "AWS::MemoryDB::MultiRegionCluster",
}


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
    if isinstance(token, Known) and _is_written_out(token.value) and group.surface is Surface.TEMPLATE:
        said = "The auth token is written out in the template, for everyone who may read it."
        return group.fails("auth", said, fix=_FIX_AUTH, path="AuthToken")
    return group["AuthToken"].must(
        _is_set,
        expected="an auth token or a user group",
        violation="The replication group lets in whoever reaches it: no auth token and no user group.",
        fix=_FIX_AUTH,
        sub="auth",
    )


_SHORTEST_TOKEN: Final = 16
# Users of caches, who have passwords.
_USERS: Final = ("AWS::ElastiCache::User", "AWS::MemoryDB::User")


def _written_password(user: Resource) -> str | None:
    """Where a user's password stands in the template, if one does."""
    for place in ("Passwords", "AuthenticationMode.Passwords"):
        value = user.get(place)
        if isinstance(value, Known) and any(_is_written_out(each) for each in as_list(value.value)):
            return place if user.surface is Surface.TEMPLATE else None
    return None


def _is_written_out(value: Resolved) -> bool:
    # Amazon ElastiCache User Guide, "Authenticating with the AUTH command": 16 to 128 characters.
    return isinstance(value, str) and len(value) >= _SHORTEST_TOKEN and "{{resolve:" not in value


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


def _multi_region(cluster: Resource, _: Project) -> Iterator[Judgement]:
    """What its clusters in each region have in common (Amazon MemoryDB API Reference, CreateMultiRegionCluster, which
    names no default)."""
    fix = "Set TLSEnabled to true; the cluster is replaced."
    if isinstance(cluster.get("TLSEnabled"), Absent):
        yield cluster.undecided("in-transit", "TLSEnabled is not set, and its default is not known", fix=fix)
    else:
        said = "The clusters of this multi-Region cluster send everything in plain text."
        yield cluster["TLSEnabled"].must_be(True, sub="in-transit", violation=said, fix=fix)


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
    "AWS::MemoryDB::MultiRegionCluster": _multi_region,
}


# -- their clients -------------------------------------------------------------------------------


def _client(client: Client, cache: Resource) -> Judgement:
    """Whether one client connects with TLS: by its URL, by its own switch, or because the server insists."""
    sub = f"client={client.name}"
    encrypted, insists = _transit(cache)
    related = (cache,)
    if client.plain:
        said = f"{client.name} {client.plain}: it connects without TLS, or not at all."
        return client.owner.fails(sub, said, fix=_FIX_CLIENT, path=client.path, expected="rediss://", related=related)
    if client.unchecked:
        said = (
            f"{client.name} leads to the cache, and {client.unchecked} keeps its client from checking whom it talks to."
        )
        return client.owner.fails(sub, said, fix="Leave the check on.", path=client.path, related=related)
    if encrypted is NO:
        said = f"{client.name} leads to a cache that offers no TLS."
        return client.owner.fails(sub, said, fix=_FIX_GROUP, path=client.path, related=related)
    if isinstance(client.encrypted, Open):
        return client.owner.undecided(sub, client.encrypted.why, path=client.path, fix="Switch TLS on for the client.")
    if client.manner.doubt:
        return client.owner.undecided(sub, client.manner.doubt, path=client.path, fix="Name what it is told.")
    if client.encrypted is YES or insists:
        return client.owner.passes(sub, "The client connects with TLS.", path=client.path)
    why = f"{client.name} names the host alone, and the cache may accept connections without TLS"
    return client.owner.undecided(sub, why, path=client.path, fix="Give clients a rediss:// URL.")


def _foreign(client: Client) -> Judgement:
    """A client of a cache that no template makes: what it is told itself decides, as far as it goes."""
    sub = f"client={client.name}"
    if client.names_amazons and client.plain:
        said = f"{client.name} {client.plain}, and it leads to a cache of Amazon's: it connects without TLS."
        return client.owner.fails(sub, said, fix=_FIX_CLIENT, path=client.path, expected="rediss://")
    if client.names_amazons and client.unchecked:
        said = (
            f"{client.name} leads to a cache, and {client.unchecked} keeps its client from checking whom it talks to."
        )
        return client.owner.fails(sub, said, fix="Leave the check on.", path=client.path)
    if client.plain:
        why = f"{client.name} {client.plain}, and whose the address is comes from outside the templates"
    elif isinstance(client.encrypted, Open):
        why = client.encrypted.why
    elif client.encrypted is YES:
        return client.owner.passes(sub, "The client connects with TLS.", path=client.path)
    else:
        why = f"{client.name} names the host alone, of a cache that no template makes: it may be talked to without TLS"
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
