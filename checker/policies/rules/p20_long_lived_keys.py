"""No job uses long-lived AWS keys.

What the review found
    Nothing: found since. A key pair of an IAM user works from anywhere, for whoever reads it once, until somebody
    thinks of rotating it; a role that a job assumes by its OIDC token is gone after the run.
What is checked
    Every job: no access key comes to it from a secret, a variable of the repository or the text of a workflow or
    script, by whatever way it is handed on (an action's inputs, ``env``, ``export``, ``$GITHUB_ENV``, ``aws
    configure``, a shared credentials file, a program on standard input, the inputs and secrets of a called workflow),
    nor from where such pairs are kept (a secret of AWS Secrets Manager, a parameter of Systems Manager). A key pair
    that is only there to assume a role with is long-lived too. What an earlier step obtained for this run (a session
    with its token) is not.
When it does not apply
    No job acts in an AWS account. Keys for an emulator or for another vendor's storage (``AWS_ENDPOINT_URL``, and where
    every call of the job, or of the only step that has them, goes to such an endpoint, a Python program's too), and
    made-up values such as ``test``.
What cannot be decided
    Keys from an input that nobody here gives, or from a step that is not known to make short-lived ones; a credentials
    file that is a secret as a whole; a workflow of another repository.
Fix
    Let a role trust the repository's OIDC tokens, assume it with ``role-to-assume``, and delete the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.possible import Possible, open_text, options, shown
from checker.model.rules import Rule
from checker.model.values import Absent, Answered, Hole, RunValue, Text, pieces, text
from checker.reason.deploys.paths import once

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.pipeline.pipeline import Pipeline, Unfollowed
    from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Trace
    from checker.model.sources import Problem

    Holder: TypeAlias = "EffectiveJob | EffectiveStep | Command | AwsCall | Unfollowed"

_FIX: Final = "Assume a role by the job's OIDC token (role-to-assume, id-token: write), then delete the key."
# Names of a key pair's halves without their punctuation: AWS_ACCESS_KEY_ID, aws-access-key-id, secretAccessKey.
_KEY: Final = lazy_re.compile(r"accesskeyid$|secretaccesskey$|aws(?:access|secret)(?:key)?(?:id)?$|awskey(?:id)?$")
_TOKEN: Final = lazy_re.compile(r"sessiontoken$")
# Where all calls go, and where those of one service do: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3. What actions call that
# of storage, without digits: AWS_S3_ENDPOINT, s3-endpoint.
_ENDPOINT: Final = lazy_re.compile(r"awsendpointurl")
_ENDPOINT_OF_ONE: Final = lazy_re.compile(r"awsendpointurl.+")
_ENDPOINT_OF_ACTIONS: Final = lazy_re.compile(r"awsendpointurl.+|(?:aws|s|awss)endpoint(?:url|uri)?")
# AWS IAM User Guide, "Understanding unique ID prefixes": AKIA is an access key, ASIA a temporary one.
_LONG: Final = lazy_re.compile(r"\bAKIA[A-Z2-7]{9}(?!.{0,7}EXAMPLE)[A-Z2-7]{7}\b")
_STORED: Final = lazy_re.compile(r"\b(secrets|vars)(?:\.|\[)\W*([A-Za-z_][\w-]*)")
# A half of a key pair in a profile, in code or in JSON, right before its value.
_SETTING: Final = lazy_re.compile(r"(aws_access_key_id|aws_secret_access_key)\b\W{0,6}$", re.IGNORECASE)
_CONTENT: Final = "the content of the credentials file"
# What ``aws configure`` is asked for besides a key pair.
_NO_KEYS: Final = frozenset(
    {"add-model", "export-credentials", "get", "list", "list-profiles", "mfa-login", "set", "sso", "sso-session"}
)
_NAMED_KEY: Final = "aws_access_key_id"
_CREDENTIALS: Final = lazy_re.compile(r"\.aws/(?:credentials|config)$")
_OTHER_STORE: Final = lazy_re.compile(r"\bendpoint_?url\W+(?!\S*amazonaws)\S", re.IGNORECASE)
# An interpreter of Python, or a program of its own in it.
_OF_PYTHON: Final = lazy_re.compile(r"(?:python|pypy)[\d.]*|.+\.py")
_FORM: Final = lazy_re.compile(r"%[-+ #0-9.]*[sbq]")
_HERE: Final = "An access key of an IAM user is written out here."
# What keeps texts for later, and what makes a key pair of a user: AWS Systems Manager, AWS Secrets Manager, AWS IAM.
_KEPT: Final = lazy_re.compile(
    r"\bget-?(?:parameters?(?:-?by-?path)?|secret-?value)\b|\bcreate-?access-?key\b", re.IGNORECASE
)
_VAULT: Final = "hashicorp/vault-action"
_OF_REFERENCES: Final = "1password/load-secrets-action"
_OF_VAULT: Final = lazy_re.compile(r"(?P<path>\S+)\s+(?P<key>\S+)\s*\|\s*(?P<name>[\w-]+)")
_MADE_FOR_RUN: Final = lazy_re.compile(r"[\w/-]*aws[\w-]*/(?:creds|sts)/")
_OF_RUN: Final = lazy_re.compile(r"\b(?:steps|needs|jobs)\.|\$\(|@|\bassume", re.IGNORECASE)


class _Given(Struct, frozen=True):
    """A value that a step or a command is given, under which name; ``path`` is where it stands. ``of_store``: beside it
    stands where the calls of one service go, which is not AWS."""

    holder: Holder
    path: str
    name: str
    value: Possible
    with_token: bool
    of_store: bool = False


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:  # noqa: ARG001 - no template tells
    yield from once(judgement for job in pipeline.jobs for judgement in _judged(job, pipeline))
    yield from once(judgement for each in pipeline.unfollowed for judgement in _handed_on(each))
    read = {each.job for each in pipeline.unfollowed}
    yield from once(judgement for each in pipeline.elsewhere if each not in read for judgement in _in_sight(each))


def _handed_on(called: Unfollowed) -> Iterator[Judgement]:
    """What a workflow of another repository is given: a key pair, whether or not anybody sees it used, or all secrets.
    Those of an environment it may have without being given any (GitHub documentation, "Reuse workflows")."""
    if not called.job.calls:
        return
    key = next((each for each in _handed(called, called.job) if _is_long_lived(each)), None)
    if key is not None and (answer := _is_long_lived(key)):
        yield called.fails(None, answer, fix=_FIX, path=key.path, expected="a role that the job assumes")
    else:
        yield called.undecided(None, f"which keys it uses: {called.problem}", fix=_FIX)


def _in_sight(job: EffectiveJob) -> Iterator[Judgement]:
    """A key pair that is no secret, where a workflow of another repository is given nothing else to act with."""
    doubt: _Given | None = None
    for each in _handed(job, job):
        if answer := _is_long_lived(each):
            yield job.fails(None, answer, fix=_FIX, path=each.path, expected="a role that the job assumes")
            return
        doubt = each if answer is None and doubt is None else doubt
    if doubt is not None:
        yield job.undecided(None, f"whether {doubt.name} is a key that lives on", path=doubt.path, fix=_FIX)


def _handed(holder: Holder, job: EffectiveJob) -> Iterator[_Given]:
    """The inputs and secrets that a job gives to the workflow that it calls."""
    secrets = job.job.secrets if isinstance(job.job.secrets, Mapping) else {}
    given = {**job.job.with_, **secrets}
    written = {name: each.value for name, each in given.items() if isinstance(each.value, str)}
    values = {name: open_text(value) if "${{" in value else value for name, value in written.items()}
    for each in (given for given in _of(holder, "", values) if not given.of_store):
        yield replace(each, path=f"{'secrets' if each.name in secrets else 'with'}.{each.name}")


def _judged(job: EffectiveJob, pipeline: Pipeline) -> Iterator[Judgement]:
    doubt: _Given | None = None
    trace = pipeline.trace(job)
    for given in _given(job, pipeline):
        answer = _is_long_lived(given)
        if given.of_store and answer != _HERE and not _acts_at_aws(given, job, trace):
            continue
        if answer not in ("", _HERE) and not given.path.startswith("with") and _goes_elsewhere(given, job, trace):
            continue  # of another vendor's storage
        if answer:
            yield given.holder.fails(None, answer, fix=_FIX, path=given.path, expected="a role that the job assumes")
            return
        if answer is None:
            doubt = doubt or given
    if doubt is not None:
        yield doubt.holder.undecided(None, f"whether {doubt.name} is a key that lives on", path=doubt.path, fix=_FIX)
        return
    if job.credentials or trace.aws or trace.cdk:
        yield job.passes(None, "It acts with a session of its own.")


# What uses no keys of anybody's.
_USES_NONE: Final = frozenset(
    {"[", "apt", "apt-get", "cat", "cd", "chmod", "cp", "date", "echo", "exit", "export", "false", "find", "git",
     "grep", "gunzip", "gzip", "head", "jq", "ls", "mkdir", "mv", "pip", "pip3", "printf", "rm", "sed", "set", "sleep",
     "sort", "tail", "tar", "test", "touch", "true", "unzip", "wc", "zip"}
)  # fmt: skip


def _goes_elsewhere(given: _Given, job: EffectiveJob, trace: Trace) -> bool:
    """Whether all that may use a key pair is seen to speak to another vendor's storage, or to an emulator: what a step
    is handed for itself no other step has, what is handed otherwise may be used in all of the job."""
    step = _own_step(given, job)
    if step is None:
        others = any(each.step.action and not each.step.action.startswith("actions/") for each in job.steps)
        if others or job.credentials or not trace.complete:
            return False
    elif any(each.unread and _may_concern(each, step, job) for each in trace.problems):
        return False
    if _acts_at_aws(given, job, trace):
        return False
    commands = [each for each in trace.commands if _is_of(each, step)]
    return bool(commands) and all(_uses_none(each, trace) for each in commands)


def _own_step(given: _Given, job: EffectiveJob) -> EffectiveStep | None:
    """The only step that has a value, where there is such a one."""
    return next((each for each in job.steps if each is given.holder), None) if given.path.startswith("env") else None


def _acts_at_aws(given: _Given, job: EffectiveJob, trace: Trace) -> bool:
    """Whether calls of AWS are on record among what may use a key pair."""
    step = _own_step(given, job)
    return any(_is_of(each, step) for each in trace.aws) or any(_is_of(each, step) for each in trace.cdk)


def _is_of(action: Command | AwsCall | CdkCommand, step: EffectiveStep | None) -> bool:
    """Whether something may be done by a step; of an action that is used twice, by one of the two."""
    return step is None or action.step is None or action.step.spot == step.spot


def _uses_none(command: Command, trace: Trace) -> bool:
    """Whether a command of what is followed as a whole uses no keys at AWS, but for the calls that are on record."""
    program = command.program
    if program in _USES_NONE or command.entered:
        return True
    way = command.reached.way
    if program == "aws":
        return any(each == way for each, _ in trace.elsewhere)
    own = _OF_PYTHON.fullmatch(program) is not None
    return own and any(each[: len(way)] == way for each, _ in trace.elsewhere)


def _may_concern(problem: Problem, step: EffectiveStep, job: EffectiveJob) -> bool:
    """Whether what could not be read may be of this step: it does not stand in another one."""
    file, line = problem.spot.file, problem.spot.line
    above = [each for each in job.steps if each.spot.file == file and each.spot.line <= line]
    return not above or max(above, key=lambda each: each.spot.line).spot == step.spot


def _given(job: EffectiveJob, pipeline: Pipeline) -> Iterator[_Given]:
    for step in job.steps:
        if step.runs is NO:
            continue
        yield from _of(step, "with", step.with_, of_action=True)
        for given in _of(step, "env", step.env, of_action=bool(step.step.action)):
            # What all steps of a job are handed is the job's: it is told of there.
            yield given if given.name in step.step.env else replace(given, holder=job)
        yield from (_Given(step, "run", "", value, False) for value in step.expressions.values())
        yield from _kept_elsewhere(step)
    trace = pipeline.trace(job)
    # `export` is on record once for each name.
    tokens = {each.spot for each in trace.commands if _has_token(each)}
    for command in trace.commands:
        whole = command.program == "export" and command.spot in tokens
        for given in _of(command, "", command.environment):
            yield replace(given, with_token=given.with_token or whole)
        words = [word for word in command.words if not (isinstance(word, str) and word.startswith("-"))]
        if command.program == "aws" and words[1:3] == ["configure", "set"] and len(words) > 4:
            yield _Given(command, "", str(words[3]), words[4], False)
    yield from (_Given(call, "", _NAMED_KEY, call.key, False) for call in trace.aws if not isinstance(call.key, Absent))
    for output in trace.outputs:
        above = [
            step for step in job.steps if step.spot.file == output.spot.file and step.spot.line <= output.spot.line
        ]
        if not output.step and job.steps:
            yield _Given((above or job.steps)[-1], "run", output.name, output.value, False)
    for command in trace.commands:
        yield from _written(command)


def _kept_elsewhere(step: EffectiveStep) -> Iterator[_Given]:
    """The halves of a key pair that an action takes out of a store of secrets for the steps that follow (README of
    hashicorp/vault-action, ``secrets``: ``path key | NAME``); what a store makes for the run has a path of its own
    (Vault documentation, "AWS secrets engine"). A token beside them is a session's."""
    action = step.step.action.lower()
    if action == _VAULT:
        lines = [found for found in map(_OF_VAULT.fullmatch, _lines_of(step.with_.get("secrets", ""))) if found]
        token = any(_TOKEN.search(_plain(each["name"])) for each in lines)
        kept = [each for each in lines if _KEY.search(_plain(each["name"])) and not _MADE_FOR_RUN.match(each["path"])]
        for each in kept:
            yield _Given(step, "with.secrets", each["name"], open_text(f"get-secret-value {each['path']}"), token)
    elif action == _OF_REFERENCES:
        token = any(_TOKEN.search(_plain(name)) for name in step.env)
        for name, value in step.env.items():
            if _KEY.search(_plain(name)) and shown(value).startswith("op://"):
                yield _Given(step, f"env.{name}", name, open_text(f"get-secret-value {shown(value)}"), token)


