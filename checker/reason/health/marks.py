"""What says of a release that it was deployed: its text, and a deployment's status.

Source: GitHub documentation, REST API, "Releases", "Deployment statuses"; GitHub CLI manual, ``gh release edit``.
"""

from __future__ import annotations

import re
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import shown
from checker.reason.deploys.http_requests import request_of

# What became of other jobs: `needs.release.result`, `contains(needs.*.result, 'failure')`, `job.status`.
_ASKS: Final = lazy_re.compile(r"\bneeds\b|\bjob\.status\b", re.IGNORECASE)
_MARKS: Final = lazy_re.compile(r"/(?:releases/[^/]+|deployments/[^/]+/statuses)(?:$|\?)")


def asks_of_others(command: Command) -> bool:
    """Whether a command's step runs by what became of other jobs, or says what became of them."""
    conditions = command.step.conditions if command.step is not None else ()
    given = [shown(value) for value in command.step.env.values()] if command.step is not None else []
    return any(_ASKS.search(each) for each in (*conditions, command.source, *given))


def is_mark(command: Command) -> bool:
    """Whether a command says of a release that it was deployed."""
    step = command.step
    if step is not None and "failure" in step.status_functions:
        return False
    words = [shown(word) for word in command.words]
    if command.program == "gh":
        if words[1:3] == ["release", "edit"]:
            return "--draft" not in words
        changes = any(word in {"PATCH", "POST", "-f", "-F", "--field", "--raw-field", "--input"} for word in words)
        return words[1:2] == ["api"] and changes and any(_MARKS.search(word) for word in words[2:]) and _done(words)
    request = request_of(command)
    if request is None or request.method not in {"PATCH", "POST", "PUT"}:
        return False
    return bool(_MARKS.search(shown(request.url))) and _done(words)


def _done(words: list[str]) -> bool:
    """A status other than success is no mark: that a deployment began, or that it failed."""
    text = " ".join(words)
    states = re.findall(r"\b(in_progress|queued|pending|failure|error|inactive|success)\b", text)
    return "/statuses" not in text or "success" in states or not states
