"""Targets of a Makefile: their recipes, prerequisites first, with make's variables put in.

What make would compute by functions that :mod:`.make_values` does not know is left open; ``$(shell ...)`` becomes the
shell's own substitution. Source: GNU make manual, "Rules", "Recipe Syntax", "Using Variables", "Variables from
Environment", "Options Summary".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.possible import Possible, open_text, shown
from checker.resolve.tasks.make_exports import exported, note
from checker.resolve.tasks.make_files import (
    PATTERN,
    at_the_same_time,
    files_of,
    logical,
    own_places,
    recipes_by_tabs,
    rule_for,
    several_jobs,
    together,
)
from checker.resolve.tasks.make_values import (
    Makefile,
    Rule,
    Scope,
    asked_at_once,
    at_folder,
    fields,
    shell_of,
    shells_in,
)
from checker.resolve.tasks.recipes import Line, TaskLibrary, Tasks, assigned, joined_path

NAMES: Final = ("GNUmakefile", "makefile", "Makefile")
_MAX_TARGETS: Final = 500
_MAX_DEPTH: Final = 20
_MAX_INCLUDED: Final = 100
_ASSIGN: Final = lazy_re.compile(
    r"(?:(?:export|override|private)\s+)*([\w.-]+)\s*(:::?=|:?:?=|\?=|\+=|!=)\s*(.*)", re.DOTALL
)
_RULE: Final = lazy_re.compile(r"([^\s:#=][^:#=]*?)\s*(::?)(?!=)\s*([^;#]*)(?:;(.*))?", re.DOTALL)
_GIVEN: Final = lazy_re.compile(r"([A-Za-z_][\w.-]*)(?:[:+?]{0,2})=(.*)", re.DOTALL)
_WITH_VALUE: Final = frozenset({"-C", "--directory", "-f", "--file", "--makefile", "-I", "-o", "-W", "--eval"})
# What runs no recipe but the lines that are marked for that, or that call make again (`-t` marks its target as made
# instead; GNU make manual, "Instead of Executing Recipes"), and what takes no notice of one that fails.
_DRY: Final = frozenset({"--dry-run", "--just-print", "--recon", "--question", "--touch"})
_DRY_LETTERS: Final = lazy_re.compile(r"-?[bBdeikLmprRsSw]*[nqt][bBdeikLmnpqrRsStw]*")
_ALL_THE_SAME: Final = lazy_re.compile(r"\$[({]MAKE[)}]")
_IGNORES: Final = lazy_re.compile(r"(?:^|\s)(?:--ignore-errors\b|-?[bBdekLmnpqrRsStvw]*i)")
_LETTERS: Final = lazy_re.compile(r"-[bBdeikLmnpqrRsStvw]+")  # options of one letter that take no value
_ONLY_CALLS: Final = lazy_re.compile(r"\$[({](?:foreach|eval|call|shell|if|or|and)\s")
_DEFINE: Final = lazy_re.compile(r"(?:(?:override|export)\s+)*define\s+([\w.-]+)\s*(?::{0,3}=|\+=|\?=)?\s*")


def tasks(words: Sequence[Possible], folder: str, environment: Mapping[str, Possible], library: TaskLibrary) -> Tasks:
    """What ``make`` with these words runs. Variables and targets stand in any order."""
    targets: list[str] = []
    given: dict[str, Possible] = {}
    file = ""
    flags = [flag] if isinstance(flag := environment.get("MAKEFLAGS"), str) else []
    pending = list(words)
    while pending:
        word = pending.pop(0)
        if not isinstance(word, str):
            if (set_so := assigned(word)) is None:
                return Tasks(missing="a target that is not known before it runs")
            given[set_so[0]] = set_so[1]
        elif word in {"-v", "--version", "-h", "--help"}:
            return Tasks()
        elif word in _DRY or word == "--ignore-errors" or _LETTERS.fullmatch(word):
            flags.append(word)
        elif word in {"-j", "--jobs"}:
            flags.append(f"-j{pending.pop(0)}" if pending and str(pending[0]).isdigit() else "-j")
        elif word.startswith(("-j", "--jobs")):
            flags.append(word)
        elif word in _WITH_VALUE and pending:
            value = pending.pop(0)
            if word in {"-C", "--directory"} and isinstance(value, str):
                folder = at_folder(folder, value)
            elif word in {"-f", "--file", "--makefile"} and isinstance(value, str):
                file = value
        elif word.startswith(("-C", "--directory=")) and len(word) > 2:
            folder = at_folder(folder, re.sub(r"^(?:-C|--directory=)", "", word))
        elif word.startswith(("-f", "--file=", "--makefile=")) and len(word) > 2:
            file = re.sub(r"^(?:-f|--(?:make)?file=)", "", word)
        elif match := _GIVEN.fullmatch(word):
            given[match[1]] = match[2]
        elif not word.startswith("-"):
            targets.append(word)
    folder = "" if folder == "." else folder
    names = (file,) if file else NAMES
    path = next((at for name in names if library.is_file(at := at_folder(folder, name))), None)
    text = library.text(path) if path else None
    if path is None or text is None:
        return Tasks(missing=" ".join(["make", *targets[:1]]))
    read = _whole(text, path, folder, given, environment, library)
    if set_here := read.variables.get("MAKEFLAGS"):
        flags.append(set_here.lstrip("\0"))
    ignores = any(map(_IGNORES.search, flags)) or (".IGNORE" in read.rules and not read.rules[".IGNORE"].needs)
    shows = any(flag in _DRY or _DRY_LETTERS.fullmatch(flag.partition(" ")[0]) for flag in flags)
    read = replace(read, ignores=ignores, shows=shows)
    if several_jobs([shown(environment.get("MAKEFLAGS", "")), *flags], read.rules):
        read = replace(read, beside=True)
    lines = [*asked_at_once(read, given, environment)]
    goals = targets or [_default(read, given, environment)]
    missing = [*_each(goals, read, given, environment, lines, set(), 0)]
    missing += [f"{(targets or [''])[0]} (it includes what only the run knows)"] if read.left else []
    why = f"make {missing[0]}".strip() if missing else ""
    return Tasks(tuple(lines), folder, why)


def _default(read: Makefile, given: Mapping[str, Possible], environment: Mapping[str, Possible]) -> str:
    """The target of a make without one. Source: GNU make manual, "Other Special Variables" (.DEFAULT_GOAL)."""
    named = Scope(read, given, environment, "", (), "").plain(read.variables.get(".DEFAULT_GOAL", "").lstrip("\0"))
    return named.strip() or read.default


def _each(
    names: Sequence[str],
    read: Makefile,
    given: Mapping[str, Possible],
    environment: Mapping[str, Possible],
    lines: list[Line],
    seen: set[str],
    depth: int,
) -> Iterator[str]:
    """The lines of several targets, one after the other or at the same time."""
    parts: list[tuple[str, int, int]] = []
    for name in names:
        begun = len(lines)
        yield from _target(name, read, given, environment, lines, seen, depth)
        parts.append((name, begun, len(lines)))
    if read.beside:
        at_the_same_time(lines, parts, read.rules)


def _target(
    name: str,
    read: Makefile,
    given: Mapping[str, Possible],
    environment: Mapping[str, Possible],
    lines: list[Line],
    seen: set[str],
    depth: int,
) -> Iterator[str]:
    """Put a target's lines behind those of what it needs; yields the targets that no rule tells of."""
    name = name.replace("${MAKE_STEM}", "%")
    if name in seen:
        return
    if len(seen) > _MAX_TARGETS or depth > _MAX_DEPTH:
        yield name
        return
    seen.add(name)
    rule, stem = rule_for(name, read.rules)
    if rule is None:
        if depth == 0:
            yield name
        elif "$" in name:  # which files or targets it stands for only the run tells: any that a pattern makes
            for pattern in [each for each in read.rules if "%" in each]:
                yield from _target(pattern, read, given, environment, lines, seen, depth + 1)
        return
    open_stem = {"MAKE_STEM": open_text("$*", rule.file)} if "%" in name else {}
    stem = "${MAKE_STEM}" if open_stem else stem
    scope = Scope(read, given, environment, name.replace("%", stem), rule.needs, stem, used=dict(open_stem))
    scope.used.update(exported(scope))
    needs = [each.replace("%", stem) for need in rule.needs for each in scope.plain(need).split()]
    yield from _each(needs, read, given, environment, lines, seen, depth + 1)
    if read.ignores or read.shows:
        scope.used["MAKEFLAGS"] = "i" * read.ignores + "n" * read.shows  # of the makes that it starts, too
    every = read.ignores or (".IGNORE" in read.rules and name in read.rules[".IGNORE"].needs)
    shell = shell_of(read, given)
    recipe = [each for each in rule.recipe if not read.shows or _all_the_same(each[0])]
    if read.one_shell and recipe:
        text = "\n".join(scope.text(each.lstrip("@-+")) for each, _ in recipe)
        first = re.match(r"[@\-+\s]*", recipe[0][0])
        if every or (first and "-" in first[0]):
            text = f"(\n{text}\n) || true"
        first_line = recipe[0][1]
        lines.append(Line(text, rule.file, first_line, scope.used, exported=True, flags=read.flags, shell=shell))
        return
    for written, line in recipe:
        prefix = re.match(r"[@\-+\s]*", written)
        ignored = every or (prefix is not None and "-" in prefix[0])
        # What a variable of several lines stands for is as many lines of the recipe.
        for each in re.split(r"(?<!\\)\n", scope.text(written[prefix.end() if prefix else 0 :])):
            own = re.match(r"[@\-+\s]*", each)
            text = each[own.end() if own else 0 :]
            if not text.strip():
                continue
            if ignored or (own and "-" in own[0]):
                text = f"{{ {text}\n}} || true"
            lines.append(Line(text, rule.file, line, dict(scope.used), exported=True, flags=read.flags, shell=shell))


