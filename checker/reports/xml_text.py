"""Text made safe for XML and HTML."""

from __future__ import annotations

from html import escape
from typing import Final

from checker import lazy_re

# What XML 1.0 has no way to write, not even as a reference (W3C, XML 1.0, production 2, Char).
_NOT_XML: Final = lazy_re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: object) -> str:
    """For element content and quoted attributes alike."""
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(value)), quote=True)
