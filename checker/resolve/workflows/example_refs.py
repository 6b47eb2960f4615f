"""Refs that a job runs on, by example where a filter or a person leaves them open.

Examples are the default branch, release tags, and a branch and a tag that nobody protects. The ``if`` of the job and of
its callers is evaluated for each, so that ``if: github.ref == 'refs/heads/main'`` counts. Source: GitHub Docs, "Events
that trigger workflows".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from checker.model.answers import NO, Answer, every
from checker.model.answers import Open as Undecided
from checker.model.overlap import could_be_equal
from checker.model.pipeline.jobs import PULL_REQUESTS, Demand, EffectiveJob, Example, Start
from checker.model.settings import RELEASES, Settings
from checker.model.values import Text
from checker.resolve.expressions.evaluation import Contexts
from checker.resolve.expressions.values import Open, Partial
from checker.resolve.workflows.ifs import runs_under

_HEADS: Final = "refs/heads/"
_TAGS: Final = "refs/tags/"
# Of nobody who protects it.
_STRANGE: Final = (f"{_HEADS}any-branch", f"{_TAGS}any-tag")
# Where a person picks the ref: that one of the project's own gets in is enough.
_BY_HAND: Final = frozenset({"workflow_dispatch", "create", "deployment", "deployment_status", "repository_dispatch"})


def examples_of(job: EffectiveJob, settings: Settings) -> Iterator[Example]:
    """The refs of each of a job's starts, those left out for which an ``if`` of it or of its callers is false."""
    for start in job.starts:
        for ref, demand in _refs(job, start, settings):
            yield Example(start, ref, demand)


def _refs(job: EffectiveJob, start: Start, settings: Settings) -> Iterator[tuple[str | Text, Demand]]:
    by_hand = start.event in _BY_HAND
    if start.event in PULL_REQUESTS and start.event != "pull_request":
        # Whether these present the pull request or the ref that they run on is not documented.
        yield start.ref, Demand.EACH if job.environments else Demand.MAYBE
        return
    if not isinstance(start.ref, Text) or start.event in PULL_REQUESTS:
        yield start.ref, Demand.ONE if by_hand else Demand.EACH
        return
    examples = _examples(start.ref, start.event, settings.default_branch, settings.release_tag_patterns)
    if not examples:
        yield start.ref, Demand.EACH
        return
    for ref in examples:
        answer = _runs_on(job, start, ref)
        if answer is not NO:
            if by_hand:
                yield ref, Demand.ONE
            else:
                yield ref, Demand.MAYBE if isinstance(answer, Undecided) and ref in _STRANGE else Demand.EACH


# The jobs of a workflow start alike.
@lru_cache(maxsize=256)
def _examples(
    started_on: Text, event: str, default_branch: str, release_tag_patterns: tuple[str, ...]
) -> tuple[str, ...]:
    own = (f"{_HEADS}{default_branch}", *_release_tags(release_tag_patterns))
    others = () if event in _BY_HAND or event == "release" else _STRANGE
    return tuple(ref for ref in (*own, *others) if could_be_equal(started_on, ref))


def _release_tags(patterns: tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        head, star, _ = pattern.partition("*")
        for release in RELEASES if star else ("",):
            yield f"{_TAGS}{head}{release}"


def contexts_on(job: EffectiveJob, start: Start, ref: str) -> Contexts:
    """What expressions see in a run that ``start`` brought about on ``ref``; all that this does not tell is open."""
    github = {
        "ref": ref,
        "ref_name": ref.removeprefix(_HEADS).removeprefix(_TAGS),
        "ref_type": "tag" if ref.startswith(_TAGS) else "branch",
        "event_name": start.event,
        "workflow": job.entry.name,
    }
    return {
        "github": Partial(github, Open("github")),
        **{name: Open(name) for name in ("inputs", "vars", "secrets", "needs", "env", "matrix", "steps", "job")},
    }


def _runs_on(job: EffectiveJob, start: Start, ref: str) -> Answer:
    """Whether the conditions of the job and its callers let it run on this ref."""
    contexts = contexts_on(job, start, ref)
    return every(runs_under(each.job.if_, contexts) for each in job.chain)
