"""What Python code does that goes on record: calls of AWS, programs that it starts, requests, and its own end."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.data.aws_calls import is_custom, operation_of, polled_by
from checker.model.answers import YES, Open
from checker.model.pipeline.handling import Handling, Stream
from checker.model.pipeline.scripts import Argument, AwsCall, Command, How, Write, plain_name
from checker.model.possible import Possible, joined, one_of, open_text
from checker.model.possible import shown as shown_value
from checker.model.values import Absent, Text
from checker.resolve.python.libraries.requests import options_of
from checker.resolve.python.libraries.shown_answers import may_be_shown
from checker.resolve.python.libraries.task_containers import picked
from checker.resolve.python.machine import OWN, Call, Frame, Machine, spot_of, value
from checker.resolve.python.syntax_facts import called_as, conditions_before, shown
from checker.resolve.python.values import Client, Dict, Either, Extern, Value, elements, plain
from checker.resolve.shell.dialects.aws_line import in_order

# What makes a line more than the words of one command.
_SHELL_SIGNS: Final = lazy_re.compile(r"[|&;<>()$`\n*'\"\\]")


def api_call(machine: Machine, client: Client, spelled: str, call: Call, kind: str = "") -> Value:
    """A call of a client's method; of a waiter or a paginator, where ``kind`` says so. What it answers, if known."""
    spot, where, frame = call.spot, call.file, call.frame
    how, operation, waiter = How.SDK, operation_of(client.service, spelled), ""
    if kind == "waiter":
        polled = polled_by(client.service, spelled)
        if polled is None:
            machine.problem(spot, f"{client.service} has no waiter {spelled!r}", "Correct the name.")
        how, operation, waiter = How.SDK_WAITER, polled or spelled, spelled.replace("_", "-")
    elif kind == "paginator":
        how = How.SDK_PAGINATOR
    elif is_custom(client.service, spelled):
        how, operation = How.SDK_CUSTOM, spelled
    arguments: dict[str, Argument] = {
        plain_name(name): _argument(given, name, where) for name, given in call.named.items()
    }
    body = call.named.get("TemplateBody")
    if isinstance(body, Extern) and (file := _read_from(body.name, frame)):
        arguments["templatebody"] = f"file://{file}"  # as the AWS CLI names a file whose content is meant
    if not isinstance(client.endpoint, Absent):
        arguments["endpointurl"] = client.endpoint  # as an option of the AWS CLI
    names = PARAMETERS.get(spelled, ()) if how is How.SDK_CUSTOM else ()
    for index, given in enumerate(call.positional):
        name = plain_name(names[index]) if index < len(names) else str(index)
        arguments[name] = _argument(given, name, where)
    extra = arguments.pop("extraargs", None)
    if isinstance(extra, Mapping):
        arguments.update((plain_name(name), each) for name, each in extra.items())
    reached, region = frame.reached.at(spot), client.region
    handling, source, complete = _stopping(frame.handling), call.shown, call.complete
    if operation == _DESCRIBES and how is How.SDK and not _may_be_shown(machine, call):
        handling = replace(handling, stdout=Stream.DISCARDED)
    made = AwsCall(
        client.service,
        operation,
        how,
        arguments,
        reached,
        handling,
        source,
        waiter,
        region,
        client.profile,
        complete=complete,
        keys_of=client.keys_of,
        key=client.key if isinstance(client.endpoint, Absent) else Absent(),
        unless=conditions_before(frame.module.tree, spot.line) if operation == _REGISTERS else (),
        folder=machine.folder,
        set_before=_set_before(machine, call),
    )
    return _made(machine, made)


# What tells who calls, beside a key (AWS SDKs and Tools Reference Guide, "Environment variables").
_TELLING: Final = ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_PROFILE")


def _set_before(machine: Machine, call: Call) -> Mapping[str, Possible]:
    """The variables that tell who calls, as far as the program has put them into its environment."""
    found: dict[str, Possible] = {}
    found |= {name: plain(machine.put[name], f"${{{name}}}", call.file) for name in _TELLING if name in machine.put}
    if found:
        machine.depends()
    return found


# What the methods that boto3 adds to a client of S3 take, in order. Source: Boto3 documentation, S3, "Client".
PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "upload_file": ("Filename", "Bucket", "Key", "ExtraArgs"),
    "upload_fileobj": ("Fileobj", "Bucket", "Key", "ExtraArgs"),
    "download_file": ("Bucket", "Key", "Filename", "ExtraArgs"),
    "download_fileobj": ("Bucket", "Key", "Fileobj", "ExtraArgs"),
    "copy": ("CopySource", "Bucket", "Key", "ExtraArgs"),
}
_REGISTERS: Final = "RegisterTaskDefinition"
_DESCRIBES: Final = "DescribeServices"
_HANDLES: Final = 3  # names that stand for one another
_READS: Final = frozenset({"read", "read_text", "read_bytes"})
_OPENS: Final = frozenset({"open", "io.open", "Path", "pathlib.Path"})


