"""Minor versions of a database that its service moves by itself, because the template asks for that.

With ``AutoMinorVersionUpgrade`` Amazon RDS upgrades an instance in its maintenance window; CloudFormation hands it a
version again only when the template's own changes. So a later minor version is what was declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from checker import lazy_re
from checker.model.values import Resolved

_ASKED: Final = "AutoMinorVersionUpgrade"
_VERSION: Final = "EngineVersion"
_NUMBERS: Final = lazy_re.compile(r"\d{1,6}(?:\.\d{1,6}){1,3}")
# Which of a version's numbers are the major version (Amazon RDS User Guide, engine versions).
_MAJOR: Final = {"postgres": 1, "mysql": 2, "mariadb": 2}


def upgraded(expected: Mapping[str, Resolved], live: Mapping[str, Resolved]) -> bool:
    """Whether a live database has a later minor version than declared, which its service was told to give it."""
    if str(expected.get(_ASKED)).lower() != "true" or str(live.get(_ASKED)).lower() != "true":
        return False
    ours, theirs = _numbers(expected.get(_VERSION)), _numbers(live.get(_VERSION))
    major = _MAJOR.get(str(expected.get("Engine")).lower())
    if ours is None or theirs is None or major is None:
        return False
    return len(ours) == len(theirs) == major + 1 and ours[:major] == theirs[:major] and theirs > ours


def _numbers(version: Resolved) -> tuple[int, ...] | None:
    if isinstance(version, str) and _NUMBERS.fullmatch(version):
        return tuple(map(int, version.split(".")))
    return None
