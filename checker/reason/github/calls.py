"""Every call of GitHub's API that a job makes, with the token that it makes it with.

Sources: GitHub CLI manual, "gh help environment" (``GH_TOKEN`` before ``GITHUB_TOKEN``; in a workflow one of them must
be set); README of actions/github-script (``github-token``, and ``github.rest`` since version 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, options
from checker.model.values import Text
from checker.reason.github.endpoints import (
    Needs,
    command_needs,
    is_open,
    matching,
    methods_of,
    namespaces,
    needs_of,
    octokit,
)
from checker.reason.github.requests import Request, requests_of

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.pipeline.scripts import Trace

    Place: TypeAlias = "EffectiveStep | Command"


class Token(StrEnum):
    """Whose token a call is made with."""

    JOB = "the job's own"
    OTHER = "another"
    NONE = "none"
    OPEN = "not known"


class Call(Struct, frozen=True):
    """One call. ``asked`` is how a message names it; ``wrong`` says why there is no such operation.

    ``needs`` is what its token needs, ``None`` where the operation is not told (``why`` says so).
    """

    place: Place
    asked: str
    token: Token
    needs: Needs | None = ()
    wrong: str = ""
    why: str = ""


_ASKS: Final = lazy_re.compile(r"\bgh auth\b|TOKEN")
_JOBS_OWN: Final = lazy_re.compile(r"github\.token\b|secrets\.GITHUB_TOKEN\b|(?:^|\{)GITHUB_TOKEN\b", re.IGNORECASE)
_TOKEN_NAMES: Final = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE: Final = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_HOST")
_VERBS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_NAMED: Final = lazy_re.compile(r"\b(?:github|octokit)\.rest\.(\w+)\.(\w+)\b(?!\s*\.endpoint\.merge)")
_OLD: Final = lazy_re.compile(r"\bgithub\.(\w+)\.(\w+)\s*\(")
_RAW: Final = lazy_re.compile(r"\.request\(\s*[`'\"](?:(GET|POST|PUT|PATCH|DELETE)\s+)?(/[^`'\"?]*)")
_COMMENT: Final = lazy_re.compile(r"(?<![:\"'`])//[^\n]*|/\*.*?\*/", re.DOTALL)
_EXPRESSION: Final = lazy_re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_FIRST_WITH_REST: Final = 5


def calls_of(job: EffectiveJob, trace: Trace, own_repository: str) -> Iterator[Call]:
    """Every call of a job, in order. ``own_repository`` is ``OWNER/NAME``, empty where that is not known."""
    for index, command in enumerate(trace.commands):
        if command.program == "gh":
            token = _cli_token(command, trace, index)
            yield from _gh(command, token, own_repository)
        else:
            for request in requests_of(command):
                yield _of_request(request, _request_token(command), own_repository)
    for step in job.steps:
        if step.runs is not NO and step.step.action == "actions/github-script":
            yield from _script(step)


def _gh(command: Command, token: Token, own_repository: str) -> Iterator[Call]:
    words = [word for word in command.words[1:] if not (isinstance(word, str) and word.startswith("-"))]
    group, verb = (*(word if isinstance(word, str) else "" for word in words[:2]), "", "")[:2]
    if group == "api":
        for request in requests_of(command):
            yield _of_request(request, token, own_repository)
        return
    needs = command_needs(group, verb)
    if needs is not None:
        elsewhere = _other_repository(command, own_repository)
        yield Call(command, f"gh {group} {verb}", Token.OTHER if elsewhere and token is Token.JOB else token, needs)


def _other_repository(command: Command, own_repository: str) -> bool:
    for index, word in enumerate(command.words):
        if word in ("-R", "--repo") and index + 1 < len(command.words):
            named = command.words[index + 1]
            return isinstance(named, str) and bool(own_repository) and named.lower() != own_repository.lower()
    return False


def _of_request(request: Request, token: Token, own_repository: str) -> Call:
    asked = f"{request.method} /{request.path}"
    if request.path.strip("/") == "graphql":
        return Call(request.command, "a GraphQL query", token)
    if is_open(request.url) or request.method not in _VERBS:
        return Call(request.command, asked, token, None, why="which operation it asks for")
    found = matching(request.method, request.url)
    if not found:
        others = methods_of(request.url)
        wrong = f"it has {', '.join(others)} for that path" if others else "it has no such path"
        return Call(request.command, asked, token, None, wrong)
    owner = re.match(r"repos/([\w.-]+/[\w.-]+)", request.path)
    elsewhere = owner is not None and bool(own_repository) and owner[1].lower() != own_repository.lower()
    groups = {needs_of(operation) for operation in found}
    needs = groups.pop() if len(groups) == 1 else ()
    return Call(request.command, asked, Token.OTHER if elsewhere and token is Token.JOB else token, needs)


# --- tokens -----------------------------------------------------------------------------------------------------------


def _cli_token(command: Command, trace: Trace, index: int) -> Token:
    step = command.step
    given: dict[str, Possible] = dict(step.env) if step is not None else {}
    for output in trace.outputs:
        if not output.step:
            given.setdefault(output.name, output.value)
    for earlier in trace.commands[:index]:
        if earlier.program == "gh" and earlier.words[1:3] == ("auth", "login"):
            return Token.OPEN
        if earlier.program == "export" and earlier.step is step:
            given.update(earlier.environment)
    given.update(command.environment)
    for name in _TOKEN_NAMES:
        if given.get(name, "") not in ("", None):
            return _kind(given[name])
    if any(name in given for name in _ENTERPRISE) or _may_ask(command) or "self-hosted" in _runner(step):
        return Token.OPEN
    return Token.NONE if step is not None else Token.OPEN


def _may_ask(command: Command) -> bool:
    """Whether its script may ask first if there is a token. What only the step's ``if`` decides is no such question."""
    step = command.step
    if command.certain or step is None or step.run is None or command.spot.file != step.spot.file:
        return not command.certain
    return bool(_ASKS.search(step.run.text))


