"""Reading CDK cloud assemblies (``cdk.out``, any CDK language) and bare templates.

An assembly is a folder with a ``manifest.json``. Stages are assemblies inside it; nested stacks are templates that a
parent's resource names in its metadata. Source: AWS CDK, ``cloud-assembly-schema``. Nothing is executed, and no path
that leaves the assembly's folder is followed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.collect.documents import Document, read_document
from checker.collect.templates.hidden import hidden
from checker.collect.templates.included import with_included
from checker.collect.templates.search import TEMPLATE_FILES
from checker.collect.templates.uploaded import file_of
from checker.errors import InputError
from checker.model.resources import ConstructOrigin, Raw, Stack, nesting, rebuilt
from checker.model.values import as_count

MAX_NESTING: Final = 10
MAX_NESTED: Final = 200  # of all the templates of one assembly: each is read for itself
_NOT_USER_CODE: Final = ("/node_modules/", "/site-packages/", "/jsii-", "node:internal", "<frozen")
# Resources that are stacks of their own. SAM's becomes one (AWS SAM Developer Guide, "AWS::Serverless::Application").
_NESTED: Final = frozenset({"AWS::CloudFormation::Stack", "AWS::Serverless::Application"})


class Assembly(Struct):
    """What one ``--assembly`` held. ``digest`` is over every file that was read, so equal digests judge equal facts."""

    path: Path
    stacks: list[Stack] = field(default_factory=list)
    stages: dict[str, str] = field(default_factory=dict)  # stack id -> the stage it belongs to
    digest: str = ""
    notes: list[str] = field(default_factory=list)
    problems: list[InputError] = field(default_factory=list)  # stacks that are passed over, and why


def read_assembly(path: Path, base: Path, *, name: str = "", root: Path | None = None) -> Assembly:
    """Read a folder or a bare template. ``base`` is the folder that shown paths are relative to.

    A stack that cannot be read is passed over, and on record in ``problems``; where none is left, its error is raised.
    ``name`` is the stack's where a bare template is read, by default the file's; what such a template names lies below
    ``root``, by default its folder.
    """
    reader = _Reader(base)
    if path.is_dir():
        if not (path / "manifest.json").exists():
            raise InputError(
                f"{reader.shown(path)}: not a cloud assembly: it has no manifest.json",
                "Name a cdk.out folder, or a template file.",
            )
        assembly = Assembly(path)
        reader.folder(path, path.resolve(), assembly, stage="", depth=0)
        if not assembly.stacks and assembly.problems:
            raise assembly.problems[0]
        if not assembly.stacks and not assembly.notes:
            raise InputError(f"{reader.shown(path)}: the assembly holds no stack", "Does the app add one?")
    elif path.exists():
        name = name or path.name.split(".", 1)[0] or "template"
        assembly = Assembly(path, [reader.template(path, (root or path.parent).resolve(), name)])
    else:
        raise InputError(f"{reader.shown(path)}: no such file or folder", "Name a cdk.out folder, or a template file.")
    assembly.digest = "sha256:" + reader.digest.hexdigest()
    return assembly


def digest_of(text: str) -> str:
    """The digest of an assembly that is one file."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Reader:
    def __init__(self, base: Path) -> None:
        self.base = base.resolve()
        self.digest = hashlib.sha256()
        self._assets: dict[Path, Mapping[str, str]] = {}
        self._sources: dict[str, str] = {}
        self._nested = 0

    def shown(self, path: Path | str) -> str:
        """A path as people know it: relative to the project where it is below it."""
        absolute = os.path.normpath(os.path.join(self.base, path))  # noqa: PTH118 - no symlink is followed here
        root = str(self.base) + os.sep
        return absolute[len(root) :] if absolute.startswith(root) else str(path)

    def source(self, file: str) -> str:
        """A source file of the user's as people know it. An assembly that was made elsewhere names that place: the
        project's own file is the one that the longest end of the path leads to."""
        shown = self.shown(file)
        if not shown.startswith("/"):
            return shown
        if shown not in self._sources:
            steps = shown.split("/")
            ends = ("/".join(steps[start:]) for start in range(1, len(steps)))
            self._sources[shown] = next((end for end in ends if (self.base / end).is_file()), shown)
        return self._sources[shown]

    def document(self, path: Path, root: Path) -> Document:
        resolved = path.resolve()
        if root != resolved and root not in resolved.parents:
            raise InputError(
                f"{self.shown(path)}: leaves the assembly's folder", "An assembly names its own files only."
            )
        document = read_document(resolved, self.shown(path))
        self.digest.update(document.text.encode("utf-8", "surrogatepass"))
        return document

    def folder(self, folder: Path, root: Path, assembly: Assembly, stage: str, depth: int) -> None:
        manifest = self.document(folder / "manifest.json", root)
        artifacts = manifest.data.get("artifacts")
        if not isinstance(artifacts, dict):
            at = manifest.line_of(("artifacts",))
            raise InputError(f"{manifest.file}:{at}: not a cloud assembly: no artifacts", "Synthesize again.")
        if depth > MAX_NESTING:
            raise InputError(f"{manifest.file}: stages are nested more than {MAX_NESTING} deep", "Synthesize again.")
        needs = _needs(artifacts)
        for name, artifact in artifacts.items():
            if not isinstance(artifact, dict):
                continue
            properties = _mapping(artifact.get("properties"))
            if artifact.get("type") == "aws:cloudformation:stack":
                file = properties.get("templateFile")
                if not isinstance(file, str):
                    at = manifest.line_of(("artifacts", name))
                    raise InputError(f"{manifest.file}:{at}: stack {name} names no templateFile", "Synthesize again.")
                stack_name = properties.get("stackName")
                stack_id = str(artifact.get("displayName") or name)
                try:
                    stack = self.template(folder / file, root, stack_id, may_be_empty=True)
                except InputError as error:
                    assembly.problems.append(error)
                    continue
                if not stack.template.get("Resources"):
                    assembly.notes.append(f"stack {stack_id} makes nothing: {stack.source.file} has no resources")
                    continue
                stack = replace(stack, name=stack_name if isinstance(stack_name, str) else name)
                account, region = _target(artifact.get("environment"))
                origins = self.origins(stack, self.metadata(folder, root, artifact))
                stack = replace(
                    stack,
                    needs=_called(artifacts, needs[name]),
                    needed_by=_called(artifacts, (each for each, before in needs.items() if name in before)),
                )
                assembly.stacks.append(_where_it_is(stack, account, region, origins))
                if stage:
                    assembly.stages[stack_id] = stage
            elif artifact.get("type") == "cdk:cloud-assembly" and isinstance(properties.get("directoryName"), str):
                below = str(properties.get("displayName") or name).rsplit("/", 1)[-1]
                self.folder(folder / properties["directoryName"], root, assembly, below, depth + 1)

    def template(
        self,
        path: Path,
        root: Path,
        stack_id: str,
        above: Sequence[Stack] = (),
        *,
        may_be_empty: bool = False,
    ) -> Stack:
        """A template and those nested in it. ``above``: the stacks that it is nested in, the outermost first."""
        document = with_included(self.document(path, root), path.parent, root, lambda file: self.document(file, root))
        data = document.data
        own = stack_id.rsplit("/", 1)[-1]
        stack = Stack(stack_id, f"{above[-1].name}/{own}" if above else own, "", data, document)
        resources = data.get("Resources")
        if resources is None and may_be_empty:
            return stack  # CDK writes a stack without constructs so
        if not isinstance(resources, dict):
            line = document.line_of(("Resources",)) or 1
            raise InputError(
                f"{document.file}:{line}: not a template: no Resources object", "Name a CloudFormation template."
            )
        unread: list[str] = []
        nested: dict[str, Stack] = {}
        for logical_id, raw in resources.items():
            if logical_id.startswith(("Fn::ForEach", "Fn::Transform")):
                continue  # resources in a loop, and what a macro puts there, which is told of by itself
            if not isinstance(raw, dict) or not isinstance(raw.get("Type"), str):
                unread.append(f"resource {logical_id}: it has no Type")
                continue
            if raw["Type"] in _NESTED:
                found = self.nested(logical_id, raw, path.parent, root, (*above, stack))
                if isinstance(found, Stack):
                    nested[logical_id] = found
                else:
                    unread.append(f"nested stack {logical_id}: {found}")
        return nesting(replace(stack, unread=(*unread, *hidden(data))), nested)

    def nested(
        self, logical_id: str, raw: Mapping[str, Raw], folder: Path, root: Path, above: Sequence[Stack]
    ) -> Stack | str:
        """A nested stack from the template that ``raw`` names, seen from ``folder``, or why that is not at hand."""
        name = _mapping(raw.get("Metadata")).get("aws:asset:path")
        properties = _mapping(raw.get("Properties"))
        url = properties.get("TemplateURL", properties.get("Location"))
        if not isinstance(name, str):
            # The URL ends in the asset's object key, whichever intrinsic builds it.
            written = json.dumps(url)
            name = next((source for key, source in self.assets(folder, root).items() if key in written), None)
        if name is None and isinstance(url, str) and "://" not in url:
            name = url
        if name is None:
            name = file_of(url, folder.resolve(), root)
        if name is None:
            return "its template is not part of the assembly"
        if len(above) > MAX_NESTING:
            return f"nested more than {MAX_NESTING} deep"
        self._nested += 1
        if self._nested > MAX_NESTED:
            return f"more than {MAX_NESTED} nested stacks"
        shown = self.shown(folder / name)
        if any(each.source.file == shown for each in above):
            return f"{shown} is nested in itself"
        try:
            return self.template(folder / name, root, f"{above[-1].id}/{logical_id}", above)
        except InputError as error:
            return error.message

    def assets(self, folder: Path, root: Path) -> Mapping[str, str]:
        """Object key -> file, for the assets that are templates."""
        if folder not in self._assets:
            found: dict[str, str] = {}
            for manifest in sorted(folder.glob("*.assets.json")):
                for entry in _mapping(self.document(manifest, root).data.get("files")).values():
                    source = _mapping(_mapping(entry).get("source")).get("path")
                    for destination in _mapping(_mapping(entry).get("destinations")).values():
                        key = _mapping(destination).get("objectKey")
                        if isinstance(source, str) and isinstance(key, str) and source.endswith(TEMPLATE_FILES):
                            found[key] = source
            self._assets[folder] = found
        return self._assets[folder]

    def metadata(self, folder: Path, root: Path, artifact: Mapping[str, Raw]) -> Mapping[str, Raw]:
        """Construct path -> metadata entries, from wherever this version of the assembly keeps them."""
        entries: dict[str, Raw] = dict(_mapping(artifact.get("metadata")))
        file = artifact.get("additionalMetadataFile")
        if isinstance(file, str):
            entries.update(self.document(folder / file, root).data)
        return entries

    def origins(self, root: Stack, metadata: Mapping[str, Raw]) -> Mapping[str, Mapping[str, ConstructOrigin]]:
        """Stack id -> logical id -> where the construct was made, of a stack and those nested in it.

        The metadata is keyed by construct path and shared by the whole family; a nested stack owns what lies below its
        own path, which the path of its resource tells: ``Stack/Child.NestedStack/Child.NestedStackResource``.
        """
        entries = [(path.lstrip("/"), below) for path, below in metadata.items()]
        owners: list[tuple[str, Stack]] = [("", root)]
        made: dict[str, Mapping[str, ConstructOrigin]] = {}
        for prefix, stack in owners:
            origins: dict[str, ConstructOrigin] = {}
            for logical_id, raw in _mapping(stack.template.get("Resources")).items():
                path = _mapping(_mapping(raw).get("Metadata")).get("aws:cdk:path")
                if isinstance(path, str):
                    origins[logical_id] = ConstructOrigin(path)
            by_path = {origin.path: logical_id for logical_id, origin in origins.items()}
            for path, below in entries:
                if not path.startswith(prefix):
                    continue
                owner = by_path.get(path) or _logical_id(below)
                if owner is None:
                    continue
                known = origins.get(owner)
                if known is not None and known.path != path and known.file is None:
                    continue
                if known is None or known.file is None or len(path) < len(known.path):
                    origins[owner] = ConstructOrigin(path, *self.source_line(below))
            made[stack.id] = origins
            for logical_id, child in stack.nested.items():
                origin = origins.get(logical_id)
                if origin is not None and ".NestedStack/" in origin.path:
                    owners.append((origin.path.rsplit(".NestedStack/", 1)[0] + "/", child))
        return made

    def source_line(self, entries: Raw) -> tuple[str | None, int | None]:
        """The user's own innermost frame of the stack trace that the construct was made in."""
        for entry in entries if isinstance(entries, list) else ():
            frames = _mapping(entry).get("data") if _mapping(entry).get("type") == "aws:cdk:creationStack" else None
            if frames is None:
                frames = _mapping(entry).get("trace")
            for frame in frames if isinstance(frames, list) else ():
                place = _place(frame) if isinstance(frame, str) else None
                if place is not None and not any(mark in place[0] for mark in _NOT_USER_CODE):
                    return self.source(place[0]), place[1]
        return None, None


