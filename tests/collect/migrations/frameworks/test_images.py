"""What containers of an image start, and where the repository's files lie in it, by the image's recipe."""

from __future__ import annotations

import pytest

from checker.collect.migrations.frameworks.images import image_start

_FILES = frozenset({"entry.sh", "docker/entry.sh", "api/run.sh", "scripts/migrate.sh"})


def _of(text: str, recipe: str = "Dockerfile") -> tuple[list[str], str, dict[str, str]]:
    found = image_start(recipe, text, _FILES.__contains__)
    assert found is not None
    return [*found.entry, *found.command], found.folder, dict(found.places)


@pytest.mark.parametrize(
    ("recipe", "words", "folder", "places"),
    [
        ('FROM x\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["./e"]\nCMD ["a"]\n', ["./e", "a"], "/app", {"/app": ""}),
        ("FROM x\nCMD a && b\n", ["sh", "-c", "a && b"], "/", {}),
        ('FROM x\nENTRYPOINT a\nCMD ["b"]\n', ["sh", "-c", "a"], "/", {}),
        ('FROM x\nCMD ["b"]\nENTRYPOINT ["a"]\n', ["a"], "/", {}),
        ('FROM x\nARG D=/srv\nWORKDIR ${D}\nWORKDIR app\nCMD ["a"]\n', ["a"], "/srv/app", {}),
        ('FROM x AS b\nCMD ["a"]\nFROM x\nCMD ["b"]\n', ["b"], "/", {}),
        ('FROM x AS b\nWORKDIR /w\nCMD ["a"]\nFROM b\n', ["a"], "/w", {}),
        ("FROM x\nCOPY entry.sh /usr/bin/\n", [], "/", {"/usr/bin/entry.sh": "entry.sh"}),
        ("FROM x\nCOPY entry.sh /start\n", [], "/", {"/start": "entry.sh"}),
        ("FROM x\nCOPY --chown=1:1 scripts entry.sh /s/\n", [], "/", {"/s": "scripts", "/s/entry.sh": "entry.sh"}),
        (
            "FROM x AS b\nWORKDIR /b\nCOPY . .\nFROM y\nCOPY --from=b /b/scripts /s\nCOPY --from=b /b/entry.sh /e\n",
            [],
            "/",
            {"/s": "scripts", "/e": "entry.sh"},
        ),
        ("FROM x\nCOPY --from=other/image /a /b\nCOPY *.sh /s/\nCOPY ../up /u\nCMD a\n", ["sh", "-c", "a"], "/", {}),
        ('FROM x\nCMD ["a", \\\n  # why\n  "b"]\n', ["a", "b"], "/", {}),
        (
            "FROM x\nCOPY . /app\nRUN python3 - <<EOF\nfrom os import path\nEOF\nCMD a\n",
            ["sh", "-c", "a"],
            "/",
            {"/app": ""},
        ),
        ("FROM x\nCMD a\nRUN <<'A' <<-B\ncmd b\nA\ncmd c\n\tB\n", ["sh", "-c", "a"], "/", {}),
        ("FROM x\nRUN cat <<EOF > /b \\\n  && c\ncmd b\nEOF\nCMD a\n", ["sh", "-c", "a"], "/", {}),
        ("FROM x\nRUN echo '<<EOF'\nCMD a\n", ["sh", "-c", "a"], "/", {}),
        ("FROM x\nRUN cat <<< EOF\nCMD b\nEOF\nCMD a\n", ["sh", "-c", "a"], "/", {}),
        ("FROM x\nCMD cat <<EOF\nCMD a\n", ["sh", "-c", "a"], "/", {}),
        ("FROM x AS b\nCOPY . /a\nCOPY --from=b /a /c\nCMD a\n", ["sh", "-c", "a"], "/", {"/a": ""}),
        ("FROM x AS b\nFROM y\nCOPY . /a\nFROM z\nCOPY --from=1 /a /c\n", [], "/", {"/c": ""}),
        ("FROM x\nCOPY --from= /a /c\nCMD a\n", ["sh", "-c", "a"], "/", {}),
        (
            'FROM x\nSHELL ["/bin/bash", "-eo", "pipefail", "-c"]\nCMD a\n',
            ["/bin/bash", "-eo", "pipefail", "-c", "a"],
            "/",
            {},
        ),
        ('FROM x\nSHELL ["/bin/bash", "-c"]\nENTRYPOINT a\nCMD ["b"]\n', ["/bin/bash", "-c", "a"], "/", {}),
        ('FROM x\nENTRYPOINT ["sh", "-c", "a"]\nCMD ["b"]\n', ["sh", "-c", "a", "b"], "/", {}),
        ("FROM x\n" + "LABEL a=b\n" * 600 + "CMD a\n", ["sh", "-c", "a"], "/", {}),
        ("FROM x\nCMD " + "[" * 100_000 + "\n", ["sh", "-c", "[" * 100_000], "/", {}),
    ],
)
def test_a_recipe_is_read(recipe: str, words: list[str], folder: str, places: dict[str, str]) -> None:
    assert _of(recipe) == (words, folder, places)


def test_an_image_is_built_where_what_it_copies_is() -> None:
    assert _of("FROM x\nCOPY run.sh /r\n", "api/Dockerfile")[2] == {"/r": "api/run.sh"}
    assert _of("FROM x\nCOPY docker/entry.sh /r\n", "docker/Dockerfile")[2] == {"/r": "docker/entry.sh"}
    assert _of("FROM x\nCOPY . /app\nCMD exec /app/scripts/migrate.sh\n", "api/Dockerfile")[2] == {"/app": ""}
    assert _of('FROM x\nCOPY . /app\nCMD ["/app/scripts/migrate.sh"]\n', "api/Dockerfile")[2] == {"/app": ""}
    assert _of('FROM x\nCOPY . /app\nCMD ["/app/run.sh"]\n', "api/Dockerfile")[2] == {"/app": "api"}


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ("FROM x\nENV A=aaaaaaaa\n" + "ENV A=$A$A\n" * 40 + "CMD a\n", "variables"),
        ("FROM x\nENV A=" + "a" * 100 + "\nCMD " + "$A" * 100 + "\n", "variables"),
        ("FROM x\n" + "WORKDIR aaaaaaaaa\n" * 1000 + "CMD a\n", "folder"),
        ("FROM x\n" + "LABEL a=b\n" * 6000 + "CMD a\n", "instructions"),
        (
            "FROM x AS s0\nCOPY . /a\n"
            + "".join(f"FROM s{n} AS s{n + 1}\nCOPY --from=s{n} / /b/\n" for n in range(40)),
            "places",
        ),
    ],
)
def test_what_comes_to_too_much_is_not_known(recipe: str, why: str) -> None:
    found = image_start("Dockerfile", recipe, _FILES.__contains__)
    assert found is not None
    assert why in found.unknown
    assert (found.entry, found.command, found.places) == ((), (), ())


def test_variables_that_nothing_starts_with_may_be_long() -> None:
    text = "FROM x\nENV A=" + "a" * 500 + "\nRUN " + "echo $A;" * 200 + "\nCMD a\n"
    assert _of(text)[0] == ["sh", "-c", "a"]


def test_the_last_instruction_is_told_by_its_line() -> None:
    found = image_start("Dockerfile", "FROM x\nRUN a && \\\n  b\n\nCMD c\n", _FILES.__contains__)
    assert found is not None
    assert found.line == 5
    assert image_start("Dockerfile", "FROM x\n", _FILES.__contains__) is None
