# Plain commands behind short names. Stamp files under .venv mean: what is installed is not installed again, so repeat runs need no network.

PYTHON ?= $(shell for p in python3 python3.15 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PACK := src/setupgen/_data/pack.jsonl
KNOWLEDGE := $(shell find knowledge templates -type f 2>/dev/null)
PYTEST := $(BIN)/python -m pytest

.PHONY: help run test e2e lint format site serve bench schemas pack clean

help: ## this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' Makefile

run: .venv/.installed $(PACK) ## detect this machine, ask (with defaults where there is no terminal), write ./my-setup
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/setupgen; else $(BIN)/setupgen setup my-setup; fi

test: .venv/.dev $(PACK) .venv/.tools node_modules/.installed ## everything but the slow tests with a real server
	$(PYTEST) -n 2 --dist worksteal $(ARGS)

e2e: .venv/.dev $(PACK) .venv/.tools node_modules/.installed ## a real server started from generated files (builds llama.cpp once), and 20,000 random plans
	$(PYTEST) tests/e2e $(ARGS)
	SETUPGEN_EXAMPLES=$${SETUPGEN_EXAMPLES:-6000} $(PYTEST) -n 2 tests/engine/test_properties.py $(ARGS)

lint: .venv/.dev $(PACK) ## ruff, mypy and the checks of the knowledge base
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/setupgen kb lint

format: .venv/.dev ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

site: .venv/.dev $(PACK) node_modules/.installed ## build the booklet into ./site, with the guide that runs in the page
	$(BIN)/python -m setupgen.maintain pages
	$(BIN)/python -m setupgen.maintain engine
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python -m setupgen.maintain protect

serve: .venv/.dev $(PACK) node_modules/.installed ## the booklet on http://127.0.0.1:8000, rebuilt as texts change
	$(BIN)/python -m setupgen.maintain pages
	$(BIN)/python -m setupgen.maintain engine
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

bench: .venv/.dev $(PACK) ## speed, scale and accuracy, each a table
	@for script in benchmarks/*.py; do [ ! -f "$$script" ] || { echo "== $$script"; $(BIN)/python "$$script"; } || exit 1; done
	@for part in benchmarks/*/__main__.py; do part=$$(basename "$$(dirname "$$part")"); echo "== $$part"; $(BIN)/python -m "benchmarks.$$part" || exit 1; done
	@$(BIN)/python -m benchmarks.accuracy --full --page

schemas: .venv/.dev ## write knowledge/schema/ again, after a change of a vocabulary or of a schema's source
	$(BIN)/python -m setupgen.maintain schemas

pack: $(PACK) ## compile the knowledge base

clean: ## remove what was built and installed here (not ./my-setup)
	rm -rf .venv node_modules site dist $(PACK) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(PACK): .venv/.installed $(KNOWLEDGE) src/setupgen/maintain/compile.py src/setupgen/__init__.py
	@$(BIN)/python -m setupgen.maintain compile

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "setupgen needs Python 3.11 or newer. Install it, or say where it is: make PYTHON=/path/to/python3" >&2; exit 1; }
	@sh .ci/venv.sh "$(PYTHON)" .venv

.venv/.installed: pyproject.toml constraints.txt hatch_build.py | .venv/bin/python
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

.venv/.dev: .venv/.installed
	$(PIP) install --quiet -c constraints.txt --group dev
	@touch $@

.venv/.tools: .ci/tools.sh | .venv/bin/python
	@sh .ci/tools.sh
	@touch $@

node_modules/.installed: package.json package-lock.json .venv/.tools
	npm ci --no-audit --no-fund
	@touch $@
