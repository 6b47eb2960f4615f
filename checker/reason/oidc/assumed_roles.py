"""Which of the project's roles a credentials step takes on, and with which tokens it asks for them.

A role is told by its ARN where that is written out. A secret or a variable (``${{ secrets.AWS_DEPLOY_ROLE_ARN }}``)
only has a name: it is the one role that it could mean, by the words that it shares with the role (``deploy``) and by
the environment that the name or the job speaks of. What stays open stays open: several candidates are all kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from checker.model.environment_words import environment_of, words
from checker.model.environments import Project
from checker.model.pipeline.jobs import Credentials, EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.possible import Scalar, options
from checker.model.values import ABSENT, Absent, Known, Text, pieces, text
from checker.reason.iam.deployers import Deployer, Deployment, deployment_of, same_environment
from checker.reason.text.patterns import Pattern, exact, glob, has_hole, overlap

_ROLE_ARN: Final = "role/"
_ACCOUNT: Final = re.compile(r":(\d{12}):$")
# What CDK appends to a logical id.
_HASH: Final = re.compile(r"[0-9A-F]{8}$")
_EXPRESSION: Final = re.compile(r"[A-Za-z_][\w-]*")
# What roles are for. Two that are for different things are not the same one.
_PURPOSES: Final = {
    "build": "build", "builder": "build", "image": "build", "images": "build", "push": "build", "publish": "build",
    "deploy": "deploy", "deployer": "deploy", "deployment": "deploy", "release": "deploy", "cd": "deploy",
    "audit": "audit", "auditor": "audit", "readonly": "audit", "read": "audit", "drift": "audit", "scan": "audit",
    "migrate": "migrate", "migration": "migrate", "migrations": "migrate",
    "plan": "plan", "diff": "plan", "preview": "plan", "test": "test", "tests": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assumption:
    """A step that takes on a role by the job's own token, and the roles of the project that it can be.

    ``certain`` is true where the role is told for sure: by its ARN, or because no other could be meant. ``why`` says
    what is missing where there is no candidate.
    """

    credentials: Credentials
    job: EffectiveJob
    candidates: tuple[Deployer, ...]
    certain: bool
    why: str = ""


def role_sessions(pipeline: Pipeline) -> Iterator[tuple[EffectiveJob, Credentials]]:
    """Every step of every job that takes on a role, steps that never run left out."""
    for job in pipeline.jobs:
        for credentials in job.credentials:
            if credentials.step.runs is not False and credentials.role not in ("", ABSENT):
                yield job, credentials


def assumption(job: EffectiveJob, credentials: Credentials, project: Project) -> Assumption:
    """Which of the project's roles ``credentials`` asks for."""
    deployment = deployment_of(project)
    roles = tuple(each for each in deployment.github_roles if each.trust.entrances or each.trust.unread)
    if not roles:
        return Assumption(credentials, job, (), False, "no role of the templates at hand trusts GitHub")
    role = credentials.role
    choices = None if isinstance(role, Absent) else options(role)
    if not choices:
        return Assumption(credentials, job, roles, False, "which role it takes on cannot be told")
    if choices == (None,):
        return Assumption(credentials, job, (), False, "the role is empty, for no caller hands the secret down")
    found: dict[int, Deployer] = {}
    certain = True
    for choice in choices:
        matched, sure = _meant(choice, job, roles, deployment)
        certain = certain and sure
        found.update({id(each): each for each in matched})
    why = "" if found else f"no role of the templates at hand is {role}"
    return Assumption(credentials, job, tuple(found.values()), certain and len(found) == 1, why)


def _meant(
    role: Scalar, job: EffectiveJob, roles: tuple[Deployer, ...], deployment: Deployment
) -> tuple[tuple[Deployer, ...], bool]:
    if not isinstance(role, str | Text):
        return (), False
    if isinstance(role, str) or any(isinstance(part, str) and _ROLE_ARN in part for part in role.parts):
        return _by_arn(role, roles)
    return _by_name(role, job, roles, deployment)


