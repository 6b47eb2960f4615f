"""Answers as tables of tests write them."""

from __future__ import annotations

from checker.model.answers import YES, Answer, Open


def said(answer: Answer) -> bool | None:
    """``None`` for one that is open, whatever its reason."""
    return None if isinstance(answer, Open) else answer is YES
