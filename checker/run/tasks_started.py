"""Migrations that a container applies whenever it starts, because its task definition says so.

What an image runs by itself is read with the images' recipes; a task definition may say otherwise (Amazon ECS API
Reference, "ContainerDefinition", ``command``). One that migrates and then ends is a task of its own: whoever starts it
is judged for that, with what its definition tells of the tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from checker.collect.migrations.frameworks.containers import tool_before_more, tool_of_task
from checker.model.migrations.folders import MigrationRunner, SourceFile, TaskThatMigrates
from checker.model.migrations.tools import about_migrations
from checker.model.pipeline.pipeline import Pipeline
from checker.model.resources import Stack
from checker.resolve.templates.project import with_nested

_TYPE: Final = "AWS::ECS::TaskDefinition"


def with_tasks(pipeline: Pipeline, stacks: Iterable[Stack]) -> Pipeline:
    """The pipeline, with what task definitions migrate by beside what images do."""
    code = pipeline.migration_code
    known = {each.entry.file for each in code.at_start}
    found: dict[str, MigrationRunner] = {}
    once: list[TaskThatMigrates] = []
    for stack in with_nested(stacks) if pipeline.migrations else ():
        once.extend(_once(stack))
        for runner in _of_stack(stack):
            if runner.entry.file not in known:
                found.setdefault(runner.entry.file, runner)
    if not found and not once:
        return pipeline
    at_start, tasks = (*code.at_start, *found.values()), tuple(dict.fromkeys(once))
    return replace(pipeline, migration_code=replace(code, at_start=at_start, in_tasks=tasks))


def _once(stack: Stack) -> Iterator[TaskThatMigrates]:
    """The task definitions of a stack that migrate and serve nothing, or may do so by what they are called."""
    for logical_id, properties, containers in _definitions(stack):
        if any(isinstance(each, dict) and each.get("PortMappings") for each in containers):
            continue
        started = [_started(each) for each in containers]
        tools = [tool.name for words in started if (tool := tool_of_task(words)) is not None]
        written = properties.get("Family")
        family = written if isinstance(written, str) else ""
        named = " ".join((logical_id, family, *(word for words in started for word in words)))
        for name in tools or ([""] if about_migrations(named) else []):
            yield TaskThatMigrates(family, name)


def _started(container: Any) -> list[str]:
    """What a container starts, as far as it is written out: behind the name of its image where that decides."""
    words = _words(container, "EntryPoint") + _words(container, "Command")
    image = container.get("Image") if isinstance(container, dict) else None
    if _words(container, "EntryPoint") or not isinstance(image, str) or tool_of_task(words) is not None:
        return words
    return [re.split("[:@]", image.rpartition("/")[2])[0], *words]


def _definitions(stack: Stack) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    resources = stack.template.get("Resources")
    for logical_id, raw in resources.items() if isinstance(resources, dict) else ():
        properties = raw.get("Properties") if isinstance(raw, dict) and raw.get("Type") == _TYPE else None
        containers = properties.get("ContainerDefinitions") if isinstance(properties, dict) else None
        if isinstance(properties, dict) and isinstance(containers, list):
            yield logical_id, properties, containers


def _of_stack(stack: Stack) -> Iterator[MigrationRunner]:
    for logical_id, _, containers in _definitions(stack):
        for index, container in enumerate(containers):
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
