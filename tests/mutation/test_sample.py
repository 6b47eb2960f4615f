"""Which mutants are made. Runs where the tool is installed: ``make mutants``."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst")

import libcst as cst
from mutmut.mutation.file_mutation import create_mutations

from tests.mutation.sample import code, sampling

SOURCE = """
def check(bucket, other):
    why = "a" if bucket.old else "b"
    if bucket.open and other:
        yield bucket.fails("open", f"{bucket.name} lets {other or 'all'} in.", fix=advice(bucket), path="Policy")
    else:
        yield bucket.passes("open", "Nobody else is let in.")
    return Unknown(bucket.name + "is not known before deployment")
"""


def made(every: int, share: int = 1) -> list[tuple[str, str]]:
    mutations = sampling(every, share, create_mutations)("checker/sample.py", SOURCE)[1]
    return [(code(each.original_node), code(each.mutated_node)) for each in mutations]


def test_what_people_read_is_left_alone() -> None:
    fails = """bucket.fails("open", f"{bucket.name} lets {other or 'all'} in.", fix=advice(bucket), path="Policy")"""
    passes = 'bucket.passes("open", "Nobody else is let in.")'
    calls = [(call, call.replace('"open", ', other)) for call in (fails, passes) for other in ("None, ", "")]
    strings = [('"open"', '"XXopenXX"')] * 2
    assert sorted(made(1)) == sorted([("bucket.open and other", "bucket.open or other"), *calls, *strings])


def test_a_share_is_the_same_each_time_and_every_file_gives_one() -> None:
    assert made(1000) == made(1000)
    assert len(made(1000)) == 1
    assert set(made(2)) < set(made(1))


def test_the_shares_are_all_there_is() -> None:
    shares = [each for share in (1, 2, 3) for each in made(3, share)]
    assert sorted(shares) == sorted(made(1))


def test_code_is_as_it_was_written() -> None:
    assert code(cst.parse_expression("a  + b")) == "a  + b"
