"""Which command lines apply migrations, and with which tool."""

from __future__ import annotations

import pytest

from checker.model.migrations.tools import TOOLS
from checker.reason.migrations.tools import applies


@pytest.mark.parametrize(
    ("line", "tool", "back"),
    [
        ("python3.12 -m alembic -x tenant=a upgrade head", "alembic", False),
        ("poetry run flask --app shop db downgrade", "alembic", True),
        ("pnpm exec prisma db push --accept-data-loss", "prisma", False),
        ("npx --yes node-pg-migrate -m sql down", "node-pg-migrate", True),
        ("mvn -B org.flywaydb:flyway-maven-plugin:11.0.0:migrate", "flyway", False),
        ("./gradlew :db:flywayUndo", "flyway", True),
        ("dotnet-ef database update 0 --context Shop", "entity-framework", False),
        ("php bin/console --no-interaction doctrine:migrations:migrate", "doctrine", False),
        ("goose -s -dir sql -timeout 9s postgres DSN up-to 12", "goose", False),
        ("bundle exec rake db:rollback", "rails", True),
        ("mix ecto.migrate", "ecto", False),
        ("/opt/tools/bin/flyway migrate", "flyway", False),
        ("psql DSN -f seeds/migrations/7.sql", "psql", False),
        ("psql DSN -f schema.sql", "psql", False),
        ("psql DSN -f schema.ddl", "psql", False),
        ("mariadb -h db1 -u app shop -e schema.sql", "sql-client", False),
        ("sqlcmd -S db1 -i tables.sql", "sql-client", False),
        ("go run github.com/pressly/goose/v3/cmd/goose@v3.24.1 up", "goose", False),
        ("superset db upgrade", "alembic", False),
        ("npx prisma db execute --file fix.sql", "prisma", False),
        ("gh-ost --table=users --execute", "gh-ost", False),
        ("dotnet fm migrate -p Postgres -a Shop.dll", "fluent-migrator", False),
        ("dotnet fm migrate -p Postgres -a Shop.dll down", "fluent-migrator", True),
        ("dotnet ef database update", "entity-framework", False),
        ("dotnet evolve migrate postgresql", "evolve", False),
        ("./gradlew update -PrunList=main", "liquibase", False),
        ("gradle :db:rollbackCount -PliquibaseCommandValue=1", "liquibase", True),
        ("java -jar /opt/liquibase.jar --url=x update", "liquibase", False),
        ("rails db:migrate:primary", "rails", False),
        ("bin/rails db:rollback:primary", "rails", True),
        ("sea-orm-cli migrate up", "sea-orm", False),
        ("piccolo migrations backwards all 1", "piccolo", True),
        ("php bin/cake migrations migrate", "cakephp", False),
        ("php yii migrate --interactive=0", "yii", False),
        ("SqlPackage /Action:Publish /SourceFile:shop.dacpac", "sqlpackage", False),
        ("grate --files=db --connectionstring=x", "grate", False),
        ("vendor/bin/doctrine-migrations migrate -n", "doctrine", False),
    ],
)
def test_a_known_tool(line: str, tool: str, back: bool) -> None:
    found = applies(line.split())
    assert found is not None
    assert found.tool is not None
    assert (found.tool.name, found.back, found.contained) == (tool, back, False)


@pytest.mark.parametrize(
    ("line", "tool"),
    [
        ("podman run --rm --network host -e DATABASE_URL shop:1.2 sqlx migrate run", "sqlx"),
        ("docker compose -f ops.yml exec -T web bundle exec rails db:migrate", "rails"),
        ("docker run -v ./sql:/sql migrate/migrate:v4 -path /sql -database DSN up", "golang-migrate"),
        ("kubectl -n shop exec deploy/api -- python manage.py migrate", "django"),
        ("docker compose exec -T db psql -U app -f db/migrations/7.sql", "psql"),
        ("docker run shop:dev alembic upgrade head", "alembic"),
        ("docker run registry.example.com/tools/flyway:10 migrate", "flyway"),
        ("sudo docker compose exec web alembic upgrade head", "alembic"),
    ],
)
def test_inside_a_container(line: str, tool: str) -> None:
    found = applies(line.split())
    assert found is not None
    assert found.tool is not None
    assert (found.tool.name, found.contained) == (tool, True)


@pytest.mark.parametrize(
    ("words", "tool"),
    [
        (["ssh", "-p", "22", "shop@app.example.com", "cd /srv/shop && flask db upgrade"], "alembic"),
        (["ssh", "app", "docker", "compose", "exec", "-T", "web", "rails", "db:migrate"], "rails"),
        (["heroku", "run", "python", "manage.py", "migrate", "--app", "shop"], "django"),
        (["copilot", "task", "run", "--command", "alembic upgrade head"], "alembic"),
        (["ssh", "app", "alembic current && uptime"], None),
        (["ssh", "app", "echo alembic upgrade head"], None),
        (["heroku", "run", "rails", "db:version"], None),
    ],
)
def test_on_another_machine(words: list[str], tool: str | None) -> None:
    found = applies(words)
    assert (found.tool.name if found is not None and found.tool is not None else None) == tool


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("cd app && alembic upgrade head", "alembic"),
        ("sleep 3; npx prisma migrate deploy | tee log", "prisma"),
        ("cd app && alembic history", None),
        ("echo 'unclosed", None),
    ],
)
def test_what_a_container_s_shell_is_told(text: str, tool: str | None) -> None:
    found = applies(["docker", "run", "--rm", "shop:1", "sh", "-ec", text])
    assert (found.tool.name if found is not None and found.tool is not None else None) == tool


@pytest.mark.parametrize(
    "line",
    [
        "alembic upgrade head --sql",
        "flask db current",
        "dotnet ef migrations list",
        "php artisan migrate --pretend",
        "./gradlew flywayInfo build",
        "docker build -t migrate .",
        "docker run --rm shop:1.2 alembic history",
        "docker compose up migrate",
        "docker run flyway migrate",
        "kubectl exec alembic upgrade head",
        "psql DSN --file seeds/all.sql",
        "mysql -h db1 -e 1",
        "dotnet ef migrations script --idempotent",
        "mix ecto.migrations",
        "mvn verify",
        "./gradlew update",
        "./gradlew status -PrunList=main",
        "java -jar app.jar",
        "dotnet fm list migrations",
        "sea-orm-cli migrate status",
        "rails db:migrate:status",
        "migrate -version",
        "npx knex migrate:currentVersion",
        "SqlPackage /Action:Extract /TargetFile:shop.dacpac",
    ],
)
def test_what_only_looks_or_does_something_else(line: str) -> None:
    assert applies(line.split()) is None


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_command_of_the_table_is_read_back(tool: object) -> None:
    """No two tools share a program, and no command counts as one that only looks."""
    programs = [program for each in TOOLS for program in each.programs]
    assert len(programs) == len(set(programs))
    table = next(each for each in TOOLS if each is tool)
    for program in table.programs:
        for way, commands in ((False, table.forwards), (True, table.backwards)):
            for command in commands:
                found = applies([*program.split(), *command])
                assert found is not None, command
                assert (found.tool, found.back) == (table, way), command
