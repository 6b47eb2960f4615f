"""Answers of a recorded account, changed by the steps of `tests.patches` into others that AWS documents.

The answers stand in one document: operation, then what was asked about, then the answer. What was asked about is the
last word of the question's first value, without what CloudFormation or a service made up (``DocPlatformProd-Alarms``
for a topic of that name); ``all`` where nothing was named. A time is written as it is, or from now: ``+20 days``.

An answer to what was not asked before may say how it is asked: ``asked``, beside its own fields. ``refused`` in their
place is the code of an error.

Every answer that a step touched is valid against the operation's shape in botocore afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import botocore.session
from botocore.validate import ParamValidator

from tests import patches
from tests.collect.account.support import error
from tests.lab.taped import Key, Tape

_MADE_UP: Final = re.compile(r"(?:-[0-9A-F]{10,}|^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$")
_FROM_NOW: Final = re.compile(r"([+-]\d+) (minutes|days)")
Question = tuple[Key, str]
Document = dict[str, dict[str, Any]]


def changed(tape: Tape, steps: Sequence[Any]) -> Tape:
    """The same account after the steps. Raises :class:`tests.patches.PatchError` for one that changes nothing."""
    questions = dict(_questions(tape))
    document: Document = {"cloudformation:ListImports": {}}
    for (operation, word), question in questions.items():
        (page,) = tape.answers[question]  # type: ignore[misc]
        document.setdefault(operation, {})[word] = _plain(page)
    before = json.loads(json.dumps(document))
    for step in patches.flat(steps):
        patches.apply(document, step)
    answers = dict(tape.answers)
    for operation, words in document.items():
        for word, answer in words.items():
            if before[operation].get(word) != answer:
                asked = answer.pop("asked", None)
                question = questions.get((operation, word)) or _asked(operation, asked or word)
                answers[question] = error(answer["refused"]) if "refused" in answer else [_valid(operation, answer)]
    return replace(tape, answers=answers)


def _questions(tape: Tape) -> Iterator[tuple[tuple[str, str], Question]]:
    """Operation and word of every question that one answer was given to."""
    counts: dict[tuple[str, str], int] = {}
    for question, pages in sorted(tape.answers.items(), key=lambda each: each[0]):
        (service, operation), text = question
        if isinstance(pages, Exception) or len(pages) != 1:
            continue
        first = next(iter(json.loads(text).values()), "all")
        words = re.split(r"[/:]", str(first if not isinstance(first, list) else first[0] if first else "all"))
        place = f"{service}:{operation}", _MADE_UP.sub("", words[-1])
        counts[place] = counts.get(place, -1) + 1
        yield (place[0], place[1] if not counts[place] else f"{place[1]} {counts[place]}"), question


def _asked(operation: str, asked: Any) -> Question:
    """A question that was not asked before: as it is, or by the one thing that it is about."""
    service, _, name = operation.partition(":")
    (first,) = _model(service).operation_model(name).input_shape.required_members
    parameters = asked if isinstance(asked, dict) else {first: asked}
    return (service, name), json.dumps(parameters, sort_keys=True)


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def _plain(value: Any) -> Any:
    """JSON of an answer, without what HTTP had of it."""
    kept = {key: each for key, each in value.items() if key != "ResponseMetadata"}
    return json.loads(json.dumps(kept, default=lambda each: each.isoformat() if isinstance(each, datetime) else ""))


def _valid(operation: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    service, _, name = operation.partition(":")
    shape = _model(service).operation_model(name).output_shape
    filled: Mapping[str, Any] = _filled(answer, shape)
    report = ParamValidator().validate(filled, shape)
    assert not report.has_errors(), f"{operation}: {report.generate_report()}"
    return filled


def _filled(value: Any, shape: Any) -> Any:
    """The value with its times as boto3 gives them."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{shape.name} has no {', '.join(unknown)}"
        # The emulator says "" for a text that it lacks, which no service does.
        return {key: _filled(each, shape.members[key]) for key, each in value.items() if each != ""}
    if shape.type_name == "list" and isinstance(value, list):
        return [_filled(each, shape.member) for each in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _filled(each, shape.value) for key, each in value.items()}
    if shape.type_name == "timestamp" and isinstance(value, str):
        told = _FROM_NOW.fullmatch(value)
        if told is None:
            return datetime.fromisoformat(value)
        return datetime.now(UTC) + timedelta(**{told[2]: int(told[1])})
    return value
