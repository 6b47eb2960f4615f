"""Repositories in a folder, and what a gate without any option says of them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checker.cli import run

DATABASE = json.dumps(
    {
        "Resources": {
            "Orders": {
                "Type": "AWS::RDS::DBInstance",
                "DeletionPolicy": "Snapshot",
                "UpdateReplacePolicy": "Snapshot",
                "Properties": {"Engine": "postgres", "StorageEncrypted": False},
            }
        }
    }
)


def manifest(*names: str, **more: str) -> str:
    stacks = {
        name: {
            "type": "aws:cloudformation:stack",
            "environment": "aws://111111111111/eu-west-1",
            "properties": {"templateFile": f"{name}.json", "stackName": name},
        }
        for name in names
    }
    return json.dumps({"version": "48.0.0", "artifacts": stacks, **more})


class Project:
    """A repository in a folder, and what a gate without any option says of it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys
        self.code: int = -1
        self.said = ""

    def write(self, files: Mapping[str, str]) -> Project:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return self

    def gate(self, *arguments: str) -> dict[str, Any]:
        document = self.root.parent / "run.json"
        document.unlink(missing_ok=True)
        self.code = run(["gate", *arguments, "--format", f"json={document}", "--format", "console"])
        heard = self._capsys.readouterr()
        self.said = heard.out + heard.err
        return dict(json.loads(document.read_text())) if document.exists() else {}


def failing(document: dict[str, Any], finding: str) -> set[str]:
    return {
        each["location"]["file"]
        for each in document["verdicts"]
        if each["finding"] == finding and each["outcome"] == "fail"
    }
