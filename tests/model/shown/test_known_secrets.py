"""Secrets that a project's files set in plain text are known by the names they are set under, and left out."""

from __future__ import annotations

import pytest

from checker.model.secrets.values import looks_secret
from checker.model.shown.known_secrets import secrets_set, without_known
from checker.model.shown.secret_text import NOT_SHOWN
from checker.model.verdicts import Coverage, Unread

SECRET = "hunter2-Zq9Lm"


@pytest.mark.parametrize(
    "text",
    [
        f"DB_PASSWORD={SECRET}",
        f"export DB_PASSWORD='{SECRET}'",
        f"      DB_PASSWORD: {SECRET}\n",
        f"env: {{DB_PASSWORD: {SECRET}, OTHER: 1}}",
        f'{{"dbPassword": "{SECRET}"}}',
        f"password: str = '{SECRET}'",
        f"os.environ['DB_PASSWORD'] = \"{SECRET}\"",
        f"os.environ.setdefault('DB_PASSWORD', '{SECRET}')",
        f"tool --db-password {SECRET}",
        f"tool --db-password={SECRET}",
        f'\'{{\\"password\\": \\"{SECRET}\\"}}\'',
        "SMTP_PASSWORD = 'correct-horse-battery-staple'",
    ],
)
def test_what_is_set_under_the_name_of_a_secret_is_one(text: str) -> None:
    (found,) = secrets_set(["nothing here", text])
    assert found in {SECRET, "correct-horse-battery-staple"}


@pytest.mark.parametrize(
    "text",
    [
        "POSTGRES_PASSWORD: postgres",  # and the image is postgres:16, too
        "DB_PASSWORD: ${{ secrets.DB_PASSWORD_2 }}",
        'DB_PASSWORD="$(fetch db-password-1)"',
        "DB_PASSWORD=$PASSWORD_2",
        "password: '{{resolve:secretsmanager:db1:SecretString:password}}'",
        "cluster: main-cluster-2",
        "password: varchar(100)",
        'arn("secretsmanager", "secret:shop/db-a1B2c3")',
        "--secret-id arn:aws:secretsmanager:eu-west-1:111111111111:secret:shop/db-a1B2c3",
        "SecretArn: arn:aws:secretsmanager:eu-west-1:111111111111:secret:db-a1B2c3",
        '"MasterUserPassword": "MasterUserSecret"',
        "secret_name: shop/production/db1",
        "token=self.tokens.next_one",
        "password_max_length: 100000",
        "env:\n  KEY_1:\n  NEXT_VALUE1: x",
    ],
)
def test_what_is_a_word_or_names_one_is_none(text: str) -> None:
    assert secrets_set([text]) == frozenset()


def test_it_is_left_out_of_all_texts_and_of_nothing_that_only_begins_so() -> None:
    said = Coverage((), (), {}, (Unread("a", f"what `tool {SECRET}` does", f"{SECRET}x"),), (f"({SECRET})",))
    told = without_known(said, [SECRET, "hunter2"])
    assert told.unread == (Unread("a", f"what `tool {NOT_SHOWN}` does", f"{NOT_SHOWN}-Zq9Lmx"),)
    assert told.notes == (f"({NOT_SHOWN})",)


@pytest.mark.parametrize(
    "name",
    [
        *("DB_PASSWORD", "db_pass", "API_KEY", "auth", "CREDENTIALS", "basic_login", "HMAC", "PEPPER", "PASSWD", "PW"),
        *("CLIENT_SECRET", "ACCESS_TOKEN", "passphrase", "PGPASSWORD", "SALT", "SESSION_COOKIE_KEY", "SIGNING_KEY"),
        *(
            "smtpPw",
            "passwort",
            "DSN_CREDENTIAL",
            "bearer",
            "jwt",
            "PRIVATE_KEY",
            "seed",
            "mnemonic",
            "GITHUB_PAT",
            "pswd",
        ),
    ],
)
def test_every_name_of_a_secret_is_looked_for(name: str) -> None:
    """The quick look at a name misses none that calls for a secret."""
    value = "user:hunter2-Zq9LmQ7x83kd92lm47pz61"
    assert looks_secret(name, value) is bool(secrets_set([f"{name}='{value}'"]))
