"""Which files a program in another language than the shell's writes: what it names where it writes, and where that is
not known, every file of the repository that it or its command line names.

Sources: Node.js documentation, "File system"; fs-extra, Deno, Bun: their own; Ruby documentation, "IO", "File",
"FileUtils"; perlfunc, "open"; PHP manual, "file_put_contents"; Go documentation, "os".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, joined, open_text, shown
from checker.resolve.shell.state import Fed

PYTHON: Final = lazy_re.compile(r"(?:python|pypy)(?:\d(?:\.\d+)?)?")
# Interpreters, with the options that hold code of theirs.
_INLINE: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("node", "nodejs"), frozenset({"-e", "--eval", "-p", "--print", "-pe"})),
    **dict.fromkeys(("bun", "deno", "tsx", "ts-node"), frozenset({"-e", "eval", "--eval"})),
    **dict.fromkeys(("ruby", "perl"), frozenset({"-e", "-ne", "-pe", "-E"})),
    "php": frozenset({"-r"}),
    "go": frozenset(),
}
_ENDINGS: Final = lazy_re.compile(r"\.(?:py|[cm]?[jt]sx?|rb|pl|php|go)")
_FIRST: Final = lazy_re.compile(
    r"\b(?:(?:write|append)File(?:Sync)?|createWriteStream|output(?:File|Json|JSON)(?:Sync)?|write(?:Json|JSON)(?:Sync)?"
    r"|(?:rm|unlink|truncate)Sync|Bun\.write|Deno\.write(?:Text)?File(?:Sync)?|(?:File|IO)\.(?:bin)?write"
    r"|file_put_contents|os\.(?:WriteFile|Create|Truncate)|ioutil\.WriteFile)\s*\("
)
_OPENS: Final = lazy_re.compile(r"\b(?:File\.open|fopen|File\.new|openSync|os\.OpenFile)\s*\(|\bopen\b\s*\(?")
_SECOND: Final = lazy_re.compile(
    r"\b(?:(?:copyFile|rename|cp|copy|move|symlink)(?:Sync)?|FileUtils\.(?:cp|copy|mv|move|ln_s?f?|cp_r)|os\.Rename)\s*\("
)
_MODE: Final = lazy_re.compile(
    r"""['"]\s*(?:[wax]\S*|r\+\w*|\+?>{1,2}\S*)\s*['"]|os\.O_(?:WRONLY|RDWR|CREATE)|\s>{1,2}\s*"""
)
_STRING: Final = lazy_re.compile(r"""'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`([^`$]*)`""")
_TEMPLATE: Final = lazy_re.compile(r"`((?:[^`\\]|\\.)*)`")  # of JavaScript, with expressions in it
_JOINS: Final = lazy_re.compile(r"(?:path\.|File\.|filepath\.)?(?:join|resolve|expand_path)\s*\((.*)\)", re.DOTALL)
_LISTS: Final = lazy_re.compile(r"\b(?:glob|iglob|rglob|listdir|scandir|iterdir|walk|readdir(?:Sync)?|Dir|globSync)\b")
_MOST: Final = 400  # calls of one program


class Code(Struct, frozen=True):
    """A program: its text, the file that it stands in (empty where that is none), and what it is told."""

    text: str
    file: str
    words: tuple[Possible, ...]
    python: bool


@lru_cache(maxsize=1024)
def runs_code(program: str) -> bool:
    """Whether a program is an interpreter, or by its name a program for one."""
    return (
        program in _INLINE
        or PYTHON.fullmatch(program) is not None
        or bool(_ENDINGS.fullmatch(posixpath.splitext(program)[1]))
    )


