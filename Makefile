# Everything runs in .venv, made by `make setup` from the two locks; nothing else is touched.
VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet
STAMP := $(VENV)/.installed
UV_VERSION := 0.13.9
PYTEST_ARGS ?=
# Processes of tests: with more of them than cores, those that wait for others in time may not be in it.
WORKERS ?= 2
DEMO := outputs/demo/$(shell date +%Y-%m-%d_%H-%M-%S)
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
START := $(shell date +%s)
.PHONY: help setup demo learn test test-slow lint format lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(STAMP) ## Make .venv and install the locked packages (once; again when the lock changes)

demo: setup ## Animate a figure, watch both stages learn for two minutes, write a page
	$(PYTHON) -m aa.demo show $(DEMO) --since $(START)

learn: setup ## Train both stages on generated figures on a CPU, test the result, write a report
	$(PYTHON) runners/train.py +experiment=puppets hydra.run.dir=$(DEMO)
	@echo "Open $(DEMO)/report.html: held-out figures in held-out motions, their scores and curves."

# faulthandler: a library that aborts while Python exits, after the last test, leaves a trace.
PYTEST = PYTHONFAULTHANDLER=1 $(PYTHON) -m pytest -n $(WORKERS) --dist worksteal

test: setup ## Run the quick tests (PYTEST_ARGS=tests/data: those of a folder; WORKERS=0: one by one)
	$(PYTEST) -m "not slow" $(PYTEST_ARGS)

test-slow: setup ## Run the slow ones: groups of processes, hosts and Slurm, sweeps, full sizes, fuzzing
	$(PYTEST) -m slow $(PYTEST_ARGS)

lint: setup ## Check style and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m pyright

format: setup ## Rewrite the code in the house style
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

lock: $(VENV)/lock/bin/uv ## Write requirements.lock anew from pyproject.toml (UPGRADE=1 takes newer versions)
	@cp requirements.lock $(VENV)/lock/requirements.txt 2>/dev/null || true
	$< pip compile pyproject.toml --extra cpu --extra dev --extra sweep --universal --python-version 3.10 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --system-certs --no-header --quiet \
	  $(if $(UPGRADE),--upgrade) --output-file $(VENV)/lock/requirements.txt
	@# The platform is said once, in the header: elsewhere pip then fails instead of installing nothing.
	@{ echo "# Made by 'make lock' from pyproject.toml, extras cpu, dev and sweep. Do not edit by hand."; \
	  echo "# One exact set each for Python 3.10, 3.11 and 3.12 on Linux x86-64."; \
	  sed -E -e "s/ and platform_machine == 'x86_64' and sys_platform == 'linux'//" \
	    -e "s/ and python_full_version < '3.13'//" -e "s/ ; python_full_version < '3.13'//" \
	    $(VENV)/lock/requirements.txt; } > requirements.lock

clean: ## Remove .venv and caches (outputs/ stays)
	rm -rf $(VENV) .pytest_cache .ruff_cache build aa.egg-info
	find aa runners tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Python 3.11 if there is one, else any from 3.10 to 3.12. Each candidate is started: a name on the
# PATH may be an empty shim, and Debian's python3 may lack venv.
$(PYTHON):
	@for python in python3.11 python3 python3.12 python3.10; do \
	  "$$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' \
	    >/dev/null 2>&1 || continue; \
	  echo "Making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv $(VENV) && exit 0; rm -rf $(VENV); exit 1; \
	done; \
	echo "No Python 3.10, 3.11 or 3.12 with the venv module found on the PATH." \
	  "Install one (Debian: apt install python3 python3-venv) and run make again." >&2; exit 1

# The lock's own pip goes in first, so that every Python installs the rest in the same way.
$(STAMP): requirements.lock requirements-poses.lock pyproject.toml setup.py | $(PYTHON)
	@$(PYTHON) -c "import os, shutil, sysconfig as s, sys; sys.exit(not (shutil.which('gcc') or \
	  shutil.which('cc')) or not os.path.exists(os.path.join(s.get_path('include'), 'Python.h')))" || \
	  { echo "One dependency (ligo-segments) is compiled: a C compiler and Python's headers are" \
	    "wanted and were not found. Install them (Debian: apt install gcc python3-dev) and run" \
	    "make again." >&2; exit 1; }
	@echo "Installing requirements.lock into $(VENV): some minutes, 0.9 GB to download, 3.0 GB on disk"
	@sed -n '/^pip==/,/# via/p' requirements.lock > $(VENV)/pip.lock
	@$(PIP) install --require-hashes -r $(VENV)/pip.lock
	@# Bytecode comes with the first import of what is used; of all packages it takes a minute.
	$(PIP) install --no-compile --require-hashes -r requirements.lock
	@# Its dependencies would clash with ours, and nothing imports it: see the file.
	$(PIP) install --no-deps --no-compile --require-hashes -r requirements-poses.lock
	$(PIP) --quiet install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/lock/bin/uv: | $(PYTHON)
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)
