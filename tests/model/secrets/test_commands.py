"""Secrets that only their place in a command line gives away, and words in the same places that are none."""

from __future__ import annotations

import pytest

from checker.model.secrets.commands import spans_of_arguments, words_to_show


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in dict.fromkeys(spans_of_arguments(text))]


WORD = "correct-horse-9"


@pytest.mark.parametrize(
    "line",
    [
        "curl -u admin:WORD https://shop.example.com/health",
        "curl -fsS --user 'admin:WORD' https://shop.example.com/health",
        "curl -fsSu admin:WORD https://shop.example.com/health",
        "curl -sku'admin:WORD' https://shop.example.com/health",
        "curl --proxy-user admin:WORD -x proxy:3128 https://shop.example.com/health",
        "zip -erP WORD out.zip build",
        "ldapsearch -xwWORD -b dc=example",
        "docker login -u AWS -pWORD registry.example.com",
        "wget --auth=admin:WORD https://shop.example.com",
        "http -a admin:WORD https://shop.example.com/health",
        "http admin:WORD https://shop.example.com/health",
        "redis-cli -h cache -a WORD ping",
        'redis-cli --pass "WORD" ping',
        "mysql -u root -pWORD shop < dump.sql",
        "mysqldump -h db -p'WORD' shop",
        "sqlcmd -S db -U sa -P WORD -i schema.sql",
        "mongosh -u root -p WORD",
        "curl --oauth2-bearer WORD https://shop.example.com/health",
        "aws configure set aws_secret_access_key WORD --profile ship",
        "aws configure set ship.aws_session_token 'WORD'",
        "ldapsearch -x -w WORD -b dc=example",
        "sshpass -p WORD ssh host uptime",
        "sshpass -pWORD scp a host:b",
        "openssl enc -d -aes-256-cbc -k WORD -in key.enc",
        "openssl pkcs12 -in a.p12 -passin pass:WORD",
        "docker login -u AWS -p WORD registry.example.com",
        "crane auth login -u a -p WORD registry.example.com",
        "vault login WORD",
        "vault login -no-print token=WORD",
        "rabbitmqctl add_user shop WORD",
        "htpasswd -cb users admin WORD",
        "aws secretsmanager put-secret-value --secret-id db --secret-string WORD",
        "aws kms encrypt --key-id alias/a --plaintext 'WORD'",
        "aws ssm put-parameter --name /db --type SecureString --value WORD",
        "aws ssm put-parameter --name /db --value=WORD --type SecureString",
        "echo WORD | docker login --username AWS --password-stdin registry.example.com",
        "printf '%s' WORD | gh auth login --with-token",
        "gh auth login --with-token <<< WORD",
        "echo 'WORD' | sudo -S true",
        '["sh", "-c", "redis-cli -a WORD ping"]',
        '"Command": ["redis-cli", "-a", "WORD", "ping"]',
        "ACL SETUSER shop on >WORD ~* +@all",
        'AccessString: "on ~shop:* >WORD +@read"',
    ],
)
def test_a_secret_by_its_place(line: str) -> None:
    assert found(line.replace("WORD", WORD)) == [WORD]


@pytest.mark.parametrize(
    "line",
    [
        "curl -u $USER:$PASSWORD https://shop.example.com",
        'curl -u "$(user):$(password)" https://shop.example.com',
        "curl -fsS https://shop.example.com:8443/health",
        "redis-cli -h cache -p 6379 ping",
        "rsync -p build/out host:/srv",  # keeps permissions
        "curl -fsSu admin https://shop.example.com/health",  # asks for it
        "curl -fsSo out.txt https://shop.example.com:8443/health",
        "docker login --username AWS --password-stdin registry.example.com",
        'redis-cli -a "$REDIS_AUTH" ping',
        "mysql -u root -p shop",  # asks for it
        "mysql -P 3306 -h db shop",
        "psql -p 5432 shop",
        "mkdir -p build/out",
        "docker run -p 8080:80 shop",
        'echo "$TOKEN" | docker login --username AWS --password-stdin registry.example.com',
        "aws ecr get-login-password | docker login --username AWS --password-stdin registry.example.com",
        "echo done | tee log",
        "aws ssm put-parameter --name /release --type String --value v1.2.3",
        "aws secretsmanager put-secret-value --secret-id db --secret-string file://secret.json.$ENV | jq . > out",
        "vault login -method=oidc",
        "aws configure set region eu-west-1",
        'aws configure set aws_secret_access_key "$KEY"',
        "openssl dgst -sha256 -out digest key.pem",
        'AccessString: "on ~* +@all"',
        "acl log > out",
        "deploys on the branch of pull request #1234",
        "turn it on >/dev/null 2>&1",
        "echo on >switch.txt",
        "<html> is no command",
    ],
)
def test_no_secret_in_the_same_place(line: str) -> None:
    assert [word for word in found(line) if word != "file://secret.json."] == []


def test_a_secret_is_looked_for_near_its_program_alone() -> None:
    # So that the work grows with the text, and not with its square.
    assert found(f"curl {'x' * 1_000} -u admin:{WORD}") == []


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("liquibase --password WORD update", ["liquibase", "update"]),
        ("redis-cli -a WORD FLUSHALL", ["redis-cli", "FLUSHALL"]),
        ("mix --env prod ecto.migrate", ["mix", "prod", "ecto.migrate"]),
    ],
)
def test_a_command_is_named_without_the_secret_behind_an_option(line: str, shown: list[str]) -> None:
    assert words_to_show(line.replace("WORD", WORD).split()) == shown