def code_of(
    command: Command, fed: Fed | None, place: Callable[[Possible], Possible], text_of: Callable[[Possible], str | None]
) -> Code | None:
    """The program that a command runs; ``None`` where it is none, or its text is not known."""
    program, words = command.program, list(command.words[1:])
    if not runs_code(program):
        return _by_its_first_line(command, place, text_of) if "/" in shown(command.words[0]) else None
    python = PYTHON.fullmatch(program) is not None
    if not python and program not in _INLINE:
        text = text_of(place(command.words[0]))
        return Code(text, str(place(command.words[0])), tuple(words), program.endswith(".py")) if text else None
    options = {"-c"} if python else _INLINE[program]
    while words:
        word = words.pop(0)
        if word in options:
            text = shown(words[0]) if words else ""
            return Code(text, "", tuple(words[1:]), python)
        if python and word == "-m" and words:
            return _module(shown(words[0]), tuple(words[1:]), place, text_of)
        if word == "-" or (isinstance(word, str) and word.startswith("/dev/stdin")):
            break
        if word == "run" or (isinstance(word, str) and word.startswith("-")):
            continue
        text = text_of(place(word))
        return Code(text, str(place(word)), tuple(words), python) if text is not None else None
    here = next((each.target for each in reversed(command.writes) if each.operator in {"<<", "<<-", "<<<"}), None)
    text = shown(here) if here is not None else shown(fed.text) if fed is not None and fed.text is not None else ""
    return Code(text, "", tuple(words), python) if text else None


def _module(
    name: str,
    words: tuple[Possible, ...],
    place: Callable[[Possible], Possible],
    text_of: Callable[[Possible], str | None],
) -> Code | None:
    for path in module_files(name):
        if (text := text_of(place(path))) is not None:
            return Code(text, str(place(path)), words, python=True)
    return None


def _by_its_first_line(
    command: Command, place: Callable[[Possible], Possible], text_of: Callable[[Possible], str | None]
) -> Code | None:
    """A program that says itself what runs it."""
    key = place(command.words[0])
    text = text_of(key) if isinstance(key, str) and not key.startswith("/") else None
    words = text.partition("\n")[0].split() if text is not None and text.startswith("#!") else []
    by = next((each for word in words for each in [word.rpartition("/")[2]] if runs_code(each)), "")
    return Code(text or "", str(key), command.words[1:], PYTHON.fullmatch(by) is not None) if by else None


def module_files(name: str) -> Iterator[str]:
    """Where a module of the repository's may lie."""
    base = name.replace(".", "/")
    for root in ("", "src/"):
        yield from (f"{root}{base}.py", f"{root}{base}/__main__.py", f"{root}{base}/__init__.py")


def written(code: Code, environment: Mapping[str, Possible]) -> tuple[list[Possible], bool]:
    """The files that a program writes whose language is not Python, and whether it writes others too."""
    found: list[Possible] = []
    others = False
    for name in _targets(code.text):
        value = _value(name, code, environment, 0)
        if value is None:
            others = True
        else:
            found.append(value)
    return found, others


def named(code: Code) -> Iterator[Possible]:
    """Every path that a program, or its command line, names: where it lists folders, with a slash these too."""
    lists, written = _written_in(code.text)
    home = posixpath.dirname(code.file)
    told = [word.partition("=")[2] if word[:2] == "--" else word for word in code.words if isinstance(word, str)]
    for each in dict.fromkeys([*written, *told]):
        if not each or len(each) > 200 or "\n" in each or " " in each:
            continue
        folder = re.split(r"[*?{\[]", each)[0]
        if folder != each:
            yield f"{posixpath.dirname(folder) or '.'}/"
        elif lists and not each.startswith("."):
            yield f"{each.rstrip('/')}/"
        yield each
        if home:
            yield f"{WORKSPACE}/{posixpath.join(home, each)}"
            yield f"{WORKSPACE}/{posixpath.join(posixpath.dirname(home), each)}"


@lru_cache(maxsize=256)  # of a program that is started time and again, with other words
def _written_in(text: str) -> tuple[bool, tuple[str, ...]]:
    """Whether a program lists folders, and the strings in its text: each one, and those that are parts of a path."""
    strings = [next(filter(None, match.groups()), "") for match in _STRING.finditer(text)]
    return _LISTS.search(text) is not None, (*strings, *("/".join(run) for run in _runs(text)))


def _runs(text: str) -> Iterator[list[str]]:
    """Strings that stand one behind another, as the parts of a path do."""
    run: list[str] = []
    end = -1
    for match in _STRING.finditer(text):
        part = next(filter(None, match.groups()), "")
        if run and not re.fullmatch(r"\s*[,/+]\s*", text[end : match.start()]):
            if len(run) > 1:
                yield run
            run = []
        run.append(part)
        end = match.end()
    if len(run) > 1:
        yield run


