"""Whether a checkout of the application provides what these stacks and workflows need of it.

    python -m infra.contract [FOLDER]

Reads files and runs nothing. Exit code 0: everything is there; 1: something is missing, each with what to do; 2: the
folder cannot be read. docs/application-contract.md says the same in words, and what the application gets in return.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import naming
from infra.migrations import files
from infra.migrations.errors import MigrationError

HEALTH: Final = {"api": "/api/health", "frontend": "/health", "mcp": "/mcp/health", "storage": "/health"}
TOLD: Final = {
    "api": (
        "API_KEY_ENCRYPTION_KEY",
        "DB_HOST",
        "DB_PASSWORD",
        "GITHUB_CLIENT_ID",
        "GITHUB_CLIENT_SECRET",
        "GITHUB_SYNC_LAMBDA_NAME",
        "INVITE_KEYS",
        "REDIS_AUTH_TOKEN",
        "REDIS_URL",
        "STORAGE_SERVICE_API_KEY",
        "STORAGE_SERVICE_URL",
    ),
    "frontend": ("API_URL", "DB_HOST", "DB_PASSWORD", "REDIS_AUTH_TOKEN", "REDIS_URL"),
    "mcp": ("API_URL", "DB_HOST", "DB_PASSWORD"),
    "storage": ("DB_HOST", "DB_PASSWORD", "S3_BUCKET", "STORAGE_API_KEY"),
}
"""Variables that a service cannot work without, so its code must read them somewhere."""
SYNC: Final = Path("github-sync")
_CODE: Final = frozenset({".cjs", ".js", ".jsx", ".mjs", ".mts", ".ts", ".tsx"})
_PASSED_OVER: Final = frozenset(
    {".git", ".venv", "build", "cdk.out", "coverage", "dist", "infra", "node_modules", "tests"}
)
_LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that the application does not provide, and what to do."""

    what: str
    fix: str


def dockerfile(service: str) -> Path:
    return Path("services") / service / "Dockerfile"


def check(root: Path) -> Iterator[Missing]:
    """What is missing in the checkout at `root`. Raises OSError where that is no folder that can be read."""
    code = _code(root)
    yield from _images(root, code)
    yield from _function(root)
    yield from _migrations(root)
    yield from _seed(root)


def _code(root: Path) -> str:
    """All source text of the application, as one: which service has which shared module is its build's affair."""
    texts = []
    waiting = [root]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            if path.is_symlink() or path.name in _PASSED_OVER:
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.suffix in _CODE and path.stat().st_size < _LARGEST:
                texts.append(path.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(texts)


def _images(root: Path, code: str) -> Iterator[Missing]:
    for service in naming.SERVICES:
        if not (root / dockerfile(service)).is_file():
            yield Missing(
                f"the image of {service}", f"Add {dockerfile(service)}, built from the root of the repository."
            )
        if HEALTH[service] not in code:
            yield Missing(f"the health path of {service}", f"Answer 200 at {HEALTH[service]} when it can serve.")
    for variable in sorted({each for names in TOLD.values() for each in names}):
        if variable not in code:
            users = ", ".join(service for service, names in TOLD.items() if variable in names)
            yield Missing(f"a reader of {variable}", f"Read that variable of the environment in {users}.")


def _function(root: Path) -> Iterator[Missing]:
    package = root / SYNC / "package.json"
    try:
        described = json.loads(package.read_text(encoding="utf-8"))
    except FileNotFoundError:
        yield Missing("the GitHub sync function", f"Add {SYNC}/package.json with a script `build`.")
        return
    except ValueError:
        yield Missing(f"a {SYNC}/package.json that is JSON", "Correct it.")
        return
    scripts = described.get("scripts") if isinstance(described, dict) else None
    if not isinstance(scripts, dict) or "build" not in scripts:
        yield Missing(f"a script `build` in {SYNC}/package.json", f"It leaves index.js in {SYNC}/dist.")
    if not (package.parent / "package-lock.json").is_file():
        yield Missing(f"{SYNC}/package-lock.json", "Commit it: the build installs with `npm ci`.")


def _migrations(root: Path) -> Iterator[Missing]:
    for database in naming.MIGRATION_TASKS:
        folder = root / "migrations" / database
        try:
            found = files.discover(folder)
        except MigrationError as error:
            yield Missing(f"sound migrations of the {database} database: {error}", error.fix)
            continue
        if not found:
            yield Missing(f"migrations of the {database} database", f"Add migrations/{database}/0001_NAME.up.sql.")


def _seed(root: Path) -> Iterator[Missing]:
    service = root / "services" / "api"
    if not any(path.suffix in _CODE and "node_modules" not in path.parts for path in service.rglob("seed.*")):
        yield Missing("the seed", "Add services/api/src/seed.ts, which its build makes dist/seed.js of.")


def main(arguments: Sequence[str]) -> int:
    root = Path(arguments[0]) if arguments else Path()
    try:
        missing = list(check(root))
    except OSError as error:
        sys.stderr.write(f"error: {root}: {error.strerror}\n  fix: Name the folder of the application's checkout.\n")
        return 2
    for each in missing:
        sys.stdout.write(f"missing: {each.what}\n  fix: {each.fix}\n")
    sys.stdout.write(f"{len(missing)} missing\n" if missing else "the application provides everything\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
