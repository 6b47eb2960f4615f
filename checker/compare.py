"""Two runs side by side: what is new, fixed, still failing, changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checker.model.verdicts import Identity, Outcome, Run, Verdict

_BAD = {Outcome.FAIL, Outcome.ERROR}


@dataclass(frozen=True, slots=True)
class Comparison:
    """``changed`` are (before, after) pairs whose outcome differs and that neither broke nor mended anything."""

    new: tuple[Verdict, ...]
    fixed: tuple[Verdict, ...]
    still: tuple[Verdict, ...]
    changed: tuple[tuple[Verdict | None, Verdict | None], ...]


def compare(old: Run, new: Run) -> Comparison:
    """Match verdicts by what they are about (finding, environment, subject, path): lines may have moved."""
    before, after = _by_identity(old), _by_identity(new)
    appeared: list[Verdict] = []
    fixed: list[Verdict] = []
    still: list[Verdict] = []
    changed: list[tuple[Verdict | None, Verdict | None]] = []
    for key in dict.fromkeys([*before, *after]):
        was, now = before.get(key), after.get(key)
        was_bad, is_bad = was is not None and was.outcome in _BAD, now is not None and now.outcome in _BAD
        if now is not None and is_bad:
            (still if was_bad else appeared).append(now)
        elif was is not None and was_bad:
            # Fixed only where the run says so. Gone, unknown or not looked at is a change, not a repair.
            good = now is not None and now.outcome in {Outcome.PASS, Outcome.NOT_APPLICABLE}
            (fixed.append(was) if good else changed.append((was, now)))
        elif (was and was.outcome) != (now and now.outcome):
            changed.append((was, now))
    return Comparison(tuple(appeared), tuple(fixed), tuple(still), tuple(changed))


def _by_identity(run: Run) -> Mapping[Identity, Verdict]:
    """The gravest verdict of each identity."""
    found: dict[Identity, Verdict] = {}
    for verdict in run.verdicts:
        before = found.setdefault(verdict.identity, verdict)
        if verdict.outcome.gravity < before.outcome.gravity:
            found[verdict.identity] = verdict
    return found


def shown(comparison: Comparison) -> str:
    """The comparison as text, gravest first."""
    lines: list[str] = []
    for title, verdicts in (("new", comparison.new), ("still failing", comparison.still), ("fixed", comparison.fixed)):
        lines += [f"{title}: {v.location}  {v.id}  {v.subject.name}  {v.violation}" for v in verdicts]
    for was, now in comparison.changed:
        either = now or was
        if either is not None:
            outcomes = f"{was.outcome if was else 'not there'} -> {now.outcome if now else 'not there'}"
            lines.append(f"changed: {either.location}  {either.id}  {either.subject.name}  {outcomes}")
    counts = f"{len(comparison.new)} new, {len(comparison.still)} still failing, {len(comparison.fixed)} fixed, "
    return "\n".join([*lines, f"{counts}{len(comparison.changed)} changed"]) + "\n"
