"""What other declared resources explain: a rule, a policy, an attachment or a target that is a resource of its own.

A security group shows rules that ``AWS::EC2::SecurityGroupIngress`` adds, a role the policies of ``AWS::IAM::Policy``,
a listener the certificates of ``AWS::ElasticLoadBalancingV2::ListenerCertificate``. Which type adds what is not listed
here: a resource that refers to another, and says the very thing that the other shows, is why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from checker.drift.meaning.scalars import is_arn, is_neutral, names_of
from checker.model.resources import Raw
from checker.model.values import Resolved, worth

_NAMES: Final = ("PolicyName", "Name", "Sid", "Id")


class Sibling(Struct, frozen=True, eq=False):
    """A declared resource: its resolved properties, and the words by which it is known in the account."""

    properties: dict[str, Resolved]
    own: frozenset[str]


class Siblings:
    """The declared resources of an environment by what they mention."""

    def __init__(self, resources: Iterable[Sibling], account: str = "", told: Resolved = None) -> None:
        """``told``: what a snapshot says of resources that are neither declared nor in it."""
        self._told = set(_words(told)) | set(_keys(told))
        # A rule that names another group shows whose account that group is in.
        self._account = {account} if account else set()
        self._words: dict[Sibling, set[str]] = {}
        self._by_word: dict[str, list[Sibling]] = {}
        for each in resources:
            words = self._words[each] = set(_words(each.properties))
            for word in words:
                self._by_word.setdefault(word, []).append(each)

    def explaining(self, own: frozenset[str]) -> Callable[[Raw], bool]:
        """Whether something that a resource shows is what another one, that refers to it, declares.

        ``own``: the words by which the resource is known.
        """
        near: dict[Sibling, None] = {}
        for word in own:
            for each in self._by_word.get(word, ()):
                if not (each.own & own):
                    near[each] = None

        def explained(value: Raw) -> bool:
            return any(self._says(each, value, own) for each in near) or self._is_told(value, own)

        return explained

    def _is_told(self, value: Raw, own: frozenset[str]) -> bool:
        if not self._told:
            return False
        if isinstance(value, list):
            return bool(value) and all(self._is_told(each, own) for each in value)
        if isinstance(value, dict):
            name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
            words = [worth(each) for each in _leaves(value) if not is_neutral(each)]
            return name in self._told or all(word in self._told | own | self._account for word in words)
        return isinstance(value, str) and len(value) > 3 and value in self._told

    def _says(self, sibling: Sibling, value: Raw, own: frozenset[str]) -> bool:
        known = self._words[sibling] | own | sibling.own | self._account
        if isinstance(value, list):
            return bool(value) and all(self._says(sibling, each, own) for each in value)
        if not isinstance(value, dict) and not (isinstance(value, str) and len(value) > 3 and not value.isdigit()):
            return False  # a bare number or word is too common to come from there
        words = [worth(each) for each in _leaves(value) if not is_neutral(each)]
        if words and all(word in known or (is_arn(word) and names_of(word) & known) for word in words):
            return True
        return isinstance(value, dict) and _same_name(sibling.properties, value)


def _keys(value: Resolved) -> Iterator[str]:
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(each)
    if isinstance(value, dict):
        yield from value


def _same_name(declared: dict[str, Resolved], shown: dict[str, Raw]) -> bool:
    """An inline policy and the resource that made it have one name; what else both say must be the same."""
    name = next((name for name in _NAMES if isinstance(shown.get(name), str) and name in declared), None)
    if name is None or declared[name] != shown[name]:
        return False
    return all(declared[key] == each for key, each in shown.items() if isinstance(each, str | int) and key in declared)


def _words(value: Resolved) -> Iterator[str]:
    for leaf in _leaves(value):
        word = worth(leaf)
        yield word
        if is_arn(word):
            yield from names_of(word)


def _leaves(value: Resolved) -> Iterator[Resolved]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif value is not None:
        yield value
