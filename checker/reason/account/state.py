"""The state that an account is in: stacks, roll-outs, alarms, certificates, importers, subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from checker.model.environments import Project
from checker.model.live.account import Account
from checker.model.resources import Resource, StackPlace
from checker.model.values import Unknown
from checker.model.verdicts import Surface
from checker.reason.account.facts import Entry, resources_by_id, table, when
from checker.reason.account.running import Service

# A roll-out that takes longer is stuck: three times what ECS gives a task that fails its checks before the circuit
# breaker counts it, for the three failures that it needs (Amazon ECS Developer Guide, "Deployment circuit breaker").
STUCK_AFTER: Final = timedelta(minutes=60)
EXPIRY_DAYS: Final = 30


class Trouble(Struct, frozen=True):
    """What is wrong with a thing, and whether that is certain."""

    what: str
    certain: bool = True


def stacks(project: Project) -> Iterator[tuple[StackPlace, str]]:
    """The stacks of the account, each with its status; empty where that was not read."""
    for stack in project.stacks:
        yield StackPlace(stack, surface=Surface.ACCOUNT), stack.status


def rollout_trouble(service: Service, now: datetime | None) -> Trouble | None:
    """What is wrong with a service's deployments: one that failed, or one that does not come to an end."""
    for each in service.deployments:
        state, identifier = each.get("rolloutState"), each.get("id", "its deployment")
        if state == "FAILED":
            return Trouble(f"{identifier} failed: {each.get('rolloutStateReason') or 'ECS gives no reason'}")
        if state == "IN_PROGRESS" or (state is None and is_behind(each)):
            return _unfinished(each, now)
    return None


def is_behind(deployment: Entry) -> bool:
    """Whether the deployment that a service is to have runs fewer tasks than it should."""
    if deployment.get("status") != "PRIMARY":
        return False
    wanted, running = deployment.get("desiredCount"), deployment.get("runningCount")
    return isinstance(wanted, int) and isinstance(running, int) and running < wanted


def _unfinished(deployment: Entry, now: datetime | None) -> Trouble | None:
    started = when(deployment.get("createdAt"))
    identifier = deployment.get("id", "its deployment")
    if now is None or started is None:
        return Trouble(f"{identifier} is in progress, and since when is not known", certain=False)
    if now - started > STUCK_AFTER:
        minutes = int((now - started).total_seconds() // 60)
        return Trouble(f"{identifier} is in progress for {minutes} minutes and does not come to an end")
    return None


class Certificate(Struct, frozen=True):
    """A certificate as ACM tells it. ``days`` until it ends, ``None`` where it does not say."""

    resource: Resource
    status: str
    days: int | None
    kind: str
    renewal: str
    left: bool
    """In use, and still not to be renewed by ACM."""

    @property
    def trouble(self) -> str:
        """Why it will not last; empty where it will. Source: AWS Certificate Manager User Guide, "Managed renewal"."""
        if self.status != "ISSUED":
            return f"It is {self.status or 'of unknown status'}, not issued."
        if self.days is not None and self.days < EXPIRY_DAYS:
            return f"It ends in {self.days} days." if self.days >= 0 else f"It ended {-self.days} days ago."
        if self.kind == "AMAZON_ISSUED" and self.renewal in {"FAILED", "PENDING_VALIDATION"}:
            return f"Its renewal is {self.renewal}: it will not be renewed before it ends."
        if self.kind == "AMAZON_ISSUED" and self.left:
            return "ACM says that it is not eligible for renewal, though it is in use."
        # Not eligible is also one that nothing uses yet: it is renewed once something does.
        return ""


def certificates_of(account: Account, project: Project, now: datetime | None) -> list[Certificate | Resource] | Unknown:
    """The project's certificates with their state; one that no state was told of as it is."""
    states = table(account, "certificates")
    if isinstance(states, Unknown):
        return states
    found: list[Certificate | Resource] = []
    for arn, resource in resources_by_id(project, "AWS::CertificateManager::Certificate").items():
        state = states.get(arn)
        found.append(_certificate(resource, state, now) if isinstance(state, dict) else resource)
    return found


def _certificate(resource: Resource, state: Entry, now: datetime | None) -> Certificate:
    ends = when(state.get("NotAfter"))
    days = (ends - now).days if ends is not None and now is not None else None
    status, kind, renewal = (str(state.get(key) or "") for key in ("Status", "Type", "RenewalStatus"))
    left = bool(state.get("InUseBy")) and state.get("RenewalEligibility") == "INELIGIBLE"
    return Certificate(resource, status, days, kind, renewal, left)
