"""Commands of the SAM CLI and of Rain that change a stack, or bring its code to S3, as CloudFormation's commands.

Sources: https://aws-cloudformation.github.io/rain/rain_deploy.html and rain_rm.html; AWS SAM Developer Guide, "sam
deploy", "sam delete", "sam package" and "AWS SAM CLI configuration file"
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html: an option
of the command line goes before the environment's table for the command, that before the environment's ``global`` table.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any, Final

from checker import lazy_re
from checker.model.pipeline.sam_config import NAMES, said_to
from checker.model.possible import Possible, one_of, open_text, options
from checker.model.values import Text, pieces

_VERBS: Final = {"deploy": "deploy", "delete": "delete-stack", "package": "package"}
_FLAGS: Final = frozenset(
    {"guided", "resolve-s3", "no-resolve-s3", "fail-on-empty-changeset", "no-fail-on-empty-changeset",
     "confirm-changeset", "no-confirm-changeset", "disable-rollback", "no-disable-rollback", "force-upload",
     "use-json", "debug", "no-progressbar", "no-prompts", "save-params", "no-execute-changeset",
     "resolve-image-repos"}
)  # fmt: skip
_SHORT: Final = {"-t": "template-file", "-g": "guided", "--template": "template-file"}
# What makes SAM push images too, under tags that it makes up: more than a stack's change.
_IMAGES: Final = frozenset({"image-repository", "image-repositories", "resolve-image-repos"})
# What is built, and templates that are not this one.
_MORE: Final = lazy_re.compile(
    r"\bDocker(?:Context|file|Tag|BuildArgs|BuildTarget)\b|Serverless::Application|CloudFormation::Stack\b|Fn::Transform"
)
_IMAGE: Final = lazy_re.compile(r"""\bImageUri["']?[ \t]*:[ \t]*(?P<image>[^\n]*(?:\n[ \t]+[^\n]*)?)""")
# An expression, or the address of Amazon ECR.
_GIVEN: Final = lazy_re.compile(r"""!|\{|\n[ \t]+["']?(?:!|Ref\b|Fn::)|["']?[^\s"']*\.dkr\.ecr\.""")
_OF_BUILD: Final = ".aws-sam/build/template.yaml"
_PASSED: Final = ("region", "profile", "role-arn", "template-file")
_PACKED: Final = ("region", "profile", "template-file", "s3-bucket", "s3-prefix", "output-template-file")


def as_aws(
    words: tuple[Possible, ...], folder: str | None, text_of: Callable[[str], str | None]
) -> tuple[tuple[Possible, ...], bool]:
    """The words of the ``aws`` command that a command comes to, none where it comes to none that is known; and whether
    that is all that it does.

    ``text_of`` gives the text of a file of the repository; ``folder`` is where the command runs, ``None`` if unknown.
    """
    verb = words[1] if len(words) > 1 else ""
    if words[:1] == ("rain",):
        of_rain = _of_rain(verb, words[2:])
        return of_rain, bool(of_rain)
    if not isinstance(verb, str) or verb not in _VERBS:
        return (), False
    settings = _settings(words, folder, text_of)
    operation = _VERBS[verb]
    if settings.get("no-execute-changeset") is True or settings.get("execute-changeset") is False:
        operation = "create-change-set"
    made: list[Possible] = ["aws", "cloudformation", operation]
    if verb != "package":
        made += ["--stack-name", settings.get("stack-name") or open_text("the stack's name")]
    for name in _PACKED if verb == "package" else _PASSED:
        if settings.get(name):
            made += [f"--{name}", settings[name]]
    if settings.get("disable-rollback") or settings.get("on-failure") == "DO_NOTHING":
        made.append("--disable-rollback")
    return tuple(made), not _IMAGES & settings.keys() or _has_none(settings, folder, text_of)


def _has_none(settings: Mapping[str, Possible], folder: str | None, text_of: Callable[[str], str | None]) -> bool:
    """Whether the template has no image that SAM would push: every one that it names is in a registry already, or comes
    from outside ("sam deploy" uploads local images; what ``sam build`` has made stands in its own folder)."""
    named = settings.get("template-file", "template.yaml")
    if folder is None or not isinstance(named, str) or ".aws-sam" in named:
        return False
    text, built = (text_of(posixpath.normpath(posixpath.join(folder, each))) for each in (named, _OF_BUILD))
    if text is None or built is not None or _MORE.search(text):
        return False
    return all(_GIVEN.match(each["image"]) for each in _IMAGE.finditer(text))


