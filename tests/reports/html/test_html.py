"""The page as text: whole, self-contained, and nothing of what it quotes can run. test_browser.py looks at it drawn."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from checker.compare import compare
from checker.model.shown.facts import EarlierRun, Facts
from checker.model.verdicts import Coverage, Outcome, Run, Surface
from checker.reports import render
from tests.reports.sample import EMPTY, HOSTILE, RUN, verdict

BEFORE = replace(RUN, verdicts=tuple(each for each in RUN.verdicts if each.finding != "P12"))
HISTORY = [
    EarlierRun("2026-11-24T10:00:00Z", "ab" * 20, {"fail": 9, "unknown": 2, "waived": 1}),
    EarlierRun("2026-11-25T10:00:00Z", "cd" * 20, {"fail": 3, "unknown": 4, "waived": 1}),
]


class _Page(HTMLParser):
    """Collects elements, ids, links and words, and demands that every element is closed in order."""

    VOID = frozenset({"meta", "br", "input", "line"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: dict[str, list[str]] = {}
        self.metas: list[dict[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        values = dict(attrs)
        assert not [name for name in values if name.startswith("on") or name in {"src", "style", "xlink:href"}]
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if "href" in values else []
        self.metas += [values] if tag == "meta" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.setdefault(self.open[-1] if self.open else "", []).append(data)


@pytest.mark.parametrize("run", [RUN, EMPTY, replace(RUN, facts=Facts())], ids=["full", "empty", "no facts"])
def test_the_page_is_whole_and_fetches_nothing(run: Run) -> None:
    text = render(run, "html", since=compare(BEFORE, run), history=HISTORY)
    page = _Page(text)
    assert page.open == []
    assert {"img", "iframe", "link", "object", "embed", "base", "foreignobject"}.isdisjoint(page.seen)
    assert page.seen.count("script") == page.seen.count("style") == 1
    assert sorted(set(page.ids)) == sorted(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)
    assert "url(" not in text
    assert "http:" not in text


def test_only_the_page_s_own_style_and_script_may_run() -> None:
    page = _Page(render(RUN, "html"))
    policy = next(each["content"] or "" for each in page.metas if each.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for element in ("style", "script"):
        content = "".join(page.words[element])
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert HOSTILE in " ".join(word for words in page.words.values() for word in words)


@pytest.mark.parametrize(
    ("run", "answer"),
    [
        (RUN, "Not compliant"),
        (EMPTY, "Nothing was judged"),
        (replace(EMPTY, verdicts=(verdict("C7", Outcome.PASS, "Cache", 1),)), "Compliant"),
        (replace(EMPTY, verdicts=(verdict("C7", Outcome.UNKNOWN, "Cache", 1),)), "Not decided"),
        (replace(EMPTY, verdicts=(verdict("C7", Outcome.PASS, "Cache", 1),), coverage=RUN.coverage), "Not decided"),
        (replace(EMPTY, verdicts=(verdict("C7", Outcome.ERROR, "Cache", 1),)), "Not compliant"),
        (
            replace(EMPTY, verdicts=(verdict("C7", Outcome.PASS, "Cache", 1),), waivers=RUN.waivers[-1:]),
            "Not compliant",
        ),
    ],
)
def test_the_first_words_answer_whether_the_release_complies(run: Run, answer: str) -> None:
    head = re.search("<h1>(.*?)</h1>", render(run, "html"))
    assert head
    assert head[1].startswith(answer)


def test_what_changed_stands_on_the_first_screen() -> None:
    fixed = replace(RUN, verdicts=tuple(replace(v, outcome=Outcome.PASS) for v in RUN.verdicts), coverage=Coverage())
    assert "12 new, 0 fixed, 6 still failing" in render(RUN, "html", since=compare(BEFORE, RUN))
    assert "0 new, 18 fixed, 0 still failing" in render(fixed, "html", since=compare(RUN, fixed))
    assert "No earlier run was given" in render(RUN, "html")


def test_a_line_that_may_hold_a_secret_is_told_and_not_shown() -> None:
    text = render(RUN, "html")
    assert "at_rest=False" in text
    assert "this line is not shown: it may hold a secret" in text


def test_the_network_is_drawn_where_a_hop_is_closed() -> None:
    hops = [
        verdict("P11", outcome, name, 1, sub=f"{name}→{to}", severity=RUN.findings["C7"].severity, violation="why not")
        for name, to, outcome in (
            ("internet", "443", Outcome.PASS),
            ("listener", "api", Outcome.FAIL),
            ("api", "db", Outcome.UNKNOWN),
        )
    ]
    text = render(replace(RUN, verdicts=tuple(hops)), "html")
    (drawing,) = re.findall('<svg id="n-0".*?</svg>', text, re.DOTALL)
    assert re.findall(r'class="edge(.*?)"><title>(.*?)</title>', drawing) == [
        ("", "internet → load balancer, port 443: passes"),
        (" unknown", "api → db: unknown"),
        (" fail", "load balancer → api: fails"),
    ]
    passing = tuple(replace(each, outcome=Outcome.PASS) for each in hops)
    assert '<svg id="n-0"' not in render(replace(RUN, verdicts=passing), "html")


def test_the_matrix_has_the_gravest_outcome_of_each_cell() -> None:
    found = [
        verdict("C7", Outcome.PASS, "One", 1),
        verdict("C7", Outcome.FAIL, "Two", 2),
        verdict("C7", Outcome.PASS, "Live", 3, surface=Surface.ACCOUNT),
    ]
    text = render(replace(RUN, verdicts=tuple(found)), "html")
    title = RUN.findings["C7"].title
    assert f"C7 {title}: fails in production, template" in text
    assert f"C7 {title}: passes in production, account" in text


def test_controls_are_supported_and_never_met() -> None:
    text = render(RUN, "html")
    assert "CC6.1" in text
    assert "Not assessed at all: CC7" in text
    assert "No control of AWS Foundational Security Best Practices that is not listed above is assessed." in text


def test_every_run_of_the_past_is_in_the_trend() -> None:
    text = render(RUN, "html", history=HISTORY)
    assert all(each.time in text for each in HISTORY)
    assert 'id="trend-picture"' not in render(RUN, "html")
