"""The application's part, checked on a checkout that has it, and on ones that lack one thing each."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from infra import contract, naming
from infra.build import ROOT
from infra.constructs.services import ENDPOINTS
from tests.infra.support import Template


@pytest.fixture
def application(tmp_path: Path) -> Path:
    for service in naming.SERVICES:
        (tmp_path / "services" / service / "src").mkdir(parents=True)
        (tmp_path / contract.dockerfile(service)).write_text("FROM node:22-slim\n")
        read = "\n".join(f"process.env.{name};" for name in contract.TOLD[service])
        (tmp_path / "services" / service / "src/main.ts").write_text(
            f"app.get('{contract.HEALTH[service]}');\n{read}\n"
        )
    (tmp_path / "services/api/src/seed.ts").write_text("export {};\n")
    (tmp_path / "github-sync").mkdir()
    (tmp_path / "github-sync/package.json").write_text('{"scripts": {"build": "tsc"}}')
    (tmp_path / "github-sync/package-lock.json").write_text("{}")
    for database in ("main", "storage"):
        (tmp_path / "migrations" / database).mkdir(parents=True)
        (tmp_path / "migrations" / database / "0001_a.up.sql").write_text("-- migrate: expand\nCREATE TABLE a ();\n")
    return tmp_path


def test_a_checkout_that_has_everything(application: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert contract.main([str(application)]) == 0
    assert capsys.readouterr().out == "the application provides everything\n"


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        ("services/mcp/Dockerfile", None, "the image of mcp"),
        ("services/mcp/src/main.ts", "", "the health path of mcp"),
        ("services/storage/src/main.ts", "app.get('/health')", "a reader of S3_BUCKET"),
        ("services/api/src/seed.ts", None, "the seed"),
        ("github-sync/package.json", None, "the GitHub sync function"),
        ("github-sync/package.json", "{", "a github-sync/package.json that is JSON"),
        ("github-sync/package.json", "[]", "a script `build` in github-sync/package.json"),
        ("github-sync/package-lock.json", None, "github-sync/package-lock.json"),
        ("migrations/storage/0001_a.up.sql", None, "migrations of the storage database"),
        ("migrations/main/0001_a.up.sql", "CREATE TABLE a ();", "sound migrations of the main database"),
        ("migrations/main/0001_a.up.sql", "COMMIT;", "sound migrations of the main database"),
    ],
)
def test_what_is_missing_is_named(application: Path, file: str, text: str | None, what: str) -> None:
    path = application / file
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    assert any(missing.what.startswith(what) for missing in contract.check(application))


def test_a_client_of_redis_without_its_token_is_found(application: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for service in ("api", "frontend"):
        path = application / "services" / service / "src/main.ts"
        path.write_text(path.read_text().replace("process.env.REDIS_AUTH_TOKEN;", ""))
    assert contract.main([str(application)]) == 1
    assert capsys.readouterr().out == (
        "missing: a reader of REDIS_AUTH_TOKEN\n"
        "  fix: Read that variable of the environment in api, frontend.\n1 missing\n"
    )


def test_what_other_people_or_builds_wrote_is_no_code_of_the_application(application: Path) -> None:
    (application / "services/mcp/src/main.ts").write_text("")
    for folder in ("node_modules", "dist"):
        (application / "services/mcp" / folder).mkdir()
        (application / "services/mcp" / folder / "index.js").write_text(f"app.get('{contract.HEALTH['mcp']}')")
    assert [each.what for each in contract.check(application)] == ["the health path of mcp"]


def test_no_folder_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert contract.main([str(tmp_path / "nowhere")]) == 2
    assert "error: " in capsys.readouterr().err


def test_it_asks_for_what_the_stacks_say_and_the_workflows_do(stack: Template) -> None:
    assert {name: endpoint.health_path for name, endpoint in ENDPOINTS.items()} == contract.HEALTH
    for service, names in contract.TOLD.items():
        (container,) = stack.only(
            "AWS::ECS::TaskDefinition", Family=f"{naming.cluster(_environment(stack))}-{service}"
        )["ContainerDefinitions"]
        given = {each["Name"] for each in (*container["Environment"], *container["Secrets"])}
        assert set(names) <= given
    workflow = yaml.safe_load((ROOT / ".github/workflows/_build-images.yml").read_text(encoding="utf-8"))
    built: Mapping[str, str] = {
        each["image"]: each["dockerfile"] for each in workflow["jobs"]["build"]["strategy"]["matrix"]["include"]
    }
    assert {name: str(contract.dockerfile(name)) for name in naming.SERVICES}.items() <= built.items()


def _environment(stack: Template) -> str:
    return {naming.STAGING_STACK: "staging", naming.PRODUCTION_STACK: "production"}[stack.name]
