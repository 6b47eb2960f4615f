"""Which file of the repository lies at an address in a bucket."""

from __future__ import annotations

import os
import re
from pathlib import Path

from checker.collect.seen import asked
from checker.collect.templates.search import TEMPLATE_FILES
from checker.model.resources import Raw


def file_of(url: Raw, folder: Path, root: Path) -> str | None:
    """The file below ``root`` whose path a URL ends in, as it is named from ``folder``; the nearest one.

    A template that lies in a bucket is uploaded from the repository: the URL's last part is the file's path there, and
    what stands before it (bucket, prefix, version) is known to the deployment alone.
    """
    value = _last_text(url)
    if not value.endswith(TEMPLATE_FILES):
        return None
    steps = re.split(r"[/}]", value)
    if ".." in steps:
        return None
    above = [folder, *(each for each in folder.parents if each == root or root in each.parents)]
    for start in range(len(steps)):
        tail = "/".join(steps[start:])
        for each in above:
            if tail and asked(each / tail).is_file():
                return os.path.relpath(each / tail, folder)
    return None


def _last_text(url: Raw) -> str:
    """What a URL ends in, as far as it is written out: of a string, ``Fn::Sub`` or ``Fn::Join``."""
    function, argument = next(iter(url.items())) if isinstance(url, dict) and len(url) == 1 else ("", url)
    if function == "Fn::Join":
        argument = argument[-1] if isinstance(argument, list) and argument else None
        argument = argument[-1] if isinstance(argument, list) and argument else None
    elif function == "Fn::Sub" and isinstance(argument, list) and argument:
        argument = argument[0]
    return argument if isinstance(argument, str) else ""