def _read_from(shown_as: str, frame: Frame, depth: int = 0) -> str:
    """The file whose text an expression gives, where that is written in it: ``open("a.yaml").read()``."""
    try:
        node = ast.parse(shown_as, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return ""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {*_READS, "decode"}:
        node = node.func.value
    if isinstance(node, ast.Name) and depth < _HANDLES:
        handle = frame.names.get(node.id, frame.module.names.get(node.id))
        return _read_from(handle.name, frame, depth + 1) if isinstance(handle, Extern) else ""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) not in _OPENS or not node.args:
        return ""
    name = node.args[0]
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else ""


def _stopping(handling: Handling) -> Handling:
    """Python's own: a failure that nobody catches ends the program."""
    return handling if handling.errexit else replace(handling, errexit=True)


def _ways(given: Value) -> tuple[Value, ...]:
    """The containers that one of a list may be, where code has picked several; else the one that it is."""
    chosen = tuple(each for each in given.options if picked(each)) if isinstance(given, Either) else ()
    return chosen if len(chosen) > 1 else (given,)


def _argument(given: Value, name: str, where: str) -> Argument:
    if isinstance(given, tuple):
        return tuple(_argument(one, name, where) for each in given for one in _ways(each))
    if isinstance(given, Dict):
        return {str(key): _argument(each, name, where) for key, each in given.items if isinstance(key, str)}
    if isinstance(given, Extern):
        return open_text("{" + given.name + "}", where, call=given.answer)
    if isinstance(given, Either):
        # Of a structure and something unknown the structure tells more.
        known = [each for each in given.options if isinstance(each, Dict | tuple)]
        if known:
            return _argument(known[0], name, where)
        return one_of([plain(each, "{" + name + "}", where) for each in given.options])
    return plain(given, "{" + name + "}", where)


def program(machine: Machine, given: Value, call: Call, *, checked: bool, line: bool = False) -> Value:
    """A program that the code starts: ``subprocess.run(["aws", ...])``; a shell's whole ``line``. What that gives, if
    known."""
    words = elements(given) if given is not None else None
    if words is None and isinstance(given, str):
        words = ["sh", "-c", given] if line and _SHELL_SIGNS.search(given) else list(given.split())
    if words is None and line and isinstance(given, Text):
        words = ["sh", "-c", given]
    if words is None:
        machine.problem(call.spot, "a program whose command line is not known before it runs", "Write it as a list.")
        return None
    stops = checked or call.named.get("check") is True
    handling = replace(call.frame.handling, errexit=True, lost=not stops)
    if "describe-services" in words and not _is_shown(machine, call):
        handling = replace(handling, stdout=Stream.DISCARDED)
    reached = call.frame.reached.at(call.spot)
    made = Command(
        tuple(in_order([*map(call.plain, words)])),
        reached,
        handling,
        call.shown,
        machine.folder,
        environment=_handed(machine, call),
    )
    return _made(machine, made)


_KEPT_BACK: Final = frozenset({"check_output", "getoutput", "getstatusoutput"})


def _may_be_shown(machine: Machine, call: Call) -> bool:
    """Whether what a call answers is shown; where that is too much to look for, the rest of the program is unread."""
    answer = may_be_shown(call.frame.module.tree, call.node)
    if isinstance(answer, Open):
        machine.problem(call.spot, f"{call.shown}: {answer.why}", "Split the program.")
    return answer is YES


def _is_shown(machine: Machine, call: Call) -> bool:
    """Whether what a started program prints may be shown (Python documentation, "subprocess": it is, unless it is
    captured or goes nowhere)."""
    goes_to = call.named.get("stdout")
    stream = goes_to.name.rpartition(".")[2] if isinstance(goes_to, Extern) else ""
    captured = call.named.get("capture_output") is True or stream == "PIPE" or called_as(call.node) in _KEPT_BACK
    return stream != "DEVNULL" and (not captured or _may_be_shown(machine, call))


def _handed(machine: Machine, call: Call) -> Mapping[str, Possible]:
    """The variables that a program is started with besides those of the runner: ``env=``, or what the code has put into
    its own."""
    given = call.named.get("env")
    items = given.items if isinstance(given, Dict) else () if given is not None else tuple(machine.put.items())
    return {name: plain(each, f"${{{name}}}", call.file) for name, each in items if isinstance(name, str)}


