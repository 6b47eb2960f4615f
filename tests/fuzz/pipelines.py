"""Repositories of the rules' cases with their files changed at random: workflows, scripts, task files, programs and
migrations. Whatever they say, no rule crashes, and reading them ends.

``python -m tests.fuzz`` explores; a test looks at a few hundred of them.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from checker.collect.config.register import load_register
from checker.model.settings import Settings
from checker.model.verdicts import Outcome
from checker.policies.rules import load
from checker.run.judging import judge_stacks
from checker.run.pipeline import pipeline_of
from tests.policies.case import Case
from tests.policies.harness import all_cases, stacks_of

# What syntax hangs on, in shells, YAML, make, Python and SQL; and programs that run what they are given.
PIECES: Final = (
    *("$(", "`", '"', "'", "<<EOF\n", "\\", "|", "||", "&&", ";", "}", "{", "(", ")", "$((", "))", "${", "[[", "]]"),
    *(
        "<(",
        ">",
        "2>&1",
        "&",
        "!",
        "~",
        "\x00",
        "\t",
        "é",
        "--",
        "=",
        "%",
        "#",
        "9" * 30,
        "$@",
        '"$*"',
        "*",
        ": ",
        "- ",
    ),
    *("trap", "exit", "eval", "wait", "coproc", "for i in", "while", "do", "done", "if", "then", "fi", "case", "esac"),
    *("function f", "f(){", "git -c alias.x=!f x", "make -f x", 'psql -c "\\! ls"', "sed e", "xargs sh -c"),
    *("awk 'BEGIN{system(\"x\")}'", "define X\n", "$(call f,", "$(foreach a,b,", "def f(", "lambda", "BEGIN;", "$$"),
)
# Far above what any of them takes on a busy machine.
MOST_SECONDS: Final = 60


@cache
def repositories() -> tuple[Case, ...]:
    return tuple(case for _, case in all_cases() if case.input.repository_files())


def changed(text: str, choose: random.Random) -> str:
    """A text with a few pieces put in, taken out, doubled or swapped."""
    for _ in range(choose.randint(1, 4)):
        text = text or " "
        at, until = choose.randrange(len(text)), choose.randint(1, 60)
        lines, words = text.split("\n"), text.split(" ")
        match choose.randrange(7):
            case 0:
                text = text[:at] + choose.choice(PIECES) + text[at:]
            case 1:
                text = text[:at] + choose.choice(PIECES) * choose.randint(1, 40) + text[at:]
            case 2:
                text = text[:at] + text[at + until % 12 :]
            case 3:
                text = text[: at + until] + text[at : at + until] * choose.randint(1, 5) + text[at + until :]
            case 4:
                lines.insert(choose.randrange(len(lines) + 1), choose.choice(lines))
                text = "\n".join(lines)
            case 5:
                del lines[choose.randrange(len(lines))]
                text = "\n".join(lines)
            case _:
                one, other = choose.randrange(len(words)), choose.randrange(len(words))
                words[one], words[other] = words[other], words[one]
                text = " ".join(words)
    return text


def repository(seed: int) -> tuple[Case, Mapping[str, str]]:
    """A case, and its repository's files with one or two of them changed."""
    choose = random.Random(seed)
    case = choose.choice(repositories())
    files = dict(case.input.repository_files() or {})
    for name in choose.sample(sorted(files), min(len(files), choose.randint(1, 2))):
        files[name] = changed(files[name], choose)
    return case, files


def found(seed: int) -> Iterator[str]:
    """What is wrong with how a repository is taken: rules that crash, and more time than any may take."""
    case, files = repository(seed)
    settings, began = Settings(**case.input.settings), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="surrogatepass")
        stacks, kinds = stacks_of(case)
        pipeline = pipeline_of(Path(folder), settings, tuple(kinds))
        findings = load_register().findings
        verdicts = judge_stacks(stacks, kinds, load(), findings, settings=settings, pipeline=pipeline)
    yield from (f"{each.finding}: {each.violation}" for each in verdicts if each.outcome is Outcome.ERROR)
    took = time.process_time() - began
    if took > MOST_SECONDS:
        yield f"it took {took:.0f} s of CPU"
