"""What of a file with a section per environment counts in production, as YAML merges it.

A section has the keys of those that it merges but for its own: one that is given again takes the place of the whole
value. Sources: YAML, "Merge Key Language-Independent Type"; Rails Guides, "Configuring Rails Applications" (the
environments that a new application has beside production).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import yaml
from msgspec import Struct, field

from checker import lazy_re
from checker.collect.yaml_nodes import composed

NEVER_DEPLOYED: Final = frozenset({"development", "test"})
_MERGES: Final = "<<"
_LIST: Final = yaml.SequenceNode
# Ruby that a file is made with: what prints stands for a value, the rest for nothing (Ruby documentation, ERB).
_RUBY: Final = lazy_re.compile(r"<%(=?)(?:[^%]|%(?!>))*%>")
_MOST: Final = 5_000  # nodes, and how deep they stand
_DEEPEST: Final = 50


def of_production(text: str) -> str | None:
    """The text with all lines blanked that say what does not count in production: it is another section's, or given
    again. Where there is no section for production, those are what is never deployed. ``None`` where it is no YAML that
    has sections, or too much of it."""
    try:
        root = composed(_RUBY.sub(_stand_in, text))
        if not isinstance(root, yaml.MappingNode):
            return None
        written, counting = _Lines(merged=False), _Lines(merged=True)
        written.take(root, 0)
        for key, value in _deployed(root):
            counting.take_pair(key, value, 0)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    blank = written.found - counting.found
    return "\n".join(" " * len(line) if at in blank else line for at, line in enumerate(text.split("\n")))


def _stand_in(match: re.Match[str]) -> str:
    """As many signs and lines, which YAML reads as a word or not at all."""
    return re.sub(r"[^\n]", "x" if match[1] else " ", match[0])


def _deployed(root: yaml.MappingNode) -> Sequence[tuple[yaml.Node, yaml.Node]]:
    production = [each for each in root.value if each[0].value == "production"]
    return production or [each for each in root.value if each[0].value not in NEVER_DEPLOYED]


class _Lines(Struct):
    """The lines, from 0, in which what a node comes to is written; without ``merged`` those of all that it is made of.
    Aliases may stand for more than anybody writes: that is refused."""

    merged: bool
    found: set[int] = field(default_factory=set)
    visited: int = 0

    def take(self, node: yaml.Node, deep: int) -> None:
        self._visit(deep)
        if isinstance(node, yaml.MappingNode):
            for key, value in self._merged(node, deep) if self.merged else node.value:
                self.take_pair(key, value, deep)
        elif isinstance(node, yaml.SequenceNode):
            for each in node.value:
                self.take(each, deep + 1)
        else:
            self.found.update(range(node.start_mark.line, node.end_mark.line + 1))

    def take_pair(self, key: yaml.Node, value: yaml.Node, deep: int) -> None:
        self.found.add(key.start_mark.line)
        self.take(value, deep + 1)

    def _merged(self, node: yaml.MappingNode, deep: int) -> list[tuple[yaml.Node, yaml.Node]]:
        """The pairs of a mapping: its own go before those that it merges, and of these the first before the others."""
        self._visit(deep)
        found = {str(key.value): (key, value) for key, value in node.value if key.value != _MERGES}
        given = [value for key, value in node.value if key.value == _MERGES]
        for each in (one for value in given for one in (value.value if isinstance(value, _LIST) else [value])):
            for pair in self._merged(each, deep + 1) if isinstance(each, yaml.MappingNode) else ():
                found.setdefault(str(pair[0].value), pair)
        return [*found.values()]

    def _visit(self, deep: int) -> None:
        self.visited += 1
        if self.visited > _MOST or deep > _DEEPEST:
            raise ValueError("more than is read")
