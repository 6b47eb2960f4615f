"""A tag is resolved to its commit.

What the review found
    Nothing: found since. An annotated tag is an object of its own: ``git rev-parse v1.2.3`` and GitHub's
    ``git/ref/tags/v1.2.3`` answer with that object's id, which no image is called after. With a lightweight tag the
    same line works, so nobody notices before the first annotated one.
What is checked
    Every place where a job turns a tag into an id that it goes on with, in shell, Python, ``actions/github-script``
    and programs for Node.js: it asks for the commit (``TAG^{commit}``, ``git rev-list -n 1``, ``commits/TAG``), or
    follows the tag's object to the commit (``git/tags``).
When it does not apply
    No job turns a tag into an id: ``actions/checkout`` and ``git checkout`` take tags of both kinds, and a question
    whether a tag is there takes no id from the answer.
What cannot be decided
    A revision that may be a tag or a commit, as an input called ``ref`` is; an answer whose use is not followed.
Fix
    Write ``git rev-parse "$TAG^{commit}"``, or ask GitHub for ``commits/TAG``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from checker.model.answers import YES, Open
from checker.model.environments import Project
from checker.model.judgements import Judgement
from checker.model.rules import Rule
from checker.reason.deploys.paths import once
from checker.reason.github.tag_objects import TagRead, tag_reads

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

_FIX: Final = 'Ask for the commit: git rev-parse "$TAG^{commit}", or GitHub\'s commits/TAG.'


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:  # noqa: ARG001 - no template tells
    yield from once(_judged(read) for job in pipeline.jobs for read in tag_reads(job, pipeline.trace(job)))


def _judged(read: TagRead) -> Judgement:
    if read.commit is YES:
        return read.place.passes(None, f"{read.asked} is followed to the commit.")
    if isinstance(read.commit, Open):
        why = f"whether what {read.asked} answers is a tag's own id: {read.commit.why}"
        return read.place.undecided(None, why, fix=_FIX)
    return read.place.fails(
        None,
        f"It takes what {read.asked} answers for the commit: of an annotated tag that is the tag's own id.",
        fix=_FIX,
    )


RULE = Rule(
    id="P17",
    check_pipeline=check_pipeline,
    looked_for_in_pipeline="job that turns a tag into an id",
)
