"""What a project deploys, where no ``--assembly`` says it: its own synthesis, assemblies and templates in its tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from checker.collect.documents import read_text
from checker.collect.folders import LEADS_OUT
from checker.collect.repository import is_committed
from checker.collect.seen import asked
from checker.collect.templates.assembly import Assembly, read_assembly
from checker.collect.templates.sam_config import SamDeployment, sam_deployments
from checker.collect.templates.search import Found, newer_source, search, shortened
from checker.collect.templates.synthesis import own_assembly
from checker.collect.templates.task_definitions import read_task_definition
from checker.errors import InputError
from checker.model.pipeline.sam_config import NAMES as SAM_CONFIGURATIONS
from checker.model.resources import Stack, rebuilt
from checker.model.settings import Settings
from checker.model.sources import Problem, Spot
from checker.model.verdicts import Unread


class Own(Struct):
    """The project's own assemblies. ``folders``: stack id -> the folder of the template that it was found as."""

    assemblies: list[Assembly] = field(default_factory=list)
    folders: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)
    left_out_by: dict[str, str] = field(default_factory=dict)  # exclusions of checker.toml that left something out


def read_own(project: Path, settings: Settings, say: Callable[[str], None]) -> Own:
    """Everything of the project that is a stack. What cannot be read is on record, and the rest is read."""
    own = Own()
    found = search(project, settings.exclude)
    if settings.synthesis_command:
        made = own_assembly(project, settings, say)
        own.assemblies.append(read_assembly(made, project))
        _without_the_root_app(found, own)
    for app, output in found.apps.items():
        _add_app(project, app, output, found, own)
    for folder in sorted(found.assemblies):
        if (assembly := _read(project / folder, project, own)) is not None:
            own.assemblies.append(assembly)
            own.notes.append(f"took {folder.as_posix()} for a CDK app's assembly")
            own.notes.extend(_made_of_other_code(assembly, project))
    _add_templates(project, found, own)
    _add_task_definitions(project, found, own)
    own.unread.extend(_of_problem(problem) for problem in found.problems)
    for tool, files in found.not_read.items():
        where = shortened(files, 2)
        own.unread.append(Unread(f"{where}: {tool}", "it is there, and the checker does not read it", EXCLUDE))
    own.left_out = [*found.tests, *found.passed_over]
    if found.tests:
        own.notes.append(f"left out, because tests own them: {shortened(found.tests)}")
    if found.passed_over:
        own.notes.append(f"left out, generated or vendored: {shortened(found.passed_over)}")
    own.notes.extend(f"left out by checker.toml: {what} ({why})" for what, why in found.excluded.items())
    own.left_out_by.update(found.excluded)
    return own


_INSIDE = "an output folder inside the project, or --assembly"
EXCLUDE = "an entry below [exclude] in checker.toml, where it is judged elsewhere"


def _without_the_root_app(found: Found, own: Own) -> None:
    """The synthesis command makes the root's app, or the only one: what lies in its output folder is not judged."""
    ours = next((app for app in found.apps if app.parent == Path()), None)
    if ours is None and len(found.apps) == 1:
        ours = next(iter(found.apps))
    output = found.apps.pop(ours) if ours is not None else Path("cdk.out")
    if output in found.assemblies:
        found.assemblies.remove(output)
        own.notes.append(f"{output.as_posix()} is not judged: the command of checker.toml makes the assembly anew")


def _add_app(project: Path, app: Path, output: Path, found: Found, own: Own) -> None:
    folder = asked(project / output)
    if (folder.exists() or folder.is_symlink()) and not folder.resolve().is_relative_to(project.resolve()):
        if not any(each.spot.file == output.as_posix() for each in found.problems):
            own.unread.append(Unread(f"{app.as_posix()}: its assembly ({output.as_posix()})", LEADS_OUT, _INSIDE))
    elif asked(folder / "manifest.json").is_file():
        if not any(folder.samefile(project / known) for known in found.assemblies):
            found.assemblies.append(output)
        own.notes.extend(_age(project, app, output))
    else:
        own.unread.append(
            Unread(
                f"{app.as_posix()}: a CDK app without an assembly ({output.as_posix()} is not there)",
                "its stacks are known after `cdk synth` only",
                "a run of `cdk synth` there, or synthesis_command in checker.toml",
            )
        )


def _age(project: Path, app: Path, output: Path) -> Iterator[str]:
    """Whether an app's code may make something else than its assembly by now, and what that was told by."""
    name = output.as_posix()
    if is_committed(project, f"{name}/manifest.json"):
        yield (
            f"{name} is committed: it was not compared with the code of {app.as_posix()}, for a checkout's times tell "
            "nothing. Synthesize before the gate, or let it by synthesis_command in checker.toml"
        )
    elif (newer := newer_source(project, app, output)) is not None:
        yield (
            f"stale: {newer.as_posix()} is newer than {name}, by the files' times: the code may make something else "
            "now, synthesize again"
        )


def _made_of_other_code(assembly: Assembly, project: Path) -> Iterator[str]:
    """A note where an assembly names lines of code that are not there: it was made of another state of the code."""
    lengths: dict[str, int] = {}
    for stack in assembly.stacks:
        for each in (stack, *_below(stack)):
            for origin in each.constructs.values():
                if origin.file is None or origin.line is None or origin.file.startswith("/"):
                    continue
                if origin.file not in lengths:
                    lengths[origin.file] = _lines_of(project / origin.file)
                if origin.line > lengths[origin.file]:
                    yield (
                        f"stale: {each.source.file} was made by {origin.file}:{origin.line}, and there is no such "
                        "line: the code has changed since, synthesize again"
                    )
                    return


