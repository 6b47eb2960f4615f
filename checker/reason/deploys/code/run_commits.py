"""Images of the commit that a run is of, where the run deploys another one.

A person who starts a workflow picks a branch, and ``github.sha`` is that branch's commit (GitHub documentation, "Events
that trigger workflows", ``workflow_dispatch``), whatever tag they name beside it and whatever a step checks out.
"""

from __future__ import annotations

from typing import Final

from checker import lazy_re
from checker.model.pipeline.pipeline import Pipeline
from checker.model.possible import Scalar
from checker.model.values import Text
from checker.reason.deploys.code.tag_code import Code, code_of
from checker.reason.deploys.paths import At
from checker.reason.deploys.rollbacks import deploys_a_tag

_OF_RUN: Final = lazy_re.compile(r"\bgithub\.sha\b|\bGITHUB_SHA\b")
# The commit of what a person names, and the run's where they name nothing.
_OR_ANOTHER: Final = lazy_re.compile(r"\|\||:-|\binputs\.|\bor\b")


def names_another(at: At, pipeline: Pipeline, own: str) -> bool:
    """Whether a person who starts the job names a tag whose code it has at ``at``, and the run builds no image of that
    code: what it pushes is made of the tag, whatever it is called. ``own`` is the repository's name."""
    starts = [start for start in deploys_a_tag(at.job) if start.event == "workflow_dispatch"]
    if not starts or _builds(at, pipeline):
        return False
    found = code_of(at.job, at.action, starts, pipeline, own)
    return bool(found) and all(each.code is Code.TAG for each in found)


def _builds(at: At, pipeline: Pipeline) -> bool:
    """Whether a job of the same run pushes an image, or may do so unseen."""
    traces = [pipeline.trace(job) for job in pipeline.jobs if job.entry is at.job.entry]
    pushes = any(each.operation in {"docker-push", "PutImage"} for trace in traces for each in trace.aws)
    return pushes or any(trace.gaps for trace in traces)


def is_of_run(image: Scalar) -> bool:
    """Whether an image has the commit for its tag that the run is of."""
    holes = [hole.shown for hole in image.holes] if isinstance(image, Text) else []
    return any(_OF_RUN.search(each) and not _OR_ANOTHER.search(each) for each in holes)
