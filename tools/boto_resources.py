"""Builds ``checker/data/boto_resources.json``: which calls the objects of ``boto3.resource`` make.

Source: boto3's own resource models (``boto3/data/SERVICE/VERSION/resources-1.json``), as boto3 reads them. Run it after
an update of boto3::

    python -m tools.boto_resources
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import boto3
from botocore import xform_name

TARGET: Final = Path(__file__).resolve().parent.parent / "checker" / "data" / "boto_resources.json"


def build() -> dict[str, Any]:
    """Service -> kind (empty for the service itself) -> what its objects have and do."""
    found = {}
    for service in sorted((Path(boto3.__file__).parent / "data").iterdir()):
        models = sorted(service.glob("*/resources-1.json"))
        if models:
            model = json.loads(models[-1].read_text(encoding="utf-8"))
            kinds = {name: _kind(each) for name, each in sorted(model["resources"].items())}
            own = _kind(model["service"])
            # boto3/resources/model.py: the service has every kind, by all that tells its objects apart.
            every = {name: [name, dict.fromkeys(each.get("ids", ()), "?")] for name, each in kinds.items()}
            found[service.name] = {"": {**own, "has": {**every, **own.get("has", {})}}, **kinds}
    return found


def _kind(model: dict[str, Any]) -> dict[str, Any]:
    has = model.get("has", {})
    # boto3/resources/factory.py: what takes everything from data is an attribute, all else is called.
    references = {name for name, each in has.items() if _sources(each["resource"]) & {"data"}}
    kind = {
        "ids": [each["name"] for each in model.get("identifiers", ())],
        "has": {name: _resource(each["resource"]) for name, each in has.items() if name not in references},
        "references": {xform_name(name): _resource(has[name]["resource"]) for name in sorted(references)},
        "many": {xform_name(name): _request(each) for name, each in model.get("hasMany", {}).items()},
        "actions": {xform_name(name): _request(each) for name, each in model.get("actions", {}).items()},
        "batch": {xform_name(name): _request(each) for name, each in model.get("batchActions", {}).items()},
        "waiters": {
            f"wait_until_{xform_name(name)}": [xform_name(each["waiterName"]), _params(each)]
            for name, each in model.get("waiters", {}).items()
        },
    }
    if "load" in model:
        kind["load"] = _request(model["load"])
    return {name: each for name, each in kind.items() if each}


def _sources(resource: dict[str, Any]) -> set[str]:
    return {each["source"] for each in resource.get("identifiers", ())}


def _request(model: dict[str, Any]) -> list[Any]:
    """The operation, what is put into it, and the kind of object that comes back, where one does."""
    request = [model["request"]["operation"], _params(model["request"])]
    return [*request, _resource(model["resource"])] if "resource" in model else request


def _params(model: dict[str, Any]) -> dict[str, str]:
    """Parameter -> the identifier that it is given, alone or as the one of a list; what goes deeper is left out."""
    given = {each["target"].partition("[")[0]: each for each in model.get("params", ()) if "." not in each["target"]}
    return {name: each["name"] for name, each in given.items() if each["source"] == "identifier"}


def _resource(model: dict[str, Any]) -> list[Any]:
    """The kind, and of each of its identifiers the one that it is taken from; ``?`` where it is given or comes back.

    ``=Name``: it is the request's parameter of that name.
    """
    identifiers = {}
    for each in model.get("identifiers", ()):
        match each["source"]:
            case "identifier":
                identifiers[each["target"]] = each["name"]
            case "requestParameter":
                identifiers[each["target"]] = f"={each['path']}"
            case _:
                identifiers[each["target"]] = "?"
    return [model["type"], identifiers]


def main() -> int:
    text = json.dumps(build(), separators=(",", ":"), sort_keys=True) + "\n"
    TARGET.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(text.encode()):,} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
