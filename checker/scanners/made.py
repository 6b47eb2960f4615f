"""Reports of scanners that ran while the project was synthesized: they lie in the assembly, and are read from there.

CDK writes what every validation plug-in said into ``validation-report.json`` (`validation-report.schema.json` of
@aws-cdk/cloud-assembly-schema). cdk-nag 3 is such a plug-in (its MIGRATION.md); cdk-nag 2 writes
``PACK-STACK-NagReport.csv`` or ``.json`` (``NagReportSchema``). Both name constructs, which the assembly leads to a
template's resource.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from checker import lazy_re
from checker.collect.documents import read_document, read_text
from checker.errors import CheckerError, printable
from checker.model.resources import Stack
from checker.model.verdicts import Severity, Unread
from checker.scanners.tools import Answer, Result

REPORTS: Final = ("cdk", "cdk-nag")
_VALIDATION: Final = "validation-report.json"
_NAG: Final = "*-NagReport"
# The names of cdk-nag's packs as plug-ins; a pack of one's own is read under `cdk`, as any other plug-in.
_PACKS: Final = frozenset(
    {"AwsSolutions", "HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321", "Serverless"}
)
_OURS: Final = "checker"
_GRADES: Final = {"fatal": Severity.CRITICAL, "error": Severity.CRITICAL, "warning": Severity.WARNING}
# cdk-nag calls nearly everything an error, missing access logs as well as open access.
_NAG_GRADES: Final = {"error": Severity.WARNING}
_RULE: Final = lazy_re.compile(r"([^\[\]]+)(?:\[(.*)\])?", re.DOTALL)
# What cdk-nag says of a rule that crashed (nag-pack, addViolation; VALIDATION_FAILURE_ID before).
_CRASHED: Final = "Rule threw an error during validation."


def read(names: Sequence[str], folders: Sequence[Path], stacks: Sequence[Stack], project: Path) -> list[Answer]:
    """What lies in the assemblies' folders, for each of ``names``. No report at all is no answer."""
    index = _Constructs(stacks, project)
    return [_one(name, list(dict.fromkeys(folders)), index, project) for name in names]


def _one(name: str, folders: Sequence[Path], index: _Constructs, project: Path) -> Answer:
    found: list[Result] = []
    notes: list[str] = []
    files = 0
    for folder in folders:
        for file in _files(name, folder):
            shown = file.relative_to(project).as_posix() if file.is_relative_to(project) else str(file)
            try:
                lines = _nag_lines(file, shown) if file.match(f"{_NAG}.*") else _plugins(name, file, shown)
                results, said, read = _results(name, lines, index, file)
            except CheckerError as error:
                return Answer(name, unread=Unread(f"scanner {name}", error.message, error.hint))
            except (KeyError, TypeError, AttributeError, ValueError):
                why = f"{shown} is not in the form that is known"
                return Answer(name, unread=Unread(f"scanner {name}", why, "Synthesize again."))
            files += read
            found += results
            notes += [f"{name}: {each}" for each in said]
    if not files:
        what = _VALIDATION if name == "cdk" else "report of cdk-nag"
        needs = "Synthesize with its plug-in, and judge that folder." if folders else "It is written into an assembly."
        return Answer(name, unread=Unread(f"scanner {name}", f"no assembly at hand holds a {what}", needs))
    return Answer(name, tuple(dict.fromkeys(found)), files=files, notes=tuple(notes), made=True)


def _files(name: str, folder: Path) -> Iterator[Path]:
    """The validation report of a whole app lies in its outermost folder, cdk-nag's own beside the templates too."""
    if (folder / _VALIDATION).is_file():
        yield folder / _VALIDATION
    if name == "cdk-nag":
        every = [*folder.glob(f"{_NAG}.*"), *folder.glob(f"assembly-*/{_NAG}.*")]
        as_json = {each.with_suffix("") for each in every if each.suffix == ".json"}
        # The same lines are written in each of the formats.
        yield from sorted(
            each
            for each in every
            if each.suffix == ".json" or (each.suffix == ".csv" and each.with_suffix("") not in as_json)
        )


class _Line(Struct, frozen=True):
    """One thing that a report says of one construct (or of none). ``state``: fails, undecided, acknowledged."""

    rule: str
    construct: str
    state: str
    severity: Severity
    message: str
    fix: str = ""
    template: str = ""
    logical_id: str = ""


