"""Templates that others wrote: every one is read, resolved and judged without a crash.

They lie beside this repository (``../shared/corpus``). Where they do not, this says so and tests nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.settings import Settings
from checker.model.verdicts import Outcome
from checker.run.judging import gate
from checker.run.request import Request

CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "templates"
TEMPLATES = sorted(file for file in CORPUS.rglob("*") if file.suffix in {".yaml", ".yml", ".json"})


@pytest.mark.skipif(not TEMPLATES, reason="the corpus is not beside this repository")
def test_the_corpus_is_whole() -> None:
    assert len(TEMPLATES) > 100


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(CORPUS)))
def test_corpus(file: Path) -> None:
    request = Request(project=CORPUS, settings=Settings(), assemblies=[("", file)])
    run = gate(request)
    crashed = [f"{verdict.id} {verdict.violation}" for verdict in run.verdicts if verdict.outcome is Outcome.ERROR]
    assert crashed == []
    assert run.verdicts