def _lines_of(value: Possible) -> list[str]:
    return [each.strip() for each in re.split(r"[;\n]", shown(value))]


def _written(command: Command) -> Iterator[_Given]:
    """What a command prints, or hands to a program, that has the names of a key pair in it; and what it puts into the
    file that AWS's programs take their keys from (AWS CLI User Guide, "Configuration and credential file settings",
    "aws configure import")."""
    handed = [each.target for each in command.writes if each.operator.startswith("<<")]
    plain = [word for word in command.words if not (isinstance(word, str) and word.startswith("-"))]
    if command.program == "aws" and plain[1:2] == ["configure"] and _NO_KEYS.isdisjoint(map(str, plain[2:3])):
        value = handed[0] if handed else open_text("aws configure", "standard input")
        yield _Given(command, "", _NAMED_KEY, value, False)
    spoken = _as_printed(command.words)
    said = [*handed, *([spoken] if spoken is not None else [])]
    if any(_OTHER_STORE.search(str(option)) for value in said for option in options(value) or ()):
        return
    texts = [option for value in said for option in options(value) or () if isinstance(option, Text)]
    for each in texts:
        token = "aws_session_token" in str(each).lower()
        for before, hole in pairwise(each.parts):
            if isinstance(hole, Hole) and isinstance(before, str) and (named := _SETTING.search(before)):
                yield _Given(command, "", named[1], text([hole]), token)
    targets = [shown(write.target) for write in command.writes if write.operator in (">", ">>", ">|")]
    targets += [shown(word) for word in plain[1:]] if command.program == "tee" else []
    if any(_CREDENTIALS.search(target) for target in targets):
        stored = [hole for each in texts for hole in each.holes if _STORED.search(hole.shown)]
        if stored or not (handed or (command.program in ("echo", "printf") and spoken is not None)):
            value = Text((stored[0],)) if stored else open_text("standard input")
            yield _Given(command, "", _CONTENT, value, False)


