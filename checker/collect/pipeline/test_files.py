"""The files that runners of tests in other languages than Python take for tests, and configuration that is code: by
their names, or their folders'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checker import lazy_re
from checker.collect.folders import walk

_CODE: Final = lazy_re.compile(
    r".*\.(?:[cm]?[jt]sx?|bats|go|rb|php|rs|feature|py|java|kts?|scala|groovy|cs|fs|exs|swift)"
)
_TEST: Final = lazy_re.compile(
    r"(?:.*/)?(?:[^/]*[._-](?:test|tests|spec|specs|cy|e2e|it)\.[cm]?[jt]sx?"  # JavaScript, TypeScript
    r"|(?:__tests__|tests?|specs?|e2e|integration|cypress|playwright)/.*\.[cm]?[jt]sx?"
    r"|[^/]*\.bats|[^/]*_test\.go|[^/]*_(?:spec|test)\.rb|[^/]*Test\.php|tests/.*\.rs|[^/]*\.feature"
    r"|(?:.*/)?src/(?:test|it|integrationTest|integration-test|functionalTest)/.*\.(?:java|kt|scala|groovy)"
    r"|[^/]*(?:Tests?|IT|Spec)\.(?:java|kt|scala|groovy|cs|fs)|(?:.*/)?[\w.]*\.?Tests?/.*\.(?:cs|fs|swift)"
    r"|[^/]*_test\.exs"
    r"|features/(?:steps/.*|environment)\.py"
    r"|[\w-]+(?:\.[\w-]+)*\.config\.[cm]?[jt]s|\.(?:eslint|prettier|babel|stylelint)rc\.[cm]?js)"
)


def test_files(root: Path, most: int) -> Iterator[str]:
    """Their paths, relative to the root."""
    for path in walk(root, lambda name: _CODE.fullmatch(name) is not None, most, []):
        if _TEST.fullmatch(path):
            yield path
