"""Builds ``tests/collect/github/answers.json``: GitHub's documented answers, cut down to what the checker reads.

Sources: GitHub's REST API description (npm ``@octokit/openapi``) for schemas and examples, and recorded answers (npm
``@octokit/fixtures``) for what GitHub says of a branch that is not protected. Both are inputs of this tool only::

    npm pack @octokit/openapi@23.0.2 @octokit/fixtures@23.1.2   # then unpack each
    python -m tools.github_answers OPENAPI_FOLDER FIXTURES_FOLDER

A field that the checker reads and GitHub no longer documents stops the tool; an example that is not valid against the
schema as well.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema

TARGET: Final = Path(__file__).resolve().parent.parent / "tests" / "collect" / "github" / "answers.json"
_REPOSITORY: Final = "/repos/{owner}/{repo}"

# Operation -> the fields that are read of its answer: a mapping for an object, a list of one for a list.
FIELDS: Final[Mapping[str, Any]] = {
    _REPOSITORY: {"default_branch": None, "permissions": {"admin": None}},
    f"{_REPOSITORY}/environments": {
        "environments": [
            {
                "name": None,
                "protection_rules": [
                    {
                        "type": None,
                        "wait_timer": None,
                        "prevent_self_review": None,
                        "reviewers": [{"type": None, "reviewer": {"login": None, "slug": None}}],
                    }
                ],
                "deployment_branch_policy": {"protected_branches": None, "custom_branch_policies": None},
            }
        ]
    },
    f"{_REPOSITORY}/environments/{{environment_name}}/deployment-branch-policies": {
        "branch_policies": [{"name": None, "type": None}]
    },
    f"{_REPOSITORY}/environments/{{environment_name}}/deployment_protection_rules": {
        "custom_deployment_protection_rules": [{"enabled": None, "app": {"slug": None}}]
    },
    f"{_REPOSITORY}/rulesets": [{"id": None}],
    f"{_REPOSITORY}/rulesets/{{ruleset_id}}": {
        "name": None,
        "target": None,
        "enforcement": None,
        "bypass_actors": [{"actor_type": None, "actor_id": None}],
        "conditions": {"ref_name": {"include": None, "exclude": None}},
        "rules": [{"type": None}],
    },
    f"{_REPOSITORY}/branches/{{branch}}/protection": {
        "required_pull_request_reviews": {"required_approving_review_count": None},
        "enforce_admins": {"enabled": None},
        "allow_force_pushes": {"enabled": None},
        "allow_deletions": {"enabled": None},
    },
    f"{_REPOSITORY}/actions/oidc/customization/sub": {
        "use_default": None,
        "include_claim_keys": None,
        "use_immutable_subject": None,
        "sub_claim_prefix": None,
    },
    f"{_REPOSITORY}/immutable-releases": {"enabled": None, "enforced_by_owner": None},
}
# Their description is wrong, not the answer: the example of the list says "enabled", which is no enforcement.
_WRONG_EXAMPLES: Final = frozenset({f"{_REPOSITORY}/rulesets"})


def main(openapi: Path, fixtures: Path) -> None:
    description = json.loads((openapi / "generated" / "api.github.com.json").read_text(encoding="utf-8"))
    answers: dict[str, Any] = {}
    for path, fields in FIELDS.items():
        operation = description["paths"][path]["get"]
        content = operation["responses"]["200"]["content"]["application/json"]
        schema = pruned(content["schema"], fields, description, path)
        example = _example(content, description)
        if path not in _WRONG_EXAMPLES:
            jsonschema.validate(example, schema)
        answers[path] = {
            "documentation": operation["externalDocs"]["url"],
            "statuses": sorted(map(int, operation["responses"])),
            "schema": schema,
            "example": cut(example, fields),
        }
    scenario = fixtures / "scenarios" / "api.github.com" / "branch-protection" / "normalized-fixture.json"
    for recorded in json.loads(scenario.read_text(encoding="utf-8")):
        if recorded["method"] == "get" and recorded["status"] == 404:
            message = {"message": recorded["response"]["message"]}
            answers[f"{_REPOSITORY}/branches/{{branch}}/protection"]["not_set"] = message
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(answers)} operations")


def _example(content: Mapping[str, Any], description: Mapping[str, Any]) -> Any:
    for example in content["examples"].values():
        return _followed(example, description)["value"]
    raise LookupError("no example")


def _followed(node: Mapping[str, Any], description: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        found: Any = description
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def pruned(schema: Mapping[str, Any], fields: Any, description: Mapping[str, Any], where: str) -> dict[str, Any]:
    """JSON Schema of the chosen fields. OpenAPI 3.0 says ``nullable`` where JSON Schema has a type of its own."""
    schema = _followed(schema, description)
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf", [])
    if choices and "properties" not in schema:
        found = _chosen([_followed(each, description) for each in choices], fields, description, where)
    elif isinstance(fields, list):
        found = {"type": "array", "items": pruned(schema["items"], fields[0], description, where + "[]")}
    elif isinstance(fields, Mapping):
        properties = {}
        for name, below in fields.items():
            if name not in schema.get("properties", {}):
                raise LookupError(f"{where}: GitHub documents no {name}")
            properties[name] = pruned(schema["properties"][name], below, description, f"{where}.{name}")
        required = [name for name in fields if name in schema.get("required", ())]
        found = {"type": "object", "properties": properties, "required": required}
    else:
        found = {key: schema[key] for key in ("type", "enum") if key in schema}
        if found.get("type") == "array":
            found["items"] = {"type": schema["items"]["type"]}
    if schema.get("nullable"):
        found = {"anyOf": [found, {"type": "null"}]}
    return found


def _chosen(
    choices: list[Mapping[str, Any]], fields: Any, description: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """The variants of a choice, each with those of the fields that it has; together they must have them all."""
    if not isinstance(fields, Mapping):
        return {"anyOf": [pruned(each, fields, description, where) for each in choices]}
    variants, seen = [], set()
    for each in choices:
        having = {name: below for name, below in fields.items() if name in each.get("properties", {})}
        seen |= set(having)
        variant = pruned(each, having, description, where)
        if variant not in variants:
            variants.append(variant)
    if missing := set(fields) - seen:
        raise LookupError(f"{where}: GitHub documents no {', '.join(sorted(missing))}")
    return {"anyOf": variants}


def cut(value: Any, fields: Any) -> Any:
    """An example with the chosen fields only."""
    if isinstance(fields, list):
        return [cut(each, fields[0]) for each in value]
    if isinstance(fields, Mapping) and isinstance(value, Mapping):
        return {name: cut(value[name], below) for name, below in fields.items() if name in value}
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
