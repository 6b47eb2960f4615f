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

from checker import lazy_re
from checker.collect.migrations.frameworks.containers import tool_before_more, tool_of_task
from checker.model.migrations.folders import MigrationRunner, SourceFile, TaskThatMigrates
from checker.model.migrations.shaping import HIBERNATES_VARIABLES, OF_HIBERNATE
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
    for stack in with_nested(stacks):
        once.extend(_once(stack))
        for runner in _of_stack(stack):
            if runner.entry.file not in known:
                found.setdefault(runner.entry.file, runner)
    shaping = _shaping(code.shaping, stacks)
    if not found and not once and shaping == code.shaping:
        return pipeline
    at_start, tasks = (*code.at_start, *found.values()), tuple(dict.fromkeys(once))
    told = {"at_start": at_start, "in_tasks": tasks, "shaping": shaping}
    return replace(pipeline, migration_code=replace(code, **told))


# What a variable or an option tells Hibernate; an option goes before a variable, and that before a file.
_OPTION: Final = lazy_re.compile(r"(?:--|-D)(?:spring\.jpa\.hibernate\.ddl-auto|hibernate\.hbm2ddl\.auto)=([\w-]+)")


def _shaping(found: tuple[MigrationRunner, ...], stacks: Iterable[Stack]) -> tuple[MigrationRunner, ...]:
    """The programs that change the schema when they start, as their containers are told (Spring Boot documentation,
    "Externalized Configuration": variables of the environment go before files)."""
    told: list[MigrationRunner | None] = []
    for stack in with_nested(stacks):
        for logical_id, _, containers in _definitions(stack):
            for index, container in enumerate(containers):
                value = _told_to_shape(container)
                if value is None:
                    continue
                at = ("Resources", logical_id, "Properties", "ContainerDefinitions", index)
                entry = SourceFile(stack.source.file, "other", "")
                line = stack.source.line_of(at) or 1
                shapes = OF_HIBERNATE.get(value.lower())
                runner = MigrationRunner(entry, (entry,), "hibernate", (), line, shapes)
                told.append(runner if shapes is not None else None)
    if not told:
        return found
    files = [each for each in found if each.library == "hibernate" and each.entry.language == "other"]
    # What every container is told otherwise, the files do not decide; of several programs one may not be told.
    left = files if len(files) > len(told) else []
    kept = [each for each in found if each not in files]
    said = {each.entry.file: each for each in told if each is not None}
    return (*kept, *left, *said.values())


def _told_to_shape(container: Any) -> str | None:
    """What a container tells Hibernate to do; ``None`` where it says nothing that is written out."""
    if not isinstance(container, dict):
        return None
    variables = container.get("Environment")
    given: dict[str, str] = {}
    for each in variables if isinstance(variables, list) else ():
        if isinstance(each, dict) and isinstance(each.get("Name"), str) and isinstance(each.get("Value"), str):
            given[each["Name"]] = each["Value"]
    words = [*_words(container, "EntryPoint"), *_words(container, "Command"), *given.values()]
    option = next((match[1] for word in words if (match := _OPTION.search(word)) is not None), None)
    return option or next((value for name, value in given.items() if name in HIBERNATES_VARIABLES), None)


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