def _place(frame: str) -> tuple[str, int] | None:
    """File and line of a stack frame: ``f (/app.py:7)`` from Python, ``at f (/app.ts:41:5)`` from Node."""
    place = frame[frame.rfind("(") + 1 :].rstrip(")").removeprefix("at ").strip()
    file, _, line = place.rpartition(":")
    before, _, number = file.rpartition(":")
    if number.isdigit() and before:  # the last number is the column
        file, line = before, number
    at = as_count(line)
    return (file, at) if file and at is not None else None


def _needs(artifacts: Mapping[str, Raw]) -> dict[str, set[str]]:
    """Artifact -> all those that the command deploys before it, the ones that these need in turn among them."""
    direct = {name: _mapping(artifact).get("dependencies") for name, artifact in artifacts.items()}
    needs: dict[str, set[str]] = {}
    for name in artifacts:
        needs[name] = found = set[str]()
        ahead = [name]
        while ahead:
            below = direct.get(ahead.pop())
            new = {each for each in below if isinstance(each, str)} - found if isinstance(below, list) else set()
            found |= new
            ahead += new
    return needs


def _called(artifacts: Mapping[str, Raw], names: Iterable[str]) -> frozenset[str]:
    """What a selector may call the stacks among these artifacts: by id, by path in the app, by physical name."""
    stacks = {name: _mapping(artifacts.get(name)) for name in names}
    return frozenset(
        called
        for name, stack in stacks.items()
        if stack.get("type") == "aws:cloudformation:stack"
        for called in (name, stack.get("displayName"), _mapping(stack.get("properties")).get("stackName"))
        if isinstance(called, str)
    )


def _where_it_is(
    stack: Stack, account: str, region: str, origins: Mapping[str, Mapping[str, ConstructOrigin]]
) -> Stack:
    return rebuilt(
        stack, lambda each: {"account": account, "region": region, "constructs": origins.get(each.id, each.constructs)}
    )


def _mapping(value: Any) -> Mapping[str, Raw]:
    return value if isinstance(value, dict) else {}


def _logical_id(entries: Raw) -> str | None:
    for entry in entries if isinstance(entries, list) else ():
        if _mapping(entry).get("type") == "aws:cdk:logicalId" and isinstance(entry.get("data"), str):
            return str(entry["data"])
    return None


def _target(environment: Raw) -> tuple[str, str]:
    """``aws://account/region`` as account and region; empty where the stack is environment-agnostic."""
    match = re.fullmatch(r"aws://([^/]+)/([^/]+)", environment) if isinstance(environment, str) else None
    if match is None:
        return "", ""
    account, region = match.groups()
    return ("" if account == "unknown-account" else account), ("" if region == "unknown-region" else region)
