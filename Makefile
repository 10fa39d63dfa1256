# Needs make and Python 3.11 or newer; everything else is installed, with hashes, into .venv/.
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench evaluate clean
SHELL := /bin/sh

# The first of these that runs, is new enough and can make an environment; `make PYTHON=/path/to/python3.12` overrides.
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3 python
SUITABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(PYTHONS); do "$$p" -c '$(SUITABLE)' >/dev/null 2>&1 && { command -v "$$p"; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/run.stamp ## See a stolen credential found: a made-up fleet, no Kafka, Docker or cloud
	@$(BIN)/detector demo

test: lint ## Check everything: lint, types and all tests
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4

lint: .venv/dev.stamp ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: .venv/dev.stamp ## Measure speed, as ratios, in one run
	@$(BIN)/python -m tests.bench

evaluate: .venv/evaluate.stamp ## Measure what is found and what it costs, against baselines: build/evaluate/index.html
	@$(BIN)/detector evaluate

clean: ## Remove the environment and everything made
	rm -rf .venv .cache build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/made.stamp:
	@test -n "$(PYTHON)" || { echo "make: expected Python 3.11 or newer with its venv module on the PATH" \
		"(tried $(PYTHONS)); install one, or say make PYTHON=/path/to/python" >&2; exit 2; }
	@echo "make: an environment in .venv with $$($(PYTHON) --version)" >&2
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/run.stamp: .venv/made.stamp requirements/run.txt requirements/build.txt pyproject.toml
	@echo "make: installing what the detector needs (requirements/run.txt)" >&2
	@$(PIP) install --require-hashes --no-deps -r requirements/run.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

# The tests check every baseline, so they need what the evaluation needs.
.venv/evaluate.stamp: .venv/run.stamp requirements/evaluate.txt
	@echo "make: installing what the evaluation needs (requirements/evaluate.txt)" >&2
	@$(PIP) install --require-hashes --no-deps -r requirements/evaluate.txt
	@touch $@

.venv/dev.stamp: .venv/evaluate.stamp requirements/dev.txt
	@echo "make: installing what the tests need (requirements/dev.txt)" >&2
	@$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	@touch $@
