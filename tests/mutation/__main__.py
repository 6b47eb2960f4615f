"""``python -m tests.mutation``: mutants of rules and reasoning, made and judged by mutmut; docs/mutants.md says how.

Exits 1 where a mutant survives that ``survivors.yaml`` does not explain.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.mutation import file_mutation

from tests.mutation.results import forget_survivors, results, table, unexplained
from tests.mutation.sample import sampling

MADE: Final = Path("mutants/sample.json")


def refresh_data() -> None:
    """Brings the copy's data up to date: the tool itself only does so for code and tests."""
    for file in Path("checker").rglob("*"):
        if file.is_file() and file.suffix not in (".py", ".pyc"):
            shutil.copy2(file, MADE.parent / file)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Mutants of rules and reasoning.")
    parser.add_argument("--every", type=int, default=1, help="one mutant in so many of each file (all)")
    parser.add_argument("--share", type=int, default=1, help="which of these shares (the first)")
    parser.add_argument("--only", nargs="*", default=[], help="files, as patterns (all rules and reasoning)")
    parser.add_argument(
        "--again", action="store_true", help="judge the survivors of the last run again, and what changed since"
    )
    parser.add_argument("--report", action="store_true", help="say how the last run ended; judge nothing")
    options = parser.parse_args(arguments)
    if not options.report:
        if options.again:
            sample = json.loads(MADE.read_text(encoding="utf-8"))
        else:
            sample = {"every": options.every, "share": options.share, "only": options.only}
            shutil.rmtree("mutants", ignore_errors=True)
            MADE.parent.mkdir()
            MADE.write_text(json.dumps(sample), encoding="utf-8")
        if sample["only"]:
            config().only_mutate = sample["only"]
        if options.again:
            forget_survivors()
            refresh_data()
        # The tool makes all mutants or none, and knows no place to choose.
        file_mutation.create_mutations = sampling(sample["every"], sample["share"], file_mutation.create_mutations)
        # The tool calls the type checker by its name.
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        mutmut._run((), 1)
    found = results()
    print(table(found))
    left = unexplained(found)
    for each in left:
        print(f"\n{each.status}: {each.name}\n{each.diff()}")
    print(f"\n{len(left)} survive and are not explained in tests/mutation/survivors.yaml")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
