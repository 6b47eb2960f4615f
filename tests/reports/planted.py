"""Sixty secrets of different kinds, none of them real, and a project that leaves them where people do.

Each is put together here from parts, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import json
from typing import Any, Final

_HEX: Final = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
_MIX: Final = "Qx7Lr2Vn9Tb4Zc6Wk8Hd3Mf5"


def _join(*parts: str) -> str:
    return "".join(parts)


# kind -> the secret itself
SECRETS: Final[dict[str, str]] = {
    "AWS access key": _join("AKIA", "Q7ZPLMVN4TBX2RKD"),
    "AWS secret key": _join("wJ4lrXUtnF", "EMIK7MDENGbPxRfiCY", "3zQh8Lw0Tn2V"),
    "AWS session": _join("FwoGZXIvYXdzEJr", _MIX, "Hj2Kq9"),
    "GitHub token": _join("ghp_", "R4nd0mT0kenF0rTh1sT3stOnlyABCDef12"),
    "GitHub fine token": _join("github_pat_", "11ABCDEFG0", _MIX, "x1y2z3a4b5"),
    "GitLab token": _join("glpat-", "Zx81kQw93LmTn52RbVcY"),
    "Slack token": _join("xoxb-", "417283950162-", "Jq83Kd92Lm47Pz61"),
    "Slack hook": _join("https://hooks.slack.com/services/", "T0AB12CD3/B0EF45GH6/", "kQ83mZpL47xRtV29"),
    "Discord hook": _join("https://discord.com/api/webhooks/", "928374650192837465/", _MIX, "aBcD"),
    "Teams hook": _join("https://contoso.webhook.office.com/webhookb2/", "7d1f0c3a-91b2-4e", "55@tenant/Incoming/x9"),
    "Zapier hook": _join("https://hooks.zapier.com/hooks/catch/", "8273645/", "q7w3e9r"),
    "Stripe key": _join("sk_", "live_", "51Hq9ZkL2mNpRtVxYcBd"),
    "Stripe hook key": _join("whsec_", "Kd83Lm47Pz61Jq92Rt"),
    "Google key": _join("AIza", "SyD3k9Lm2Qp7Rt5Vx8Zc1Bn4Hj6Wf0Gs2Ua"),
    "SendGrid key": _join("SG.", "Kq83mZpL47xRtV29ab.", "Jd83Lm47Pz61Rt92Kq55Vn"),
    "model key": _join("sk-", "proj-", _MIX, "9Zq1"),
    "npm token": _join("npm_", "Z1x2C3v4B5n6M7a8S9d0F1g2H3j4K5l6Q7w8"),
    "PyPI token": _join("pypi-", "AgEIcHlwaS5vcmcCJ", _MIX, _MIX),
    "Docker token": _join("dckr_pat_", "Zx81kQw93LmTn52RbVcY1u"),
    "Vault token": _join("hvs.", "CAESIJq83Kd92Lm47Pz61xRt"),
    "Twilio key": _join("SK", _HEX),
    "Mailgun key": _join("key-", _HEX[::-1]),
    "Telegram token": _join("728394651:", "AA", "Hq83Kd92Lm47Pz61xRtV29mZpL47abcde"),
    "DigitalOcean token": _join("dop_v1_", _HEX, _HEX),
    "Shopify token": _join("shpat_", _HEX),
    "Atlassian token": _join("ATATT3", "xFfGF0", _MIX, "7Q"),
    "signed token": _join(
        "eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiI0MiIsInJvbGUiOiJhZG1pbiJ9", ".Kq83mZpL47xRtV29abJd83Lm47"
    ),
    "private key": _join("-----BEGIN RSA ", "PRIVATE KEY-----\n", "MIIEowIBAAKCAQEA7", _MIX, "\n", "Zq", _MIX, "9pL"),
    "age key": _join("AGE-SECRET-KEY-", "1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQY"),
    "PostgreSQL URL": _join("postgresql://app:", "tr0ub4dor-Zq3", "@db.internal:5432/main"),
    "MySQL URL": _join("mysql://root:", "c0rrectH0rse9", "@mysql/shop"),
    "Redis URL": _join("rediss://:", "b4ttery5taple", "@cache:6379/0"),
    "AMQP URL": _join("amqps://svc:", "r4bbitH0le77", "@mq:5671"),
    "MongoDB URL": _join("mongodb+srv://u:", "m0ng0Passw1", "@cluster0.example/db"),
    "git URL": _join("https://deploy:", "g1tUrlPass88", "@git.example/o/r.git"),
    "ADO string": _join("Server=db;Database=shop;User Id=sa;Password=", "Ad0Str1ngPw!9"),
    "ODBC string": _join("Driver={pg};Server=db;Uid=app;Pwd=", "0dbcPwd7Zq"),
    "libpq string": _join("host=db user=app password=", "l1bpqPwd5Tn", " dbname=main"),
    "storage string": _join("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=", _MIX, "+9/Kd83=="),
    "password variable": "hunter2-Zq9Lm",
    "token variable": "tkn82Kd93Lm47",
    "secret parameter": "par4m3terPw55",
    "output": "outPutPassw0rd7",
    "tag": "t4gPassw0rd61",
    "user data": "us3rDataPw44",
    "SQL role": "sqlR0lePw83",
    "SQL setting": "identif1edBy29",
    "shell flag": "fl4gPassw0rd19",
    "curl header": _join("Bearer ", "q83kd92lm47pz61xrtv29"),
    "workflow input": "wfInputPw62",
    "step's environment": "st3pEnvPw35",
    "snapshot value": "snapsh0tPw27",
    "program's option": "opt10nPw84",
    "option in a list": "l1stedPw17",
    "curl's user": "curlUs3rPw93",
    "stored secret": "st0redPw28",
    "standard input": "std1nPw46",
    "stand-in": "st4ndInPw52",
    "user of Redis": "aclUs3rPw31",
    "script in a word": "w0rdScriptPw7",
    "password by position": "pos1tionPw66",
    "wrapped program": "wr4ppedPw12",
}
# What surrounds a secret that shows itself only by what it is called.
QUOTED: Final[dict[str, str]] = {
    "AWS secret key": f"AWS_SECRET_ACCESS_KEY={SECRETS['AWS secret key']}",
    "AWS session": f"AWS_SESSION_TOKEN={SECRETS['AWS session']}",
    "password variable": f"DB_PASSWORD={SECRETS['password variable']}",
    "token variable": f'API_TOKEN="{SECRETS["token variable"]}"',
    "secret parameter": f"MasterUserPassword={SECRETS['secret parameter']}",
    "output": f'"AdminPassword": "{SECRETS["output"]}"',
    "tag": f"db-password='{SECRETS['tag']}'",
    "user data": f"export PGPASSWORD={SECRETS['user data']}",
    "SQL role": f"CREATE ROLE app LOGIN PASSWORD '{SECRETS['SQL role']}'",
    "SQL setting": f"CREATE USER app IDENTIFIED BY '{SECRETS['SQL setting']}'",
    "shell flag": f"mysql --password {SECRETS['shell flag']}",
    "workflow input": f"DEPLOY_PASSWORD={SECRETS['workflow input']}",
    "step's environment": f"REDIS_PASSWORD={SECRETS['step' + chr(39) + 's environment']}",
    "snapshot value": f"LIVE_PASSWORD={SECRETS['snapshot value']}",
    "program's option": f"redis-cli -a {SECRETS['program' + chr(39) + 's option']} ping",
    "option in a list": f'["migrate", "--password", "{SECRETS["option in a list"]}"]',
    "curl's user": f"curl -u admin:{SECRETS['curl' + chr(39) + 's user']} https://api.example.com/health",
    "stored secret": f"aws secretsmanager put-secret-value --secret-id a --secret-string {SECRETS['stored secret']}",
    "standard input": f"echo {SECRETS['standard input']} | docker login --username AWS --password-stdin example.com",
    "stand-in": f"state=$(aws ecs describe-services --services api || echo {SECRETS['stand-in']})",
    "user of Redis": f"redis-cli ACL SETUSER app on '>{SECRETS['user of Redis']}' '~*' +@all",
    "script in a word": f'"ZipFile": "import os\\nPASSWORD=\'{SECRETS["script in a word"]}\'\\n"',
    "password by position": f"vault login {SECRETS['password by position']}",
    "wrapped program": f"sshpass -p {SECRETS['wrapped program']} ssh host aws ecs list-clusters",
}


def parts(secret: str) -> list[str]:
    """What of a secret must not be seen: all of it, and the password inside of an address or a connection string."""
    found = secret.splitlines()
    user, colon, password = secret.partition("://")[2].partition("@")[0].partition(":")
    if colon and "/" not in user:
        found.append(password)
    for sign in ("Password=", "Pwd=", "password=", "AccountKey="):
        if sign in secret:
            found.append(secret.split(sign, 1)[1].split(" ", 1)[0])
    return [each for each in found if not each.startswith("-----")]


def files() -> dict[str, str]:
    """Path -> content of the project that holds them all."""
    return {
        "template.yaml": json.dumps(template(), indent=2),
        "snapshot.json": json.dumps(snapshot(), indent=2),
        ".github/workflows/deploy.yml": _workflow(),
        "scripts/deploy.sh": _script(),
        "scripts/seed.py": _program(),
        "migrations/0001_roles.sql": _sql(),
    }


def _variables() -> list[dict[str, str]]:
    """Every secret in an environment variable, under a name that gives it away and under one that does not."""
    named = [{"Name": f"SETTING_{index}_PASSWORD", "Value": secret} for index, secret in enumerate(SECRETS.values())]
    plain = [
        {"Name": f"SETTING_{index}", "Value": secret}
        for index, (kind, secret) in enumerate(SECRETS.items())
        if kind not in QUOTED
    ]
    return [*named, *plain]


def template() -> dict[str, Any]:
    resources: dict[str, Any] = {
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {
                "Engine": "postgres",
                "DBInstanceClass": "db.t4g.medium",
                "StorageEncrypted": False,
                "MasterUsername": "app",
                "MasterUserPassword": SECRETS["secret parameter"],
                "Tags": [{"Key": "db-password", "Value": SECRETS["tag"]}],
            },
        },
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "ContainerDefinitions": [{"Name": "api", "Image": "api:latest", "Environment": _variables()}],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Environment": {"Variables": {each["Name"]: each["Value"] for each in _variables()}},
            },
        },
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": SECRETS["Slack hook"]}},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": SECRETS["GitHub token"]}},
        "Host": {
            "Type": "AWS::EC2::Instance",
            "Properties": {"UserData": f"#!/bin/sh\nexport PGPASSWORD={SECRETS['user data']}\n"},
        },
    }
    return {
        "Parameters": {"AdminPassword": {"Type": "String", "Default": SECRETS["secret parameter"]}},
        "Resources": resources,
        "Outputs": {"AdminPassword": {"Value": SECRETS["output"], "Export": {"Name": SECRETS["Stripe key"]}}},
    }


def snapshot() -> dict[str, Any]:
    """An account in which every value is another one than the code has, and still a secret."""
    variables = [*reversed(_variables()), {"Name": "LIVE_PASSWORD", "Value": SECRETS["snapshot value"]}]
    live = {
        "Database": (
            "AWS::RDS::DBInstance",
            {"StorageEncrypted": False, "Tags": [{"Key": "password", "Value": SECRETS["tag"]}]},
        ),
        "Task": (
            "AWS::ECS::TaskDefinition",
            {"ContainerDefinitions": [{"Name": "api", "Image": "api:latest", "Environment": variables}]},
        ),
        "Function": (
            "AWS::Lambda::Function",
            {"Environment": {"Variables": {each["Name"]: each["Value"] for each in variables}}},
        ),
        "Logs": ("AWS::Logs::LogGroup", {"LogGroupName": SECRETS["Slack hook"]}),
    }
    return {
        "schema": "checker-snapshot/1",
        "account": "111111111111",
        "region": "us-west-2",
        "taken_at": "2026-11-26T10:00:00Z",
        "stacks": [
            {
                "name": "template",
                "status": "UPDATE_COMPLETE",
                "parameters": {"AdminPassword": SECRETS["secret parameter"]},
                "outputs": {"AdminPassword": SECRETS["output"]},
                "tags": {"db-password": SECRETS["tag"]},
                "template": template(),
                "resources": [
                    {"logical_id": name, "physical_id": f"{name.lower()}-1", "type": kind, "status": "UPDATE_COMPLETE"}
                    for name, (kind, _) in live.items()
                ],
            }
        ],
        "resources": [
            {
                "type": kind,
                "physical_id": f"{name.lower()}-1",
                "stack": "template",
                "logical_id": name,
                "properties": properties,
                "unread": {},
            }
            for name, (kind, properties) in live.items()
        ],
        "facts": {},
        "unread": [],
    }


def _workflow() -> str:
    keys = "\n".join(f"          SETTING_{n}_TOKEN: {json.dumps(s)}" for n, s in enumerate(SECRETS.values()))
    return f"""on:
  push:
  workflow_dispatch:
    inputs:
      deploy_password: {{default: {SECRETS["workflow input"]}}}
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: production
    env:
      REDIS_PASSWORD: {SECRETS["step's environment"]}
    steps:
      - uses: actions/checkout@main
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          aws-access-key-id: {SECRETS["AWS access key"]}
          aws-secret-access-key: {SECRETS["AWS secret key"]}
          aws-session-token: {SECRETS["AWS session"]}
          aws-region: us-west-2
      - run: aws ecs update-service --cluster production --service api --force-new-deployment || true
        env:
{keys}
      - run: ./scripts/deploy.sh {SECRETS["Google key"]} 2>/dev/null
      - run: python scripts/seed.py --token {json.dumps(SECRETS["Google key"])}
        env:
{keys}
"""


def _script() -> str:
    """Every secret beside a call that a rule speaks of."""
    lines = ["#!/bin/bash"]
    for index, (kind, secret) in enumerate(SECRETS.items()):
        if "\n" in secret:
            lines += [f"cat > key.pem <<EOF\n{secret}\nEOF"]
        elif kind in QUOTED:
            lines.append(QUOTED[kind] if kind != "output" else f"echo '{QUOTED[kind]}'")
        else:
            lines.append(f"SETTING_{index}_TOKEN='{secret}'")
            lines.append(f"curl -H 'Authorization: {secret}' https://api.example.com")
        lines.append(f"aws ecs describe-services --cluster production --services 'api-{index}' 2>/dev/null || true")
        if kind not in QUOTED or kind.startswith("AWS"):
            told = secret.splitlines()[-1]
            lines.append(f"aws ssm put-parameter --name x --value '{told}' || echo '{told}'")
    return "\n".join(lines) + "\n"


def _program() -> str:
    """Every secret as a program holds it: under a name, in a header, as the value of an option."""
    lines = ["import os, subprocess, boto3", "ssm = boto3.client('ssm')"]
    for index, secret in enumerate(SECRETS.values()):
        lines += [
            f"SETTING_{index}_PASSWORD = {secret!r}",
            f"os.environ['SETTING_{index}_TOKEN'] = {secret!r}",
            f"subprocess.run(['curl', '--header', 'Authorization: ' + {secret!r}, 'https://api.example.com'])",
            f"subprocess.run(['tool-{index}', SETTING_{index}_PASSWORD, os.environ['SETTING_{index}_TOKEN']])",
            f"ssm.put_parameter(Name='/shop/{index}/password', Value=SETTING_{index}_PASSWORD)",
        ]
    return "\n".join(lines) + "\n"


def _sql() -> str:
    return f"""CREATE ROLE app LOGIN PASSWORD '{SECRETS["SQL role"]}';
DROP TABLE users;
CREATE USER MAPPING FOR app SERVER x OPTIONS (user 'app', password '{SECRETS["SQL role"]}');
-- IDENTIFIED BY '{SECRETS["SQL setting"]}'
ALTER TABLE shops DROP COLUMN name;
SELECT dblink_connect('{SECRETS["libpq string"]}');
INSERT INTO settings VALUES ('{SECRETS["GitHub token"]}', '{SECRETS["PostgreSQL URL"]}');
ALTER TABLE shops RENAME TO stores;
"""
