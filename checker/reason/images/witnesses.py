"""Tags that a lifecycle rule's patterns match, found from the patterns themselves.

A few made-up versions show nothing about a rule for ``v3.*``, and a few made-up commits nothing about ``*ab*``: the
tags to try a rule on are those that it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, product
from typing import Final

from checker.reason.images.references import ANY_SHA, Form, literal

_DIGIT: Final = frozenset("0123456789")
# What follows the numbers of a version (Semantic Versioning 2.0.0, item 9, and what others make of it).
_ENDS: Final = ("", "-rc.#", "-rc#", "-beta.#", "-alpha.#", "-#", "-hotfix.#")
_MOST_PARTS: Final = 3
_STEPS: Final = 20_000


@lru_cache(maxsize=64)
def releases(pattern: str) -> tuple[Form, ...]:
    """The forms of the tags that releases have, after a pattern of the settings such as ``v*``."""
    if "*" not in pattern:
        return (literal(pattern),)
    head, _, rest = pattern.partition("*")
    found: list[Form] = []
    for parts in range(_MOST_PARTS, 0, -1):
        for sizes in product(("#", "##"), repeat=parts):
            found += [_form(f"{head}{'.'.join(sizes)}{end}{rest.replace('*', '')}") for end in _ENDS]
    return tuple(found)


def _form(written: str) -> Form:
    return [_DIGIT if each == "#" else frozenset(each) for each in written]


def release_tags(patterns: Sequence[str], release: str, most: int) -> list[str]:
    """Tags of releases that meet all of a rule's patterns, those apart that a commit's tag may meet."""
    own = [each for each in patterns if any(_alive(each, form)[0][0] for form in releases(release))]
    found: dict[str, None] = {}
    for form in releases(release) if own else ():
        found.update(dict.fromkeys(islice(_examples(own, form), most - len(found))))
        if len(found) >= most:
            break
    return list(found)


def commit_tags(patterns: Sequence[str], most: int) -> list[str]:
    """Commit SHAs that meet all of a rule's patterns."""
    return list(islice(_examples(patterns, ANY_SHA), most))


def _alive(pattern: str, form: Form) -> list[list[bool]]:
    """``[where][at]``: whether what is left of the pattern can match what is left of the form."""
    table = [[False] * (len(pattern) + 1) for _ in range(len(form) + 1)]
    for where in range(len(form), -1, -1):
        for at in range(len(pattern), -1, -1):
            if at == len(pattern):
                table[where][at] = where == len(form)
            elif pattern[at] == "*":
                table[where][at] = table[where][at + 1] or (where < len(form) and table[where + 1][at])
            elif where < len(form):
                allowed = form[where]
                table[where][at] = (allowed is None or pattern[at] in allowed) and table[where + 1][at + 1]
    return table


def _examples(patterns: Sequence[str], form: Form) -> Iterator[str]:
    """The tags of a form that meet all patterns, in order, as far as they are found in a bounded number of steps."""
    tables = [_alive(each, form) for each in patterns]
    if not all(table[0][0] for table in tables):
        return
    pending: list[tuple[str, tuple[frozenset[int], ...]]] = [("", tuple(frozenset({0}) for _ in patterns))]
    for _ in range(_STEPS):
        if not pending:
            return
        written, states = pending.pop()
        if len(written) == len(form):
            yield written
            continue
        for character in sorted(form[len(written)] or (), reverse=True):
            after = tuple(
                frozenset(_stepped(pattern, places, character, table[len(written) + 1]))
                for pattern, places, table in zip(patterns, states, tables, strict=True)
            )
            if all(after):
                pending.append((written + character, after))


def _stepped(pattern: str, places: frozenset[int], character: str, alive: list[bool]) -> Iterator[int]:
    """Where in the pattern one may be after one more character, as far as its end can still be reached from there."""
    pending = list(places)
    while pending:
        at = pending.pop()
        if at < len(pattern) and pattern[at] == "*":
            pending.append(at + 1)
            if alive[at]:
                yield at
        elif at < len(pattern) and pattern[at] == character and alive[at + 1]:
            yield at + 1
