"""Python's own libraries that keep a failure to themselves: pools, threads, processes, context managers.

Each is written in Python and followed as the program's own code is. Sources: Python documentation, "concurrent.futures"
(``Future.result`` raises what the call raised), "multiprocessing.pool", "threading" (an exception ends its thread
alone), "multiprocessing" (``Process.exitcode``), "contextlib" (``ExitStack``, ``suppress``), "os" (``popen``).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final

from checker.model.pipeline.handling import Handling
from checker.model.pipeline.python import PythonModule
from checker.resolve.python.machine import Call, Frame, Machine
from checker.resolve.python.objects import enter, instantiate, method
from checker.resolve.python.rehearsal.managers import managed
from checker.resolve.python.values import Class, Dict, Extern, Function, Instance, Manager, Method, Value

_TEXT: Final = """
class Future:
    def __init__(self, function, given, named):
        self.failed = False
        self.value = None
        self.error = None
        try:
            self.value = function(*given, **named)
        except BaseException as error:
            self.failed = True
            self.error = error

    def result(self, timeout=None):
        if self.failed:
            raise self.error
        return self.value

    def get(self, timeout=None):
        return self.result()

    def exception(self, timeout=None):
        return self.error

    def successful(self):
        return not self.failed

    def add_done_callback(self, function):
        function(self)

    def done(self):
        return True

    def ready(self):
        return True

    def cancelled(self):
        return False

    def running(self):
        return False

    def cancel(self):
        return False

    def wait(self, timeout=None):
        return None


class Results:
    def __init__(self, futures):
        self.futures = futures

    def __iter__(self):
        return [each.result() for each in self.futures]

    def get(self, timeout=None):
        return [each.result() for each in self.futures]

    def wait(self, timeout=None):
        return None

    def successful(self):
        return not any([each.failed for each in self.futures])


class Executor:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return False

    def submit(self, function, *given, **named):
        return Future(function, given, named)

    def map(self, function, items=(), *others, **options):
        return Results([Future(function, (each,), {}) for each in items])

    def shutdown(self, wait=True, cancel_futures=False):
        return None


class Pool:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return False

    def apply(self, function, args=(), kwds={}):
        return function(*args, **kwds)

    def apply_async(self, function, args=(), kwds={}, callback=None, error_callback=None):
        made = Future(function, args, kwds)
        if made.failed and error_callback is not None:
            error_callback(made.error)
        return made

    def map(self, function, items=(), chunksize=None):
        return [function(each) for each in items]

    def starmap(self, function, items=(), chunksize=None):
        return [function(*each) for each in items]

    def imap(self, function, items=(), chunksize=None):
        return Results([Future(function, (each,), {}) for each in items])

    def imap_unordered(self, function, items=(), chunksize=None):
        return Results([Future(function, (each,), {}) for each in items])

    def map_async(self, function, items=(), chunksize=None, callback=None, error_callback=None):
        return Results([Future(function, (each,), {}) for each in items])

    def starmap_async(self, function, items=(), chunksize=None, callback=None, error_callback=None):
        return Results([Future(function, each, {}) for each in items])

    def close(self):
        return None

    def join(self):
        return None

    def terminate(self):
        return None


class Thread:
    exitcode = 0

    def __init__(self, group=None, target=None, name=None, args=(), kwargs={}, daemon=None):
        self.target = target
        self.args = args
        self.kwargs = kwargs

    def run(self):
        if self.target is not None:
            self.target(*self.args, **self.kwargs)

    def start(self):
        try:
            self.run()
        except BaseException:
            self.exitcode = 1

    def join(self, timeout=None):
        return None

    def is_alive(self):
        return False

    def close(self):
        return None


class Timer(Thread):
    def __init__(self, interval, function, args=(), kwargs={}):
        self.target = function
        self.args = args
        self.kwargs = kwargs


class Suppress:
    def __init__(self, *kinds):
        self.kinds = kinds

    def __enter__(self):
        return None

    def __exit__(self, kind, error, trace):
        if error is None:
            return False
        try:
            raise error
        except self.kinds:
            return True