def _by_arn(role: str | Text, roles: Sequence[Deployer]) -> tuple[tuple[Deployer, ...], bool]:
    """Roles whose ARN it is: by the account where both say it, and by the name behind the path."""
    parts = list(pieces(role))
    cut = max(index for index, part in enumerate(parts) if isinstance(part, str) and _ROLE_ARN in part)
    account = _ACCOUNT.search(str(parts[cut]).partition(_ROLE_ARN)[0]) if cut == 0 else None
    last = max(index for index, part in enumerate(parts) if isinstance(part, str) and "/" in part)
    name = exact(text([str(parts[last]).rpartition("/")[2], *parts[last + 1 :]]))
    matched = [
        each
        for each in roles
        if not (account and each.role.stack.account and account[1] != each.role.stack.account)
        and overlap(_name_pattern(each), name)
    ]
    sure = len(matched) == 1 and not has_hole(name) and not has_hole(_name_pattern(matched[0]))
    return tuple(matched), sure


def _name_pattern(role: Deployer) -> Pattern:
    """The role's name as a pattern; CloudFormation makes one of the stack's name and the logical id where none is."""
    value = role.role.get("RoleName")
    if isinstance(value, Known) and isinstance(value.value, str | Text):
        return exact(value.value)
    if isinstance(value, Absent):
        # Cut where the whole would be longer than a role's name may be.
        return glob(f"{role.role.stack.name}-{role.role.logical_id}"[:40] + "*")
    return glob("*")


def _by_name(
    role: Text, job: EffectiveJob, roles: tuple[Deployer, ...], deployment: Deployment
) -> tuple[tuple[Deployer, ...], bool]:
    """Roles that a secret's or a variable's name can mean."""
    hole = role.only_hole
    name = _EXPRESSION.findall(hole.shown)[-1] if hole and _EXPRESSION.search(hole.shown) else ""
    purposes = {_PURPOSES[word] for word in words(name) if word in _PURPOSES}
    meant = list(roles)
    if purposes:
        agreeing = [each for each in meant if purposes & _purposes(each)]
        silent = [each for each in meant if not _purposes(each)]
        meant = agreeing or silent
        if not meant:
            return (), False
    named = environment_of(name) or job.environment_name
    if named and len(meant) > 1:
        theirs = {id(each): _environment(each, deployment) for each in meant}
        own = [each for each in meant if theirs[id(each)] and same_environment(theirs[id(each)], named)]
        meant = own or [each for each in meant if not theirs[id(each)]] or meant
    elif environment_of(name):
        other = _environment(meant[0], deployment)
        if other and not same_environment(other, named):
            return (), False
    if len(meant) > 1 and not purposes:
        # A name that says nothing of what it is for, in a job that deploys or in one that does not.
        deploying = [each for each in meant if each.deploys]
        meant = deploying if len(deploying) == 1 and job.environment_name else meant
    return tuple(meant), len(meant) == 1


def _own_words(role: Deployer) -> list[str]:
    value = role.role.get("RoleName")
    name = str(value.value) if isinstance(value, Known) and isinstance(value.value, str | Text) else ""
    return words(name) + words(_HASH.sub("", role.role.logical_id))


def _purposes(role: Deployer) -> set[str]:
    return {_PURPOSES[word] for word in _own_words(role) if word in _PURPOSES}


def _environment(role: Deployer, deployment: Deployment) -> str:
    """The one environment that a role is for, by its name or by the stack it is in; empty where it is for several."""
    value = role.role.get("RoleName")
    name = str(value.value) if isinstance(value, Known) and isinstance(value.value, str | Text) else ""
    spoken = environment_of(name) or environment_of(_HASH.sub("", role.role.logical_id)) or ""
    if spoken and spoken != "shared":
        return spoken
    home = role.role.stack.environment
    homes = {each.role.stack.environment for each in deployment.github_roles}
    own = any(each.name == home for each in deployment.environments)
    return home if own and len(homes) > 1 else ""


def merged(answers: Iterable[bool | None]) -> bool | None:
    """What holds for every candidate: their common answer, ``None`` where they differ."""
    found = set(answers)
    return found.pop() if len(found) == 1 else None
