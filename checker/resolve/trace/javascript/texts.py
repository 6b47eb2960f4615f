"""What programs for Node.js of the repository say: their code as it is written, with what they import of it.

They are not followed. What a rule looks for in them it looks for as in the text that ``actions/github-script`` is
given.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import Final

from checker.model.pipeline.scripts import Command
from checker.resolve.trace.javascript.database_programs import RUNNERS, Files, imports_of, own_file

_SUFFIXES: Final = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
_CODE: Final = frozenset({"-e", "--eval", "-p", "--print"})
_MOST_FILES: Final = 20


def texts_of(actions: Iterable[object], files: Files) -> Iterator[tuple[Command, str]]:
    """The commands that start such programs, each with the code."""
    for each in actions:
        if isinstance(each, Command) and (each.program in RUNNERS or each.program == "deno"):
            text = _text_of(each, files)
            if text:
                yield each, text


def _text_of(command: Command, files: Files) -> str:
    words = [word if isinstance(word, str) else "" for word in command.words]
    told = next((words[index + 1] for index, word in enumerate(words[:-1]) if word in _CODE), None)
    if told is not None:
        return told
    named = next((word for word in words[1:] if word.endswith(_SUFFIXES) and not word.startswith("-")), None)
    if named is None or command.folder is None:
        return ""
    pending = [posixpath.normpath(posixpath.join(command.folder, named))]
    texts: list[str] = []
    for path in pending:  # grows on the way
        text = files.text(path) if len(texts) < _MOST_FILES else None
        if text is None:
            continue
        texts.append(text)
        own = [own_file(path, name, files) for name in imports_of(text) if name.startswith(".")]
        pending += [each for each in own if each and each not in pending]
    return "\n".join(texts)
