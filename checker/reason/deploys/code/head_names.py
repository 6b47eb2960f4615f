"""What git says of the commit that is checked out: its id, or with ``--exact-match`` a tag of it.

Checked out again, that changes no file. Sources: git's manual pages, git-rev-parse, git-describe (``--exact-match``:
only tags that are on the commit itself), git-tag (``--points-at``).
"""

from __future__ import annotations

from typing import Final

from checker import lazy_re
from checker.model.possible import Possible, shown

_OPTION: Final = r"""(?:\s+--?[\w-]+(?:[= ]['"]?v?[\w.]*\*['"]?)?)"""
_SAYS: Final = (
    r"git\s+(?:rev-parse(?:\s+--verify)?\s+HEAD"
    rf"|describe(?=[^)\n;|]*\s--exact-match){_OPTION}*(?:\s+HEAD)?"
    r"|tag\s+--points-at(?:\s+HEAD)?)"
)
_ALONE: Final = lazy_re.compile(rf"\$\({_SAYS}(?:\s+2>\s?/dev/null)?(?:\s*\|\s*head\s+-n?\s?1)?\)")
_ANYWHERE: Final = lazy_re.compile(rf"\brev-parse\b.*\bHEAD\b|{_SAYS}\s*(?=[)\n;|&2]|$)")


def names_head(ref: Possible) -> bool:
    """Whether a ref is what a command of git says of the commit that is there."""
    return _ALONE.fullmatch(shown(ref)) is not None


def asks_of_head(script: str) -> bool:
    """Whether a script asks git which commit is there."""
    return _ANYWHERE.search(script) is not None
