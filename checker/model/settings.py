"""What cannot be discovered and a project may say in ``checker.toml``. Every default judges strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

# Any pattern of release tags has to admit all of these: a first version, an ordinary one, one of several digits.
RELEASES: Final = ("0.1.0", "1.2.3", "10.20.30")


class SubjectForm(StrEnum):
    """The form of ``sub`` in GitHub's OIDC tokens: classic, or with immutable ids (repositories from 2026-07-15 on)."""

    CLASSIC = "classic"
    IMMUTABLE = "immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """What is said of one environment. ``stacks`` may stand in several: one template, deployed once in each."""

    kind: str = ""  # production|staging|shared|other
    stacks: tuple[str, ...] = ()
    account: str = ""
    region: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)  # of every stack that declares them


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The project's own words. Empty strings mean "not said"."""

    repository: str = ""  # OWNER/REPO
    # The same as the clone tells it: for what messages say. A fork's clone tells another, so nothing is judged by it.
    origin: str = field(default="", compare=False)
    subject_form: SubjectForm = SubjectForm.CLASSIC
    owner_id: str = ""  # for the immutable form
    repository_id: str = ""
    default_branch: str = "main"
    # What tokens may deploy with: refs that only reviewed changes reach, and GitHub environments.
    protected_refs: tuple[str, ...] = ("refs/heads/main", "refs/tags/v*")
    github_environments: tuple[str, ...] = ()
    stacks: Mapping[str, str] = field(default_factory=dict)  # stack name -> environment
    environment_kinds: Mapping[str, str] = field(default_factory=dict)  # environment -> production|staging|shared|other
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # stack name -> parameter -> value
    environments: Mapping[str, EnvironmentSettings] = field(default_factory=dict)
    account: str = ""  # where stacks are deployed whose assembly leaves that open
    region: str = ""
    bootstrap_tags: tuple[str, ...] = ("init",)  # image tags that stand for "nothing released yet"
    has_bootstrap: bool = False  # the file names those tags: images of that name are there
    release_tag_patterns: tuple[str, ...] = ("v*",)  # image tags that a release carries
    script_folders: tuple[str, ...] = ()
    migration_folders: tuple[str, ...] = ()
    # The command that synthesizes the project's assembly, and the files that decide what it makes (glob patterns below
    # the project). Running it runs the project's own code, so nothing is run unless it is said here.
    synthesis_command: tuple[str, ...] = ()
    synthesis_inputs: tuple[str, ...] = ()
    synthesis_context: Mapping[str, str] = field(default_factory=dict)  # CDK context besides that of cdk.json
    exclude: Mapping[str, str] = field(default_factory=dict)  # path or pattern below the project -> why it is left out
    rules: tuple[str, ...] = ()  # folders of the project's own rules; they run only where the command line allows it
    max_waiver_days: int = 365
    rule_seconds: float = 20.0
    # "key.name" -> "checker.toml:LINE", for names that turn out to fit nothing.
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
