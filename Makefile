# Each target sets up what it needs by itself: on a new machine, `make demo` is enough.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
SYNCED := .venv/.synced
CONSOLE := .venv/.console
CONSOLE_SOURCES := $(shell find console -name node_modules -prune -o -type f -print)

export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV

.PHONY: help setup console sandbox demo serve test deep chaos scale compat real-model check bench

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(SYNCED) ## Make .venv and install what uv.lock names

$(SYNCED): pyproject.toml uv.lock scripts/setup.sh
	@scripts/setup.sh
	@touch $@

console: $(SYNCED) ## Build the web console, with the Node of the environment
	@$(BIN)/python scripts/console.py build
	@touch $(CONSOLE)

# Without Node or the package registry, this warns, and the server runs without its console.
$(CONSOLE): $(SYNCED) $(CONSOLE_SOURCES)
	@$(BIN)/python scripts/console.py build --optional
	@test ! -f src/projectdavid/api/console/dist/manifest.json || touch $@

sandbox: $(SYNCED) ## Install the libraries of code in the sandbox, in an environment of their own
	@$(BIN)/projectdavid sandbox install

demo: $(CONSOLE) ## The whole way once; needs no key and no network
	@$(BIN)/projectdavid demo

serve: $(CONSOLE) ## The server, in this terminal
	@$(BIN)/projectdavid serve

test: $(CONSOLE) ## All tests but those of compat and real-model
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

deep: $(SYNCED) ## More of what tests draw: worlds of the simulation, requests of the fuzzers
	@SIM_SEEDS=10000 SIM_SHARED_SEEDS=300 FUZZ_SCALE=14 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
		tests/simulation tests/server/test_openapi_fuzz.py tests/dialect/test_openapi_fuzz.py

chaos: $(SYNCED) ## Backups of a busy server, and kills, freezes and cuts of processes and hosts, at random moments
	@CHAOS_ROUNDS=20 FLEET_SCALE=20 KILLS=300 $(BIN)/python -m pytest -s tests/e2e/test_backup_chaos.py \
		tests/e2e/test_fleet.py tests/e2e/test_hosts.py tests/e2e/test_kill.py
	@OPPOSITE_ROUNDS=10000 $(BIN)/python -m pytest -s tests/contracts/test_postgres.py -k opposite

scale: $(SYNCED) ## The tests of the server once more, over PostgreSQL
	@TEST_STORE=postgres $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/server

compat: $(SYNCED) ## Other parties' frameworks against the server
	@$(BIN)/python -m pytest -m compat tests/compat/frameworks

real-model: $(SYNCED) ## A small real model in llama.cpp against the server; downloads 272 MB once
	@$(BIN)/python -m pytest -m real_model --durations=0 --durations-min=1 tests/real_model

check: $(SYNCED) ## Style, types, imports, dependencies, generated code, unit tests of the console
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/python scripts/unasync.py --check
	$(BIN)/python scripts/rows.py --check
	scripts/libraries.sh --check
	$(BIN)/python scripts/console.py check

bench: $(SYNCED) ## Measure
	@$(BIN)/python -m bench
