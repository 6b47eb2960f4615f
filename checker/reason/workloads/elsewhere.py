"""What builds, jobs, models, apps and instances are told, and what tells a container something when it starts.

Sources: AWS CloudFormation User Guide, each type; AWS Step Functions Developer Guide, "Run Amazon ECS or Fargate tasks"
and Amazon EventBridge User Guide, "Amazon ECS task targets" (overrides).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker.model.environments import Environment
from checker.model.resources import Resource
from checker.model.values import Expression, Known, Resolved, Text, Unknown, Value
from checker.reason.names.custom_resources import decoded
from checker.reason.workloads.scripts import arguments, assignments, init_script, plain_script, without_references
from checker.reason.workloads.variables import Variable

# Services that run containers or programs: whichever of their types names one, or tells it something, does so under one
# of a few names.
RUNNERS: Final = (
    "AWS::Amplify::", "AWS::AppRunner::", "AWS::Batch::", "AWS::BedrockAgentCore::", "AWS::CodeBuild::",
    "AWS::Deadline::", "AWS::ECS::", "AWS::EMRServerless::", "AWS::ElasticBeanstalk::", "AWS::GameLift::",
    "AWS::Glue::", "AWS::Lambda::MicrovmImage", "AWS::Lambda::WebFunction", "AWS::Lightsail::", "AWS::M2::",
    "AWS::Omics::", "AWS::PCS::", "AWS::RoboMaker::", "AWS::SageMaker::",
)  # fmt: skip
# What is told under these names: a list of names and values, or a map (AWS CloudFormation User Guide, each type).
_VARIABLES: Final = frozenset({
    "AirflowConfigurationOptions", "DefaultArguments", "Env", "Environment", "EnvironmentOverride",
    "EnvironmentVariables", "EnvironmentVariablesOverride", "NonOverridableArguments", "OptionSettings",
    "RuntimeEnvironmentVariables", "Variables",
})  # fmt: skip
_WORDS: Final = frozenset(
    {"Args", "Cmd", "Command", "Commands", "ContainerArguments", "ContainerEntrypoint", "EntryPoint"}
)
_TEXTS: Final = frozenset({"BuildCommand", "BuildSpec", "BuildspecOverride", "StartCommand"})
# Told as a list of arguments and variables of their own, which :mod:`checker.reason.workloads.told` reads.
_APART: Final = frozenset({"AWS::ECS::TaskDefinition"})
# What starts containers, and may tell them something on the way.
_STARTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::Events::Rule": ("Targets",),
    "AWS::Pipes::Pipe": ("TargetParameters",),
    "AWS::Scheduler::Schedule": ("Target",),
    "AWS::Serverless::StateMachine": ("Definition",),
    "AWS::StepFunctions::StateMachine": ("Definition", "DefinitionString"),
}
# What an API hands to its functions with every call.
_HANDED_ON: Final[Mapping[str, str]] = {
    "AWS::ApiGateway::Stage": "Variables",
    "AWS::ApiGatewayV2::Stage": "StageVariables",
}
# Text that runs: a function's own code, what an instance does at its first start.
_SCRIPTS: Final[Mapping[str, str]] = {
    "AWS::AutoScaling::LaunchConfiguration": "UserData",
    "AWS::EC2::Instance": "UserData",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateData.UserData",
    "AWS::Lambda::Function": "Code.ZipFile",
    "AWS::Serverless::Function": "InlineCode",
}


def told_elsewhere(environment: Environment) -> Sequence[Variable]:
    """The variables of builds, jobs, apps and models, and what scripts in the template assign as a literal.

    One without a name says that it is not known what is told there. Several rules ask: it is read once.
    """
    key = (_told_elsewhere, environment.name)
    return environment.project.once_for(key, lambda: tuple(_told_elsewhere(environment)))


def _told_elsewhere(environment: Environment) -> Iterator[Variable]:
    kinds = sorted(kind for kind in environment.types if kind.startswith(RUNNERS) and kind not in _APART)
    for owner in environment.resources(*kinds) if kinds else ():
        whole = owner.get("")
        if isinstance(whole, Known):
            yield from _told_in(owner, whole.value, "")
    for kind, places in _STARTERS.items():
        for owner in environment.resources(kind):
            for place in places:
                given = owner.get(place)
                written = given.value if isinstance(given, Known) else None
                yield from _told_in(owner, _as_object(written), place)
    for kind, place in _HANDED_ON.items():
        for owner in environment.resources(kind):
            given = owner.get(place)
            if isinstance(given, Known) and isinstance(given.value, dict):
                yield from _given(owner, given.value, place)
    for kind, place in _SCRIPTS.items():
        for owner in environment.resources(kind):
            yield from _assigned_at(owner, place)
            yield from _of_first_start(owner)


def _of_first_start(owner: Resource) -> Iterator[Variable]:
    """What ``cfn-init`` assigns, and signs in with (AWS CloudFormation User Guide, "AWS::CloudFormation::Init" and
    "... Authentication")."""
    metadata = owner.attribute("Metadata")
    for name, value in assignments(init_script(metadata), program=False):
        yield Variable(owner, owner.logical_id, name or "Metadata", value, "Metadata")
    written = metadata.value if isinstance(metadata, Known) and isinstance(metadata.value, dict) else {}
    logins = written.get("AWS::CloudFormation::Authentication")
    for login in logins.values() if isinstance(logins, dict) else ():
        for key, given in login.items() if isinstance(login, dict) else ():
            yield Variable(owner, owner.logical_id, key, given, "Metadata")


def _told_in(owner: Resource, value: Resolved, path: str) -> Iterator[Variable]:
    """What is told anywhere below a place, wherever a property is called so."""
    pending: list[tuple[Resolved, str]] = [(value, path)]
    while pending:
        node, here = pending.pop()
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            below = f"{here}.{key}" if here else str(key)
            name = str(key)[:1].upper() + str(key)[1:]
            if _is_told(owner, name, inner):
                yield from _given(owner, inner, below)
            elif name in _WORDS and isinstance(inner, list):
                for place, word, index in arguments(name, inner):
                    yield Variable(owner, owner.logical_id, place, word, f"{below}.{index}")
            elif name in _TEXTS and isinstance(inner, str | Text):
                specification = decoded(inner)
                if specification is not None:
                    # What else stands under `env` names secrets (AWS CodeBuild User Guide, "Build specification
                    # reference").
                    env = specification.pop("env", None)
                    given = env.get("variables") if isinstance(env, dict) else env
                    yield from _given(owner, given, f"{below}.env.variables")
                    pending.append((specification, below))
                    continue
                for place, word in assignments(without_references(inner), program=False):
                    yield Variable(owner, owner.logical_id, place or name, word, below)
            else:
                pending.append((_as_object(inner), below))


def _is_told(owner: Resource, name: str, value: Resolved) -> bool:
    """Whether a property's value is a list or a map of variables."""
    if isinstance(value, dict):
        maps = owner.type.startswith("AWS::SageMaker::") or name != "Environment"
        maps = maps and (name != "Variables" or owner.type == "AWS::CodeBuild::Project")
        return (name in _VARIABLES and maps) or (name == "Parameters" and owner.type == "AWS::Batch::JobDefinition")
    open_list = isinstance(value, Unknown) or (isinstance(value, Text) and name != "Environment")
    return name in _VARIABLES and (isinstance(value, list) or open_list)


