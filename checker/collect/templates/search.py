"""Finds what a repository deploys, when nobody says: assemblies, CDK apps, templates by what is in them.

What is generated, somebody else's or a test's own is not judged; its name is kept, so that the report can say so.
Things that deploy and that the checker does not read (Terraform, Helm, another CI system) are named as well.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase, translate
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.collect.documents import MAX_BYTES
from checker.collect.exclusions import Exclusions
from checker.collect.folders import walk
from checker.collect.seen import asked
from checker.model.sources import Problem, Spot

# What a template's file may be called at its end: whether it is one, its content says.
TEMPLATE_FILES: Final = (
    ".yaml", ".yml", ".json", ".template", ".cform", ".cfn", ".cloudformation", "template.txt", ".cfn.txt",
)  # fmt: skip
# What shows that a file is a template stands in its beginning: of a larger file, no more is read to find that out.
_BEGINNING: Final = 4_000_000
MAX_FILES: Final = 20_000
# Folders whose files are inputs of tests: they break rules on purpose.
_TEST_FOLDERS: Final = frozenset(
    {"test", "tests", "__tests__", "fixtures", "__fixtures__", "fixture", "testdata", "test-data", "test_data",
     "test-fixtures", "__snapshots__", "__mocks__", "mocks", "spec", "specs"}
)  # fmt: skip
# Folders that a search passes over and that are worth a word; caches and tools' own folders are not.
_SAID: Final = frozenset({"vendor", "third_party", "dist", "build", "target", ".aws-sam", ".serverless"})
# Patterns that begin with a word are found many times faster than those that do not.
_RESOURCES: Final = lazy_re.compile(rb"""Resources["']?\s*:""")
_RESOURCE_TYPE: Final = lazy_re.compile(rb"""Type["']?\s*:\s*["']?(?:AWS|Alexa|Custom)::""")
_INDENTED: Final = lazy_re.compile(rb"""[ \t]+"["']?""")  # a key of JSON, which may stand on its line alone

# A character that need not be escaped, escaped: in JSON, and between double quotes in YAML.
_ESCAPED: Final = lazy_re.compile(rb"\\(?:u00|x)([2-7][0-9A-Fa-f])")

_VERSION: Final = lazy_re.compile(rb"""(?m)^\s*\{?\s*["']?AWSTemplateFormatVersion["']?\s*:""")
_NO_RESOURCES: Final = "it says AWSTemplateFormatVersion and declares no Resources: not read as a template"
_FIX_RESOURCES: Final = "Declare Resources, or leave it out below [exclude] in checker.toml."
# What another program fills in before there is a template: Jinja, ERB, Mustache, Go's templates.
_FILLED_IN: Final = (".j2", ".jinja", ".jinja2", ".erb", ".tpl", ".tmpl", ".mustache", ".hbs", ".gotmpl", ".in")
_PLACES: Final = lazy_re.compile(rb"\{\{|\{%|<%")  # where something is filled in
_NOT_FILLED_IN: Final = "a template that another program fills in first: what comes of it is not known, it was not read"
_FIX_FILLED_IN: Final = "Fill it in before the gate and name it with --assembly, or leave it out below [exclude]."

# As `aws ecs register-task-definition --cli-input-json` takes it.
_TASK_DEFINITION: Final = lazy_re.compile(rb"""["']?containerDefinitions["']?\s*:\s*[\[\n]""")

