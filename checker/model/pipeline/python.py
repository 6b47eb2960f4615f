"""A parsed Python file of the repository. It is never imported; :mod:`checker.resolve.python.code` follows it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from checker.model.sources import Spot


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PythonModule:
    """A file and its syntax. ``names`` is what following it has bound so far; ``package`` its folder."""

    file: str
    tree: ast.Module
    names: dict[str, Any] = field(default_factory=dict)
    package: str = ""

    def __repr__(self) -> str:
        return f"<PythonModule {self.file}>"  # never what it binds: modules bind one another

    def fresh(self) -> PythonModule:
        """The same file with nothing bound: every start of a program follows its own."""
        return PythonModule(self.file, self.tree, {}, self.package)

    def spot(self, node: ast.AST) -> Spot:
        return Spot(self.file, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)
