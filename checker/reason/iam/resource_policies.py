"""Whether the policy of a resource denies a role what the role's own policies allow.

Source: AWS IAM User Guide, "Policy evaluation logic": an explicit deny in any policy, a resource's too, goes before
every allow.
"""

from __future__ import annotations

from checker.model.answers import NO, Answer, Open, either, every
from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.values import Absent, Known
from checker.reason.iam.evaluation import Request, applies
from checker.reason.iam.keys import caller, speaks_to
from checker.reason.iam.policies import read_document
from checker.reason.names.arns import arn_of
from checker.reason.text.patterns import exact


def denied_by(holder: Resource, path: str, target: Resource, role: Resource, action: str, project: Project) -> Answer:
    """Whether the policy that ``holder`` has at ``path`` denies ``role`` an action on ``target``. Open where something
    of the policy could not be read: what is not known may deny."""
    value = holder.get(path)
    if isinstance(value, Absent):
        return NO
    document = read_document(value.value if isinstance(value, Known) else value, holder, path, project)
    request = Request(action, exact(arn_of(target) or "*"), caller(role, action.partition(":")[0]))
    read = (
        every((applies(each, request), either(speaks_to(each, role, account=one) for one in (False, True))))
        for each in document.statements
        if not each.allows
    )
    return either((*read, *(Open(why) for why in document.unread)))
