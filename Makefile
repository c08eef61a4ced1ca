# make demo | make test | make check | make lint types imports | make setup
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types imports check

help: ## say what can be made
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /: /'

setup: .venv/.ready ## make .venv from the locked dependencies

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "soppa needs Python 3.11 or newer: install it, or name it with PYTHON=..." >&2; exit 78; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: install the package python3-venv" >&2; exit 78; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## run the main job on sample data; make demo ARGS=--fast-forward
	@$(BIN)/soppa demo $(ARGS)

test: setup ## every test but the slow suites, with branch coverage
	@$(BIN)/python -m pytest --cov --cov-report=term:skip-covered tests

lint: setup
	@$(BIN)/ruff check .

types: setup
	@$(BIN)/mypy

imports: setup
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

check: lint types imports test ## all that a change must pass