def _as_printed(words: Sequence[Possible]) -> Possible | None:
    """The words in one, where all are known to be one text each; what ``printf`` is given stands in its format."""
    parts: list[str | Hole] = []
    known = [pieces(word) for word in words[1:] if isinstance(word, str | Text)]
    if len(known) < len(words) - 1:
        return None
    if words[:1] == ("printf",) and known and all(isinstance(part, str) for part in known[0]):
        between = _FORM.split("".join(map(str, known[0])))
        for index, literal in enumerate(between):
            parts += [literal, *(known[index + 1] if index + 1 < min(len(known), len(between)) else ())]
        return text(parts)
    for each in known:
        parts += [*each, " "]
    return text(parts)


def _has_token(command: Command) -> bool:
    return any(_TOKEN.search(_plain(name)) and value not in ("", None) for name, value in command.environment.items())


def _of(holder: Holder, path: str, values: Mapping[str, Possible], *, of_action: bool = False) -> Iterator[_Given]:
    plain = {name: _plain(name) for name in values}
    endpoints = [each for name, each in plain.items() if "amazonaws" not in str(values[name])]
    elsewhere = any(_ENDPOINT.fullmatch(each) for each in endpoints)
    of_one = _ENDPOINT_OF_ACTIONS if of_action else _ENDPOINT_OF_ONE
    of_store = any(of_one.fullmatch(each) for each in endpoints)
    token = any(_TOKEN.search(plain[name]) and values[name] not in ("", None) for name in values)
    for name, value in values.items():
        if not elsewhere:
            yield _Given(holder, f"{path}.{name}" if path else "", name, value, token, of_store)


