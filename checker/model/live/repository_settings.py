"""What GitHub has set for a repository: environments and their protection, rulesets, the form of OIDC subjects.

Every fact is one of three: what was read, ``ABSENT`` where GitHub says that it is not set, or :class:`NotRead` with the
reason. A fact that nobody may see is never an absent one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, TypeAlias

from msgspec import Struct, field

from checker.model.judgements import Judgeable
from checker.model.values import Absent
from checker.model.verdicts import Location, Subject, SubjectKind, Surface, Unread


class NotRead(Struct, frozen=True):
    """``why`` completes "cannot be decided: ..."; ``needs`` names the permission or the variable that is missing."""

    why: str
    needs: str = ""

    def __str__(self) -> str:
        return f"{self.why} (needs {self.needs})" if self.needs else self.why


NOT_AT_HAND: Final = NotRead("the repository's settings were not read", "a token in GITHUB_TOKEN or GH_TOKEN")


class RefPattern(Struct, frozen=True):
    """A branch or tag name pattern of an environment. ``kind`` is ``branch`` or ``tag``."""

    kind: str
    pattern: str

    @property
    def ref(self) -> str:
        return f"refs/{'tags' if self.kind == 'tag' else 'heads'}/{self.pattern}"


class AnyRef:
    """Every branch and tag may deploy."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnyRef)

    def __hash__(self) -> int:
        return 0


class ProtectedBranches(AnyRef):
    """Branches with a branch protection rule may deploy, and no tag."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProtectedBranches)

    __hash__ = AnyRef.__hash__


# What may deploy to an environment.
DeploysFrom: TypeAlias = "AnyRef | tuple[RefPattern, ...] | NotRead"


class DeploymentEnvironment(Struct, frozen=True, kw_only=True):
    """One environment of the repository and the rules in front of it.

    ``reviewers`` are ``User:login`` and ``Team:slug``, of whom one must approve. ``wait_minutes`` is a delay, not a
    barrier. ``gates`` are the apps whose custom rules must agree.
    """

    name: str
    reviewers: tuple[str, ...] = ()
    prevents_self_review: bool = False
    wait_minutes: int = 0
    gates: tuple[str, ...] | NotRead = ()
    deploys_from: DeploysFrom = field(default_factory=AnyRef)


class Ruleset(Struct, frozen=True, kw_only=True):
    """``target`` is ``branch``, ``tag`` or ``push``; ``enforcement`` is ``active``, ``evaluate`` or ``disabled``.

    ``include`` and ``exclude`` are ref patterns, ``~DEFAULT_BRANCH`` and ``~ALL``. ``rules`` are the types of its
    rules. ``bypass`` names who may pass it by; ``None`` where the token may not see it.
    """

    name: str
    target: str
    enforcement: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    rules: frozenset[str] = frozenset()
    bypass: tuple[str, ...] | None = None


class BranchProtection(Struct, frozen=True, kw_only=True):
    """The classic protection of one branch. ``reviews`` is the number of approvals that a pull request needs."""

    reviews: int = 0
    requires_pull_request: bool = False
    enforced_for_admins: bool = False
    allows_force_pushes: bool = False
    allows_deletions: bool = False


class SubjectTemplate(Struct, frozen=True, kw_only=True):
    """How the ``sub`` of the repository's OIDC tokens is made.

    ``claims`` are the claim keys of a customised subject, empty with the default. ``prefix`` is what every default
    subject begins with (``repo:OWNER/REPO`` or the form with ids), empty where GitHub does not say.
    """

    claims: tuple[str, ...] = ()
    prefix: str = ""
    immutable: bool | None = None


class ImmutableReleases(Struct, frozen=True, kw_only=True):
    enabled: bool
    enforced_by_owner: bool = False


class RepositorySettings(Judgeable, Struct, frozen=True, kw_only=True):
    """The settings of one repository (``OWNER/REPO``). ``environments`` are by name, which GitHub compares in any case.

    ``branch_protection`` is that of the default branch.
    """

    surface: ClassVar[Surface] = Surface.SETTING
    environment_name: ClassVar[str] = ""
    repository: str
    default_branch: str | NotRead = NOT_AT_HAND
    environments: Mapping[str, DeploymentEnvironment] | NotRead = NOT_AT_HAND
    rulesets: tuple[Ruleset, ...] | NotRead = NOT_AT_HAND
    branch_protection: BranchProtection | Absent | NotRead = NOT_AT_HAND
    subject_template: SubjectTemplate | NotRead = NOT_AT_HAND
    immutable_releases: ImmutableReleases | NotRead = NOT_AT_HAND

    def environment(self, name: str) -> DeploymentEnvironment | Absent | NotRead:
        """An environment by name; absent only where all of them were read."""
        if isinstance(self.environments, NotRead):
            return self.environments
        wanted = name.casefold()
        return next((each for key, each in self.environments.items() if key.casefold() == wanted), Absent())

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What could not be read, for the run's coverage: what one cause kept from being read, together."""
        facts = {
            "default branch": self.default_branch,
            "environments": self.environments,
            "rulesets": self.rulesets,
            "branch protection": self.branch_protection,
            "OIDC subject": self.subject_template,
            "immutable releases": self.immutable_releases,
        }
        if isinstance(self.environments, Mapping):
            for name, environment in self.environments.items():
                facts[f"environment {name}: branch policies"] = environment.deploys_from  # type: ignore[assignment]
                facts[f"environment {name}: custom rules"] = environment.gates  # type: ignore[assignment]
        causes: dict[NotRead, list[str]] = {}
        for what, fact in facts.items():
            if isinstance(fact, NotRead):
                causes.setdefault(fact, []).append(what)
        return tuple(
            Unread(f"{self.repository}: {', '.join(what)}", cause.why, cause.needs) for cause, what in causes.items()
        )

    def of_environment(self, name: str, environment: str) -> EnvironmentSetting:
        """The place of a GitHub environment that deploys to an environment of the project."""
        return EnvironmentSetting(self.repository, name, environment)

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.SETTING, self.repository)

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - settings have no lines
        return Location(f"github.com/{self.repository}", None, path or None)


class EnvironmentSetting(Judgeable, Struct, frozen=True):
    """One GitHub environment as a place, whether it is there or not."""

    surface: ClassVar[Surface] = Surface.SETTING
    repository: str
    name: str
    environment_name: str

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.SETTING, f"environment {self.name}")

    def locate(self, path: str, *, exactly: bool) -> Location:  # noqa: ARG002 - settings have no lines
        return Location(f"github.com/{self.repository}", None, f"settings/environments/{self.name}" + path)
