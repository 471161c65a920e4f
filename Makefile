# `make book` builds the book, `make test` runs every check. Each sets up what it needs, and skips that when nothing changed.
PYTHON ?= python3
PYTHONS := 3.11 3.12 3.13
VENV := .venv
BIN := $(VENV)/bin
SETUP_FILES := requirements.txt constraints.txt pyproject.toml
STAMP := $(VENV)/.installed-$(shell cat $(SETUP_FILES) | cksum | cut -d' ' -f1)
IS_SUPPORTED := -c 'import sys; v = "%d.%d" % sys.version_info[:2]; v in "$(PYTHONS)".split() or sys.exit("Python is " + v + ", and must be one of $(PYTHONS): make PYTHON=python3.12 ..., after removing a $(VENV) that has another")'
BUILD := $(BIN)/jupyter-book build . -n -W --keep-going

# One thread: results do not depend on the number of cores, and small networks are faster so.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup book serve lab test test-long lint browser bench audit pictures vectors experiment repository clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

setup: $(STAMP) ## make .venv with the pinned requirements

$(STAMP): $(SETUP_FILES)
	@if test -x $(BIN)/python; then $(BIN)/python $(IS_SUPPORTED); else $(PYTHON) $(IS_SUPPORTED); fi
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	rm -f $(VENV)/.installed-*
	touch $@

book: $(STAMP) ## run the notebooks and build the pages
	$(BUILD)
	@test -s _build/html/index.html || { echo "_build/html/index.html was not made"; exit 1; }
	@echo "The book: file://$(CURDIR)/_build/html/index.html"

serve: book ## build, then serve the pages on this machine
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

lab: $(STAMP) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab book

lint: $(STAMP) ## style of Python and JavaScript, types, floors, notebooks without outputs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/biome check
	$(BIN)/nbstripout --verify $(wildcard book/*.ipynb)

browser: $(STAMP) # the browser that the tests drive
	@.ci/browser > /dev/null

PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

test: lint browser ## lint, unit and property tests, notebooks, browser
	@failed=0; \
	$(PYTEST) --nbmake book || failed=1; \
	SNNSG_BROWSER="$$(.ci/browser)" $(PYTEST) tests || failed=1; \
	exit $$failed

test-long: $(STAMP) ## the long fault-injection figures, and the library's tests at the oldest versions promised
	$(BIN)/python -m pytest -m long
	$(BIN)/python .ci/floors.py

bench: $(STAMP) ## speed against snnTorch and against the floor
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.control
	$(BIN)/python -m benchmarks.lyapunov

experiment: $(STAMP) ## run one experiment again: make experiment NAME=...
	$(BIN)/python -m snnsg_book $(NAME)

pictures: browser ## capture the explorers' pictures for pages without JavaScript anew
	SNNSG_BROWSER="$$(.ci/browser)" $(BIN)/python tests/browser/capture.py

vectors: $(STAMP) ## compute anew what the explorers' JavaScript is tested against
	$(BIN)/python tests/book/vectors.py

audit: book ## Lighthouse and page weight
	PATH="$(CURDIR)/$(BIN):$$PATH" CHROME_PATH="$$(.ci/browser)" $(BIN)/python .ci/audit.py

repository: $(STAMP) ## set the repository's address: make repository URL=https://github.com/OWNER/NAME
	$(BIN)/python .ci/set_repository.py "$(URL)"

clean: ## remove what was built, keep .venv
	rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis build *.egg-info
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print | xargs rm -rf
