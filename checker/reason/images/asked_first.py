"""Whether a push asks first if it is wanted: for a tag that names the same image for good, and is put on it once.

That a push is not made in every run is not enough: `if: github.ref == 'refs/heads/main'` holds for every run that
matters. What makes it a push that happens once is a look at the registry before it, or somebody who asks for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checker import lazy_re
from checker.model.pipeline.scripts import AwsCall, Command

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

_READS: Final = frozenset({"DescribeImages", "BatchGetImage", "ListImages", "docker-pull"})
# `docker manifest inspect`, `docker buildx imagetools inspect`, `skopeo inspect`, `crane manifest`: what asks a
# registry by its own protocol.
_ENGINES: Final = frozenset({"docker", "podman", "nerdctl", "finch", "skopeo", "crane", "regctl", "oras"})
_LOOKS: Final = frozenset({"inspect", "manifest", "pull", "digest", "ls", "list-tags"})
# What a person says who starts the run.
_SAID: Final = lazy_re.compile(r"\binputs\b|github\.event\.(?:inputs|client_payload)", re.IGNORECASE)
_STEPS: Final = lazy_re.compile(r"\bsteps(?:\.|\[')([\w-]+)", re.IGNORECASE)
_NEEDS: Final = lazy_re.compile(r"\bneeds(?:\.|\[')([\w-]+)", re.IGNORECASE)


def asked_first(call: AwsCall, pipeline: Pipeline) -> bool:
    """Whether a call that does not run for sure hangs on a look at the registry before it, or on what a person says."""
    step = call.step
    if call.certain or step is None:
        return False
    written = " ".join((*step.conditions, str(step.job.job.if_ or "")))
    if _SAID.search(written):
        return True
    steps, jobs = {*_STEPS.findall(written)}, {*_NEEDS.findall(written)}
    for action in pipeline.trace(step.job).actions:
        if action is call:
            break
        if (
            _looks(action)
            and action.step is not None
            and (action.step is step or not steps.isdisjoint(action.step.ids))
        ):
            return True
    before = (each for each in pipeline.jobs if each.entry is step.job.entry and each.job.id in jobs)
    return any(_looks(action) for job in before for action in pipeline.trace(job).actions)


def _looks(action: object) -> bool:
    if isinstance(action, AwsCall):
        return action.service.startswith("ecr") and action.operation in _READS
    if not isinstance(action, Command) or action.program not in _ENGINES:
        return False
    return not _LOOKS.isdisjoint(map(str, action.words[1:4]))
