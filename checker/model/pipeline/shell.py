"""The syntax of a shell script, as little of it as following it needs. Made by `collect.pipeline.shell_syntax`.

A word is made of parts; a statement is one of the classes of :data:`Statement`. ``line`` counts from 0 in the text
that was parsed; :class:`Script` knows which file and line that is.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Final, TypeAlias

from msgspec import Struct, field

from checker.model.sources import Problem, Spot

# How the names of variables begin that a task's recipe has in place of values which the runner puts into its text.
PASTED: Final = "pasted_"


class Literal(Struct, frozen=True):
    """Text as it stands, escapes removed. Unquoted text may be a pattern."""

    text: str
    quoted: bool = False


class Variable(Struct, frozen=True):
    """``$name`` or ``${name...}``. ``operator`` is what follows the name (``:-``, ``%%``, ``,,``), ``#`` in front is
    ``length``; ``index`` is ``@``, ``*`` or what stands in brackets, ``asked`` the substitutions in that. ``indirect``:
    ``${!name}``, the variable whose name it holds, or with ``@`` the keys of an array. An ``argument`` that is a
    pattern has its quoted parts told apart; between the two of ``${name/old/new}`` stands an unquoted slash."""

    name: str
    quoted: bool = False
    operator: str = ""
    argument: Word | None = None
    index: str = ""
    asked: tuple[Substitution, ...] = ()
    indirect: bool = False


class Substitution(Struct, frozen=True):
    """``$(...)``: the output of a script of its own. ``source`` is how it is written."""

    body: Block
    source: str
    quoted: bool = False


class Opaque(Struct, frozen=True):
    """Something that is not worked out: arithmetic, with the substitutions in it (``asked``); process substitution."""

    source: str
    quoted: bool = False
    inner: tuple[Block, ...] = ()
    asked: tuple[Substitution, ...] = ()


Part: TypeAlias = Literal | Variable | Substitution | Opaque


class Word(Struct, frozen=True):
    """One word before its expansion."""

    parts: tuple[Part, ...]
    line: int = 0
    column: int = 0


def _plain(word: Word) -> str:
    """A word as a reader would write it: its text and the names of its variables."""
    names = (f"${each.name}" if isinstance(each, Variable) else getattr(each, "text", "") for each in word.parts)
    return "".join(names)


class Redirect(Struct, frozen=True):
    """``2>/dev/null``: the descriptor (-1 for ``&>``), the operator, the target. A here-document is an input."""

    descriptor: int
    operator: str
    target: Word


class Assignment(Struct, frozen=True):
    """``name=value``; ``append`` for ``+=``, ``items`` for an array, ``index`` for one element of it (``name[web]=x``).
    Of ``export $(...)``, which sets what is printed, the name is empty."""

    name: str
    value: Word | None
    append: bool = False
    items: tuple[Word, ...] | None = None
    index: str = ""


class Simple(Struct, frozen=True):
    """A command with its words; only assignments where it has none."""

    words: tuple[Word, ...]
    assignments: tuple[Assignment, ...]
    redirects: tuple[Redirect, ...]
    line: int
    column: int
    source: str


class Declare(Struct, frozen=True):
    """``export``, ``local``, ``readonly``, ``declare`` or ``typeset``, with its ``flags``. ``refers``: with ``-n``, a
    name for another."""

    keyword: str
    assignments: tuple[Assignment, ...]
    line: int
    refers: bool = False
    flags: tuple[str, ...] = ()


class Test(Struct, frozen=True):
    """``[ ... ]`` or ``[[ ... ]]``: the words in between, and the substitutions that run for it. ``arithmetic`` is what
    stands in ``(( ... ))``, ``asked`` the substitutions in that; ``double``: between ``[[`` and ``]]``."""

    words: tuple[Word, ...]
    line: int
    arithmetic: str = ""
    asked: tuple[Substitution, ...] = ()
    double: bool = False


class Pipe(Struct, frozen=True):
    """``a | b``; both outputs go on where ``|&`` stands (``merged``)."""

    statements: tuple[Statement, ...]
    source: str
    merged: bool = False


class AndOr(Struct, frozen=True):
    """``left && right`` or ``left || right``."""

    left: Statement
    operator: str
    right: Statement
    right_source: str

    @property
    def right_shown(self) -> str:
        """The right side as written. A file that its last word is followed by (``|| echo no >> "$OUT"``) the grammar
        hangs at the whole of the list, and it is put back here."""
        files = self.right.redirects if isinstance(self.right, Simple) else ()
        told = [f"{each.operator} {_plain(each.target)}" for each in files if each.operator in (">", ">>", ">|")]
        behind = [each for each in told if "/dev/" not in each and ">" not in self.right_source]
        return " ".join((self.right_source, *behind))


class Not(Struct, frozen=True):
    """``! statement``."""

    statement: Statement


class Group(Struct, frozen=True):
    """``{ ...; }`` or, where ``own_shell``, ``( ... )``; with what is redirected for all of it."""

    body: Block
    own_shell: bool = False
    redirects: tuple[Redirect, ...] = ()


class Background(Struct, frozen=True):
    """``statement &``. ``awaited``: nothing else is done before the shell waits for it (``wait $!``)."""

    statement: Statement
    awaited: bool = False


class If(Struct, frozen=True):
    """Conditions with their bodies in order, and what else."""

    branches: tuple[tuple[Block, Block], ...]
    otherwise: Block | None


class While(Struct, frozen=True):
    """``while`` or, where ``until``, ``until``."""

    condition: Block
    body: Block
    until: bool
    line: int


class For(Struct, frozen=True):
    """``for variable in words``; ``words`` is ``None`` for the positional parameters and for arithmetic loops."""

    variable: str
    words: tuple[Word, ...] | None
    body: Block
    line: int
    arithmetic: str = ""


class Case(Struct, frozen=True):
    """``case word in pattern) body ;; ...``."""

    word: Word
    items: tuple[tuple[tuple[Word, ...], Block], ...]


class Function(Struct, frozen=True):
    """A definition. ``worded``: with the word ``function`` in front."""

    name: str
    body: Statement
    worded: bool = False


Statement: TypeAlias = (
    Simple | Declare | Test | Pipe | AndOr | Not | Group | Background | If | While | For | Case | Function
)


class Block(Struct, frozen=True):
    """Statements one after another."""

    statements: tuple[Statement, ...] = ()


# What is said of a text that bash does not take.
REFUSED: Final = "not understood as bash from here on"


class Script(Struct, frozen=True, eq=False):
    """A shell text and where its lines are: ``lines[i]`` is the file's line of the text's line ``i``."""

    file: str
    body: Block
    lines: tuple[int, ...] = ()
    shebang: str = ""
    problems: tuple[Problem, ...] = field(default=())

    def spot(self, line: int, column: int = 0) -> Spot:
        if not self.lines:
            return Spot(self.file, line + 1, column + 1)
        return Spot(self.file, self.lines[min(line, len(self.lines) - 1)], column + 1)

    def always(self, spot: Spot) -> bool:
        """Whether what stands there is a command of the text itself, under no condition, in no function or loop."""
        return any(
            isinstance(each, Simple) and self.spot(each.line, each.column) == spot for each in self.body.statements
        )

    def own_lines(self) -> frozenset[Spot]:
        """Where its commands stand that are in no function."""
        return frozenset(self.spot(each.line, each.column) for each in _simple(self.body))

    def comes_to(self, spots: Container[Spot], *, stops: bool) -> bool:
        """Whether the text surely comes to a command at one of these places, whichever branches it takes, or ends with
        a failure. ``stops``: where a command fails, as a shell of its own does that gives up."""
        return self._leads(self.body, spots, stops=stops)

    def _leads(self, found: Block | Statement | None, spots: Container[Spot], *, stops: bool) -> bool:
        match found:
            case Block():
                return any(self._leads(each, spots, stops=stops) for each in found.statements)
            case Simple():
                return self.spot(found.line, found.column) in spots or _gives_up(found)
            case If():
                bodies = (*(body for _, body in found.branches), found.otherwise)
                return all(self._leads(each, spots, stops=stops) for each in bodies)
            case Case():
                rest = any(_takes_all(each) for patterns, _ in found.items for each in patterns)
                return rest and all(self._leads(body, spots, stops=stops) for _, body in found.items)
            case Group() if stops or not found.own_shell:
                return self._leads(found.body, spots, stops=stops)
            case AndOr():
                return self._leads(found.left, spots, stops=False)
        return False


def _gives_up(command: Simple) -> bool:
    """``exit 1``: what comes later is not come to."""
    words = [part.text if isinstance(part, Literal) else "" for word in command.words[:2] for part in word.parts]
    return len(words) == 2 and words[0] == "exit" and words[1].isdigit() and words[1] != "0"


def _takes_all(pattern: Word) -> bool:
    return [part.text if isinstance(part, Literal) else "" for part in pattern.parts] == ["*"]


def _simple(found: Block | Statement | None) -> Iterator[Simple]:
    """The commands of statements, without those of functions."""
    match found:
        case Simple():
            yield found
        case Block() | Pipe():
            for each in found.statements:
                yield from _simple(each)
        case If():
            for _, body in found.branches:
                yield from _simple(body)
            yield from _simple(found.otherwise)
        case Case():
            for _, body in found.items:
                yield from _simple(body)
        case Group() | While() | For():
            yield from _simple(found.body)
        case AndOr():
            yield from _simple(found.left)
            yield from _simple(found.right)
        case Not() | Background():
            yield from _simple(found.statement)
