"""No connection over a network without TLS, and none to a server that is not the one that was named."""

from pathlib import Path

import pytest

from tests.infra.migrations import tls
from tests.infra.migrations.conftest import Outcome, Run
from tests.infra.migrations.support import Site


@pytest.fixture
def ready(site: Site) -> Site:
    site.write(_0001_a__up="CREATE TABLE a (x int);", _0001_a__down="DROP TABLE a;")
    return site


def over_network(site: Site, run: Run, port: int, ca_file: Path, *arguments: str) -> Outcome:
    site.extra.update(
        DB_TLS="", DB_HOST="localhost", DB_PORT=str(port), DB_PASSWORD="hunter2", DB_CA_FILE=str(ca_file)
    )  # fmt: skip
    outcome = run(site, "up", *arguments)
    site.extra.clear()
    assert "hunter2" not in outcome.out + outcome.err
    return outcome


def refused(site: Site, outcome: Outcome, why: str) -> bool:
    assert outcome.code == 2
    assert f"no encrypted and verified connection to {site.name} on localhost:" in outcome.err
    assert why in outcome.err
    return site.query("SELECT to_regclass('doc_platform_migrations')") == [(None,)]


def test_a_verified_server_is_used(ready: Site, run: Run, tmp_path: Path) -> None:
    server = tls.certificate(tmp_path, "localhost")
    with tls.port(ready.host, server) as port:
        outcome = over_network(ready, run, port, server)
    assert outcome.code == 0, outcome.err
    assert f"connected to {ready.name} on localhost:{port}" in outcome.out


def test_a_server_without_tls_is_refused(ready: Site, run: Run, tmp_path: Path) -> None:
    with tls.port(ready.host, None) as port:
        outcome = over_network(ready, run, port, tls.certificate(tmp_path, "localhost"))
    assert refused(ready, outcome, "server does not support SSL")


def test_the_certificate_of_another_authority_is_refused(ready: Site, run: Run, tmp_path: Path) -> None:
    with tls.port(ready.host, tls.certificate(tmp_path, "localhost")) as port:
        outcome = over_network(ready, run, port, tls.certificate(tmp_path, "localhost"))
    assert refused(ready, outcome, "certificate verify failed")


def test_the_certificate_of_another_host_is_refused(ready: Site, run: Run, tmp_path: Path) -> None:
    server = tls.certificate(tmp_path, "db.example.com")
    with tls.port(ready.host, server) as port:
        outcome = over_network(ready, run, port, server)
    assert refused(ready, outcome, "does not match host name")


def test_the_variables_of_libpq_do_not_weaken_it(
    ready: Site, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=0")
    with tls.port(ready.host, None) as port:
        outcome = over_network(ready, run, port, tls.certificate(tmp_path, "localhost"))
    assert refused(ready, outcome, "server does not support SSL")


def test_a_deadline_cancels_the_statement_over_tls_too(ready: Site, run: Run, tmp_path: Path) -> None:
    ready.write(_0001_a__up="CREATE TABLE a (x int);\nSELECT pg_sleep(60);")
    server = tls.certificate(tmp_path, "localhost")
    with tls.port(ready.host, server) as port:
        outcome = over_network(ready, run, port, server, "--deadline", "0.7")
    assert outcome.code == 5, outcome.err
    assert ready.query("SELECT to_regclass('a')") == [(None,)]
    assert ready.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == [(0,)]
