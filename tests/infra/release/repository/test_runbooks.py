"""The runbooks: every command in them is one that exists, with names, options and inputs that exist."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infra import inputs, naming
from infra.environments import ENVIRONMENTS
from infra.release import errors
from infra.release.arguments import parser
from tests.infra.release.repository.test_workflows import ROOT, WORKFLOWS
from tests.infra.support import Template
from tests.work import HANG_SECONDS

BOOKS = ("first-production-deploy.md", "staging-rebuild.md")
PLACEHOLDERS = {
    "SHA": "a" * 40,
    "ZONE": "Z0123456789ABC",
    "EMAIL": "a@b.io",
    "CERTIFICATE": "arn:aws:acm:us-west-2:123456789012:certificate/12345678-1234-1234-1234-123456789012",
    "ACCOUNT": "123456789012",
}
CDK = {
    # Commands of the CDK command line, and their options, as `cdk COMMAND --help` lists them.
    "bootstrap": {
        "--apply-permissions-boundary-to-all-roles",
        "--cloudformation-execution-policies",
        "--custom-permissions-boundary",
        "--qualifier",
        "--toolkit-stack-name",
    },
    "deploy": {"--context", "--exclusively"},
    "import": {"--context", "--resource-mapping"},
}
GH = {
    "release create": {"--verify-tag", "--title", "--notes"},
    "run list": {"--workflow", "--status"},
    "run rerun": set[str](),
    "secret set": {"--env"},
    "variable set": {"--env"},
    "workflow disable": set[str](),
    "workflow enable": set[str](),
    "workflow run": {"--field", "--ref"},
}
GIT = {"tag": {"--annotate", "--message"}, "push": set[str]()}


def text_of(book: str) -> str:
    return (ROOT / "docs" / book).read_text(encoding="utf-8")


def fenced(book: str, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text_of(book), re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[str, str]]:
    for book in BOOKS:
        for block in fenced(book, "bash"):
            for line in block.splitlines():
                yield book, line.strip()


ALL = list(commands())


def options_of(argv: list[str]) -> set[str]:
    return {argument.partition("=")[0] for argument in argv if argument.startswith("--")}


def values_of(argv: list[str], option: str) -> list[str]:
    return [argv[i + 1] for i, argument in enumerate(argv) if argument == option]


@pytest.mark.parametrize(("book", "line"), ALL, ids=[line[:60] for _, line in ALL])
def test_a_command_can_be_run_as_it_stands(book: str, line: str) -> None:
    argv = [_filled(word) for word in shlex.split(line)]
    match argv:
        case [".venv/bin/python", "-m", "infra.release", *rest]:
            parser().parse_args(rest)
        case ["node_modules/.bin/cdk", command, *rest]:
            _cdk(command, rest)
        case ["gh", noun, verb, *rest]:
            _gh(f"{noun} {verb}", rest)
        case ["make", target]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        case ["git", verb, *rest]:
            assert options_of(rest) <= GIT[verb]
        case ["aws", service, operation, *rest]:
            _aws(service, operation, rest)
        case _:
            raise AssertionError(f"{book}: nobody checks this command: {line}")


@pytest.mark.parametrize("command", [command for command, options in CDK.items() if options])
def test_the_cdk_command_has_these_options(command: str) -> None:
    cdk = str(ROOT / "node_modules" / ".bin" / "cdk")
    done = subprocess.run([cdk, command, "--help"], capture_output=True, text=True, check=True, timeout=HANG_SECONDS)
    for option in CDK[command]:
        # A name that is too long for its column goes on in the next line.
        assert re.search(rf"^ +(-\w, )?{option[:40]}", done.stdout, re.MULTILINE), option


def test_each_environment_is_bootstrapped_as_its_stack_expects_it() -> None:
    said = {}
    for _, line in ALL:
        argv = shlex.split(line)
        if argv[:2] == ["node_modules/.bin/cdk", "bootstrap"] and "--qualifier" in argv:
            (qualifier,) = values_of(argv, "--qualifier")
            (said[qualifier],) = values_of(argv, "--custom-permissions-boundary")
            assert "--apply-permissions-boundary-to-all-roles" in argv
    assert said == {naming.qualifier(each): naming.boundary(each) for each in ENVIRONMENTS}


def _filled(word: str) -> str:
    for name, value in PLACEHOLDERS.items():
        word = re.sub(rf"\b{name}\b", value, word)
    return word


def _cdk(command: str, rest: list[str]) -> None:
    assert options_of(rest) <= CDK[command]
    stacks = [word for word in rest if word.startswith("DocPlatform")]
    contexts = dict(each.split("=", 1) for each in values_of(rest, "--context"))
    if stacks:
        (stack,) = stacks
        found = inputs.read_inputs(contexts.get, ROOT)
        assert not found.example, "this could not be deployed"
        chosen = {environment.stack_name for environment in found.environments} | {naming.SHARED_STACK}
        assert stack in chosen
        # The pipeline's stacks are deployed without the shared one; the shared one by its own name.
        assert stack == naming.SHARED_STACK or "--exclusively" in rest


def _gh(command: str, rest: list[str]) -> None:
    assert options_of(rest) <= GH[command]
    if command.startswith("workflow"):
        workflow = WORKFLOWS[rest[0]]
        fields = dict(each.split("=", 1) for each in values_of(rest, "--field"))
        if command == "workflow run":
            asked: Mapping[str, Any] = workflow["on"]["workflow_dispatch"]["inputs"]
            assert fields.keys() <= asked.keys()
            assert {name for name, about in asked.items() if about.get("required")} <= fields.keys()
            # A workflow and the commands that it runs are of one version.
            assert values_of(rest, "--ref") == [fields["tag"]]
    for workflow_file in values_of(rest, "--workflow"):
        assert workflow_file in WORKFLOWS
    if command in {"secret set", "variable set"}:
        used = "".join((ROOT / ".github/workflows" / file).read_text(encoding="utf-8") for file in WORKFLOWS)
        assert f"{'vars' if command == 'variable set' else 'secrets'}.{rest[0]}" in used


@cache
def _operations(service: str) -> Mapping[str, Any]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name, "-"): model.operation_model(name) for name in model.operation_names}


def _aws(service: str, operation: str, rest: list[str]) -> None:
    if operation == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service).waiter_names
        assert rest[0] in {xform_name(name, "-") for name in waiters}
        operation = "describe-stacks"
    shape = _operations(service)[operation].input_shape
    known = {f"--{xform_name(member, '-')}" for member in shape.members} if shape else set()
    assert options_of(rest) <= known | {"--region"}
    required = {f"--{xform_name(member, '-')}" for member in (shape.required_members if shape else [])}
    assert required <= options_of(rest)
    for stack in values_of(rest, "--stack-name"):
        assert stack in naming.STACKS


def test_what_is_imported_is_in_the_template_under_that_id_and_that_key(templates: Mapping[str, Template]) -> None:
    (block,) = fenced("first-production-deploy.md", "json")
    resources = {resource.logical_id: resource for resource in templates[naming.SHARED_STACK]}
    for logical_id, identifier in json.loads(block).items():
        resource = resources[logical_id]
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-west-2", resource.type).schema
        assert [f"/properties/{name}" for name in identifier] == schema["primaryIdentifier"]
        # CloudFormation imports only what says what becomes of it on deletion.
        assert resource.body["DeletionPolicy"] in {"Retain", "RetainExceptOnCreate"}
        if "RepositoryName" in identifier:
            assert identifier["RepositoryName"] == resource["RepositoryName"]


def test_every_exit_code_is_in_the_table() -> None:
    text = text_of("first-production-deploy.md")
    codes = {
        int(code) for code in re.findall(r"^\| (\d+) \|", text.partition("## When it goes wrong")[2], re.MULTILINE)
    }
    own = {each.exit_code for each in errors.ReleaseError.__subclasses__() if each is not errors.TaskError}
    assert codes == own | {0, 130}


def test_links_between_pages_lead_somewhere() -> None:
    for book in BOOKS:
        for target in re.findall(r"\]\(([^)#]+)\)", text_of(book)):
            assert (ROOT / "docs" / target).is_file(), f"{book}: {target}"


def test_variables_and_secrets_of_the_workflows_are_explained() -> None:
    text = "".join(text_of(book) for book in BOOKS)
    used = "".join((ROOT / ".github/workflows" / file).read_text(encoding="utf-8") for file in WORKFLOWS)
    names = set(re.findall(r"(?:secrets|vars)\.([A-Z_]+)", used)) - {"ATTESTATIONS", "CODE_SCANNING"}
    assert names == {"AWS_AUDIT_ROLE_ARN", "AWS_BUILD_ROLE_ARN", "AWS_DEPLOY_ROLE_ARN", "ALARM_EMAIL"}
    assert all(name in text for name in names)


def test_what_released_commands_read_of_a_stack_is_never_renamed(templates: Mapping[str, Template]) -> None:
    """A roll-back's commands are of the release that is gone back to, and the stack may be of a later one."""
    of_an_environment = {"PrivateSubnetIds", "ApiSecurityGroupId", "MigrationsSecurityGroupId"} | {
        f"{name}TaskDefinitionArn" for name in ("Storage", "Api", "Mcp", "Frontend", "Migrations")
    }
    for stack in (naming.STAGING_STACK, naming.PRODUCTION_STACK):
        assert of_an_environment <= templates[stack].body["Outputs"].keys()
    assert {"HostedZoneId", "CertificateArn"} <= templates[naming.SHARED_STACK].body["Outputs"].keys()
    assert (naming.cluster("production"), naming.task_family("production", "api")) == (
        "doc-platform-production",
        "doc-platform-production-api",
    )
    assert (naming.sync_function("production"), naming.LIVE_ALIAS) == ("doc-platform-production-github-sync", "live")
    assert naming.DEPLOY_LOG_GROUP == "/doc-platform/deploys"
    assert naming.SERVICES == ("storage", "api", "mcp", "frontend")
