"""Scripts that a shell starts: files of the repository, text after ``-c``, text that comes in, sourced files, traps."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.data.harmless import WRAPPERS
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.shell import Script, Word
from checker.model.possible import OneOf, Possible, as_text, joined, one_of, shown
from checker.model.possible import marked as with_marks
from checker.model.sources import Problem, Spot
from checker.model.values import Hole, Text, pieces
from checker.model.written.shell_lines import SHELLS, is_shell
from checker.resolve.shell.dialects.plain_sh import dialect, dialect_of, not_of_sh
from checker.resolve.shell.files.program_writes import module_files
from checker.resolve.shell.files.told import interpreter, place
from checker.resolve.shell.files.written import Written
from checker.resolve.shell.printing import output_of
from checker.resolve.shell.process import Shell
from checker.resolve.shell.state import EXPANDS, Context, Fed, Result, State, Stored
from checker.resolve.shell.variables.scopes import NOUNSET
from checker.resolve.shell.variables.search_path import own_programs
from checker.resolve.shell.variables.startup import begun_with
from checker.resolve.shell.wrappers import unwrapped

NO_SCRIPT: Final = "there is no script"
_MARKS: Final = 1_000  # marks of text that is not a step's own count from here on
_PRIVATE: Final = 0xE000  # Unicode, "Private Use Area"
_PRIVATE_USE: Final = lazy_re.compile(r"[\ue000-\uf8ff]")
_MOST_HELD: Final = 1_000
# What may stand at one place of a script and stay there, whatever it is.
_TO_WORD: Final = lazy_re.compile(r"(?<![\w-])[\w-]+\Z")
_WORD: Final = lazy_re.compile(r"\A[\w-]+")
_ONE_WORD: Final = lazy_re.compile(r"[\w./:@%+,=\ue000-\uf8ff-]+")
_NAMES_NEXT: Final = ("$", "{", "\\")  # before the name of a variable, or a sign that stands for itself


class Call(Struct, frozen=True):
    """A command that starts a script: where it stands, in which process, with which variables in front of it."""

    spot: Spot
    state: State
    context: Context
    own: Mapping[str, Stored]
    written: Sequence[Word] = ()  # its words as they are written
    by: str = ""  # the shell that is named
    named: Possible = ""  # the program, as it is called


def marked(text: Possible) -> tuple[str, dict[str, Possible]] | None:
    """Shell text with a word for each value in it that is not known, and those values; ``None`` for an open text.

    Of texts that differ at one place alone, as by a row of a matrix, what stands there is such a value.
    """
    if isinstance(text, OneOf):
        return _varying(text)
    return with_marks(text, lambda number: f"__gha{_MARKS + number}__")


def _varying(several: OneOf) -> tuple[str, dict[str, Possible]] | None:
    # A value that is not known takes one sign here, of those that no text has.
    if any(_PRIVATE_USE.search(shown(each)) for each in several.options):
        return None
    held: dict[Hole, str] = {}
    texts = [
        "".join(
            each if isinstance(each, str) else held.setdefault(each, chr(_PRIVATE + len(held)))
            for each in pieces(as_text(option))
        )
        for option in several.options
    ]
    begin = os.path.commonprefix(texts)  # noqa: RUF071 - sign by sign
    end = os.path.commonprefix([each[len(begin) :][::-1] for each in texts])[::-1]  # noqa: RUF071
    # Back to where the word begins, and on to where it ends: `prod` and `preprod` share more than what is around them.
    begin, end = _TO_WORD.sub("", begin), _WORD.sub("", end, count=1)
    middles = [each[len(begin) : len(each) - len(end)] for each in texts]
    names = begin[-1:] in _NAMES_NEXT or end[:1] == "="  # of a variable, which no value stands for
    if names or len(held) > _MOST_HELD or not all(map(_ONE_WORD.fullmatch, middles)):
        return None
    holes = {sign: Text((hole,)) for hole, sign in held.items()}

    def filled(text: str) -> Possible:
        return joined([holes.get(each, each) for each in text])

    signs = {sign: f"__gha{_MARKS + number}__" for number, sign in enumerate(holes)}
    place = f"__gha{_MARKS + len(holes)}__"
    found: dict[str, Possible] = {signs[sign]: hole for sign, hole in holes.items() if sign in begin + end}
    found[place] = one_of(map(filled, middles))
    whole = "".join([*(signs.get(each, each) for each in begin), place, *(signs.get(each, each) for each in end)])
    return whole, found


def starts_script(command: Command) -> bool:
    """Whether a command that another language starts is a shell, a file that may be a script for one, or a program that
    starts another one (``npx cdk deploy``)."""
    first = command.words[0] if command.words else ""
    if not isinstance(first, str):
        return False
    if is_shell(first) or (first.endswith(".sh") and len(first) > 3):
        return True
    words = [*command.words]
    return unwrapped(words).words != words


def as_line(text: Text, marks: dict[str, Possible]) -> str:
    """Shell text with a word for each hole of it; ``marks`` gets what they are."""
    written, found = marked(text) or ("", {})
    marks.update(found)
    return written


def line_of(words: Sequence[Possible], marks: dict[str, Possible]) -> str:
    """Words as the line of shell that they are; ``marks`` as in :func:`as_line`."""
    last = words[-1] if words else ""
    if isinstance(last, Text) and words[1:2] == ("-c",) and not last.only_hole:
        return as_line(last, marks)
    parts: list[str] = []
    for word in words:
        if isinstance(word, str):
            parts.append(shlex.quote(word))
        else:
            marks[f"__gha{len(marks)}__"] = word
            parts.append(f"__gha{len(marks) - 1}__")
    return " ".join(parts)


def start(follower: Shell, words: list[Possible], call: Call) -> Result | None:
    """Follow the script that the words start, ``None`` where they start none that can be followed."""
    flags: tuple[str, ...] = ()
    rest = words
    if not _in_words(follower, words, call):
        return Result()
    explicit = is_shell(words[0])
    if explicit:
        flags = tuple(_flags(words[1:]))
        call = replace(call, by=str(words[0]))
        rest = words[1 + len(flags) :]
        if _has_flag(flags, "n") or "noexec" in flags:  # GNU Bash manual, "The Set Builtin": read, and not run
            return Result()
        if any(flag.startswith("-") and not flag.startswith("--") and flag.endswith("c") for flag in flags):
            return _text(follower, rest[0] if rest else "", rest[1:], call, flags, _longest(call.written))
        if not rest or "-s" in flags or rest[0] in {"-", "/dev/stdin"}:
            return _incoming(follower, rest, call, flags)
    name = rest[0]
    own = _own(follower, name, call) if not explicit and isinstance(name, str) else None
    if own is not None:
        name = words[0] = own
    if call.state.written is not None and call.state.written.has(name, call.state.folder):
        if not call.state.written.is_of_another_commit(name, call.state.folder):
            return _held(follower, words, rest, call, flags, explicit=explicit)
        not_known(follower, name, call)  # and perhaps it is what the repository has of it here
        call = replace(call, context=replace(call.context, certain=False))
    if not isinstance(name, str) or (not explicit and "/" not in name):
        return None
    path = call.state.path(name)
    script = (follower.library.as_shell(path) if explicit else follower.library.shell(path)) if path else None
    if script is None and own is not None and path:
        if not (follower.library.text(path) or "#!").startswith("#!"):
            script = follower.library.as_shell(path)  # bash takes what nobody else can run for a script
        _interpreted(follower, path, words)
    if script is None:
        if path is not None and (explicit or name.endswith(".sh")) and not follower.library.is_file(path):
            follower.problem(call.spot, f"{NO_SCRIPT} {name} in the repository", "Correct the path.")
        fault = follower.library.fault(path) if path is not None else None
        if fault is None:
            return None
        follower.problem(call.spot, fault.message, fault.fix)
        return Result()
    result = _child(follower, script, rest, call, flags, explicit=explicit)
    if path is None or path.rpartition("/")[2] not in WRAPPERS:
        return result
    words[:] = rest  # what the tool that it starts is told decides: it is judged as that tool
    return None


def _own(follower: Shell, name: str, call: Call) -> Possible:
    """The repository's own program that a name stands for, by the folders of ``PATH``, or by a path that names what is
    no AWS CLI (``./tools/aws``); ``None`` if it stands for none."""
    if isinstance(call.named, str) and "/" in call.named:
        here = call.state.path(call.named) if name == "aws" else None
        return f"{WORKSPACE}/{here}" if here and follower.library.is_file(here) else None
    found = own_programs(name, call.own.get("PATH", call.state.variables.get("PATH")), call.state, follower.library)
    if len(found) > 1:
        what = f"whether `{name}` is a program of the repository's own is not known before it runs"
        follower.problem(call.spot, what, "Call that by its path.")
        return None
    return found.pop()


def _interpreted(follower: Shell, path: str, words: list[Possible]) -> None:
    """A program of the repository's own that is no script for a shell: what its first line names runs it."""
    text = follower.library.text(path) or ""
    program = interpreter(text)
    if program.startswith("python"):
        words[:1] = [program, "-c", text]
    elif program:
        words[:1] = [program, path]