def _lines_of(file: Path) -> int:
    try:
        return read_text(file, file.name).count("\n") + 1
    except InputError:
        return 0


def _add_templates(project: Path, found: Found, own: Own) -> None:
    """Templates that stand in the tree by themselves; those that another one names as nested stacks belong to it."""
    stems = _stems(found.templates)
    read: list[tuple[Path, Assembly]] = []
    for path, stem in zip(found.templates, stems, strict=True):
        # Many are called template.yaml: where a name is not the only one, the folder says which is meant.
        name = stem if stems.count(stem) == 1 else "-".join((*path.parent.parts, stem))
        assembly = _read(project / path, project, own, name=name)
        if assembly is not None:
            assembly.stacks = [rebuilt(stack, _unnamed) for stack in assembly.stacks]
            read.append((path, assembly))
    nested = {child.source.file for _, assembly in read for stack in assembly.stacks for child in _below(stack)}
    for path, assembly in read:
        if path.as_posix() in nested:
            continue
        own.assemblies.append(assembly)
        kind = "a SAM template" if _is_sam(assembly.stacks[0]) else "a CloudFormation template"
        own.notes.append(f"took {path.as_posix()} for {kind}")
        own.notes.extend(
            f"took {child.source.file} for the template of nested stack {child.name}"
            for child in _below(assembly.stacks[0])
        )
        own.folders[assembly.stacks[0].id] = path.parent.as_posix()
        # `sam deploy` deploys a template without its transform likewise.
        if not assembly.stages:
            _as_deployed(project / path, assembly, own)


def _as_deployed(template: Path, assembly: Assembly, own: Own) -> None:
    """A template once for each stack that its configuration deploys it as, where it says so."""
    (stack,) = assembly.stacks
    try:
        found = sam_deployments(template)
    except InputError as error:
        own.unread.append(unread_of(error))
        return
    if not found:
        return
    folder = own.folders.pop(stack.id, "")
    made = {f"{stack.id}@{each.environment}": each for each in found}
    assembly.stacks = [_deployed(stack, key, said) for key, said in made.items()]
    # What SAM takes where nobody names an environment is the name of none (SAM Developer Guide, "AWS SAM CLI
    # configuration file": the default environment is called default).
    assembly.stages.update((key, said.environment) for key, said in made.items() if said.environment != "default")
    own.folders.update(dict.fromkeys(made, folder))
    file = next(name for name in SAM_CONFIGURATIONS if (template.parent / name).is_file())
    where = (Path(folder) / file).as_posix()
    own.notes.append(f"took its stack names from {where}: {', '.join(each.stack for each in found)}")


def _deployed(stack: Stack, key: str, said: SamDeployment) -> Stack:
    def change(each: Stack) -> dict[str, Any]:
        own = {"name": said.stack, "named": True, "parameters": said.parameters} if each is stack else {}
        return {"id": key + each.id.removeprefix(stack.id), "region": each.region or said.region, **own}

    return rebuilt(stack, change)


def _add_task_definitions(project: Path, found: Found, own: Own) -> None:
    for path in found.task_definitions:
        try:
            stack, digest = read_task_definition(project / path, path.as_posix())
        except InputError as error:
            own.unread.append(unread_of(error))
            continue
        own.assemblies.append(Assembly(project / path, [stack], digest=digest))
        own.notes.append(f"took {path.as_posix()} for an Amazon ECS task definition")
        own.folders[stack.id] = path.parent.as_posix()


def _unnamed(stack: Stack) -> dict[str, Any]:
    return {"named": stack.parent is not None}


def _stems(paths: Sequence[Path]) -> list[str]:
    """What templates are called by their files: up to the first dot, ``app.template.json`` is ``app``. Where that tells
    two of one folder not apart, up to the last: ``template.bootstrap.yaml`` beside ``template.yaml``."""
    short = [path.name.split(".", 1)[0] or path.name for path in paths]
    at = [(path.parent, name) for path, name in zip(paths, short, strict=True)]
    return [name if at.count(key) == 1 else path.stem for path, name, key in zip(paths, short, at, strict=True)]


def _below(stack: Stack) -> Iterator[Stack]:
    for child in stack.nested.values():
        yield child
        yield from _below(child)


def _is_sam(stack: Stack) -> bool:
    declared = stack.template.get("Transform")
    names = declared if isinstance(declared, list) else [declared]
    return any(isinstance(name, str) and name.startswith("AWS::Serverless-") for name in names)


def _read(path: Path, project: Path, own: Own, *, name: str = "") -> Assembly | None:
    try:
        assembly = read_assembly(path, project, name=name, root=project)
    except InputError as error:
        own.unread.append(unread_of(error))
        return None
    return assembly


def unread_of(error: InputError) -> Unread:
    """A file that could not be read, for the coverage: ``file:line: why`` in two parts."""
    what, _, why = error.message.partition(": ")
    return Unread(what, why or "it could not be read")


def _of_problem(problem: Problem) -> Unread:
    spot: Spot = problem.spot
    return Unread(spot.file, problem.message, problem.fix)
