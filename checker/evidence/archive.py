"""The pack as one file: a zip whose bytes follow from its contents alone, and which is read as what a stranger sent.

Nothing is compressed, so the bytes do not depend on a compressor's version, and nothing can unpack to more than is
there. Reading extracts nothing to disk.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from checker import lazy_re

MAX_BYTES: Final = 256 * 1024 * 1024
MAX_FILES: Final = 1000
# The first moment that a zip can tell: a pack has no clock.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_NAME: Final = lazy_re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/){0,3}[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)


def is_safe(name: str) -> bool:
    """Whether a name can be a file of a pack: relative, plain, below the pack's own folder."""
    return len(name) <= 200 and _NAME.fullmatch(name) is not None


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip, in the order of their names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.create_system = 3  # as on the systems that run it: the default would follow the machine
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return stream.getvalue()


class Unpacked(Struct):
    """What a zip holds, and what is wrong with it as a container."""

    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def unpack(raw: bytes) -> Unpacked:
    """Read a zip. Every way in which it is not one that :func:`pack` wrote is a fault, in words."""
    found = Unpacked()
    if len(raw) > MAX_BYTES:
        found.faults.append(f"the zip has {len(raw):,} bytes, over the limit of {MAX_BYTES:,}")
        return found
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            _read(archive, found)
    except (zipfile.BadZipFile, EOFError, ValueError, OSError, RuntimeError) as error:
        found.faults.append(f"the zip is damaged: {error}")
        return found
    if not found.faults and (again := pack(found.files)) != raw:
        position = next(
            (at for at, (ours, theirs) in enumerate(zip(again, raw, strict=False)) if ours != theirs),
            min(len(again), len(raw)),
        )
        found.faults.append(f"the zip itself was changed at byte {position:,}, outside of its files' contents")
    return found


def _read(archive: zipfile.ZipFile, found: Unpacked) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        found.faults.append(f"the zip lists {len(entries):,} files, over the limit of {MAX_FILES:,}")
        return
    left = MAX_BYTES
    for entry in entries:
        name = entry.filename
        if not is_safe(name):
            found.faults.append(f"{name!r} is no name of a file in a pack")
        elif name in found.files:
            found.faults.append(f"{name} stands in the zip twice")
        elif entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 0x1:
            found.faults.append(f"{name} is compressed or encrypted, which a pack's files never are")
        elif entry.file_size != entry.compress_size or (left := left - entry.file_size) < 0:
            found.faults.append(f"{name} claims a size that it does not have")
        else:
            try:
                found.files[name] = archive.read(entry)
            except zipfile.BadZipFile as error:
                found.faults.append(f"{name} was changed, or its place in the zip ({error})")
