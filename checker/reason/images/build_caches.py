"""Caches of builds that are pushed to a registry: images that nothing runs, under a tag that is the same in every run.

They may move, and have to: into a repository whose tags are immutable a second push is refused, and the build with it
(Docker documentation, "Registry cache"; Amazon ECR User Guide, "Preventing image tags from being overwritten").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from checker.model.judgements import Judgement
from checker.model.pipeline.scripts import CACHE, AwsCall
from checker.model.possible import Scalar
from checker.model.resources import Resource
from checker.model.values import Known, Unknown
from checker.reason.images.commit_tags import tags_of
from checker.reason.images.references import exclusions, literal, meets

_FIX: Final = "Push the cache to a repository of its own whose tags may move, or exclude its tag from immutability."


def is_cache(call: AwsCall) -> bool:
    """Whether a push of an image is that of a build's cache."""
    return call.argument(CACHE) is True


def cached(call: AwsCall, by_name: Mapping[str, Resource], images: Collection[Scalar]) -> Judgement:
    """Whether a cache can be pushed again. ``images``: the repositories that images are pushed to."""
    tags, names = tags_of(call), call.texts("repositoryName")
    for tag in tags or ():
        for name in names or () if isinstance(tag, str) else ():
            repository = by_name.get(name) if isinstance(name, str) else None
            if repository is None:
                if name in images:
                    why = f"whether the tags of {name}, to which images are pushed too, may be pushed again"
                    return call.undecided("push", f"{why}: every run pushes its cache as {tag}", fix=_FIX)
                continue
            refused = _refuses(repository, str(tag))
            if isinstance(refused, Unknown):
                return call.undecided("push", refused.why, fix=_FIX)
            if refused:
                why = "the repository's tags are immutable, and the second push is refused."
                said = f"Every run pushes its build's cache as {tag}: {why}"
                return call.fails("push", said, fix=_FIX, actual=str(tag), related=(repository,))
    return call.passes("push", "A build's cache, which nothing runs.")


def _refuses(repository: Resource, tag: str) -> bool | Unknown:
    setting = repository.get("ImageTagMutability")
    if isinstance(setting, Unknown):
        return setting
    said = setting.value if isinstance(setting, Known) else "MUTABLE"
    excluded = False
    if isinstance(said, str) and said.endswith("_WITH_EXCLUSION"):
        filters = exclusions(repository)
        if isinstance(filters, Unknown):
            return filters
        excluded = any(meets(pattern, literal(tag)) for pattern in filters)
    return str(said).startswith("IMMUTABLE") is not excluded
