"""Methods of the repository's classes that a class of the standard library calls, which no line of the program does.

Source: Python documentation of each: "threading", "multiprocessing" (``run``), "argparse" (Action classes), "cmd",
"html.parser", "http.server", "socketserver", "ast" (NodeVisitor), "json" (JSONEncoder), "logging" (Handler, Filter,
Formatter).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from checker import lazy_re
from checker.model.pipeline.handling import Handling
from checker.resolve.python.machine import Frame, Machine, value
from checker.resolve.python.objects import enter, method, methods_of
from checker.resolve.python.values import Class, Extern, Instance

# A class's name -> the names of the methods that it calls of a class made from it.
_CALLS: Final[Mapping[str, str]] = {
    "threading.Thread": "run",
    "multiprocessing.Process": "run",
    "argparse.Action": "__call__",
    "cmd.Cmd": r"do_\w+|default|emptyline|precmd|postcmd|preloop|postloop|onecmd",
    "html.parser.HTMLParser": r"handle_\w+|unknown_decl",
    **dict.fromkeys(
        ("http.server.BaseHTTPRequestHandler", "http.server.SimpleHTTPRequestHandler"), r"do_[A-Z]+|handle"
    ),
    **dict.fromkeys(("socketserver.BaseRequestHandler", "socketserver.StreamRequestHandler"), "setup|handle|finish"),
    **dict.fromkeys(("ast.NodeVisitor", "ast.NodeTransformer"), r"visit_\w+|generic_visit"),
    "json.JSONEncoder": "default",
    "logging.Handler": "emit|handle",
    "logging.Filter": "filter",
    "logging.Formatter": "format",
}
_DEEP: Final = 8


def calls_back(machine: Machine, cls: Class, frame: Frame) -> None:
    """Enter what is called of a class that is made, or handed to other code: whenever that likes, or never."""
    if machine.stage is not None or not cls.node.bases or (pattern := _called(machine, cls)) is None:
        return
    wanted = lazy_re.compile(pattern)
    owner = Instance(cls)
    for name in sorted(methods_of(machine, cls)):
        found = method(machine, cls, name) if wanted.fullmatch(name) else None
        if found is not None:
            enter(machine, found.of(owner), (), {}, frame.maybe())


def _called(machine: Machine, cls: Class, depth: int = 0) -> str | None:
    """Which methods the outside class calls that a class comes from; ``None`` where it comes from none of these."""
    inner = Frame(cls.module, cls.module.names, machine.reached, Handling())
    for base in cls.node.bases if depth < _DEEP else ():
        found = value(machine, base, inner)
        named = _CALLS.get(found.name) if isinstance(found, Extern) else None
        named = named or (_called(machine, found, depth + 1) if isinstance(found, Class) else None)
        if named is not None:
            return named
    return None