def _all_the_same(written: str) -> bool:
    """Whether a line of a recipe runs although make only shows what it would do."""
    prefix = re.match(r"[@\-+\s]*", written)
    return _ALL_THE_SAME.search(written) is not None or (prefix is not None and "+" in prefix[0])


_CONDITION: Final = lazy_re.compile(
    r"(ifeq|ifneq)\s*(?:\((.*),\s*+(.*)\)|(['\"])(.*)\4\s+(['\"])(.*)\6)\s*$|(ifdef|ifndef)\s+(\S+)\s*$"
)


def _whole(
    text: str,
    path: str,
    folder: str,
    given: Mapping[str, Possible],
    environment: Mapping[str, Possible],
    library: TaskLibrary,
) -> Makefile:
    """A Makefile with the files that it includes, without what its conditionals leave out."""
    read = _read(_live(own_places(recipes_by_tabs(text), path, path, folder), path, given, environment), path)
    read = replace(read, read_at_once=[each for each in read.read_at_once if "$" in each[0]])
    if not read.includes and not read.calls:
        return read
    whole = replace(read, variables=dict(read.variables), rules=dict(read.rules), left=[])
    whole.exported = set(read.exported)
    pending, seen = list(read.includes), {path}
    while pending and len(seen) < _MAX_INCLUDED:
        named = Scope(whole, given, environment, "", (), "", files_of=lambda each: files_of(each, folder, library))
        name, *others = named.plain(pending.pop(0)).split() or [""]
        if others or PATTERN.search(name):
            pending[0:0] = [each for one in (name, *others) for each in files_of(one, folder, library)]
            continue
        if "$" in name and not name.endswith(".d"):  # what compilers write of a program's files starts nothing
            whole.left.append(name)
        at = posixpath.normpath(joined_path(folder, name))
        inside = library.text(at) if at not in seen and library.is_file(at) else None
        seen.add(at)
        if inside is not None:
            other = _read(_live(own_places(recipes_by_tabs(inside), at, path, folder), at, given, environment), at)
            whole.variables.update({key: each for key, each in other.variables.items() if key not in whole.variables})
            whole.rules.update({key: together(whole.rules.get(key), each) for key, each in other.rules.items()})
            whole.exported |= other.exported
            whole.default = whole.default or other.default
            whole.calls = [*whole.calls, *other.calls]
            whole.read_at_once = [*whole.read_at_once, *other.read_at_once]
            pending[0:0] = other.includes
    _evaluate(whole, given, environment)
    return whole


