"""What the findings are evidence for, by framework: it supports an assessment, and is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checker.model.shown.facts import Framework
from checker.model.verdicts import Outcome, Run
from checker.reports import shape
from checker.reports.html.frame import section, state, table
from checker.reports.xml_text import text

_ABOUT = (
    "A finding that passes supports the control, and one that fails speaks against it. Neither says that the control "
    "is met: an assessor does, from more than this."
)


def sections(run: Run) -> Iterator[str]:
    yield from section("Controls", _content(run), name="controls", about=_ABOUT)


def _content(run: Run) -> Iterator[str]:
    states = shape.states(run)
    titles = {each.id: each for each in run.facts.frameworks}
    for identifier, by_control in by_framework(run).items():
        framework = titles.get(identifier, Framework(identifier, identifier))
        yield f"<details data-print><summary>{text(framework.title)}: "
        yield f"{shape.count(len(by_control), 'control')} with evidence here</summary>"
        rows = [
            (text(control), "<br>".join(_finding(each, states.get(each)) for each in findings))
            for control, findings in by_control.items()
        ]
        yield from table(("control", "supported by"), rows, label=f"Controls of {framework.title}")
        yield f"<p>{text(not_assessed(framework, by_control))}</p></details>"


def _finding(identifier: str, outcome: Outcome | None) -> str:
    said = "<span class=o-none>not judged here</span>" if outcome is None else state(outcome)
    return f"{text(identifier)} {said}"


def by_framework(run: Run) -> dict[str, dict[str, list[str]]]:
    """Framework -> control -> the findings that support it, controls in their natural order."""
    found: dict[str, dict[str, list[str]]] = {}
    for finding in run.findings.values():
        for framework, controls in finding.controls:
            for control in controls:
                found.setdefault(framework, {}).setdefault(control, []).append(finding.id)
    return {name: dict(sorted(each.items(), key=lambda pair: shape.natural(pair[0]))) for name, each in found.items()}


def not_assessed(framework: Framework, controls: Mapping[str, object]) -> str:
    """What nothing here gives evidence for: whole chapters by name, the rest as such."""
    empty = [
        f"{part} ({title})" for part, title in framework.parts if not any(belongs(each, part) for each in controls)
    ]
    chapters = f"Not assessed at all: {', '.join(empty)}. " if empty else ""
    return f"{chapters}No control of {framework.title} that is not listed above is assessed."


def belongs(control: str, part: str) -> bool:
    """Whether a control is of a part: CC6.1 of CC6, and not of CC61; 10.2.1 of 10, and not of 1."""
    rest = control.removeprefix(part)
    return control == part or (control.startswith(part) and not (part[-1].isdigit() and rest[:1].isdigit()))
