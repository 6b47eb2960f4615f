"""Texts of scripts that differ at one place: what stands there is one value, and the script is followed once."""

from __future__ import annotations

import pytest

from checker.model.possible import Possible, joined, one_of, open_text
from checker.resolve.shell.starting import marked

_STACK = one_of(["Shop-api", "Shop-web"])


def test_what_differs_is_one_value() -> None:
    found = marked(joined(["cdk deploy ", _STACK, " --ci\n"]))
    assert found is not None
    text, values = found
    (place,) = values
    assert text == f"cdk deploy {place} --ci\n"
    assert values[place] == _STACK


def test_what_differs_is_a_whole_word() -> None:
    found = marked(joined(["deploy ", one_of(["prod", "preprod"]), "-1"]))
    assert found is not None
    assert one_of(found[1].values()) == one_of(["prod-1", "preprod-1"])


def test_what_is_not_known_stays_so() -> None:
    tag = open_text("${{ github.sha }}")
    found = marked(joined(["roll ", _STACK, " ", tag]))
    assert found is not None
    assert set(map(str, found[1].values())) == {str(_STACK), str(tag)}


@pytest.mark.parametrize(
    "text",
    [
        joined(["roll ", one_of(["a", "b; rm -rf x"])]),  # more than a word
        joined(["$", one_of(["A", "B"])]),  # the name of a variable
        joined(["${", one_of(["A", "B"]), "}"]),
        joined([one_of(["A", "B"]), "=1 roll"]),
        joined(["roll ", one_of(["a", "b"]), "\necho done ", one_of(["c", "d"])]),  # two places
        joined(["roll \ue000 ", one_of(["a", "b"])]),
    ],
)
def test_what_differs_in_more_is_not_followed(text: Possible) -> None:
    assert marked(text) is None
