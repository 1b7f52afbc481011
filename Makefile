# Thin over the command line and pytest. `make help` prints the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
APP_PORT ?= 5000
EHR_PORT ?= 5001
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint types proof bench audit sbom generated lock clean

help: ## print the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(VENV)/.runtime ## install the app into .venv, from pins with hashes

demo: setup ## start the app and the sandbox EHR on loopback; APP_PORT= and EHR_PORT= change the ports
	@$(BIN)/ivig-fhir demo --app-port $(APP_PORT) --ehr-port $(EHR_PORT)

test: $(VENV)/.dev chromium ## install what the tests need (a headless Chromium too) and run them all
	@$(BIN)/python -m pytest

check: lint types ## linter and type checker

lint: $(VENV)/.dev
	@$(BIN)/ruff check ivig_fhir tests scripts server.py
	@$(BIN)/ruff format --check ivig_fhir tests scripts server.py

types: $(VENV)/.dev
	@$(BIN)/mypy

proof: $(VENV)/.dev ## the long proofs; their figures are committed under docs/generated
	@$(BIN)/python -m pytest -m proof -n 0
	@$(BIN)/python scripts/peers_page.py
	@$(BIN)/python scripts/recompute.py
	@$(BIN)/python scripts/thresholds.py
	@$(BIN)/python scripts/mutation.py

bench: $(VENV)/.dev ## measure the engine on this machine; docs/generated/performance.json
	@$(BIN)/python scripts/bench.py

audit: $(VENV)/.audit ## dependency audit and bill of materials; what was not audited is a failure
	@$(BIN)/python scripts/audit.py

sbom: $(VENV)/.runtime ## bill of materials of what is pinned (CycloneDX, offline); var/bill-of-materials.json
	@$(BIN)/python scripts/audit.py --bill

generated: $(VENV)/.dev ## make the pages under docs/generated again
	@$(BIN)/python scripts/generated_pages.py
	@$(BIN)/python scripts/roles_page.py
	@$(BIN)/python scripts/smart_conformance.py
	@$(BIN)/python scripts/oddities.py
	@$(BIN)/python scripts/real_charts.py $${SHARED_DATA:-../shared}/data/patients

lock: ## resolve the pins again (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra postgres -c requirements.lock pyproject.toml -o requirements-postgres.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra pdf -c requirements.lock pyproject.toml -o requirements-pdf.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra audit -c requirements.lock pyproject.toml -o requirements-audit.lock

clean: ## remove the environment and the demo's state
	rm -rf $(VENV) .tools var build *.egg-info

$(VENV)/bin/python:
	@PYTHON="$(PYTHON)" sh scripts/make_venv.sh $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" sh scripts/install.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@PYTHON="$(PYTHON)" sh scripts/install.sh $(VENV) requirements-dev.lock
	@touch $@

$(VENV)/.audit: $(VENV)/.dev requirements-audit.lock
	@PYTHON="$(PYTHON)" sh scripts/install.sh $(VENV) requirements-audit.lock
	@touch $@

.PHONY: chromium
chromium:
	@sh scripts/install_chromium.sh
