"""What the container is built from."""

import re
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from tests.infra.migrations.support import REPOSITORY

FOLDER = REPOSITORY / "infra" / "migrations"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()


def pins(text: str) -> dict[str, tuple[str, set[str]]]:
    """Version and hashes of each package of a requirements file."""
    found = re.findall(r"^([a-z][\w.-]*)==([^ \\]+)(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    return {name: (version, set(re.findall(r"sha256:([0-9a-f]{64})", rest))) for name, version, rest in found}


def test_the_container_installs_what_the_tests_ran_with_and_nothing_more() -> None:
    ours = pins((FOLDER / "requirements.txt").read_text())
    everything = pins((REPOSITORY / "locks" / "requirements.txt").read_text())
    assert set(ours) == {"pglast", "psycopg", "psycopg-binary", "typing-extensions"}
    assert ours == {name: everything[name] for name in ours}
    assert all(hashes for _, hashes in ours.values())
    assert "--require-hashes" in DOCKERFILE


def test_the_container_is_not_root_and_its_base_has_an_exact_version() -> None:
    users = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert users == [("10001", "10001")]
    assert re.search(r"^ARG PYTHON_IMAGE=python:\d+\.\d+\.\d+-slim-[a-z]+$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def test_the_files_that_the_container_copies_exist() -> None:
    sources = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert len(sources) == 5
    assert all(list(REPOSITORY.glob(source)) for source in sources)
    # A folder for each database, under the names that the tasks are told (MIGRATIONS_DIR).
    assert "COPY migrations /app/migrations" in DOCKERFILE
    assert {"main", "storage"} <= {path.name for path in (REPOSITORY / "migrations").iterdir()}
    assert (
        (FOLDER / "certs" / "rds-us-west-2.pem").as_posix().endswith(re.findall(r"DB_CA_FILE=/app(\S+)", DOCKERFILE)[0])
    )


def test_the_database_is_verified_by_the_regions_own_roots() -> None:
    """A root more or less is a decision: compare its fingerprint with the bundle that Amazon RDS publishes."""
    roots = x509.load_pem_x509_certificates((FOLDER / "certs" / "rds-us-west-2.pem").read_bytes())
    assert {root.fingerprint(SHA256()).hex()[:16]: root.subject.rfc4514_string().split(",")[1] for root in roots} == {
        "01926d42a0dc6391": "CN=Amazon RDS us-west-2 Root CA ECC384 G1",
        "2888c2f870f2a58e": "CN=Amazon RDS us-west-2 Root CA RSA4096 G1",
        "86e22f41c79b0de5": "CN=Amazon RDS us-west-2 Root CA RSA2048 G1",
    }
    for root in roots:
        root.verify_directly_issued_by(root)
        assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert root.not_valid_after_utc > datetime(2060, 1, 1, tzinfo=UTC)
