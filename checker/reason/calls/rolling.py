"""Calls that start a deployment of a service.

Sources: Amazon ECS API Reference, "UpdateService", "CreateTaskSet"; AWS CLI Command Reference, "ecs deploy".
"""

from __future__ import annotations

import re
from typing import Final

from checker import lazy_re
from checker.model.answers import NO
from checker.model.pipeline.scripts import AwsCall
from checker.model.possible import Possible, truth
from checker.model.values import Absent

# `aws ecs deploy` registers a file and has CodeDeploy roll it out; the others are deployments of the caller's own, and
# of Express Mode.
_ROLLING: Final = frozenset({"deploy", "CreateTaskSet", "UpdateExpressGatewayService"})
# CodeDeploy API Reference, "S3Location" and "RevisionLocation": an archive is for machines, as is GitHub's.
_FOR_MACHINES: Final = lazy_re.compile(r"bundletype\W+(?:zip|tar|tgz)\b|AWS::Lambda::Function", re.IGNORECASE)


def _of_no_service(call: AwsCall) -> bool:
    """Whether what CodeDeploy deploys is for machines or a function."""
    if not isinstance(call.argument("githubLocation"), Absent):
        return True
    given = [call.argument(name) for name in ("revision", "s3Location", "cliInputJson")]
    return any(_FOR_MACHINES.search(str(each)) for each in given)


def rolls(call: AwsCall) -> bool:
    """Whether a call starts a deployment of a service, rather than only changing how many tasks it has."""
    if (call.service, call.operation) == ("codedeploy", "CreateDeployment"):
        return not _of_no_service(call)
    if call.service == "ecs" and call.operation in _ROLLING:
        return True
    if (call.service, call.operation) != ("ecs", "UpdateService") or call.waiter:
        return False
    if of_action(call) or not call.complete or not isinstance(call.argument("cliInputJson"), Absent):
        return True
    return truth(_single(call, "forceNewDeployment")) is not NO or not isinstance(
        call.argument("taskDefinition"), Absent
    )


def _single(call: AwsCall, name: str) -> Possible:
    value = call.text(name)
    return False if isinstance(value, Absent) else value


def of_action(call: AwsCall) -> bool:
    """Whether an action's step makes the call, rather than a script."""
    return call.source.startswith("uses:")
