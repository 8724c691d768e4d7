# Every target sets up what it needs; only Python 3.11 or newer and make have to be there.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo migrate rollback status ping test test-all coverage lint format types clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/runtime ## make .venv, with .venv/bin/dal

# Only a URL on make's own command line counts: a variable of the shell must not choose a database.
demo: .venv/runtime ## play dialogues on an embedded PostgreSQL (DATA=FILE plays others, URL=... elsewhere)
	@$(BIN)/dal demo $(if $(DATA),--data "$(DATA)") $(if $(filter command line,$(origin URL)),--url "$(URL)")

migrate: .venv/runtime ## apply the pending migrations to DATABASE_URL
	@$(BIN)/dal migrate

rollback: .venv/runtime ## undo the last migration of DATABASE_URL
	@$(BIN)/dal rollback

status: .venv/runtime ## list the migrations of DATABASE_URL
	@$(BIN)/dal status

ping: .venv/runtime ## reach the server of DATABASE_URL, and say what is there
	@$(BIN)/dal ping

test: .venv/dev ## run the tests (DAL_TEST_POSTGRES=embedded, testcontainers or a URL)
	$(PYTEST) -m "not slow"

test-all: .venv/dev ## run the slow ones too
	$(PYTEST)

coverage: .venv/dev ## run the tests and report which lines and branches they miss
	$(PYTEST) -m "not slow" --cov --cov-report=term-missing:skip-covered

lint: .venv/dev ## look for faults in form
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/dev ## put the form right
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: .venv/dev ## check the types, strictly, with mypy and pyright
	$(BIN)/mypy
	$(BIN)/pyright

clean: ## remove what was made here
	rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/runtime: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("dal needs Python 3.11 or newer; choose one with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[cli,embedded]'
	@touch $@

.venv/dev: .venv/runtime
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
