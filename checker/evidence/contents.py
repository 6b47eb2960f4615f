"""What is in a pack: from runs, snapshots and the previous pack to named files. Pure: the same in, the same bytes out.

::

    evidence.json      what this release is, in one page for programs (checker-evidence/1)
    runs/…json         the runs as they were stored: gate, audit, drift
    waivers.json       the waivers of those runs, each with the state that it was found in
    difference.json    what changed against the previous release, run by run; only where one could be read
    statement.json     the in-toto statement over images and assemblies
    manifest.json      SHA-256 and size of every file but itself and the statement, which names the manifest's own
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, to_builtins

from checker.compare import compare, document
from checker.errors import InputError, UsageError
from checker.evidence.statement import PREDICATE_TYPE, statement
from checker.model.live.snapshot import Snapshot
from checker.model.verdicts import Run

SCHEMA: Final = "checker-evidence/1"
MANIFEST_SCHEMA: Final = "checker-evidence-manifest/1"
EVIDENCE: Final = "evidence.json"
MANIFEST: Final = "manifest.json"
STATEMENT: Final = "statement.json"
DIFFERENCE: Final = "difference.json"
WAIVERS: Final = "waivers.json"


class StoredRun(Struct, frozen=True):
    """A run, and the very bytes that it was stored as."""

    run: Run
    raw: bytes


class StoredSnapshot(Struct, frozen=True):
    """A snapshot of an account. It is judged in the runs; of itself the pack keeps the hash, for it holds more."""

    snapshot: Snapshot
    raw: bytes


class Image(Struct, frozen=True, order=True):
    """An image that runs, or that was named: ``name`` without a tag, ``digest`` as ``sha256:…``."""

    name: str
    digest: str


class Previous(Struct, frozen=True):
    """The pack of the release before. ``state``: ``none`` (this is the first), ``unreadable`` (``why``), ``read``."""

    state: str
    why: str = ""
    tag: str = ""
    commit: str = ""
    sha256: str = ""
    runs: Mapping[str, Run] | None = None


NO_PREVIOUS: Final = Previous("none")


class Release(Struct, frozen=True, kw_only=True):
    """All that a pack is made of."""

    runs: Sequence[StoredRun]
    snapshots: Sequence[StoredSnapshot] = ()
    images: Sequence[Image] = ()
    tag: str = ""
    commit: str = ""
    previous: Previous = NO_PREVIOUS


def files(release: Release) -> dict[str, bytes]:
    """The pack, file by file. Raises :class:`UsageError` or :class:`InputError` where its parts do not fit together."""
    named = name_runs([each.run for each in release.runs])
    gates = [name for name, run in named.items() if run.command == "gate"]
    if not gates:
        raise UsageError("an evidence pack needs a gate run", "Store one: checker gate --format json=gate.json.")
    commit = _one_commit(named, release.commit)
    found = {f"runs/{name}.json": each.raw for name, each in zip(named, release.runs, strict=True)}
    found[WAIVERS] = _json([_waiver(name, each) for name, run in named.items() for each in run.waivers])
    assemblies = _assemblies(named)
    images, gaps = _images(release)
    difference = _difference(named, release.previous)
    if difference is not None:
        found[DIFFERENCE] = _json(difference)
    evidence = {
        "schema": SCHEMA,
        "repository": next((run.project.repository for run in named.values() if run.project.repository), ""),
        "commit": commit,
        "tag": release.tag,
        "runs": [_summary(name, run, found[f"runs/{name}.json"]) for name, run in named.items()],
        "assemblies": assemblies,
        "images": to_builtins(images),
        "snapshots": [_snapshot(each) for each in release.snapshots],
        "waivers_in_force": sorted(
            {status.finding for run in named.values() for status in run.waivers if _in_force(status.state.value)}
        ),
        "previous": _previous(release.previous),
        "not_in_this_pack": [*_missing(named, release, images), *gaps],
    }
    found[EVIDENCE] = _json(evidence)
    found[MANIFEST] = manifest(found)
    found[STATEMENT] = stated(evidence, found[MANIFEST])
    return dict(sorted(found.items()))


def manifest(found: Mapping[str, bytes]) -> bytes:
    """SHA-256 and size of every file that stands in it."""
    listed = {
        name: {"sha256": sha256(content), "bytes": len(content)}
        for name, content in sorted(found.items())
        if name not in (MANIFEST, STATEMENT)
    }
    return _json({"schema": MANIFEST_SCHEMA, "files": listed})


def stated(evidence: Mapping[str, Any], its_manifest: bytes) -> bytes:
    """The statement that follows from a pack's page and its manifest: no other one belongs to them."""
    subjects = [(each["name"], each["digest"]) for each in evidence["images"]]
    subjects += [(f"assembly/{name}", digest) for name, digest in evidence["assemblies"].items()]
    predicate = {"evidence": dict(evidence), "manifest": {"sha256": sha256(its_manifest)}}
    return _json(statement(subjects, PREDICATE_TYPE, predicate))


def name_runs(runs: Iterable[Run]) -> dict[str, Run]:
    """``gate``, ``audit-production``: its command, and for a look at an account the environments that it looked at."""
    named: dict[str, Run] = {}
    for run in runs:
        where = "" if run.command == "gate" else "-".join(("", *sorted(run.environments)))
        name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in f"{run.command}{where}")[:100]
        if name in named:
            raise UsageError(f"two runs of {name.replace('-', ' ', 1)}", "Name each run once.")
        named[name] = run
    return named


