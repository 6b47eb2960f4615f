"""What a rule is: one finding's requirement as a function over the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.live.account import Account
from checker.model.verdicts import Surface

if TYPE_CHECKING:
    # These models are large; a run over templates alone does not pay for them.
    from checker.model.live.repository_settings import RepositorySettings
    from checker.model.pipeline.pipeline import Pipeline


class Unseen(Struct, frozen=True):
    """What may be in what a job does and nobody read: ``what`` completes "Cannot be decided: ...", ``sub`` is the
    requirement that it leaves open. ``logins``: only what may have taken on a role concerns the rule; ``own``: only
    what acts as the job itself."""

    what: str
    sub: str | None = None
    logins: bool = False
    own: bool = False


class Rule(Struct, frozen=True, kw_only=True):
    """One finding as code.

    ``check`` is called once per environment, ``check_project`` once with all of them (for what only shows between
    environments), ``check_pipeline`` once where the repository's workflows, scripts and migrations are at hand,
    ``check_account`` once where the resources are a live account's, for what no template can tell, ``check_settings``
    once where the repository's settings were looked at, whether they could be read or not. A rule has at least one of
    them. ``looked_for`` completes "There is no ...", as which it is not applicable: the judge
    says of each environment that ``check`` and ``check_project`` are silent about; ``looked_for_in_pipeline`` likewise
    of a pipeline. ``unseen`` is what a part of a job that nobody could read may hide of what the rule judges.
    Title and severity stand in the register.
    """

    id: str
    looked_for: str = ""
    check: Callable[[Environment], Iterator[Judgement]] | None = None
    check_project: Callable[[Project], Iterator[Judgement]] | None = None
    check_pipeline: Callable[[Pipeline, Project], Iterator[Judgement]] | None = None
    check_account: Callable[[Account, Project], Iterator[Judgement]] | None = None
    check_settings: Callable[[RepositorySettings, Project], Iterator[Judgement]] | None = None
    looked_for_in_pipeline: str = ""
    unseen: Unseen | None = None

    @property
    def surfaces(self) -> frozenset[Surface]:
        """Where it can judge, as its check functions say. On which of these it does, the register says."""
        found: set[Surface] = set()
        if self.check is not None or self.check_project is not None:
            found |= {Surface.TEMPLATE, Surface.ACCOUNT}
        if self.check_pipeline is not None:
            found |= {Surface.WORKFLOW, Surface.SCRIPT, Surface.MIGRATION}
        if self.check_account is not None:
            found.add(Surface.ACCOUNT)
        if self.check_settings is not None:
            found.add(Surface.SETTING)
        return frozenset(found)
