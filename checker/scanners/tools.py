"""The scanners that are known: how each is called, and what its answer says. An answer is somebody else's text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from checker.model.verdicts import Severity, Unread

CRITICAL, WARNING, SUGGESTION = Severity.CRITICAL, Severity.WARNING, Severity.SUGGESTION


class Result(Struct, frozen=True):
    """One thing that a scanner says. ``logical_id`` where it is about a template's resource."""

    id: str
    severity: Severity
    message: str
    file: str
    line: int | None = None
    logical_id: str | None = None
    fix: str = ""
    sub: str | None = None  # where one rule says several things: ``Action::s3:*`` of ``AwsSolutions-IAM5``
    undecided: bool = False  # the scanner could not tell
    also: tuple[int, ...] = ()  # other lines that it names: where the step begins


class Answer(Struct, frozen=True):
    """What a scanner said, or why there is no answer. ``cached``: it was not run, nothing had changed. ``made``: it ran
    while the project was synthesized, and its reports were read."""

    tool: str
    results: tuple[Result, ...] = ()
    unread: Unread | None = None
    cached: bool = False
    files: int = 0
    notes: tuple[str, ...] = ()
    made: bool = False


class Tool(Struct, frozen=True):
    """``reads`` is the kind of file it is given; ``arguments`` come before the files; exit codes in ``answers`` come
    with an answer, any other is a crash. ``configuration`` are the files of a project that change what it says."""

    name: str
    reads: str
    arguments: Sequence[str]
    answers: frozenset[int]
    read: Callable[[Any], Iterator[Result]]
    configuration: Sequence[str] = ()
    before_each: str = ""  # an option that stands before every file


def parse(tool: Tool, text: str) -> list[Result]:
    """What the answer says. Raises :class:`ValueError` where it is not in the tool's form."""
    try:
        return list(tool.read(json.loads(text)))
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ValueError(f"its answer is not in the form that is known ({type(error).__name__})") from None


def _cfn_lint(data: Any) -> Iterator[Result]:
    grades = {"Error": CRITICAL, "Warning": WARNING, "Informational": SUGGESTION}
    for each in data:
        rule, place = each["Rule"], each["Location"]
        path = place.get("Path") or []
        resource = str(path[1]) if len(path) > 1 and path[0] == "Resources" else None
        yield Result(
            f"CFN:{rule['Id']}",
            grades.get(each["Level"], WARNING),
            str(each["Message"]),
            str(each["Filename"]),
            int(place["Start"]["LineNumber"]),
            resource,
            str(rule.get("ShortDescription") or ""),
        )


def _checkov(data: Any) -> Iterator[Result]:
    grades = {"CRITICAL": CRITICAL, "HIGH": CRITICAL, "MEDIUM": WARNING}
    for report in data if isinstance(data, list) else [data]:
        if "results" not in report:  # {"passed": 0, ...}: it found nothing to check
            continue
        for each in report["results"]["failed_checks"]:
            kind, _, resource = str(each["resource"]).rpartition(".")
            yield Result(
                str(each["check_id"]),
                grades.get(str(each.get("severity")), SUGGESTION if each.get("severity") else WARNING),
                f"{each['check_name']}.",
                str(each["file_abs_path"]),
                int(each["file_line_range"][0]) or None,
                resource if kind.startswith("AWS::") else None,
                str(each.get("guideline") or ""),
            )


def _zizmor(data: Any) -> Iterator[Result]:
    grades = {"High": CRITICAL, "Medium": WARNING}
    for each in data:
        place = next(
            (place for place in each["locations"] if place["symbolic"].get("kind") == "Primary"), each["locations"][0]
        )
        local = place["symbolic"]["key"]["Local"]
        yield Result(
            f"ZIZMOR:{each['ident']}",
            grades.get(each["determinations"]["severity"], SUGGESTION),
            f"{each['desc']}: {place['symbolic'].get('annotation') or ''}".rstrip(": "),
            str(local.get("verbatim_path") or local.get("given_path")),
            _row(place),
            fix=str(each.get("url") or ""),
            also=tuple(
                _row(other) for other in each["locations"] if other["symbolic"]["key"] == place["symbolic"]["key"]
            ),
        )


def _row(place: Any) -> int:
    return int(place["concrete"]["location"]["start_point"]["row"]) + 1


def _actionlint(data: Any) -> Iterator[Result]:
    for each in data:
        name = re.sub(r"[^a-z0-9-]", "-", str(each["kind"]).lower())
        yield Result(f"ACTIONLINT:{name}", WARNING, str(each["message"]), str(each["filepath"]), int(each["line"]))


def _shellcheck(data: Any) -> Iterator[Result]:
    grades = {"error": CRITICAL, "warning": WARNING}
    for each in data["comments"]:
        grade = grades.get(each["level"], SUGGESTION)
        yield Result(f"SHELLCHECK:SC{int(each['code'])}", grade, str(each["message"]), str(each["file"]), each["line"])


def _squawk(data: Any) -> Iterator[Result]:
    for each in data:
        grade = CRITICAL if each["level"] == "Error" else WARNING
        line = int(each["line"]) + 1
        yield Result(f"SQUAWK:{each['rule_name']}", grade, str(each["message"]), str(each["file"]), line)


TOOLS: Final[Mapping[str, Tool]] = {
    tool.name: tool
    for tool in (
        # cfn-lint: "exit codes": 0, or a sum of 2 error, 4 warning, 8 informational.
        Tool(
            "cfn-lint",
            "template",
            ("--format", "json", "--"),
            frozenset({0, 2, 4, 6, 8, 10, 12, 14}),
            _cfn_lint,
        ),
        Tool(
            "checkov",
            "template",
            ("--framework", "cloudformation", "--output", "json", "--quiet", "--compact", "--skip-download"),
            frozenset({0, 1}),
            _checkov,
            before_each="--file",
        ),
        Tool(
            "zizmor",
            "workflow",
            ("--offline", "--no-progress", "--no-exit-codes", "--format", "json", "--"),
            frozenset({0}),
            _zizmor,
            ("zizmor.yml", ".github/zizmor.yml"),
        ),
        Tool(
            "actionlint",
            "workflow",
            ("-format", "{{json .}}"),
            frozenset({0, 1}),
            _actionlint,
            (".github/actionlint.yaml", ".github/actionlint.yml"),
        ),
        Tool("shellcheck", "script", ("--format", "json1", "--"), frozenset({0, 1}), _shellcheck, (".shellcheckrc",)),
        Tool("squawk", "migration", ("--reporter", "json"), frozenset({0, 1}), _squawk),
    )
}

# How the ids of each scanner begin.
_PREFIXES: Final[Mapping[str, str]] = {
    "CFN:": "cfn-lint",
    "CKV": "checkov",
    "ZIZMOR:": "zizmor",
    "ACTIONLINT:": "actionlint",
    "SHELLCHECK:": "shellcheck",
    "SQUAWK:": "squawk",
    "CDK:": "cdk",
    "NAG:": "cdk-nag",
}
PREFIXES: Final = tuple(_PREFIXES)


def scanner_of(result: str) -> str | None:
    """The scanner that an id is of; None for an id of none."""
    return next((name for prefix, name in _PREFIXES.items() if result.startswith(prefix)), None)
