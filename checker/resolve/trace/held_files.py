"""Files that a call to ECS or Batch names, as a job has them by then: with what it has made of them.

Source: AWS CLI User Guide, "Load a parameter from a file" (``file://``).
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from checker.model.pipeline.changes import Held, held_among, put
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Change, Command
from checker.model.possible import Possible, open_text, options
from checker.model.values import Text
from checker.resolve.shell.files.editing import Marks
from checker.resolve.trace.commands.aws_cli import document, holding_input, input_of

Action: TypeAlias = "Command | AwsCall | CdkCommand"

_FILE: Final = "file://"
# Operations and their arguments that say which containers there are and what runs in them, which files often hold.
_RUN: Final = ("overrides", "containeroverrides", "cliinputjson")
_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "RegisterTaskDefinition": ("cliinputjson", "cliinputyaml", "containerdefinitions"),
    "RunTask": _RUN,
    "StartTask": _RUN,
    "SubmitJob": _RUN,
}
# Programs that look at a file, or change it in ways that are on record.
_SEEN: Final = frozenset({"aws", "jq", "yq", "sed", "cat", "envsubst", "echo", "test", "[", "ls"})


def with_files(
    index: int,
    actions: Sequence[Action],
    changes: Sequence[Change],
    handed: Mapping[Possible, Possible],
    own_text: Callable[[str], str | None],
) -> Action:
    """An action of a job with the text of the files that it names, as they are by then: what an earlier step's action
    has ``handed`` on, or the repository's, as commands before it have made them. As it is where that is not known."""
    action = actions[index]
    named = _NAMED.get(action.operation, ()) if isinstance(action, AwsCall) else ()
    if not isinstance(action, AwsCall) or not named:
        return action
    read: dict[str, Possible] = {}
    for name in named:
        given = action.arguments.get(name)
        if isinstance(given, Text) and given.parts[0] == _FILE:
            held = handed.get(Text(given.parts[1:]))
        elif isinstance(given, str) and given.startswith(_FILE) and action.folder is not None:
            path = posixpath.normpath(posixpath.join(action.folder, given.removeprefix(_FILE)))
            held = _by_then(path, action, actions, actions[:index], changes, own_text)
        else:
            continue
        if held:
            read[name] = held
    call = replace(action, arguments={**action.arguments, **read}) if read else action
    return holding_input(call, input_of(call)) if action.operation == "RegisterTaskDefinition" else call


def _by_then(
    path: str,
    call: AwsCall,
    actions: Sequence[Action],
    before: Iterable[Action],
    changes: Sequence[Change],
    own_text: Callable[[str], str | None],
) -> Possible | None:
    """What a file of the repository holds when a call reads it; ``None`` where nobody knows."""
    made = held_among(changes, actions, path, call) if changes else None
    if made is not None:
        text = by_now(made, path, own_text)
        return text if not isinstance(text, Text) or text.only_hole is None else None
    return None if _is_touched(posixpath.basename(path), before) else own_text(path)


def _is_touched(name: str, before: Iterable[Action]) -> bool:
    """Whether a command names a file that may have changed it, and nothing is on record of that."""
    commands = (each for each in before if isinstance(each, Command))
    return any(each.program not in _SEEN and name in each.source for each in commands)


def by_now(held: Held, path: str, own_text: Callable[[str], str | None]) -> Possible:
    """The text of a file in JSON that a job has changed, a task definition's with its containers first; a value of the
    run where nobody knows it before."""
    unknown = open_text(f"what {path} holds by then")
    given = options(held.text if held.text is not None else own_text(held.of or path))
    if held.open or given is None or len(given) != 1 or not isinstance(given[0], str | Text):
        return unknown
    marks = Marks()
    text = marks.text(given[0])
    data: Any = document(text, yaml=path.endswith((".yaml", ".yml"))) if text is not None else None
    for place, value in held.edits:
        data = put(data, place, marks.mark(value) if isinstance(value, Text) else value)
    if isinstance(data, Mapping) and isinstance(data.get("taskDefinition"), Mapping):
        data = data["taskDefinition"]
    if not isinstance(data, Mapping | list):
        return unknown
    whole = data
    if isinstance(data, Mapping) and "containerDefinitions" in data:
        whole = {"containerDefinitions": data["containerDefinitions"], **data}
    return marks.filled(json.dumps(whole, ensure_ascii=False)) or unknown
