"""No format holds a text that acts on who shows it, wherever in a run that text is."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Struct
from msgspec.structs import replace

from checker.cli import run as checker
from checker.model.shown.facts import Excerpt, Facts, TokenRow
from checker.model.verdicts import Run
from checker.reports import FORMATS, render
from checker.reports.safe import safe_to_show
from tests.reports.sample import RUN

# A line of its own with a runner's command, terminal escapes, turned direction, what nobody sees, and half a character.
NASTY: Final = "x\n::error::y\r\n##[error]z\x1b]0;t\x07\u202e\u2066\u061c\u200b\ufeff\u2028\U000e0041\x85\x00\ud800"
FACTS: Final = Facts(
    roles=("Deploy",),
    tokens=(TokenRow("cd.yml", "deploy", "push", "repo:o/r:ref:refs/heads/main", "Deploy", ("Deploy",)),),
    excerpts=(Excerpt("a.py", 3, 2, ("one", None, "three")),),
)
# Words of the checker's own, and ids that reports look things up by.
_KEPT: Final = frozenset(
    {"finding", "findings", "command", "severity", "outcome", "surface", "kind", "state", "commit"}
)


def made_nasty(value: Any, name: str = "") -> Any:
    """The same data with the text behind every text of it that a project can have written."""
    if name in _KEPT or name.endswith(("_on", "_at")) or name in {"digest", "assemblies", "frameworks"}:
        return value
    if type(value) is str:
        return f"{NASTY}{value}{NASTY}"
    if isinstance(value, Struct):
        changed = {name: made_nasty(getattr(value, name), name) for name in value.__struct_fields__}
        return replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(made_nasty(each) for each in value)
    if isinstance(value, dict):
        return {key: made_nasty(each) for key, each in value.items()}
    return value


NASTY_RUN: Final[Run] = made_nasty(replace(RUN, facts=FACTS))


def faults(text: str, *, lines: str = "\n\t") -> set[str]:
    """The characters of a text that act unseen, and its lines that a runner would carry out."""
    acting = {f"U+{ord(c):04X}" for c in text if c not in lines and unicodedata.category(c) in {"Cc", "Cf", "Zl", "Cs"}}
    return acting | {line for line in text.splitlines() if line.lstrip().startswith(("::", "##["))}


def texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [*map(str, node), *(text for each in node.values() for text in texts(each))]
    if isinstance(node, list):
        return [text for each in node for text in texts(each)]
    return [node] if isinstance(node, str) else []


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_holds_one(name: str) -> None:
    text = render(NASTY_RUN, name)
    assert "error" in text  # it was there to be shown
    assert faults(text) == set()
    if text.startswith(("{", "[")):
        assert [each for each in texts(json.loads(text)) if faults(each)] == []


def test_names_are_of_one_line() -> None:
    shown = safe_to_show(NASTY_RUN)
    assert [each for each in shown.verdicts if "\n" in each.subject.name + each.location.file + each.violation] == []


def test_a_run_that_has_none_is_the_same_one() -> None:
    assert safe_to_show(RUN) == RUN
    assert safe_to_show(safe_to_show(NASTY_RUN)) == safe_to_show(NASTY_RUN)


def test_what_is_read_back_from_a_file_is_cleaned_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever writes a run document may put into it what the checker would not."""
    document = json.loads(render(RUN, "json"))
    for each in document["verdicts"]:
        each["location"]["file"] = f"{NASTY[:-1]}{each['location']['file']}"
        each["subject"]["name"] += NASTY[:-1]
    for finding in document.get("findings", {}).values():
        finding["title"] += NASTY[:-1]
    (tmp_path / "new.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "old.json").write_text(render(RUN, "json"), encoding="utf-8")
    old, new = str(tmp_path / "old.json"), str(tmp_path / "new.json")
    for arguments in (
        ["report", new],
        ["diff", old, new],
        ["diff", new, old],
        ["comment", "--base", old, "--head", new],
    ):
        checker(arguments)
        printed = capsys.readouterr()
        assert printed.out, arguments
        assert faults(printed.out + printed.err) == set(), arguments


def test_a_repository_s_names_are_no_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = json.dumps(
        {"Resources": {f"Db{NASTY[:-1]}": {"Type": "AWS::RDS::DBInstance", "Properties": {"Engine": "postgres"}}}}
    )
    for name in ("a\n::error::b.json", "::error::c.json", "##[error]d.json", "\u202enosj.json", "e\x1b[31m.json"):
        (tmp_path / name).write_text(template, encoding="utf-8")
    for name in FORMATS:
        checker(["gate", "--project", str(tmp_path), "--format", name])
        printed = capsys.readouterr()
        assert "error" in printed.out
        assert faults(printed.out + printed.err) == set(), name
