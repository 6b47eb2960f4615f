"""Modules of the repository: found behind an import, run once, and kept for the next program where that is the same."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable
from typing import Final

from checker.model.pipeline.handling import Handling
from checker.model.pipeline.python import PythonModule
from checker.model.sources import Spot
from checker.resolve.python.machine import OWN, Frame, Machine, block
from checker.resolve.python.values import Module, extern

# Marks a module whose names depend on the program that loads it.
_OWN: Final = "<own>"


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
    if before != _state(machine):
        module.names[_OWN] = True
        machine.own += 1
    else:
        module.names.settled = True


def _state(machine: Machine) -> tuple[int, ...]:
    return (machine.own, len(machine.asked), len(machine.calls), len(machine.problems))


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
    return None


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


def import_from(machine: Machine, node: ast.ImportFrom, frame: Frame) -> bool:
    """``from a import b``."""
    dotted = node.module or ""
    found = find(machine, dotted, frame.module, node.level) if dotted or node.level else None
    if found is not None:
        load(machine, found)
    for alias in node.names:
        bound = alias.asname or alias.name
        if found is not None and alias.name in found.names:
            frame.names[bound] = found.names[alias.name]
            continue
        inner = find(machine, f"{dotted}.{alias.name}".lstrip("."), frame.module, node.level)
        if inner is not None:
            load(machine, inner)
            frame.names[bound] = Module(inner)
        else:
            frame.names[bound] = extern(f"{dotted}.{alias.name}".lstrip("."))
    return False


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
        frame.names[alias.asname or parts[0]] = extern(alias.name if alias.asname else parts[0])