class ExitStack:
    def __init__(self):
        self.leaving = ()

    def __enter__(self):
        return self

    def enter_context(self, manager):
        entered = __begin__(manager)
        self.leaving = (manager, *self.leaving)
        return entered

    def push(self, leave):
        self.leaving = (leave, *self.leaving)
        return leave

    def callback(self, function, *given, **named):
        def leave(kind, error, trace):
            function(*given, **named)
            return False

        self.leaving = (leave, *self.leaving)
        return function

    def enter_async_context(self, manager):
        return self.enter_context(manager)

    def push_async_exit(self, leave):
        return self.push(leave)

    def push_async_callback(self, function, *given, **named):
        return self.callback(function, *given, **named)

    def close(self):
        self.__exit__(None, None, None)

    def __exit__(self, kind, error, trace):
        pending = error
        replaced = False
        for leave in self.leaving:
            try:
                if __leave__(leave, pending):
                    pending = None
                    replaced = False
            except BaseException as other:
                pending = other
                replaced = True
        self.leaving = ()
        if replaced:
            raise pending
        return pending is None


class PipedWell:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return False

    def close(self):
        return None

    def read(self):
        return "done"

    def readlines(self):
        return ("done",)

    def __iter__(self):
        return ("done",)


class PipedFailed(PipedWell):
    def close(self):
        return 256

    def read(self):
        return ""

    def readlines(self):
        return ()

    def __iter__(self):
        return ()


def each_done(futures, timeout=None):
    return futures


def all_done(futures, timeout=None, return_when=None):
    return (futures, ())


def at_exit(function, *given, **named):
    Future(function, given, named)
    return function


def in_thread(function, *given, **named):
    return function(*given, **named)
"""
# What each is called in Python -> its stand-in.
_LENT: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "concurrent.futures.ThreadPoolExecutor",
            "concurrent.futures.ProcessPoolExecutor",
            "concurrent.futures.thread.ThreadPoolExecutor",
            "concurrent.futures.process.ProcessPoolExecutor",
        ),
        "Executor",
    ),
    **dict.fromkeys(
        (
            "multiprocessing.Pool",
            "multiprocessing.pool.Pool",
            "multiprocessing.pool.ThreadPool",
            "multiprocessing.dummy.Pool",
        ),
        "Pool",
    ),
    **dict.fromkeys(
        (
            "threading.Thread",
            "multiprocessing.Process",
            "multiprocessing.dummy.Process",
            "multiprocessing.context.Process",
        ),
        "Thread",
    ),
    "threading.Timer": "Timer",
    "contextlib.suppress": "Suppress",
    "contextlib.ExitStack": "ExitStack",
    "contextlib.AsyncExitStack": "ExitStack",
    "concurrent.futures.as_completed": "each_done",
    "concurrent.futures.wait": "all_done",
    "asyncio.to_thread": "in_thread",
    "atexit.register": "at_exit",
}


_GATHERS: Final = frozenset({"asyncio.gather", "asyncio.tasks.gather"})
_HANDED_ON: Final = frozenset(
    {"asyncio.create_task", "asyncio.ensure_future", "asyncio.shield", "asyncio.wait_for", "asyncio.as_completed"}
)


class _BegunError(Exception):
    """A context manager has come to its ``yield``."""


@lru_cache(maxsize=1)
def _tree() -> ast.Module:
    return ast.parse(_TEXT)


def module() -> PythonModule:
    """The stand-ins as a module, with nothing bound yet."""
    return PythonModule("", _tree())


def given_by(machine: Machine, standins: PythonModule, function: Extern, given: Call) -> Value:
    """What a class or a function of Python's libraries gives, ``None`` where nobody knows."""
    name = function.name
    if name in _LENT:
        return _made(machine, standins.names[_LENT[name]], given.positional, given.named, given.frame)
    if name.endswith(".run_in_executor") and len(given.positional) > 1:
        return later(machine, standins, given.positional[1], given.positional[2:], {}, given.frame)
    if name == "__begin__":
        return _begin(machine, given.first, given.frame)
    if name == "__leave__":
        return _leave(machine, given)
    if name in _GATHERS:
        keeps = given.named.get("return_exceptions") is True
        return tuple(
            _error(each) if keeps and _has_failed(each) else awaited(machine, each) for each in given.positional
        )
    if name == "asyncio.wait" and given.positional:
        return (given.first, ())
    if name in _HANDED_ON and given.positional:
        return given.first
    if name.endswith(".create_task") and isinstance(given.first, Instance):
        # A group of tasks ends with the error of any of them.
        return awaited(machine, given.first) if "TaskGroup" in name else given.first
    return None


