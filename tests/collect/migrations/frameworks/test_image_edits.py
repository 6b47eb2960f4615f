"""Files of an image that its recipe's commands change."""

from __future__ import annotations

import pytest

from checker.collect.migrations.frameworks.images import image_start

_FILES = frozenset({"go.sh", "b/go.sh", "other.sh"})
_IMAGE = "FROM x\nWORKDIR /app\nCOPY . .\n"
_VARIABLES = "ENV APP=/app ETC=/etc\n"


def _line_of(text: str, file: str = "go.sh") -> int | None:
    found = image_start("Dockerfile", text, _FILES.__contains__)
    assert found is not None
    return found.line_that_changes(file)


@pytest.mark.parametrize(
    "run",
    [
        "sed -i 's/a/b/' go.sh",
        "sed -i.bak -e 's/a;b/c/' -e d /app/go.sh",
        "cd / && sed --in-place -E 's/a/b/' app/*.sh",
        "perl -pi -e 's/a/b/' go.sh",
        "echo x >> go.sh",
        "set -e; cat a 2>/dev/null > ./go.sh",
        "echo x | tee -a go.sh >/dev/null",
        "--mount=type=cache,target=/c curl -fsSLo go.sh https://example.com/x",
        "wget -qO /app/go.sh https://example.com/x",
        "cp /opt/x/go.sh /app",
        "mv /opt/other/*.sh .",
        "if true; then cp /opt/other.sh go.sh; fi",
        "find /app -name '*.sh' -exec sed -i 's/a/b/' {} +",
        "find . -name '*.sh' | xargs sed -i 's/a/b/'",
        "for f in *.sh; do sed -i 's/a/b/' \"$f\"; done",
        "patch -p1 < x.diff",
        "bash -c \"sed -i 's/a/b/' go.sh\"",
        '["sed", "-i", "s/a/b/", "go.sh"]',
        "<<EOF\nset -e\nsed -i 's/a/b/' go.sh\nEOF",
        "<<EOF;\nsed -i 's/a/b/' go.sh\nEOF",
        "<<EOF\n#!/bin/bash -e\nsed -i 's/a/b/' go.sh\nEOF",
        "bash -ex <<'EOF'\nsed -i 's/a/b/' go.sh\nEOF",
        "cat <<EOF | sh\nsed -i 's/a/b/' go.sh\nEOF",
        "cat <<EOF > go.sh\necho x\nEOF",
        "sh -ec \"sed -i 's/a/b/' go.sh\"",
        "bash -euo pipefail -c \"sed -i 's/a/b/' go.sh\"",
        '["/bin/ash", "-ec", "sed -i s/a/b/ go.sh"]',
        "eval \"sed -i 's/a/b/' go.sh\"",
        "su app -c \"sed -i 's/a/b/' go.sh\"",
        "sudo -E sed -i 's/a/b/' go.sh",
        "sudo -u root env -i A=b timeout -s KILL 5 sed -i 's/a/b/' go.sh",
        "sed -i 's/a/b/' *",
        "sed -i 's/a/b/' [f-h]o.sh",
        "sed -i 's/a/b/' {go,other}.sh",
        "sed -i 's/a/b/' $APP/go.sh",
        "sed -i 's/a/b/' \"$(pwd)/go.sh\"",
        "TO=/app; cd / && echo x > ${TO}/go.sh",
        "cd /etc; for f in /etc/a /app/go.sh; do sed -i 's/a/b/' \"$f\"; done",
        "rm -f go.sh",
        "rm -r /app",
        "find /app -name '*.sh' -delete",
        "cp -r /opt/new/. .",
        "rsync -a /opt/new/ /app",
        "cp -t /app /opt/new/go.sh",
        "cp made.sh go.sh",
    ],
)
def test_a_file_is_changed(run: str) -> None:
    assert _line_of(f"{_IMAGE}{_VARIABLES}RUN {run}\nCMD ./go.sh\n") == 5


