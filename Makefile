# One verb per chore. `make setup` makes .venv; every other target depends on it.
.DEFAULT_GOAL := help
.SHELLFLAGS := -eu -o pipefail -c
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
export LEOWATCH_CACHE ?= $(HOME)/.cache/leowatch

help: ## Say what each target does.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# `make demo` needs Python alone: it installs the runtime lock; the other targets install the full one.
$(VENV)/.demo: requirements-demo.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -f $(VENV)/.setup || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-demo.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.setup: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.demo

setup: $(VENV)/.setup ## Make .venv with everything, from the pinned lock.
.PHONY: help setup

lock: ## Pin every dependency anew (no addresses in the files).
	$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --python-version 3.11 --universal -q --no-header -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra build -c requirements.lock --generate-hashes --no-emit-index-url --python-version 3.11 --universal -q --no-header -o requirements-demo.lock
	$(BIN)/uv pip compile pyproject.toml --extra servers --extra build -c requirements.lock --generate-hashes --no-emit-index-url --python-version 3.11 --universal -q --no-header -o requirements-servers.lock
.PHONY: lock

demo: $(VENV)/.demo ## Run the whole road in one process: real orbits, a bad day, the page, the scoreboard. ARGS="--port 8080 --once".
	$(BIN)/leowatch demo $(ARGS)

check: setup ## Lint, types, import rules, generated files.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/leowatch render --check

test-quick: setup ## Unit tests alone, under a minute.
	$(BIN)/pytest -q -n 2 -m "not stack and not slow and not browser" $(ARGS)

# The servers are fetched and built while the unit tests run; a missing one fails the stack tests, it never skips them.
test: setup ## Everything: checks, unit tests, and the same road through the real servers.
	tests/stack/setup.sh --background
	$(MAKE) check
	$(MAKE) test-quick
	$(BIN)/pytest -q -n 2 -m "slow and not stack and not browser"
	tests/stack/setup.sh
	$(BIN)/pytest -q -n 2 --dist loadfile -m "stack or browser" $(ARGS)

stack: setup ## Keep every real server up for a person; Ctrl-C stops them.
	tests/stack/setup.sh
	$(BIN)/python -m tests.stack.keep_up

env: ## Write .env with fresh secrets for docker-compose.
	$(PYTHON) -m leowatch.env_file

render: setup ## Write boards, rules, schemas and the data dictionary anew from the code.
	$(BIN)/leowatch render
.PHONY: demo check test-quick test stack env render

# The peers have a lock and a virtual environment of their own.
bench/.venv/.setup: bench/requirements.lock
	@test -x bench/.venv/bin/python || $(PYTHON) -m venv bench/.venv
	bench/.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r bench/requirements.lock
	@touch $@

bench-quick: setup bench/.venv/.setup ## Our worker beside a plain Faust agent and Quix Streams on one real broker, under a minute.
	@tests/stack/setup.sh kafka >&2
	@$(BIN)/python -m bench.quick bench/.venv/bin/python
.PHONY: bench-quick
