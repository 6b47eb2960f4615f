"""Python that is put together while it runs: names looked up by text, code in text, calls under other names.

Source: Python documentation, "Built-in Functions", "importlib", "functools.partial", "os" (Process Management).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.data.aws_calls import methods
from checker.model.pipeline.python import nodes_of
from checker.model.pipeline.scripts import Loop
from checker.model.possible import OneOf
from checker.model.values import Text
from checker.resolve.python.attributes import attribute
from checker.resolve.python.machine import Call, Frame, Machine, block, spot_of, value
from checker.resolve.python.modules import find, load, module_at
from checker.resolve.python.objects import methods_of
from checker.resolve.python.record import program
from checker.resolve.python.syntax_facts import called_as
from checker.resolve.python.values import (
    Class,
    Client,
    Dict,
    Either,
    Extern,
    Function,
    Instance,
    Module,
    Partial,
    Poller,
    Resource,
    Session,
    Value,
    either,
    extern,
    in_order,
)

_FIX: Final = "Write the call out."
_MAX_NAMES: Final = 64
_MAX_CODE: Final = 20_000
_IMPORT: Final = "Import it by its name."
_SIGNS: Final = lazy_re.compile(r"(?:^|\.)(?:\w*AWS4Auth|\w*SigV4\w*|\w*AWSRequestsAuth|AWSSigV4)$")
# Functions that start a program: a list of its words, or a line.
RUNS: Final = frozenset({"subprocess.run", "subprocess.check_call", "subprocess.check_output", "subprocess.call",
                          "subprocess.Popen", "os.system", "subprocess.getoutput", "anyio.run_process",
                          "anyio.open_process", "trio.run_process", "psutil.Popen", "gevent.subprocess.run",
                          "gevent.subprocess.check_call", "gevent.subprocess.check_output", "gevent.subprocess.call",
                          "gevent.subprocess.Popen"})  # fmt: skip
# Functions that run a line of a shell, and those that are given words: the position of the first.
_LINES: Final = frozenset(
    {"asyncio.create_subprocess_shell", "asyncio.subprocess.create_subprocess_shell", "os.popen",
     "invoke.run", "pexpect.run", "pexpect.spawn", "delegator.run", "subprocess.getstatusoutput",
     "commands.getoutput", "fabric.api.local"}
)  # fmt: skip
# Functions of a framework that are commands of it by another name.
_FRAMEWORKS: Final[Mapping[str, tuple[str, ...]]] = {
    "django.core.management.call_command": ("django-admin",),
    "django.core.management.execute_from_command_line": ("django-admin",),
    "alembic.command.upgrade": ("alembic", "upgrade"),
    "alembic.command.downgrade": ("alembic", "downgrade"),
    "flask_migrate.upgrade": ("flask", "db", "upgrade"),
    "flask_migrate.downgrade": ("flask", "db", "downgrade"),
}
# The same, given a list of words: ``alembic.config.main(["upgrade", "head"])`` (Alembic documentation, "Commands").
_GIVEN_A_LIST: Final[Mapping[str, str]] = {"alembic.config.main": "alembic"}
_LISTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("os.execv", "os.execve", "os.execvp", "os.execvpe", "os.posix_spawn", "os.posix_spawnp"), 1),
    **dict.fromkeys(("os.spawnv", "os.spawnve", "os.spawnvp", "os.spawnvpe"), 2),
    "pty.spawn": 0,
}
_WORDS: Final = lazy_re.compile(r"os\.(?:exec|spawn)lp?e?|asyncio\.(?:subprocess\.)?create_subprocess_exec")
# Loads code that stands in no import: "importlib.metadata" (Entry points), "importlib.util", "pkgutil", setuptools.
_LOADS: Final = lazy_re.compile(
    r"(?:importlib\.metadata\.|pkg_resources\.|importlib_metadata\.).*\.load|.*\.(?:exec_module|load_module)"
    r"|(?:globals|locals|vars)\(.*\)\[.*|.*\.__dict__\[.*|pkgutil\.resolve_name|(?:pkg_resources\.)?load_entry_point|.*zipimporter\(.*\)\.\w+"
)
_SESSIONS: Final = frozenset(
    {"boto3._get_default_session", "botocore.session.get_session",
     "botocore.session.Session", "aioboto3.Session", "aiobotocore.session.get_session",
     "aiobotocore.session.AioSession", "aioboto3.session.Session"}
)  # fmt: skip


_NAMES: Final = frozenset(
    {"getattr", "exec", "eval", "execfile", "importlib.import_module", "import_module", "__import__",
     "runpy.run_module", "runpy.run_path", "functools.partial", "partial", "operator.methodcaller", "methodcaller",
     "operator.attrgetter", "attrgetter"}
)  # fmt: skip


@lru_cache(maxsize=4096)  # a program calls the same few functions over and over
def is_special(name: str) -> bool:
    """Whether a call of such a name may be one of these."""
    if name.removeprefix("builtins.") in _NAMES or name in _SESSIONS or name in _LINES or name in _LISTS:
        return True
    return (
        name.startswith("sh.")
        or name in _FRAMEWORKS
        or name in _GIVEN_A_LIST
        or bool(_WORDS.fullmatch(name) or _SIGNS.search(name) or _LOADS.fullmatch(name))
    )


def of_somebody(machine: Machine, name: str, call: Call) -> None:
    """A method of nobody knows whom that is called as an operation of AWS is, in a program that has clients.

    The client has gone through something that is not followed (a queue, a table that was filled in a loop).
    """
    if machine.stage is not None or "_" not in name or name not in methods():
        return
    if _has_clients(machine):
        machine.problem(call.spot, f"a call of {name} on a client that is not known", "Call it on the client itself.")


def _has_clients(machine: Machine) -> bool:
    bound = (each for module in machine.modules.values() if module is not None for each in module.names.values())
    return any(isinstance(each, Client | Resource | Session) or _is_of_boto(each) for each in bound)


def _is_of_boto(found: Value) -> bool:
    return isinstance(found, Extern) and found.library.startswith(("boto3", "botocore", "aioboto", "aiobotocore"))


def looked_up(machine: Machine, name: str, call: Call) -> tuple[Value] | None:
    """What a call of such a function gives, as the only one of a tuple; ``None`` where it is none of these."""
    if not is_special(name):
        return None
    name = name.removeprefix("builtins.")
    positional, named, spot, first = call.positional, call.named, call.spot, call.first
    match name:
        case "getattr" if len(positional) > 1:
            return (_attribute(machine, first, positional[1], call),)
        case "exec" | "eval" if isinstance(first, str) and (gave := _code(machine, name, first, call)) is not None:
            return gave
        case "exec" | "eval" | "execfile":
            machine.problem(spot, f"{name} runs code that was not followed", _FIX)
            return (extern(name),)
        case "importlib.import_module" | "import_module" | "__import__" | "runpy.run_module":
            found = find(machine, first, call.frame.module, 0) if isinstance(first, str) else None
            if found is not None:
                load(machine, found, main=name == "runpy.run_module")
                return (Module(found),)
            if not isinstance(first, str):
                machine.problem(spot, "a module that is not known before it runs", _IMPORT)
            return (extern(first, library=first) if isinstance(first, str) else extern(name),)
        case "runpy.run_path" if isinstance(first, str) and (file := module_at(machine, first, fresh=True)) is not None:
            load(machine, file, main=named.get("run_name") == "__main__")
            return (extern(name),)
        case "runpy.run_path":
            machine.problem(spot, "a file that runpy runs was not followed", _IMPORT)
            return (extern(name),)
        case "functools.partial" | "partial" if positional:
            return (Partial(first, tuple(positional[1:]), dict(named)),)
        case "operator.methodcaller" | "methodcaller" | "operator.attrgetter" | "attrgetter" if positional:
            return (_of_operator(machine, name, call),)
    if name in _SESSIONS:
        return (Session(awaited=name.startswith("aio")),)
    started: list[Value] = []
    if name in _LINES:
        started = [first]
    elif name in _LISTS and len(positional) > _LISTS[name]:
        started = [positional[_LISTS[name]]]
    elif _WORDS.fullmatch(name):
        before = 2 if name.startswith("os.spawn") else int(name.startswith("os."))  # the mode and the file
        started = [tuple(positional[before:])]
    elif name in _FRAMEWORKS:
        started = [(*_FRAMEWORKS[name], *(each for each in positional if isinstance(each, str | Text)))]
    elif name in _GIVEN_A_LIST:
        listed = named.get("argv", first)
        started = [(_GIVEN_A_LIST[name], *listed)] if isinstance(listed, tuple) else []
    elif name == "sh.Command" and positional:
        return (extern(f"sh.{first}"),)
    elif name.startswith("sh."):
        started = [(*(part.replace("_", "-") for part in name[3:].split(".")), *positional)]
    for words in started:
        gives = program(machine, words, call, checked=_raises(name, named), line=name in _LINES)
        return (gives if gives is not None else extern(name),)
    if _LOADS.fullmatch(name):
        machine.problem(spot, "code that is looked up while the program runs was not followed", _IMPORT)
        return (extern(name),)
    if _SIGNS.search(name):
        machine.problem(spot, "requests to AWS that are signed by hand are not followed", "Use boto3.")
    return None


def _raises(name: str, named: Mapping[str, Value]) -> bool:
    """Whether such a function raises, or ends the program, where what it runs fails (documentation of Alembic, Django,
    Fabric and Invoke: a command's own error, unless ``warn`` is asked for)."""
    if name in _FRAMEWORKS or name in _GIVEN_A_LIST or name.startswith(("os.exec", "sh.")):
        return True
    return name in {"invoke.run", "fabric.api.local"} and named.get("warn", False) is False


def _of_operator(machine: Machine, name: str, call: Call) -> Value:
    """``operator.methodcaller("update_service", ...)``, ``operator.attrgetter("meta.client")``: a function that takes
    an object, and what it does with that."""
    first, calls = call.first, name.endswith("caller")
    made = first if isinstance(first, str) and (calls or len(call.positional) == 1) else ""
    if not all(map(str.isidentifier, made.split("."))):
        if not isinstance(first, str) and _has_clients(machine):
            machine.problem(call.spot, "a function whose name is not known before it runs", "Write the name out.")
        return extern(name)
    node = _lambda(f"lambda it: it.{made}" + "(*given, **named)" * calls, call.node.lineno, call.node.col_offset)
    around: dict[str, Value] = {"given": tuple(call.positional[1:]), "named": Dict(tuple(call.named.items()))}
    return Function(call.frame.module, node, None, around)


@lru_cache(maxsize=256)
def _lambda(written: str, line: int, column: int) -> ast.Lambda:
    """A function of one expression that stands at a place."""
    made = ast.parse(written, mode="eval").body
    for each in nodes_of(made):
        if isinstance(each, ast.expr):
            each.lineno, each.col_offset = line, column
    assert isinstance(made, ast.Lambda)
    return made


def _code(machine: Machine, name: str, text: str, call: Call) -> tuple[Value] | None:
    """What code in a text does, where all of the text is known: it stands in the place of the call."""
    if len(text) > _MAX_CODE:
        return None
    try:
        tree = ast.parse(text.strip() if name == "eval" else text, mode="eval" if name == "eval" else "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for each in nodes_of(tree):  # all of it stands where it is run
        if isinstance(each, ast.expr | ast.stmt):
            each.lineno, each.col_offset = call.node.lineno, call.node.col_offset
    if isinstance(tree, ast.Expression):
        return (value(machine, tree.body, call.frame),)
    assert isinstance(tree, ast.Module)
    block(machine, tree.body, call.frame)
    return (None,)


def _attribute(machine: Machine, owner: Value, name: Value, call: Call) -> Value:
    if isinstance(name, str):
        return attribute(machine, owner, name, call.frame)
    if isinstance(name, Either):
        return either([_attribute(machine, owner, each, call) for each in name.options])
    each = getattr(name, "options", None)
    if isinstance(each, tuple) and all(isinstance(option, str) for option in each):
        return either([attribute(machine, owner, option, call.frame) for option in each])
    if isinstance(owner, Instance | Class | Module) and (named := _named_like(machine, owner, name, call)):
        return either(named)
    if isinstance(owner, Client | Resource | Session | Poller | Module):
        machine.problem(call.spot, "a function whose name is not known before it runs", "Write the name out.")
    return extern("getattr")


def _named_like(machine: Machine, owner: Instance | Class | Module, name: Value, call: Call) -> list[Value]:
    """The functions of an object or a module whose names fit one that is put together: ``getattr(self, f"do_{x}")``."""
    texts = name.options if isinstance(name, OneOf) else (name,)
    if not all(isinstance(each, str | Text) for each in texts):
        texts = (Text(()),) if isinstance(owner, Instance | Class) else ()
    names: list[str] = []
    if isinstance(owner, Module):
        names = [key for key, held in owner.module.names.items() if isinstance(held, Function)]
    else:
        names = sorted(methods_of(machine, owner.cls if isinstance(owner, Instance) else owner))
    fitting = [each for each in names if not each.startswith("__") and any(_fits(text, each) for text in texts)]
    return [attribute(machine, owner, each, call.frame) for each in fitting[:_MAX_NAMES]]


def _fits(text: Value, name: str) -> bool:
    """Whether a name may be this text, by how that begins and ends."""
    if isinstance(text, str):
        return text == name
    if not isinstance(text, Text) or not text.parts:
        return True
    first, last = text.parts[0], text.parts[-1]
    begins = not isinstance(first, str) or name.startswith(first)
    return begins and (not isinstance(last, str) or name.endswith(last))


# --- functions that other code is given ---------------------------------------------------------------------------

# What runs a function beside the rest (Python documentation, concurrent.futures, multiprocessing.pool, threading,
# asyncio).
_CONCURRENT: Final = frozenset({"map", "starmap", "imap", "imap_unordered", "map_async", "submit", "apply_async",
                                "run_in_executor", "create_task", "to_thread", "run_sync", "Thread", "Timer", "Process",
                                "start_new_thread", "start_soon"})  # fmt: skip


def side_by_side(node: ast.Call, frame: Frame) -> Frame:
    """The constructs around a function that is handed to a pool: several at a time, in the background."""
    name = called_as(node)
    if name not in _CONCURRENT or (name == "map" and isinstance(node.func, ast.Name)):
        return frame
    alone = frame.handling.left_alone or _left_alone(node, name, frame)
    inner = frame.handled(replace(frame.handling, background=True, left_alone=alone))
    return inner.inside(Loop("each", spot_of(frame.module, node))) if "map" in name else inner


def rounds_of(
    given: Call, function: Value, by: Extern | None, frame: Frame, positional: Sequence[Value]
) -> Iterator[tuple[Frame, Sequence[Value]]]:
    """What a function is called with that other code is given: of ``map`` one thing after the other."""
    several = in_order(given.positional[1]) if len(given.positional) == _ONE_LIST and by is not None else None
    mapped = by is not None and by.name == "map" and given.positional[0] is function
    if not mapped or not several or len(several) > _MAX_NAMES:
        yield frame, positional
        return
    values = tuple(each if isinstance(each, str) else None for each in several)
    for index, each in enumerate(several):
        told = values if None not in values else None
        yield frame.inside(Loop("each", given.spot, "", told, index)), (each,)


_ONE_LIST: Final = 2  # of `map(function, list)`


def _left_alone(node: ast.Call, name: str, frame: Frame) -> bool:
    """Whether a thread ends with its program, which nobody keeps waiting for it: Python documentation, "threading"
    (``daemon``), "_thread" (``start_new_thread``)."""
    if name == "start_new_thread":
        return not _joins(frame)
    if name not in {"Thread", "Timer", "Process"}:
        return False
    daemon = any(
        each.arg == "daemon" and isinstance(each.value, ast.Constant) and each.value.value is True
        for each in node.keywords
    )
    return (daemon or _made_daemon(frame)) and not _joins(frame)


def _made_daemon(frame: Frame) -> bool:
    """``thread.daemon = True`` and ``thread.setDaemon(True)``, somewhere in the module."""
    return any(
        (
            isinstance(each, ast.Assign)
            and any(isinstance(target, ast.Attribute) and target.attr == "daemon" for target in each.targets)
            and isinstance(each.value, ast.Constant)
            and each.value.value is True
        )
        or (isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "setDaemon")
        for each in ast.walk(frame.module.tree)
    )


def _joins(frame: Frame) -> bool:
    """Whether the module waits for something that it started: ``thread.join()``, ``event.wait()``."""
    for each in ast.walk(frame.module.tree):
        if not (isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)):
            continue
        timed = all(isinstance(one, ast.Constant) and isinstance(one.value, int | float) for one in each.args)
        timed = timed and all(one.arg == "timeout" for one in each.keywords)
        if each.func.attr in {"join", "wait"} and timed and not isinstance(each.func.value, ast.Constant):
            return True
        if each.func.attr in {"is_alive", "result"}:
            return True
    return False


# What calls what it is given again and again, with the arguments that stand behind it (their documentation).
_RETRYING: Final = frozenset({"tenacity", "retrying"})


def handed(given: Call, function: Value, by: Extern | None) -> tuple[list[Value], dict[str, Value]]:
    """The arguments that a function gets from what runs it: ``submit(f, x)``, ``Thread(target=f, args=(x,))``."""
    name = called_as(given.node)
    if by is not None and by.library.partition(".")[0] in _RETRYING and given.first is function:
        return given.positional[1:], given.named
    if name not in _CONCURRENT or "map" in name:
        return [], {}
    if function in given.positional and name not in {"Timer", "apply_async"}:
        return given.positional[given.positional.index(function) + 1 :], given.named
    positional, named = given.named.get("args"), given.named.get("kwargs", given.named.get("kwds"))
    by_name = {key: each for key, each in named.items if isinstance(key, str)} if isinstance(named, Dict) else {}
    return list(positional) if isinstance(positional, tuple) else [], by_name
