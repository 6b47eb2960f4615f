"""What a repository's settings say of its tokens: how their subjects begin, and which refs only reviewed changes reach.

Rule types are those of GitHub's rulesets (GitHub REST API, repository rules). A classic branch protection is read of
the default branch alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker.model.live.repository_settings import (
    BranchProtection,
    NotRead,
    RepositorySettings,
    Ruleset,
    SubjectTemplate,
)
from checker.model.overlap import overlap
from checker.model.settings import SubjectForm
from checker.model.values import Text
from checker.reason.oidc.trust import Repository
from checker.reason.text.patterns import covers, glob

# A branch: nothing gets in but by a pull request, or by those only who may pass the rule by.
_BRANCH: Final = (frozenset({"pull_request"}), frozenset({"update"}), frozenset({"merge_queue"}))
# A tag: not everybody who may push can make it, nor move it to other code.
_TAG: Final = (frozenset({"creation", "update"}),)
# `repo:OWNER/REPO:environment:NAME` and the ref forms, written as a template (GitHub Docs, OpenID Connect reference).
_AS_DEFAULT: Final = (("repo", "context"),)


def is_customised(template: SubjectTemplate) -> bool:
    return bool(template.claims) and template.claims not in _AS_DEFAULT


def beginning(template: SubjectTemplate, repository: str) -> str | Text | None:
    """What every subject of the repository begins with, in the form of a default one; ``None`` where nothing tells."""
    if template.prefix:
        return template.prefix.rstrip(":") + ":"
    if template.immutable is None:
        return None
    form = SubjectForm.IMMUTABLE if template.immutable else SubjectForm.CLASSIC
    return Repository(repository, form).prefix


def only_reviewed(settings: RepositorySettings, ref: str) -> bool | NotRead:
    """Whether only reviewed changes reach a ref (or each ref that a pattern matches)."""
    unseen: NotRead | None = None
    if isinstance(settings.rulesets, NotRead):
        unseen = settings.rulesets
    else:
        rules = frozenset[str]().union(*(each.rules for each in _rulesets_on(settings, settings.rulesets, ref)))
        if any(enough <= rules for enough in (_TAG if _is_tag(ref) else _BRANCH)):
            return True
    if not _is_tag(ref):
        protection = settings.branch_protection if _is_default(settings, ref) else None
        if isinstance(protection, BranchProtection) and protection.requires_pull_request:
            return True
        if isinstance(protection, NotRead):
            unseen = unseen or protection
    return unseen or False


def _rulesets_on(settings: RepositorySettings, rulesets: tuple[Ruleset, ...], ref: str) -> Iterator[Ruleset]:
    """The rulesets in force on all of a ref."""
    target = "tag" if _is_tag(ref) else "branch"
    for each in rulesets:
        if each.enforcement != "active" or each.target != target:
            continue
        included = any(_includes(settings, name, ref) for name in each.include)
        if included and not any(_excludes(settings, name, ref) for name in each.exclude):
            yield each


def _includes(settings: RepositorySettings, name: str, ref: str) -> bool:
    if name == "~DEFAULT_BRANCH":
        return _is_default(settings, ref)
    return name == "~ALL" or _matches(name.split("/"), ref.split("/"))


def _matches(name: list[str], ref: list[str]) -> bool:
    """Whether a ruleset's pattern matches all of a ref: a star ends at a slash, and ``**/`` is any number of folders
    (GitHub Docs, "Creating rulesets for a repository", "Using fnmatch syntax")."""
    if not name or not ref:
        return name == ref
    if name[0] == "**" and len(name) > 1:
        return any(_matches(name[1:], ref[at:]) for at in range(len(ref)))
    return covers(glob(name[0]), glob(ref[0])) and _matches(name[1:], ref[1:])


def _excludes(settings: RepositorySettings, name: str, ref: str) -> bool:
    left_out = _default(settings) if name == "~DEFAULT_BRANCH" else name
    return name == "~ALL" or overlap(glob(left_out), glob(ref))


def _is_default(settings: RepositorySettings, ref: str) -> bool:
    return ref == _default(settings)


def _default(settings: RepositorySettings) -> str:
    return f"refs/heads/{settings.default_branch}"


def _is_tag(ref: str) -> bool:
    return ref.startswith("refs/tags/")
