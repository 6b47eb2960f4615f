"""The files that build tools run as code, or that tell them of programs: by their names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checker import lazy_re
from checker.collect.folders import walk

_NAME: Final = lazy_re.compile(
    r"build\.rs|pom\.xml|.*\.gradle(?:\.kts)?|.*\.(?:[cfv][sb]?proj|targets|props)|CMakeLists\.txt|.*\.cmake|.*\.sbt"
    r"|mix\.exs|build\.zig|.*\.ninja|.*\.(?:scala|kt|groovy|java)"
)
_CODE_OF_BUILDS: Final = lazy_re.compile(
    r"(?:.*/)?(?:buildSrc|build-logic)/.*\.(?:kt|groovy|java)|(?:.*/)?project/.*\.scala"
)
_CODE: Final = lazy_re.compile(r".*\.(?:scala|kt|groovy|java)")


def build_files(root: Path, most: int) -> Iterator[str]:
    """Their paths, relative to the root."""
    for path in walk(root, lambda name: _NAME.fullmatch(name) is not None, most, []):
        if not _CODE.fullmatch(path) or _CODE_OF_BUILDS.fullmatch(path):
            yield path
