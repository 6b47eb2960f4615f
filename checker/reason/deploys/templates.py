"""Which files of the repository a pipeline hands to CloudFormation: templates, and assemblies by ``cdk --app``."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Trace
from checker.model.possible import Possible, options
from checker.model.sources import Spot
from checker.model.values import Absent

# Source: AWS CLI Command Reference, "cloudformation deploy" (a path) and "create-stack" and its kin (``file://``).
_OPERATIONS = frozenset({"deploy", "CreateStack", "UpdateStack", "CreateChangeSet", "CreateStackSet", "UpdateStackSet"})
_FILE = "file://"


def templates_given(pipeline: Pipeline) -> Iterator[tuple[str, Spot]]:
    """Each file or folder below the repository's root that a job deploys from, and where it does. Those that only the
    run knows are none."""
    for job in pipeline.jobs:
        for way in job.ways:
            yield from _given(pipeline.trace(way))


def _given(trace: Trace) -> Iterator[tuple[str, Spot]]:
    for action in trace.actions:
        if isinstance(action, CdkCommand):
            for name in ("app", "a"):
                yield from _below(action, action.options.get(name, ""))
        elif isinstance(action, AwsCall) and action.service == "cloudformation" and action.operation in _OPERATIONS:
            yield from _below(action, action.text("templatefile"))
            yield from _below(action, action.text("templatebody"), _FILE)


def _below(action: AwsCall | CdkCommand, value: Possible | Absent, start: str = "") -> Iterator[tuple[str, Spot]]:
    folder = action.folder
    if folder is None or isinstance(value, Absent):
        return
    for option in options(value) or ():
        if not isinstance(option, str) or not option.startswith(start):
            continue
        name = option.removeprefix(start)
        path = posixpath.normpath(posixpath.join(folder, name))
        if name and "://" not in name and not path.startswith(("/", "../")):
            yield path, action.spot
