#!/usr/bin/env bash
# What the action and the reusable workflow run: installs this very commit of the checker, by hash and away from the
# project, and judges. Values come in through the environment, so none of them is ever part of a command's text.
set -euo pipefail

source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${RUNNER_TEMP:?}/checker-${GITHUB_RUN_ATTEMPT:-0}-$$
python3 -m venv "$home"
"$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
  --requirement "$source_folder/locks/action.txt"
# The build backend looks for its own program on the path.
PATH="$home/bin:$PATH" "$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
  --no-build-isolation --no-index "$source_folder"

out=${CHECKER_OUT:?}
mkdir -p "$out"
arguments=(--project "${CHECKER_PROJECT:-.}" --no-color --format console
  --format "json=$out/run.json" --format "sarif=$out/run.sarif" --format "markdown=$out/run.md")
while IFS= read -r line; do
  if [ -n "$line" ]; then arguments+=(--assembly "$line"); fi
done <<< "${CHECKER_ASSEMBLIES:-}"
if [ -n "${CHECKER_BASELINE:-}" ]; then arguments+=(--baseline "$CHECKER_BASELINE"); fi
if [ -n "${CHECKER_FAIL_ON:-}" ]; then arguments+=(--fail-on "$CHECKER_FAIL_ON"); fi
if [ -n "${CHECKER_UNKNOWN:-}" ]; then arguments+=(--unknown "$CHECKER_UNKNOWN"); fi

code=0
"$home/bin/checker" gate "${arguments[@]}" || code=$?
if [ -s "$out/run.md" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  head --bytes=1000000 "$out/run.md" >> "$GITHUB_STEP_SUMMARY" # a job summary ends at 1 MB
fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  for format in json sarif; do
    if [ -s "$out/run.$format" ]; then echo "$format=$out/run.$format" >> "$GITHUB_OUTPUT"; fi
  done
  echo "exit-code=$code" >> "$GITHUB_OUTPUT"
fi
exit "$code"
