"""What a template makes that does not stand in it: macros, includes, modules, products, templates within templates.

AWS CloudFormation User Guide: "Template macros", "AWS::Include transform", "Modules", "StackSets", and its page on
AWS::ServiceCatalog::CloudFormationProvisionedProduct.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

# Macros that change nothing a rule looks at, or that the resolver evaluates itself. For a blue-green deployment
# CloudFormation makes a second task definition and task set of those that stand in the template, and refuses outputs
# and imports there (CloudFormation User Guide, "Considerations when managing ECS blue/green deployments").
_KNOWN_TRANSFORMS: Final = frozenset({"AWS::LanguageExtensions", "AWS::CodeDeployBlueGreen"})
_SECTIONS: Final = ("Conditions", "Mappings", "Outputs", "Parameters", "Resources")
_MODULE: Final = "::MODULE"
# Types that deploy a template of their own, and what to call it.
_OTHER_TEMPLATES: Final = {
    "AWS::CloudFormation::StackSet": "stack set",
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct": "product",
}


def hidden(template: Mapping[str, Any]) -> Iterator[str]:
    """Why parts of what the template makes cannot be seen, each as ``what: why``."""
    declared = template.get("Transform")
    for name in declared if isinstance(declared, list) else [declared]:
        label = name.get("Name") if isinstance(name, dict) else name
        if label is not None and label not in _KNOWN_TRANSFORMS:
            yield f"transform {label}: what it adds or changes is known only after CloudFormation ran it"
    if "Fn::Transform" in template:
        yield "transform of the template: what it adds or changes is known only after CloudFormation ran it"
    for section in _SECTIONS:
        written = template.get(section)
        if isinstance(written, dict) and "Fn::Transform" in written:
            what = _told(written["Fn::Transform"])
            yield f"{section}: what Fn::Transform puts there{what} is known only after CloudFormation ran it"
    resources = template.get("Resources")
    for logical_id, raw in resources.items() if isinstance(resources, dict) else ():
        kind = raw.get("Type") if isinstance(raw, dict) else None
        if isinstance(kind, str) and kind.endswith(_MODULE):
            yield f"module {logical_id}: the resources that {kind} stands for are not in the template"
        elif kind in _OTHER_TEMPLATES:
            yield not_read(str(kind), logical_id)


def not_read(kind: str, logical_id: str) -> str:
    """What is said of a resource that deploys a template of its own."""
    return f"{_OTHER_TEMPLATES[kind]} {logical_id}: what its template makes is not read"


def _told(macro: Any) -> str:
    """Which macro that is, and of what, where it is written out."""
    name = macro.get("Name") if isinstance(macro, dict) else None
    if not isinstance(name, str):
        return ""
    parameters = macro.get("Parameters")
    place = parameters.get("Location") if isinstance(parameters, dict) else None
    return f" ({name} of {place})" if isinstance(place, str) else f" ({name})"
