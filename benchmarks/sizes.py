"""Templates of any size, made of copies of our own production stack, with known defects in some of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def grown(template: Mapping[str, Any], resources: int, target: Path, *, broken_every: int = 10) -> int:
    """Write a template of about ``resources`` resources and answer how many copies in it are broken.

    Every ``broken_every``-th copy has its databases unencrypted, so that completeness can be counted at every size.
    """
    own = template["Resources"]
    ids = re.compile(r"\b(" + "|".join(sorted(map(re.escape, own), key=len, reverse=True)) + r")\b")
    source = json.dumps(own, separators=(",", ":"))
    copies = max(1, round(resources / len(own)))
    everything: dict[str, Any] = {}
    broken = 0
    for number in range(copies):
        text = ids.sub(lambda match, number=number: f"{match.group(1)}N{number}", source)  # type: ignore[misc]
        text = text.replace("doc-platform", f"doc-platform-{number}").replace("/production/", f"/production/{number}/")
        text = text.replace('"production-', f'"production-{number}-')
        copy = json.loads(text)
        if number % broken_every == 0:
            broken += 1
            for raw in copy.values():
                if raw["Type"] == "AWS::RDS::DBInstance":
                    raw["Properties"]["StorageEncrypted"] = False
        everything.update(copy)
    document = {"Parameters": template.get("Parameters", {}), "Resources": everything}
    target.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return broken
