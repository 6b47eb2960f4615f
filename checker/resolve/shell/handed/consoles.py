"""``php artisan X``: Laravel's console, where the file is the one that Laravel makes.

Source: Laravel documentation, "Artisan Console". The file loads the application and hands over; which of the commands
change nothing is told by their names, as of any other program.
"""

from __future__ import annotations

import re
from typing import Final

from checker.data.harmless import inert
from checker.model.possible import Possible
from checker.resolve.shell.handed.kinds import Told

_PHP: Final = re.compile(r"php(?:\d(?:\.\d)?)?")
# Comments, and what loads the framework and its parts.
_STOCK: Final = re.compile(
    r"/\*.*?\*/|(?://|#)[^\n]*|^\s*use\s+[\w\\]+;|\brequire(?:_once)?\s+__DIR__\s*\.\s*'/(?:vendor/autoload|bootstrap/\w+)\.php'"
    r"|\bIlluminate[\w\\]+|\bSymfony[\w\\]+",
    re.DOTALL | re.MULTILINE,
)


def artisan(told: Told) -> list[Possible] | None:
    """``artisan X`` for ``php artisan X``; ``None`` for any other file."""
    rest = list(told.words[1:])
    if not _PHP.fullmatch(told.name):
        rest = list(told.words)
    while rest and isinstance(rest[0], str) and rest[0].startswith("-") and rest[0] != "-r":
        rest = rest[2 if rest[0] == "-d" else 1 :]
    file = rest[0] if rest else ""
    if not isinstance(file, str) or file.rpartition("/")[2] != "artisan":
        return None
    text = told.text_of(file)
    stock = text is not None and inert(_STOCK.sub("", text), javascript=False)
    return ["artisan", *rest[1:]] if stock else None
