"""What must hold before a deployment starts, looked at before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from infra import naming
from infra.release import alarms, running, services, tasks
from infra.release.account import Account
from infra.release.console import Deadline
from infra.release.errors import DeadlineError, RefusedError, UsageError
from infra.release.outputs import StackState, find_stack, read_stack, stack_name

POLL_SECONDS: Final = 15.0


def deploy(account: Account, environment: str, say: Callable[[str], None]) -> None:
    """The stack is sound, nothing is being deployed or migrated, services agree, and their alarms hold."""
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
    wrong += [f"{name} {fault}" for name, fault in alarms.faults(account.cloudwatch, found, say).items()]
    if wrong:
        raise RefusedError("not now: " + "; ".join(wrong), fix="Wait until this is over, or roll back, then go on.")
    now = running.running(account.ecs, found)
    say(f"running now: {now.sha or 'nothing: the next release is the first'}")


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
    if serving or running.running(account.ecs, found).sha:
        raise RefusedError(
            f"{stack} was released to already: a bootstrap would stop it and put the placeholder image back",
            fix="Deploy with the release workflow instead.",
        )


def settle(
    account: Account, stack: str, deadline: Deadline, say: Callable[[str], None], *, cancel: str | None = None
) -> StackState:
    """Wait until CloudFormation has finished with a stack: a change under its hands would be undone by it.

    Bounded, because the circuit breaker ends a failing update of a service within minutes. With `cancel`, which
    says the stack's name once more, an update in progress is taken back; nothing but an update can be (CloudFormation
    API Reference, CancelUpdateStack).
    """
    if cancel and cancel != stack:
        raise UsageError(f"--cancel names {cancel}, the environment's stack is {stack}")
    if cancel and read_stack(account.cloudformation, stack).status == "UPDATE_IN_PROGRESS":
        account.cloudformation.cancel_update_stack(StackName=cancel)
        say(f"stack {stack}: told CloudFormation to take its update back")
    while True:
        state = read_stack(account.cloudformation, stack)
        say(f"stack {stack}: {state.status}")
        if not state.busy:
            return state
        if not deadline.pause(POLL_SECONDS):
            raise DeadlineError(
                f"stack {stack} is still {state.status}", fix="Settle it with --cancel, then roll back."
            )
