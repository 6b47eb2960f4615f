"""What a call gives on a way on which it fails, or answers that what it asks about has failed or is not there yet.

Each is written in Python and followed as the program's own code is. A task that failed has exit code 1, as what ends by
an error of its own does, and one that was killed 137: a program may take either for success. Sources: Boto3
documentation, "Error handling" and "Waiters"; Amazon ECS API Reference, "Deployment", "Service", "Task", "Container"
(the exit code is that of a container which ran); Amazon ECS Developer Guide, "Amazon ECS API failure reasons"
(``RunTask`` answers with ``failures``, and is no error); the documentation of http.client, Requests, HTTPX, urllib and
subprocess.
"""

from __future__ import annotations

import ast
from enum import StrEnum
from functools import lru_cache
from typing import Final

from checker.model.pipeline.python import PythonModule
from checker.model.pipeline.scripts import AwsCall, Command
from checker.model.possible import shown
from checker.resolve.python.values import Dict, Value
from checker.resolve.refusals import Refusal, refusal, refused


class Mode(StrEnum):
    """What is wrong with a call."""

    RAISES = "raises"  # it is refused, or nobody answers
    STATUS = "status"  # it answers, and says that something is wrong
    MISSING = "missing"  # it answers, and says that there is no such page
    ALONE = "alone"  # likewise, and the same call works that asks something else
    WELL = "well"  # not at all: it answers that all is as it should be
    FAILED = "failed"  # it answers that what it asks about has failed
    KILLED = "killed"  # it answers that a task's program was ended from outside, for its memory
    WAITING = "waiting"  # it answers that what it asks about is not there yet, whenever it is asked
    UNSTARTED = "unstarted"  # it answers that nothing could be started
    BACK = "back"  # it answers that a service is stable, with what it ran before


OF_ONE_ROUND: Final = frozenset({Mode.WELL, Mode.ALONE})  # where a call in another round is another one

