"""Scripts that ``sh`` runs although they are written for bash.

Which shell ``sh`` is differs: dash on Ubuntu and Debian; the ash of BusyBox on Alpine, which knows some of bash's
words; bash itself on macOS and in images of the Fedora family and of Amazon. In dash ``[[`` is no command, so that it
is false whatever it asks; ``&>`` sends the command to the background; an array or ``<<<`` ends the script. What a
script does in spite of such a word is not followed. ``{a,b}`` is a word like any other, and often one for a program
that knows such patterns by itself.

Sources: Ubuntu manual pages, sh(1) (dash); Ubuntu wiki, "DashAsBinSh"; BusyBox, shell/ash.c (``BASH_...``); GitHub
Docs, "Running jobs in a container" (``sh`` is the shell of steps inside a container); Bash Reference Manual, "Bash
Features", "Bash Conditional Expressions".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.shell import (
    Assignment,
    Declare,
    For,
    Function,
    Literal,
    Opaque,
    Pipe,
    Redirect,
    Script,
    Simple,
    Test,
    Variable,
    Word,
)
from checker.model.pipeline.workflows import Job
from checker.model.sources import Problem, brief

DASH: Final = "dash"
ASH: Final = "ash"
_FIX: Final = "Run it by bash, or write it for sh."
_OF_BASH: Final = lazy_re.compile(
    r"(?:.*/)?(?:amazonlinux|aws-cli|fedora|centos|rockylinux|almalinux|ubi\d*|opensuse|archlinux|oraclelinux|bash)"
    r"(?:[/:@-].*)?"
)
_OF_BUSYBOX: Final = lazy_re.compile(r".*alpine.*|(?:.*/)?(?:busybox|docker)(?:[:@].*)?")
# Commands of bash alone; of these, the ash of BusyBox has some.
_COMMANDS: Final = frozenset(
    {"[[", "shopt", "mapfile", "readarray", "pushd", "popd", "dirs", "enable", "builtin", "caller", "compgen", "disown",
     "complete", "declare", "typeset", "source", "let"}
)  # fmt: skip
_COMMANDS_OF_ASH: Final = frozenset({"source", "let", "[["})
# Options of commands that both have, and what is one of bash's own.
_OPTIONS: Final = {
    "read": lazy_re.compile(r"-[a-zA-Z]*[adeinNtus].*"),
    "printf": lazy_re.compile(r"-v.*|.*%q.*", re.DOTALL),
    "wait": lazy_re.compile(r"-[nfp].*"),
    "set": lazy_re.compile(r"[-+][a-zA-Z]*[TBHP][a-zA-Z]*|errtrace|functrace"),
    "trap": lazy_re.compile(r"ERR|DEBUG|RETURN|SIG[A-Z0-9]+"),
    "kill": lazy_re.compile(r"-SIG[A-Z0-9]+"),
}
_OPTIONS_OF_ASH: Final = {
    **_OPTIONS,
    "read": lazy_re.compile(r"-[a-zA-Z]*[aeiN].*"),
    "wait": lazy_re.compile(r"-[fp].*"),
}
del _OPTIONS_OF_ASH["kill"]
_VARIABLES: Final = frozenset({"BASH_SOURCE", "PIPESTATUS", "FUNCNAME", "BASH_REMATCH", "BASHPID", "BASH_COMMAND"})
_COUNTING: Final = frozenset({"RANDOM", "SECONDS", "EPOCHSECONDS"})  # of themselves, in bash
# What makes of a value another one: patterns that are replaced, letters' case, parts.
_OPERATORS: Final = lazy_re.compile(r"/|\^|,|@|:(?![-=?+])")
_OPERATORS_NOT_OF_ASH: Final = lazy_re.compile(r"\^|,|@")
_NAME: Final = lazy_re.compile(r"[A-Za-z_]\w*")
_COUNTS: Final = lazy_re.compile(r"\+\+|(?<=\w)--(?!\s*[\w(])|--\s*[A-Za-z_]|\*\*")
_DOUBLE_QUOTED: Final = lazy_re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ANSI: Final = lazy_re.compile(r"(?<![\\$\w'])\$'")
_FILE_OF_BOTH: Final = lazy_re.compile(r"\d+|-|__gha\d+__")
# A script that asks which shell it is in may go on in bash by itself.
_ASKS: Final = frozenset({"BASH_VERSION", "BASH", "BASH_VERSINFO"})


def sh_of(job: Job) -> str:
    """Which shell ``sh`` is where a job's steps run; empty where it is bash."""
    if job.container:
        name = job.container.lower()
        if _OF_BUSYBOX.fullmatch(name):
            return ASH
        return "" if _OF_BASH.fullmatch(name) else DASH
    return "" if re.search(r"macos|windows", str(job.runs_on), re.IGNORECASE) else DASH


def dialect(program: str, sh: str) -> str:
    """Which shell a program of this name or path is, where it is not bash; ``sh`` is what ``sh`` is."""
    name = program.rpartition("/")[2]
    return {"sh": sh, "dash": DASH, "ash": ASH}.get(name, "")