def _settings(
    words: tuple[Possible, ...], folder: str | None, text_of: Callable[[str], str | None]
) -> dict[str, Possible]:
    given = _options(words[2:])
    return {**_configured(str(words[1]), given, folder, text_of), **given}


_OF_RAIN: Final = {
    "-r": "region",
    "--region": "region",
    "-p": "profile",
    "--profile": "profile",
    "--role-arn": "role-arn",
}
_TAKES: Final = frozenset({"-c", "--config", "--params", "--tags", "--s3-bucket", "--s3-prefix", "--s3-owner"})


def _of_rain(verb: Possible, words: tuple[Possible, ...]) -> tuple[Possible, ...]:
    """``rain deploy TEMPLATE STACK``, where the stack is called like the template's file if nobody names it; ``rain rm
    STACK``."""
    plain: list[Possible] = []
    made: list[Possible] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=") if isinstance(word, str) else ("", "", "")
        if option in _OF_RAIN:
            made += [f"--{_OF_RAIN[option]}", value if equals else rest.pop(0) if rest else ""]
        elif option in _TAKES:
            del rest[: 0 if equals else 1]
        elif not option.startswith("-"):
            plain.append(word)
    if verb == "rm" and plain:
        return ("aws", "cloudformation", "delete-stack", "--stack-name", plain[0], *made)
    if verb != "deploy" or not plain:
        return ()
    file = plain[0].rpartition("/")[2].partition(".")[0] if isinstance(plain[0], str) else ""
    stack = plain[1] if len(plain) > 1 else file or open_text("the stack's name")
    return ("aws", "cloudformation", "deploy", "--template-file", plain[0], "--stack-name", stack, *made)


def _options(words: tuple[Possible, ...]) -> dict[str, Possible]:
    """Options by their long names; ``True`` for flags."""
    found: dict[str, Possible] = {}
    name = ""
    for word in words:
        start = pieces(word)[0] if isinstance(word, str | Text) else ""
        if isinstance(start, str) and start.startswith("-"):
            option, has_value, value = start.partition("=")
            name = _SHORT.get(option, option.lstrip("-"))
            whole = isinstance(word, str)
            found[name] = (value if whole else open_text(name)) if has_value else True
            if has_value or name in _FLAGS:
                name = ""
        elif name:
            found[name] = word
            name = ""
    return found


def _configured(
    verb: str, given: Mapping[str, Possible], folder: str | None, text_of: Callable[[str], str | None]
) -> dict[str, Possible]:
    """What the configuration file sets for a command. A file that is not there or cannot be read sets nothing known."""
    environment = given.get("config-env", "default")
    data = _configuration(given, folder, text_of)
    found: list[dict[str, str | bool]] = []
    for option in options(environment) or ():
        said = said_to(verb, option, data) if isinstance(option, str) else {}
        found.append({key.replace("_", "-"): each for key, each in said.items() if isinstance(each, str | bool)})
    # What only some of the environments set is not known to be set, and is not known not to be.
    names = dict.fromkeys(name for each in found for name in each)
    return {name: one_of([each.get(name, open_text(name)) for each in found]) for name in names}


def _configuration(
    given: Mapping[str, Possible], folder: str | None, text_of: Callable[[str], str | None]
) -> Mapping[str, Any]:
    """The file that the command names, else the one beside the template, else where the command runs."""
    named, template = given.get("config-file", ""), given.get("template-file", "")
    if folder is None or not isinstance(named, str) or not isinstance(template, str):
        return {}
    for place in dict.fromkeys((template.rpartition("/")[0], "")):
        for name in (named,) if named else NAMES:
            path = posixpath.normpath(posixpath.join(folder, place, name))
            if (text := text_of(path)) is not None:
                return _parsed(text, path)
    return {}


def _parsed(text: str, path: str) -> Mapping[str, Any]:
    data: object
    if path.endswith((".yaml", ".yml")):
        import yaml

        try:
            data = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one
        except (yaml.YAMLError, RecursionError, ValueError):
            return {}
    else:
        import tomllib

        try:
            data = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}
    return data if isinstance(data, Mapping) else {}
