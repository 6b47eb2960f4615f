"""Reading an account into a snapshot: first who asks, then everything side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Final

from msgspec import Struct, field

from checker.collect.account.asking.account import Account
from checker.collect.account.asking.answers import Call
from checker.collect.account.asking.clients import Clients
from checker.collect.account.needs import AUDIT, Needs, expected_calls, operations
from checker.collect.account.operations import OPERATIONS
from checker.collect.account.scope import Scope
from checker.collect.account.secrets import WHY, secret_places, without_places
from checker.collect.account.services import iam, messaging, others, watching
from checker.collect.account.services.data import elasticache, rds, s3, secretsmanager
from checker.collect.account.services.network import ec2, edge, elbv2, names, security_groups
from checker.collect.account.services.running import ecr, ecs, functions
from checker.collect.account.shapes import Draft
from checker.collect.account.stacks import read_stacks
from checker.collect.account.target import Caller, Limits, Target
from checker.errors import CheckerError, UsageError
from checker.model.live.snapshot import LiveResource, Snapshot, SnapshotStack
from checker.model.verdicts import Unread

Describer = Callable[[Account], Iterator[Draft | None]]

# Describer -> the services whose operations it makes, which say what is unread where it fails as a whole.
DESCRIBERS: Final[Mapping[Describer, tuple[str, ...]]] = {
    # The longest chain of calls first.
    ecs.describe: ("ecs", "application-autoscaling"),
    elbv2.describe: ("elbv2",),
    ec2.describe: ("ec2",),
    security_groups.describe: ("ec2",),
    ecr.describe: ("ecr",),
    s3.describe: ("s3",),
    rds.describe: ("rds",),
    elasticache.describe: ("elasticache",),
    iam.describe: ("iam", "kms"),
    edge.describe: ("acm", "wafv2"),
    names.describe: ("route53", "servicediscovery"),
    messaging.describe: ("sns", "sqs"),
    functions.describe: ("lambda",),
    watching.describe: ("cloudwatch", "logs"),
    secretsmanager.describe: ("secretsmanager",),
    others.describe: ("cloudcontrol",),
}


class Plan(Struct, frozen=True):
    """What reading an account will do: who asks, and about how many calls it takes."""

    caller: Caller
    target: Target
    calls: int

    def __str__(self) -> str:
        role = f" as {self.caller.arn}" if self.caller.arn else ""
        stacks = ", ".join(self.target.stacks) if self.target.stacks is not None else "all stacks"
        return (
            f"Reading account {self.caller.account} in {self.caller.region}{role}: {stacks}; "
            f"about {self.calls} calls, none of which changes anything."
        )


class Reading(Struct, frozen=True):
    """A snapshot with how it was come by."""

    snapshot: Snapshot
    calls: tuple[Call, ...] = ()
    seconds: float = 0.0


class Reader(Struct):
    """One account, from the first question to the snapshot. ``open`` it, look at its ``plan``, then ``read``."""

    target: Target
    needs: Needs = AUDIT
    limits: Limits = field(default_factory=Limits)
    _clients: Clients | None = None
    _caller: Caller | None = None

    def open(self) -> Caller:
        """Find out who asks. Raises :class:`CheckerError` at once where credentials, region or endpoint are wrong."""
        if self._caller is None:
            from checker.collect.account.asking.caller import identify

            self._clients = Clients(self.target, self.limits)
            self._caller = identify(self._clients)
        return self._caller

    def plan(self, counts: Mapping[str, int]) -> Plan:
        """What reading will do, for an account that has ``counts`` of each type in its stacks."""
        caller = self.open()
        stacks = len(self.target.stacks) if self.target.stacks is not None else 1
        through = sum(count for kind, count in counts.items() if kind.startswith("AWS::") and others.is_read(kind))
        return Plan(caller, self.target, expected_calls(self.needs, {"stack": stacks, "other": through, **counts}))

    def read(self, heard: Callable[[Call], None] | None = None) -> Reading:
        """Read the account. ``heard`` is told of each call when it has ended, from the thread that made it."""
        caller = self.open()
        assert self._clients is not None
        started = time.monotonic()
        account = Account(self._clients, self.needs, heard)
        account.scope = Scope(caller.region, caller.account, caller.partition)
        if self.target.stacks is not None:
            account.add_facts("asked_stacks", list(self.target.stacks))
        try:
            drafts, stacks = _everything(account, caller, self.target)
        finally:
            account.close()
        return Reading(_snapshot(account, caller, drafts, stacks), tuple(account.calls), time.monotonic() - started)


def read(
    target: Target,
    needs: Needs = AUDIT,
    limits: Limits | None = None,
    heard: Callable[[Call], None] | None = None,
) -> Snapshot:
    """The account as it is now. Raises :class:`CheckerError` where it cannot be asked at all."""
    return Reader(target, needs, limits or Limits()).read(heard).snapshot


class Read(Struct, frozen=True):
    """What became of one of several targets: a reading, or the error that stands in its place."""

    target: Target
    reading: Reading | None = None
    error: CheckerError | None = None

    def unread(self, place: str) -> Unread:
        """What to say of an account of which nothing was read."""
        why = ". ".join(filter(None, [self.error.message, self.error.hint])) if self.error else "nothing was read"
        return Unread(f"account {place}", why)


def read_many(
    targets: Iterable[Target],
    executor: Executor,
    needs: Needs = AUDIT,
    limits: Limits | None = None,
) -> Iterator[Read]:
    """Several accounts on any executor, in the targets' order. One that fails is an outcome of its own."""
    submitted: list[tuple[Target, Future[Read]]] = [
        (target, executor.submit(read_one, target, needs, limits or Limits())) for target in targets
    ]
    for target, future in submitted:
        try:
            yield future.result()
        except CheckerError as error:
            yield Read(target, error=error)
        except Exception as error:  # noqa: BLE001 - a worker that is lost is that target's outcome, not the run's end
            yield Read(target, error=CheckerError(f"the reading was lost ({type(error).__name__})", "Run it again."))


