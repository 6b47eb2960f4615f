"""Shared scripts and workflows take stack, cluster and service names as inputs.

What the review found
    The script that reads stack outputs, the workflow that deploys with CDK and the script that rolls services name
    staging's stack and cluster. Called for production, they read, deploy and roll staging.
What is checked
    Every stack, cluster and service that a call of the AWS CLI, of boto3 or of the CDK names: it is not another
    environment's than the job's own, and where it stands in a script, a reusable workflow or a composite action, it
    does not belong to one environment alone. A default counts where a job comes to it.
When it does not apply
    No job names a stack, a cluster or a service. Names of what all environments share; services called alike in
    each environment's cluster; the workflow or script of one environment alone. A stack of which nothing tells the
    environment belongs to none: a job of a named one may use it.
What cannot be decided
    A script that could not be followed. A default in a program, of a variable or a setting of which nothing tells
    whether it is set.
Fix
    Take the name as an argument or an input without a default, and let each environment's workflow give its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from checker.model.answers import Open
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.rules import Rule, Unseen
from checker.reason.calls.lines import Lines, unfollowed
from checker.reason.names.written import Named, Owners, crosses, fallbacks_of, named_by, written_in

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.possible import Possible

_FIX: Final = "Take it as an argument or an input without a default, and let each environment's workflow give its own."
# A call, the names in it, and what the job's workflow has put into variables and outputs.
_Use = tuple["AwsCall | CdkCommand", tuple[Named, ...], "tuple[Possible, ...]"]


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    owners = Owners(project, (job.environment_name for job in pipeline.jobs))
    lines: Lines[_Use] = Lines()
    for job in pipeline.jobs:
        # Each option that a person may pick, each row of a matrix: its environment and its names belong together.
        for way in job.ways:
            trace = pipeline.trace(way)
            put = tuple(each.value for each in trace.outputs if each.spot.file == way.workflow.file)
            for call in (*trace.aws, *trace.cdk):
                if isinstance(call, AwsCall | CdkCommand) and (
                    (found := tuple(named_by(call))) or any(True for _ in fallbacks_of(call))
                ):
                    lines.add(call, (call, found, put))
        yield from unfollowed(pipeline, job, "which stacks, clusters and services it names")
    for line in lines:
        yield _judged(line.items, line.path, owners)


def _judged(uses: list[_Use], path: str, owners: Owners) -> Judgement:
    for call, names, _ in uses:
        for named in names:
            owner = owners.of(named)
            if owners.is_of_one(named) and crosses(call.job, owner):
                return call.fails(
                    None,
                    f"A job of {call.environment_name} uses {owner}'s {named.kind} {named.name}.",
                    fix=_FIX,
                    path=path,
                    expected=f"the {named.kind} of {call.environment_name}",
                    actual=named.name,
                )
    unclear: Judgement | None = None
    # How many uses name anything of a kind, and how many name this: looked up, for a loop may make thousands of them.
    kinds = Counter(kind for _, names, _ in uses for kind in {each.kind for each in names})
    same = Counter(named for _, names, _ in uses for named in {(each.kind, each.name) for each in names})

    def varies(named: Named) -> bool:
        """Whether the line names something else of the kind for another job: what is written there is a choice."""
        return kinds[named.kind] > same[named.kind, named.name]

    for call, names, put in uses:
        for named in names:
            owner = owners.of(named)
            file = written_in(call, named, owner, put) if owners.is_of_one(named) else None
            if isinstance(file, Open) and not varies(named):
                why = f"whether {call.spot.file} names {named.name} whatever it is told: {file.why}"
                unclear = unclear or call.undecided(None, why, fix=_FIX, path=path)
            elif isinstance(file, str) and not varies(named):
                whose = f"{owner}'s" if owner else "one environment's"
                said = f"{file} serves every environment and names {whose} {named.kind}: {named.name}."
                if owner is None and not owners.are_several:
                    said = f"{file} names the {named.kind} {named.name} itself, so it can serve one environment only."
                return call.fails(
                    None,
                    said,
                    fix=_FIX,
                    path=path,
                    expected=f"a {named.kind} that the caller names",
                    actual=named.name,
                )
    if unclear is not None:
        return unclear
    for call, *_ in uses:
        for named, variable in fallbacks_of(call):
            owner = owners.of(named)
            if owners.is_of_one(named) and crosses(call.job, owner):
                why = f"whether a job of {call.environment_name} uses {owner}'s {named.kind} {named.name}"
                return call.undecided(None, f"{why}: it does where nothing sets {variable}", fix=_FIX, path=path)
    return uses[0][0].passes(None, "It names no environment's own, or what its caller gives.", path=path)


RULE = Rule(
    id="W3",
    looked_for="",
    looked_for_in_pipeline="stack, cluster or service that a job names",
    check_pipeline=check_pipeline,
    unseen=Unseen("which names are written out", own=True),
)
