"""What a command that asks about a task prints where the task has failed, and as long as it runs; likewise of a
service's deployment and of a stack.

Sources: Amazon ECS API Reference, "Task" and "Container": the exit code is there once the container has stopped; AWS
CloudFormation User Guide, "Stack status codes": an update that failed is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.scripts import Command

# A query of `aws ecs describe-tasks` that gives one container's exit code, and what it gives of one that was killed.
_ONE: Final = r"(?:\[(?:0|\*|\?[^\]]*)?\])?(?:\s*\|\s*\[0\])?"
_EXIT_CODE: Final = lazy_re.compile(rf"(?:--query=)?tasks{_ONE}\.containers{_ONE}\.exitCode(?:\s*\|\s*\[0\])?")
_STATUS: Final = lazy_re.compile(rf"(?:--query=)?tasks{_ONE}\.lastStatus(?:\s*\|\s*\[0\])?")
_JQ: Final = lazy_re.compile(r"\.tasks\[?0?\]?(?:\.\[0\]|\[\])?\.lastStatus")
JQS: Final = frozenset({"jq", "gojq", "jaq"})
_RAW: Final = frozenset({"-r", "--raw-output", "-er", "-re"})
_KILLED: Final = "137"
_GAVE_UP: Final = "1"
# Amazon ECS API Reference, "Deployment": what tells that one has failed, by the query that asks for it.
_FAILED: Final = "FAILED"
# And what tells that it goes on: without a circuit breaker, one that cannot succeed goes on for ever.
_GOES_ON: Final = "IN_PROGRESS"
_ANOTHER: Final = "arn:aws:ecs:eu-west-1:111111111111:task-definition/another:1"
_DEPLOYMENT: Final = rf"(?:--query=)?services{_ONE}\.deployments{_ONE}"
_OF_SERVICES: Final = (
    (lazy_re.compile(rf"{_DEPLOYMENT}\.rolloutState(?:\s*\|\s*\[0\])?"), _FAILED, _GOES_ON),
    (lazy_re.compile(rf"{_DEPLOYMENT}\.runningCount(?:\s*\|\s*\[0\])?"), "0", "0"),
    (lazy_re.compile(rf"(?:--query=)?length\(services{_ONE}\.deployments\)"), "2", "2"),
    # What the service runs where it was not moved, or was taken back; as long as it is moved, that is the new one.
    (lazy_re.compile(rf"{_DEPLOYMENT}\.taskDefinition(?:\s*\|\s*\[0\])?"), _ANOTHER, ""),
    (lazy_re.compile(rf"(?:--query=)?services{_ONE}\.taskDefinition(?:\s*\|\s*\[0\])?"), _ANOTHER, ""),
)
_FAILED_SERVICE: Final = '{"services": [{"deployments": [{"status": "PRIMARY", "rolloutState": "FAILED"}]}]}'
_ROLLING_SERVICE: Final = _FAILED_SERVICE.replace(_FAILED, _GOES_ON)
_JQ_ROLLOUT: Final = lazy_re.compile(r"\.services\[0?\](?:\s*\|\s*)?\.deployments\[0?\](?:\s*\|\s*)?\.rolloutState")
_OF_STACKS: Final = lazy_re.compile(rf"(?:--query=)?Stacks{_ONE}\.StackStatus(?:\s*\|\s*\[0\])?")
_ROLLED_BACK: Final = "UPDATE_ROLLBACK_COMPLETE"
_CHANGING: Final = "UPDATE_IN_PROGRESS"
# Of others: the query, and what it gives where the change has failed, and where it goes on. API references of AWS
# Lambda (LastUpdateStatus), Amazon RDS (DBInstanceStatus: its User Guide, "Viewing Amazon RDS DB instance status") and
# Amazon CloudFront (Distribution, Invalidation), of which none ever fails.
_OTHERS: Final[Mapping[tuple[str, ...], tuple[str, str, str]]] = {
    ("lambda", "get-function-configuration"): (r"(?:--query=)?LastUpdateStatus", "Failed", "InProgress"),
    ("lambda", "get-function"): (r"(?:--query=)?Configuration\.LastUpdateStatus", "Failed", "InProgress"),
    ("rds", "describe-db-instances"): (rf"(?:--query=)?DBInstances{_ONE}\.DBInstanceStatus", "failed", "modifying"),
    ("rds", "describe-db-clusters"): (rf"(?:--query=)?DBClusters{_ONE}\.Status", "failed", "modifying"),
    ("cloudfront", "get-distribution"): (r"(?:--query=)?Distribution\.Status", "InProgress", "InProgress"),
    ("cloudfront", "get-invalidation"): (r"(?:--query=)?Invalidation\.Status", "InProgress", "InProgress"),
}
RUNNING: Final = "RUNNING"
_LISTED: Final = lazy_re.compile(r"\[(?:\*|\?[^\]]*)?\]")
_FIRST: Final = lazy_re.compile(r"\|\s*\[0\]$")
# Of a task that has stopped: whose container has ended, and whose container never began, which has no exit code.
_STOPPED: Final = (
    '{"tasks": [{"lastStatus": "STOPPED", "containers": [{"lastStatus": "STOPPED", "exitCode": "EXIT"}]}]}'
)
_UNSTARTED: Final = _STOPPED.replace(', "exitCode": "EXIT"', "")
_ANSWER: Final = '{"tasks": [{"lastStatus": "RUNNING", "containers": [{"lastStatus": "RUNNING"}]}]}'
WAITER_SECONDS: Final = 600.0  # AWS CLI Command Reference, "ecs wait tasks-stopped": every 6 seconds, 100 times


def _asks_of(words: Sequence[str], service: str, operation: str) -> bool:
    return tuple(words[:3]) == ("aws", service, operation)


def _has_no_query(words: Sequence[str]) -> bool:
    return not any(word.startswith("--query") for word in words)


def _as_printed(value: str, words: Sequence[str]) -> str:
    """A text as a command prints it: in quotes, unless it is told to print text."""
    return value if "text" in words else f'"{value}"'


def failed_answers(words: Sequence[str]) -> tuple[str, ...]:
    """What a command prints of a task that failed, one that was killed and one whose program gave up, where it is asked
    for the exit code and nothing else; or of a deployment of a service, or a change of a stack, that failed; or of a
    page that is answered with an error, or is not there: that is no answer of what is asked for either."""
    if words[:1] == ("curl",):
        return tuple(_of_page(words[1:], *each) for each in _ERRORS)
    if _asks_of(words, "ecs", "describe-services"):
        return (_of_service(words, rolling=False),)
    if _asks_of(words, "cloudformation", "describe-stacks"):
        return (_of_stack(words, _ROLLED_BACK),)
    if _asks_for_exit_code(words) and "text" in words:
        return (_KILLED, _GAVE_UP)
    if _asks_of(words, "ecs", "describe-tasks") and _is_whole(words):
        return tuple(_STOPPED.replace('"EXIT"', each) for each in (_KILLED, _GAVE_UP))
    return (_of_others(words, 1),)


# Of a text or a pattern that a revision may be compared with: its signs, a family's name, and a revision's number.
_ANYTHING: Final = lazy_re.compile(r"\.?\*")
_FAMILY: Final = lazy_re.compile(r"[A-Za-z][\w-]*")
_NUMBERED: Final = lazy_re.compile(r":\d+\$?$")
_MOST_FAMILIES: Final = 8


def earlier_revisions(words: Sequence[str], literals: Iterable[str]) -> tuple[str, ...]:
    """What a command prints of a service that still runs an earlier revision of the family that its script looks for:
    ``*api*`` holds of each. The family may be any of the script's ``literals``; one with a revision's number tells that
    from others."""
    failed = _of_service(words, rolling=False) if words[:3] == ("aws", "ecs", "describe-services") else ""
    if _ANOTHER not in failed:
        return ()
    found = [each for each in dict.fromkeys(map(_earlier, literals)) if each]
    return tuple(failed.replace(_ANOTHER, each) for each in found[-_MOST_FAMILIES:])


def _earlier(compared: str) -> str:
    """An earlier revision of the family that a text or a pattern names; empty where it names none."""
    if _NUMBERED.search(compared):
        return ""
    if compared.startswith("arn:"):
        whole = _ANYTHING.sub("1", compared)
        return whole if _NUMBERED.search(whole) else f"{whole}:1"
    family = _ANYTHING.sub("", compared).rpartition("/")[2].rstrip(":")
    return f"{_ANOTHER.partition('/')[0]}/{family}:1" if _FAMILY.fullmatch(family) else ""


def unstarted_answer(words: Sequence[str]) -> str:
    """What a command prints of a task whose container could not start, where it is asked for the exit code: it has none
    (Amazon ECS API Reference, "Container")."""
    if _asks_of(words, "ecs", "describe-tasks") and _is_whole(words):
        return _UNSTARTED
    if not _asks_for_exit_code(words):
        return ""
    query = next(each for each in words if _EXIT_CODE.fullmatch(each)).removeprefix("--query=")
    if _LISTED.search(query) and not _FIRST.search(query):
        return "\n" if "text" in words else "[]"  # none of a list
    return "None" if "text" in words else "null"


def _is_whole(words: Sequence[str]) -> bool:
    return _has_no_query(words) and not {"text", "table", "yaml"} & set(words)


def _asks_for_exit_code(words: Sequence[str]) -> bool:
    return _asks_of(words, "ecs", "describe-tasks") and any(map(_EXIT_CODE.fullmatch, words))


def unfinished_answer(words: Sequence[str]) -> str:
    """What a command prints of a deployment of a service, or a change of a stack, for as long as that goes on."""
    if _asks_of(words, "ecs", "describe-services"):
        return _of_service(words, rolling=True)
    if _asks_of(words, "cloudformation", "describe-stacks"):
        return _of_stack(words, _CHANGING)
    return _of_others(words, 2)


# Of a service that was taken back: stable, with the revision before (Amazon ECS API Reference, "Service").
_BEFORE: Final = "arn:aws:ecs:us-east-1:123456789012:task-definition/before:1"
_REVISION: Final = lazy_re.compile(
    rf"(?:--query=)?services{_ONE}\.(?:deployments(?:{_ONE}|\[\?status\s*==\s*['\"`]+PRIMARY['\"`]+\])\.)?taskDefinition"
    r"(?:\s*\|\s*\[0\])?"
)
_TAKEN_BACK: Final = (
    f'{{"services": [{{"status": "ACTIVE", "taskDefinition": "{_BEFORE}", "desiredCount": 2, "runningCount": 2, '
    f'"pendingCount": 0, "deployments": [{{"status": "PRIMARY", "rolloutState": "COMPLETED", "desiredCount": 2, '
    f'"runningCount": 2, "pendingCount": 0, "failedTasks": 0, "taskDefinition": "{_BEFORE}"}}]}}]}}'
)


def taken_back_answer(words: Sequence[str]) -> str:
    """What a command prints of a service that was taken back to the revision before, where it is asked for that, or for
    all."""
    if not _asks_of(words, "ecs", "describe-services"):
        return ""
    if any(map(_REVISION.fullmatch, words)):
        return _as_printed(_BEFORE, words)
    return _TAKEN_BACK if _is_whole(words) else ""


# What fails by itself, or prints something else than what was answered.
_CURL_FAILS: Final = lazy_re.compile(r"--fail.*|-(?!-)[A-Za-z]*f[A-Za-z]*")
_CURL_KEEPS: Final = lazy_re.compile(r"--output(?:=.*)?|--remote-name|-(?!-)[A-Za-z]*[oO].*")
_CODE_ALONE: Final = lazy_re.compile(r"%\{(?:http|response)_code\}(?:\\n)?")


def _of_page(words: Sequence[str], code: str, reason: str) -> str:
    """What curl prints of an HTTP error, which it takes for a success: the status where that is all it prints (curl's
    manual, ``--write-out``), else a page."""
    form = next((words[index + 1] for index, word in enumerate(words[:-1]) if word in {"-w", "--write-out"}), "")
    form = form or next((word.partition("=")[2] for word in words if word.startswith("--write-out=")), "")
    fails = any(map(_CURL_FAILS.fullmatch, words))
    if form:
        return code if not fails and _CODE_ALONE.fullmatch(form) and not _prints_page(words) else ""
    heads, both = any(map(_CURL_HEADS.fullmatch, words)), any(map(_CURL_INCLUDES.fullmatch, words))
    told = [_HEADS.format(code=code, reason=reason)] if heads or both else []
    told += [] if heads else [_PAGE.format(code=code, reason=reason)]
    return "\n\n".join(told) if not fails and _prints_page(words) else ""


_ERRORS: Final = (("500", "Internal Server Error"), ("404", "Not Found"))
_CURL_HEADS: Final = lazy_re.compile(r"-[a-zA-Z]*I[a-zA-Z]*|--head")
_CURL_INCLUDES: Final = lazy_re.compile(r"-[a-zA-Z]*i[a-zA-Z]*|--include|--show-headers")
# How servers and load balancers write an error that the application does not answer itself: nginx,
# ngx_http_special_response.c; Elastic Load Balancing writes the same page.
_HEADS: Final = """HTTP/1.1 {code} {reason}
Server: awselb/2.0
Date: Mon, 05 Jan 2026 10:11:12 GMT
Content-Type: text/html
Content-Length: 134
Connection: keep-alive"""
_PAGE: Final = """<html>
<head><title>{code} {reason}</title></head>
<body>
<center><h1>{code} {reason}</h1></center>
</body>
</html>"""


def _prints_page(words: Sequence[str]) -> bool:
    """Whether what was answered is printed in front of its status: the page, or its heads."""
    return not any(map(_CURL_KEEPS.fullmatch, words))


def _of_others(words: Sequence[str], which: int) -> str:
    """Likewise of other things that are waited for, where a query asks for their state and nothing else."""
    found = _OTHERS.get(tuple(words[1:3])) if words[:1] == ("aws",) else None
    asked = found is not None and "text" in words and any(map(lazy_re.compile(found[0]).fullmatch, words))
    return str(found[which]) if found is not None and asked else ""


def _of_service(words: Sequence[str], *, rolling: bool) -> str:
    for pattern, failed, goes_on in _OF_SERVICES:
        if any(map(pattern.fullmatch, words)):
            state = goes_on if rolling else failed
            return state if not state or state.isdecimal() else _as_printed(state, words)
    whole = _ROLLING_SERVICE if rolling else _FAILED_SERVICE
    return whole if _has_no_query(words) else ""


def _of_stack(words: Sequence[str], status: str) -> str:
    if not any(map(_OF_STACKS.fullmatch, words)):
        return f'{{"Stacks": [{{"StackStatus": "{status}"}}]}}' if _has_no_query(words) else ""
    return _as_printed(status, words)


def is_waiter(words: Sequence[str]) -> bool:
    return words[:4] == ("aws", "ecs", "wait", "tasks-stopped")


def running_answer(words: Sequence[str]) -> str:
    """What a command prints of a task for as long as it runs; empty where it does not ask, or that is not known."""
    if not _asks_of(words, "ecs", "describe-tasks"):
        return ""
    if any(map(_STATUS.fullmatch, words)):
        return _as_printed(RUNNING, words)
    if _asks_for_exit_code(words):  # as long as it runs, it has none either
        return unstarted_answer(words)
    return _ANSWER if _is_whole(words) else ""


# What keeps a shell until something in its background is done: Bash Reference Manual, "Job Control Builtins"; kill(1)
# and tail(1), which a loop asks whether a process is still there.
_KEEPS: Final = frozenset({"wait", "fg", "pwait"})


def told_alone(commands: Iterable[Command]) -> list[Command]:
    """Commands, with those told apart that run in the background of a shell which does not wait for them."""
    listed = list(commands)
    last: dict[str, int] = {}
    for index, each in enumerate(listed):
        first = str(each.words[1]) if len(each.words) > 1 else ""
        asks = (each.program, first) == ("kill", "-0") or (each.program == "tail" and first.startswith("--pid"))
        if asks or each.program in _KEEPS:
            last[each.spot.file] = index
    return [
        replace(each, handling=replace(each.handling, left_alone=True))
        if each.handling.background
        and max((last.get(spot.file, -1) for spot in (each.spot, *each.reached.via)), default=-1) < index
        else each
        for index, each in enumerate(listed)
    ]


def picked(words: Sequence[object], said: str) -> str | None:
    """What ``jq`` gives of the whole answer that was ``said``; ``None`` where that is not known."""
    texts = [word for word in words if isinstance(word, str)]
    if texts[:1] and texts[0] in JQS:
        quote = "" if _RAW.intersection(texts) else '"'
        if any(map(_JQ_ROLLOUT.fullmatch, texts)):
            return f"{quote}{_GOES_ON if said == _ROLLING_SERVICE else _FAILED}{quote}"
        if any(map(_JQ.fullmatch, texts)):
            return f"{quote}{RUNNING}{quote}"
    return None
