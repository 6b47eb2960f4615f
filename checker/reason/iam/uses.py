"""Which of a role's permissions the pipeline uses: every permission of every call, put to each statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from checker.data.aws_calls import table
from checker.model.answers import NO
from checker.model.environments import Project
from checker.model.overlap import Pattern
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.resources import Resource
from checker.model.values import Absent
from checker.reason.calls.authority import Authority, authorities_of
from checker.reason.calls.bootstrap import roles_taken_on
from checker.reason.calls.needs import Need, alike, needs
from checker.reason.iam.evaluation import Request, applies
from checker.reason.iam.handing import passing
from checker.reason.iam.passing import PASS_ROLE
from checker.reason.iam.policies import Statement
from checker.reason.text.patterns import covers, folded, glob, has_wild, shown

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

# What a call may need beside what it always needs (Amazon ECR User Guide, "IAM permissions for pushing an image").
_ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "docker-push": ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    "docker-pull": (),
}
# CloudFormation makes what a stack holds with the permissions of whoever calls it, unless it is given a role (AWS
# CloudFormation User Guide, "CloudFormation service role").
_MAKES: Final = frozenset({"deploy", "CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack"})
_READS: Final = ("describe", "get", "list", "head", "batchget", "view")


class Use(Struct):
    """All that jobs ask for as one role. ``doubts`` are why there may be more; ``made`` is a line that has
    CloudFormation make a stack's resources as that role, whatever that takes."""

    role: Resource
    requests: dict[tuple[object, ...], Request] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    made: str = ""


def uses(pipeline: Pipeline, project: Project) -> list[Use]:
    """What each role is used for that a job surely takes on."""
    found: dict[Resource, Use] = {}
    elsewhere: list[str] = []
    asked: set[tuple[int, int]] = set()  # calls that are alike, by those who make them
    for job in pipeline.ways():
        trace = pipeline.trace(job)
        authorities = authorities_of(trace, project)
        own: set[Resource] = set()
        for credentials in (*job.credentials, *trace.sessions):
            who = authorities.acting(credentials)
            for role in who.roles:
                use = found.setdefault(role, Use(role))
                own.add(role)
                if len(who.roles) > 1:
                    use.doubts.append(f"{job.name} acts as {who.names}")
            if not who.roles:
                elsewhere.append(f"{job.name}: {who.why}")
        calls: tuple[AwsCall | CdkCommand, ...] = (*trace.aws, *trace.cdk)
        for call in calls:
            authority = authorities.of(call)
            key = (id(alike(call) if isinstance(call, AwsCall) else call), id(authority))
            for role in authority.who.roles:
                use = found.setdefault(role, Use(role))
                use.made = use.made or _made(call)
                for need in _needs(call, authority) if key not in asked else ():
                    for told_by, request in authority.requests(role, need):
                        use.requests[told_by] = request
            asked.add(key)
        doubts = [
            f"{problem.spot}: {problem.message}"
            for problem in trace.problems
            if problem.unread and not problem.elsewhere
        ]
        for role in own:
            found[role].doubts.extend(doubts)
    for use in found.values():
        use.doubts.extend(elsewhere)
    return list(found.values())


def _made(call: AwsCall | CdkCommand) -> str:
    if not isinstance(call, AwsCall) or call.service != "cloudformation" or call.operation not in _MAKES:
        return ""
    return str(call.spot) if isinstance(call.argument("roleArn"), Absent) else ""


def _needs(call: AwsCall | CdkCommand, authority: Authority) -> Iterator[Need]:
    if isinstance(call, CdkCommand):
        yield from roles_taken_on(call, authority)
        return
    yield from (need for need in needs(call) if need.action != PASS_ROLE)
    yield from passing(call, authority)
    for action in _ALSO.get(call.operation, ()):
        yield Need(action, None)


def unused(statement: Statement, use: Use) -> list[str]:
    """The actions that a statement allows on what it names, and no request is for.

    A wildcard counts as used where some of it is and the rest only reads.
    """
    answers: list[str] = []
    for pattern in statement.actions or (glob("*"),):
        if pattern is None:
            continue
        asked = [request for request in use.requests.values() if covers(pattern, folded(glob(request.action)))]
        needed = {request.action.lower() for request in asked if applies(statement, request) is not NO}
        if not needed:
            answers.append(_written(pattern))
        elif has_wild(pattern):
            extra = [each for each in _known() if _changes(each) and covers(pattern, glob(each)) and each not in needed]
            if extra:
                answers.append(f"{_written(pattern)} (which allows {_written(glob(extra[0]))} too)")
    return answers


def _changes(action: str) -> bool:
    return not action.partition(":")[2].startswith(_READS)


@cache
def _known() -> Mapping[str, str]:
    """Every action of the Service Authorization Reference at hand: in lower case, and as it is written."""
    data = table()
    return {
        f"{prefix}:{action}".lower(): f"{prefix}:{action}"
        for kind in ("types", "star")
        for prefix, actions in data[kind].items()
        for action in actions
    }


def _written(pattern: Pattern) -> str:
    lower = shown(pattern)
    return _known().get(lower, lower)