def _is_long_lived(given: _Given) -> str | None:
    """What is wrong, empty where nothing is, ``None`` where that cannot be told. Never shows the value."""
    named = bool(_KEY.search(_plain(given.name)))
    each = options(given.value)
    if each is None:
        return None if named and not given.with_token else ""
    doubt = False
    for option in each:
        if isinstance(option, str) and _LONG.search(option):
            return _HERE
        if not isinstance(option, Text):
            continue
        if any(isinstance(part, str) and _LONG.search(part) for part in option.parts):
            return _HERE
        stored = [found for hole in option.holes for found in _STORED.finditer(hole.shown)]
        if any(named or _KEY.search(_plain(found[2])) for found in stored) and not given.with_token:
            return f"The job acts with a stored access key ({stored[0][1]}.{stored[0][2]}), which works until deleted."
        kept = next((hole for hole in option.holes if named and _KEPT.search(_source(hole))), None)
        if kept is not None and not given.with_token:
            return "The job acts with an access key that is kept for it, and no session's: it works until deleted."
        made_here = given.with_token or any(_is_of_run(hole) for hole in option.holes)
        doubt = doubt or (named and not stored and not made_here)
    return None if doubt or given.name == _CONTENT else ""


def _is_of_run(hole: Hole) -> bool:
    """Whether a value is made in the run itself, by a step or a call of AWS."""
    return isinstance(hole, Answered) or _OF_RUN.search(_source(hole)) is not None


def _source(hole: Hole) -> str:
    """Where a value comes from, as it is written, or by the operation."""
    if isinstance(hole, Answered):
        return f"{hole.call.service} {hole.call.operation}"
    return f"{hole.shown} {hole.where if isinstance(hole, RunValue) else ''}"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


RULE = Rule(
    id="P20",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="job that acts in an AWS account",
)
