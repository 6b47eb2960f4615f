"""Roll-outs that ECS takes back by itself: the service is stable again, with what it ran before.

Sources: Amazon ECS Developer Guide, "How the Amazon ECS deployment circuit breaker detects failures" and "How
CloudWatch alarms detect Amazon ECS deployment failures" (``rollback``: to the last deployment that completed); AWS CLI
Command Reference, "ecs wait services-stable" (one deployment, and as many tasks as wanted: it asks nothing else).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, yes_if
from checker.model.environments import Environment
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command
from checker.model.possible import options, shown
from checker.model.resources import Resource
from checker.model.values import Absent, Known, Text, Unknown, Value, as_bool
from checker.reason.calls.rolling import of_action
from checker.reason.deploys.http_requests import request_of
from checker.reason.deploys.paths import At, DeployPath, Rollout, exits_after, follows
from checker.reason.deploys.sequence import may_be_for

_WAYS: Final = ("DeploymentConfiguration.DeploymentCircuitBreaker", "DeploymentConfiguration.Alarms")
_TELLS: Final = frozenset(
    {"DescribeServices", "ListServiceDeployments", "DescribeServiceDeployments", "DescribeServiceRevisions",
     "DescribeTasks"}
)  # fmt: skip


_OF_A_REVISION: Final = lazy_re.compile(r"taskDefinition|\bid\b|FAILED|rolloutStateReason|events|taskSets|evision")
_VERSION: Final = lazy_re.compile(r"(?<![a-z])(?:version|sha|commit|revision|git)(?![a-z])", re.IGNORECASE)
_OF_ANY: Final = lazy_re.compile(r"rolloutState|\bstatus\b|(?:running|desired|pending)Count")


def taken_back(path: DeployPath, environment: Environment | None) -> tuple[Resource | AwsCall | None, Answer]:
    """A service of the path whose failed deployment ECS takes back, so that it becomes stable all the same, or the
    roll-out that tells ECS to; and whether it does, open where no service surely does and one may."""
    found = [each for rollout in path.forward for each in _ways_back(rollout, environment)]
    sure = next((each for each in found if each[1] is YES), None)
    return sure or next((each for each in found if each[1] is not NO), (None, NO))


def _ways_back(rollout: Rollout, environment: Environment | None) -> Iterator[tuple[Resource | AwsCall, Answer]]:
    """What may have ECS take this roll-out back, the call itself or a template's service, and whether it does.

    What a call says of the circuit breaker holds from then on, whatever the template has (Amazon ECS API Reference,
    "UpdateService").
    """
    said = _written(rollout.call)
    if _BREAKER.search(said):
        yield rollout.call, YES
        return
    ways = _WAYS[1:] if _BREAKER_OFF.search(said) else _WAYS
    for service in environment.resources("AWS::ECS::Service") if environment is not None else ():
        name = service.get("ServiceName")
        named = not isinstance(name, Known) or not isinstance(name.value, str) or name.value == rollout.service
        if named or rollout.service is None:
            yield service, either(_on(service, way) for way in ways)


# ``deploymentCircuitBreaker={enable=true,rollback=true}``, as JSON, and as a dictionary of Python.
_BREAKER: Final = lazy_re.compile(
    r"(?:deploymentCircuitBreaker|\balarms)\W+\{?(?=[^{}]*\benable\W+true)(?=[^{}]*\brollback\W+true)", re.IGNORECASE
)
_BREAKER_OFF: Final = lazy_re.compile(
    r"deploymentCircuitBreaker\W+\{?[^{}]*\b(?:enable|rollback)\W+false", re.IGNORECASE
)


def _written(call: AwsCall) -> str:
    given = call.argument("deploymentConfiguration")
    return "" if isinstance(given, Absent) else str(given)


def _on(service: Resource, way: str) -> Answer:
    return every(_is_true(service.get(f"{way}.{name}"), f"{way}.{name}") for name in ("Enable", "Rollback"))


def _is_true(value: Value, name: str) -> Answer:
    if isinstance(value, Absent):
        return NO
    if isinstance(value, Unknown):
        return Open(value.why)
    if isinstance(value.value, Text):
        return Open(f"{name} is {value.value}")
    return yes_if(as_bool(value.value) is True)


def asks_only_for_stability(wait: At) -> bool:
    """Whether a wait succeeds as soon as the service is stable, with whatever it runs."""
    call = wait.action
    if not isinstance(call, AwsCall) or call.service != "ecs":
        return False
    return of_action(call) or call.waiter.replace("_", "").replace("-", "").lower() == "servicesstable"


def looked_at(path: DeployPath, wait: At, environment: Environment | None) -> bool:
    """Whether, after the wait, what runs is asked for, and an answer can end the job with a failure.

    ECS is asked, of each service whose roll-out it may take back, or the service itself, which says of which version
    it is.
    """
    if not _telling(path, wait):
        return False
    back = [each for each in path.forward if any(answer is not NO for _, answer in _ways_back(each, environment))]
    waits = [at for at in path.actions() if asks_only_for_stability(at)]
    return all(
        any(may_be_for(at, each) for own in waits if may_be_for(own, each) for at in _telling(path, own))
        for each in back
    )


def _telling(path: DeployPath, wait: At) -> list[At]:
    """The questions after a wait whose answers tell the new revision from the one before, and can end the job."""
    asking = [
        at
        for at in path.actions()
        if (_asks_ecs(at.action) or _asks_for_version(at))
        and follows(at, wait)
        and not at.action.reached.on_failure
        and _can_end_it(at)
    ]
    # That there is an answer, whatever it is, or the same one twice, does for some scripts.
    anything = [_written_so(at) for at in asking if at.action.handling.outdated is NO]
    return [at for at in asking if _written_so(at) not in anything]


def _written_so(at: At) -> str:
    return "" if isinstance(at.action, CdkCommand) else at.action.source


def _asks_ecs(action: Command | AwsCall | CdkCommand) -> bool:
    if not isinstance(action, AwsCall) or action.operation not in _TELLS:
        return False
    return _tells_what_runs(action) and not of_action(action)


def _asks_for_version(at: At) -> bool:
    """Whether a request asks for a version by its address, or what its answer is piped into looks for one.

    What ends the job by itself (``grep -q``, ``jq -e``) has to compare: that there is a version holds of the old one.
    """
    request = request_of(at.action) if isinstance(at.action, Command) else None
    if request is None or request.method not in {"GET", ""}:
        return False
    behind = [each for each in at.trace.actions[at.index + 1 : at.index + 2] if at.action.handling.piped]
    filters = [each for each in behind if isinstance(each, Command)]
    if any(_ENDS_BY_ITSELF.match(each.text()) and not _compares(each) for each in filters):
        return False
    return any(_VERSION.search(each) for each in (shown(request.url), *(each.text() for each in filters)))


_ENDS_BY_ITSELF: Final = lazy_re.compile(r"[ef]?grep\b|jq\b.*\s(?:-\w*e|--exit-status)")


def _compares(command: Command) -> bool:
    return any(isinstance(word, Text) for word in command.words) or "==" in command.text()


def _tells_what_runs(call: AwsCall) -> bool:
    """Whether the answer tells the new revision from the one before: that a deployment has come to its end, or that so
    many tasks run, holds of the old one as well."""
    query = call.text("query")
    each = None if isinstance(query, Absent) else options(query)
    if call.operation != "DescribeServices" or each is None:
        return True
    return any(_OF_A_REVISION.search(shown(option)) for option in each) or not any(
        _OF_ANY.search(shown(option)) for option in each
    )


def _can_end_it(at: At) -> bool:
    decides = at.action.handling.decides
    return next(exits_after(at), None) is not None if isinstance(decides, Open) else decides is YES