def read_one(target: Target, needs: Needs, limits: Limits) -> Read:
    """One target, its error as an outcome: what a worker does."""
    try:
        return Read(target, Reader(target, needs, limits).read())
    except CheckerError as error:
        return Read(target, error=error)


def _everything(account: Account, caller: Caller, target: Target) -> tuple[list[Draft], tuple[SnapshotStack, ...]]:
    """Stacks and all describers side by side. Each waits for calls only: calls have threads of their own.

    Raises :class:`UsageError`, before anything else is waited for, where the region is not that of the stacks.
    """
    pool = ThreadPoolExecutor(len(DESCRIBERS) + 1)
    try:
        reading = pool.submit(_stacks, account, target.stacks)
        describing = {describe: pool.submit(_described, account, describe) for describe in DESCRIBERS}
        stacks = reading.result()
        _refuse_other_region(account, caller, target)
        drafts = [draft for describe in DESCRIBERS for draft in describing[describe].result()]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return drafts, stacks


def _refuse_other_region(account: Account, caller: Caller, target: Target) -> None:
    names = target.stacks or ()
    if not names or not target.meant_for or caller.region in target.meant_for:
        return
    if set(names) <= set(account.facts.get("missing_stacks", ())):
        meant = ", ".join(sorted(target.meant_for))
        raise UsageError(
            f"{', '.join(names)}: not in account {caller.account}, {caller.region}; their code is written for {meant}",
            f"Name the region: --region {min(target.meant_for)}.",
        )


def _stacks(account: Account, names: tuple[str, ...] | None) -> tuple[SnapshotStack, ...]:
    try:
        return read_stacks(account, names)
    except Exception as error:  # noqa: BLE001 - as for the describers
        first = OPERATIONS["cloudformation", "DescribeStacks"]
        for what in (*first.serves, *first.leads_to):
            if account.needs.wants(what):
                account.unread(what, f"an answer could not be understood ({type(error).__name__})")
        return ()


def _described(account: Account, describe: Describer) -> list[Draft]:
    """What a describer finds. Where an answer is stranger than it expects, what it would have told is unread."""
    found: list[Draft] = []
    try:
        found.extend(draft for draft in describe(account) if draft is not None)
    except Exception as error:  # noqa: BLE001 - an answer in no service's form must not end the run
        for operation in OPERATIONS.values():
            if operation.service in DESCRIBERS[describe]:
                for what in operation.serves:
                    if account.needs.wants(what):
                        account.unread(what, f"an answer could not be understood ({type(error).__name__})")
    return [draft for draft in found if account.needs.wants(draft.type) or draft.type not in _SERVED]


_SERVED: Final = frozenset(what for each in OPERATIONS.values() for what in each.serves)


def _snapshot(account: Account, caller: Caller, drafts: list[Draft], stacks: tuple[SnapshotStack, ...]) -> Snapshot:
    owners = account.scope.owners(drafts, stacks)
    resources = [_live(draft, owner) for draft, owner in zip(drafts, owners, strict=True)]
    resources.sort(key=lambda each: (each.type, each.physical_id or "", each.logical_id or ""))
    return Snapshot(
        account=caller.account,
        region=caller.region,
        taken_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        stacks=tuple(sorted(stacks, key=lambda each: each.name)),
        resources=tuple(resources),
        facts=_facts(account),
        unread=account.all_unread,
    )


def _live(draft: Draft, owner: tuple[str | None, str | None, str | None]) -> LiveResource:
    stack, logical_id, physical_id = owner
    properties = plain(draft.properties)
    places = list(secret_places(properties))
    unread = {**draft.unread, **{".".join(map(str, place)): WHY for place in places}}
    return LiveResource(
        type=draft.type,
        physical_id=physical_id or draft.id,
        stack=stack,
        logical_id=logical_id,
        properties=without_places(properties, places),
        unread=dict(sorted(unread.items())),
    )


def _facts(account: Account) -> dict[str, Any]:
    """The facts in an order that does not depend on which answer came first, and what was asked for."""
    facts = {
        name: sorted(value, key=_key) if isinstance(value, list) else {key: value[key] for key in sorted(value)}
        for name, value in account.facts.items()
    }
    facts = plain(facts)
    facts = without_places(facts, list(secret_places(facts)))
    asked = sorted({what for each in operations(account.needs) for what in each.serves if account.needs.wants(what)})
    return {**dict(sorted(facts.items())), "asked": asked}


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def plain(value: Any) -> Any:
    """JSON data, from what boto3 answers: times, bytes and sets have no form in JSON."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    spoken = getattr(value, "isoformat", None)
    return spoken() if spoken else str(value)
