"""Which events start a workflow, and on which refs: what ``github.ref`` can be.

Source: GitHub documentation, "Events that trigger workflows" (each event's ``GITHUB_REF``) and "Workflow syntax"
(filters; a filter on branches alone keeps tags out, and the other way round).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveJob, Start
from checker.model.pipeline.workflows import Trigger, Workflow
from checker.model.possible import Possible, open_text
from checker.model.values import Text, pieces, text

_HEADS: Final = "refs/heads/"
_TAGS: Final = "refs/tags/"
_GLOB: Final = lazy_re.compile(r"\*+|\[[^\]]*\]|.\?|.\+")
# GitHub documentation, "Events that trigger workflows": `published` is for pre-releases too, `released` is not.
ALL_RELEASE_TYPES: Final = ("published", "unpublished", "created", "edited", "deleted", "prereleased", "released")
_FULL_ONLY: Final = frozenset({"released"})
_PRE_ONLY: Final = frozenset({"prereleased"})
# Events whose run may stand on any branch or tag; every other one that is not below runs on the default branch.
_ANY_REF: Final = frozenset({"workflow_dispatch", "create", "deployment", "deployment_status"})


def starts_of(workflow: Workflow, default_branch: str) -> tuple[Start, ...]:
    """Every way in which GitHub starts this workflow by itself; calls of it are not among them."""
    found: list[Start] = []
    for trigger in workflow.triggers.values():
        if trigger.event == "release":
            found.extend(_releases(trigger, default_branch))
        elif trigger.event != "workflow_call":
            found.extend(Start(trigger, ref, pattern) for ref, pattern in _refs(trigger, default_branch))
    return tuple(found)


def release_actions(start: Start) -> tuple[str, ...]:
    """What ``github.event.action`` can be in a run that a release started; empty where a type is not known."""
    types = start.trigger.types or ALL_RELEASE_TYPES
    other = _FULL_ONLY if start.prerelease else _PRE_ONLY
    return tuple(each for each in types if each not in other)


def _releases(trigger: Trigger, default_branch: str) -> Iterator[Start]:
    """A start by a full release, and one by a pre-release, as far as the types let each through."""
    for prerelease in (False, True):
        for ref, pattern in _refs(trigger, default_branch):
            start = Start(trigger, ref, pattern, prerelease=prerelease)
            if release_actions(start):
                yield start


def _refs(trigger: Trigger, default_branch: str) -> Iterator[tuple[str | Text, str | None]]:
    event = trigger.event
    if event == "push":
        by_branch = trigger.branches is not None or trigger.branches_ignore is not None
        by_tag = trigger.tags is not None or trigger.tags_ignore is not None
        if by_branch or not by_tag:
            yield from _filtered(_HEADS, trigger.branches)
        if by_tag or not by_branch:
            yield from _filtered(_TAGS, trigger.tags)
    elif event == "release":
        yield _open(_TAGS), None
    elif event in {"pull_request", "pull_request_review", "pull_request_review_comment"}:
        yield text(["refs/pull/", *pieces(open_text("${{ github.event.number }}")), "/merge"]), None
    elif event == "pull_request_target":
        yield from _filtered(_HEADS, trigger.branches)
    elif event == "merge_group":
        yield _open(f"{_HEADS}gh-readonly-queue/"), None
    elif event in _ANY_REF:
        yield _open(_HEADS), None
        yield _open(_TAGS), None
    else:
        yield f"{_HEADS}{default_branch}", None


def _filtered(prefix: str, patterns: Iterable[str] | None) -> Iterator[tuple[str | Text, str | None]]:
    if patterns is None:
        yield _open(prefix), None
        return
    for pattern in patterns:
        if not pattern.startswith("!"):
            yield ref_of(prefix, pattern), pattern


def _open(prefix: str) -> Text:
    joined = text([prefix, *pieces(open_text("${{ github.ref_name }}"))])
    assert isinstance(joined, Text)
    return joined


def ref_of(prefix: str, pattern: str) -> str | Text:
    """The refs that a filter's pattern lets through, as one text with a hole per wildcard."""
    parts: list[str | Text] = [prefix]
    position = 0
    for match in _GLOB.finditer(pattern):
        parts.extend((pattern[position : match.start()], open_text(match[0], pattern)))
        position = match.end()
    parts.append(pattern[position:])
    return text([piece for part in parts for piece in pieces(part)])


# The first word of GitHub's own runners' labels, and the labels that a self-hosted one has by its system.
_SYSTEMS: Final = {"ubuntu": "Linux", "linux": "Linux", "windows": "Windows", "macos": "macOS"}


def system_of(runs_on: object) -> str:
    """The system of the runner that labels ask for, as ``runner.os`` names it; empty where they do not tell.

    Source: GitHub documentation, "GitHub-hosted runners reference", "Using self-hosted runners in a workflow".
    """
    labels = runs_on if isinstance(runs_on, list) else [runs_on]
    named = {_SYSTEMS.get(label.lower().partition("-")[0], "") for label in labels if isinstance(label, str)} - {""}
    return named.pop() if len(named) == 1 else ""


def runner_variables(job: EffectiveJob) -> dict[str, Possible]:
    """What scripts are told of how the run began, where that is one event and one ref alone.

    Source: GitHub documentation, "Variables reference", default environment variables.
    """
    refs, events = {start.ref for start in job.starts}, {start.event for start in job.starts}
    found: dict[str, Possible] = {"GITHUB_EVENT_NAME": events.pop()} if len(events) == 1 else {}
    ref = refs.pop() if len(refs) == 1 else None
    if isinstance(ref, str):
        found["GITHUB_REF"] = ref
        found["GITHUB_REF_NAME"] = ref.removeprefix(_HEADS).removeprefix(_TAGS)
        found["GITHUB_REF_TYPE"] = "tag" if ref.startswith(_TAGS) else "branch"
    if system := system_of(job.job.runs_on):
        found["RUNNER_OS"] = system
    return found