def images_of(snapshot: Snapshot) -> tuple[list[Image], list[str]]:
    """The images of running tasks, and what runs without a digest that is known."""
    found: set[Image] = set()
    gaps: set[str] = set()
    tasks = snapshot.facts.get("tasks")
    for task in tasks if isinstance(tasks, list) else ():
        if not isinstance(task, Mapping) or task.get("lastStatus") not in (None, "RUNNING"):
            continue
        containers = task.get("containers")
        for each in containers if isinstance(containers, list) else ():
            image = each.get("image") if isinstance(each, Mapping) else None
            if not isinstance(image, str):
                continue
            digest = each.get("imageDigest") or image.partition("@")[2] or _in_registry(snapshot, image)
            if isinstance(digest, str) and is_digest(digest):
                found.add(Image(untagged(image), digest))
            else:
                gaps.add(f"the digest of {image}, which runs")
    return sorted(found), sorted(gaps)


def _in_registry(snapshot: Snapshot, image: str) -> object:
    """The digest that the account's registry has for an image's tag, where the task itself does not say one."""
    name, registry = untagged(image), f"{snapshot.account}.dkr.ecr.{snapshot.region}."
    host, _, repository = name.partition("/")
    tag = image.removeprefix(name).removeprefix(":")
    images = snapshot.facts.get("images")
    held = images.get(repository) if isinstance(images, Mapping) and host.startswith(registry) else None
    named = [
        each.get("digest")
        for each in (held if isinstance(held, list) else ())
        if isinstance(each, Mapping) and tag and tag in (each.get("tags") or ())
    ]
    return named[0] if len(named) == 1 else None


def is_digest(text: str) -> bool:
    scheme, _, value = text.partition(":")
    return scheme == "sha256" and len(value) == 64 and all(c in "0123456789abcdef" for c in value)


def untagged(image: str) -> str:
    """``host:5000/name:tag@sha256:…`` without tag and digest: a colon before a slash is a port."""
    name = image.partition("@")[0]
    head, _, last = name.rpartition("/")
    return f"{head}/{last.partition(':')[0]}" if head else last.partition(":")[0]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "surrogatepass")


def _one_commit(named: Mapping[str, Run], asked: str) -> str:
    """What the runs judged has to be one commit: evidence put together from several proves nothing."""
    seen = {run.project.commit: name for name, run in named.items() if run.project.commit}
    if asked:
        seen.setdefault(asked, "--commit")
    if len(seen) > 1:
        said = ", ".join(f"{name}: {commit[:12]}" for commit, name in seen.items())
        raise InputError(f"the runs are of several commits ({said})", "Judge the commit that is released.")
    return next(iter(seen), "")


def _assemblies(named: Mapping[str, Run]) -> dict[str, str]:
    """Environment -> hash, of the gate. An audit that judged other templates than the gate is refused."""
    found = dict(next(run for run in named.values() if run.command == "gate").project.assemblies)
    for name, run in named.items():
        for environment, digest in run.project.assemblies.items():
            if found.setdefault(environment, digest) != digest:
                raise InputError(
                    f"{name} was held against another assembly of {environment} than the gate judged",
                    "Run both on the assembly that is deployed.",
                )
    return dict(sorted(found.items()))


def _images(release: Release) -> tuple[list[Image], list[str]]:
    images, gaps = set(release.images), []
    for each in release.snapshots:
        found, unknown = images_of(each.snapshot)
        images.update(found)
        gaps += unknown
    return sorted(images), gaps


def _summary(name: str, run: Run, raw: bytes) -> dict[str, Any]:
    drift: dict[str, int] = {}
    for each in run.drift:
        drift[each.state.value] = drift.get(each.state.value, 0) + 1
    return {
        "file": f"runs/{name}.json",
        "command": run.command,
        "environments": list(run.environments),
        "totals": run.totals,
        "unread": len(run.coverage.unread),
        "sha256": sha256(raw),
        **({"drift": dict(sorted(drift.items()))} if run.command == "drift" else {}),
    }


def _waiver(name: str, status: Any) -> dict[str, Any]:
    return {
        "run": name,
        "finding": status.finding,
        "environments": list(status.environments),
        "resource": status.resource,
        "reason": status.reason,
        "owner": status.owner,
        "expires_on": status.expires_on,
        "state": status.state.value,
        "detail": status.detail,
    }


def _in_force(state: str) -> bool:
    return state in ("active", "condition-unverified")


def _snapshot(each: StoredSnapshot) -> dict[str, str]:
    of = each.snapshot
    return {"account": of.account, "region": of.region, "taken_at": of.taken_at, "sha256": sha256(each.raw)}


def _previous(previous: Previous) -> dict[str, str]:
    told = {"state": previous.state, "why": previous.why, "tag": previous.tag}
    told |= {"commit": previous.commit, "sha256": previous.sha256}
    return {key: value for key, value in told.items() if value}


def _difference(named: Mapping[str, Run], previous: Previous) -> dict[str, Any] | None:
    """Run by run, of those that both packs have."""
    if previous.runs is None:
        return None
    return {name: document(compare(previous.runs[name], run)) for name, run in named.items() if name in previous.runs}


def _missing(named: Mapping[str, Run], release: Release, images: Sequence[Image]) -> list[str]:
    commands = {run.command for run in named.values()}
    found = [f"no {each} run" for each in ("audit", "drift") if each not in commands]
    if not release.snapshots:
        found.append("no snapshot of the account")
    if not images:
        found.append("no image digest: nothing says what runs")
    if release.previous.state == "unreadable":
        found.append(f"the previous release's run: {release.previous.why}")
    return found
