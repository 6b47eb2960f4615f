"""The shell's own commands, as far as they change what follows; and what simple programs print."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from checker.data.harmless import prints_settings
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.shell import Simple, Substitution
from checker.model.possible import Possible, joined, mapped, open_text
from checker.model.values import Text
from checker.resolve.shell.starting import Call, marked, source, trap
from checker.resolve.shell.state import WORKSPACE, Context, Flow, Result, State
from checker.resolve.shell.syntax_facts import first_word, word_text

if TYPE_CHECKING:
    from checker.resolve.shell.commands import ShellCommands

Builtin: TypeAlias = "Callable[[ShellCommands, list[Possible], Simple, State, Context], Result]"


def _cd(_: ShellCommands, words: list[Possible], __: Simple, state: State, ___: Context) -> Result:
    target = next((word for word in words[1:] if not (isinstance(word, str) and word in {"--", "-P", "-L"})), None)
    state.folder = None if target is None or target == "-" else state.path(target)
    return Result(Flow.NEXT, None)


def _set(_: ShellCommands, words: list[Possible], __: Simple, state: State, ___: Context) -> Result:
    arguments = list(words[1:])
    while arguments:
        word = arguments.pop(0)
        if word == "--":
            state.positional = tuple(arguments)
            break
        if not isinstance(word, str) or not word.startswith(("-", "+")):
            break
        on = word.startswith("-")
        if "e" in word[1:]:
            state.errexit = on
        if "o" in word[1:] and arguments:
            name = arguments.pop(0)
            if name == "errexit":
                state.errexit = on
            elif name == "pipefail":
                state.pipefail = on
    return Result(Flow.NEXT, True)


def _exit(follower: ShellCommands, words: list[Possible], statement: Simple, state: State, context: Context) -> Result:
    _note(follower, words, statement, state, context)
    return Result(Flow.EXIT)


def _note(follower: ShellCommands, words: list[Possible], statement: Simple, state: State, context: Context) -> None:
    """Put the end of a script or function on record: where a failure leads is told by what follows it."""
    follower.emit(words, statement, state.script.spot(statement.line, statement.column), state, context, {})


def _return(
    follower: ShellCommands, words: list[Possible], statement: Simple, state: State, context: Context
) -> Result:
    _note(follower, words, statement, state, context)
    status = words[1] if len(words) > 1 else ""
    truth = int(status) == 0 if isinstance(status, str) and status.isdecimal() else None
    return follower.leave(Flow.RETURN, state, truth)


def _break(follower: ShellCommands, _: list[Possible], __: Simple, state: State, ___: Context) -> Result:
    return follower.leave(Flow.BREAK, state)


def _continue(follower: ShellCommands, _: list[Possible], __: Simple, state: State, ___: Context) -> Result:
    return follower.leave(Flow.CONTINUE, state)


def _shift(_: ShellCommands, words: list[Possible], __: Simple, state: State, ___: Context) -> Result:
    by = int(words[1]) if len(words) > 1 and isinstance(words[1], str) and words[1].isdigit() else 1
    if state.positional is not None:
        state.positional = state.positional[by:]
    return Result(Flow.NEXT, None)


def _read(_: ShellCommands, words: list[Possible], statement: Simple, state: State, ___: Context) -> Result:
    spot = state.script.spot(statement.line)
    for word in words[1:]:
        if isinstance(word, str) and word.isidentifier():
            state.set(word, open_text(f"${{{word}}}", str(spot)))
    return Result(Flow.NEXT, None)


def _unset(_: ShellCommands, words: list[Possible], __: Simple, state: State, ___: Context) -> Result:
    for word in words[1:]:
        if isinstance(word, str):
            state.variables.pop(word, None)
    return Result(Flow.NEXT, True)


def _source(
    follower: ShellCommands, words: list[Possible], statement: Simple, state: State, context: Context
) -> Result:
    spot = state.script.spot(statement.line, statement.column)
    return source(follower, words, Call(spot, state, context, {}))


def _trap(follower: ShellCommands, words: list[Possible], statement: Simple, state: State, context: Context) -> Result:
    if len(words) > 2 and isinstance(words[1], str) and words[1] not in {"-", "--", "-l", "-p"}:
        trap(follower, words[1], state.script.spot(statement.line), state, context)
    return Result(Flow.NEXT, True)


def _eval(follower: ShellCommands, words: list[Possible], statement: Simple, state: State, context: Context) -> Result:
    """``eval`` of words that are known, but for values in them, is those words; otherwise it may run anything."""
    text = joined([part for index, word in enumerate(words[1:]) for part in ([" "] if index else []) + [word]])
    spot = state.script.spot(statement.line, statement.column)
    written = marked(text)
    if written is not None:
        lines = tuple(spot.line for _ in range(written[0].count("\n") + 1))
        script = follower.library.shell_text(written[0], state.script.file, lines)
        kept = (state.script, state.marks)
        state.script, state.marks = script, {**state.marks, **written[1]}
        result = follower.block(script.body, state, context)
        state.script, state.marks = kept
        return result
    if not _sets_variables(statement):
        follower.problem(spot, "eval runs what is not known before it runs", "Write the command out.")
    follower.emit(words, statement, spot, state, context, {})
    return Result()


def _sets_variables(statement: Simple) -> bool:
    """``eval "$(ssh-agent -s)"``: the program's output only sets variables."""
    parts = [part for word in statement.words[1:] for part in word.parts]
    bodies = [part.body.statements for part in parts if isinstance(part, Substitution)]
    commands = [each for statements in bodies for each in statements]
    return len(bodies) == len(parts) > 0 and all(
        isinstance(each, Simple) and (prints_settings(first_word(each)) or _exports_credentials(each))
        for each in commands
    )


