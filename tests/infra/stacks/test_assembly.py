"""The assembly as a whole: same bytes, no locks between stacks, no collisions, refusals, lint."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra import inputs, naming
from infra.build import ROOT, add_stacks, new_app
from tests.infra.support import Template

RESOURCE_LIMIT = 500
SHA = "0123456789abcdef0123456789abcdef01234567"


def run_app(outdir: Path, context: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """app.py in a process of its own, as the CDK command runs it."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "CDK_OUTDIR": str(outdir),
        "CDK_CONTEXT_JSON": json.dumps(dict(context)),
    }
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def bootstrapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another synthesis, by another process: everything, with nothing running."""
    folder = tmp_path_factory.mktemp("bootstrap")
    done = run_app(folder, {"env": "all", "bootstrap": "true"})
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_the_same_inputs_give_the_same_bytes(assembly: Path, bootstrapped: Path) -> None:
    for name in naming.STACKS:
        file = f"{name}.template.json"
        # A bootstrap differs by the count of none, which an ordinary deployment leaves out, by what protects production
        # from deletion, which would be in the way of taking a failed creation back, and by nothing else.
        got = re.sub(r' *"DesiredCount": 0,\n', "", (bootstrapped / file).read_text(encoding="utf-8"))
        expected = (assembly / file).read_text(encoding="utf-8")
        if name == naming.PRODUCTION_STACK:
            expected = expected.replace('"DeletionProtection": true', '"DeletionProtection": false')
            expected = re.sub(
                r'("Key": "deletion_protection.enabled",\s+"Value": )"true"', r'\1"false"', expected, count=1
            )
        assert got == expected


def test_a_bootstrap_runs_nothing(bootstrapped: Path) -> None:
    for name in (naming.STAGING_STACK, naming.PRODUCTION_STACK):
        services = Template.read(bootstrapped, name).of_type("AWS::ECS::Service")
        assert {service["DesiredCount"] for service in services} == {0}


def test_an_image_tag_reaches_every_container(tmp_path: Path) -> None:
    # The gate judges whole projects; of one environment alone it could not tell what the pipeline does with the others.
    done = run_app(tmp_path, {"env": "staging", "imageTag": SHA, "gate": "off"})
    assert (done.returncode, done.stdout) == (0, "")
    assert not (tmp_path / f"{naming.PRODUCTION_STACK}.template.json").exists()
    staging = Template.read(tmp_path, naming.STAGING_STACK)
    for definition in staging.of_type("AWS::ECS::TaskDefinition"):
        for container in definition["ContainerDefinitions"]:
            assert staging.text(container["Image"]).endswith(f":{SHA}")


def test_real_ids_reach_every_place_that_example_ids_held(tmp_path: Path) -> None:
    built = tmp_path / "built"
    built.mkdir()
    (built / "index.js").write_text("exports.handler = async () => {};", encoding="utf-8")
    context = {
        "env": "production",
        "certificateArn": "arn:aws:acm:us-west-2:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        "hostedZoneId": "Z0123456789ABC",
        "alarmEmail": "ops@specboard.io",
        "imageTag": SHA,
        "syncCode": str(built),
    }
    app = new_app(outdir=str(tmp_path / "out"), context=context)
    add_stacks(app)
    app.synth()
    for name in (naming.SHARED_STACK, naming.PRODUCTION_STACK):
        text = json.dumps(Template.read(tmp_path / "out", name).body)
        for example in (
            inputs.EXAMPLE_ACCOUNT,
            inputs.EXAMPLE_HOSTED_ZONE_ID,
            inputs.EXAMPLE_CERTIFICATE_ARN,
            inputs.EXAMPLE_ALARM_EMAIL,
            f":{naming.BOOTSTRAP_TAG}",
        ):
            assert example not in text
    code = Template.read(tmp_path / "out", naming.PRODUCTION_STACK).only("AWS::Lambda::Function")["Code"]
    assert code["S3Bucket"] == "cdk-dpprod-assets-123456789012-us-west-2"


def test_a_context_that_does_not_fit_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    done = run_app(tmp_path, {"imageTag": "latest"})
    assert done.returncode == 2
    assert done.stderr.startswith("error: imageTag is 'latest'.")
    assert "Traceback" not in done.stderr


def test_every_template_asserts_the_account_that_it_was_made_for(templates: Mapping[str, Template]) -> None:
    for template in templates.values():
        assertions = [a for rule in template.body["Rules"].values() for a in rule["Assertions"]]
        assert {"Fn::Equals": [{"Ref": "AWS::AccountId"}, "111111111111"]} in [a["Assert"] for a in assertions]


def test_no_stack_locks_another(templates: Mapping[str, Template], assembly: Path) -> None:
    for template in templates.values():
        text = json.dumps(template.body)
        for spelling in ("Fn::ImportValue", "Fn::GetStackOutput", '"Export"'):
            assert spelling not in text
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    for name in naming.STACKS:
        assert not set(artifacts[name].get("dependencies", [])) & set(naming.STACKS)


def test_synthesis_asks_nothing_of_the_account(assembly: Path) -> None:
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    assert not manifest.get("missing")


def test_no_custom_resources_and_no_analytics(templates: Mapping[str, Template]) -> None:
    for template in templates.values():
        kinds = {resource.type for resource in template}
        assert not {k for k in kinds if k.startswith(("Custom::", "AWS::CloudFormation::Custom", "AWS::CDK::"))}


def test_stacks_stay_well_below_the_limit(templates: Mapping[str, Template]) -> None:
    for template in templates.values():
        assert len(template.body["Resources"]) < RESOURCE_LIMIT * 8 // 10


# Named alike in both environments on purpose: a service is scoped by its cluster, a namespace by its VPC, an alias by
# its function, and a statement's, rule's or container's name by what holds it.
_SCOPED = {
    "AWS::ECS::Service",
    "AWS::Lambda::Alias",
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::ServiceDiscovery::Service",
}
_NAMING = re.compile(r"(Name|RoleName|ClusterName|LogGroupName|AlarmName|Family|QueueName|TopicName|FunctionName)")


def names(template: Template) -> set[tuple[str, str]]:
    found = set()
    for resource in template:
        for key, value in resource.properties.items():
            if _NAMING.fullmatch(key) and isinstance(value, str) and resource.type not in _SCOPED:
                found.add((resource.type, value))
    return found


def test_environments_share_no_physical_name(staging: Template, production: Template) -> None:
    assert names(staging)
    assert not names(staging) & names(production)


def test_generated_where_nobody_looks_a_name_up(stack: Template) -> None:
    for kind, key in {
        "AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
        "AWS::ElasticLoadBalancingV2::TargetGroup": "Name",
        "AWS::ElastiCache::SubnetGroup": "CacheSubnetGroupName",
        "AWS::ElastiCache::ReplicationGroup": "ReplicationGroupId",
        "AWS::RDS::DBInstance": "DBInstanceIdentifier",
        "AWS::S3::Bucket": "BucketName",
        "AWS::SNS::Topic": "TopicName",
        "AWS::SQS::Queue": "QueueName",
    }.items():
        for resource in stack.of_type(kind):
            assert key not in resource.properties


def test_outputs_that_scripts_read(templates: Mapping[str, Template]) -> None:
    environment = {
        "AlbDnsName",
        "ApiLogGroupName",
        "ApiSecurityGroupId",
        "ApiTaskDefinitionArn",
        "CertificateArn",
        "ClusterName",
        "DatabaseEndpoint",
        "GithubSyncAlias",
        "GithubSyncFunctionName",
        "HostedZoneId",
        "MigrationsLogGroupName",
        "MigrationsSecurityGroupId",
        "MigrationsTaskDefinitionArn",
        "PrivateSubnetIds",
        "RedisEndpoint",
        "StorageBucketName",
        "StorageDatabaseEndpoint",
    }
    assert environment <= set(templates[naming.STAGING_STACK].body["Outputs"])
    assert environment <= set(templates[naming.PRODUCTION_STACK].body["Outputs"])
    assert set(templates[naming.SHARED_STACK].body["Outputs"]) == {
        "AuditRoleArn",
        "BuildRoleArn",
        "CertificateArn",
        "ProductionDeployRoleArn",
        "StagingDeployRoleArn",
        "HostedZoneId",
        *(f"{image.capitalize()}RepositoryUri" for image in naming.IMAGES),
    }


def test_production_and_the_shared_stack_cannot_be_deleted_by_mistake(assembly: Path) -> None:
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    protected = {name: bool(artifacts[name]["properties"].get("terminationProtection")) for name in naming.STACKS}
    assert protected == {naming.SHARED_STACK: True, naming.STAGING_STACK: False, naming.PRODUCTION_STACK: True}


def test_resources_know_the_line_that_made_them(assembly: Path, templates: Mapping[str, Template]) -> None:
    for name, template in templates.items():
        metadata: dict[str, list[dict[str, Any]]] = json.loads(
            (assembly / f"{name}.metadata.json").read_text(encoding="utf-8")
        )
        for resource in template:
            entries = metadata[f"/{resource.body['Metadata']['aws:cdk:path']}"]
            frames = [frame for entry in entries if entry["type"] == "aws:cdk:creationStack" for frame in entry["data"]]
            assert any(re.search(r"/infra/[\w/]+\.py:\d+\)", frame) for frame in frames), resource.path


def test_cfn_lint_has_nothing_to_say(assembly: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "us-west-2", "--"]
        + [str(assembly / f"{name}.template.json") for name in naming.STACKS],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_cfn_lint_is_told_to_ignore_nothing(templates: Mapping[str, Template]) -> None:
    for template in templates.values():
        assert "Metadata" not in template.body
        assert all("cfn-lint" not in resource.body.get("Metadata", {}) for resource in template)
    assert not [*ROOT.glob(".cfnlintrc*")]


def test_what_outside_scanners_say_is_sorted(tmp_path: Path) -> None:
    """Nothing that they say is unsorted, and policies/scanners.yaml holds no entry for what none of them says."""
    context = {"env": "all", "gate": "off", "scanners": "on", "@aws-cdk/core:failSynthOnValidationErrors": False}
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "CDK_CONTEXT_JSON": json.dumps(context)}
    for words in (
        ["app.py"],
        [
            *(
                "-m",
                "checker",
                "gate",
                "--assembly",
                str(tmp_path / "scanned"),
                "--format",
                f"json={tmp_path}/run.json",
            ),
            *("--with", "cfn-lint,checkov,cdk,cdk-nag,zizmor,actionlint,shellcheck,squawk", "--unknown", "fail"),
        ],
    ):
        done = subprocess.run(
            [sys.executable, *words],
            env={**environ, "CDK_OUTDIR": str(tmp_path / "scanned")},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    run = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert [each for each in run["waivers"] if each["state"] in {"unmatched", "waived-but-passing"}] == []
    said = {each["finding"] for each in run["verdicts"] if each["outcome"] == "waived"}
    assert {"CKV_AWS_149", "CDK:W3010", "NAG:AwsSolutions-IAM5"} <= said