def _as_object(value: Resolved) -> Resolved:
    """What a JSON text says; anything else as it is."""
    return decoded(value) if isinstance(value, str | Text) else value


def _assigned_at(owner: Resource, place: str) -> Iterator[Variable]:
    given = owner.get(place)
    written = given.value if isinstance(given, Known) else given
    if not isinstance(written, str | Text):
        yield from _nothing_known(owner, given, place)
        return
    if isinstance(written, Text) and isinstance(written.only_hole, Expression):
        yield from _nothing_known(owner, Unknown(f"{written} cannot be evaluated here"), place)
    program = place in ("Code.ZipFile", "InlineCode")
    script = written if program or isinstance(written, Text) else plain_script(written)
    if script is None:
        yield from _nothing_known(owner, Unknown(f"{place} is packed, and not read"), place)
        return
    for name, value in assignments(script, program=program):
        yield Variable(owner, owner.logical_id, name or place.rpartition(".")[2], value, place)


def _nothing_known(owner: Resource, value: Value | Resolved, place: str) -> Iterator[Variable]:
    """A variable without a name, where it is not known before deployment what is told."""
    why = value.why if isinstance(value, Unknown) else f"{place} is not known before deployment"
    if isinstance(value, Unknown | Text):
        yield Variable(owner, owner.logical_id, "", Unknown(why), place)


def _given(owner: Resource, value: Resolved, place: str) -> Iterator[Variable]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield Variable(owner, owner.logical_id, key.lstrip("-"), inner, f"{place}.{key}")
        return
    if not isinstance(value, list):
        yield from _nothing_known(owner, value, place)
        return
    for index, entry in enumerate(value):
        here = f"{place}.{index}"
        if not isinstance(entry, dict):
            yield from _nothing_known(owner, entry, here)
            continue
        said = {key[:1].upper() + key[1:]: inner for key, inner in entry.items()}
        name = next((said[key] for key in ("Name", "OptionName", "Variable", "Key") if key in said), None)
        kind = said.get("Type", "PLAINTEXT")
        yield from _nothing_known(owner, name, f"{here}.Name")
        # CodeBuild's other types are references (AWS CloudFormation User Guide, ProjectEnvironmentVariable).
        if isinstance(name, str) and (kind == "PLAINTEXT" or not isinstance(kind, str)):
            told = said.get("Value") if kind == "PLAINTEXT" else Unknown(f"{here}.Type is not known before deployment")
            yield Variable(owner, owner.logical_id, name, told, f"{here}.Value")
