"""Who can reach whom, where something that must be reached cannot be: the hops that P11 judged, as a graph.

A hop is one verdict of P11, whose requirement names both of its ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from checker.model.verdicts import Outcome, Run, Verdict
from checker.reports.html import svg
from checker.reports.html.frame import WORDS, section, table
from checker.reports.xml_text import text

FINDING: Final = "P11"
_ABOUT = "Drawn where a hop is closed or not known. Solid: open. Thick and broken: closed. Dotted: not known."
_BOX_W, _BOX_H, _COLUMN, _ROW = 170, 26, 290, 44
_MOST_NODES: Final = 60
# The ends that no resource stands for, as people say them.
_ENDS: Final = {"listener": "load balancer", "target": "load balancer", "registry": "image registry"}


class _Hop(Struct, frozen=True):
    source: str
    target: str
    outcome: Outcome
    said: str


def sections(run: Run) -> Iterator[str]:
    yield from section("Network", _content(run), name="network", about=_ABOUT)


def _content(run: Run) -> Iterator[str]:
    by_environment: dict[str, list[Verdict]] = {}
    for verdict in run.verdicts:
        if verdict.finding == FINDING and verdict.sub and "→" in verdict.sub:
            by_environment.setdefault(verdict.environment, []).append(verdict)
    for number, (environment, verdicts) in enumerate(by_environment.items()):
        if all(each.outcome in {Outcome.PASS, Outcome.NOT_APPLICABLE} for each in verdicts):
            continue
        hops = _hops(verdicts)
        columns = _columns(hops)
        wrong = [each for each in hops if each.outcome not in {Outcome.PASS, Outcome.NOT_APPLICABLE}]
        yield f"<h3>{text(environment or 'network')}</h3>"
        height = max(len(column) for column in columns) * _ROW + 20
        label = f"{environment}: {len(hops)} hops, {len(wrong)} of them closed or not known"
        shapes = _shapes(columns, hops)
        yield from svg.picture(f"n-{number}", label, (len(columns) - 1) * _COLUMN + _BOX_W + 20, height, shapes)
        rows = [(text(f"{each.source} → {each.target}"), text(WORDS[each.outcome]), text(each.said)) for each in wrong]
        yield from table(("hop", "state", "why"), rows, label=f"Hops of {environment} that are not open")


def _hops(verdicts: Sequence[Verdict]) -> list[_Hop]:
    """One per pair of ends: the gravest."""
    found: dict[tuple[str, str], _Hop] = {}
    for verdict in verdicts:
        source, _, target = (verdict.sub or "").partition("→")
        if source == "health":
            source = "health check"
        elif source == "internet":
            target = f"load balancer, port {target}" if target.isdigit() else "load balancer"
        source, target = _ENDS.get(source, source), _ENDS.get(target, target)
        before = found.get((source, target))
        if before is None or verdict.outcome.gravity < before.outcome.gravity:
            found[source, target] = _Hop(source, target, verdict.outcome, verdict.violation)
    return list(found.values())


def _columns(hops: Sequence[_Hop]) -> list[list[str]]:
    """Nodes by how far they are from where calls come in; the wrong hops' ends first where there are too many."""
    ordered = sorted(hops, key=lambda each: each.outcome.gravity)
    kept = list(dict.fromkeys(end for each in ordered for end in (each.source, each.target)))[:_MOST_NODES]
    depth = dict.fromkeys(kept, 0)
    for _ in range(len(kept)):
        deeper = {
            each.target: depth[each.source] + 1
            for each in hops
            if each.source in depth and each.target in depth and depth[each.target] <= depth[each.source] < 4
        }
        if not deeper:
            break
        depth.update(deeper)
    columns: dict[int, list[str]] = {}
    for node in sorted(kept, key=lambda name: (depth[name], name)):
        columns.setdefault(depth[node], []).append(node)
    return [columns[key] for key in sorted(columns)]


def _shapes(columns: Sequence[Sequence[str]], hops: Sequence[_Hop]) -> Iterator[str]:
    place = {
        node: (10 + column * _COLUMN, 12 + row * _ROW)
        for column, nodes in enumerate(columns)
        for row, node in enumerate(nodes)
    }
    for hop in sorted(hops, key=lambda each: -each.outcome.gravity):
        if hop.source in place and hop.target in place:
            (x1, y1), (x2, y2) = place[hop.source], place[hop.target]
            style = {Outcome.PASS: "", Outcome.UNKNOWN: " unknown"}.get(hop.outcome, " fail")
            said = f"{hop.source} → {hop.target}: {WORDS[hop.outcome]}"
            yield svg.path(_curve(x1 + _BOX_W, y1 + _BOX_H / 2, x2, y2 + _BOX_H / 2), f"edge{style}", said)
    for node, (x, y) in place.items():
        yield svg.rect(x, y, _BOX_W, _BOX_H, "node", node, 4)
        yield svg.words(x + _BOX_W / 2, y + 17, svg.short(node, 24), "t", "middle")


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    bend = max(abs(x2 - x1) / 2, 40)
    return f"M{x1:.0f} {y1:.0f} C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
