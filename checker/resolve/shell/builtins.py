"""The shell's own commands, as far as they change what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from msgspec.structs import replace

from checker.data.harmless import prints_settings
from checker.model.answers import NO, YES, Answer, yes_if
from checker.model.pipeline.shell import Group, Simple, Substitution
from checker.model.possible import Possible, joined, open_text, options, shown
from checker.model.values import Text, Unknown, as_count
from checker.resolve.shell.dialects.patterns import CASELESS
from checker.resolve.shell.files.told import formatted
from checker.resolve.shell.handed.sourced import source, trap
from checker.resolve.shell.lists.keyed import Keyed, with_element
from checker.resolve.shell.lists.reading import mapfile, read
from checker.resolve.shell.process import Asked
from checker.resolve.shell.rehearsal.arithmetic import calculated, holds_last
from checker.resolve.shell.rehearsal.traps import SIGNALLED, note_signals, signal_to_itself
from checker.resolve.shell.starting import Call, marked
from checker.resolve.shell.state import ERRTRACE, EXPANDS, INHERITS, UNTOLD, Flow, Result
from checker.resolve.shell.syntax_facts import first_word, word_text
from checker.resolve.shell.variables.exported import key_printed
from checker.resolve.shell.variables.options import next_option
from checker.resolve.shell.variables.scopes import NOUNSET
from checker.resolve.shell.variables.standing import BEFORE, go, where

_STACK: Final = "DIRSTACK"
Builtin: TypeAlias = Callable[[Asked], Result | None]


def _cd(asked: Asked) -> Result:
    target = _folder_named(asked)
    go(asked.state, asked.state.variables.get(BEFORE) if target == "-" else target)
    return Result()


def _pushd(asked: Asked) -> Result:
    """Bash Reference Manual, "Directory Stack Builtins": without a folder the two on top change places."""
    state, target = asked.state, _folder_named(asked)
    kept = state.variables.get(_STACK, ())
    rotates = isinstance(target, str) and target[:1] in {"+", "-"}
    if not isinstance(kept, tuple) or rotates or (target is None and not kept):
        state.folder = None
        state.set(_STACK, Unknown(_STACK))
        return Result()
    state.set(_STACK, (where(state), *(kept if target is not None else kept[1:])))
    go(state, target if target is not None else kept[0])
    return Result()


def _popd(asked: Asked) -> Result:
    state, kept = asked.state, asked.state.variables.get(_STACK, ())
    if not isinstance(kept, tuple) or not kept or len(asked.words) > 1:
        state.folder = None
        state.set(_STACK, Unknown(_STACK))
        return Result()
    state.set(_STACK, kept[1:])
    go(state, kept[0])
    return Result()


def _folder_named(asked: Asked) -> Possible | None:
    return next((word for word in asked.words[1:] if not (isinstance(word, str) and word in {"--", "-P", "-L"})), None)


def _set(asked: Asked) -> Result:
    arguments, state = list(asked.words[1:]), asked.state
    while arguments:
        word = arguments.pop(0)
        if word == "--":
            state.positional = tuple(arguments)
            break
        if not isinstance(word, str) or not word.startswith(("-", "+")):
            break
        on = word.startswith("-")
        named = arguments.pop(0) if "o" in word[1:] and arguments else ""
        for each in (*word[1:], named):
            if each in {"e", "errexit"}:
                state.errexit = on
            elif each == "pipefail":
                state.pipefail = on
            elif (kept := _KEPT.get(str(each))) is not None and on:
                state.set(kept, "1")
            elif kept is not None:
                state.variables.pop(kept, None)
    return Result(Flow.NEXT, YES)


_KEPT: Final = {"E": ERRTRACE, "errtrace": ERRTRACE, "u": NOUNSET, "nounset": NOUNSET}


def _exit(asked: Asked) -> Result:
    asked.note()
    return asked.shell.leave(Flow.EXIT, asked.state, _status(asked))


def _return(asked: Asked) -> Result:
    asked.note()
    return asked.shell.leave(Flow.RETURN, asked.state, _status(asked))


def _status(asked: Asked) -> Answer:
    """Whether the status that ``exit`` or ``return`` gives is that of success; its lowest eight bits count."""
    status = asked.words[1] if len(asked.words) > 1 else ""
    return yes_if(int(status) % 256 == 0) if isinstance(status, str) and status.isdecimal() else UNTOLD


def _break(asked: Asked) -> Result:
    return asked.shell.leave(Flow.BREAK, asked.state, loops=_loops(asked))


def _continue(asked: Asked) -> Result:
    return asked.shell.leave(Flow.CONTINUE, asked.state, loops=_loops(asked))


def _loops(asked: Asked) -> int:
    """The number that ``break`` and ``continue`` are given: Bash Reference Manual, "Bourne Shell Builtins"."""
    return (as_count(asked.words[1]) if len(asked.words) > 1 else 1) or 1


def _shift(asked: Asked) -> Result:
    words, state = asked.words, asked.state
    by = 1 if len(words) == 1 else as_count(words[1])
    if by is None:
        by = calculated(shown(words[1]).removeprefix("$").strip("()"), state)
    if state.positional is not None:
        state.positional = state.positional[by:] if by is not None and by >= 0 else None
    return Result()


def _getopts(asked: Asked) -> Result:
    """``getopts LETTERS NAME [WORDS]``: fails where no option is left; of words that are not known nobody knows."""
    state, given = asked.state, asked.words[3:] or asked.state.positional
    letters, name = (*asked.words[1:3], "", "")[:2]
    if given is not None and isinstance(letters, str) and isinstance(name, str):
        found = next_option(letters, tuple(given), state)
        if found is None:
            return Result(Flow.NEXT, NO)
        if not isinstance(found, Unknown):
            state.set(name, found[0])
            state.set("OPTARG", found[1])
            return Result(Flow.NEXT, YES)
    for each in (name, "OPTARG"):
        if isinstance(each, str) and each.isidentifier():
            state.set(each, open_text(f"${{{each}}}", str(asked.spot)))
    return Result()


def _unset(asked: Asked) -> Result:
    for word in asked.words[1:]:
        if isinstance(word, str):
            array, bracket, _ = word.partition("[")
            if bracket and isinstance(asked.state.variables.get(array), Keyed | tuple):
                asked.state.set(array, Unknown(f"${{{array}[@]}}"))
            asked.state.variables.pop(word, None)
    return Result(Flow.NEXT, YES)


def _source(asked: Asked) -> Result:
    return source(asked.shell, asked.words, Call(asked.spot, asked.state, asked.context, {}))


def _trap(asked: Asked) -> Result:
    words = [word for index, word in enumerate(asked.words) if index != 1 or word != "--"]
    for written in map(marked, options(words[1]) or (None,) if len(words) > 2 else ()):
        fails = any(not isinstance(each, str) or each.upper() in {"ERR", "EXIT", "0"} for each in words[2:])
        if written is None:
            asked.shell.problem(asked.spot, "a trap runs what is not known before it runs", "Write the command out.")
            asked.note()
        elif written[0] not in {"-", "-l", "-p"}:
            note_signals(words[2:], asked.state)
            trap(asked.shell, written, asked.spot, asked.state, replace(asked.context, trap=fails))
    return Result(Flow.NEXT, YES)


def _kill(asked: Asked) -> Result | None:
    """A script that ends itself, where no trap is in the way of the signal."""
    if SIGNALLED in asked.state.variables or not signal_to_itself(asked.words):
        return None
    asked.note()
    return asked.shell.leave(Flow.EXIT, asked.state, NO)


def _let(asked: Asked) -> Result:
    asked.note()
    return Result(Flow.NEXT, holds_last(list(map(shown, asked.words[1:])), asked.state))


def _eval(asked: Asked) -> Result:
    """``eval`` of words that are known, but for values in them, is those words; otherwise it may run anything."""
    words, state = asked.words, asked.state
    text = joined([part for index, word in enumerate(words[1:]) for part in ([" "] if index else []) + [word]])
    spot = asked.spot
    written = marked(text)
    if written is not None:
        lines = tuple(spot.line for _ in range(written[0].count("\n") + 1))
        script = asked.shell.library.shell_text(written[0], state.script.file, lines)
        kept = (state.script, state.marks)
        state.script, state.marks = script, {**state.marks, **written[1]}
        result = asked.shell.block(script.body, state, asked.context)
        state.script, state.marks = kept
        return result
    if not _sets_variables(asked.statement):
        written_as = asked.statement.source.partition(" ")[0]  # `source <(X)` comes to it, too
        name = written_as if written_as in {"source", "."} else "eval"
        asked.shell.problem(spot, f"{name} runs what is not known before it runs", "Write the command out.")
        state.closed = False
    key_printed(text, state, str(spot))
    asked.note()
    return Result()


def _sets_variables(statement: Simple) -> bool:
    """``eval "$(ssh-agent -s)"``, ``eval "$(kubectl completion bash)"``: the output only sets variables."""
    parts = [part for word in statement.words[1:] for part in word.parts]
    bodies = [part.body.statements for part in parts if isinstance(part, Substitution)]
    commands = [each for statements in bodies for each in statements]
    return len(bodies) == len(parts) > 0 and all(
        isinstance(each, Simple)
        and (prints_settings(first_word(each)) or _exports_credentials(each) or _prints_completion(each))
        for each in commands
    )


def _exports_credentials(statement: Simple) -> bool:
    """``aws configure export-credentials --format env``."""
    return [word_text(word) for word in statement.words[:3]] == ["aws", "configure", "export-credentials"]


def _prints_completion(statement: Simple) -> bool:
    """``kubectl completion bash``: functions for whoever types."""
    words = [word_text(word) for word in statement.words]
    return len(words) == 3 and words[1] == "completion" and words[2] in {"bash", "zsh"}


def _shopt(asked: Asked) -> Result:
    """``shopt -s expand_aliases``: a script looks its aliases up from here on; ``inherit_errexit``: ``set -e`` holds
    inside of ``$( )``; ``nocasematch``: ``case`` and ``[[`` compare without regard to case (Bash Reference Manual,
    "Aliases", "The Shopt Builtin")."""
    asked.note()
    for name in (EXPANDS, INHERITS, CASELESS):
        if name.partition(" ")[2] in asked.words[1:] and "-s" in asked.words:
            asked.state.set(name, "1")
        elif name.partition(" ")[2] in asked.words[1:] and "-u" in asked.words:
            asked.state.variables.pop(name, None)
    return Result()


def _alias(asked: Asked) -> Result:
    """``alias name='command'`` in a shell that looks aliases up: dash does, bash where it is told to. The name is a
    function for what comes after."""
    asked.note()
    state = asked.state
    for word in asked.words[1:] if state.dialect or EXPANDS in state.variables else ():
        written = marked(word)
        name, equals, text = written[0].partition("=") if written is not None else ("", "", "")
        if not equals or written is None:
            continue
        first = text.split(maxsplit=1)[0] if text.split() else ""
        again = "command " if first == name else ""  # it stands for itself with other words
        lines = tuple(asked.spot.line for _ in range(text.count("\n") + 1))
        script = asked.shell.library.shell_text(f'{again}{text} "$@"', state.script.file, lines)
        state.functions[name] = (Group(script.body), script)
        state.marks = {**state.marks, **written[1]}
    return Result()


def _unalias(asked: Asked) -> Result:
    asked.note()
    for word in asked.words[1:]:
        if isinstance(word, str):
            asked.state.functions.pop(word, None)
    return Result()


def _printf(asked: Asked) -> Result | None:
    """``printf -v NAME FORMAT ...`` sets a variable, or an element of an array; otherwise a program like any other."""
    if asked.words[1:2] != ["-v"] or len(asked.words) < 4:
        return None
    asked.note()
    name, form, *given = asked.words[2:]
    found = formatted(form, given) if isinstance(form, str) and form != "--" else None
    value = open_text(f"${{{shown(name)}}}", str(asked.spot)) if found is None else found
    begin = name.parts[0] if isinstance(name, Text) else name
    array, bracket, index = begin.partition("[") if isinstance(begin, str) else ("", "", "")
    held = asked.state.variables
    if bracket and not isinstance(name, str):
        asked.state.set(array, Unknown(f"${{{array}[@]}}"))
    elif bracket:
        asked.state.set(array, with_element(held.get(array), index[:-1], value, held.get, array, append=False))
    elif array.isidentifier() and isinstance(name, str):
        asked.state.set(array, value)
    else:
        asked.state.guessed.add("-n")  # any variable may have been set
        asked.state.closed = False
    return Result(Flow.NEXT, YES)


def _true(asked: Asked) -> Result:  # noqa: ARG001 - whatever it is given
    return Result(Flow.NEXT, YES)


def _false(asked: Asked) -> Result:  # noqa: ARG001 - whatever it is given
    return Result(Flow.NEXT, NO)


BUILTINS: Final[Mapping[str, Builtin]] = {
    "cd": _cd,
    "pushd": _pushd,
    "popd": _popd,
    "set": _set,
    "exit": _exit,
    "return": _return,
    "break": _break,
    "continue": _continue,
    "shift": _shift,
    "read": read,
    "mapfile": mapfile,
    "getopts": _getopts,
    "printf": _printf,
    "readarray": mapfile,
    "let": _let,
    "kill": _kill,
    "unset": _unset,
    "source": _source,
    ".": _source,
    "trap": _trap,
    "eval": _eval,
    "shopt": _shopt,
    "alias": _alias,
    "unalias": _unalias,
    "true": _true,
    ":": _true,
    "false": _false,
}
