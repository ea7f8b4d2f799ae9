# Two commands do all set-up: `make demo` and `make test`. Both make .venv from constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)

.PHONY: demo test test-fast check bench install

# tests start Python anew some hundred times: without bytecode each start compiles all of mcnet
unexport PYTHONDONTWRITEBYTECODE

demo: install
	$(BIN)/mcnet demo -o demo

test: install
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

# two minutes; every part of mcnet, without what is marked slow
test-fast: install
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow"

# the one list of checks: pre-commit and CI call this too
check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# the simulator beside what a user would pick instead: docs/results/performance.md
bench: install
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,bench]'
	$(BIN)/python benchmarks

install: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	rm -f .venv/ready-*
	touch $@