# Tool -> the files that show that a repository uses it. Patterns of a file's name, or of its path where they have "/".
_NOT_READ: Final[Mapping[str, tuple[str, ...]]] = {
    "Terraform": ("*.tf", "*.tf.json", "*.tofu"),
    "AWS Copilot": ("copilot/.workspace", "copilot/*/manifest.yml", "*/copilot/*/manifest.yml"),
    "Helm": ("Chart.yaml",),
    "Kustomize": ("kustomization.yaml", "kustomization.yml"),
    "Pulumi": ("Pulumi.yaml", "Pulumi.yml"),
    "the Serverless Framework": ("serverless.yml", "serverless.yaml", "serverless.json", "serverless.ts"),
    "SST": ("sst.config.ts",),
    "CDK for Terraform": ("cdktf.json",),
    "Terragrunt": ("terragrunt.hcl",),
    "AWS Amplify": (
        "amplify.yml",
        "amplify.yaml",
        "amplify/backend.ts",
        "*/amplify/backend.ts",
        "amplify/backend/backend-config.json",
        "*/amplify/backend/backend-config.json",
    ),
    # What lies below `.platform/hooks` is run on every instance that a deploy reaches.
    "AWS Elastic Beanstalk": (
        ".ebextensions/*.config",
        "*/.ebextensions/*.config",
        "Dockerrun.aws.json",
        ".platform/hooks/*.sh",
        "*/.platform/hooks/*.sh",
        ".platform/confighooks/*.sh",
        "*/.platform/confighooks/*.sh",
    ),
    "ecspresso": ("ecspresso.yml", "ecspresso.yaml", "ecspresso.json", "ecspresso.jsonnet"),
    "Flightcontrol": ("flightcontrol.json",),
    "Kamal": (".kamal/secrets", ".kamal/secrets-common", "*/.kamal/secrets", "*/.kamal/secrets-common"),
    "Earthly": ("Earthfile",),
    "Harness": (".harness/*.yaml",),
    "GoCD": ("*.gocd.yaml",),
    "AWS App Runner": ("apprunner.yaml",),
    "Chalice": (".chalice/config.json", "*/.chalice/config.json"),
    "Zappa": ("zappa_settings.json", "zappa_settings.toml", "zappa_settings.yml", "zappa_settings.yaml"),
    "Architect": ("app.arc",),
    "Skaffold": ("skaffold.yaml", "skaffold.yml"),
    "Dagger": ("dagger.json",),
    "Ansible": ("ansible.cfg",),
    "AWS CodeBuild": ("buildspec.yml", "buildspec.yaml", "buildspec-*.yml", "buildspec.*.yml"),
    "AWS CodeDeploy": ("appspec.yml", "appspec.yaml", "appspec.json"),
    "GitLab CI": (".gitlab-ci.yml",),
    "CircleCI": (".circleci/config.yml",),
    "Jenkins": ("Jenkinsfile", "Jenkinsfile.*", "*.jenkinsfile"),
    "Azure Pipelines": ("azure-pipelines.yml", "azure-pipelines*.yml", ".azure-pipelines/*.yml"),
    "Bitbucket Pipelines": ("bitbucket-pipelines.yml",),
    "Buildkite": (".buildkite/pipeline*.yml",),
    "Travis CI": (".travis.yml",),
    "Drone": (".drone.yml",),
    "Woodpecker": (".woodpecker.yml", ".woodpecker/*.yml"),
    "Google Cloud Build": ("cloudbuild.yaml", "cloudbuild.yml"),
    "AppVeyor": ("appveyor.yml", ".appveyor.yml"),
    "Tekton": (".tekton/*.yaml",),
    "TeamCity": (".teamcity/settings.kts", ".teamcity/pom.xml"),
    "Semaphore": (".semaphore/semaphore.yml",),
    "Codefresh": ("codefresh.yml",),
}
_EXACT: Final = {
    pattern: tool
    for tool, patterns in _NOT_READ.items()
    for pattern in patterns
    if "/" not in pattern and "*" not in pattern
}
_PATTERNS: Final = tuple(
    (pattern, tool) for tool, patterns in _NOT_READ.items() for pattern in patterns if pattern not in _EXACT
)
# What a name alone tells of them: every file of a repository is asked. Most patterns are of an ending.
_LAST: Final = {pattern.rpartition("/")[2] for pattern, _ in _PATTERNS}
_ENDINGS: Final = tuple(each[1:] for each in _LAST if each[:1] == "*" and not set("*?[") & set(each[1:]))
_BY_NAME: Final = lazy_re.compile("|".join(sorted(map(translate, _LAST - {f"*{each}" for each in _ENDINGS}))))


