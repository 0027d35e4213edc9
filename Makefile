.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AUDIT := tests/audit/node_modules/.package-lock.json
PART ?=
PROCESSES ?= 2
PYTEST := $(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
export FIRECREST_DEMO_STATE ?= .demo
export FIRECREST_DEMO_PORT ?= 8000

.PHONY: help setup demo demo-slurm test test-full bench check format schema lock image-test real-parts clean

help: ## List every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready playground/dist/index.html ## Install what everything below needs

demo: setup ## Run the whole service with an embedded system, on loopback
	@exec $(BIN)/firecrest-gql demo

demo-slurm: setup ## The same, and a system with real sshd and Slurm (root on Debian)
	@sh packaging/install-real-parts.sh
	@exec $(BIN)/firecrest-gql demo --slurm

test: setup $(AUDIT) ## Run the whole test suite in its bounded size
	$(PYTEST) $(if $(PART),tests/test_$(PART)*.py)

test-full: setup $(AUDIT) ## Run the sizes that the issues name; PART=files for one part
	FIRECREST_TEST_SIZE=full $(PYTEST) --durations=10 $(if $(PART),tests/test_$(PART)*.py)

bench: setup ## Measure times side by side in one run
	$(BIN)/python -m tests.bench

check: $(VENV)/ready ## Formatting, lint, types, layers, the printed schema and the contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.contract

format: $(VENV)/ready ## Rewrite the sources in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(VENV)/ready ## Print the schema into schema/schema.graphql
	$(BIN)/python -m tests.contract --write

lock: $(VENV)/ready ## Lock the newest versions that pyproject.toml admits, with hashes and without addresses
	$(BIN)/pip install --quiet uv
	$(UV_COMPILE) --upgrade --extra dev pyproject.toml -o requirements-dev.lock
	$(UV_COMPILE) --upgrade --constraint requirements-dev.lock pyproject.toml -o requirements.lock
	echo hatchling | $(UV_COMPILE) --upgrade --constraint requirements-dev.lock - -o packaging/build.lock

real-parts: ## Install the real parts that tests use, from Debian (root)
	sh packaging/install-real-parts.sh --tests

image-test: setup ## Build the image over a base made by debootstrap, and ask a container's health (root)
	@sh packaging/install-real-parts.sh --image
	sh packaging/image-test.sh

clean: ## Remove what was installed and built
	rm -rf $(VENV) playground/node_modules playground/dist firecrest_gql/demo/identity_provider/node_modules .mypy_cache .ruff_cache .pytest_cache

$(VENV)/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

playground/dist/index.html: $(VENV)/ready $(wildcard playground/src/* playground/examples/* playground/*.json playground/*.js playground/index.html) firecrest_gql/demo/identity_provider/package-lock.json
	export PATH="$$($(BIN)/python -m firecrest_gql.demo.node):$$PATH"; set -e; \
	(cd firecrest_gql/demo/identity_provider && npm ci --silent --no-fund --no-audit); \
	cd playground && npm ci --silent --no-fund --no-audit && npm run --silent build -- --logLevel warn
	touch $@

$(AUDIT): $(VENV)/ready tests/audit/package.json tests/audit/package-lock.json
	export PATH="$$($(BIN)/python -m firecrest_gql.demo.node):$$PATH"; cd tests/audit && npm ci --silent --no-fund --no-audit
	touch $@
