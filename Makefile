# Everything starts here: `make demo` on a fresh machine needs Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A stamp says what is installed, so that a second run is quick.
INSTALLED := $(VENV)/.installed
TESTABLE := $(VENV)/.testable
# The same versions everywhere, also of what builds the package. pip reads one name or the other.
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(BIN)/python -m pip install --quiet

.PHONY: help demo install test test-slow check bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       sample partners and books, a server, and a printed tour with addresses"
	@echo "make install    the environment in $(VENV), with the command $(BIN)/bookbridge"
	@echo "make test       every test but the slow ones"
	@echo "make test-slow  the slow ones: machines of states, faults, whole files; CI runs both"
	@echo "make check      format, lint, types and the layers of the house"
	@echo "make bench      benchmarks"
	@echo "make clean      remove the environment and what the tools left"

demo: $(INSTALLED)
	@$(BIN)/bookbridge demo

install: $(INSTALLED)

# A process for each core; a file's tests stay together, because they share their servers. Files come
# in their order, so that the last ones are not the few long tests.
test: $(TESTABLE)
	$(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile --no-loadscope-reorder

test-slow: $(TESTABLE)
	$(BIN)/python -m pytest -m slow -n auto --dist loadfile --no-loadscope-reorder

check: $(TESTABLE)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(TESTABLE)
	$(BIN)/python -m benchmarks.importing
	$(BIN)/python -m benchmarks.harvest
	$(BIN)/python -m benchmarks.marc
	$(BIN)/python -m benchmarks.harvesting
	$(BIN)/python -m benchmarks.publishing
	$(BIN)/python -m benchmarks.exchange
	$(BIN)/python -m benchmarks.reporting
	$(BIN)/python -m benchmarks.searching

$(INSTALLED): pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) --editable .
	@touch $@

$(TESTABLE): pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) --editable '.[test]'
	@touch $(INSTALLED) $@

# Debian ships venv and pip apart from Python. Without venv, virtualenv from pip does the same.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Bookbridge needs Python 3.11 or newer: make PYTHON=python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >$(VENV).log 2>&1 || { \
		echo "$(PYTHON) has no venv; trying virtualenv"; \
		rm -rf $(VENV); \
		$(PYTHON) -m virtualenv --version >/dev/null 2>&1 || \
		$(PYTHON) -m pip install --quiet --user virtualenv 2>>$(VENV).log || \
		$(PYTHON) -m pip install --quiet --user --break-system-packages virtualenv 2>>$(VENV).log || \
		{ cat $(VENV).log >&2; rm -f $(VENV).log; \
		  echo "Neither venv nor pip is there: apt install python3-venv" >&2; exit 1; }; \
		$(PYTHON) -m virtualenv --quiet $(VENV); }
	@rm -f $(VENV).log

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
