"""How a migration that is written as code declares itself, whatever its file is called: each tool's own documentation.

A program that only names one of these is none.
"""

from __future__ import annotations

import re
from typing import Final

from checker import lazy_re

ENDINGS: Final = (".py", ".rb", ".ts", ".js", ".mjs", ".cjs", ".php", ".cs", ".exs", ".go", ".java", ".kt",
                  ".groovy", ".scala", ".rs")  # fmt: skip
# Before each form a word of it, which is looked for at once.
_FORMS: Final = tuple(
    (word, lazy_re.compile(written, re.MULTILINE))
    for word, written in (
        ("down_revision", r"^down_revision\b"),
        ("yoyo", r"^(?:from yoyo import|import yoyo\b)"),
        ("playhouse", r"^(?:from playhouse\.migrate import|from playhouse import migrate\b)"),
        ("migrator", r"^def migrate\(migrator\b"),
        ("BaseDBAsyncClient", r"^async def upgrade\(\w+: BaseDBAsyncClient\b"),
        ("MigrationManager", r"^async def forwards\(\)"),
        ("migrations.Migration", r"^class\s+\w+\([^)]*\bmigrations\.Migration\b"),
        ("django.db.migrations", r"^from django\.db\.migrations(?:\.migration)? import [^\n]*\bMigration\b"),
        ("ActiveRecord::Migration", r"<\s*ActiveRecord::Migration\b"),
        ("migration do", r"^\s*(?:Sequel|ROM::SQL|Hanami::Model)\.migration do\b"),
        ("MigrationInterface", r"\bimplements\b[^\n]*\bMigrationInterface\b"),
        ("exports.up", r"\bexports\.up\s*="),
        ("exports", r"\bmodule\.exports\s*=\s*\{\s*(?:async\s+)?['\"]?up['\"]?\s*[(:,]"),
        ("export default", r"\bexport\s+default\s*\{\s*(?:async\s+)?['\"]?up['\"]?\s*[(:,]"),
        ("export", r"\bexport\s+(?:async\s+)?(?:function|const)\s+up\b"),
        ("AddMigration", r"\bAddMigration\w*\("),
        ("Register", r"\bMigrations?\.(?:Must)?Register(?:TxFunc|Tx)?\("),
        ("gormigrate.Migration", r"\bgormigrate\.Migration\b"),
        ("JavaMigration", r"(?:\b(?:extends|implements)\s+|:\s*)(?:Base)?JavaMigration\b"),
        ("Ecto.Migration", r"\buse\s+Ecto\.Migration\b"),
        ("MigrationTrait", r"\bimpl\s+MigrationTrait\s+for\b"),
        ("extends", r"\bextends\s+\w*Migration\b"),
        ("Migration", r"class\s+\w+\s*(?:\([^)]*\)\s*)?:\s*\w*Migration\b"),
    )
)


def is_code(text: str) -> bool:
    return any(word in text and pattern.search(text) is not None for word, pattern in _FORMS)
