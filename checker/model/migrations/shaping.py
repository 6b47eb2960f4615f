"""Programs that bring a database to the schema of their models when they start: which call or setting does so, and what
it may do to what is there. No migration tells of such a change, so nobody has reviewed it, and nothing takes it back.

The one place to add one; each names a tool of :mod:`checker.model.migrations.tools`. Looked up in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Shapes(StrEnum):
    """What is done to a database that holds something already."""

    ADDS = "adds"  # what is not there yet; what is there stays
    CHANGES = "changes"  # columns and types too
    EMPTIES = "empties"  # all that it holds goes


class Shaper(Struct, frozen=True):
    """One call. ``calls`` are expressions by language, ``uses`` one that a file of that library has; ``word`` is in
    every call, and is looked for first."""

    tool: str
    shapes: Shapes
    word: str
    calls: Mapping[str, str]
    uses: str = ""


_SCRIPT_OF_TYPEORM: Final = r"(?i:typeorm)|\bDataSource\b"

# Sources: TypeORM documentation, "Data Source Options" (synchronize, dropSchema); Sequelize documentation, "Model
# Basics" (model synchronization); SQLAlchemy documentation, "MetaData.create_all" and "drop_all"; EF Core's, "Create
# and Drop APIs"; GORM's, "Migration"; MikroORM's, "Schema Generator"; ent's, "Automatic Migration"; Tortoise ORM's,
# "Setting up"; Peewee's, "create_tables"; Exposed's, "SchemaUtils".
SHAPERS: Final = (
    Shaper("typeorm", Shapes.EMPTIES, "dropSchema", {"script": r"\bdropSchema['\"]?\s*:\s*true\b"}, _SCRIPT_OF_TYPEORM),
    Shaper("typeorm", Shapes.EMPTIES, "synchronize", {"script": r"\.synchronize\(\s*true\b"}, _SCRIPT_OF_TYPEORM),
    Shaper("typeorm", Shapes.CHANGES, "synchronize",
           {"script": r"\bsynchronize['\"]?\s*:(?!\s*(?:false\b|boolean\b|z\.))(?P<given>[^,;}\n]+)"
                      r"|\.synchronize\(\s*\)"}, _SCRIPT_OF_TYPEORM),
    Shaper("sequelize", Shapes.EMPTIES, ".sync(",
           {"script": r"\.sync\(\s*\{[^{}]{0,200}\bforce['\"]?\s*:\s*true\b"}, r"(?i:sequelize)"),
    Shaper("sequelize", Shapes.CHANGES, ".sync(",
           {"script": r"\.sync\(\s*\{[^{}]{0,200}\balter['\"]?\s*:\s*(?:true\b|\{)"}, r"(?i:sequelize)"),
    Shaper("sequelize", Shapes.CHANGES, "sync:",
           {"script": r"\bsync:\s*\{[^{}]{0,200}\b(?:alter|force):\s*true\b"}, r"\bSequelizeModule\b"),
    Shaper("sequelize", Shapes.ADDS, "equelize.sync(", {"script": r"\b[sS]equelize\.sync\(\s*\)"}),
    Shaper("sqlalchemy", Shapes.EMPTIES, "drop_all",
           {"python": r"\b(?:metadata|db)\.drop_all\b"}, r"(?i:sqlalchemy|sqlmodel)"),
    Shaper("sqlalchemy", Shapes.ADDS, "create_all",
           {"python": r"\b(?:metadata|db)\.create_all\b"}, r"(?i:sqlalchemy|sqlmodel)"),
    Shaper("entity-framework", Shapes.EMPTIES, "EnsureDeleted",
           {"csharp": r"\bDatabase\s*\.\s*EnsureDeleted(?:Async)?\s*\("}),
    Shaper("entity-framework", Shapes.ADDS, "EnsureCreated",
           {"csharp": r"\bDatabase\s*\.\s*EnsureCreated(?:Async)?\s*\("}),
    Shaper("gorm", Shapes.CHANGES, "AutoMigrate", {"go": r"\.AutoMigrate\("}, r"gorm\.io/|/gorm\""),
    Shaper("ent", Shapes.CHANGES, ".Schema.Create", {"go": r"\.Schema\.Create\("}, r"/ent\"|entgo\.io/"),
    Shaper("mikro-orm", Shapes.EMPTIES, "refreshDatabase", {"script": r"\.refreshDatabase\("}, r"(?i:mikro-?orm)"),
    Shaper("mikro-orm", Shapes.CHANGES, "updateSchema", {"script": r"\.updateSchema\("}, r"(?i:mikro-?orm)"),
    Shaper("mikro-orm", Shapes.CHANGES, ".schema.update", {"script": r"\.schema\.update\("}, r"(?i:mikro-?orm)"),
    Shaper("tortoise", Shapes.ADDS, "generate_schemas",
           {"python": r"\bgenerate_schemas(?:\(|\s*=\s*True\b)"}, r"\btortoise\b"),
    Shaper("peewee", Shapes.ADDS, "create_tables", {"python": r"\.create_tables\(\s*\["}, r"\bpeewee\b"),
    Shaper("exposed", Shapes.CHANGES, "createMissingTablesAndColumns",
           {"other": r"\bSchemaUtils\.createMissingTablesAndColumns\("}),
)  # fmt: skip

# What a setting of Hibernate's, or of a framework around it, has it do when a program starts. What is not among them
# changes nothing. Sources: Hibernate ORM User Guide, "Automatic schema generation" (hibernate.hbm2ddl.auto: `create`
# drops first); Spring Boot documentation, "Database Initialization" (spring.jpa.hibernate.ddl-auto); Quarkus
# documentation, "Using Hibernate ORM" (database.generation); Jakarta Persistence, schema-generation.database.action.
OF_HIBERNATE: Final[Mapping[str, Shapes]] = {
    "update": Shapes.CHANGES,
    "create": Shapes.EMPTIES,
    "create-drop": Shapes.EMPTIES,
    "drop-and-create": Shapes.EMPTIES,
    "drop": Shapes.EMPTIES,
    "create-only": Shapes.ADDS,
}
# Variables that say the same to a container (Spring Boot documentation, "Binding From Environment Variables"; Quarkus
# documentation, "Configuration Reference Guide"), and to TypeORM (its documentation, "Using environment variables").
HIBERNATES_VARIABLES: Final = frozenset(
    {
        "SPRING_JPA_HIBERNATE_DDL_AUTO",
        "SPRING_JPA_HIBERNATE_DDLAUTO",
        "SPRING_JPA_PROPERTIES_HIBERNATE_HBM2DDL_AUTO",
        "QUARKUS_HIBERNATE_ORM_DATABASE_GENERATION",
        "QUARKUS_HIBERNATE_ORM_SCHEMA_MANAGEMENT_STRATEGY",
    }
)
