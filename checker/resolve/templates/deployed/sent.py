"""What a program in Python has made of a template by the time that it sends its text to CloudFormation.

Source: Boto3 documentation, "CloudFormation.Client.update_stack", ``TemplateBody``.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Iterator
from typing import Final

from checker import lazy_re
from checker.model.pipeline.changes import Held
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import AwsCall
from checker.resolve.shell.files.program_writes import Code, named
from checker.resolve.shell.files.programs import parsed
from checker.resolve.shell.files.python_edits import Following, Made
from checker.resolve.shell.files.python_places import Places
from checker.resolve.shell.files.python_writes import around

# Without any of these a text goes out as it was read, whichever file it is of.
_CHANGES: Final = lazy_re.compile(
    r"\.(?:replace|format_map|render|(?:safe_)?substitute|update|setdefault)\(|\bsubn?\(|\][ \t]*=[^=]"
    r"|\+=[ \t]*[^\d\s]|\bTemplate\(|\bdel "
)
_ENDINGS: Final = (".yaml", ".yml", ".json", ".template")


def sent(call: AwsCall, read: Callable[[str], str | None]) -> Iterator[tuple[str, Held]]:
    """The template that a call sends, with what its program has made of it; each that it may be where that is open.
    ``read`` gives the text of a file of the repository."""
    file = call.spot.file
    text = read(file) if file.endswith(".py") else None
    tree = parsed(text) if text is not None else None
    node = next((each for each in ast.walk(tree) if _sends(each, call.spot.line)), None) if tree is not None else None
    if text is None or tree is None or not isinstance(node, ast.Call):
        return

    def place(path: object) -> str:
        if not isinstance(path, str):
            return ""
        inside = path.removeprefix(f"{WORKSPACE}/")
        return posixpath.normpath(posixpath.join(call.folder or "", inside) if inside == path else inside)

    following = Following(Places(tree, file, (), {}), lambda path: read(place(path)))
    following.follow(tree.body)
    made, by = following.sent.get(node, Made()), f"{call.source[:60]} ({call.spot})"
    if isinstance(made.of, str) and read(place(made.of)) is not None:
        known = made.text is not None or made.edits is not None
        yield place(made.of), Held(by, text=made.text, edits=tuple(made.edits or ()), open=not known)
        return
    if not _CHANGES.search(text):
        return
    inside = Code(around(tree, text, node), file, (), python=True)
    for each in dict.fromkeys(place(each) for each in named(inside)):
        if each.endswith(_ENDINGS) and read(each) is not None:
            yield each, Held(by, open=True)


def _sends(node: ast.AST, line: int | None) -> bool:
    return (
        isinstance(node, ast.Call) and node.lineno == line and any(each.arg == "TemplateBody" for each in node.keywords)
    )