class Found(Struct):
    """What a search found, as paths below the project's root. ``not_read``: tool -> the files that show it."""

    assemblies: list[Path] = field(default_factory=list)
    apps: dict[Path, Path] = field(default_factory=dict)  # cdk.json -> the folder that its app writes to
    templates: list[Path] = field(default_factory=list)
    task_definitions: list[Path] = field(default_factory=list)  # of Amazon ECS, as its API takes them
    tests: list[Path] = field(default_factory=list)  # templates that are a test's own
    passed_over: list[Path] = field(default_factory=list)  # folders, generated or somebody else's
    excluded: dict[str, str] = field(default_factory=dict)  # what checker.toml leaves out and is there -> its reason
    not_read: dict[str, list[Path]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def search(root: Path, exclude: Mapping[str, str] | None = None) -> Found:
    """Search a repository. ``exclude``: path or pattern below ``root`` -> the reason for which it is left out."""
    found = Found()
    exclusions = _Exclusions(exclude or {}, found.excluded)

    def skipped(folder: str) -> None:
        with exclusions.into(Path(folder), found) as into:
            _add_folder(root / folder, Path(folder), into)

    for file in walk(root, _is_candidate, MAX_FILES, found.problems, passed=skipped):
        with exclusions.into(Path(file), found) as into:
            _add_file(root / file, Path(file), into)
    # Two names of one folder, by a link, are one assembly: the one that was met first keeps it.
    found.assemblies = list({os.path.realpath(root / each): each for each in reversed(found.assemblies)}.values())[::-1]
    # Templates inside an assembly are its own.
    found.templates = [
        path for path in found.templates if not any(path.is_relative_to(folder) for folder in found.assemblies)
    ]
    return found


def _add_folder(folder: Path, inner: Path, found: Found) -> None:
    """A folder that is not searched, for what it is."""
    if is_assembly(folder):
        (found.tests if is_test(inner) else found.assemblies).append(inner)
    elif folder.name in _SAID:
        found.passed_over.append(inner)
    elif folder.name == "cdk.out" and not is_test(inner) and (why := _no_assembly(folder)):
        found.problems.append(Problem(Spot(inner.as_posix()), why, "Synthesize again."))


def _add_file(path: Path, inner: Path, found: Found) -> None:
    if path.name == "manifest.json" and is_assembly(path.parent):
        # An assembly that was written to a folder of another name.
        if not any(inner.parent.is_relative_to(known) for known in found.assemblies):
            found.assemblies.append(inner.parent)
        return
    tool = _tool(inner)
    if tool is not None and not is_test(inner):
        found.not_read.setdefault(tool, []).append(inner)
    if path.name == "cdk.json":
        output = output_of(path)
        if output is not None and not is_test(inner):
            found.apps[inner] = Path(os.path.normpath(inner.parent / output))
    elif tool is not None:
        return
    elif path.name.lower().endswith(_FILLED_IN):
        text = _glance(path, inner, found.problems)
        if _PLACES.search(text) and looks_like_template(text) and not is_test(inner):
            found.problems.append(Problem(Spot(inner.as_posix()), _NOT_FILLED_IN, _FIX_FILLED_IN))
    elif path.name.lower().endswith(TEMPLATE_FILES) and inner.parts[0] != ".github":
        text = _glance(path, inner, found.problems)
        if looks_like_template(text):
            (found.tests if is_test(inner) else found.templates).append(inner)
        elif b"AWSTemplateFormatVersion" in text[:4000] and _VERSION.search(text[:4000]) and not is_test(inner):
            found.problems.append(Problem(Spot(inner.as_posix()), _NO_RESOURCES, _FIX_RESOURCES))
        elif b"containerDefinitions" in text and _TASK_DEFINITION.search(text) and not is_test(inner):
            found.task_definitions.append(inner)


class _Exclusions(Exclusions):
    @contextmanager
    def into(self, inner: Path, found: Found) -> Iterator[Found]:
        """Where a path's findings go: nowhere where it is left out, and then its exclusion has done something."""
        if not self.patterns or (pattern := self.pattern_of(inner)) is None:
            yield found
            return
        nowhere = Found()
        yield nowhere
        if nowhere != Found():
            self.use(pattern)


def _is_candidate(name: str) -> bool:
    if name.lower().endswith((*TEMPLATE_FILES, *_FILLED_IN)):
        return True
    return name in _EXACT or name.endswith(_ENDINGS) or _BY_NAME.match(name) is not None


def _tool(inner: Path) -> str | None:
    """The tool that a file belongs to, where it is one that the checker does not read."""
    if (tool := _EXACT.get(inner.name)) is not None:
        return tool
    whole = inner.as_posix()
    return next(
        (tool for pattern, tool in _PATTERNS if fnmatchcase(whole if "/" in pattern else inner.name, pattern)), None
    )


def is_test(inner: Path | str) -> bool:
    """Whether a file below the root is a test's own, by its folders; a string has ``/`` between them."""
    folders = inner.split("/")[:-1] if isinstance(inner, str) else inner.parts[:-1]
    return any(part.lower() in _TEST_FOLDERS for part in folders)


def is_assembly(folder: Path) -> bool:
    """Whether a folder is a cloud assembly: its manifest has a version and artifacts."""
    manifest = asked(folder / "manifest.json")
    try:
        head = manifest.read_bytes()[:2_000_000] if manifest.is_file() else b""
    except OSError:
        return False
    return b'"artifacts"' in head and b'"version"' in head


def _no_assembly(folder: Path) -> str:
    """Why a folder of an assembly's name is none, where something of an assembly is in it or may be; else empty."""
    try:
        left = any(path.name.endswith(".template.json") for path in folder.iterdir())
    except OSError as error:
        return f"the folder could not be read: {error.strerror or error}"
    return "it holds templates, and its manifest.json is not there or is none" if left else ""


def _glance(path: Path, inner: Path, problems: list[Problem]) -> bytes:
    """The bytes of a file; none of one that could not be read, or whose beginning shows a large file to be no template.

    What cannot be read, and what would be a template but for its size or encoding, is a problem.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(_BEGINNING)
            if text[:2] in {b"\xff\xfe", b"\xfe\xff"} and looks_like_template(text.replace(b"\0", b"")):
                problems.append(
                    Problem(Spot(inner.as_posix()), "a template that is not UTF-8", "Save the file as UTF-8.")
                )
                return b""
            if len(text) == _BEGINNING and not looks_like_template(text):
                return b""
            text += stream.read(MAX_BYTES + 1 - len(text))
    except OSError as error:
        problems.append(Problem(Spot(inner.as_posix()), error.strerror or str(error), "Check its permissions."))
        return b""
    if len(text) > MAX_BYTES:
        why = f"a template of more than {MAX_BYTES:,} bytes"
        problems.append(Problem(Spot(inner.as_posix()), why, "Split the stack, or leave the file out."))
        return b""
    return text


def looks_like_template(text: bytes) -> bool:
    """Whether a file is a CloudFormation or SAM template, by its text: it declares resources of CloudFormation's types.

    A template says ``Resources`` at its top and has a resource type; a file that says neither is none.
    """
    text = text.removeprefix(codecs.BOM_UTF8)
    if b"\r" in text:
        text = text.replace(b"\r", b"\n")  # alone, it ends a line as well
    if b"\\u00" in text or b"\\x" in text:
        text = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text)
    # Words are found a hundred times faster than patterns, and most files have neither.
    if b"Resources" not in text or not (b"::" in text or b"AWSTemplateFormatVersion" in text[:4000]):
        return False
    if not (b"AWSTemplateFormatVersion" in text[:4000] or _RESOURCE_TYPE.search(text)):
        return False
    return any(_is_key(text, found.start()) for found in _RESOURCES.finditer(text))


def _is_key(text: bytes, at: int) -> bool:
    """Whether the word at a place is a key of the document's: at the beginning of a line, or of a JSON object's."""
    line = text.rfind(b"\n", 0, at) + 1
    if _INDENTED.fullmatch(text, line, at):
        return True
    for begins in (at, at - 1) if text[at - 1 : at] in {b'"', b"'"} else (at,):
        near = text[max(0, begins - 100) : begins].rstrip() or text[:begins].rstrip()
        if begins == line or near.endswith((b"{", b",")):
            return True
    return False


def output_of(app: Path) -> str | None:
    """The folder that a CDK app writes its assembly to, beside its ``cdk.json``; ``None`` where that names no app."""
    try:
        settings = json.loads(app.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "cdk.out"
    if not isinstance(settings, dict) or "app" not in settings:
        return None
    output = settings.get("output")
    return output if isinstance(output, str) and output else "cdk.out"


def newer_source(root: Path, app: Path, assembly: Path) -> Path | None:
    """A file of a CDK app that was changed after its assembly was written; ``None`` where there is none.

    Time stamps can mislead (a fresh checkout has the same for all), so what they show is said and decides nothing.
    """
    try:
        written = (root / assembly / "manifest.json").stat().st_mtime
    except OSError:
        return None
    problems: list[Problem] = []
    for inner in walk(root, _is_app_code, 5_000, problems, below=app.parent.as_posix()):
        try:
            if not is_test(inner) and (root / inner).stat().st_mtime > written + 5:
                return Path(inner)
        except OSError:
            continue
    return None


def _is_app_code(name: str) -> bool:
    return name == "cdk.json" or name.endswith((".ts", ".py", ".js", ".java", ".cs", ".go"))


def shortened(paths: Iterable[Path], limit: int = 4) -> str:
    """``a, b and 3 more``."""
    names = [path.as_posix() for path in paths]
    rest = len(names) - limit
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:limit])} and {rest} more"
