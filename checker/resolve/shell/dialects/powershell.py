"""Scripts for PowerShell that are no more than commands one after the other, written out for bash, line by line.

A command that fails does not end them: ``$LASTEXITCODE`` holds the status of the last one that was started, and the
runner ends the step with it. What is more than that is not followed. Sources: GitHub documentation, "Workflow syntax"
(``jobs.<job_id>.steps[*].shell``, "Exit codes and error action preference"); PowerShell documentation,
"about_Automatic_Variables" (``$LASTEXITCODE``), "about_Parsing" (argument mode), "about_Quoting_Rules".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveStep

_SHELLS: Final = frozenset({"pwsh", "powershell"})
# Programs, none of which is an alias of PowerShell's own under this name.
_PROGRAMS: Final = frozenset(
    {
        "aws",
        "docker",
        "git",
        "gh",
        "npm",
        "npx",
        "node",
        "python",
        "python3",
        "psql",
        "sam",
        "cdk",
        "dotnet",
        "jq",
        "flyway",
    }
)
_TOKEN: Final = lazy_re.compile(
    r"\s+|(?P<bare>(?:[\w./:=+%*~?-]|\$env:\w+|\$\{env:\w+\}|\$\{\w+\}|\$\(\$env:\w+\)|\$[A-Za-z_]\w*(?![\w:.\[(]))+)|'(?P<single>[^'`\"]*)'"
    r"|\"(?P<double>(?:[^\"`$]|\$env:\w+|\$\{env:\w+\}|\$\(\$env:\w+\)|\$\(\$\w+\)|\$\{\w+\}|\$[A-Za-z_]\w*(?![\w:\[.]))*)\""
)
_NAME: Final = lazy_re.compile(
    r"\$\(\$env:(\w+)\)|\$env:(\w+)|\$\{env:(\w+)\}|\$\(\$(\w+)\)|\$\{(\w+)\}|\$([A-Za-z_]\w*)"
)
_ASSIGNS: Final = lazy_re.compile(r"\$(?P<env>env:)?(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>.+)")
_CHECKS: Final = lazy_re.compile(
    r"if\s*\(\s*\$LASTEXITCODE\s*(?P<how>-ne|-gt|-eq)\s*0\s*\)\s*\{(?P<rest>.*)", re.IGNORECASE
)
_EACH: Final = lazy_re.compile(
    r"foreach\s*\(\s*\$(?P<name>\w+)\s+in\s+(?:@\()?(?P<items>[^()]*)\)?\s*\)\s*\{\s*", re.IGNORECASE
)
_ENDS: Final = lazy_re.compile(r"exit(?:\s+(?P<status>\d+|\$LASTEXITCODE))?", re.IGNORECASE)
_SAYS: Final = lazy_re.compile(r"Write-(?:Host|Output|Warning)\s+(?P<said>.+)", re.IGNORECASE)
_APPENDS: Final = lazy_re.compile(
    r"(?P<said>\"[^\"]*\"|'[^']*')\s*(?:>>\s*\$env:(?P<to>GITHUB_(?:OUTPUT|ENV))"
    r"|\|\s*Out-File(?:\s+-FilePath)?\s+\$env:(?P<file>GITHUB_(?:OUTPUT|ENV))\s+-Append(?:\s+-Encoding\s+\w+)?)",
    re.IGNORECASE,
)
_STATUS: Final = "; LASTEXITCODE=$?"
_OWN: Final = frozenset(
    {"lastexitcode", "true", "false", "null", "args", "erroractionpreference", "input", "error", "host", "home", "pwd"}
)


def for_bash(step: EffectiveStep, options: str | None) -> tuple[str | None, str]:
    """The options of a step's shell, and its script: that of PowerShell as bash would have it. There are no options
    where it does more than is known here, or is for another shell."""
    text = step.run.text if step.run is not None else ""
    windows = "windows" in str(step.job.job.runs_on).lower()
    named = step.shell.strip().lower() or ("pwsh" if windows else "")
    written = written_out(text) if options is None and named in _SHELLS else None
    return (options, text) if written is None else ("", written)


def written_out(text: str) -> str | None:
    """Its lines, each as bash would have it, and one more that ends as the runner does."""
    lines: list[str] = []
    blocks: list[str] = []
    held = ""
    for written in text.rstrip().split("\n"):
        line = f"{held} {written.strip()}".strip() if held else written.strip()
        if line.endswith("`"):
            held = line[:-1].rstrip()
            lines.append("")
            continue
        held = ""
        found = _line(line, blocks)
        if found is None:
            return None
        lines.append(found)
    if held or blocks or not lines:
        return None
    lines[0] = f"LASTEXITCODE=0; {lines[0]}"
    return "\n".join([*lines, 'exit "$LASTEXITCODE"'])


def _line(line: str, blocks: list[str]) -> str | None:
    if not line or line.startswith("#"):
        return ""
    if line == "}" and blocks:
        return blocks.pop()
    if line in {"} else {", "}else{"} and blocks[-1:] == ["fi"]:
        return "else"
    checks = _CHECKS.fullmatch(line)
    if checks is not None:
        begin = f'if [ "$LASTEXITCODE" {checks["how"].lower()} 0 ]; then'
        rest = checks["rest"].strip()
        if not rest:
            blocks.append("fi")
            return begin
        inner = _statements(rest.removesuffix("}").strip()) if rest.endswith("}") else None
        return f"{begin} {inner}; fi" if inner else None
    each = _EACH.fullmatch(line)
    if each is not None:
        items = _words(" ".join(item.strip() for item in each["items"].split(",")))
        blocks.append("done")
        return f"for {_own(each['name'])} in {' '.join(items)}; do" if items and _is_own(each["name"]) else None
    return _statements(line)


def _statements(line: str) -> str | None:
    if ";" in line and not re.search(r"[\"']", line):
        parts = [_statement(each.strip()) for each in line.split(";") if each.strip()]
        return "; ".join(each for each in parts if each) if None not in parts else None
    return _statement(line)


def _statement(line: str) -> str | None:
    if re.fullmatch(r"\$ErrorActionPreference\s*=\s*['\"]?stop['\"]?", line, re.IGNORECASE):
        return ":"  # the runner says so by itself: an error of PowerShell's own commands ends the script
    if (ends := _ENDS.fullmatch(line)) is not None:
        status = ends["status"] or "0"
        return f"exit {status}" if status.isdigit() else 'exit "$LASTEXITCODE"'
    if re.fullmatch(r"(?:throw|Write-Error)(?:\s+[\"'][^\"']*[\"'])?", line, re.IGNORECASE):
        return "exit 1"
    appends = _APPENDS.fullmatch(line)
    if appends is not None:
        said = _words(appends["said"])
        return f'echo {said[0]} >> "${{{appends["to"] or appends["file"]}}}"' if said else None
    if (says := _SAYS.fullmatch(line)) is not None:
        said = _words(says["said"])
        return f"echo {' '.join(said)}" if said else None
    assigns = _ASSIGNS.fullmatch(line)
    if assigns is not None:
        return _assigned(assigns["name"], assigns["value"].strip(), exported=bool(assigns["env"]))
    command = _command(line)
    return f"{command}{_STATUS}" if command else None


def _assigned(name: str, value: str, *, exported: bool) -> str | None:
    if not exported and not _is_own(name):
        return None
    target = name if exported else _own(name)
    command = _command(value)
    if command:
        return f"{target}=$({command}){_STATUS}" if not exported else None
    words = _words(value)
    if len(words) != 1 or value[:1] not in "\"'$":
        return None
    return f"{'export ' if exported else ''}{target}={words[0]}"


def _command(line: str) -> str:
    """A program that is started; empty where the line is anything else."""
    quiet = re.fullmatch(r"(.*?)\s*(?:\|\s*Out-Null|>\s*\$null)", line, re.IGNORECASE)
    words = _words(quiet[1] if quiet else line)
    if not words or words[0].strip('"') not in _PROGRAMS:
        return ""
    return " ".join([words[0].strip('"'), *words[1:]]) + (" > /dev/null" if quiet else "")


def _words(line: str) -> Sequence[str]:
    """The words of a line, quoted for bash; none where one of them is more than text and variables."""
    found: list[str] = []
    at, ended = 0, True
    while at < len(line):
        token = _TOKEN.match(line, at)
        if token is None:
            return ()
        at = token.end()
        if token.lastgroup is None and not token[0].strip():
            ended = True
            continue
        if not ended:
            return ()  # two pieces without a blank between them
        ended = False
        if token["single"] is not None:
            found.append("'" + token["single"] + "'")
            continue
        text = token["double"] if token["double"] is not None else token["bare"]
        named = [next(filter(None, each)) for each in _NAME.findall(text)]
        if "\\" in text or any(_unknown(each, text) for each in named):
            return ()
        found.append('"' + _NAME.sub(_for_bash, text) + '"')
    return found


def _unknown(name: str, text: str) -> bool:
    return not re.search(rf"env:{name}\b", text) and not _is_own(name) and name.lower() != "lastexitcode"


def _for_bash(match: re.Match[str]) -> str:
    variable = match[1] or match[2] or match[3]
    if variable:
        return f"${{{variable}}}"
    name = match[4] or match[5] or match[6]
    return "${LASTEXITCODE}" if name.lower() == "lastexitcode" else f"${{{_own(name)}}}"


def _is_own(name: str) -> bool:
    return name.lower() not in _OWN


def _own(name: str) -> str:
    """A variable of the script's own: their names have no case."""
    return f"ps_{name.lower()}"
