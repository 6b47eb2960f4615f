"""Redis is encrypted in transit and at rest, and asks who is calling.

What the review found
    The cluster keeps and sends everything in plain text.
What is checked
    Every Redis or Valkey cluster: encryption at rest, encryption in transit with TLS required, and an auth token or a
    user group; and every client that is handed its address connects with ``rediss://``.
When it does not apply
    No Redis or Valkey cluster in the environment. Memcached.
What cannot be decided
    A flag taken from a parameter that has no default.
Fix
    Use a replication group with ``AtRestEncryptionEnabled``, ``TransitEncryptionEnabled`` and an auth token, and give
    clients a ``rediss://`` URL. An existing cluster has to be replaced.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.judgements import Judgement
from checker.model.resources import Environment, Resource
from checker.model.rules import Rule
from checker.model.values import ABSENT, Absent, Known, Resolved, Text, Unknown, as_bool
from checker.model.verdicts import Surface
from checker.reason.workloads import environment_variables

_REDIS = {"redis", "valkey"}
_FIX_GROUP = (
    "Use an AWS::ElastiCache::ReplicationGroup with AtRestEncryptionEnabled, TransitEncryptionEnabled and an AuthToken; "
    "the cluster is replaced."
)


def check(environment: Environment) -> Iterator[Judgement]:
    for cluster in environment.resources("AWS::ElastiCache::CacheCluster"):
        yield from _cache_cluster(cluster)
    for group in environment.resources("AWS::ElastiCache::ReplicationGroup"):
        yield from _replication_group(group)
    for cache in environment.resources("AWS::ElastiCache::ServerlessCache"):
        if _engine(cache) in _REDIS:
            # Serverless caches always encrypt both ways (Amazon ElastiCache User Guide, "Data security").
            yield cache["UserGroupId"].must(
                lambda _: True,
                expected="a user group",
                violation="Anyone who reaches the serverless cache may read it: it has no user group.",
                fix="Set UserGroupId to a group whose users have passwords.",
                sub="auth",
            )
    for cluster in environment.resources("AWS::MemoryDB::Cluster"):
        yield cluster["TLSEnabled"].must_be(
            True,
            sub="in-transit",
            default=True,
            violation="The MemoryDB cluster sends everything in plain text.",
            fix="Set TLSEnabled to true; the cluster is replaced.",
        )
        yield cluster["ACLName"].must(
            lambda name: None if isinstance(name, Text) and name.only_hole is None else name != "open-access",
            expected="an ACL other than open-access",
            violation="The MemoryDB cluster lets anyone in: its ACL is open-access.",
            fix="Set ACLName to an ACL whose users have passwords.",
            sub="auth",
        )
    yield from _clients(environment)


def _engine(resource: Resource) -> str | None:
    value = resource.get("Engine")
    if isinstance(value, Absent):
        return "redis"
    return value.value.lower() if isinstance(value, Known) and isinstance(value.value, str) else None


def _cache_cluster(cluster: Resource) -> Iterator[Judgement]:
    engine = _engine(cluster)
    if engine is None:
        yield cluster.undecided("at-rest", "the engine is not known before deployment", path="Engine", fix=_FIX_GROUP)
        return
    if engine not in _REDIS:
        yield cluster.not_applicable(None, f"No Redis or Valkey: the engine is {engine}.")
        return
    if not isinstance(cluster.get("ReplicationGroupId"), Absent):
        return  # a member of a group: the group is judged
    yield cluster.fails("at-rest", "A cache cluster cannot be encrypted at rest.", fix=_FIX_GROUP)
    yield cluster["TransitEncryptionEnabled"].must_be(
        True, sub="in-transit", violation="The cache cluster sends everything in plain text.", fix=_FIX_GROUP
    )
    yield cluster.fails("auth", "A cache cluster has no auth token: whoever reaches it may read it.", fix=_FIX_GROUP)


def _replication_group(group: Resource) -> Iterator[Judgement]:
    # Amazon ElastiCache API Reference, CreateReplicationGroup: at rest defaults to false (Valkey 7.2+: true).
    valkey = _engine(group) == "valkey"
    yield group["AtRestEncryptionEnabled"].must_be(
        True,
        sub="at-rest",
        default=True if valkey else ABSENT,
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
    token, users = group.get("AuthToken"), group.get("UserGroupIds")
    if isinstance(users, Known) and users.value != []:
        yield group.passes("auth", "A user group decides who may connect.", path="UserGroupIds")
    else:
        yield (
            group["AuthToken"].must(
                _is_set,
                expected="an auth token or a user group",
                violation="The replication group lets in whoever reaches it: no auth token and no user group.",
                fix="Set AuthToken from a secret ({{resolve:secretsmanager:...}}), or UserGroupIds.",
                sub="auth",
            )
            if not isinstance(token, Unknown)
            else group.undecided("auth", token.why, path="AuthToken")
        )


def _is_set(value: Resolved) -> bool:
    return value not in ("", [], None)


def _clients(environment: Environment) -> Iterator[Judgement]:
    """Every workload that is handed a cache's address says ``rediss://``, or leaves it to a server that insists."""
    for variable in environment_variables(environment):
        caches = [each for each in environment.project.all_referred(variable.value) if _is_cache(each)]
        if not caches:
            continue
        shown = str(variable.value)
        sub = f"client={variable.name}"
        if shown.startswith("redis://"):
            yield variable.owner.fails(
                sub,
                f"{variable.name} gives the client a redis:// address: it connects without TLS, or not at all.",
                fix="Write rediss:// in front of the address.",
                path=variable.path,
                expected="rediss://",
                actual="redis://",
                related=(caches[0],),
            )
        elif shown.startswith("rediss://") or all(map(_insists, caches)):
            yield variable.owner.passes(sub, "The client connects with TLS.", path=variable.path)
        else:
            why = f"{variable.name} names the host alone, and the cache accepts connections without TLS"
            yield variable.owner.undecided(sub, why, path=variable.path, fix="Give clients a rediss:// URL.")


def _is_cache(resource: Resource) -> bool:
    if resource.type not in {"AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::ServerlessCache"}:
        return False
    return _engine(resource) in {*_REDIS, None}


def _insists(cache: Resource) -> bool:
    """Whether the server refuses a connection without TLS. ``required`` is what a group with TLS does by default."""
    if cache.type == "AWS::ElastiCache::ServerlessCache":
        return True
    mode, transit = cache.get("TransitEncryptionMode"), cache.get("TransitEncryptionEnabled")
    if not isinstance(transit, Known) or as_bool(transit.value) is not True:
        return False
    return isinstance(mode, Absent) or (isinstance(mode, Known) and mode.value == "required")


RULE = Rule(
    id="C7",
    title="Redis is encrypted in transit and at rest, and asks who is calling",
    surfaces=frozenset({Surface.TEMPLATE, Surface.ACCOUNT}),
    looked_for="Redis or Valkey cluster (AWS::ElastiCache::*, AWS::MemoryDB::Cluster)",
    check=check,
)