def _evaluate(whole: Makefile, given: Mapping[str, Possible], environment: Mapping[str, Possible]) -> None:
    """Put in what make is told to read by ``$(eval ...)``."""
    for written, line in whole.calls:
        scope = Scope(whole, given, environment, "", (), "", for_make=True)
        scope.text(written)
        for text in scope.evaluated:
            other = _read(text, whole.file)
            whole.variables.update(other.variables)
            for name, rule in other.rules.items():
                made = whole.rules.setdefault(name, Rule(whole.file))
                made.needs.extend(rule.needs)
                made.recipe.extend((each, line) for each, _ in rule.recipe)
            whole.default = whole.default or other.default


def _live(text: str, file: str, given: Mapping[str, Possible], environment: Mapping[str, Possible]) -> str:
    """The text with lines emptied that a conditional leaves out, as far as its sides are known. Source: GNU make
    manual, "Syntax of Conditionals": they are decided while the file is read."""
    if not re.search(r"(?m)^[ \t]*(?:if(?:n?eq|n?def))\b", text):
        return text
    scope = Scope(Makefile(file), given, environment, "", (), "", for_make=True)
    kept: list[str] = []
    stack: list[list[bool | None]] = []  # of each conditional: whether this branch is live, and whether one was before
    for line in text.split("\n"):
        word = line.split(None, 1)[0] if line.strip() else ""
        if word in {"ifeq", "ifneq", "ifdef", "ifndef"} or (word == "else" and stack) or (word == "endif" and stack):
            asks = word.startswith("if") and all(each[0] is not False for each in stack)
            _branch(line.strip(), word, stack, scope)
            kept.append(shells_in(line) if asks else "")
            continue
        live = all(each[0] is not False for each in stack)
        kept.append(line if live else "")
        assignment = _ASSIGN.fullmatch(line.split("#", 1)[0].strip()) if live and not line.startswith("\t") else None
        if assignment:
            _assign(scope.read, assignment[1], assignment[2], assignment[3])
    return "\n".join(kept)


