"""What AWS runs elsewhere for a call: commands on instances, builds, pipelines, state machines. Each may do all that a
job does; whether it is known to change nothing.

Sources: the API references of AWS Systems Manager, CodeBuild, CodePipeline, Step Functions, Service Catalog and Proton.
"""

from __future__ import annotations

import json
import re
import shlex
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
_LINES: Final = lazy_re.compile(
    r"""(?:^|[{,\s])["']?commands["']?\s*[=:]\s*(\[.*?\]|"[^"\[]*"|[^\s,\[\]}]+)""", re.DOTALL
)


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
    if (call.service, call.operation) != ("ssm", "SendCommand"):
        return None
    document, told = call.text("documentName"), call.argument("parameters")
    if isinstance(document, str) and _UPKEEP.fullmatch(document.rpartition("/")[2]):
        return None
    lines = _LINES.search(told) if isinstance(told, str) else None
    if lines is not None and all(map(_changes_nothing, _quoted(lines[1]))):
        return None
    return Problem(call.spot, "what `aws ssm send-command` runs on its instances was not followed", FIX, elsewhere=True)


def _quoted(written: str) -> list[str]:
    try:
        found = json.loads(written)
    except ValueError:
        found = [each.strip(" \n'\"") for each in written.strip("[]").split(",")]
    return [str(each) for each in found] if isinstance(found, list) else [str(found)]


def _changes_nothing(line: str) -> bool:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return False
    return not re.search(r"[;&|`$<>()]", line) and (not words or program_is_harmless(tuple(words)))
