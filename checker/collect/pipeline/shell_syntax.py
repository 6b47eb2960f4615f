"""Parses shell text with the bash grammar of tree-sitter. The grammar is imported when the first script needs it.

The parser mends what it cannot read and goes on; every place where it had to is a located problem, because what was
there is missing from the facts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from checker import lazy_re
from checker.collect.pipeline.here_documents import false_ends
from checker.collect.pipeline.respelling.patterns import plain_patterns
from checker.collect.pipeline.shell_bodies import with_plain_bodies
from checker.collect.pipeline.shell_spellings import coprocesses, named_descriptors, respelled, turned_groups
from checker.collect.pipeline.shell_statements import Reader, TooDeepError
from checker.errors import InputError, install_with
from checker.model.pipeline.shell import REFUSED, Block, Script
from checker.model.sources import Problem

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_BYTES: Final = 1024 * 1024
# The grammar's scanner hands characters to C's isalpha() and its like, which read beyond their tables for most of
# Unicode: the process may die. It is shown a plain sign for every byte beyond ASCII; offsets stay, and words are taken
# from the text itself.
_PLAIN_BYTES: Final = bytes(range(128)) + b"%" * 128
_MAX_PROBLEMS: Final = 20


@cache
def _parser() -> Parser:
    try:
        import tree_sitter_bash
        from tree_sitter import Language, Parser
    except ImportError:
        raise InputError(
            "shell scripts cannot be read: the bash grammar is not installed",
            install_with("pipeline"),
        ) from None
    return Parser(Language(tree_sitter_bash.language()))


def parse_shell(text: str, file: str, lines: tuple[int, ...] = ()) -> Script:
    """The script's syntax. ``lines`` as in ``Script``. What cannot be read is a problem."""
    source = text.encode("utf-8", "surrogatepass")
    shebang = text.partition("\n")[0][2:].strip() if text.startswith("#!") else ""
    empty = Script(file, Block(), lines, shebang)
    if len(source) > MAX_BYTES:
        problem = Problem(empty.spot(0), f"a script of {len(source):,} bytes was not read", "Split it.")
        return Script(file, Block(), lines, shebang, (problem,))
    try:
        text = turned_groups(coprocesses(named_descriptors(text)))
        source = text.encode("utf-8", "surrogatepass")
        source, root = _ended(*_named(source, _parsed(source)))
        if root.has_error:
            other = plain_patterns(respelled(with_plain_bodies(text))).encode("utf-8", "surrogatepass")
            other, again = _named(other, _parsed(other)) if other != source else (source, root)
            if len(_errors(again)) < len(_errors(root)):
                source, root = _ended(other, again)
        reader = Reader(source, partial(_part, source.translate(_PLAIN_BYTES)))
        body = reader.block(root.children, 0)
    except TooDeepError:
        problem = Problem(empty.spot(0), "nested too deeply to be read", "Is this a script?")
        return Script(file, Block(), lines, shebang, (problem,))
    except InputError as error:
        return Script(file, Block(), lines, shebang, (Problem(empty.spot(0), error.message, error.hint),))
    places = [node.start_point for node in (*_errors(root), *itertools.islice(false_ends(source, root), _MAX_PROBLEMS))]
    unread = [(source.count(b"\n", 0, at), at - source.rfind(b"\n", 0, at) - 1) for at in reader.unread[:_MAX_PROBLEMS]]
    unsure = bool(unread) or not only_says(source, root)
    problems = tuple(Problem(empty.spot(row, column), REFUSED, "Fix it.", unsure) for row, column in (*places, *unread))
    return Script(file, body, lines, shebang, problems)


# A line that does nothing but to say something, to ask what is there, or to end: nothing that it is made of starts
# anything, however it is put together.
_WORDS: Final = rb"(?:[^$`|;&<>()#]|\$\w+|\$\{\w+\})*"
_SAYS: Final = lazy_re.compile(
    rb"\s*(?:(?:(?:then|do|else|fi|done|esac)\b|\{|\}|;;)\s*;?\s*)*+(?:(?:echo|printf|exit|return|true|:|set|shift|break|continue)(?:\s"
    + _WORDS
    + rb")?|(?:if|elif|while|until)\s+\[\[?\s"
    + _WORDS
    + rb"(?:;\s*(?:then|do)\s*)?|#[^\n]*)?;?\s*"
)


