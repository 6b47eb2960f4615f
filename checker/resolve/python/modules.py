"""Modules of the repository: found behind an import, run once, and kept for the next program where that is the same;
and calls into libraries that are neither the repository's, nor followed, nor known to change nothing."""

from __future__ import annotations

import ast
import posixpath
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from checker.data.harmless import library_is_harmless
from checker.model.pipeline.handling import Handling
from checker.model.pipeline.python import PythonModule
from checker.model.sources import Problem, Spot, brief
from checker.model.values import Text
from checker.resolve.python.machine import OWN, Call, Frame, Machine, block, spot_of, value
from checker.resolve.python.objects import enter, method
from checker.resolve.python.syntax_facts import calls_in, fills, rebinds, shown
from checker.resolve.python.values import Class, Either, Extern, Function, Instance, Method, Module, Value, extern

# Marks a module whose names depend on the program that loads it.
_OWN: Final = "<own>"
# In the place of a library: what a relative import asks for, and the repository does not have.
_OWN_CODE: Final = "."
# Libraries whose ``load`` gives code that packages which happen to be installed have declared.
_ENTRY_POINTS: Final = ("importlib.metadata", "importlib_metadata", "pkg_resources", "stevedore")
_FIX: Final = (
    "Write the calls of AWS in this repository, with boto3 or the AWS CLI, or waive what this leaves open (outcome: "
    "unknown)."
)
_NOTHING_AROUND: Final = Handling()


def load(machine: Machine, module: PythonModule, *, main: bool = False) -> None:
    """Run a module's own statements, once.

    What they bind is the same in every program, and kept for the next one, unless they ask for the environment,
    make calls or raise problems: then it is this program's alone.
    """
    machine.notes(OWN)
    if "__name__" in module.names:
        machine.own += _OWN in module.names
        return
    module.names["__name__"] = "__main__" if main else module.file.removesuffix(".py").replace("/", ".")
    module.names["__file__"] = module.file
    before = _state(machine)
    frame = Frame(module, module.names, machine.reached.at(Spot(module.file)), Handling(errexit=True))
    block(machine, module.tree.body, frame)
    # What its functions bind in it later differs from program to program.
    changes = any(of_module for _, of_module in rebinds(module.tree)) or not fills(module.tree).isdisjoint(module.names)
    if changes or before != _state(machine):
        module.names[_OWN] = True
        machine.own += 1
    else:
        module.names.settled = True


def starts(machine: Machine, function: str, module: PythonModule) -> tuple[Value] | None:
    """Call a name of a module with nothing, as the console script does that ``pip`` makes of it: a function, a group
    of commands, an app. What that gives, as the only one of a tuple; ``None`` where the module binds no such name."""
    node = _with_nothing(function)
    if node is None or function.partition(".")[0] not in module.names:
        return None
    return (value(machine, node, Frame(module, {}, machine.reached, Handling(errexit=True))),)


