"""What variables hold in a loop that is followed once for all of its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.shell import Block, Declare, For, Simple, Statement, Test, Variable
from checker.model.possible import MAX_OPTIONS, Possible, one_of, open_text
from checker.model.values import Unknown
from checker.resolve.shell.lists.keyed import Keyed
from checker.resolve.shell.rehearsal.arithmetic import calculated
from checker.resolve.shell.state import State
from checker.resolve.shell.syntax_facts import assigned_in, counted, counted_in, first_word, names_in, within, words_in
from checker.resolve.shell.variables.scopes import meant

_HEADER: Final = lazy_re.compile(r"^\s*for\s*\(\(|^\s*\(\(|\)\)\s*;?\s*$")
_PARTS: Final = 3
_NAMES: Final = lazy_re.compile(r"[A-Za-z_]\w*")


def widen(body: Block, state: State, where: str) -> None:
    """What a loop assigns may hold something else when it comes round again."""
    for name in (meant(each, state.variables) for each in assigned_in(body)):
        known = state.variables.get(name)
        if known is not None and not isinstance(known, tuple):
            state.variables[name] = _widened(known, open_text(f"${{{name}}}", where))


def count(statement: Simple | Test, state: State) -> None:
    """What a loop counts has many values: none of them is followed."""
    for name in counted_in(statement):
        state.set(name, open_text(f"${{{name}}}", str(state.script.spot(statement.line))))


def by_index(loop: For, values: Sequence[Possible] | None, state: State) -> tuple[For, list[Possible]] | None:
    """A loop that counts through an array, ``for ((i = 0; i < ${#names[@]}; i++))`` with ``${names[i]}`` in it, as one
    over the numbers that it counts; ``None`` of any other: what only counts tries again."""
    if not loop.arithmetic:
        listed = values is not None and _indexes(loop.body, loop.variable)
        return (loop, list(values)) if listed and values is not None else None
    parts = [each.strip() for each in _HEADER.sub("", loop.arithmetic).split(";")]
    name = next((each for each in sorted(counted(loop.arithmetic)) if _indexes(loop.body, each)), None)
    if name is None or len(parts) != _PARTS or not parts[1]:
        return None
    fork = state.fork()
    found: list[Possible] = []
    calculated(parts[0], fork)
    while (goes_on := calculated(parts[1], fork)) and len(found) <= MAX_OPTIONS:
        number = fork.variables.get(name)
        found.append(number if isinstance(number, str) else None)
        calculated(parts[2], fork)
    known = goes_on == 0 and all(isinstance(each, str) for each in found)
    return (replace(loop, variable=name, arithmetic=""), found) if known else None


def _only_waits(statement: Statement) -> bool:
    """``sleep ${pauses[i]}`` stands in a loop that tries the same again."""
    return isinstance(statement, Simple) and first_word(statement) in {"sleep", "echo", "printf"}


def _indexes(body: Block, name: str) -> bool:
    """Whether a variable is used as an index of an array, for more than to tell how long to wait."""
    statements = [*within(body)]
    pauses = _Pauses(statements)
    words = [
        word
        for statement in statements
        if not _only_waits(statement) and not pauses.sets(statement)
        for word in words_in(statement)
    ]
    indices = (part.index for word in words for part in word.parts if isinstance(part, Variable))
    return any(name in _NAMES.findall(each) for each in indices)


class _Pauses:
    """The variables of a loop that tell how long it waits, and nothing else: ``delay=${pauses[i]}; sleep "$delay"``."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._used: dict[str, list[Statement]] = {}
        for statement in statements:
            for name in _names_used(statement):
                self._used.setdefault(name, []).append(statement)

    def sets(self, statement: Statement) -> bool:
        """Whether a statement sets such variables, and does nothing else."""
        names = _only_set(statement)
        return bool(names) and all(map(self._is_one, names))

    def _is_one(self, name: str) -> bool:
        """Whether what a variable holds is waited for, and at most printed beside, whichever other one takes it."""
        seen, pending, is_slept = {name}, [name], False
        while pending:
            for statement in self._used.get(pending.pop(), ()):
                names = _only_set(statement)
                if not names and not _only_waits(statement):
                    return False
                is_slept = is_slept or (isinstance(statement, Simple) and first_word(statement) == "sleep")
                pending += [each for each in names if each not in seen]
                seen.update(names)
        return is_slept


def _only_set(statement: Statement) -> list[str]:
    """The variables that a statement sets which does nothing else; none of any other."""
    if isinstance(statement, Declare):
        return [each.name for each in statement.assignments] if statement.keyword == "local" else []
    if not isinstance(statement, Simple) or statement.words or statement.redirects:
        return []
    return [each.name for each in statement.assignments]


def _names_used(statement: Statement) -> set[str]:
    """The variables that a statement takes the value of."""
    calculated_with = _NAMES.findall(statement.arithmetic) if isinstance(statement, Test | For) else ()
    return names_in(statement).union(calculated_with)


def _widened(known: Possible, opened: Possible) -> Possible:
    """Of an array of names not even those are known."""
    return Unknown(known.why) if isinstance(known, Keyed) else one_of([known, opened])