def only_says(source: bytes, root: Node) -> bool:
    """Whether all from the first statement on that is not whole does no more than that: so it does whether bash
    understands it or ends there."""
    first = next(
        (each for each in root.children if each.has_error or not (each.is_named or each.type in _BETWEEN)), None
    )
    if first is None:
        return False
    lines = source.split(b"\n")[first.start_point[0] :]
    return len(lines) <= _MOST_LINES and all(_SAYS.fullmatch(each) for each in lines)


_BETWEEN: Final = frozenset({"\n", ";"})
_MOST_LINES: Final = 200


def _parsed(source: bytes) -> Node:
    return _parser().parse(source.translate(_PLAIN_BYTES)).root_node


def _part(source: bytes, begin: int, end: int) -> Node:
    """The tree of a part of a script of plain bytes."""
    from tree_sitter import Point, Range

    parser = _parser()
    row, last = source.count(b"\n", 0, begin), source.count(b"\n", 0, end)
    column, behind = (at - source.rfind(b"\n", 0, at) - 1 for at in (begin, end))
    parser.included_ranges = [Range(Point(row, column), Point(last, behind), begin, end)]
    try:
        return parser.parse(source).root_node
    finally:
        parser.included_ranges = []


# A name in the middle of a word, as in `$REPOSITORY:$STAGE-api`. Where a hyphen follows the name, the grammar ends the
# word behind the dollar sign and begins another one, which may be a command's name.
_INNER_NAME: Final = lazy_re.compile(rb"(?<=[^\s\"'`\\$({])\$(\d|[A-Za-z_]\w*)")

_WITHIN: Final = lazy_re.compile(rb"[^\s\"'`\\$(){};|&<>]*")


def _named(source: bytes, root: Node) -> tuple[bytes, Node]:
    """The script with such names in braces, which the grammar knows for names."""
    for _ in range(3):
        torn = _torn(source, root)
        if not torn:
            break
        for match in reversed(torn):
            source = source[: match.start()] + b"${" + match[1] + b"}" + source[match.end() :]
        root = _parsed(source)
    return source, root


def _torn(source: bytes, root: Node) -> list[re.Match[bytes]]:
    """The names that the grammar tears from their sign, with those behind them in the same word."""
    found: list[re.Match[bytes]] = []
    for match in _INNER_NAME.finditer(source):
        node = root.descendant_for_byte_range(match.start(), match.start() + 1)
        # Of a name that the grammar sees, the sign is a part of its expansion; inside of quotes it is one of the text.
        torn = node is not None and node.type == "$" and node.parent is not None and node.parent.type == "concatenation"
        if torn or (found and _WITHIN.fullmatch(source, found[-1].end(), match.start())):
            found.append(match)
    return found


# Two assignments on a line, which the grammar takes for the beginning of the command on the next one.
_TWO: Final = lazy_re.compile(rb"^[^\n=]*\w=[^\n]*[ \t]\w+=", re.MULTILINE)


def _ended(source: bytes, root: Node) -> tuple[bytes, Node]:
    """The script with a line of assignments ended as bash ends it: they are set for good, not for the next command."""
    for _ in range(3 if _TWO.search(source) else 0):
        breaks = sorted(_breaks(source, root))
        if not breaks:
            break
        pieces = [source[start:end] for start, end in itertools.pairwise([0, *breaks, len(source)])]
        source = b";".join(pieces)
        root = _parsed(source)
    return source, root


def _breaks(source: bytes, root: Node) -> Iterator[int]:
    """The ends of assignments behind which a line ends, and with it the command."""
    pending = [root]
    while pending:
        node = pending.pop()
        pending.extend(node.named_children)
        if node.type != "command":
            continue
        end = None
        for one, other in itertools.pairwise(node.children):
            if one.type not in {"variable_assignment", "comment"}:
                break
            end = one.end_byte if one.type == "variable_assignment" else end
            if end is not None and b"\n" in source[one.end_byte : other.start_byte].replace(b"\\\n", b""):
                yield end


def _errors(root: Node) -> list[Node]:
    """The outermost places that the grammar could not read."""
    found: list[Node] = []
    pending = [root] if root.has_error else []
    while pending and len(found) < _MAX_PROBLEMS:
        node = pending.pop()
        if node.is_error or node.is_missing:
            found.append(node)
        else:
            pending.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
    return found