def _targets(text: str) -> Iterator[str]:
    """The expressions that name what is written."""
    for number, match in enumerate(_FIRST.finditer(text)):
        if number > _MOST:
            return
        yield _argument(text, match.end(), 0)
    for match in _SECOND.finditer(text):
        yield _argument(text, match.end(), 1)
    for match in _OPENS.finditer(text):
        rest = text[match.end() : match.end() + 300].split(";", maxsplit=1)[0].split("\n", maxsplit=1)[0]
        if (mode := _MODE.search(rest)) is not None:
            first = _argument(text, match.end(), 0).strip()
            # Perl names a handle, then how, then the file: `open(my $f, '>', 'x')`.
            perl = match[0].startswith("open") and "Sync" not in match[0]
            yield rest[mode.end() :].lstrip(" ,").rstrip(") ") or rest[mode.start() :] if perl else first


def _argument(text: str, at: int, number: int) -> str:
    """One argument of a call, as it is written."""
    depth, start, quote = 0, at, ""
    for index in range(at, min(len(text), at + 2000)):
        sign = text[index]
        if quote:
            quote = "" if sign == quote and text[index - 1] != "\\" else quote
        elif sign in "'\"`":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}" and depth:
            depth -= 1
        elif sign in ",)" and not depth:
            if number == 0:
                return text[start:index].strip()
            if sign == ")":
                return ""
            number, start = number - 1, index + 1
    return ""


def _value(name: str, code: Code, environment: Mapping[str, Possible], depth: int) -> Possible | None:
    """The path that an expression comes to; ``None`` where that is not known."""
    name = name.strip()
    match = _STRING.fullmatch(name)
    if match is not None:
        return next((each for each in match.groups() if each is not None), "")
    if depth > 6 or not name:
        return None
    if (template := _TEMPLATE.fullmatch(name)) is not None:
        pieces = re.split(r"\$\{([^{}]*)\}", template[1])
        parts = [each if at % 2 == 0 else _value(each, code, environment, depth + 1) for at, each in enumerate(pieces)]
        return None if None in parts else joined(parts)
    if name in {"__dirname", "__dir__", "import.meta.dirname", "__DIR__"}:
        return posixpath.join(WORKSPACE, posixpath.dirname(code.file)).rstrip("/") if code.file else "."
    if name == "process.cwd()":
        return "."
    if (joins := _JOINS.fullmatch(name)) is not None:
        parts = [_value(part, code, environment, depth + 1) for part in _split(joins[1], ",")]
        return None if None in parts else joined([each for part in parts for each in ("/", part)][1:])
    if len(added := _split(name, "+")) > 1:
        parts = [_value(part, code, environment, depth + 1) for part in added]
        return None if None in parts else joined(parts)
    if (
        variable := re.fullmatch(r"(?:process\.env\.|ENV\[['\"]|\$ENV\{['\"]?|getenv\(['\"])(\w+)['\"\])}]*", name)
    ) is not None:
        if variable[1] == "GITHUB_WORKSPACE":
            return WORKSPACE
        return environment.get(variable[1], open_text(f"${{{variable[1]}}}"))
    if (at := re.fullmatch(r"(?:process\.argv|ARGV|\$ARGV|argv|os\.Args)\[(\d+)\]", name)) is not None:
        index = int(at[1]) - {"p": 2, "A": 0, "$": 0, "a": 1, "o": 1}[name[0]]
        return code.words[index] if 0 <= index < len(code.words) else None
    if re.fullmatch(r"[$@]?[A-Za-z_]\w*", name):
        given = re.findall(rf"(?<![\w.$]){re.escape(name)}\s*:?=(?![=>])\s*([^;\n]+)", code.text)
        return _value(given[0], code, environment, depth + 1) if len(given) == 1 else None
    return None


def _split(text: str, sign: str) -> list[str]:
    """The parts of an expression between signs that stand in no string and no bracket."""
    found, depth, quote, start = [], 0, "", 0
    for index, each in enumerate(text):
        if quote:
            quote = "" if each == quote else quote
        elif each in "'\"`":
            quote = each
        elif each in "([{":
            depth += 1
        elif each in ")]}":
            depth -= 1
        elif each == sign and not depth:
            found.append(text[start:index])
            start = index + 1
    return [*found, text[start:]]
