# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test check lint types browser clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[embedded,dev]"
	@touch $@

demo: setup
	$(BIN)/pointline demo

# A process a core, each with one thread; a file of tests stays in one process.
test: setup browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

check: lint types test

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

# Pages are tested in a real browser and queues on a real PostgreSQL where they are there, or where root may install
# Debian's.
APT := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends
browser:
	@command -v chromium >/dev/null 2>&1 && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && apt-get update -qq \
	  && $(APT) chromium fonts-noto-cjk fonts-noto-color-emoji postgresql >/dev/null; } \
	  || echo "no chromium or no PostgreSQL: the tests that need them will be skipped"

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
