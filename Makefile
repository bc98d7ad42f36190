# The doors of the house. Each target does its own set-up: a virtual environment with pinned versions.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_TO_TEST := $(VENV)/.ready-to-test

.PHONY: run test lint bench bench-peers soak pictures format clean help

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

run: $(READY)  ## Serve the page on http://localhost:8501
	$(BIN)/streamlit run streamlit_app.py

test: $(READY_TO_TEST)  ## Run the tests, in Chromium too where one can be had
	$(BIN)/python -m pytest --numprocesses 3 --dist worksteal

lint: $(READY_TO_TEST)  ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY_TO_TEST)  ## Measure, beside a floor, in one run
	$(BIN)/python -m bench

bench-peers: $(READY_TO_TEST)  ## Measure LangChain's own ways to remember on the same work
	@$(PIP) '.[test,peers]'
	$(BIN)/python -m bench.peers

soak: $(READY_TO_TEST)  ## What takes longer: 500 kills on each engine, 5,000 made-up requests
	WINDOWSEAT_TEST_KILLS=500 $(BIN)/python -m pytest tests/test_storage_torture.py
	WINDOWSEAT_TEST_CASES=5000 $(BIN)/python -m pytest tests/test_api_schema.py

pictures: $(READY_TO_TEST)  ## Take the README's pictures anew
	$(BIN)/python -m scripts.pictures

format: $(READY_TO_TEST)
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV)

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Windowseat needs Python 3.11 or newer; say which with: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing what Windowseat needs into $(VENV); this takes a minute or more, once."
	@$(PIP) .
	@touch $(READY)

$(READY_TO_TEST): $(READY)
	@echo "Installing what the tests need."
	@$(PIP) '.[test]'
	@touch $(READY_TO_TEST)