def _runner(step: EffectiveStep | None) -> str:
    return str(step.job.job.runs_on) if step is not None else ""


def _kind(value: Possible) -> Token:
    kinds = {
        Token.JOB if _JOBS_OWN.search(str(option)) else Token.OTHER if isinstance(option, Text) else Token.OPEN
        for option in options(value) or ("",)
    }
    return kinds.pop() if len(kinds) == 1 else Token.OPEN


def _request_token(command: Command) -> Token:
    """Of curl what its words say; of a library what the program is given, for its headers are not followed."""
    text = command.text()
    if command.program != "http" or "authorization" in text.lower():
        if not re.search(r"authorization|--user|-u\b|--oauth2-bearer", text, re.IGNORECASE):
            return Token.OPEN  # nobody's: public data
        return Token.JOB if re.search(r"github\.token|secrets\.GITHUB_TOKEN|\bGITHUB_TOKEN\b", text) else Token.OTHER
    given: Mapping[str, Possible] = command.step.env if command.step is not None else {}
    tokens = {_kind(value) for name, value in given.items() if "TOKEN" in name.upper()}
    return tokens.pop() if len(tokens) == 1 else Token.OPEN


# --- JavaScript -------------------------------------------------------------------------------------------------------


def _script(step: EffectiveStep) -> Iterator[Call]:
    """The calls of ``actions/github-script``, read from its text: each name once."""
    written = step.step.with_.get("script")
    text = _COMMENT.sub("", _EXPRESSION.sub("expression", str(written.value))) if written is not None else ""
    given = step.with_.get("github-token", "")
    token = Token.JOB if given in ("", None) else _kind(given)
    for namespace, method in dict.fromkeys(_NAMED.findall(text)):
        asked = f"github.rest.{namespace}.{method}"
        operation = octokit(namespace, method)
        if operation is None:
            yield Call(step, asked, token, None, "Octokit has no such method")
        else:
            yield Call(step, f"{asked} ({operation.method} {operation.path})", token, needs_of(operation))
    version = re.fullmatch(r"v(\d+)(?:\.\d+)*", step.step.ref)
    if version and int(version[1]) >= _FIRST_WITH_REST:
        for namespace, method in dict.fromkeys(_OLD.findall(text)):
            if namespace in namespaces():
                wrong = f"since version {_FIRST_WITH_REST} it is github.rest.{namespace}.{method}"
                yield Call(step, f"github.{namespace}.{method}", token, None, wrong)
    for verb, path in dict.fromkeys(_RAW.findall(text)):
        opened = re.sub(r"\$\{[^}]*\}|\{\w+\}", "{owner}", path).lstrip("/")
        if not matching(verb or "GET", opened):
            others = methods_of(opened)
            wrong = f"it has {', '.join(others)} for that path" if others else "it has no such path"
            yield Call(step, f"{verb or 'GET'} {path}", token, None, wrong)
        else:
            groups = {needs_of(operation) for operation in matching(verb or "GET", opened)}
            yield Call(step, f"{verb or 'GET'} {path}", token, groups.pop() if len(groups) == 1 else ())
