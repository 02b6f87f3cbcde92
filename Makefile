# Everything a person types. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TIME_SCALE ?=
# Whatever the shell says, compiled modules are kept: every service is a process that imports them,
# and Temporal's sandbox imports a workflow's modules for every workflow.
unexport PYTHONDONTWRITEBYTECODE
# So many tests at once; each process has its own PostgreSQL and Temporal server. One more than two
# cores: tests wait for servers, timers and files for a good third of their time.
PROCESSES ?= 3

.PHONY: help
help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; say which with PYTHON=")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: setup
setup: $(STAMP) ## make the virtual environment from the hash-locked requirements

.PHONY: demo
demo: setup ## run the whole way of a referral once, with a summary
	@$(BIN)/python -m infra.local.demo

.PHONY: up
up: setup ## start the stack and keep it running, durable under .local/
	@$(BIN)/python -m infra.local up $(if $(TIME_SCALE),--time-scale $(TIME_SCALE))

.PHONY: down
down: setup ## stop the stack; its data stays
	@$(BIN)/python -m infra.local down

.PHONY: status
status: setup ## what runs
	@$(BIN)/python -m infra.local status

.PHONY: protos
protos: setup ## regenerate protos/gen and the image that buf breaking compares with
	infra/protos.sh
	cd protos && ../$(BIN)/buf build -o image.binpb

.PHONY: lock
lock: setup ## lock requirements/*.in again, with hashes and without index addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --universal --python-version 3.11 requirements/dev.in -o requirements/dev.txt
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --universal --python-version 3.11 -c requirements/dev.txt requirements/run.in -o requirements/run.txt

.PHONY: format
format: setup ## write the code as the formatter likes it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lint
lint: setup ## formatter, linter, types, import contracts, spelling, protos
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell README.md CHANGELOG.md docs services workflows infra protos/takedown
	cd protos && ../$(BIN)/buf lint && ../$(BIN)/buf breaking --against image.binpb

.PHONY: test
test: setup ## every test
	$(BIN)/pytest -q -n $(PROCESSES) --dist worksteal

.PHONY: model
model: setup ## fit the classifier from its corpus; the same corpus gives the same bytes
	$(BIN)/python -m services.classification.training

.PHONY: graph
graph: setup ## write the encoder's computation again (no weights in it)
	$(BIN)/python -m services.classification.training.graph

.PHONY: evaluate
evaluate: setup ## how good the classifier is; writes build/evaluation and docs/classification-figures.md
	$(BIN)/python -m services.classification.training.evaluate

.PHONY: faults
faults: setup ## fault tests at full length; writes build/faults/*.json
	$(BIN)/python -m tests.faults

.PHONY: check
check: lint test ## what continuous integration runs

.PHONY: bench
bench: setup ## measure; writes build/bench/spine.json and classification.json
	$(BIN)/python -m tests.benchmarks.spine
	$(BIN)/python -m tests.benchmarks.classification