def _held(
    follower: Shell, words: list[Possible], rest: list[Possible], call: Call, flags: tuple[str, ...], *, explicit: bool
) -> Result | None:
    """A script that the job itself has written."""
    assert call.state.written is not None
    text = call.state.written.text(rest[0], call.state.folder)
    program = "" if explicit or text is None else interpreter(text)
    if text is None:
        not_known(follower, rest[0], call)
        return Result()
    if not explicit and program not in {"", *SHELLS}:
        words[:] = [program, "-c" if program.startswith("python") else "-e", text, *rest[1:]]
        return None  # what it is told decides
    return _text(follower, text, rest, call, flags)


def _in_words(follower: Shell, words: list[Possible], call: Call) -> bool:
    """``python x.py`` and ``python -m x`` of a file that the job itself has written: its text takes the file's place.
    False where nobody knows it."""
    state, first = call.state, words[0].rsplit("/", 1)[-1] if isinstance(words[0], str) else ""
    at = next((index for index, word in enumerate(words) if index and (word == "-" or str(word)[:1] != "-")), 0)
    if state.written is None or not first.startswith("python") or not at or words[1] == "-c" or state.written.is_empty:
        return True
    name, is_module = words[at], words[at - 1] == "-m"
    if is_module:
        files = [each for each in module_files(shown(name)) if _is_there(follower, each, state)]
        name = files[0] if files else ""
    if not state.written.has(name, state.folder):
        for each in _imported(follower, name, state):
            not_known(follower, each, call)
        return True
    text = state.written.text(name, state.folder)
    if text is None:
        not_known(follower, name, call)
        return state.written.is_of_another_commit(name, state.folder)
    words[at - is_module : at + 1] = ["-c", text]
    return True


