"""Revisions that a pipeline uses again: which value is one, and whether anything looks at what it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import AwsCall, plain_name
from checker.model.possible import Possible, Scalar, call_behind, options, shown
from checker.model.values import Absent, CallPlace
from checker.reason.deploys.paths import At
from checker.reason.names.families import answered_by

_OUTPUT_OF_STACK: Final = lazy_re.compile(
    # The option of every command of AWS's, `--output text`, is no stack's output.
    r"describe[-_]?stacks|list[-_]?exports|(?<!-)outputs?\b.*task|task.*(?<!-)outputs?\b|\bstack\w*\[|outputs?\[",
    re.I,
)


_TEXT: Final = lazy_re.compile(r"\"[^\"]*\"|'[^']*'")
# What speaks of what a revision runs.
_OF_IMAGES: Final = lazy_re.compile(
    r"image|sha\b|_sha|commit|(?<![a-z])tags?(?![a-z])|digest|container|release", re.IGNORECASE
)


def at_origin(at: At, origin: CallPlace) -> AwsCall | None:
    """The last call before ``at`` whose answer that is."""
    found = answered_by(at.trace, at.index, origin)
    return found[1] if found is not None else None


def from_stack(value: Possible) -> bool:
    """Whether a value is what a stack gives, by what is asked for it, wherever that stands, or by its name."""
    each = options(value) or ()
    origins = (origin for option in each if (origin := call_behind(option)) is not None)
    asked = any(plain_name(origin.operation) in {"describestacks", "listexports"} for origin in origins)
    return asked or any(_OUTPUT_OF_STACK.search(shown(option)) for option in each)


def used_again(at: At, value: Scalar) -> bool:
    """Whether a value is the newest revision of a family that is named, not of what the stack gives."""
    origin = call_behind(value)
    if origin is None or plain_name(origin.operation) != "describetaskdefinition":
        return False
    asked = at_origin(at, origin)
    family = asked.text("taskDefinition") if asked is not None else Absent()
    return not isinstance(family, Absent) and not from_stack(family)


def unseen_again(at: At, values: Iterable[Scalar]) -> bool:
    """Whether a program uses a revision again without a look at what it runs, or at what would be registered."""
    for value in values:
        origin = call_behind(value)
        made = at_origin(at, origin) if origin is not None else None
        if made is not None and made.operation == "RegisterTaskDefinition" and made.unless:
            given = re.findall(r"(?<![.\w])[a-z_]\w*(?!\w*\s*=[^=])", _TEXT.sub("", made.source.partition("(")[2]))
            # A field of it that is asked for by its name tells of that field alone.
            words = "|".join(map(re.escape, given)) or "-"
            named = re.compile(rf"\b(?:{words})\b(?!\s*(?:\.get\(|\[)\s*['\"])")
            return not any(_OF_IMAGES.search(each) or named.search(each) for each in made.unless)
    return False