def http(
    machine: Machine, method: Value, url: Value, call: Call, name: str, *, host: str = "", again: str = ""
) -> Value:
    """A request over HTTP that calling ``name`` makes, as the command that makes the same one. What it answers, if
    known.

    ``host``: where a connection was opened to that the request goes over. ``again``: the option that says how often its
    client sends it.
    """
    over = (*options_of(name), *([f"Host:{host}"] if host else []), *([again] if again else []))
    words = ("http", plain(method, "{method}", call.file), plain(url, "{url}", call.file), *over)
    return _note(machine, words, call.node, call.frame)


# The files that a runner reads outputs and variables of later steps from (GitHub documentation, "Workflow commands").
_OF_RUNNER: Final = lazy_re.compile(r"GITHUB_(?:OUTPUT|ENV)\b")


# A key pair as AWS's programs read it from a file (AWS CLI User Guide, "Configuration and credential file settings").
_OF_KEYS: Final = lazy_re.compile(r"aws_access_key_id|aws_secret_access_key", re.IGNORECASE)


def tells(machine: Machine, call: Call) -> None:
    """``print(text, file=output)`` and ``output.write(text)`` on the runner's own files: what the ``echo`` tells that
    writes the same, and a key pair that is written into a file. On one way of a program also what it prints: it may be
    another text on another way."""
    function, file = call.node.func, call.named.get("file")
    if isinstance(function, ast.Attribute) and function.attr in {"write", "write_text", "writelines"}:
        file = value(machine, function.value, call.frame)
    elif not (isinstance(function, ast.Name) and function.id == "print"):
        return
    found = _OF_RUNNER.search(file.name) if isinstance(file, Extern) else None
    prints = file is None or (isinstance(file, Extern) and file.name == "sys.stdout")
    said = [part for each in call.positional for part in (each if isinstance(each, tuple) else (each,))]
    text = joined([part for each in said for part in (" ", call.plain(each))][1:])
    if found is None and not (prints and machine.stage is not None) and not _OF_KEYS.search(shown_value(text)):
        return
    words = ("echo", text.removesuffix("\n") if isinstance(text, str) else _cut(text))
    writes = (Write(1, ">>", open_text(f"${{{found[0]}}}")),) if found is not None else ()
    reached = call.frame.reached.at(call.spot)
    machine.calls.append(
        Command(words, reached, _stopping(call.frame.handling), call.shown, machine.folder, writes=writes)
    )


def keeps_key(machine: Machine, items: Iterable[tuple[Value, Value]], node: ast.AST, frame: Frame) -> None:
    """A key pair that is put into a parser of configuration files, which writes it into one: as what prints the same
    (Python documentation, "configparser": ``parser["section"]["option"] = value``, ``set``, ``read_dict``)."""
    parts: list[Possible] = []
    for name, found in items:
        if isinstance(name, str):
            parts += ["\n" if parts else "", f"{name} = ", plain(found, shown(node), frame.module.file)]
    if any(isinstance(each, str) and _OF_KEYS.search(each) for each in parts):
        _note(machine, ("echo", joined(parts)), node, frame)


def opened_as(function: Extern, call: Call) -> str:
    """What a call gives, by the name of the runner's file that it opens, where another name stands for that."""
    where = shown_value(call.plain(call.first)) if function.name in _OPENS else ""
    where = function.name if not where and function.name.endswith(".open") else where
    found = _OF_RUNNER.search(where)
    return f"open({found[0]})" if found is not None and found[0] not in call.shown else call.shown


def _cut(told: Possible) -> Possible:
    """A text without the line break at its end."""
    last = told.parts[-1] if isinstance(told, Text) else ""
    if not (isinstance(told, Text) and isinstance(last, str) and last.endswith("\n")):
        return told
    parts = [*told.parts[:-1], last.removesuffix("\n")]
    return joined([part if isinstance(part, str) else Text((part,)) for part in parts])


def is_text(status: Value, node: ast.Call) -> bool:
    """Whether a program ends with a text: it is printed, and the status is 1 (Python documentation, ``sys.exit``)."""
    written = isinstance(status, Text) and any(isinstance(part, str) and part for part in status.parts)
    return isinstance(status, str) or written or (bool(node.args) and isinstance(node.args[0], ast.JoinedStr))


def leaves(machine: Machine, status: Possible, node: ast.AST, frame: Frame) -> None:
    """The end of the program: ``raise``, ``sys.exit(1)``."""
    _note(machine, ("exit", status if isinstance(status, str) else shown_value(status)), node, frame)


def _note(machine: Machine, words: tuple[Possible, ...], node: ast.AST, frame: Frame) -> Value:
    reached = frame.reached.at(spot_of(frame.module, node))
    return _made(machine, Command(words, reached, _stopping(frame.handling), shown(node), machine.folder))


def _made(machine: Machine, call: AwsCall | Command) -> Value:
    machine.calls.append(call)
    if machine.stage is None:
        return None
    machine.notes(OWN)
    return machine.stage.made(call)
