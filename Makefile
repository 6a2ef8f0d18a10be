# Everything a contributor needs: make run, test, test-all, check, torture, lint, format, wheel,
# weights, bench, screenshots, texts.
# A fresh machine needs only Python 3.11+ with pip.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The tests in a file share a server and a browser, so a file stays in one process. The longest
# files run first. Each process computes with one thread: more threads than cores would only wait
# for each other.
WORKERS := -n 3 --dist loadfile --no-loadscope-reorder

# Keep compiled bytecode, so that the many processes that tests start do not recompile the app.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-all check torture lint format wheel weights bench screenshots texts
.DELETE_ON_ERROR:

run: $(VENV)/.installed
	$(BIN)/streamlit run app.py

# Run this for every change: most tests of every kind, with some cases of each.
test: $(VENV)/.installed-dev lint
	$(BIN)/python tests/helpers/chromium.py
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m "not slow" $(WORKERS) --durations=5

# Every test with all its cases, including the slow tests and the benchmarks with small counts.
test-all: $(VENV)/.installed-dev lint
	$(BIN)/python tests/helpers/chromium.py
	MNIST_APP_TORTURE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q $(WORKERS) --durations=20

# All cases of the fault and fuzz tests. Writes their results to docs/reliability.md.
torture: $(VENV)/.installed-dev
	$(BIN)/python tests/helpers/chromium.py
	rm -f docs/torture.jsonl
	MNIST_APP_TORTURE=1 MNIST_APP_TORTURE_REPORT=$(CURDIR)/docs/torture.jsonl \
	  $(BIN)/python -m pytest -q -n 2 tests/faults tests/fuzz --durations=10
	$(BIN)/python benchmarks/reliability.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Build a source archive, and the wheel from it, into dist/. Both include the files in weights/.
wheel: $(VENV)/.installed-dev
	$(BIN)/python -m build --quiet --outdir dist .

check: test-all wheel

weights: $(VENV)/.installed
	$(BIN)/python -m mnist_app reproduce

bench: $(VENV)/.installed-dev
	$(BIN)/python tests/helpers/chromium.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/app.py
	$(BIN)/python benchmarks/prediction.py
	$(BIN)/python benchmarks/performance.py

screenshots: $(VENV)/.installed-dev
	$(BIN)/python tests/helpers/chromium.py
	$(BIN)/python docs/screenshots.py

# Bring new texts of the code into each language's .po file, and that into the .mo file that the app
# reads. After it, translate what is empty, and run it again. `make texts NEW=fr` adds a language.
LOCALE := mnist_app/locale
TEXTS := $(LOCALE)/mnist_app.pot.tmp
texts: $(VENV)/.installed-dev
	$(BIN)/pybabel -q extract -F pyproject.toml -k _ -k N_ -k message:1 -k ngettext:1,2 \
	  --no-location --sort-output --project=mnist-app -o $(TEXTS) .
	$(BIN)/pybabel -q update -D mnist_app -i $(TEXTS) -d $(LOCALE) \
	  --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date \
	  $(if $(NEW),--init-missing -l $(NEW))
	rm $(TEXTS)
	$(BIN)/pybabel -q compile -D mnist_app -d $(LOCALE) --statistics

$(VENV)/.installed: requirements.txt
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv is missing: install it (on Debian: apt-get install python3-venv)."; exit 1; }
	@echo "Installing torch and the rest: this takes some minutes and 6 GB of disk."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
