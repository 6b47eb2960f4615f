"""Judgements on calls that AWS would refuse: one for each line that makes one, however many jobs come to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from checker import lazy_re
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.reason.calls.authority import Authority, Ruling, authorities_of
from checker.reason.calls.lines import Line, Lines
from checker.reason.calls.needs import Need, alike
from checker.reason.iam.evaluation import Access

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

Call = AwsCall | CdkCommand
_Made = tuple[Call, Ruling]


_FIX: Final = (
    "Let it assume a role that a template declares. Where the role is made elsewhere, waive this with outcome: unknown."
)


_FIX_NAMES: Final = "Write the policy or the name out."
_FIX_PLACE: Final = (
    "Say in checker.toml where the stack is deployed (account, region), or write the policy or the name out."
)


def judged(
    pipeline: Pipeline,
    project: Project,
    rule: Callable[[Call, Authority], Sequence[Ruling] | None],
    needed: Callable[[Call, Authority], Sequence[Need]],
    sub: str | None = None,
) -> Iterator[Judgement]:
    """What becomes of the calls that need something: ``needed`` says what, ``rule`` what AWS answers to it; ``None``
    for a refusal that is told of the role itself, and not twice."""
    lines: Lines[_Made] = Lines()
    nameless: dict[object, tuple[EffectiveStep | Call, str]] = {}
    told: set[object] = set()
    known: dict[tuple[int, int], tuple[bool, Sequence[Ruling] | None]] = {}
    for job in pipeline.ways():
        trace = pipeline.trace(job)
        authorities = authorities_of(trace, project)
        calls: tuple[Call, ...] = (*trace.aws, *trace.cdk)
        for call in calls:
            authority = authorities.of(call)
            key = (id(alike(call) if isinstance(call, AwsCall) else call), id(authority))
            if key not in known:
                asks = bool(needed(call, authority))
                known[key] = asks, rule(call, authority) if asks and authority.who.roles else ()
            asks, rulings = known[key]
            if not asks:
                continue
            if authority.who.roles:
                lines.add(call, *((call, ruling) for ruling in rulings or ()))
                if rulings is None:
                    told.add(call.spot)
                continue
            step = call.credentials.step if call.credentials else None
            why = f"whether its calls are allowed: {authority.who.why}"
            where = (step.spot if step else job.name, job.environment_name, why)
            nameless.setdefault(where, (step or call, why))
    for place, why in nameless.values():
        yield place.undecided(sub, why, fix=_FIX)
    for line in lines:
        if line.place.spot in told and not any(ruling.answer is Access.DENIED for _, ruling in line.items):
            yield line.place.not_applicable(sub, "It is refused, as the finding on the role itself says.")
        else:
            yield _on_line(line, sub)


def _on_line(line: Line[_Made], sub: str | None) -> Judgement:
    refused = [(call, ruling) for call, ruling in line.items if ruling.answer is Access.DENIED]
    if refused:
        place, first = refused[0]
        actions = _actions(ruling for _, ruling in refused)
        others = tuple(dict.fromkeys(call for call, _ in refused if call is not place))
        return place.fails(
            sub,
            f"{first.roles} may not make this call: {actions}{_on(first)} is refused, for {first.why}.",
            fix=f"Allow {actions}{_on(first)} in the role's policy, or leave the call out.",
            path=line.path,
            expected="allowed",
            actual=f"refused to {first.roles}",
            related=others[:10],
        )
    for place, ruling in line.items:
        if ruling.answer is Access.UNKNOWN:
            why = f"whether {ruling.roles} may {ruling.need.action}{_on(ruling)}: {ruling.why}"
            # Of a call that names its region, and a policy of a stack that nobody says the region of.
            told = "${AWS::Region}" in ruling.why or "${AWS::AccountId}" in ruling.why
            return place.undecided(sub, why, path=line.path, fix=_FIX_PLACE if told else _FIX_NAMES)
    allowed = _actions(ruling for _, ruling in line.items)
    return line.place.passes(sub, f"Allowed: {allowed}.", path=line.path)


def _actions(rulings: Iterator[Ruling]) -> str:
    return ", ".join(dict.fromkeys(ruling.need.action for ruling in rulings))


def _on(ruling: Ruling) -> str:
    return f" on {_COMMAND.sub(_named, str(ruling.resource))}" if ruling.resource else ""


# A command of a script in a name, as far as it goes: the first words tell which one is meant.
_COMMAND: Final = lazy_re.compile(r"\$\((\S+)((?: [^\s-]\S*){0,2})(.*)", re.DOTALL)


def _named(match: re.Match[str]) -> str:
    whole = match[0]
    return whole if len(whole) <= 60 else f"$({match[1]}{match[2]} ...)"