@pytest.mark.parametrize(
    "run",
    [
        "chmod +x go.sh && chown app go.sh",
        "sed -i 's/\\r$//' go.sh",
        "sed -i -e 's/\\r//g' /app/*.sh",
        "dos2unix go.sh",
        "sed 's/a/b/' go.sh",
        "sed -i 's/a/b/' other.sh /etc/go.sh",
        "cd /etc && sed -i 's/a/b/' go.sh",
        "grep -q a < go.sh > /dev/null",
        "cp go.sh /usr/local/bin/go",
        "sudo -E sed -i 's/a/b/' other.sh",
        "sh -ec \"sed -i 's/a/b/' other.sh\"",
        "sh -e go.sh",
        "cat <<EOF > other.sh\nsed -i 's/a/b/' go.sh\nEOF",
        "sh -e other.sh && cat <<EOF > other.sh\nsed -i 's/a/b/' go.sh\nEOF",
        "sed -i 's/a/b/' $ETC/go.sh",
        "sed -i 's/a/b/' $CONF/app.conf",
        "for f in /etc/a /etc/b; do sed -i 's/a/b/' \"$f\"; done",
        'rm -rf /var/lib/apt/lists/* /app/tests "$TMP"',
        "cp -r /opt/new/. /srv",
        "curl -fsSLo /tmp/x https://example.com/x && sh /tmp/x 2>&1",
        "echo 'sed -i go.sh'",
        "python3 - <<EOF\nsed -i 's/a/b/' go.sh\nEOF",
        "echo \"it's\" 'not",
    ],
)
def test_a_file_is_what_it_was(run: str) -> None:
    assert _line_of(f"{_IMAGE}{_VARIABLES}RUN {run}\nCMD ./go.sh\n") is None


def test_what_the_recipe_has_in_itself_is_another_file() -> None:
    assert _line_of(f"{_IMAGE}COPY <<EOF /app/go.sh\necho x\nEOF\nCMD ./go.sh\n") == 4
    assert _line_of(f"{_IMAGE}COPY <<go_sh ./go.sh\necho x\ngo_sh\nCMD ./go.sh\n") == 4


def test_a_file_that_is_copied_anew_is_as_it_was() -> None:
    assert _line_of(f"FROM x\nRUN echo x > /app/go.sh\n{_IMAGE[7:]}CMD a\n") is None
    assert _line_of(f"{_IMAGE}RUN echo x > go.sh\nCOPY go.sh go.sh\nCMD a\n") is None


def test_only_what_is_copied_anew_is_as_it_was() -> None:
    assert _line_of(f"{_IMAGE}RUN echo x > go.sh\nCOPY b/ ./\nCMD a\n", "b/go.sh") is None
    assert _line_of(f"{_IMAGE}RUN echo x > go.sh\nCOPY c/ ./\nCMD a\n") == 4


@pytest.mark.parametrize(
    "copy", ["ADD https://example.com/go.sh .", "ADD https://example.com/x /app/go.sh", "COPY b/*.sh ./"]
)
def test_what_is_copied_from_elsewhere_takes_its_place(copy: str) -> None:
    assert _line_of(f"{_IMAGE}{copy}\nCMD ./go.sh\n") == 4
    assert _line_of(f"FROM x\nWORKDIR /app\n{copy}\nCOPY . .\nCMD ./go.sh\n") is None


def test_a_folder_over_another_covers_it() -> None:
    for copy in ("COPY b/ ./", "RUN cp -r b/. ."):
        found = image_start("Dockerfile", f"{_IMAGE}{copy}\nCMD ./go.sh\n", _FILES.__contains__)
        assert found is not None
        assert list(found.own("./go.sh")) == ["b/go.sh", "go.sh"]


def test_a_copy_of_what_was_changed_is_changed() -> None:
    changed = _IMAGE.replace("FROM x", "FROM x AS b") + "RUN sed -i 's/a/b/' go.sh\n"
    assert _line_of(f"{changed}RUN mv go.sh /go\nCMD /go\n") == 4
    assert _line_of(f"{changed}FROM b\nCMD /app/go.sh\n") == 4
    assert _line_of(f"{changed}FROM y\nCOPY --from=b /app /srv\nCMD /srv/go.sh\n") == 4
    assert _line_of(f"{changed}FROM y\nCOPY --from=b /app/go.sh /go\nCMD /go\n") == 4
    assert _line_of(f"{changed}FROM y\nCOPY . /srv\nCMD /srv/go.sh\n") is None


def test_a_copy_within_the_image_is_the_same_file() -> None:
    found = image_start("Dockerfile", f"{_IMAGE}RUN cp go.sh /go && ln -s /app/b /c\nCMD /go\n", _FILES.__contains__)
    assert found is not None
    assert next(found.own("/go")) == "go.sh"
    assert next(found.own("/c/go.sh")) == "b/go.sh"


def test_a_copy_into_a_folder_leaves_the_others_there() -> None:
    text = f"{_IMAGE}RUN echo x > /usr/bin/a && cp b/go.sh /app && cp go.sh /usr/bin\nCMD ./other.sh\n"
    found = image_start("Dockerfile", text, _FILES.__contains__)
    assert found is not None
    assert "other.sh" in found.own("/app/other.sh")
    assert next(found.own("/app/go.sh")) == "b/go.sh"
    assert next(found.own("/usr/bin/go.sh")) == "b/go.sh"
    assert found.changed == (("/usr/bin/a", 4),)
