# Every target sets up what it needs; only Python 3.11 or newer and make have to be there.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# As many workers as there are cores; idle workers take tests from busy ones.
PARALLEL := -n auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo migrate rollback status baseline new ping test test-all bench coverage check check-data lint lint-migrations verify-migrations format types catalog verify-catalog clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/runtime ## make .venv, with .venv/bin/dal

# Only a URL on make's own command line counts: a variable of the shell must not choose a database.
demo: .venv/runtime ## play dialogues on an embedded PostgreSQL (DATA=FILE plays others, URL=... elsewhere)
	@$(BIN)/dal demo $(if $(DATA),--data "$(DATA)") $(if $(filter command line,$(origin URL)),--url "$(URL)")

migrate: .venv/runtime ## apply the pending migrations to DATABASE_URL (ARGS="--dry-run")
	@$(BIN)/dal migrate $(ARGS)

rollback: .venv/runtime ## undo the last migration of DATABASE_URL (ARGS="--to 0002 --yes")
	@$(BIN)/dal rollback $(ARGS)

status: .venv/runtime ## list the migrations of DATABASE_URL (ARGS="--json")
	@$(BIN)/dal status $(ARGS)

baseline: .venv/runtime ## adopt a schema that was made without dal (ARGS="0004")
	@$(BIN)/dal baseline $(ARGS)

# Its name before, which help leaves out.
.PHONY: mark
mark: baseline

new: .venv/runtime ## write the two files of a new migration (ARGS="due-dates")
	@$(BIN)/dal new $(ARGS)

ping: .venv/runtime ## reach the server of DATABASE_URL, and say what is there
	@$(BIN)/dal ping

test: .venv/dev ## run the tests (DAL_TEST_POSTGRES=embedded, testcontainers or a URL)
	$(PYTEST) $(PARALLEL) -m "not slow"

test-all: .venv/dev ## run the slow ones too, on PostgreSQL 14 to 18 (DAL_TEST_POSTGRES="npm:14 embedded")
	@failed=; for server in $${DAL_TEST_POSTGRES:-npm:14 npm:15 npm:16 npm:17 npm:18}; do \
		echo "PostgreSQL from $$server"; \
		DAL_TEST_POSTGRES=$$server $(PYTEST) $(PARALLEL) || failed="$$failed $$server"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

bench: .venv/bench ## measure against what else there is; writes tests/benchmarks/README.md (ARGS=--quick)
	@$(BIN)/python -m tests.benchmarks $(ARGS)

coverage: .venv/dev ## run the tests and report which lines and branches they miss
	$(PYTEST) $(PARALLEL) -m "not slow" --cov --cov-report=term-missing:skip-covered

check: .venv/dev ## prove every statement against the schema (ARGS=--json)
	@$(BIN)/dal check $(ARGS)

check-data: .venv/dev ## count the rows and pages that each statement reads, by data and statistics
	$(PYTEST) tests/check/test_skew.py tests/flat/test_batches.py tests/flat/test_lines.py tests/flat/test_new_tables.py

lint: .venv/dev ## look for faults in form
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint sql

lint-migrations: .venv/dev ## look for what would go wrong with the migrations (ARGS="--freeze")
	@$(BIN)/dal lint-migrations $(ARGS)

verify-migrations: .venv/dev ## fail where migrations/SHA256SUMS does not fit the files
	@$(BIN)/dal lint-migrations

format: .venv/dev ## put the form right
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: .venv/dev ## check the types, strictly, with mypy and pyright
	$(BIN)/mypy
	$(BIN)/pyright

catalog: .venv/dev ## write the pages for a DBA from what an embedded PostgreSQL says
	@$(BIN)/dal catalog

verify-catalog: .venv/dev ## fail with the difference where such a page is stale
	@$(BIN)/dal catalog --check --server 18
	@$(BIN)/dal catalog --check --server 16

clean: ## remove what was made here
	rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/runtime: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("dal needs Python 3.11 or newer; choose one with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[cli,embedded]'
	@touch $@

.venv/bench: .venv/dev
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@

.venv/dev: .venv/runtime
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
