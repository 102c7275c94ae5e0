# `make check` is everything CI runs, from nothing: it makes .venv (and .venv-dvc and .venv-moto, where the real DVC and
# moto live) and needs python3, git and bubblewrap. `make check PYTHON=/path/to/python` uses an environment of your own
# instead. A judge or a server that cannot be installed is named here and in the report of the tests, where those that
# need it are skipped; in CI that fails the run when everything else is done.

PYTHON ?= .venv/bin/python
PYTEST_ARGS ?=

.PHONY: check lint types layers test test-fast format

check: lint types layers test

MISSING = { echo "MISSING: $(1) cannot be installed; the tests that need it are skipped by name" >&2; }

.venv-uv/bin/uv:
	python3 -m venv .venv-uv
	.venv-uv/bin/python -m pip install --quiet --no-compile uv || \
		echo "uv cannot be installed; pip makes the environments, which takes longer" >&2

.venv/bin/python: pyproject.toml | .venv-uv/bin/uv
	bash .ci/environment .venv python3 '.[dev,demo,servers]' || \
		{ bash .ci/environment .venv python3 '.[dev,demo]' && $(call MISSING,one of the extra 'servers'); }
	touch $@

.venv-dvc/bin/dvc: | .venv-uv/bin/uv
	bash .ci/environment .venv-dvc python3 'dvc[s3]==3.67.1' || $(call MISSING,DVC)

.venv-moto/bin/moto_server: | .venv-uv/bin/uv
	bash .ci/environment .venv-moto python3 'moto[server]==5.2.5' || $(call MISSING,moto)

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
