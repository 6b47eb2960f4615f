"""Python's own libraries that keep a failure to themselves: pools, threads, processes, context managers.

Each is written in Python and followed as the program's own code is. Sources: Python documentation, "concurrent.futures"
(``Future.result`` raises what the call raised), "multiprocessing.pool", "threading" (an exception ends its thread
alone), "multiprocessing" (``Process.exitcode``), "contextlib" (``ExitStack``, ``suppress``), "os".
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from checker.model.pipeline.python import PythonModule
from checker.resolve.python.rehearsal import retries

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


class Done:
    returncode = 0

    def check_returncode(self):
        return None


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
"""
# What each is called in Python -> its stand-in.
LENT: Final[Mapping[str, str]] = {
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
    **retries.LENT,
}


# Python documentation, "Built-in Exceptions": what an error holds, and what it is one of.
_ERROR: Final = """
class {name}({base}):
    def __init__(self, *args):
        self.args = args
        self.code = args[0] if args else None
"""
ERRORS: Final[Mapping[str, type[BaseException]]] = {
    name: found
    for name, found in vars(builtins).items()
    if isinstance(found, type) and issubclass(found, BaseException) and not issubclass(found, Warning)
}


@lru_cache(maxsize=1)
def _tree() -> ast.Module:
    classes = dict.fromkeys(ERRORS.values())
    made = (_ERROR.format(name=each.__name__, base=each.__mro__[1].__name__) for each in classes)
    return ast.parse(_TEXT + retries.TEXT + "".join(made))


def module() -> PythonModule:
    """The stand-ins as a module, with nothing bound yet."""
    return PythonModule("", _tree())
