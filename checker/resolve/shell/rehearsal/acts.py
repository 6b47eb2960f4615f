"""Which commands of a script do something that others will see."""

from __future__ import annotations

from typing import Final, NamedTuple

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import shown
from checker.model.sources import Spot

_FOR_LATER: Final = lazy_re.compile(r"GITHUB_(?:OUTPUT|ENV|PATH)")
# Commands that only say or read something, unless they write for a later step.
_SAYS: Final = frozenset(
    {"echo", "printf", "true", "false", ":", "sleep", "exit", "return", "test", "[", "[[", "cat", "date", "jq", "grep",
     "sed", "awk", "head", "tail", "wc", "tr", "cut", "sort", "uniq", "export", "tee", "curl", "rm", "ls", "seq",
     "jobs", "set", "read", "touch", "local", "declare", "trap"}
)  # fmt: skip


class Act(NamedTuple):
    """Something done that others will see: where, and what AWS is called for, which a variable may say
    (``aws cloudformation "$DO-stack"``)."""

    spot: Spot
    call: str


def act_of(command: Command) -> Act:
    called = command.words[1:3] if command.program == "aws" else ()
    return Act(command.spot, " ".join(map(shown, called)))


def acts(command: Command) -> bool:
    """Whether a command does more than say or read something: for a person that is no difference."""
    if any(write.descriptor == 1 and _FOR_LATER.search(shown(write.target)) for write in command.writes):
        return True
    words = [each for each in command.words[1:4] if isinstance(each, str) and not each.startswith("-")]
    asks = command.program == "aws" and len(words) > 1 and words[1].startswith(("describe-", "list-", "get-", "wait"))
    return command.program not in _SAYS and not asks
