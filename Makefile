# A fresh clone needs Python 3.11+ with venv, make, git and a package index: every target sets up the rest.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCK := uv pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11
# As many workers as processors; one that has no tests left takes some of another's. ARGS="-n 0" runs in one process.
EVENLY := --numprocesses auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types imports browser faults workers coverage check docs pictures lock clean

help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1: \2/p' Makefile

setup: .venv/.ready ## make .venv from the locked dependencies

.venv/.ready: requirements.lock
	@PYTHON=$(PYTHON) .ci/needs # ends with 78, which GNU make tells and turns into its own 2
	@echo "Setting up .venv, about a minute ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) install -qq --require-hashes -r requirements.lock
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## run the main job on a sample district; make demo ARGS=--fast-forward
	@$(BIN)/soppa demo $(ARGS)

test: setup ## unit, integration and acceptance tests
	@$(BIN)/pytest $(EVENLY) tests --ignore=tests/browser --ignore=tests/faults $(ARGS)

coverage: setup ## the same with branch coverage, which takes longer
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report=term $(ARGS)"

lint: setup ## ruff
	@$(BIN)/ruff check --quiet .

types: setup ## mypy, strict
	@$(BIN)/mypy --no-error-summary

imports: setup ## who may import whom
	@$(BIN)/lint-imports --no-logo

browser: setup ## the pages in a real Chromium
	@$(BIN)/pytest $(EVENLY) tests/browser $(ARGS)

faults: setup ## kill, cut and fill up: slow
	@$(BIN)/pytest tests/faults $(ARGS)

workers: setup ## weeks of a year on PostgreSQL with four workers; SOPPA_YEAR_DAYS=365 for all of it
	@$(BIN)/pytest tests/faults/test_year_of_four.py $(ARGS)

check: lint types imports browser test ## all that a change must pass

docs: setup ## write the pages about the processes and the schema anew
	@$(BIN)/soppa diagram --pages docs/processes
	@$(BIN)/soppa new-process --schema docs/process.schema.json

pictures: setup ## draw docs/pictures anew from a sample home; needs Chromium
	@$(BIN)/python -m bench.pictures docs/pictures

lock: ## pin the dependencies again; needs uv
	@$(LOCK) --all-extras --upgrade pyproject.toml -o requirements.lock
	@$(LOCK) --extra postgres --extra diagrams --extra build -c requirements.lock pyproject.toml -o deploy/requirements.lock

clean: ## remove what the targets made
	@rm -rf .venv .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