def _made(
    machine: Machine, found: Value, positional: Sequence[Value], named: Mapping[str, Value], frame: Frame
) -> Value:
    if isinstance(found, Class):
        return instantiate(machine, found, positional, named, frame)
    return enter(machine, found, positional, named, frame) if isinstance(found, Function) else None


def later(
    machine: Machine,
    standins: PythonModule,
    function: Value,
    positional: Sequence[Value],
    named: Mapping[str, Value],
    frame: Frame,
) -> Value:
    """What a call gives whose failure shows to whoever waits for it."""
    each = [function, tuple(positional), Dict(tuple(named.items()))]
    return _made(machine, standins.names["Future"], each, {}, frame)


def _has_failed(found: Value) -> bool:
    return _is_future(found) and isinstance(found, Instance) and found.attributes.get("failed") is True


def _is_future(found: Value) -> bool:
    return isinstance(found, Instance) and not found.cls.module.file and found.cls.node.name == "Future"


def _error(found: Value) -> Value:
    return found.attributes.get("error") if isinstance(found, Instance) else None


def awaited(machine: Machine, found: Value) -> Value:
    """What ``await`` gives, or raises, of what was started before."""
    if not _is_future(found) or not isinstance(found, Instance):
        return found
    result = method(machine, found.cls, "result")
    frame = Frame(found.cls.module, found.cls.module.names, machine.reached, Handling())
    return enter(machine, result.of(found), (), {}, frame) if result is not None else None


def iterated(machine: Machine, found: Value, frame: Frame) -> Value:
    """What going through an object gives, one after the other; anything else as it is."""
    if isinstance(found, Method) and isinstance(found.owner, tuple) and found.name == "done":
        return found.owner[0] if found.owner else ()  # `wait(futures).done`
    if not isinstance(found, Instance) or (each := method(machine, found.cls, "__iter__")) is None:
        return found
    return enter(machine, each.of(found), (), {}, frame)


def _begin(machine: Machine, manager: Value, frame: Frame) -> Value:
    """What a context manager gives to the block."""
    if isinstance(manager, Instance):
        start = method(machine, manager.cls, "__enter__") or method(machine, manager.cls, "__aenter__")
        return enter(machine, start.of(manager), (), {}, frame) if start is not None else manager
    if not isinstance(manager, Manager):
        return manager
    entered: list[Value] = []

    def begun(found: Value) -> None:
        entered.append(found)
        raise _BegunError

    with suppress(_BegunError):
        managed(machine, manager, begun)
    return entered[0] if entered else None


def _leave(machine: Machine, given: Call) -> Value:
    """What a context manager, or a function in the place of its ``__exit__``, makes of the end of the block."""
    manager, error = (*given.positional, None, None)[:2]
    if isinstance(manager, Manager):
        stage = machine.stage
        pending = stage.known(error) if stage is not None and error is not None else None

        def ended(found: Value) -> None:  # noqa: ARG001 - given when it was begun
            if pending is not None:
                raise pending

        managed(machine, manager, ended)
        return True
    leave: Value = manager
    if isinstance(manager, Instance):
        found = method(machine, manager.cls, "__exit__") or method(machine, manager.cls, "__aexit__")
        leave = found.of(manager) if found is not None else None
    if not isinstance(leave, Function):
        return False
    return enter(machine, leave, (error, error, None), {}, given.frame)
