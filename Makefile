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
.PHONY: lock
