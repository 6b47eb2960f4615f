"""Calls in Python code: functions entered, methods of plain values, and what other libraries' functions give."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from checker.data.harmless import library_is_harmless
from checker.resolve.python.attributes import attribute
from checker.resolve.python.binding import (
    bind,
    changed,
    filled,
    put_all,
    put_default,
    with_default,
)
from checker.resolve.python.clients import answer_in, from_session, of_client, of_poller, session_of, set_up
from checker.resolve.python.dynamic import RUNS, handed, is_special, looked_up, of_somebody, rounds_of, side_by_side
from checker.resolve.python.libraries.boto_resources import call_resource, of_collection
from checker.resolve.python.libraries.builtins import KEEPING, built_in, grown
from checker.resolve.python.libraries.called_back import calls_back
from checker.resolve.python.libraries.command_lines import declare, declare_commands
from checker.resolve.python.libraries.dictionaries import copied, got_from, of_ways, variable_of
from checker.resolve.python.libraries.requests import makes_requests, names_host, request_of
from checker.resolve.python.libraries.task_containers import described, picked
from checker.resolve.python.libraries.texts import of_text
from checker.resolve.python.libraries.told.archives import unpacks as unpacks_archive
from checker.resolve.python.libraries.told.docker import of_docker
from checker.resolve.python.libraries.told.git import of_git
from checker.resolve.python.libraries.transports import again, lent, made_client
from checker.resolve.python.machine import AT_EXIT, Call, Frame, Machine, value
from checker.resolve.python.modules import leads_into, reaches_buckets
from checker.resolve.python.objects import above, enter, instantiate, method
from checker.resolve.python.record import http, is_text, keeps_key, leaves, opened_as, program, tells
from checker.resolve.python.syntax_facts import GROWING, LEAVES, called_as, is_group, unpacks
from checker.resolve.python.values import (
    ENVIRONMENTS,
    NOTHING,
    Class,
    Client,
    Collection,
    Dict,
    Either,
    Extern,
    Function,
    Instance,
    Method,
    Partial,
    Poller,
    Resource,
    Session,
    Some,
    Unordered,
    Value,
    either,
    elements,
    extern,
    json_text,
)

# What waits for the coroutine that it is given (Python documentation, asyncio).
_WAITING: Final = frozenset({"run", "run_until_complete", "wait_for", "shield", "timeout"})


def call(machine: Machine, node: ast.Call, frame: Frame) -> Value:
    """What a call gives; AWS calls and started programs go on record."""
    function = value(machine, node.func, frame)
    if called_as(node) in _WAITING:
        machine.awaits(*node.args)
    return called(machine, node, frame, function, [value(machine, each, frame) for each in node.args])


def called(machine: Machine, node: ast.Call, frame: Frame, function: Value, positional: Sequence[Value]) -> Value:
    """What a call gives whose function and arguments by position are worked out."""
    given = Call(node, [], {}, frame)
    if not unpacks(node):
        given.positional.extend(positional)
    else:
        for each, found in zip(node.args, positional, strict=True):
            inner = elements(found) if isinstance(each, ast.Starred) else [found]
            given.complete = given.complete and inner is not None
            given.positional.extend(inner or ())
    for keyword in node.keywords:
        found = of_ways(value(machine, keyword.value, frame))
        if keyword.arg is not None:
            given.named[keyword.arg] = found
        else:
            items = found.items if isinstance(found, Dict) else ()
            given.named.update({key: each for key, each in items if isinstance(key, str)})
            given.complete = given.complete and isinstance(found, Dict) and not found.open
    return apply(machine, function, given)


def apply(machine: Machine, function: Value, given: Call) -> Value:
    """What a value gives that is called."""
    match function:
        case Extern():
            return _extern(machine, function, given)
        case Function():
            inner = machine.called_at(given.node, given.frame)
            if isinstance(function.node, ast.AsyncFunctionDef) and id(given.node) not in machine.awaited:
                inner = inner.handled(replace(inner.handling, background=True))
                if machine.stage is not None and given.frame.module.file:
                    return machine.stage.later(function, given.positional, given.named, inner)
            if not isinstance(function.node, ast.Lambda) and is_group(function.node):
                _commands(machine, function, inner)
            gives = enter(machine, function, given.positional, given.named, inner)
            lent(machine, function, given)
            filled(machine, function, given)
            return gives
        case Class():
            inner = machine.called_at(given.node, given.frame)
            leads_into(machine, (function,), given.node, given.frame)
            made = instantiate(machine, function, given.positional, given.named, inner)
            calls_back(machine, function, inner)
            return made
        case Either():
            maybe = replace(given, frame=given.frame.maybe())
            results = [apply(machine, each, maybe) for each in function.options if each is not None]
            return either(results) if results else None
        case Instance() if (method_of := method(machine, function.cls, "__call__")) is not None:
            inner = machine.called_at(given.node, given.frame)
            return enter(machine, method_of.of(function), given.positional, given.named, inner)
        case Method():
            return _method(machine, function.owner, function.name, given)
        case Partial():
            positional, named = [*function.positional, *given.positional], {**function.named, **given.named}
            return apply(machine, function.function, replace(given, positional=positional, named=named))
        case _:
            return extern(given.shown)


def _commands(machine: Machine, group: Function | None, frame: Frame) -> None:
    """The commands that decorators hung below a group of click's or typer's; below an app, those of every module."""
    modules = [group.module] if group is not None else [each for each in machine.modules.values() if each is not None]
    tables = [commands for each in modules if isinstance(commands := each.names.get("__commands__"), Dict)]
    items = [item for commands in tables for item in commands.items]
    names = [str(name) for name, _ in items]
    for name, function in items:
        other = isinstance(function, Function) and (group is None or function.node is not group.node)
        if other and isinstance(function, Function) and not machine.not_asked_for(str(name), names):
            enter(machine, function, (), {}, frame.maybe())


def _method(machine: Machine, owner: Value, name: str, given: Call) -> Value:
    positional = given.positional
    if name == "__getattribute__" and isinstance(given.first, str):
        return attribute(machine, owner, given.first, given.frame)
    match owner:
        case Session():
            return from_session(machine, owner, name, given)
        case Client():
            return of_client(machine, owner, name, given)
        case Poller():
            return of_poller(machine, owner, name, given)
        case Resource():
            return call_resource(machine, owner, name, given)
        case Collection():
            return of_collection(machine, owner, name, given)
        case Dict() if name == "get" and positional:
            return got_from(machine, owner, *positional[:2])
        case Dict() if name == "items":
            return tuple(owner.items) if not owner.open else extern(given.shown)
        case Dict() if name == "keys" and not owner.open:
            return tuple(key for key, _ in owner.items)
        case Dict() if name == "values":
            return tuple(each for _, each in owner.items) if not owner.open else extern(given.shown)
        case tuple() | Some() | Dict() if name in GROWING and isinstance(given.node.func, ast.Attribute):
            if name == "sort":
                _hand_over(machine, given, ())
            changed(machine, given.node.func.value, grown(owner, name, given), given.frame)
            return None
        case Extern() if (
            name == "update" and (whole := described(owner)) and isinstance(given.node.func, ast.Attribute)
        ):
            bind(machine, given.node.func.value, grown(whole, name, given), given.frame)
            return None
        case str() if (found := of_text(owner, name, given)) is not None:
            return found
    _hand_over(machine, given, ())
    if owner is None or isinstance(owner, tuple | Dict | Some):
        of_somebody(machine, name, given)
    return extern(given.shown, answer=answer_in(owner))


def _extern(machine: Machine, function: Extern, given: Call) -> Value:
    """What a function of another library gives. Of most of them nothing is known: that is worked out once per name."""
    if machine.stage is not None and (gives := machine.stage.gives(function, given)) is not None:
        return None if gives is NOTHING else gives
    if function.library.startswith(("docker", "podman")) and (gave := of_docker(machine, function, given)) is not None:
        return gave[0]
    if function.library.startswith(("git", "dulwich", "pygit2")) and (gave := of_git(machine, function, given)):
        return gave[0]
    if not is_special(function.name):
        leads_into(machine, (function,), given.node, given.frame)
        reaches_buckets(machine, function, given)
    if function.library and not library_is_harmless(function.library):
        lent(machine, function, given)
    tells(machine, given)
    unpacks_archive(machine, function, given)
    if function.library.startswith("configparser"):
        _into_settings(machine, function.name.rpartition(".")[2], given)
    known = _known(machine, function, given) if _is_known(function.name) else None
    if known is not None:
        return known[0]
    _hand_over(machine, given, function.words, function)
    if function.library.startswith(_APPS) and function.name.endswith(")"):
        _commands(machine, None, machine.called_at(given.node, given.frame))
    outside = function.library and not ("(" in function.name and library_is_harmless(function.library))
    if "." in function.name and not outside:
        of_somebody(machine, function.name.rpartition(".")[2], given)
    if (told := with_default(machine, function, given)) is not None:
        return told
    kept, answered = function.words, function.answer
    if function.name.endswith(_PARSERS) or names_host(function.name):
        kept = (*kept, *(each for each in given.positional if isinstance(each, str)))
    if function.name in _CONVERTING and given.positional:
        answered = answer_in(given.positional[0])
    return extern(opened_as(function, given), kept, answer=answered, library=function.library)


def _into_settings(machine: Machine, method_name: str, given: Call) -> None:
    """What a parser of configuration files is given by a call of its own."""
    first = given.first
    if method_name == "set" and len(given.positional) > 2:
        keeps_key(machine, [(given.positional[1], given.positional[2])], given.node, given.frame)
    elif method_name == "read_dict" and isinstance(first, Dict):
        for _, section in first.items:
            keeps_key(machine, section.items if isinstance(section, Dict) else (), given.node, given.frame)


# Libraries whose app is an object that is called: its commands are functions under its decorators.
_APPS: Final = ("typer", "cyclopts", "click", "rich_click")
_CLIENTS: Final = frozenset({"boto3.client", "boto3.resource"})
_SESSIONS: Final = frozenset({"boto3.Session", "boto3.session.Session"})
_ASKING: Final = frozenset({"os.getenv", "os.environ.get", "environ.get"})
_SETTING: Final = frozenset({f"{each}.setdefault" for each in ENVIRONMENTS})
_PUTTING: Final = frozenset({f"{each}.update" for each in ENVIRONMENTS})
_COPYING: Final = frozenset({f"{each}.copy" for each in ENVIRONMENTS})
_SETS_UP: Final = "boto3.setup_default_session"
_CONVERTING: Final = frozenset({"int", "float"})
_PARSED: Final = (".parse_args", ".parse_known_args")
_PARSERS: Final = (".add_parser", ".add_subparsers")
_OTHERS: Final = frozenset({"json.dumps", "super", "next"})
_NAMES: Final = frozenset(
    {
        *_CLIENTS,
        *_SESSIONS,
        *_ASKING,
        *_SETTING,
        *_PUTTING,
        *_COPYING,
        _SETS_UP,
        *RUNS,
        *LEAVES,
        *KEEPING,
        AT_EXIT,
        *_OTHERS,
    }
)
_ENDINGS: Final = (".raise_for_status", ".add_argument", ".add_subparsers", *_PARSED)


@lru_cache(maxsize=4096)
def _is_known(name: str) -> bool:
    return name in _NAMES or name.endswith(_ENDINGS) or is_special(name) or makes_requests(name)


def _of_environment(machine: Machine, name: str, given: Call) -> tuple[Value] | None:
    """The same of a call that asks for variables, sets some, or copies all."""
    key, *default = given.positional or [None]
    if name in _ASKING and isinstance(key, str):
        return (variable_of(machine, key, default[0] if default else None),)
    if name in _PUTTING:
        put_all(machine, given)
        return (None,)
    if name in _SETTING and isinstance(key, str):
        return (put_default(machine, key, given.positional[-1], given.frame),)
    return (copied(extern(name.removesuffix(".copy"))),) if name in _COPYING else None


def _is_fresh(given: Call) -> bool:
    """Whether nothing was taken yet of what ``next`` is given, all of which is known, in its order."""
    is_whole = isinstance(given.first, tuple) and not isinstance(given.first, Unordered)
    return is_whole and bool(given.node.args) and isinstance(given.node.args[0], ast.GeneratorExp)


def _known(machine: Machine, function: Extern, given: Call) -> tuple[Value] | None:
    """What a call of such a function gives, as the only one of a tuple; ``None`` where that is not told."""
    name, positional, named, node = function.name, given.positional, given.named, given.node
    if name in _CLIENTS:
        if machine.session is not None:
            machine.depends()
        return (from_session(machine, machine.session or Session(), name.removeprefix("boto3."), given),)
    if name == _SETS_UP:
        set_up(machine, given)
        return (None,)
    if name in _SESSIONS:
        return (session_of(given),)
    if (of_it := _of_environment(machine, name, given)) is not None:
        return of_it
    found = looked_up(machine, name, given)
    if found is not None:
        return found
    if name in RUNS:
        checked = name in {"subprocess.check_call", "subprocess.check_output"}
        line = name in {"os.system", "subprocess.getoutput"} or named.get("shell") is True
        started = positional[0] if positional else named.get("args")
        gives = program(machine, started, given, checked=checked, line=line)
        return (gives if gives is not None else extern(given.shown),)
    request = request_of(name, positional, named)
    if request is not None:
        host, how = function.words[0] if function.words else "", again(function, *request, given)
        gives = http(machine, *request, given, name, host=host, again=how)
        return (gives if gives is not None else extern(given.shown),)
    if (client := made_client(machine, function, given)) is not None:
        return (client,)
    if name.endswith(".raise_for_status"):
        leaves(machine, "1", node, given.frame.maybe())
    if name in LEAVES:
        if machine.stage is not None:
            machine.stage.leaves(positional[0] if positional else 0, at_once=name == "os._exit")
        status = positional[0] if positional else 0
        leaves(machine, "1" if is_text(status, node) else given.plain(status), node, given.frame)
    if name == "json.dumps" and positional:
        return (json_text(positional[0], given.shown, given.file),)
    if name == "next" and (first := elements(given.first) or [None]) and (picked(first[0]) or _is_fresh(given)):
        return (first[0],) if first[0] is not None else None
    if name in KEEPING:
        if name == "sorted":  # it calls its key, and keeps nothing else that it is given from running
            _hand_over(machine, given, ())
        gives = built_in(name, given)
        if name == "random.shuffle" and node.args:
            bind(machine, node.args[0], gives, given.frame)
        return (gives,)
    if name == "super":
        owner = positional[1] if len(positional) > 1 else None
        owners = [owner] if owner is not None else [*given.frame.names.values()]
        each = (above(machine, one, node, given.frame) for one in owners if isinstance(one, Instance | Class))
        found_above = next((one for one in each if one is not None), None)
        return (found_above,) if found_above is not None else None
    if name.endswith(_PARSED):
        return (extern("arguments", parsed=True),)
    if name == AT_EXIT:
        return (machine.at_end(given.first, replace(given, positional=positional[1:])),)
    if name.endswith(".add_argument"):
        declare(machine, given)
    if name.endswith(".add_subparsers"):
        declare_commands(machine, named.get("dest"))
    return None


def _hand_over(machine: Machine, given: Call, words: tuple[str, ...], by: Extern | None = None) -> None:
    """What other code is given may be called by it: ``pool.submit(f)``, ``set_defaults(func=f)``.

    ``by``: the code that is given it; a builtin but for two only looks at what it gets.
    """
    if by is not None and (by.library or by.name in {"map", "filter"}) and by.name not in LEAVES:
        leads_into(machine, [*given.positional, *given.named.values()], given.node, given.frame)
    each = [*given.positional, *given.named.values()] if given.named else given.positional
    for found in each:
        if isinstance(found, Class):
            calls_back(machine, found, machine.called_at(given.node, given.frame))
    functions = [found for found in each if _is_function(found)]
    if not functions or (words and all(map(machine.other_command, words))):
        return
    for found in functions:
        positional, named = handed(given, found, by)
        inner = replace(
            given, positional=positional, named=named, complete=given.complete and bool(positional or named)
        )
        beside = side_by_side(given.node, given.frame)
        mapped = beside is not given.frame or (by is not None and by.name == "map")
        if not mapped and isinstance(found, Function) and isinstance(found.node, ast.Lambda):
            enter(machine, found, (), {}, machine.called_at(given.node, given.frame))
            continue
        beside = beside.maybe()
        if isinstance(found, Function):
            for frame, given_to in rounds_of(given, found, by, beside, positional):
                enter(machine, found, given_to, named, machine.called_at(given.node, frame))
        else:
            apply(machine, found, replace(inner, frame=beside))


def _is_function(found: Value) -> bool:
    """Whether it is a function that does something when it is called: the repository's, or a call of AWS."""
    if isinstance(found, Method):
        return isinstance(found.owner, Client | Poller | Resource | Collection)
    if isinstance(found, Extern):
        return found.name in RUNS
    return isinstance(found, Function | Partial)
