# The handful of things one can do here. `make demo` and `make test` install what they need first.
PYTHON ?= python3
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE  # each of the suite's many processes would compile everything anew

.PHONY: demo test lint format bench prove cluster docs pictures lock help

help:
	@echo "make demo    a simulated client, from strap to report"
	@echo "make test    the whole test suite"
	@echo "make lint    ruff, mypy and the import contract"
	@echo "make bench   speed, side by side with peers"
	@echo "make prove   the faults, full counts"
	@echo "make cluster two Dask workers on this computer, to try vagal batch --dask on"
	@echo "make docs    the page of the indices and the data dictionary, from the code's definitions"
	@echo "make pictures  the README's pictures, afresh"
	@echo "make lock    resolve requirements.lock afresh"

demo: .venv/installed
	@$(BIN)/vagal demo

# One worker more than cores: browser tests wait as much as they work.
test: .venv/installed
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not prove"

lint: .venv/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: .venv/installed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/installed
	@for script in tests/benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

# The faults in full, and what only runs here; `make prove SHARE=0.1` runs a tenth of the counts.
SHARE ?= 1
TWO := -n 2 --dist loadfile --no-loadscope-reorder
prove: .venv/installed
	@$(BIN)/python -m pytest $(TWO) --share $(SHARE) -m "not prove" tests/faults
	@$(BIN)/python -m pytest $(TWO) --share $(SHARE) -m prove tests

cluster: .venv/installed
	@$(BIN)/python -m flows.batch.cluster

docs: .venv/installed
	@$(BIN)/python -m pipeline.dictionary > docs/indices.md
	@$(BIN)/python -m pipeline.study_columns > data/README.md

pictures: .venv/installed
	@PYTHONPATH=. $(BIN)/python docs/make_pictures.py

lock: .venv/bin/uv
	@$(BIN)/uv pip compile pyproject.toml --group dev --all-extras --universal --generate-hashes \
		--quiet --custom-compile-command "make lock" -o requirements.lock

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "vagal needs Python 3.11 or later: make PYTHON=/path/to/python3.11 demo"; exit 2; }
	@echo "Setting up .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

# The environment is made again only when the lock or the project's metadata change.
.venv/installed: requirements.lock pyproject.toml | .venv/bin/uv
	@echo "Installing from requirements.lock ..."
	@VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@
