# `make gate` and `make test` are all that a newcomer needs: both set up what they use.
# Needs Python 3.11 or newer and make; npm of Node 22 or newer for the CDK command. Packages come locked by hash.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SHELL  := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# Compiled bytecode makes every start several times faster; some machines switch it off.
unexport PYTHONDONTWRITEBYTECODE
# Trust what the machine trusts, as pip and npm do: networks with a certificate authority of their own need it.
export UV_SYSTEM_CERTS := true

# A set-up is done when its stamp, named after the content of its lock file, is there.
hash = $(firstword $(shell cat $(1) | sha256sum))
GATE_READY := $(VENV)/.ready-gate-$(call hash,locks/uv.txt locks/gate.txt pyproject.toml)
TEST_READY := $(VENV)/.ready-test-$(call hash,locks/uv.txt locks/requirements.txt pyproject.toml)
MUTATION_READY := $(VENV)/.ready-mutation-$(call hash,locks/uv.txt locks/mutation.txt)
SCAN_READY := $(VENV)/.ready-scan-$(call hash,locks/uv.txt locks/scanners.txt pyproject.toml)
NODE_READY := node_modules/.ready-$(call hash,package-lock.json)

.PHONY: help gate scan audit test lint types tests setup lock matrix bench fuzz mutants hook site docs clean

help:
	@echo 'make gate    set up, synthesize the stacks, judge them'
	@echo 'make scan    the gate, and what outside scanners say beside it, sorted by policies/scanners.yaml'
	@echo 'make audit   an emulated account: audit it, break three things, audit again, look for drift'
	@echo 'make test    set up, lint, check types, run the tests'
	@echo 'make matrix  the seeded-defect matrix as a table'
	@echo 'make bench   the gate beside its peers, and against size'
	@echo 'make fuzz    fuzz the way from bytes to verdicts, changed repositories, how made-up scripts end, and expressions, ten minutes each'
	@echo 'make mutants  mutants of rules and reasoning, one in twenty (EVERY=n, ONLY=files)'
	@echo 'make docs    write the generated parts of README.md again'
	@echo 'make site    the documentation site, in build/site'
	@echo 'make hook    the package of the CloudFormation hook, in build/hook'
	@echo 'make lock    resolve the dependencies again'

gate: $(GATE_READY)
	@$(BIN)/checker gate

# The stacks once more, with what CDK and cdk-nag say of them left in the assembly.
scan: $(SCAN_READY)
	@rm -rf .checker/scanned
	@CDK_OUTDIR=.checker/scanned $(BIN)/python app.py
	@$(BIN)/checker gate --assembly .checker/scanned --quiet \
	  --with cfn-lint,checkov,cdk,cdk-nag,zizmor,actionlint,shellcheck,squawk $(SCAN_OPTIONS)
scan: export CDK_CONTEXT_JSON = {"env": "all", "gate": "off", "scanners": "on", "@aws-cdk/core:failSynthOnValidationErrors": false}

audit: $(TEST_READY)
	@$(BIN)/python -m tools.demonstration

test: setup lint types tests

setup: $(TEST_READY) $(NODE_READY)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

tests: setup
	$(BIN)/pytest -q -n auto --dist loadgroup

matrix: setup
	@$(BIN)/python -m tests.matrix

bench: setup
	@$(BIN)/python -m benchmarks

fuzz: setup
	$(BIN)/python -m tests.fuzz.target -len_control=0 -max_total_time=$(or $(SECONDS_OF_FUZZING),600) .checker/fuzz
	$(BIN)/python -m tests.fuzz $(or $(SECONDS_OF_FUZZING),600)
	$(BIN)/python -m tests.fuzz ends $(or $(SECONDS_OF_FUZZING),600)
	$(BIN)/python -m tests.fuzz expressions $(or $(SECONDS_OF_FUZZING),600)

# By hand: half an hour of one core. docs/mutants.md says how to read it.
mutants: setup $(MUTATION_READY)
	$(BIN)/pytest -q tests/mutation
	nice -n 19 $(BIN)/python -m tests.mutation --every $(or $(EVERY),20) --share $(or $(SHARE),1) $(if $(ONLY),--only $(ONLY))

site: setup
	@$(BIN)/python -m tools.site build/site

# For Lambda's Python, whatever runs here; with the project's own settings and waivers beside it.
hook: setup
	rm -rf build/hook && mkdir -p build/hook/project/policies
	$(BIN)/uv pip install --quiet --target build/hook --python-version 3.13 --python-platform x86_64-manylinux2014 \
	  --only-binary :all: --require-hashes --no-deps -r locks/hook.txt
	$(BIN)/uv pip install --quiet --target build/hook --python $(BIN)/python --no-deps --no-build-isolation .
	cp checker.toml build/hook/project/
	cp policies/waivers.yaml build/hook/project/policies/

docs: setup
	@$(BIN)/python -m tools.readme

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt

# The gate needs a fraction of what the tests need, and takes nothing away where those are installed.
$(GATE_READY): | $(BIN)/uv
	@if ! compgen -G '$(VENV)/.ready-test-*' >/dev/null; then \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r locks/gate.txt; \
	fi
	@$(MAKE) --no-print-directory install-self
	@rm -f $(VENV)/.ready-gate-*; touch $@

# Synchronized, as the tests' is: an install would take the override in pyproject.toml for what it may resolve to.
$(SCAN_READY): | $(BIN)/uv
	@if ! compgen -G '$(VENV)/.ready-test-*' >/dev/null; then \
	  $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode locks/scanners.txt; \
	  rm -f $(VENV)/.ready-gate-*; \
	fi
	@$(MAKE) --no-print-directory install-self
	@rm -f $(VENV)/.ready-scan-*; touch $@

$(TEST_READY): | $(BIN)/uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode locks/requirements.txt
	@$(MAKE) --no-print-directory install-self
	@rm -f $(VENV)/.ready-*; touch $@

$(MUTATION_READY): $(TEST_READY)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r locks/mutation.txt
	@touch $@

.PHONY: install-self
install-self:
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
	@$(BIN)/python -m compileall -q checker infra

$(NODE_READY):
	npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# Neither lock names a registry's host, so they serve behind any mirror.
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header
lock: | $(BIN)/uv
	$(COMPILE) --all-extras --group dev --group nag --group build pyproject.toml -o locks/requirements.txt
	$(COMPILE) --extra infra --extra pipeline --extra evidence --extra github --group build pyproject.toml -c locks/requirements.txt -o locks/gate.txt
	$(COMPILE) --extra pipeline --group build pyproject.toml -c locks/requirements.txt -o locks/action.txt
	$(COMPILE) pyproject.toml -c locks/requirements.txt -o locks/hook.txt
	$(COMPILE) --group mutation pyproject.toml -c locks/requirements.txt -o locks/mutation.txt
	$(COMPILE) --extra infra --extra pipeline --extra scanners --group nag --group build pyproject.toml -c locks/requirements.txt -o locks/scanners.txt
	echo 'uv==0.13.9' | $(COMPILE) - -o locks/uv.txt

clean:
	rm -rf $(VENV) node_modules cdk.out .checker build *.egg-info
