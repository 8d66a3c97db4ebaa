# Two commands do all the set-up: `make demo` and `make test`. They need python3 (3.11 or later) and the package index.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS = $$($(BIN)/python -c 'import os; print((os.cpu_count() or 1) + 1)')  # some tests wait

# The tests start hundreds of processes: they compile our modules once, whatever this shell says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test lab fuzz evidence lint bench image clean

demo: $(VENV)/.run  ## the main job on the embedded market
	@$(BIN)/insiderbot demo

test: $(VENV)/.dev  ## every test, in parallel; a share of what is many times the same
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lab: $(VENV)/.dev  ## crashes and faults at random, and pairs of faults, with real kills: as many as a few minutes allow
	$(BIN)/python -m tests.lab schedules --count 1000 --minutes 4
	$(BIN)/python -m tests.lab pairs --shard 1/30 --minutes 1.5

fuzz: $(VENV)/.dev  ## a million mutated inputs over all parsers (about twenty minutes)
	$(BIN)/python -m tests.fuzz

evidence: $(VENV)/.dev  ## what the README says of orders, with seeds and counts (hours)
	$(BIN)/python -m tests.model
	$(BIN)/python -m tests.mutants
	$(BIN)/python -m tests.lab schedules --count 10000
	$(BIN)/python -m tests.lab pairs
	$(BIN)/python -m tests.lab schedules --count 1000 --store postgresql --terminate
	$(BIN)/python -m tests.duel --count 1000
	$(BIN)/python -m tests.duel --count 1000 --store postgresql
	$(BIN)/python -m tests.duel --count 1000 --store postgresql --terminate
	INSIDERBOT_ALL=1 INSIDERBOT_WALKS=10000 INSIDERBOT_EXAMPLES=20000 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: $(VENV)/.dev  ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## the speed figures of the README
	$(BIN)/python benchmarks/help.py
	$(BIN)/python benchmarks/cycle.py
	$(BIN)/python benchmarks/transition.py
	$(BIN)/python benchmarks/reconcile.py
	$(BIN)/python benchmarks/verdicts.py
	$(BIN)/python benchmarks/features.py
	$(BIN)/python benchmarks/today.py

image:  ## the container image
	docker build --tag insiderbot .

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/.run: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("insiderbot needs Python 3.11 or later, and this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV), once ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
