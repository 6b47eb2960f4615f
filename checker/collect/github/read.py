"""All facts of one repository: every question is asked as soon as what it takes is known, side by side with others."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import quote

from msgspec.structs import fields

from checker import lazy_re
from checker.collect.github import shapes
from checker.collect.github.client import Client, WrongShape, connected, refusal_of, token_of, url_of
from checker.errors import install_with
from checker.model.live.repository_settings import (
    BranchProtection,
    DeploymentEnvironment,
    ImmutableReleases,
    NotRead,
    RefPattern,
    RepositorySettings,
    Ruleset,
    SubjectTemplate,
)
from checker.model.values import ABSENT, Absent

DEADLINE: Final = 30.0
"""Seconds for everything together."""
_NAME: Final = lazy_re.compile(r"(?!\.)[\w.-]+/(?!\.{1,2}$)[\w.-]+", re.ASCII)
# Fine-grained permissions, as the API's pages name them.
_METADATA: Final = "metadata:read"
_ACTIONS: Final = "actions:read"
_ADMINISTRATION: Final = "administration:read"


def read_settings(repository: str, environ: Mapping[str, str], *, seconds: float = DEADLINE) -> RepositorySettings:
    """What the token of ``environ`` may see of ``OWNER/REPO``'s settings. What it may not is not read, never absent."""
    token, url = token_of(environ), url_of(environ)
    refused = refusal_of(url)
    if not repository or not _NAME.fullmatch(repository):
        return _nothing(repository, NotRead("it is not known which repository", "repository in checker.toml"))
    if token is None:
        return RepositorySettings(repository=repository)
    if refused is not None:
        return _nothing(repository, refused)
    if find_spec("gidgethub") is None or find_spec("httpx2") is None:
        missing = NotRead("reading GitHub's settings needs a package", install_with("github"))
        return _nothing(repository, missing)
    return asyncio.run(_read(repository, token, url, seconds))


def _nothing(repository: str, why: NotRead) -> RepositorySettings:
    """The settings of which none could be read, for one reason."""
    read = (each.name for each in fields(RepositorySettings) if each.name != "repository")
    return RepositorySettings(repository=repository, **dict.fromkeys(read, why))


async def _read(repository: str, token: str, url: str, seconds: float) -> RepositorySettings:
    async with connected(url, token, seconds) as client:
        reader = _Reader(client, f"/repos/{repository}")
        described = await client.fact(reader.described, needs=_METADATA)
        if isinstance(described, NotRead):
            return _nothing(repository, described)
        branch, administers = described
        environments, rulesets, protection, subject, releases = await asyncio.gather(
            reader.environments(),
            reader.rulesets(),
            reader.protection(branch),
            reader.subject(),
            reader.releases(administers=administers),
        )
    return RepositorySettings(
        repository=repository,
        default_branch=branch,
        environments=environments,
        rulesets=rulesets,
        branch_protection=protection,
        subject_template=subject,
        immutable_releases=releases,
    )


class _Reader:
    def __init__(self, client: Client, path: str) -> None:
        self._client = client
        self._path = path

    async def described(self) -> tuple[str, bool]:
        """The default branch, and whether the token administers the repository."""
        answer = await self._client.item(self._path)
        branch = answer["default_branch"]
        if not isinstance(branch, str) or not branch:
            raise WrongShape("default_branch is not text")
        return branch, answer.get("permissions", {}).get("admin") is True

    async def environments(self) -> dict[str, DeploymentEnvironment] | NotRead:
        async def ask() -> dict[str, DeploymentEnvironment]:
            answers = await self._client.items(f"{self._path}/environments?per_page=100", "environments")
            found = await asyncio.gather(*map(self._environment, answers))
            return {each.name: each for each in found}

        return await self._client.fact(ask, needs=_ACTIONS)

    async def _environment(self, answer: Mapping[str, Any]) -> DeploymentEnvironment:
        # A name may hold a slash (GitHub REST API, environment_name: "must be URL encoded").
        path = f"{self._path}/environments/{quote(str(answer['name']), safe='')}"

        async def patterns() -> list[RefPattern]:
            found = await self._client.items(f"{path}/deployment-branch-policies?per_page=100", "branch_policies")
            return [shapes.ref_pattern(each) for each in found]

        async def gates() -> tuple[str, ...]:
            rules = await self._client.items(
                f"{path}/deployment_protection_rules", "custom_deployment_protection_rules"
            )
            return tuple(sorted(each for each in map(shapes.gate, rules) if each is not None))

        async def no_patterns() -> list[RefPattern]:
            return []

        named = self._client.fact(patterns if shapes.has_patterns(answer) else no_patterns, needs=_ACTIONS)
        return shapes.environment(answer, *await asyncio.gather(self._client.fact(gates, needs=_ACTIONS), named))

    async def rulesets(self) -> tuple[Ruleset, ...] | NotRead:
        async def one(number: object) -> Ruleset:
            return shapes.ruleset(await self._client.item(f"{self._path}/rulesets/{int(str(number))}"))

        async def ask() -> tuple[Ruleset, ...]:
            # The list has no rules and no conditions: each is asked for.
            listed = await self._client.items(f"{self._path}/rulesets?includes_parents=true&per_page=100", "rulesets")
            return tuple(await asyncio.gather(*(one(each["id"]) for each in listed)))

        return await self._client.fact(ask, needs=_METADATA)

    async def protection(self, branch: str) -> BranchProtection | Absent | NotRead:
        async def ask() -> BranchProtection | Absent:
            path = f"{self._path}/branches/{quote(branch, safe='')}/protection"
            return shapes.branch_protection(await self._client.item(path))

        def absent(message: str) -> BranchProtection | Absent | None:
            # A token that may see it is told this; one that may not, "Not Found" (recorded in @octokit/fixtures).
            return ABSENT if message == "Branch not protected" else None

        return await self._client.fact(ask, needs=_ADMINISTRATION, absent=absent)

    async def subject(self) -> SubjectTemplate | NotRead:
        async def ask() -> SubjectTemplate:
            return shapes.subject_template(await self._client.item(f"{self._path}/actions/oidc/customization/sub"))

        return await self._client.fact(ask, needs=_ACTIONS)

    async def releases(self, *, administers: bool) -> ImmutableReleases | NotRead:
        async def ask() -> ImmutableReleases:
            return shapes.immutable_releases(await self._client.item(f"{self._path}/immutable-releases"))

        def absent(_: str) -> ImmutableReleases | None:
            # 404 means "not enabled", to those who have admin read access (Check if immutable releases are enabled).
            return ImmutableReleases(enabled=False) if administers else None

        return await self._client.fact(ask, needs=_ADMINISTRATION, absent=absent)
