"""From an answer's fields to CloudFormation's properties.

A :class:`Shape` is a type with the fields that a describer reads: which field of the answer becomes which property, and
what it means when the answer lacks it. :func:`said` is for what the service always tells, so that its lack is unknown;
:func:`maybe` for what the service leaves out where it is not set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct, field

from checker.collect.account.asking.answers import Answer
from checker.model.live.snapshot import LACKING, MISREAD, NOT_ASKED, NOT_YET
from checker.model.values import as_count

# What a malformed value makes of the code that reads it.
_MISTAKES: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)

Read = Callable[[Any], Any]


class Field(Struct, frozen=True):
    """One property and where it comes from. Paths are dotted. ``read`` turns the field's value into the property's;
    ``None`` from it means that nothing is set."""

    to: str
    source: str
    always: bool
    read: Read | None = None


def said(to: str, source: str = "", read: Read | None = None) -> Field:
    """A property that the service always tells."""
    return Field(to, source or to, always=True, read=read)


def maybe(to: str, source: str = "", read: Read | None = None) -> Field:
    """A property whose field is left out of the answer, or is null or an empty text, where it is not set."""
    return Field(to, source or to, always=False, read=read)


class Draft(Struct):
    """A resource in the making. ``ids``: what it may be called by; the first as ``Ref`` gives it."""

    type: str
    ids: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    name: str = ""  # for telling the stack by the name, where it is not the id

    @property
    def id(self) -> str:
        return self.ids[0]

    def set(self, path: str, value: Any) -> None:
        """Set a property; ``None`` is not set."""
        if value is None:
            return
        *above, last = path.split(".")
        node = self.properties
        for step in above:
            node = node.setdefault(step, {})
        node[last] = value

    def read(self, source: Any, fields: Iterable[Field]) -> Draft:
        """Fill in the fields of an answer. Answers itself."""
        for each in fields:
            value = at(source, each.source)
            if value is None or (value == "" and not each.always):
                if each.always:
                    self.unread[each.to] = LACKING
                continue
            try:
                self.set(each.to, value if each.read is None else each.read(value))
            except _MISTAKES:
                self.unread[each.to] = MISREAD
        return self

    def add(self, answer: Answer, *fields: Field, unread: Iterable[str] = ()) -> Draft:
        """Fill in what a question of its own answered; where it has no answer, exactly these properties are unread.

        Properties that ``unread`` names are unread as well then. An absence means that they are not set.
        """
        paths = [*dict.fromkeys([each.to for each in fields] + list(unread))]
        outcome = answer.outcome
        if not outcome.asked:
            self.unread.update(dict.fromkeys(paths, NOT_ASKED))
        elif outcome.failure is not None:
            self.unread.update(dict.fromkeys(paths, str(outcome.failure)))
        elif not outcome.absent:
            self.read(answer.value, fields)
        return self


def being_made(draft: Draft | None, *paths: str) -> Draft | None:
    """The draft of a resource that is being created: what it has only afterwards is not lacking, and not known."""
    if draft is not None:
        draft.unread.update({path: NOT_YET for path in paths if at(draft.properties, path) is None})
    return draft


class NamelessError(Exception):
    """An item of a list without the name that such a resource always has."""


class Shape(Struct, frozen=True):
    """A type, the fields that make its ids, and its fields."""

    type: str
    ids: tuple[str, ...]
    fields: tuple[Field, ...]
    tags: str = "Tags"

    def draft(self, source: Mapping[str, Any], ids: tuple[str, ...] | None = None) -> Draft | None:
        """The resource that an item of a list describes; ``None`` for no item.

        Raises :class:`NamelessError` where an item does not even say which resource it is: that it is there must not
        be forgotten.
        """
        if not source:
            return None
        named = [each for each in ids or [at(source, path) for path in self.ids] if each]
        found = tuple(map(str, named))
        if not found or any(isinstance(each, Mapping | list | bool) for each in named):
            raise NamelessError
        tags = tags_of(at(source, self.tags))
        return Draft(self.type, found, tags).read(source, self.fields)


def shape(kind: str, ids: str, *fields: Field, tags: str = "Tags") -> Shape:
    """A shape; ``ids`` are paths with spaces between them."""
    return Shape(kind, tuple(ids.split()), fields, tags)


def one_of(*fields: Field) -> Read:
    """Reads one object by its fields."""

    def read(value: Any) -> dict[str, Any]:
        draft = Draft("", ("",)).read(value, fields)
        if draft.unread:
            raise ValueError(", ".join(draft.unread))
        return draft.properties

    return read


def fields(words: str, make: Callable[[str], Field] = said) -> tuple[Field, ...]:
    """Properties that are called as in the answer, with spaces between them."""
    return tuple(make(word) for word in words.split())


def camel(words: str, make: Callable[[str, str], Field] = said) -> tuple[Field, ...]:
    """Properties whose field in the answer begins with a small letter, as those of ECS, ECR and Logs do."""
    return tuple(make(word, word[0].lower() + word[1:]) for word in words.split())


def at(source: Any, path: str) -> Any:
    """The value at a dotted path; ``None`` where there is none."""
    for step in path.split("."):
        if isinstance(source, Mapping):
            source = source.get(step)
        elif isinstance(source, list) and (index := as_count(step)) is not None and index < len(source):
            source = source[index]
        else:
            return None
    return source


def capitalised(value: Any) -> Any:
    """The same data with object keys that begin with a capital letter: the JSON services' keys are small."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: capitalised(each) for key, each in value.items()}
    return [capitalised(each) for each in value] if isinstance(value, list) else value


def picked(value: Mapping[str, Any], words: str) -> dict[str, Any]:
    """The named keys of an object, where they are set."""
    return {word: value[word] for word in words.split() if value.get(word) is not None}


def tags_of(tags: Any) -> dict[str, str]:
    """Tags as an object, from each form that services have for them."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    pairs = (each for each in tags or () if isinstance(each, Mapping)) if isinstance(tags, list) else ()
    found = {}
    for each in pairs:
        key = each.get("Key", each.get("key", each.get("TagKey")))
        if key is not None:
            found[str(key)] = str(each.get("Value", each.get("value", each.get("TagValue", ""))))
    return found


def own_tags(tags: Any) -> list[dict[str, str]] | None:
    """Tags as CloudFormation's list, without those that CloudFormation and other services put there themselves."""
    found = [{"Key": key, "Value": value} for key, value in sorted(tags_of(tags).items()) if not key.startswith("aws:")]
    return found or None


def whole(value: Any) -> int:
    """A number that a service wrote as text."""
    return int(value)


def truth(value: Any) -> bool:
    """A truth that a service wrote as text."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[str(value).lower()]


def policy(value: Any) -> Any:
    """A JSON policy as an object. One that does not parse is a misreading."""
    import json
    from urllib.parse import unquote

    if isinstance(value, Mapping):
        return value
    text = str(value)
    document = json.loads(text if text.lstrip()[:1] == "{" else unquote(text))
    if not isinstance(document, dict):
        raise TypeError("a policy is an object")
    return document


def iso(value: Any) -> str:
    """A time as ISO 8601; text as it is."""
    spoken = getattr(value, "isoformat", None)
    return str(spoken()) if spoken else str(value)
