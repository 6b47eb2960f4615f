"""What a run shows beside its verdicts, as plain data of the run document and back."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from checker.model.shown.facts import Excerpt, Facts, Fate, Framework, ImagesOfAge, Retention, TokenRow
from checker.nodes import Node


def document(facts: Facts) -> dict[str, Any]:
    """In the order of the schema."""
    return {
        "roles": list(facts.roles),
        "tokens": to_builtins(facts.tokens),
        "retention": [
            {
                "repositories": list(each.repositories),
                "when": each.when,
                "images": to_builtins(each.images),
            }
            for each in facts.retention
        ],
        "excerpts": to_builtins(facts.excerpts),
        "pages": dict(facts.pages),
        "frameworks": {each.id: {"title": each.title, "parts": dict(each.parts)} for each in facts.frameworks},
    }


def read(node: Node) -> Facts:
    if node.empty:
        return Facts()
    return Facts(
        roles=_texts(node, "roles"),
        tokens=tuple(node.items("tokens", _read_token, optional=True)),
        retention=tuple(node.items("retention", _read_retention, optional=True)),
        excerpts=tuple(node.items("excerpts", _read_excerpt, optional=True)),
        pages=node.mapping("pages", lambda n, _: n.as_text(), optional=True),
        frameworks=tuple(node.mapping("frameworks", _read_framework, optional=True).values()),
    )


def _texts(node: Node, key: str) -> tuple[str, ...]:
    return tuple(node.items(key, Node.as_text, optional=True))


def _read_token(node: Node) -> TokenRow:
    return TokenRow(
        workflow=node.text("workflow"),
        job=node.text("job"),
        event=node.text("event"),
        subject=node.text("subject"),
        asked=node.text("asked", ""),
        admitted=_texts(node, "admitted"),
        perhaps=_texts(node, "perhaps"),
    )


def _read_retention(node: Node) -> Retention:
    return Retention(_texts(node, "repositories"), node.text("when"), tuple(node.items("images", _read_images)))


def _read_images(node: Node) -> ImagesOfAge:
    age, count = node.child("age").as_number(), node.child("count").as_number()
    return ImagesOfAge(node.text("kind"), age, count, node.one_of("fate", Fate), node.text("must", ""))


def _read_excerpt(node: Node) -> Excerpt:
    line, first = node.child("line").as_number(), node.child("first").as_number()
    return Excerpt(
        node.text("file"), line, first, tuple(node.items("lines", lambda n: None if n.empty else n.as_text()))
    )


def _read_framework(node: Node, identifier: str) -> Framework:
    return Framework(
        identifier, node.text("title"), tuple(node.mapping("parts", lambda n, _: n.as_text(), optional=True).items())
    )