def _results(
    name: str, lines: tuple[int, list[_Line]], index: _Constructs, file: Path
) -> tuple[list[Result], list[str], int]:
    prefix = "NAG" if name == "cdk-nag" else "CDK"
    results, acknowledged = [], 0
    for line in lines[1]:
        if line.state == "acknowledged":
            acknowledged += 1
            continue
        match = _RULE.fullmatch(line.rule)
        rule, sub = match.groups() if match else (line.rule, None)
        known = re.sub(r"[^\w.-]+", "-", rule).strip("-.") or "unnamed"
        template, logical_id = index.find(line.construct, line.template, line.logical_id, file.parent)
        about = f"{line.construct}: " if line.construct and not logical_id else ""
        results.append(
            Result(
                f"{prefix}:{known}",
                line.severity,
                f"{about}{line.message}",
                str(template or file),
                None,
                logical_id,
                line.fix,
                printable(sub, 200) if sub else None,
                line.state == "undecided",
            )
        )
    said = [f"{acknowledged} results acknowledged in the app's code, not judged"] if acknowledged else []
    return results, said, lines[0]


def _plugins(name: str, file: Path, shown: str) -> tuple[int, list[_Line]]:
    """The lines of a validation report's plug-ins, and whether any of them is what was asked for."""
    document = read_document(file, shown)
    found: list[_Line] = []
    read = 0
    for plugin in document.data["pluginReports"]:
        nag = plugin["pluginName"] in _PACKS
        if plugin["pluginName"] == _OURS or nag != (name == "cdk-nag"):
            continue
        read = 1
        for state in ("violations", "suppressedViolations"):
            for violation in plugin.get(state, ()):
                found += _violation(violation, nag, "acknowledged" if state != "violations" else "fails")
    return (read if name == "cdk-nag" else 1), found


def _violation(violation: Mapping[str, Any], nag: bool, state: str) -> Iterator[_Line]:
    message = str(violation["description"])
    if state == "fails" and nag and message.startswith(_CRASHED):
        state = "undecided"
    severity = (_NAG_GRADES if nag else _GRADES).get(str(violation["severity"]), Severity.SUGGESTION)
    constructs: Sequence[Mapping[str, Any]] = violation["violatingConstructs"] or ({},)
    for construct in constructs:
        resource = construct.get("cloudFormationResource") or {}
        yield _Line(
            str(violation["ruleName"]),
            str(construct.get("constructPath") or ""),
            state,
            severity,
            message,
            str(violation.get("suggestedFix") or ""),
            str(resource.get("templatePath") or ""),
            str(resource.get("logicalId") or ""),
        )


_STATES: Final = {"Non-Compliant": "fails", "Suppressed": "acknowledged", "Compliant": ""}


def _nag_lines(file: Path, shown: str) -> tuple[int, list[_Line]]:
    rows: list[tuple[Any, ...]]
    if file.suffix == ".json":
        rows = [
            (each["ruleId"], each["resourceId"], each["compliance"], each["ruleLevel"], each["ruleInfo"])
            for each in read_document(file, shown).data["lines"]
        ]
    else:
        table = csv.DictReader(io.StringIO(read_text(file, shown)), strict=True)
        columns = ("Rule ID", "Resource ID", "Compliance", "Rule Level", "Rule Info")
        try:
            rows = [tuple(str(row[column]) for column in columns) for row in table]
        except csv.Error as error:
            raise ValueError(str(error)) from None
    found = []
    for rule, resource, compliance, level, info in rows:
        # Any other word ("UNKNOWN", where a rule crashed) is no pass.
        state = _STATES.get(str(compliance), "undecided")
        if state:
            severity = _NAG_GRADES.get(str(level).lower(), Severity.SUGGESTION)
            found.append(_Line(str(rule), str(resource), state, severity, str(info)))
    return 1, found


class _Constructs:
    """From a construct's path to the template and the logical id of its resource."""

    def __init__(self, stacks: Sequence[Stack], project: Path) -> None:
        self._resources: dict[str, tuple[Path, str]] = {}
        self._stacks: dict[str, Path] = {}
        self._templates: set[Path] = set()
        for stack in stacks:
            template = (project / stack.source.file).resolve()
            self._templates.add(template)
            for logical_id, origin in stack.constructs.items():
                self._resources[origin.path] = (template, logical_id)
                steps = origin.path.split("/")
                for length in range(1, len(steps)):
                    self._stacks.setdefault("/".join(steps[:length]), template)

    def find(self, construct: str, template: str, logical_id: str, folder: Path) -> tuple[Path | None, str | None]:
        """The file, and the logical id where it is one resource's. A construct stands for its own resource
        (AWS CDK, "Construct": the default child is called ``Resource`` or ``Default``)."""
        if template and (file := (folder / template).resolve()) in self._templates:
            return file, logical_id or None
        for path in (construct, f"{construct}/Resource", f"{construct}/Default"):
            if path in self._resources:
                return self._resources[path]
        return self._stacks.get(construct), None
