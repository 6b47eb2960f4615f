"""The tags that ``docker/metadata-action`` makes for an image.

Source: README of docker/metadata-action, "tags input" (types, defaults), "flavor input" and "latest tag".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.possible import Possible, joined, one_of, open_text, shown
from checker.model.values import Text, pieces

_DEFAULT: Final = ("type=schedule", "type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr")
_BRANCH: Final = "refs/heads/"
_TAG: Final = "refs/tags/"
_OF_VERSIONS: Final = frozenset({"semver", "pep440", "match"})
# Parts of a version that stay the same over several releases: `{{major}}.{{minor}}` names a line of them.
_WHOLE: Final = lazy_re.compile(r"\{\{\s*(?:version|raw|patch)\s*\}\}")
_NUMBER: Final = open_text("${{ github.event.number }}", "github.event")
_EXPRESSION: Final = lazy_re.compile(r"(\{\{.*?\}\})")
# A regular expression that takes in all that a release's tag ends with: `v(.*)`, `\d+\.\d+\.\d+`.
_ALL_OF_IT: Final = lazy_re.compile(r"\.[*+]|\\d(?>.*?\.)(?>.*?\\d)(?>.*?\.).*\\d")


def outputs_of(job: EffectiveJob, images: list[Possible], rules: list[Possible], flavor: str) -> Mapping[str, Possible]:
    """What the action gives: ``tags`` has one reference in each line."""
    tags: list[Possible] = []
    latest = "latest=true" in flavor
    for rule in rules or list(_DEFAULT):
        made, is_version = _tags(rule, job)
        tags.extend(made)
        latest = latest or (bool(made) and is_version and "latest=false" not in flavor)
    if latest:
        tags.append("latest")
    references = [joined([image, ":", tag]) for image in images for tag in tags]
    lines = [part for index, each in enumerate(references) for part in (["\n"] if index else []) + [each]]
    return {
        "tags": joined(lines) if lines else "",
        "tag-names": joined([part for each in tags for part in ("\n", each)][1:]) if tags else "",
        "version": tags[0] if tags else "",
        "json": joined(['{"tags": ["', *(part if part != "\n" else '", "' for part in lines), '"]}']) if lines else "",
    }


def images_of(fields: Sequence[Possible]) -> list[Possible]:
    """The images of one line of ``images:``: names, or fields of which one may say that it is left out."""
    named: list[Possible] = []
    for each in fields:
        first, *rest = pieces(each) if isinstance(each, str | Text) else ("",)
        key, equals, value = first.partition("=") if isinstance(first, str) else ("", "", "")
        if not equals or key.strip() not in {"name", "enable"}:
            named.append(each)
        elif key.strip() == "name":
            named.append(joined([value, *(part if isinstance(part, str) else Text((part,)) for part in rest)]))
        elif each == f"{key}=false":
            return []
    return named


def variables_of(
    made: Mapping[str, Possible], before: Mapping[str, Possible], *, surely: bool
) -> Mapping[str, Possible]:
    """The variables in which later steps find what the action gives (README, "DOCKER_METADATA_OUTPUT_*"): each is that
    or what it was ``before``, where the action may not run to its end."""
    named = {f"DOCKER_METADATA_OUTPUT_{name.upper().replace('-', '_')}": value for name, value in made.items()}
    if surely:
        return named
    return {name: one_of([before.get(name, open_text(f"${{{name}}}")), value]) for name, value in named.items()}


def _tags(rule: Possible, job: EffectiveJob) -> tuple[list[Possible], bool]:
    """The tags of one line of ``tags:``, and whether it stands for a version (``latest`` then moves along)."""
    parts: dict[str, Possible] = dict(_parts(rule))
    kind = shown(parts.get("type", "raw"))
    if parts.get("enable") == "false":
        return [], False
    if shown(parts.get("enable", "")) == "{{is_default_branch}}" and not _on_branch(job, ""):
        return [], False
    before, after = parts.get("prefix", ""), parts.get("suffix", "")
    made: list[Possible] = []
    if kind == "raw":
        made = list(_rendered(parts.get("value", ""), job))
    elif kind == "sha":
        before = parts.get("prefix", "sha-")
        made = [_commit(long=parts.get("format") == "long")]
    elif kind == "edge":
        made = ["edge"] if _on_branch(job, shown(parts.get("branch", ""))) else []
    elif kind == "schedule":
        scheduled = any(start.event == "schedule" for start in job.starts)
        made = list(_rendered(parts.get("pattern", "nightly"), job)) if scheduled else []
    elif kind == "ref":
        event = shown(parts.get("event", ""))
        if event == "pr":
            before = parts.get("prefix", "pr-")
            made = [_NUMBER] if any(start.event.startswith("pull_request") for start in job.starts) else []
        else:
            made = list(_of_refs(job, _BRANCH if event == "branch" else _TAG)) if event in {"branch", "tag"} else []
        return [joined([before, each, after]) for each in made], event == "tag"
    elif kind in _OF_VERSIONS:
        made = list(_versions(kind, parts, job))
    return [joined([before, each, after]) for each in made], kind in _OF_VERSIONS


def _commit(*, long: bool) -> Text:
    return open_text("${{ github.sha }}" if long else "${GITHUB_SHA::7}", "github.sha")


def _on_branch(job: EffectiveJob, name: str) -> bool:
    """Whether the job can run on the branch (empty: on any, the default one is not known here)."""
    refs = [shown(start.ref) for start in job.starts if start.event != "pull_request"]
    others = (_TAG, "refs/pull/")
    return any(not ref.startswith(others) and (not name or "$" in ref or ref == f"{_BRANCH}{name}") for ref in refs)


def _versions(kind: str, parts: Mapping[str, Possible], job: EffectiveJob) -> Iterator[Possible]:
    """The tags of a version: of the tag that the job runs on, or of a value that is given.

    A pattern that leaves out the last part of a version makes the same tag for each release of a line.
    """
    pattern = shown(parts.get("pattern", ""))
    value = parts.get("value")
    found = list(_of_refs(job, _TAG)) if value in (None, "") else [value]
    for each in found:
        if kind == "match" and not _ALL_OF_IT.search(pattern):
            yield open_text(f"what {pattern} finds in the ref", "github")
        elif kind != "match" and pattern and not _WHOLE.search(pattern):
            yield pattern
        elif each is not None:
            yield each


def _rendered(value: Possible, job: EffectiveJob) -> Iterator[Possible]:
    """A value with its global expressions put in (README, "Global expressions"), once for each branch or tag."""
    if not isinstance(value, str) or "{{" not in value:
        yield value
        return
    refs: list[Possible] = [""]
    if "{{branch}}" in value or "{{tag}}" in value:
        refs = list(_of_refs(job, _BRANCH if "{{branch}}" in value else _TAG))
    for ref in refs:
        parts: list[Possible] = []
        for each in _EXPRESSION.split(value):
            if each in {"{{branch}}", "{{tag}}"}:
                parts.append(ref)
            elif each == "{{sha}}":
                parts.append(_commit(long=False))
            else:
                parts.append(open_text(each) if each.startswith("{{") else each)
        yield joined(parts)


def _parts(rule: Possible) -> Iterator[tuple[str, Possible]]:
    """``type=raw,value=...`` taken apart; a line without ``type`` is a value."""
    if isinstance(rule, str):
        if "=" not in rule:
            yield "value", rule
        for each in rule.split(",") if "=" in rule else ():
            key, _, value = each.strip().partition("=")
            yield key, value
        return
    if not isinstance(rule, Text) or not isinstance(rule.parts[0], str) or not rule.parts[0].startswith("type="):
        yield "value", rule
        return
    head = [each.strip().partition("=") for each in rule.parts[0].split(",")]
    for key, _, value in head[:-1]:
        yield key, value
    rest: list[Possible] = [head[-1][2]]
    rest += [part if isinstance(part, str) else Text((part,)) for part in rule.parts[1:]]
    yield head[-1][0], joined(rest)


def _of_refs(job: EffectiveJob, kind: str) -> Iterator[Possible]:
    """The names of the branches or tags that the job runs on."""
    seen: set[object] = set()
    for start in job.starts:
        ref = start.ref
        if start.event in {"pull_request", "schedule"} or not shown(ref).startswith(kind) or ref in seen:
            continue
        seen.add(ref)
        if isinstance(ref, str):
            yield ref.removeprefix(kind).replace("/", "-")
        else:
            yield open_text("${{ github.ref_name }}", "github")
