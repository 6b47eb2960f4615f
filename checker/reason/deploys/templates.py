"""Which files of the repository a pipeline hands to CloudFormation: templates, and assemblies by ``cdk --app``."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator

from checker import lazy_re
from checker.data.harmless import program_is_harmless
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, How, Trace
from checker.model.possible import Possible, options, shown
from checker.model.sources import Spot
from checker.model.values import Absent

# Source: AWS CLI Command Reference, "cloudformation deploy" (a path) and "create-stack" and its kin (``file://``).
_OPERATIONS = frozenset({"deploy", "CreateStack", "UpdateStack", "CreateChangeSet", "CreateStackSet", "UpdateStackSet"})
_FILE = "file://"
_MAKERS = frozenset({"aws", "sam", "cdk"})
# What only reads a template that is there.
_NOT_MADE = frozenset(
    {"deploy", "create-stack", "update-stack", "create-change-set", "create-stack-set", "update-stack-set"}
    | {"validate-template", "cfn-lint", "cfn-guard", "cfn_nag_scan", "checkov", "cat", "ls", "test", "[", "rm", "stat"}
)


def templates_given(pipeline: Pipeline) -> Iterator[tuple[str, Spot]]:
    """Each file or folder below the repository's root, or of the runner, that a job deploys from, and where it does.
    Those that only the run knows are none."""
    for job in pipeline.jobs:
        for way in job.ways:
            yield from _given(pipeline.trace(way))


def maker_of(pipeline: Pipeline, path: str, judged: Collection[str]) -> Command | None:
    """The command that makes a template which a job deploys, where it is made of none that is judged.

    What packs, builds or synthesizes makes it of those (AWS CLI Command Reference, "cloudformation package"; SAM
    documentation, "sam build"; CDK documentation, "cdk synth"); so does what names one of them.
    """
    if any(posixpath.basename(file) == posixpath.basename(path) for file in judged):
        return None
    found: Command | None = None
    for job in pipeline.jobs:
        for command in pipeline.trace(job).commands:
            words = [word for word in command.words if isinstance(word, str)]
            written = [str(each.target) for each in command.writes if each.operator.startswith(">")]
            named = {posixpath.normpath(posixpath.join(command.folder or "", word)) for word in (*words, *written)}
            if path not in named or not _NOT_MADE.isdisjoint(words[:4]):
                continue
            if command.program in _MAKERS or not named.isdisjoint(judged):
                return None
            found = found or command
    return found


# Steps that make no file of the repository.
_MAKES_NONE = lazy_re.compile(
    r"actions/(?:checkout|setup-[\w-]+)|[\w-]+/setup-[\w-]+|aws-actions/(?!aws-cloudformation)[\w-]+"
)


def nobody_makes(pipeline: Pipeline, path: str) -> bool:
    """Whether a job deploys a file in which nothing can have made it: no command that names it or its folder, that
    builds templates or that runs code, and no action that brings files."""
    for job in pipeline.jobs:
        for way in job.ways:
            trace = pipeline.trace(way)
            if path not in dict(_given(trace)) or not trace.complete:
                continue
            brings = any(step.uses and not _MAKES_NONE.match(step.step.action.lower()) for step in way.steps)
            if not brings and not any(_may_make(command, path) for command in trace.commands):
                return True
    return False


def _may_make(command: Command, path: str) -> bool:
    words = [word for word in command.words if isinstance(word, str)]
    written = [str(each.target) for each in command.writes if each.operator.startswith(">")]
    named = {posixpath.normpath(posixpath.join(command.folder or "", word)) for word in (*words, *written)}
    if command.program in {"cdk", "sam"}:
        return "deploy" not in words
    reads = not _NOT_MADE.isdisjoint(words[:4])
    if command.program == "aws":
        return not reads and ("package" in words[:3] or words[1:2] == ["s3"] or path in named)
    if reads or command.entered:
        return False
    unknown = len(words) < len(command.words) or not program_is_harmless(command.words)
    return unknown or not named.isdisjoint({path, posixpath.dirname(path) or path})


def _given(trace: Trace) -> Iterator[tuple[str, Spot]]:
    for action in trace.actions:
        if isinstance(action, CdkCommand):
            for name in ("app", "a"):
                yield from _below(action, action.options.get(name, ""))
        elif isinstance(action, AwsCall) and action.service == "cloudformation" and action.operation in _OPERATIONS:
            yield from _below(action, action.text("templatefile"))
            yield from _below(action, action.text("templatebody"), _FILE)


def unnamed_templates(pipeline: Pipeline, judged: Collection[str]) -> Iterator[tuple[str, Spot]]:
    """What a command hands to CloudFormation as a template without a file of the repository to look at: what a program
    writes into a pipe or an argument, what lies at an address. Not where its job names a judged template besides."""
    names = {posixpath.basename(file) for file in judged}
    for job in pipeline.jobs:
        for way in job.ways:
            trace = pipeline.trace(way)
            found = [
                (what, call.spot)
                for call in trace.aws
                if call.how in {How.CLI, How.CLI_CUSTOM} and call.service == "cloudformation"
                if call.operation in _OPERATIONS
                for what in _unnamed(call)
            ]
            if found and not any(posixpath.basename(word) in names for word in _named_words(trace)):
                yield from found


def _unnamed(call: AwsCall) -> Iterator[str]:
    file, body, url = (call.text(name) for name in ("templatefile", "templatebody", "templateurl"))
    if not isinstance(file, Absent) and _PIPE.match(shown(file)):
        yield "standard input or a pipe"
    if not isinstance(body, Absent) and not _WRITTEN_BODY.match(shown(body)):
        yield "the text that a command gives"
    if isinstance(url, str) and url:
        yield url.partition("?")[0].rpartition("@")[2]  # without what may be a signature or a password


def _named_words(trace: Trace) -> Iterator[str]:
    for command in trace.commands:
        yield from (word for word in command.words if isinstance(word, str))
        yield from (str(each.target) for each in command.writes)


# Source: Bash Reference Manual, "Process Substitution" and "Redirections" (/dev/stdin, /dev/fd/N).
_PIPE = lazy_re.compile(r"(?:file://)?/dev/|<\(")
# A file, or a template that is written out at the command.
_WRITTEN_BODY = lazy_re.compile(r"file://(?!/dev/)|\s*(?:\{\s*\"|[A-Z]\w+:|---)")


def _below(action: AwsCall | CdkCommand, value: Possible | Absent, start: str = "") -> Iterator[tuple[str, Spot]]:
    folder = action.folder
    if folder is None or isinstance(value, Absent):
        return
    for option in options(value) or ():
        if not isinstance(option, str) or not option.startswith(start):
            continue
        name = option.removeprefix(start)
        path = posixpath.normpath(posixpath.join(folder, name))
        if name and "://" not in name and not path.startswith("../"):
            yield path, action.spot
