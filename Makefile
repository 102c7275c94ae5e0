# `make check` is everything CI runs, from nothing: it makes .venv (and .venv-dvc and .venv-moto, where the real DVC and
# moto live) and needs python3, git and bubblewrap. `make check PYTHON=/path/to/python` uses an environment of your own
# instead.

PYTHON ?= .venv/bin/python
PYTEST_ARGS ?=

.PHONY: check lint types layers test test-fast format

check: lint types layers test

.venv/bin/python: pyproject.toml
	python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --no-compile '.[dev,demo]'
	touch $@

.venv-dvc/bin/dvc:
	python3 -m venv .venv-dvc
	.venv-dvc/bin/python -m pip install --quiet --no-compile --upgrade pip
	.venv-dvc/bin/python -m pip install --quiet --no-compile 'dvc[s3]==3.67.1'

.venv-moto/bin/moto_server:
	python3 -m venv .venv-moto
	.venv-moto/bin/python -m pip install --quiet --no-compile --upgrade pip
	.venv-moto/bin/python -m pip install --quiet --no-compile 'moto[server]==5.2.5'

lint: $(PYTHON)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types: $(PYTHON)
	$(PYTHON) -m mypy

layers: $(PYTHON)
	$(PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

test: $(PYTHON) .venv-dvc/bin/dvc .venv-moto/bin/moto_server
	$(PYTHON) -m pytest $(PYTEST_ARGS)

test-fast: $(PYTHON)
	$(PYTHON) -m pytest -m "not slow" $(PYTEST_ARGS)

format: $(PYTHON)
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
