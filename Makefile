# SPDX-License-Identifier: GPL-3.0-or-later
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LAB := $(BIN)/python molecule/lab/lab.py
UTILS := -p ansible_collections.kronos.homelab.plugins.plugin_utils -p ansible_collections.kronos.homelab.plugins.module_utils
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export MOLECULE_GLOB := molecule/*/molecule.yml
export PATH := $(CURDIR)/$(BIN):$(PATH)
# terminal colours and a user's own settings must not change what the tests read
export ANSIBLE_NOCOLOR := 1
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): requirements-dev.txt
	@echo "== setting up $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.PHONY: setup
setup: $(READY) ## virtual environment with the pinned tools, and the checkout's link
	@sh scripts/link.sh

.PHONY: demo
demo: setup ## a real host in the lab, made by site.yml, open in a browser
	$(LAB) demo

.PHONY: demo-down
demo-down: setup ## remove all that the lab made on this machine
	$(LAB) down

.PHONY: test
test: lint sanity coverage package molecule ## everything that CI runs

.PHONY: test-full
test-full: export KRONOS_FULL := 1
test-full: test bench ## the same with the long tables, and the bench

.PHONY: lint
lint: setup ## ruff, mypy, yamllint, ansible-lint, docs of every plugin
	ruff check . && ruff format --check .
	mypy $(UTILS)
	yamllint --strict .
	ansible-lint --offline
	$(BIN)/python scripts/check_docs.py

.PHONY: sanity
sanity: setup ## ansible-test sanity on a copy of the checkout
	bash scripts/sanity.sh

.PHONY: unit
unit: setup ## unit tests
	pytest -n 2 tests/unit

.PHONY: coverage
coverage: setup ## the same, with coverage of plugins/
	@mkdir -p .cache
	COVERAGE_FILE=.cache/coverage pytest -n 2 --cov=plugins --cov-report=term:skip-covered tests/unit

.PHONY: package
package: setup ## build the tarball, install it elsewhere and bring up a lab host with it
	bash scripts/check_package.sh

.PHONY: molecule
molecule: setup ## scenarios on real lab hosts
	bash scripts/molecule.sh

.PHONY: bench
bench: setup ## measure runs on a lab host, write docs/benchmarks.md
	$(BIN)/python scripts/bench

.PHONY: docs
docs: setup ## generate the reference pages and the JSON Schema
	$(BIN)/python scripts/export_schema.py
	$(BIN)/python scripts/generate_docs.py

.PHONY: pins
pins: ## resolve requirements-dev.in anew into requirements-dev.txt
	$(PYTHON) -m venv .cache/pins && .cache/pins/bin/pip install --quiet -r requirements-dev.in
	(echo "# SPDX-License-Identifier: GPL-3.0-or-later"; echo "# Pinned by: make pins"; .cache/pins/bin/pip freeze) > requirements-dev.txt
	rm -rf .cache/pins