def _is_there(follower: Shell, path: str, state: State) -> bool:
    return (found := state.path(path)) is not None and follower.library.is_file(found)


def _imported(follower: Shell, name: Possible, state: State) -> Iterator[str]:
    """The modules that a program imports, and whose text the job has changed so that nobody knows it."""
    path, written = state.path(name), state.written
    if path is None or written is None or written.is_empty:
        return
    from checker.resolve.shell.files.programs import modules_of  # few jobs change a file before they run Python

    for each in modules_of(path, follower.library.text):
        if written.has(f"{WORKSPACE}/{each}", "") and written.text(f"{WORKSPACE}/{each}", "") is None:
            yield each


def not_known(follower: Shell, name: Possible, call: Call) -> None:
    what = f"what {shown(name)} holds is not known before it runs, and it is run"
    follower.problem(call.spot, what, "Write it by cat, echo or printf, or keep it in the repository.")


def _incoming(follower: Shell, rest: list[Possible], call: Call, flags: tuple[str, ...]) -> Result | None:
    """A script that the shell reads from its standard input."""
    given = next((each for each in reversed(call.context.writes) if each.operator.startswith("<")), None)
    fed = call.state.fed
    rest = ["bash", *rest]
    # What its commands read is not what it was started with: that is the script.
    others = tuple(each for each in call.context.writes if not each.operator.startswith("<"))
    call = replace(call, context=replace(call.context, writes=others))
    if given is not None and given.operator.startswith("<<"):
        return _text(follower, given.target, rest, call, flags, given.line)
    if given is not None and given.operator == "<":
        fed = Fed(file=given.target)
    if fed is None:
        return Result()  # a runner gives a step no input
    if fed.text is not None:
        return _text(follower, fed.text, rest, call, flags)
    path = call.state.path(fed.file)
    script = follower.library.as_shell(path) if path else None
    if script is not None:
        return _child(follower, script, rest, call, flags, explicit=True)
    follower.problem(call.spot, "a shell runs what another command prints: it was not followed", "Put it in a file.")
    return Result()


