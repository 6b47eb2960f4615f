"""What AWS runs elsewhere for a call: commands on instances, builds, pipelines, state machines. Each may do all that a
job does; whether it is known to change nothing.

Sources: the API references of AWS Systems Manager, CodeBuild, CodePipeline, Step Functions, Service Catalog and Proton.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Final

from checker import lazy_re
from checker.data.harmless import program_is_harmless
from checker.model.pipeline.scripts import AwsCall
from checker.model.sources import Problem, brief
from checker.resolve.trace.commands.foreign import FIX

# What AWS's own documents do that change nothing of what is deployed (AWS Systems Manager User Guide, "Predefined
# Command documents").
_UPKEEP: Final = lazy_re.compile(
    r"AWS-(?:UpdateSSMAgent|RunPatchBaseline\w*|GatherSoftwareInventory|List\w+|FindWindowsUpdates|RefreshAssociation|"
    r"RunInspecChecks|ConfigureCloudWatch)|AmazonCloudWatch-ManageAgent"
)
# What only looks. An instance is no runner that is thrown away: to pull code there, or to restart what runs there, is
# to deploy. Program -> its verbs that look, none where all that it does is to look.
_LOOKS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(
        ("uptime", "df", "du", "free", "ps", "cat", "head", "tail", "ls", "stat", "wc", "grep", "journalctl", "date",
         "hostname", "whoami", "id", "uname", "echo", "printf", "true", "sleep", "test", "nproc", "lsblk", "vmstat",
         "netstat", "ss", "dig", "nslookup", "nc", "ping", "getent", "pgrep", "which", "cd", "pwd"),
        frozenset(),
    ),
    **dict.fromkeys(
        ("docker", "podman"),
        frozenset({"ps", "images", "logs", "inspect", "stats", "info", "version", "top", "port", "events"}),
    ),
    "systemctl": frozenset({"status", "is-active", "is-enabled", "is-failed", "show", "list-units", "cat"}),
    "git": frozenset({"status", "log", "rev-parse", "show", "diff", "describe"}),
}  # fmt: skip
# In the short form a value ends where the next parameter begins (AWS CLI User Guide, "Using shorthand syntax").
_COMMANDS: Final = lazy_re.compile(r"(?:^|,)\s*commands?\s*=")
_NEXT: Final = lazy_re.compile(r",\s*\w+\s*=")

# Documents by which a session runs one command and ends.
_ONE_COMMAND: Final = frozenset({"AWS-StartInteractiveCommand", "AWS-StartNoninteractiveCommand"})
# Calls that start what stands in no file that the job hands over -> its argument that names it, and what it is.
_STARTED: Final = {
    ("codebuild", "StartBuild"): ("projectName", "the build"),
    ("codebuild", "StartBuildBatch"): ("projectName", "the builds"),
    ("codepipeline", "StartPipelineExecution"): ("name", "the pipeline"),
    ("stepfunctions", "StartExecution"): ("stateMachineArn", "the state machine"),
    ("stepfunctions", "StartSyncExecution"): ("stateMachineArn", "the state machine"),
    ("ssm", "StartAutomationExecution"): ("documentName", "the automation"),
    ("servicecatalog", "ProvisionProduct"): ("provisionedProductName", "the product"),
    ("servicecatalog", "UpdateProvisionedProduct"): ("provisionedProductName", "the product"),
    ("proton", "UpdateServiceInstance"): ("name", "the instance"),
    ("proton", "UpdateServicePipeline"): ("serviceName", "the pipeline of"),
}


def unread_remote(call: AwsCall) -> Problem | None:
    """That what a call has AWS run was not followed; ``None`` where it runs nothing, or is known to change nothing."""
    if (started := _STARTED.get((call.service, call.operation))) is not None:
        name, what = started
        named = call.text(name)
        shown = f" {brief(named.rpartition(':')[2], 60)}" if isinstance(named, str) else ""
        return Problem(call.spot, f"what {what}{shown} does was not followed", FIX, elsewhere=True)
    document, told = call.text("documentName"), call.argument("parameters")
    of_session = call.operation.lower().replace("-", "") == "startsession" and document in _ONE_COMMAND
    if call.service != "ssm" or not (call.operation == "SendCommand" or of_session):
        return None
    if isinstance(document, str) and _UPKEEP.fullmatch(document.rpartition("/")[2]):
        return None
    what = "aws ssm start-session" if of_session else "aws ssm send-command"
    lines = _commands(told) if isinstance(told, str) else []
    if lines and all(map(_changes_nothing, lines)):
        return None
    return Problem(call.spot, f"what `{what}` runs on its instances was not followed", FIX, elsewhere=True)


def _commands(told: str) -> list[str]:
    """The lines that instances are to run, as JSON or the short form has them; none where they are not told."""
    given = _read(told)
    if isinstance(given, dict):
        return _quoted(given.get("commands", given.get("command")))
    found = _COMMANDS.search(told)
    if found is None:
        return []
    rest = told[found.end() :]
    other = _NEXT.search(rest)
    value = (rest if other is None else rest[: other.start()]).strip()
    known = _read(value)
    if known is None:  # an item that has a comma falls apart here: what is left of it is then not known
        return [each.strip(" \n'\"") for each in value.removeprefix("[").removesuffix("]").split(",")]
    return _quoted(known)


def _read(text: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _quoted(listed: object) -> list[str]:
    return [str(each) for each in listed] if isinstance(listed, list) else [str(listed)]


def _changes_nothing(line: str) -> bool:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return False
    words = words[1:] if words[:1] == ["sudo"] else words
    if not words:
        return True
    verbs = _LOOKS.get(words[0])
    looks = verbs is not None and (not verbs or verbs.issuperset(words[1:2]))
    return looks and not re.search(r"[;&|`$<>()\n]", line.strip()) and program_is_harmless(tuple(words))
