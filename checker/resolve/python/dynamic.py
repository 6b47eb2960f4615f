"""Python that is put together while it runs: names looked up by text, code in text, calls under other names.

Sources: Python documentation, "Built-in Functions", "importlib", "functools.partial", "os" (Process Management);
botocore, ``client.py`` (``_make_api_call``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from checker.resolve.python.values import Client, Dict, Either, Extern, Module, Partial, Poller, Session, Value, either

if TYPE_CHECKING:
    from checker.resolve.python.expressions import Evaluator, Frame

_FIX: Final = "Write the call out."
_SIGNS: Final = re.compile(r"(?:^|\.)(?:\w*AWS4Auth|\w*SigV4\w*|\w*AWSRequestsAuth|AWSSigV4)$")
# Functions that run a line of a shell, and those that are given words: the position of the first.
_LINES: Final = frozenset(
    {"asyncio.create_subprocess_shell", "os.popen", "invoke.run", "pexpect.run", "pexpect.spawn", "delegator.run",
     "subprocess.getstatusoutput", "commands.getoutput", "fabric.api.local"}
)  # fmt: skip
_LISTS: Final = frozenset({"os.execv", "os.execve", "os.execvp", "os.execvpe", "os.posix_spawn", "os.posix_spawnp"})
_WORDS: Final = re.compile(r"os\.execlp?e?|asyncio\.create_subprocess_exec")
_SESSIONS: Final = frozenset(
    {"botocore.session.get_session", "botocore.session.Session", "aioboto3.Session", "aiobotocore.session.get_session",
     "aiobotocore.session.AioSession", "aioboto3.session.Session"}
)  # fmt: skip


_NAMES: Final = frozenset(
    {"getattr", "exec", "eval", "execfile", "importlib.import_module", "import_module", "__import__",
     "runpy.run_module", "runpy.run_path", "functools.partial", "partial"}
)  # fmt: skip


@lru_cache(maxsize=4096)  # a program calls the same few functions over and over
def _is_special(name: str) -> bool:
    if name in _NAMES or name in _SESSIONS or name in _LINES or name in _LISTS:
        return True
    return name.startswith("sh.") or bool(_WORDS.fullmatch(name) or _SIGNS.search(name))


def looked_up(
    calls: Evaluator, name: str, positional: list[Value], named: dict[str, Value], node: ast.Call, frame: Frame
) -> tuple[Value] | None:
    """What a call of such a function gives, as the only one of a tuple; ``None`` where it is none of these."""
    if not _is_special(name):
        return None
    spot = frame.module.spot(node)
    first = positional[0] if positional else None
    match name:
        case "getattr" if len(positional) > 1:
            return (_attribute(calls, first, positional[1], node, frame),)
        case "exec" | "eval" | "execfile":
            calls.problem(spot, f"{name} runs code that was not followed", _FIX)
            return (Extern(name),)
        case "importlib.import_module" | "import_module" | "__import__" | "runpy.run_module":
            found = calls.find(first, frame.module, 0) if isinstance(first, str) else None
            if found is not None:
                calls.load(found, main=name == "runpy.run_module")
                return (Module(found),)
            if not isinstance(first, str):
                calls.problem(spot, "a module that is not known before it runs", "Import it by its name.")
            return (Extern(first if isinstance(first, str) else name),)
        case "runpy.run_path":
            calls.problem(spot, "a file that runpy runs was not followed", "Import it by its name.")
            return (Extern(name),)
        case "functools.partial" | "partial" if positional:
            return (Partial(first, tuple(positional[1:]), dict(named)),)
    if name in _SESSIONS:
        return (Session(),)
    program: list[Value] | None = None
    if name in _LINES:
        program = [first]
    elif name in _LISTS and len(positional) > 1:
        program = [positional[1]]
    elif _WORDS.fullmatch(name):
        program = [tuple(positional[1:] if name.startswith("os.") else positional)]
    elif name.startswith("sh.") and name.count(".") == 1:
        program = [(name[3:].replace("_", "-"), *positional)]
    if program is not None:
        calls.program(program, named, node, frame, checked=name.startswith(("os.exec", "sh.")), line=name in _LINES)
        return (Extern(name),)
    if _SIGNS.search(name):
        calls.problem(spot, "requests to AWS that are signed by hand are not followed", "Use boto3.")
    return None


def _attribute(calls: Evaluator, owner: Value, name: Value, node: ast.Call, frame: Frame) -> Value:
    if isinstance(name, str):
        return calls.attribute(owner, name, frame)
    if isinstance(name, Either):
        return either([_attribute(calls, owner, each, node, frame) for each in name.options])
    each = getattr(name, "options", None)
    if isinstance(each, tuple) and all(isinstance(option, str) for option in each):
        return either([calls.attribute(owner, option, frame) for option in each])
    if isinstance(owner, Client | Session | Poller | Module):
        spot = frame.module.spot(node)
        calls.problem(spot, "a function whose name is not known before it runs", "Write the name out.")
    return Extern("getattr")


def api_call(
    positional: list[Value], named: dict[str, Value], record: Callable[[str, dict[str, Value], bool], None]
) -> bool:
    """``client._make_api_call("UpdateService", {...})``; whether its operation is known."""
    operation = positional[0] if positional else named.get("operation_name")
    given = positional[1] if len(positional) > 1 else named.get("api_params")
    if not isinstance(operation, str):
        return False
    known = isinstance(given, Dict) and not given.open
    arguments = {key: value for key, value in given.items if isinstance(key, str)} if isinstance(given, Dict) else {}
    record(operation, arguments, known)
    return True
