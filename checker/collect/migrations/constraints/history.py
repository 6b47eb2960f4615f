"""What the migrations before a file say of what it asks for."""

from __future__ import annotations

from collections.abc import Iterable

from checker.collect.migrations.constraints.checks import with_checks
from checker.collect.migrations.constraints.keys import with_keys
from checker.collect.migrations.constraints.there import with_what_is_there
from checker.model.migrations.folders import Migration


def with_history(migrations: Iterable[Migration]) -> tuple[Migration, ...]:
    """The same migrations; what refuses nothing that was not refused before is marked as expanding, and what is done
    to what is in use as just that."""
    return tuple(with_what_is_there(with_keys(with_checks(migrations))))
