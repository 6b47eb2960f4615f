"""Migrations that a container applies whenever it starts, because its task definition says so.

What an image runs by itself is read with the images' recipes; a task definition may say otherwise (Amazon ECS API
Reference, "ContainerDefinition", ``command``). One that migrates and then ends is a task of its own: whoever starts it
is judged for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from checker.collect.migrations.frameworks.containers import tool_before_more
from checker.model.migrations.folders import MigrationRunner, SourceFile
from checker.model.pipeline.pipeline import Pipeline
from checker.model.resources import Stack
from checker.resolve.templates.project import with_nested

_TYPE: Final = "AWS::ECS::TaskDefinition"


def with_tasks(pipeline: Pipeline, stacks: Iterable[Stack]) -> Pipeline:
    """The pipeline, with what task definitions migrate by beside what images do."""
    code = pipeline.migration_code
    known = {each.entry.file for each in code.at_start}
    found: dict[str, MigrationRunner] = {}
    for stack in with_nested(stacks) if pipeline.migrations else ():
        for runner in _of_stack(stack):
            if runner.entry.file not in known:
                found.setdefault(runner.entry.file, runner)
    if not found:
        return pipeline
    return replace(pipeline, migration_code=replace(code, at_start=(*code.at_start, *found.values())))


def _of_stack(stack: Stack) -> Iterator[MigrationRunner]:
    resources = stack.template.get("Resources")
    for logical_id, raw in resources.items() if isinstance(resources, dict) else ():
        if not isinstance(raw, dict) or raw.get("Type") != _TYPE:
            continue
        properties = raw.get("Properties")
        containers = properties.get("ContainerDefinitions") if isinstance(properties, dict) else None
        for index, container in enumerate(containers if isinstance(containers, list) else ()):
            words = _words(container, "EntryPoint") + _words(container, "Command")
            # What opens a port goes on to serve; what migrates and then does something else may be started once.
            serves = isinstance(container, dict) and bool(container.get("PortMappings"))
            tool = tool_before_more(words) if serves else None
            if tool is not None:
                at = ("Resources", logical_id, "Properties", "ContainerDefinitions", index, "Command")
                entry = SourceFile(stack.source.file, "other", " ".join(words))
                yield MigrationRunner(entry, (entry,), tool.name, (), stack.source.line_of(at) or 1)


def _words(container: Any, key: str) -> list[str]:
    """The words of a command that are all written out."""
    said = container.get(key) if isinstance(container, dict) else None
    return said if isinstance(said, list) and all(isinstance(each, str) for each in said) else []