def dialect_of(shebang: str, sh: str) -> str:
    """Likewise of a script's first line, without its sign."""
    words = shebang.split()
    if words[:1] and words[0].rpartition("/")[2] == "env":
        words = [each for each in words[1:] if not each.startswith("-")]
    return dialect(words[0], sh) if words else ""


def not_of_sh(script: Script, shell: str) -> tuple[Problem, ...]:
    """The first word of a script that this shell takes for something else, as a problem; nothing where there is none,
    and where the shell is bash (an empty ``shell``)."""
    if not shell:
        return ()
    found: Problem | None = None
    line = 0
    for node in _within(script.body):
        line = getattr(node, "line", line)
        if isinstance(node, Variable) and node.name in _ASKS:
            return ()
        what = foreign(node, ash=shell == ASH) if found is None else ""
        if what:
            message = f"`{what}` is bash's own, and sh runs this: what becomes of it was not followed"
            found = Problem(script.spot(line), brief(message), _FIX)
    return (found,) if found is not None else ()


def _within(node: object) -> Iterator[Struct]:
    pending = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, tuple):
            pending.extend(reversed(each))
        elif isinstance(each, Struct):
            yield each
            values = [getattr(each, name) for name in each.__struct_fields__]
            pending.extend(value for value in reversed(values) if isinstance(value, tuple | Struct))


def foreign(node: object, *, ash: bool) -> str:
    """How something is spelled that dash, or ``ash``, does not know as bash does; empty where it does."""
    match node:
        case Test():
            return _test(node, ash=ash)
        case Redirect():
            return _redirect(node, ash=ash)
        case Declare():
            if node.keyword in {"declare", "typeset"}:
                return node.keyword
            return next((f"{node.keyword} {flag}" for flag in node.flags if flag not in {"-p", "-"}), "")
        case Assignment():
            return "=(" if node.items is not None else "[...]=" if node.index else "+=" if node.append else ""
        case For():
            return "((" if node.arithmetic else ""
        case Function():
            if node.worded:
                return "" if ash else "function"
            return "" if _NAME.fullmatch(node.name) else f"{node.name}()"
        case Pipe(merged=True):
            return "|&"
        case Variable():
            return _variable(node, ash=ash)
        case Opaque():
            return _opaque(node.source, ash=ash)
        case Simple():
            return _command(node, ash=ash)
    return ""


def _test(node: Test, *, ash: bool) -> str:
    if node.arithmetic or not node.words:
        return "(("
    if ash:
        return ""
    return "[[" if node.double else _asked([_literal(word) for word in node.words])


def _asked(words: list[str]) -> str:
    """What ``[`` does not know, of the words behind it."""
    if "==" in words[1:]:
        return "[ =="
    return "[ -v" if words[:1] == ["-v"] or words[:2] == ["!", "-v"] else ""


def _redirect(node: Redirect, *, ash: bool) -> str:
    if node.operator == "<<<":
        return "<<<"
    if ash:
        return ""
    if node.descriptor == -1:
        return "&>"
    target = _literal(node.target)
    return ">&" if node.operator == ">&" and target and not _FILE_OF_BOTH.fullmatch(target) else ""


def _variable(node: Variable, *, ash: bool) -> str:
    if node.name in _VARIABLES or (node.name in _COUNTING and not ash):
        return f"${{{node.name}}}"
    if node.indirect:
        return "${!"
    if node.index:
        return f"${{{node.name}[{node.index}]}}"
    unknown = _OPERATORS_NOT_OF_ASH if ash else _OPERATORS
    return f"${{{node.name}{node.operator}}}" if unknown.match(node.operator) else ""


def _opaque(source: str, *, ash: bool) -> str:
    if source[:2] in {"<(", ">("}:
        return "" if ash else source[:2]
    if source.startswith("${!"):
        return "${!"
    if source.startswith("$["):
        return "$["
    counts = _COUNTS.search(source) if source.startswith("$((") and not ash else None
    return counts[0] if counts else ""


def _command(node: Simple, *, ash: bool) -> str:
    words = [_literal(word) for word in node.words]
    name = words[0] if words else ""
    if name in _COMMANDS and not (ash and name in _COMMANDS_OF_ASH):
        return name
    if name == "set" and "pipefail" in words:
        return "" if ash else "pipefail"
    if name == "test" and not ash and (asked := _asked(words[1:])):
        return asked.replace("[", "test")
    option = (_OPTIONS_OF_ASH if ash else _OPTIONS).get(name)
    given = words[2:] if name == "trap" else words[1:]
    if option is not None and any(map(option.fullmatch, given)):
        return name
    if not ash and "$'" in node.source and _ANSI.search(_DOUBLE_QUOTED.sub('""', node.source)):
        return "$'"
    return ""


def _literal(word: Word) -> str:
    return "".join(part.text for part in word.parts if isinstance(part, Literal))
