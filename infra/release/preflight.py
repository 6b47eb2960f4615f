"""What must hold before a deployment starts, looked at before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from infra import naming
from infra.release import alarms, running, services, tasks
from infra.release.account import Account
from infra.release.console import Deadline
from infra.release.errors import DeadlineError, RefusedError, SupersededError, UsageError
from infra.release.outputs import StackState, find_stack, read_stack, stack_name

POLL_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The release that asks. `began` is when its run did, None if nobody says; `despite` why alarms may not hold it."""

    sha: str
    began: datetime | None = None
    despite: str = ""


def deploy(account: Account, environment: str, wanted: Wanted, say: Callable[[str], None]) -> None:
    """The stack is sound, nothing is being deployed or migrated, services agree, and their alarms hold.

    And nothing was deployed since the release began: it may have waited for its approval while somebody rolled back,
    and would undo that.
    """
    stack = stack_name(environment)
    state = read_stack(account.cloudformation, stack)
    say(f"stack {stack}: {state.status}")
    if not state.sound:
        raise RefusedError(
            f"stack {stack} is {state.status}",
            fix="Wait for its operation to end; if it failed, see the stack's events and put it right first.",
        )
    cluster = naming.cluster(environment)
    found = services.read(account.ecs, cluster)
    wrong = [f"{name} is being deployed" for name, service in found.items() if service.moving]
    migrating = [
        arn
        for task in naming.MIGRATION_TASKS.values()
        for arn in tasks.still_running(account, cluster, environment, task)
    ]
    wrong += [f"a migration is running: {arn}" for arn in migrating]
    tags = services.running(account.ecs, found)
    replaced = [name for name, tag in tags.items() if tag != wanted.sha]
    faults = alarms.faults(account.cloudwatch, found, say)
    wrong += [str(fault) for fault in alarms.refusing(faults, replaced, wanted.despite, say)]
    if wrong:
        raise RefusedError(
            "not now: " + "; ".join(wrong),
            fix="Wait until this is over, or roll back, then go on. To go forward: docs/first-production-deploy.md.",
        )
    now = running.running(account.ecs, found)
    say(f"running now: {now.sha or 'nothing: the next release is the first'}")
    later = [name for name, service in found.items() if _after(service.primary.created, wanted.began)]
    if later and now.sha != wanted.sha:
        raise SupersededError(
            f"{', '.join(later)}: deployed to since this release began, at {wanted.began:%Y-%m-%d %H:%M:%S} UTC",
            fix="Somebody rolled back or deployed meanwhile. See why; then start a new run, which looks again.",
        )


def _after(created: datetime | None, began: datetime | None) -> bool:
    return created is not None and began is not None and created > began


def bootstrap(account: Account, environment: str, say: Callable[[str], None]) -> None:
    """There is no such stack, or it runs nothing: a bootstrap would stop what runs."""
    stack = stack_name(environment)
    state = find_stack(account.cloudformation, stack)
    if state is None:
        say(f"there is no stack {stack} yet")
        return
    say(f"stack {stack}: {state.status}")
    if not state.sound:
        raise RefusedError(f"stack {stack} is {state.status}", fix="Delete it if its creation failed, then go on.")
    found = services.read(account.ecs, naming.cluster(environment))
    serving = [name for name, service in found.items() if service.desired]
    if serving or any(tag != naming.BOOTSTRAP_TAG for tag in services.running(account.ecs, found).values()):
        raise RefusedError(
            f"{stack} was released to already: a bootstrap would stop it and put the placeholder image back",
            fix="Deploy with the release workflow instead.",
        )


def settle(
    account: Account, stack: str, deadline: Deadline, say: Callable[[str], None], *, cancel: str | None = None
) -> StackState:
    """Wait until CloudFormation has finished with a stack.

    That may take long: a database of another size is an hour's work, and so is taking it back. With `cancel`, which
    says the stack's name once more, an update in progress is taken back; nothing but an update can be (CloudFormation
    API Reference, CancelUpdateStack).
    """
    if cancel and cancel != stack:
        raise UsageError(f"--cancel names {cancel}, the environment's stack is {stack}")
    if cancel and read_stack(account.cloudformation, stack).status == "UPDATE_IN_PROGRESS":
        account.cloudformation.cancel_update_stack(StackName=stack)
        say(f"stack {stack}: told CloudFormation to take its update back")
    while True:
        state = read_stack(account.cloudformation, stack)
        say(f"stack {stack}: {state.status}")
        if not state.busy:
            return state
        if not deadline.pause(POLL_SECONDS):
            raise DeadlineError(
                f"stack {stack} is still {state.status}", fix="Wait on with `settle`, or take it back with --cancel."
            )
