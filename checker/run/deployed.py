"""Templates that the pipeline deploys and that no search took for what is to be judged."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from checker.collect import repository
from checker.collect.seen import asked
from checker.collect.templates.assembly import Assembly
from checker.collect.templates.search import is_assembly
from checker.model.sources import Spot, brief
from checker.model.verdicts import Unread
from checker.resolve.templates.project import with_nested
from checker.run.coverage import excluded
from checker.run.request import Request

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

_NEEDS = "another place or name, --assembly, or an entry below [exclude] in checker.toml where it is judged elsewhere"


def not_judged(request: Request, assemblies: Sequence[Assembly], pipeline: Pipeline | None) -> Iterator[Unread]:
    """What of the repository a job deploys although it is left out: a test's own, somebody else's, or of another name.

    What is no file of the repository is made by the pipeline, of what is judged where it stands; unless a command is
    seen to make it of something else, or nothing can have made it.
    """
    if pipeline is None:
        return
    from checker.reason.deploys.templates import templates_given, unnamed_templates

    judged = {stack.source.file for assembly in assemblies for stack in with_nested(assembly.stacks)}
    for what, spot in dict.fromkeys(unnamed_templates(pipeline, judged)):
        why = f"a template is deployed that is no file of the repository: {brief(what, 80)}"
        yield Unread(str(spot), why, "--assembly with the template that is made")
    for path, spot in dict(templates_given(pipeline)).items():
        if path.startswith("/"):  # of the runner: nothing of this machine is looked at
            yield from _made(pipeline, path, spot, judged)
            continue
        there = asked(request.project / path)
        # A link inside the repository is another name of the same file.
        names = {path, posixpath.relpath(os.path.realpath(there), os.path.realpath(request.project))}
        known = any(file in names or file.startswith(tuple(f"{name}/" for name in names)) for file in judged)
        if known or excluded(path, request.settings):
            continue
        if there.is_file():
            kept = _is_kept(request.project, path)
        else:
            kept = is_assembly(there) and _is_kept(request.project, f"{path}/manifest.json")
        if not there.exists():
            yield from _made(pipeline, path, spot, judged)
        if kept:
            yield Unread(path, f"{spot} deploys it, and it is not among the templates that are looked for", _NEEDS)


def _made(pipeline: Pipeline, path: str, spot: Spot, judged: Collection[str]) -> Iterator[Unread]:
    from checker.reason.deploys.templates import maker_of, nobody_makes

    maker = maker_of(pipeline, path, judged)
    if maker is not None:
        made = f"`{brief(maker.spelled, 60)}` makes it ({maker.spot}): what comes of that is not known"
        yield Unread(path, f"{spot} deploys it, and {made}", "--assembly with the template that is made")
    elif not path.startswith("/") and nobody_makes(pipeline, path):
        why = f"{spot} deploys it: it is not in the repository, and nothing was seen to make it"
        yield Unread(path, why, "the path as the repository has it, or --assembly with the template that is made")


def _is_kept(project: Path, path: str) -> bool:
    """Whether a file is one of the repository's, and not what a build has left here."""
    return not repository.commit(project) or repository.is_committed(project, path)
