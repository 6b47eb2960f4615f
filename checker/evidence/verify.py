"""Whether a pack is whole: offline, from its own bytes, naming every file that changed, is missing or was added.

A pack whose every file was replaced together fits itself. What it cannot fit is what others keep: the hash in the
release's text, or a signature; so the statement's hash is part of the answer, to be held against those.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from checker.errors import CheckerError, InputError
from checker.evidence import archive
from checker.evidence.contents import EVIDENCE, MANIFEST, MANIFEST_SCHEMA, SCHEMA, STATEMENT, sha256, stated


class Verified(Struct, frozen=True):
    """``faults`` is empty where the pack is whole. ``zip_sha256`` only where it came as a zip."""

    faults: tuple[str, ...]
    files: Mapping[str, bytes]
    zip_sha256: str = ""

    @property
    def statement_sha256(self) -> str:
        return sha256(self.files[STATEMENT]) if STATEMENT in self.files else ""

    @property
    def evidence(self) -> Mapping[str, Any]:
        found = json.loads(self.files[EVIDENCE])
        assert isinstance(found, dict)
        return found


def verify(path: Path) -> Verified:
    """Verify a pack, a zip or a folder. Raises :class:`InputError` where there is neither."""
    try:
        if path.is_dir() and not path.is_symlink():
            files, faults = _folder(path)
            return Verified((*faults, *check(files)), files)
        if not path.is_file():
            raise InputError(f"{path}: no such pack", "Name the pack's zip or its folder.")
        if path.stat().st_size > archive.MAX_BYTES:
            raise InputError(f"{path}: larger than any pack", "Name the pack's zip or its folder.")
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "Check the path and its permissions.") from None
    unpacked = archive.unpack(raw)
    faults = list(unpacked.faults)
    damaged = {each.split(" ", 1)[0] for each in faults}
    if unpacked.files:
        faults += [each for each in check(unpacked.files) if each.split(" ", 1)[0] not in damaged]
    return Verified(tuple(faults), unpacked.files, sha256(raw))


def check(files: Mapping[str, bytes]) -> list[str]:
    """What is wrong with a pack's files, in the order of their names; the manifest's own faults first."""
    if MANIFEST not in files:
        return [f"{MANIFEST} is missing: nothing says what the files should be"]
    listed = _listed(files[MANIFEST])
    if listed is None:
        return [f"{MANIFEST} was changed: it is no {MANIFEST_SCHEMA} document"]
    faults = []
    for name in sorted({*listed, *files} - {MANIFEST, STATEMENT}):
        if name not in files:
            faults.append(f"{name} is missing")
        elif name not in listed:
            faults.append(f"{name} was added: the manifest does not list it")
        elif listed[name] != (sha256(files[name]), len(files[name])):
            faults.append(f"{name} was changed: its SHA-256 is {sha256(files[name])}, not {listed[name][0]}")
    return [*_statement(files, whole=not faults), *faults]


def _statement(files: Mapping[str, bytes], *, whole: bool) -> list[str]:
    """The statement follows from the page and the manifest, so it is made again and held against what is there."""
    if STATEMENT not in files:
        return [f"{STATEMENT} is missing"]
    try:
        said = json.loads(files[STATEMENT])
        named = said["predicate"]["manifest"]["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return [f"{STATEMENT} was changed: it is no statement of a pack"]
    if named != sha256(files[MANIFEST]):
        return [f"{MANIFEST} was changed, or {STATEMENT}: the statement names another manifest"]
    if not whole:
        return []  # what follows from a changed page says nothing about the statement
    try:
        evidence = json.loads(files[EVIDENCE])
        if evidence.get("schema") != SCHEMA:
            return [f"{EVIDENCE} was changed: it is no {SCHEMA} document"]
        again = stated(evidence, files[MANIFEST])
    except CheckerError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [f"{EVIDENCE} was changed: it is no {SCHEMA} document"]
    return [] if again == files[STATEMENT] else [f"{STATEMENT} was changed: it does not follow from {EVIDENCE}"]


def _listed(raw: bytes) -> dict[str, tuple[str, int]] | None:
    try:
        data = json.loads(raw)
        if data["schema"] != MANIFEST_SCHEMA:
            return None
        found = {str(name): (str(each["sha256"]), int(each["bytes"])) for name, each in data["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found


def _folder(path: Path) -> tuple[dict[str, bytes], list[str]]:
    """The files below a folder. Links are not followed: what they lead to is not in the pack."""
    files: dict[str, bytes] = {}
    faults: list[str] = []
    left = archive.MAX_BYTES
    for folder, folders, names in os.walk(path):
        inside = Path(folder)
        for name in [each for each in folders if (inside / each).is_symlink()]:
            folders.remove(name)
            faults.append(f"{(inside / name).relative_to(path).as_posix()} was added: a link")
        for name in sorted(names):
            file = inside / name
            shown = file.relative_to(path).as_posix()
            if file.is_symlink() or not file.is_file():
                faults.append(f"{shown} was added: not a regular file")
            elif not archive.is_safe(shown):
                faults.append(f"{shown!r} was added: no name of a file in a pack")
            elif (left := left - file.stat().st_size) < 0 or len(files) >= archive.MAX_FILES:
                raise InputError(f"{path}: more than any pack holds", "Name the pack's zip or its folder.")
            else:
                files[shown] = file.read_bytes()
    return files, faults
