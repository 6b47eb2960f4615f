"""What an intrinsic function may ask of the scope that it is evaluated in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from checker.model.answers import Answer
from checker.model.resources import Raw, Stack
from checker.model.values import Absent, Hole, Parameter, Pseudo, Resolved, ResourceKey, Text


class Outside(Protocol):
    """Whom an expression may refer to beyond its own stack."""

    @property
    def scopes(self) -> Mapping[str, Evaluation]: ...

    def exported(self, name: str | Text, stack: Stack) -> tuple[Evaluation, Raw] | None: ...

    def is_one(self, hole: Hole, *, of_text: bool) -> bool: ...

    def setting(self, target: ResourceKey, name: str) -> Resolved | Absent: ...

    def stack_named(self, name: str) -> Evaluation | None: ...


class Evaluation(Protocol):
    """One stack's expressions in one world."""

    @property
    def stack(self) -> Stack: ...

    @property
    def linker(self) -> Outside: ...

    @property
    def declared_resources(self) -> Mapping[str, Raw]: ...

    @property
    def mappings(self) -> Mapping[str, Raw]: ...

    @property
    def rows(self) -> Mapping[Parameter | Pseudo, str | None]: ...

    def resolve(self, expression: Raw) -> Resolved | Absent: ...

    def ref(self, name: Raw) -> Resolved | Absent: ...

    def get_att(self, logical_id: str, attribute: str) -> Resolved | Absent: ...

    def condition(self, name: str) -> Answer: ...

    def test(self, expression: Raw) -> Answer: ...

    def output(self, name: str) -> Resolved | Absent: ...

    def guarded(self, kind: str, name: str, compute: Callable[[], Resolved | Absent]) -> Resolved | Absent: ...
