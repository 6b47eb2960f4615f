"""What a rule says about one thing it looked at, before it is graded and located.

A rule yields :class:`Judgement`; the judge turns each into a :class:`~checker.model.verdicts.Verdict` by adding the
finding's id and severity (which only the register knows) and the file and line (which only the source knows). So rules
speak in paths, and never in lines.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from checker.model.verdicts import Location, Outcome, Subject, Surface


class Place(Protocol):
    """Anything a judgement can be about: a resource, a stack, an environment, a workflow job, a script's line."""

    @property
    def surface(self) -> Surface: ...

    @property
    def environment_name(self) -> str: ...

    @property
    def subject(self) -> Subject: ...

    def locate(self, path: str, *, exactly: bool) -> Location:
        """Where ``path`` below this place stands. With ``exactly`` false, the place's own line is enough (cheaper)."""
        ...


class Judgement(Struct, frozen=True):
    """One requirement, judged on one place. ``related`` points at the other places that take part in it."""

    place: Place
    outcome: Outcome
    sub: str | None = None
    path: str = ""
    violation: str = ""
    fix: str = ""
    expected: str = ""
    actual: str = ""
    related: tuple[Place, ...] = ()


class Judgeable:
    """The three things a rule can say of a place. Mixed into every kind of :class:`Place`."""

    __slots__ = ()

    def passes(
        self: Place, sub: str | None = None, holds: str = "", *, path: str = "", expected: str = "", actual: str = ""
    ) -> Judgement:
        """The requirement holds; ``holds`` says what was seen, for those who ask for evidence."""
        return Judgement(self, Outcome.PASS, sub, path, holds, "", expected, actual)

    def fails(
        self: Place,
        sub: str | None = None,
        violation: str = "",
        *,
        fix: str,
        path: str = "",
        expected: str = "",
        actual: str = "",
        related: tuple[Place, ...] = (),
    ) -> Judgement:
        """The requirement is violated: ``violation`` says what is wrong, ``fix`` what to do, one line each."""
        return Judgement(self, Outcome.FAIL, sub, path, violation, fix, expected, actual, related)

    def undecided(
        self: Place, sub: str | None = None, why: str = "", *, path: str = "", fix: str = "", expected: str = ""
    ) -> Judgement:
        """It could not be told; ``why`` names the expression or the fact that is missing."""
        return Judgement(self, Outcome.UNKNOWN, sub, path, f"Cannot be decided: {why}.", fix, expected)

    def not_applicable(self: Place, sub: str | None = None, looked_for: str = "") -> Judgement:
        """Nothing of the kind is here; ``looked_for`` says what was looked for."""
        return Judgement(self, Outcome.NOT_APPLICABLE, sub, "", looked_for)
