# Two commands matter: `make demo` shows it, `make test` checks it. The rest is for developers.
PYTHON ?= python3
VENV   ?= .venv
# The converters' tests need torch; this release is the one that they are run with.
TORCH  ?= torch==2.13.0

BIN     := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check

.PHONY: demo test lint format types unit test-e2e test-vm test-obs vm verify-mac wheel bench soak train-pocket evaluate-pocket clean

demo: $(VENV)/.installed
	$(BIN)/sdcam demo

test: lint types unit

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

# What measures time comes last, one test after the other.
unit: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not alone" --numprocesses logical --maxprocesses 8 --dist loadfile
	$(BIN)/python -m pytest -m alone

# On real drivers and in real programs, on Debian.
test-e2e: test-vm test-obs

# On the real kernel drivers, in a virtual machine (docs/e2e.md).
test-vm: vm
	VM_OUT=build/e2e VM_SECONDS=3000 tests/e2e/vm/run.sh $(abspath $(BIN))/python -m pytest tests/e2e \
	  -vv --durations=15 --timeout=600 -p no:cacheprovider

# Our scenes in a real OBS: under Xvfb, then on a real v4l2loopback in that machine (docs/obs.md).
test-obs: vm
	tests/obs/install.sh $(BIN)/python
	$(BIN)/python -m pytest tests/obs -vv --durations=5
	VM_OUT=build/obs/loopback tests/e2e/vm/run.sh $(abspath $(BIN))/python -m pytest tests/obs \
	  -vv --durations=5 -p no:cacheprovider

# Emulated, Python takes its time to compile what is not compiled yet.
vm: $(VENV)/.installed-dev
	tests/e2e/vm/build.sh
	$(BIN)/python -m compileall -q daemon

# What only a Mac can show: make verify-mac VERIFY="--unattended --write"
verify-mac:
	@test "$$(uname)" = Darwin || \
	  { echo "make verify-mac needs a Mac: it shows what cannot be seen anywhere else."; exit 1; }
	@$(MAKE) --no-print-directory $(VENV)/bin/python
	@PYTHONPATH=tests/mac $(BIN)/python -m verify_mac $(VERIFY)

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

soak: $(VENV)/.installed
	$(BIN)/python -m benchmarks soak

evaluate-pocket: $(VENV)/.installed-dev
	$(BIN)/python -m sdcam_train evaluate

train-pocket: $(VENV)/.installed-dev
	$(BIN)/python -m sdcam_train all

wheel: $(VENV)/.installed
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.10 to 3.13 is needed; name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "No venv: on Debian, apt-get install python3-venv, then again."; exit 1; }

$(VENV)/.installed: pyproject.toml $(VENV)/bin/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(INSTALL) "$(TORCH)"
	$(INSTALL) --editable ".[dev,convert]"
	@touch $@
