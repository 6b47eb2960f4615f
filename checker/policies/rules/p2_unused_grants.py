"""The deploy role grants nothing that no call uses.

What the review found
    Nothing by this name: it asked for grants to be widened. What is granted and not used is what a stolen session has
    beyond what a deploy needs, and nobody misses it when it goes.
What is checked
    Every role that a job of the workflows assumes: each action of each statement that allows something is used by some
    call of some job, on something that the statement names. A wildcard is used where some of it is, and what else it
    allows only reads.
When it does not apply
    No job assumes a role that a template declares. Roles that people assume.
What cannot be decided
    A role some of whose jobs could not be followed; policies whose content is not in the templates.
Fix
    Take the action out of the statement, or the statement out of the policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.rules import Rule
from checker.reason.iam.evaluation import policies_of
from checker.reason.iam.policies import Statement
from checker.reason.iam.uses import Use, unused, uses

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

_FIX: Final = "Take what no call uses out of the policy."


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    for use in uses(pipeline, project):
        yield from _judged(use, project)


def _judged(use: Use, project: Project) -> Iterator[Judgement]:
    policies = policies_of(use.role, project)
    spare = {
        statement: found for statement in policies.statements if statement.allows and (found := unused(statement, use))
    }
    # What is not known may be more that nothing uses, and makes nothing used of what is.
    surely = bool(spare) and not use.doubts and not use.made
    if (policies.unread or policies.may_allow) and not surely:
        why = policies.unread[0] if policies.unread else f"{policies.may_allow[0][1]} is known in outline only"
        yield use.role.undecided(None, f"what it grants: {why}", fix="Write the policy out.")
        return
    if not spare:
        yield use.role.passes(None, "Every permission is used by a job.")
        return
    if use.doubts:
        names = ", ".join(dict.fromkeys(name for found in spare.values() for name in found))
        why = f"whether {names} is used by what was not followed ({use.doubts[0]})"
        yield use.role.undecided(None, why, fix=_FIX)
        return
    of_stacks = {statement: [name for name in found if not _of_deploying(name)] for statement, found in spare.items()}
    if use.made and any(of_stacks.values()):
        first, *more = dict.fromkeys(name for found in of_stacks.values() for name in found)
        names = f"{first} and {len(more)} more" if more else first
        why = f"whether CloudFormation needs {names} for what the stack holds that {use.made} deploys as this role"
        yield use.role.undecided(None, why, fix="Give the deploy a role of CloudFormation's own (--role-arn).")
        return
    for statement, found in spare.items():
        yield _unused(use, statement, found)


def _of_deploying(action: str) -> bool:
    """Whether an action is about stacks: what CloudFormation makes takes none of these."""
    return action.lower().startswith("cloudformation:")


def _unused(use: Use, statement: Statement, found: list[str]) -> Judgement:
    return statement.source.fails(
        None,
        f"{use.role.logical_id} may {', '.join(found[:10])} on what this statement names, and no job asks for it.",
        fix=_FIX,
        path=statement.path,
        actual=", ".join(found[:10]),
        related=() if statement.source is use.role else (use.role,),
    )


RULE = Rule(
    id="P2",
    looked_for="",
    looked_for_in_pipeline="role of the templates that a job assumes",
    check_pipeline=check_pipeline,
)
