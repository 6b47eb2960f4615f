"""Whether a task can start in the name of its execution role: who may assume the role, and what it is refused.

Source: Amazon ECS Developer Guide, "Amazon ECS task execution IAM role".
"""

from __future__ import annotations

from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.values import Absent, Known
from checker.reason.iam.evaluation import Access, Policies, Request, decide, outlined, policies_of
from checker.reason.iam.passing import TASKS
from checker.reason.iam.policies import read_document
from checker.reason.iam.services import may_assume
from checker.reason.startup.needs import Need, needs_of
from checker.reason.text.patterns import exact


def refused(task: Resource, role: Resource, project: Project) -> Need | None:
    """The first call of those that start the task which its execution role surely may not make.

    A role without any policy may do nothing, unless somebody outside these stacks attaches one by its name.
    """
    policies = policies_of(role, project)
    if policies.empty and not isinstance(role.get("RoleName"), Absent):
        return None
    for need in needs_of(task, project):
        if decide(policies, Request(need.action, exact(need.resource))).denied:
            return need
    return None


def in_doubt(task: Resource, role: Resource, project: Project) -> str:
    """Why it is not known whether the role may make all calls that start the task; empty where it is.

    What a policy of AWS's own is for, it is taken to allow; and what denies under conditions, or bounds, is not for
    what starts tasks, as far as it can be read.
    """
    if unread := trust_unread(role, project):
        return f"whether {role.logical_id} lets ECS tasks assume it: {unread}"
    policies = policies_of(role, project)
    if policies.empty and needs_one(task, project):
        return f"{role.logical_id} has no policy here, and somebody else may attach one by its name"
    allowing = Policies(tuple(each for each in policies.statements if each.allows), policies.unread, policies.may_allow)
    for need in needs_of(task, project):
        decision = decide(allowing, Request(need.action, exact(need.resource)))
        if decision.answer is Access.UNKNOWN and not outlined(policies, need.action):
            return f"whether {role.logical_id} may {need.what}: {decision.why}"
        if policies.boundary is not None and policies.boundary.unread:
            return f"whether {role.logical_id} may {need.what}: {policies.boundary.unread[0]}"
    return ""


def shut_out(role: Resource, project: Project, service: str = TASKS) -> bool:
    """Whether the role surely does not let a service assume it."""
    return may_assume(role, service, project).denied


def trust_unread(role: Resource, project: Project) -> str:
    """Why a role's trust policy could not be read; empty where it could, or there is none, which IAM refuses."""
    path = "AssumeRolePolicyDocument"
    value = role.get(path)
    if isinstance(value, Absent):
        return ""
    document = read_document(value.value if isinstance(value, Known) else value, role, path, project)
    return next(iter(document.unread), "")


def needs_one(task: Resource, project: Project) -> bool:
    """Whether something is to be done in an execution role's name before the task runs."""
    return bool(needs_of(task, project))