def _exports_credentials(statement: Simple) -> bool:
    """``aws configure export-credentials --format env``."""
    return [word_text(word) for word in statement.words[:3]] == ["aws", "configure", "export-credentials"]


def _true(_: ShellCommands, __: list[Possible], ___: Simple, ____: State, _____: Context) -> Result:
    return Result(Flow.NEXT, True)


def _false(_: ShellCommands, __: list[Possible], ___: Simple, ____: State, _____: Context) -> Result:
    return Result(Flow.NEXT, False)


BUILTINS: Final[Mapping[str, Builtin]] = {
    "cd": _cd,
    "pushd": _cd,
    "set": _set,
    "exit": _exit,
    "return": _return,
    "break": _break,
    "continue": _continue,
    "shift": _shift,
    "read": _read,
    "mapfile": _read,
    "readarray": _read,
    "unset": _unset,
    "source": _source,
    ".": _source,
    "trap": _trap,
    "eval": _eval,
    "true": _true,
    ":": _true,
    "false": _false,
}


def output_of(command: Command) -> Possible | None:
    """What a command prints, ``None`` where only running it tells."""
    words = list(command.words)
    match command.program:
        case "echo":
            while len(words) > 1 and words[1] in {"-n", "-e", "-ne", "-en"}:
                del words[1]
            return _spaced(words[1:])
        case "printf":
            if len(words) == 3 and words[1] in {"%s", "%s\n", "%s\\n"}:
                return words[2]
            plain = len(words) == 2 and isinstance(words[1], str) and "%" not in words[1]
            return str(words[1]).removesuffix("\\n").removesuffix("\n") if plain else None
        case "pwd":
            return None if command.folder is None else _workspace(command.folder)
        case "dirname" | "basename" if len(words) >= 2:
            change = _dirname if command.program == "dirname" else _basename
            return mapped(words[1], lambda value: change(value, command))
        case "realpath" | "readlink" if len(words) >= 2:
            return words[-1]
        case "git" if words[1:3] == ["rev-parse", "--show-toplevel"]:
            return WORKSPACE
    return None


def _spaced(words: list[Possible]) -> Possible:
    return joined([part for index, word in enumerate(words) for part in ([" "] if index else []) + [word]])


def _workspace(folder: str) -> str:
    return f"{WORKSPACE}/{folder}" if folder else WORKSPACE


def _dirname(value: object, command: Command) -> Possible:
    if isinstance(value, str):
        return posixpath.dirname(value) or "."
    return open_text(f"$(dirname {value})", command.spot.file) if isinstance(value, Text) else "."


def _basename(value: object, command: Command) -> Possible:
    if isinstance(value, str):
        name = posixpath.basename(value)
        suffix = command.words[2] if len(command.words) > 2 else ""
        return name.removesuffix(suffix) if isinstance(suffix, str) else name
    return open_text(f"$(basename {value})", command.spot.file) if isinstance(value, Text) else ""
