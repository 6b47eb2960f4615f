"""The code of a CDK app: what it synthesizes is what it says when it is deployed, not what it said before.

Source: AWS CDK Developer Guide, "AWS CDK CLI reference" (``app`` in ``cdk.json``: the command that synthesizes).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from checker import lazy_re
from checker.model.pipeline.changes import Held, held_by
from checker.model.pipeline.scripts import CdkCommand, Trace

_IMPORTS: Final = lazy_re.compile(r"""(?:\bfrom\s*|\brequire\(\s*|\bimport\s*\(?\s*)['"](\.{1,2}/[^'"\n]+)['"]""")
_ENDINGS: Final = ("", ".ts", ".js", ".mts", ".mjs", ".tsx", "/index.ts", "/index.js")
_CONTEXT: Final = frozenset({"cdk.json", "cdk.context.json"})
_COMPILED: Final = (".java", ".kt", ".cs", ".fs", ".vb", ".go")
_TESTS: Final = lazy_re.compile(r"(?:^|/)(?:src/)?tests?/|_test\.go$|Tests?/|Tests?\.(?:java|kt|cs)$")
_MOST: Final = 60  # files of one app


def app_changed(command: CdkCommand, trace: Trace, read: Callable[[str], str | None]) -> Held | None:
    """That a job has changed the code of the app which a command deploys, by then; ``None`` where it has not."""
    if not trace.changes or command.folder is None or command.options.get("app"):
        return None
    own = list(_files(command.folder, read))
    for path in (*own, *_besides(command.folder, trace, compiled=not own)):
        held = held_by(trace, path, command)
        if held is not None and (held.open or held.text != read(path)):
            return Held(held.by, open=True)
    return None


def _besides(folder: str, trace: Trace, *, compiled: bool) -> Iterator[str]:
    """The files below a folder that a job has changed: of languages whose compiler finds the code of the app by itself,
    and what the CDK reads besides code (AWS CDK Developer Guide, "Context values and the AWS CDK")."""
    base = f"{folder.rstrip('/')}/" if folder not in {"", "."} else ""
    for path in dict.fromkeys(each.path for each in trace.changes if isinstance(each.path, str)):
        inside = path.removeprefix(base) if path.startswith(base) else ""
        if inside in _CONTEXT or (compiled and inside.endswith(_COMPILED) and _TESTS.search(inside) is None):
            yield path


def _files(folder: str, read: Callable[[str], str | None]) -> Iterator[str]:
    """The files of the app below a folder: those that its command names, and what they import of the project's own."""
    from checker.resolve.shell.files.programs import modules_of  # few jobs change an app's code

    try:
        data: Any = json.loads(read(posixpath.normpath(posixpath.join(folder, "cdk.json"))) or "{}")
    except (ValueError, RecursionError):
        return
    app = data.get("app") if isinstance(data, dict) else None
    named = re.findall(r"[\w./-]+\.(?:py|[cm]?[tj]s)\b", app) if isinstance(app, str) else []
    pending = [posixpath.normpath(posixpath.join(folder, each)) for each in named]
    seen: set[str] = set()
    while pending and len(seen) < _MOST:
        path = pending.pop(0)
        text = read(path) if path not in seen else None
        if text is None:
            continue
        seen.add(path)
        yield path
        if path.endswith(".py"):
            pending += modules_of(path, read)
        else:
            base = posixpath.dirname(path)
            for each in _IMPORTS.findall(text):
                pending += [posixpath.normpath(posixpath.join(base, each)) + ending for ending in _ENDINGS]