# What the errors of a refused call say is its own: :func:`said_by`.
_TEXT: Final = """
class ClientError(Exception):
    pass

class BotoCoreError(Exception):
    pass

class WaiterError(BotoCoreError):
    pass

class RequestException(OSError):
    pass

class HTTPError(RequestException):
    code = 503
    status = 503

class MissingHTTPError(HTTPError):
    code = 404
    status = 404

class URLError(HTTPError):
    reason = "unreachable"

class CalledProcessError(Exception):
    args = ("Command 'aws' returned non-zero exit status 254.",)
    returncode = 254
    stderr = "An error occurred (AccessDeniedException)"
    stdout = ""
    output = ""

class Response:
    status = 503
    status_code = 503
    code = 503
    ok = False
    is_success = False
    is_error = True
    reason = "Service Unavailable"
    reason_phrase = "Service Unavailable"
    text = "Service Unavailable"

    def getcode(self):
        return 503

    def raise_for_status(self):
        raise URLError("503")

class Missing:
    status = 404
    status_code = 404
    code = 404
    ok = False
    is_success = False
    is_error = True
    reason = "Not Found"
    reason_phrase = "Not Found"
    text = "Not Found"

    def getcode(self):
        return 404

    def raise_for_status(self):
        raise MissingHTTPError("404")

class Completed:
    returncode = 254
    stdout = ""
    stderr = "An error occurred (AccessDeniedException)"

    def check_returncode(self):
        raise CalledProcessError("aws")

    def wait(self):
        return 254

    def poll(self):
        return 254

class Payload:
    def read(self):
        return '{"errorMessage": "failed", "errorType": "Error"}'

failed_functions = {
    "StatusCode": 200, "FunctionError": "Unhandled", "ExecutedVersion": "$LATEST", "Payload": Payload(),
    "ResponseMetadata": {"HTTPStatusCode": 200},
}
well_services = {
    "services": [{
        "serviceName": __same__, "status": "ACTIVE", "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
        "taskDefinition": rolled,
        "deployments": [{
            "id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED", "desiredCount": 2, "runningCount": 2,
            "pendingCount": 0, "failedTasks": 0, "taskDefinition": rolled, "rolloutStateReason": "completed",
        }],
    }],
    "failures": [],
}
well_service = {"service": well_services["services"][0]}
well_tasks = {
    "tasks": [{
        "taskArn": __same__, "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": __same__, "lastStatus": "STOPPED", "exitCode": 0}],
    }],
    "failures": [],
}
failed_services = {
    "services": [{
        "serviceName": __same__, "status": "ACTIVE", "desiredCount": 2, "runningCount": 0, "pendingCount": 0,
        "taskDefinition": __same__,
        "deployments": [{
            "id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "FAILED", "desiredCount": 2, "runningCount": 0,
            "pendingCount": 0, "failedTasks": 3, "taskDefinition": __same__, "rolloutStateReason": "tasks failed",
        }],
    }],
    "failures": [],
}
waiting_services = {
    "services": [{
        "serviceName": __same__, "status": "ACTIVE", "desiredCount": 2, "runningCount": 2, "pendingCount": 2,
        "taskDefinition": __same__,
        "deployments": [
            {
                "id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "IN_PROGRESS", "desiredCount": 2,
                "runningCount": 0, "pendingCount": 2, "failedTasks": 0, "taskDefinition": __same__,
                "rolloutStateReason": "in progress",
            },
            {
                "id": "ecs-svc/0", "status": "ACTIVE", "rolloutState": "COMPLETED", "desiredCount": 2,
                "runningCount": 2, "pendingCount": 0, "failedTasks": 0, "taskDefinition": __other__,
                "rolloutStateReason": "completed",
            },
        ],
    }],
    "failures": [],
}
back_services = {
    "services": [{
        "serviceName": __same__, "status": "ACTIVE", "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
        "taskDefinition": __other__,
        "deployments": [{
            "id": "ecs-svc/2", "status": "PRIMARY", "rolloutState": "COMPLETED", "desiredCount": 2, "runningCount": 2,
            "pendingCount": 0, "failedTasks": 0, "taskDefinition": __other__, "rolloutStateReason": "rolled back",
        }],
    }],
    "failures": [],
}
failed_tasks = {
    "tasks": [{
        "taskArn": __same__, "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": __same__, "lastStatus": "STOPPED", "exitCode": 1, "reason": "failed"}],
    }],
    "failures": [],
}
killed_tasks = {
    "tasks": [{
        "taskArn": __same__, "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": __same__, "lastStatus": "STOPPED", "exitCode": 137, "reason": "OutOfMemoryError"}],
    }],
    "failures": [],
}
unstarted_tasks = {
    "tasks": [{
        "taskArn": __same__, "lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": "TaskFailedToStart",
        "stoppedReason": "CannotPullContainerError",
        "containers": [{"name": __same__, "lastStatus": "STOPPED", "reason": "CannotPullContainerError"}],
    }],
    "failures": [],
}
unstarted_runs = {"tasks": [], "failures": [{"arn": __other__, "reason": "RESOURCE:MEMORY", "detail": "no capacity"}]}
waiting_tasks = {
    "tasks": [{
        "taskArn": __same__, "lastStatus": "RUNNING", "desiredStatus": "RUNNING",
        "containers": [{"name": __same__, "lastStatus": "RUNNING"}],
    }],
    "failures": [],
}
"""
# What every service, task and container has besides (Amazon ECS API Reference, "Service", "Task", "Container"): a
# program that reads it goes on.
_BESIDES: Final = {
    '"serviceName": __same__,': """
        "serviceArn": __same__, "clusterArn": __same__, "launchType": "FARGATE", "platformVersion": "LATEST",
        "schedulingStrategy": "REPLICA", "loadBalancers": [], "serviceRegistries": [], "capacityProviderStrategy": [],
        "deploymentConfiguration": {}, "enableExecuteCommand": False, "healthCheckGracePeriodSeconds": 0,
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": [__same__], "securityGroups": [__same__], "assignPublicIp": "DISABLED",
        }},
        "events": [{"id": "1", "createdAt": __same__, "message": "has reached a steady state"}],""",
    '"taskArn": __same__,': """
        "clusterArn": __same__, "taskDefinitionArn": __same__, "launchType": "FARGATE", "group": __same__,
        "startedBy": __same__, "attachments": [], "cpu": "256", "memory": "512", "createdAt": __same__,""",
    '"name": __same__,': """
        "containerArn": __same__, "taskArn": __same__, "image": __same__, "runtimeId": __same__,""",
}
# What a stand-in is called the same as whatever it is compared with; nothing binds this name.
SAME: Final = "__same__"
# And another than whatever it is compared with.
OTHER: Final = "__other__"
# (service, operation) -> how its answers end, and in which modes there are some.
_ANSWERS: Final = {
    ("ecs", "DescribeServices"): ("services", (Mode.WELL, Mode.FAILED, Mode.WAITING, Mode.BACK)),
    ("ecs", "DescribeTasks"): ("tasks", (Mode.WELL, Mode.FAILED, Mode.KILLED, Mode.WAITING, Mode.UNSTARTED)),
    ("ecs", "RunTask"): ("runs", (Mode.UNSTARTED,)),
    ("ecs", "UpdateService"): ("service", (Mode.WELL,)),
    ("lambda", "Invoke"): ("functions", (Mode.FAILED,)),  # AWS Lambda API Reference, "Invoke": 200 and FunctionError
}


