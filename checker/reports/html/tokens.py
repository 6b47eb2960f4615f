"""Who gets in: each job's tokens by the roles that trust GitHub's."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.shown.facts import TokenRow
from checker.model.verdicts import Run
from checker.reports.html.frame import code, section, table
from checker.reports.xml_text import text

_ABOUT = "A row is a token that a job can present; a column is a role that trusts GitHub."


def sections(run: Run) -> Iterator[str]:
    yield from section("Who gets in by token", _content(run), name="tokens", about=_ABOUT)


def _content(run: Run) -> Iterator[str]:
    facts = run.facts
    if not facts.tokens:
        return
    # Roles that no template at hand declares are asked for all the same.
    roles = list(dict.fromkeys([*facts.roles, *(r for each in facts.tokens for r in (*each.admitted, *each.perhaps))]))
    heads = ("workflow and job", "event and subject", *roles, "asks for")
    rows = [
        (
            text(f"{each.workflow}: {each.job}"),
            f"<span class=wide>{text(each.event)}<br>{code(each.subject)}</span>",
            *(_cell(each, role) for role in roles),
            text(each.asked),
        )
        for each in facts.tokens
    ]
    yield from table(heads, rows, label="Tokens and roles")


def _cell(row: TokenRow, role: str) -> str:
    asked = role in row.asked.split(" or ")
    if role in row.admitted:
        return f"<span class=o-pass>✓ {'lets it in' if asked else 'would let it in'}</span>"
    if role in row.perhaps:
        return "<span class=o-unknown>? not known</span>"
    return "<span class=o-fail>× refuses it</span>" if asked else "<span class=o-none>· refuses it</span>"