def _branch(line: str, word: str, stack: list[list[bool | None]], scope: Scope) -> None:
    if word == "endif":
        stack.pop()
        return
    if word != "else":
        holds = _holds(line, scope)
        stack.append([holds, holds])
        return
    was = stack[-1][1]
    rest = line.partition("else")[2].strip()
    holds = _holds(rest, scope) if rest else True
    if was is True or holds is False:
        stack[-1][0] = False
    elif was is None or holds is None:
        stack[-1] = [None, None]
    else:
        stack[-1] = [True, True]


def _holds(condition: str, scope: Scope) -> bool | None:
    """Whether a conditional's test holds; ``None`` where only the run tells."""
    match = _CONDITION.match(condition.split("#", 1)[0].strip())
    if match is None:
        return None
    if match[8]:
        value = scope.given.get(match[9], scope.environment.get(match[9], scope.read.variables.get(match[9], "")))
        return None if not isinstance(value, str) else bool(value.lstrip("\0")) is (match[8] == "ifdef")
    left, right = (match[2], match[3]) if match[2] is not None else (match[5], match[7])
    sides = [scope.text(side.strip()) for side in (left, right)]
    return None if any("$" in side for side in sides) else (sides[0] == sides[1]) is (match[1] == "ifeq")


@lru_cache(maxsize=256)  # recipes call make again and again
def _read(text: str, file: str) -> Makefile:
    found = Makefile(file)
    current: list[Rule] = []
    defining: list[str] = []  # the name, and then its lines
    for line, number in logical(text):
        if defining and line.strip().startswith("endef"):
            found.variables[defining[0]] = "\n".join(defining[1:])
            defining = []
            continue
        if defining:
            defining.append(line)
            continue
        if line.startswith("\t"):
            for rule in current:
                rule.recipe.append((line[1:], number))
            continue
        stripped = line.split("#", 1)[0].strip() if "$(" not in line.split("#", 1)[0] else line.strip()
        note(found, stripped)
        word = stripped.split(None, 1)[0] if stripped else ""
        if not word or word in {"ifeq", "ifneq", "ifdef", "ifndef", "else", "endif", "vpath", "unexport", "undefine"}:
            continue
        if define := _DEFINE.fullmatch(stripped):
            defining = [define[1]]
            continue
        if _ONLY_CALLS.match(stripped):
            found.calls.append((stripped, number))
            found.read_at_once.append((stripped, file, number))
            continue
        if word in {"include", "-include", "sinclude"}:
            found.includes.extend(fields(stripped)[1:])
            continue
        assignment = _ASSIGN.fullmatch(stripped)
        if assignment:
            _assign(found, assignment[1], assignment[2], assignment[3])
            if assignment[2] not in {"=", "?=", "+="}:
                value = assignment[3] if assignment[2] != "!=" else f"$(shell {assignment[3]})"
                found.read_at_once.append((value, file, number))
            continue
        rule_line = _RULE.fullmatch(stripped)
        if rule_line:
            found.read_at_once.append((f"{rule_line[1]} {rule_line[3]}", file, number))
            current = _rule(found, rule_line, number)
    if ".ONESHELL" in found.rules:
        found.one_shell = True
    return found


def _assign(found: Makefile, name: str, operator: str, value: str) -> None:
    if name == ".SHELLFLAGS":
        found.flags = value
    elif operator == "!=":
        found.variables[name] = f"$(shell {value})"
    elif operator == "+=" and name in found.variables:
        found.variables[name] += f" {value}"
    elif operator != "?=" or name not in found.variables:
        found.variables[name] = f"\0{value}" if operator == "?=" else value


def _rule(found: Makefile, match: re.Match[str], number: int) -> list[Rule]:
    specific = _ASSIGN.fullmatch(match[3].strip())
    if specific:  # a variable of one target
        note(found, match[3].strip())
        found.variables.setdefault(specific[1], specific[3])
        return []
    rules = []
    for name in match[1].split():
        rule = found.rules.setdefault(name, Rule(found.file))
        rule.needs.extend(need for need in fields(match[3]) if need != "|")
        if match[4]:
            rule.recipe.append((match[4].strip(), number))
        rules.append(rule)
        if not found.default and not name.startswith(".") and "%" not in name:
            found.default = name
    return rules