@lru_cache(maxsize=1)
def _tree() -> ast.Module:
    text = _TEXT
    for known, besides in _BESIDES.items():
        text = text.replace(known, f"{known}{besides}")
    return ast.parse(text)


def module() -> PythonModule:
    """The stand-ins as a module, with nothing bound yet."""
    return PythonModule("", _tree())


def answer(service: str, operation: str, mode: Mode) -> str | None:
    """The name of what an operation answers, ``None`` where there is no such answer."""
    ending, modes = _ANSWERS.get((service, operation), ("", ()))
    return f"{mode.value}_{ending}" if mode in modes else None


def answered_with(mode: Mode, *, raises: bool = False) -> str:
    """The name of the answer with which a request fails, or of the error where its client raises one for that."""
    if mode is Mode.RAISES:
        return "URLError"
    missing = mode is Mode.MISSING
    if raises:
        return "MissingHTTPError" if missing else "HTTPError"
    return "Missing" if missing else "Response"


def refusal_of(call: AwsCall | Command) -> Refusal | None:
    """What AWS says where it refuses a call; ``None`` of other programs."""
    if isinstance(call, AwsCall):
        return refusal(call.service, call.operation)
    return refused([shown(word) for word in call.words]) if call.program == "aws" else None


def said_by(name: str, call: AwsCall | Command) -> dict[str, Value]:
    """What a stand-in of this name holds of the call that failed, attribute by attribute."""
    said = refusal_of(call)
    if said is None:
        return {}
    error = Dict((("Code", said.code), ("Message", said.message)))
    response = Dict((("Error", error), ("ResponseMetadata", Dict((("HTTPStatusCode", said.status),)))))
    match name:
        case "ClientError" if isinstance(call, AwsCall):
            return {"args": (said.text,), "response": response, "operation_name": call.operation}
        case "WaiterError":
            return {"last_response": response}
        case "CalledProcessError" if isinstance(call, Command):
            words = ", ".join(repr(shown(word)) for word in call.words)
            text = f"Command '[{words}]' returned non-zero exit status 254."
            return {"args": (text,), **dict.fromkeys(_heard_in(call, "output"), said.text)}
        case "Completed" if isinstance(call, Command):
            return dict.fromkeys(_heard_in(call), said.text)
    return {}


def _heard_in(call: Command, *others: str) -> tuple[str, ...]:
    """Where what it says about its error stands: ``stderr=subprocess.STDOUT`` puts it with what it prints."""
    return ("stderr", "stdout", *others) if "STDOUT" in call.source else ("stderr",)