@lru_cache(maxsize=64)
def _with_nothing(function: str) -> ast.Call | None:
    """The same one each time: ways through a program are told by its nodes."""
    try:
        node = ast.parse(f"{function}()", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return node if isinstance(node, ast.Call) else None


def _state(machine: Machine) -> tuple[int, ...]:
    return (machine.own, len(machine.calls), len(machine.problems))


def find(machine: Machine, dotted: str, module: PythonModule, level: int) -> PythonModule | None:
    """The repository's file behind an import."""
    machine.notes(OWN)
    base = module.package if level else None
    for _ in range(level - 1):
        base = posixpath.dirname(base or "")
    key = (dotted, base)
    if key not in machine.found:
        machine.found[key] = _search(machine, dotted, machine.roots if base is None else (base,))
    return machine.found[key]


def _search(machine: Machine, dotted: str, roots: Iterable[str]) -> PythonModule | None:
    tail = dotted.replace(".", "/")
    for root in roots:
        path = posixpath.normpath(posixpath.join(root, tail)) if tail else root
        for candidate in (f"{path}.py", f"{path}/__init__.py"):
            found = module_at(machine, candidate)
            if found is not None:
                return found
    if library_is_harmless(dotted):
        return None
    # Under a folder that the program adds to its path, or where a package of the repository is installed from.
    below = machine.library.python_below(tail)
    return module_at(machine, below[0]) if len(below) == 1 else None


def module_at(machine: Machine, path: str, *, fresh: bool = False) -> PythonModule | None:
    """A file of the repository; with nothing bound yet where what it binds is this program's alone."""
    if path not in machine.modules:
        module = machine.library.python(path)
        fault = machine.library.fault(path) if module is None else None
        if fault is not None and fault not in machine.problems:
            machine.problems.append(fault)
        # One that a rehearsal loads may be left half way.
        unloaded = machine.stage is not None and module is not None and "__name__" not in module.names
        if module is not None and (fresh or unloaded or _OWN in module.names):
            module = module.fresh()
        machine.modules[path] = module
    return machine.modules[path]


def load_above(machine: Machine, dotted: str, module: PythonModule, level: int = 0) -> None:
    """The packages above a module run first, the outermost one before all (Python Language Reference, "Packages")."""
    parts = dotted.split(".")
    for length in range(1, len(parts)):
        found = find(machine, ".".join(parts[:length]), module, level)
        if found is not None and found.file.endswith("/__init__.py") and found is not module:
            load(machine, found)


def import_from(machine: Machine, node: ast.ImportFrom, frame: Frame) -> bool:
    """``from a import b``."""
    dotted = node.module or ""
    load_above(machine, dotted, frame.module, node.level)
    found = find(machine, dotted, frame.module, node.level) if dotted or node.level else None
    if found is not None:
        load(machine, found)
    for alias in node.names:
        bound = alias.asname or alias.name
        if alias.name == "*":
            _import_all(machine, found, node, frame)
            continue
        if found is not None and alias.name in found.names:
            frame.names[bound] = found.names[alias.name]
            continue
        inner = find(machine, f"{dotted}.{alias.name}".lstrip("."), frame.module, node.level)
        if inner is not None:
            load(machine, inner)
            frame.names[bound] = Module(inner)
        else:
            name = f"{dotted}.{alias.name}".lstrip(".")
            frame.names[bound] = extern(name, library=_OWN_CODE if node.level else name)
    return False


def _import_all(machine: Machine, found: PythonModule | None, node: ast.ImportFrom, frame: Frame) -> None:
    """``from a import *``: every public name; of a library nobody knows which names are its."""
    if found is None:
        leads_into(machine, (extern("*", library=_OWN_CODE if node.level else node.module or ""),), node, frame)
        return
    for name, held in dict(found.names).items():
        if not name.startswith(("_", "<")):
            frame.names[name] = held


def import_modules(machine: Machine, node: ast.Import, frame: Frame) -> bool:
    """``import a.b``: binds ``a``, in which ``b`` is found; ``import a.b as c`` binds the module itself."""
    for alias in node.names:
        _import_module(machine, alias, frame)
    return False


def _bind(above: PythonModule, name: str, found: PythonModule) -> None:
    """The module as a name of the package above it, unless it is that already."""
    held = above.names.get(name)
    if not (isinstance(held, Module) and held.module is found):
        above.names[name] = Module(found)


def _import_module(machine: Machine, alias: ast.alias, frame: Frame) -> None:
    parts = alias.name.split(".")
    above: PythonModule | None = None
    whole = find(machine, alias.name, frame.module, 0)
    for length in range(1, len(parts) + 1):
        found = find(machine, ".".join(parts[:length]), frame.module, 0)
        if found is None and whole is not None:
            # A folder without __init__.py: a namespace that holds what is imported from it.
            found = machine.modules.setdefault("/".join(parts[:length]), PythonModule("", ast.Module([], [])))
        if found is None:
            break
        load(machine, found)
        if above is not None:
            _bind(above, parts[length - 1], found)
        above = found
        if length == 1 and not alias.asname:
            frame.names[parts[0]] = Module(found)
    else:
        if alias.asname and above is not None:
            frame.names[alias.asname] = Module(above)
        return
    if above is None:
        frame.names[alias.asname or parts[0]] = extern(alias.name if alias.asname else parts[0], library=alias.name)


# --- libraries --------------------------------------------------------------------------------------------------


# What a library has that only says what a function is: Invoke documentation, "API: Task".
_DECLARES: Final = frozenset({"invoke.task", "invoke.tasks.task"})


def library_of(machine: Machine, found: Value) -> str:
    """The library that calling a value leads into, where nobody knows what that does; empty where there is none."""
    match found:
        case Extern() if found.name in _DECLARES:
            return ""
        case Extern() if found.library and not library_is_harmless(found.library):
            return found.library
        case Extern() if found.library.startswith(_ENTRY_POINTS) and found.name.endswith(".load"):
            return _OWN_CODE
        case Class():
            return library_behind(machine, found)
        case Instance():
            return library_behind(machine, found.cls)
        case Method():
            return library_of(machine, found.owner) if isinstance(found.owner, Extern | Instance) else ""
        case Either():
            return next((name for each in found.options if (name := library_of(machine, each))), "")
    return ""


def library_behind(machine: Machine, cls: Class, depth: int = 0) -> str:
    """The library that a class of the repository takes from what it does not define itself."""
    for base in cls.node.bases if depth < 8 else ():
        found = value(machine, base, Frame(cls.module, cls.module.names, machine.reached, _NOTHING_AROUND))
        name = library_behind(machine, found, depth + 1) if isinstance(found, Class) else library_of(machine, found)
        if name:
            return name
    return ""


def leads_into(machine: Machine, each: Iterable[Value], node: ast.AST, frame: Frame) -> None:
    """Take note of libraries that calls of these values at ``node`` lead into: of each library once in a program."""
    if machine.stage is not None:
        return
    for found in each:
        library = library_of(machine, found)
        if not library:
            continue
        machine.depends()
        name = library.partition(".")[0]
        message = f"what the Python library {name} does was not followed"
        if library == _OWN_CODE:
            message = f"what `{found.name if isinstance(found, Extern) else shown(node)}` does was not found here"
        if not any(problem.message == brief(message) for problem in machine.foreign):
            machine.foreign.append(Problem(spot_of(frame.module, node), brief(message), _FIX))


# How libraries of tables and files (pandas, polars, pyarrow, fsspec) name what is in a bucket.
_IN_BUCKETS: Final = ("s3://", "s3a://", "s3n://")


def reaches_buckets(machine: Machine, function: Extern, given: Call) -> None:
    """Take note of a library that does nothing in AWS but what its arguments say: ``table.to_csv("s3://bucket/key")``."""
    library = function.library.partition(".")[0]
    if not library or library in sys.stdlib_module_names or not library_is_harmless(function.library):
        return
    for each in (*given.positional, *given.named.values()):
        first = each.parts[0] if isinstance(each, Text) and each.parts else each
        if isinstance(first, str) and first.startswith(_IN_BUCKETS):
            message = f"what `{function.name}` does in a bucket was not followed"
            machine.problem(spot_of(given.frame.module, given.node), brief(message), _FIX)
            return


def defaults(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
    """What a parameter is where nothing is given: worked out when the function is defined, whoever calls it."""
    for default in (*node.args.defaults, *node.args.kw_defaults):
        if default is not None and calls_in(default):
            value(machine, default, frame)


def define_class(machine: Machine, node: ast.ClassDef, frame: Frame) -> bool:
    """A class: what calls its body makes is on record, what it binds is asked for where it is used."""
    for each in (*node.bases, *(keyword.value for keyword in node.keywords)):
        if calls_in(each):
            value(machine, each, frame)
    frame.names[node.name] = cls = Class(frame.module, node)
    for base in node.bases:  # Python documentation, "Customizing class creation"
        above = value(machine, base, frame)
        if isinstance(above, Class) and (made_below := method(machine, above, "__init_subclass__")) is not None:
            enter(machine, made_below.of(cls), (), {}, machine.called_at(base, frame))
    for decorator in reversed(node.decorator_list):
        made_by = value(machine, decorator, frame)
        if isinstance(made_by, Function):  # it gives back the class, or something that is used as one
            enter(machine, made_by, (frame.names[node.name],), {}, machine.called_at(decorator, frame))
    inner = Frame(frame.module, dict(frame.names), frame.reached, frame.handling)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults(machine, statement, inner)
            registries = [each.func if isinstance(each, ast.Call) else each for each in statement.decorator_list]
            leads_into(machine, [value(machine, each, inner) for each in registries], statement, inner)
        elif not isinstance(statement, ast.ClassDef) and calls_in(statement):
            block(machine, [statement], inner)
    return False
