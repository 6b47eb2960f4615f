"""What the command line gives the parameters of a function that click or typer makes a command of.

click tells a command's parameters by decorators, typer by the function's own (click documentation, "Parameters",
"Options", "Arguments"; typer documentation, "CLI Arguments", "CLI Options"). A command is started with nothing, and
reads its words itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from typing import Final, NamedTuple

from checker.model.pipeline.handling import Handling
from checker.model.possible import Possible, open_text
from checker.model.values import Text
from checker.resolve.python.libraries.command_lines import behind, may_be_options
from checker.resolve.python.machine import Frame, Machine, value
from checker.resolve.python.syntax_facts import named_in, written
from checker.resolve.python.values import Extern, Function, Value

_CLICK: Final = ("click", "rich_click", "asyncclick")
_NOTHING_AROUND: Final = Handling()
# Settings that make of the words something else than their text, or take them from somebody as well.
_OPAQUE: Final = frozenset({"callback", "cls", "count", "flag_value", "multiple", "parser", "prompt", "click_type"})
_TEXTS: Final = ("str", "STRING", "Choice", "Path", "Optional[str]", "str | None")


class _Declared(NamedTuple):
    """A parameter as a command declares it: an option by its ``names``, an argument, which is told by its place, by
    none. ``off``: the names that turn a flag off. ``rest``: whether it takes all the words that are left."""

    parameter: str
    names: tuple[str, ...]
    off: tuple[str, ...] = ()
    flag: bool = False
    rest: bool = False
    opaque: bool = False
    variable: str = ""
    default: ast.expr | None = None


def told_by_words(machine: Machine, function: Function) -> dict[str, Value]:
    """The parameters of a command that the command line tells; of a function that is none, nothing."""
    node = function.node
    if isinstance(node, ast.Lambda) or not node.decorator_list:
        return {}
    frame = Frame(function.module, function.module.names, machine.reached, _NOTHING_AROUND)
    declared = _declared(node, _library(machine, node, frame))
    words = machine.words if declared else None
    if words is None:
        return {}
    whole = not any(map(may_be_options, words))
    found = _by_place(declared, words, _called(node)) if whole else {}
    for each in declared:
        given = _given(each, words) if each.names else None
        if given is not None and not each.opaque:
            found[each.parameter] = given
        elif given is None and each.names and whole and not each.opaque:
            found.update(_absent(machine, each, frame))
    return found


def _library(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> str:
    """Which of the libraries makes a command of a function, empty where none does."""
    for decorator in node.decorator_list:
        made_by = decorator.func if isinstance(decorator, ast.Call) else decorator
        owner = made_by.value if isinstance(made_by, ast.Attribute) else made_by
        name = made_by.attr if isinstance(made_by, ast.Attribute) else ""
        library = found.library if isinstance(found := value(machine, owner, frame), Extern) else ""
        if library.startswith(_CLICK):
            return "click"
        if library.startswith("typer") and name in {"command", "callback"}:
            return "typer"
    return ""


@lru_cache(maxsize=1024)
def _declared(node: ast.FunctionDef | ast.AsyncFunctionDef, library: str) -> tuple[_Declared, ...]:
    if library == "click":
        return tuple(_by_decorators(node))
    return tuple(_by_parameters(node)) if library == "typer" else ()


def _by_decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[_Declared]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            kind = written(decorator.func).rpartition(".")[2]
            if kind in {"option", "argument"}:
                yield _read(decorator, "", is_option=kind == "option")


def _by_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[_Declared]:
    """typer: a parameter with a default is an option, one without is an argument, whatever is said of it otherwise."""
    plain = [*node.args.posonlyargs, *node.args.args]
    defaults = [*[None] * (len(plain) - len(node.args.defaults)), *node.args.defaults, *node.args.kw_defaults]
    for parameter, default in zip((*plain, *node.args.kwonlyargs), defaults, strict=True):
        kind, said = parameter.annotation, default
        if isinstance(kind, ast.Subscript) and written(kind.value).endswith("Annotated"):
            inner = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
            said = next((each for each in inner[1:] if isinstance(each, ast.Call)), default)
            kind = inner[0]
        if kind is None or written(kind).endswith("Context"):
            continue
        call = said if isinstance(said, ast.Call) and written(said.func).endswith(("Option", "Argument")) else None
        is_option = written(call.func).endswith("Option") if call is not None else default is not None
        if call is default and call is not None:
            inside = call.args[0] if call.args and not _is_name(call.args[0]) else None
        else:
            inside = default
        read = _read(call or ast.Call(ast.Name("_"), [], []), parameter.arg, is_option=is_option)
        flag = is_option and written(kind) == "bool"
        off = (f"--no-{parameter.arg.replace('_', '-')}",) if flag and not read.off else read.off
        opaque = read.opaque or not (flag or written(kind) in _TEXTS)
        yield read._replace(
            flag=flag, off=off, opaque=opaque, default=read.default or (None if _is_ellipsis(inside) else inside)
        )


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("-")


def _is_ellipsis(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _read(call: ast.Call, parameter: str, *, is_option: bool) -> _Declared:
    """What ``option("--env", "environment", default=...)`` says. The parameter is called by the name without dashes,
    else by the first one with two (click documentation, "Parameters", "Parameter Names")."""
    given = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    settings = {each.arg or "": each.value for each in call.keywords}
    on = [each.split("/")[0].strip() for each in given if each.startswith("-")]
    off = [each.partition("/")[2].strip() for each in given if each.startswith("-")]
    own = parameter or next((each for each in given if not each.startswith("-")), "")
    long = next((each for each in on if each.startswith("--")), on[0] if on else "")
    parameter = own or long.lstrip("-").replace("-", "_").lower()
    if is_option and not on:
        on = [f"--{parameter.replace('_', '-')}"]
    kind, count = settings.get("type"), settings.get("nargs")
    rest = count is not None and written(count) == "-1"
    opaque = bool(_OPAQUE & settings.keys()) or "" in settings or (count is not None and not rest)
    opaque |= kind is not None and not any(word in written(kind) for word in _TEXTS)
    flag = is_option and (any(off) or _says(settings.get("is_flag")))
    variable = settings.get("envvar")
    named = variable.value if isinstance(variable, ast.Constant) and isinstance(variable.value, str) else ""
    opaque |= variable is not None and not named
    names, away = tuple(on) if is_option else (), tuple(filter(None, off))
    return _Declared(parameter, names, away, flag, rest, opaque, named, settings.get("default"))


def _says(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _given(each: _Declared, words: Sequence[Possible]) -> Value:
    """What an option is given, the last time it is; ``None`` where it is not."""
    found: Value = None
    for index, word in enumerate(words):
        if word == "--":
            break
        if each.flag and isinstance(word, str) and word in (*each.names, *each.off):
            found = word in each.names
        elif each.flag:
            continue
        elif word in each.names:
            found = words[index + 1] if index + 1 < len(words) else found
        else:
            names = (f"{name}=" if name.startswith("--") else name for name in each.names)
            found = next((rest for name in names if (rest := behind(word, name)) is not None), found)
    return found


def _absent(machine: Machine, each: _Declared, frame: Frame) -> dict[str, Value]:
    """What an option is that is not given: what a variable says, else its default, else nobody knows (``required``)."""
    if each.variable:
        known = machine.variable(each.variable)
        return {each.parameter: known if known is not None else open_text(f"${{{each.variable}}}")}
    if each.default is not None:
        return {each.parameter: value(machine, each.default, frame)}
    return {each.parameter: False} if each.flag else {}


@lru_cache(maxsize=1024)
def _called(node: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """The words that a command is called by: its function's name, and what its decorators say."""
    made = [each for each in node.decorator_list if isinstance(each, ast.Call)]
    said = [named_in(each) for each in made if written(each.func).endswith(("command", "group"))]
    named = {each.value for each in said if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return frozenset({node.name, node.name.replace("_", "-"), *named})


def _by_place(declared: Sequence[_Declared], words: Sequence[Possible], own: Set[str]) -> dict[str, Value]:
    """The arguments, which are the words behind the command's own that are no options, nor their values."""
    arguments = [each for each in declared if not each.names]
    if not arguments or any(each.opaque for each in arguments) or any(each.rest for each in arguments[:-1]):
        return {}
    options = {name: each for each in declared for name in (*each.names, *each.off)}
    at = next((index for index, word in enumerate(words) if isinstance(word, str) and word in own), -1)
    plain: list[Possible] = []
    left = list(words[at + 1 :])
    while left:
        word = left.pop(0)
        if behind(word, "-") is None:
            plain.append(word)
            continue
        first = str(word.parts[0] if isinstance(word, Text) else word)
        option = options.get(first.partition("=")[0])
        if option is None:
            return {}
        left = left if option.flag or "=" in first else left[1:]
    found: dict[str, Value] = {}
    for index, each in enumerate(arguments):
        if each.rest:
            found[each.parameter] = tuple(plain[index:])
        elif index < len(plain) and (arguments[-1].rest or len(plain) == len(arguments)):
            found[each.parameter] = plain[index]
    return found