def fed_by(commands: Sequence[Command], before: State) -> Fed:
    """What the commands before a pipe print, where it is one command that tells; ``before``: the process it was."""
    if len(commands) != 1:
        return Fed()
    words = commands[0].words
    if commands[0].program == "cat":
        here = next((each.target for each in commands[0].writes if each.operator.startswith("<<")), None)
        return Fed(text=here) if here is not None else Fed(file=words[1] if len(words) == 2 else None)
    if commands[0].program in {"echo", "printf"}:
        return Fed(text=output_of(commands[0]))
    if not isinstance(before.written, Written):
        return Fed()
    folder = commands[0].folder
    return Fed(text=before.written.changes.edited(commands[0], before.fed, lambda word: place(word, folder)))


def _longest(words: Sequence[Word]) -> int:
    """The line on which the word begins that goes over several; -1 where none does."""
    return next((word.line for word in words for part in word.parts if "\n" in getattr(part, "text", "")), -1)


def _text(
    follower: Shell, text: Possible, rest: Sequence[Possible], call: Call, flags: tuple[str, ...], line: int = -1
) -> Result | None:
    """``line``: where the text begins in the script that starts it; -1 where it is not written there."""
    written = marked(text)
    if written is None:
        follower.problem(call.spot, "a shell runs text that is not known before it runs", "Write the commands out.")
        return None
    numbers = range(written[0].count("\n") + 1)
    lines = tuple(call.state.script.spot(line + each).line if line >= 0 else call.spot.line for each in numbers)
    script = follower.library.shell_text(written[0], call.spot.file, lines)
    marks = {**call.state.marks, **written[1]}
    return _child(follower, script, list(rest) or ["bash"], call, flags, explicit=True, marks=marks)


def _child(
    follower: Shell,
    script: Script,
    words: list[Possible],
    call: Call,
    given: tuple[str, ...],
    *,
    explicit: bool,
    marks: Mapping[str, Possible] | None = None,
) -> Result:
    if not follower.enter(call.spot, script.file):
        return Result()
    state = call.state
    flags = given if explicit else tuple(script.shebang.split()[1:])
    shell = _dialect(script, call)
    functions = {} if shell else {name: each for name, each in state.functions.items() if f"{name}()" in state.exported}
    child = State(
        script,
        variables={**state.environment(), **call.own, **({NOUNSET: "1"} if _has_flag(flags, "u") else {})},
        exported=state.exported | set(call.own),
        functions=functions,  # bash alone takes them over
        positional=tuple(words[1:]),
        zero=words[0] if marks is not None else f"{WORKSPACE}/{script.file}",
        errexit=_has_flag(flags, "e"),
        pipefail="pipefail" in flags,
        folder=state.folder,
        via=(*state.via, call.spot),
        closed=state.closed,
        sealed=state.sealed,
        guessed=state.guessed,
        written=state.written,
        marks=marks or {},
        sh=state.sh,
        dialect=shell,
        single=state.single,
    )
    if "expand_aliases" in flags:
        child.set(EXPANDS, "1")
    found = [*faults(child)]
    child.script = begun_with(script, child, follower.library, call.spot, found)
    follower.note(found)
    result = follower.process(child.script.body, child, call.context)
    follower.depth -= 1
    return result


def _dialect(script: Script, call: Call) -> str:
    """Which shell runs a script: the one that is named, or that its first line names, or the one that starts it."""
    if call.by:
        return dialect(call.by, call.state.sh)
    return dialect_of(script.shebang, call.state.sh) if script.shebang else call.state.dialect


def faults(state: State) -> tuple[Problem, ...]:
    """What of a process's script cannot be followed, before anything of it runs."""
    return (*state.script.problems, *not_of_sh(state.script, state.dialect))


def _flags(words: Sequence[Possible]) -> Iterator[str]:
    takes_value = False
    for word in words:
        if not isinstance(word, str) or not (word.startswith(("-", "+")) or takes_value) or word == "-":
            return
        yield word
        takes_value = bool(re.fullmatch(r"[-+][a-zA-Z]*[oO][a-zA-Z]*", word)) and not takes_value


def _has_flag(flags: Sequence[str], letter: str) -> bool:
    return any(re.fullmatch(r"-[a-zA-Z]+", flag) and letter in flag for flag in flags) or (
        {"e": "errexit", "u": "nounset"}.get(letter, "") in flags
    )
