"""What people have decided about drift: the entries of ``policies/drift.yaml``, matched against what was found.

A *recorded* value is how the account is allowed to be: it excuses a difference as long as the account shows that very
value, and it keeps being watched. An *ignored* path is not looked at. An *accepted* deploy lets one replacement or
deletion of something that keeps data through. Nobody's decision excuses anything: without an owner, a reason and an end
an entry says only what was seen.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.live.drift import NextDeploy
from checker.model.live.drift_decisions import Decision, NotSet
from checker.model.resources import Raw
from checker.model.secrets.values import is_secret_name, looks_secret, plain_secret

NOT_SHOWN: Final = "(not shown)"
# A word of a command line, of which nothing says what it is for; and one that nobody would call a thing.
_IS_WORD: Final = lazy_re.compile(r"(?:^|\.)(?:Command|EntryPoint|Args)(?:\[\d+\])?$")
_GENERATED: Final = lazy_re.compile(r"(?:-\w)?(?=\S*\d)(?=\S*[A-Za-z])[^\s/:.,=]{8,}")


class Decisions(Struct, frozen=True):
    """All entries, and the day on which they are read."""

    entries: Sequence[Decision] = ()
    today: date = date.min

    def of(self, environment: str, names: Sequence[str | None]) -> list[Decision]:
        """The entries about a resource, whichever of its names they use."""
        return [each for each in self.entries if is_about(each, environment, names)]

    def ignores(self, about: Sequence[Decision], path: str) -> bool:
        return any(each.ignored and each.holds(self.today) and on_path(each, path) for each in about)

    def recorded(self, about: Sequence[Decision], path: str) -> Decision | None:
        """The recorded value of a path, the reviewed one where there are several."""
        found = [each for each in about if not isinstance(each.value, NotSet) and each.path == path]
        return min(found, key=lambda each: not each.holds(self.today), default=None)

    def accepts(self, about: Sequence[Decision], deploy: NextDeploy) -> Decision | None:
        return next((each for each in about if each.next_deploy is deploy and each.holds(self.today)), None)


def is_of(decision: Decision, environment: str) -> bool:
    """Whether an entry is about an environment."""
    return _glob(decision.environment).fullmatch(environment) is not None


def is_about(decision: Decision, environment: str, names: Sequence[str | None]) -> bool:
    """Whether an entry is about a resource, whichever of its names it uses."""
    return is_of(decision, environment) and any(_glob(decision.resource).fullmatch(name) for name in names if name)


def on_path(decision: Decision, path: str) -> bool:
    """Whether an entry is about a path: its own, what lies below it, and all where it names none."""
    if not decision.path or _glob(decision.path).fullmatch(path):
        return True
    return path.startswith((f"{decision.path}.", f"{decision.path}["))


def same_record(recorded: Raw, live: Raw) -> bool:
    return bool(recorded == recordable(live) or recorded == live)


def recordable(value: Raw, name: str = "") -> Raw:
    """A value as it may stand in a file: of what may be a secret, the digest."""
    if holds_secret(name, value):
        return "sha256:" + hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
    return value


def holds_secret(path: str, value: Raw) -> bool:
    """Whether a value, or anything in it, may be a secret. Variables hold them often enough to show none."""
    if value is None or isinstance(value, bool | int | float):
        return False
    leaf = _named_by(path)
    if isinstance(value, dict):
        named = next((value[key] for key in ("Name", "Key") if isinstance(value.get(key), str)), "")
        if isinstance(named, str) and named and any(looks_secret(named, str(each)) for each in value.values()):
            return True
        return any(holds_secret(f"{path}.{key}", each) for key, each in value.items())
    if isinstance(value, list):
        return any(holds_secret(path, each) for each in value)
    text = str(value)
    if _IS_WORD.search(path) and _GENERATED.fullmatch(text):
        return True
    if leaf in {"UserData", "AuthToken"} or (is_secret_name(leaf) and "Arn" not in leaf and looks_secret(leaf, text)):
        return True
    return plain_secret(text) is not None or looks_secret(leaf, text)


def _named_by(path: str) -> str:
    """The name of the setting at a path: its last key, or the variable's where that is ``Value``."""
    keys = re.split(r"[.\[\]]+", path.rstrip("]"))
    return keys[-2] if keys[-1] == "Value" and len(keys) > 1 else keys[-1]


def shown(path: str, value: Raw) -> Raw:
    """A value as reports may show it."""
    return NOT_SHOWN if holds_secret(path, value) else value


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in pattern), re.DOTALL)
