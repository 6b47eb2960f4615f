"""What a rule is: one finding's requirement as a function over the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from checker.model.judgements import Judgement
from checker.model.resources import Environment, Project
from checker.model.verdicts import Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One finding as code.

    ``check`` is called once per environment, ``check_project`` once with all of them (for what only shows between
    environments); a rule has either or both. ``looked_for`` completes "Not applicable: no ... in this environment",
    which the judge says when the rule yields nothing for an environment.
    """

    id: str
    title: str
    surfaces: frozenset[Surface]
    looked_for: str
    check: Callable[[Environment], Iterator[Judgement]] | None = None
    check_project: Callable[[Project], Iterator[Judgement]] | None = None
