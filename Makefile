# Everything happens in an environment of its own, .venv, made on the first use.
PYTHON ?= python3
BIN := .venv/bin
ALONE = env -i PATH="$$PATH" HOME="$$(mktemp -d)"
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
PLUGINS := -p no:nbval -p no:langsmith_plugin
PARALLEL := -n 4 --dist worksteal
# A test that fails beside others is run again, and reported: docs/testing.md.
RERUNS := --reruns 1 -raR
# Each tutorial has a kernel of its own, and two of them run at the same time.
TUTORIALS := -p no:langsmith_plugin -n 2 --dist loadfile
# A question about a figure is recorded with its pixels, which depend on the release of matplotlib.
NO_FIGURES := --deselect 'notebooks/05_data_and_code.ipynb::Cell 11'

.PHONY: help demo lab test coverage stress browser fuzz check faults zoo oldest servers engines twin real bench pictures docs news dist notebooks clean

help:
	@echo "make demo        watch a streamed cell in this terminal (a real kernel, no network, no key)"
	@echo "make lab         open the quickstart notebook in JupyterLab"
	@echo "make test        run the tests, but for the slow ones"
	@echo "make coverage    run all tests and measure branch coverage, at least 95 %"
	@echo "make stress      the heavy repetitions: random sequences, random JSON, interrupts; an hour"
	@echo "make browser     run the tests in JupyterLab and headless Chromium"
	@echo "make fuzz        publish 200 000 random texts, judged by five markdown parsers; 20 minutes"
	@echo "make check       lint and type-check, also the programs of users (typing_tests/)"
	@echo "make faults      play the stream faults, in each API, to every way of reading; CASES=FILE for others"
	@echo "make oldest      run the tests with the oldest packages that pyproject.toml allows"
	@echo "make servers     test against LiteLLM's proxy, which is 700 MB"
	@echo "make engines     ask many rows on real clusters of Ray and Dask; ROWS=100000 for the whole"
	@echo "make twin        run libraries in the twin, of 300 MB; writes the table of docs/twin.md"
	@echo "make zoo         ask scripted servers of 20 families of models; writes docs/models.md"
	@echo "make real        test with an instruct model of 1.1 GB on this machine, and record its answers for the notebooks; 20 minutes"
	@echo "make bench       measure the kernel, the decoding, the healing, the store, the search, serve and the page"
	@echo "make pictures    record the moving pictures of the README, and take those of docs/, in JupyterLab"
	@echo "make docs        build docs/ into docs/_build/html; a warning is an error"
	@echo "make news        show how changes/ describes the next release"
	@echo "make dist        build wheel and sdist, and test the wheel in clean environments; 10 minutes"
	@echo "make notebooks   run the notebooks unattended and save their outputs"

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/kernel .venv/lab .venv/dev .venv/browser: .venv/%: pyproject.toml | .venv/made
	$(PIP) -e '.[$*]'
	@touch $@

demo: .venv/kernel
	@$(BIN)/python -m cellmage demo

# JupyterLab refuses to run as root, as which containers run, unless it is told that this is meant.
lab: .venv/lab
	$(BIN)/jupyter lab $$([ "$$(id -u)" != 0 ] || echo --allow-root) notebooks/01_quickstart.ipynb

# PLUGINS: what pytest would import at each start, for seconds, and these tests do not use.
test: .venv/dev
	$(BIN)/pytest $(PLUGINS) $(PARALLEL) -m 'not slow'
	$(BIN)/pytest $(PLUGINS) -n 2 --dist loadfile --doctest-modules cellmage
	$(ALONE) $(BIN)/pytest $(TUTORIALS) --nbval notebooks
	$(ALONE) CELLMAGE_REPLAY=. $(BIN)/pytest $(TUTORIALS) --nbval-lax $(NO_FIGURES) notebooks

coverage: .venv/dev
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest $(PLUGINS) $(PARALLEL) $(RERUNS)
	$(BIN)/coverage run -m pytest $(PLUGINS) -n 2 --dist loadfile --doctest-modules cellmage
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	$(ALONE) $(BIN)/pytest $(TUTORIALS) --nbval notebooks
	$(ALONE) CELLMAGE_REPLAY=. $(BIN)/pytest $(TUTORIALS) --nbval-lax $(NO_FIGURES) notebooks

# Every repetition can be chosen: make stress SEQUENCES=100
stress: export SEQUENCES ?= 10000
stress: export EDITS ?= 10000
stress: export DOCUMENTS ?= 10000
stress: export INTERRUPTS ?= 100
stress: export TINY_CHUNKS ?= 100000
stress: export HYPOTHESIS_PROFILE ?= stress
stress: .venv/dev
	$(BIN)/pytest $(PLUGINS) $(PARALLEL)

browser: .venv/browser
	$(BIN)/pytest --override-ini addopts= -n 2 --dist worksteal $(RERUNS) tests/browser

# Each run has new texts; SEED=N repeats one, TEXTS=N is the number.
fuzz: .venv/browser
	$(BIN)/python -m tests.fuzz

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd typing_tests && ../$(BIN)/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache .
	$(BIN)/basedpyright

faults: .venv/dev
	$(BIN)/python -m tests.contract $(CASES)

zoo: .venv/dev
	$(BIN)/python -m tests.zoo

# Every floor of pyproject.toml exactly, and beneath them the newest that fits. Old packages use what
# newer ones deprecate, so such warnings are no errors here.
# TESTS=FOLDERS tests a part.
oldest: .venv/dev
	$(BIN)/uv venv --quiet --clear --python $(PYTHON) .venv-oldest
	$(BIN)/uv pip install --quiet --python .venv-oldest --resolution lowest-direct -e '.[test]'
	.venv-oldest/bin/pytest $(PLUGINS) -W default::DeprecationWarning $(PARALLEL) $(TESTS)

servers: .venv/dev
	$(PYTHON) -m venv .venv-servers
	.venv-servers/bin/pip install --quiet --disable-pip-version-check 'litellm[proxy]'
	$(BIN)/pytest --override-ini addopts= tests/interop/test_litellm.py

# Ray and Dask are 700 MB. A row takes 5 ms of processor time.
engines: .venv/dev
	$(PYTHON) -m venv .venv-engines
	.venv-engines/bin/pip install --quiet --disable-pip-version-check -e '.[dask,data,kernel,ray]' hypothesis pandas psutil pyarrow pytest
	.venv-engines/bin/pytest --override-ini addopts= -W default -s -q tests/engines/test_clusters.py

# TORCH=torch has PyTorch too, which is 1 GB and more.
twin: .venv/dev
	$(PYTHON) -m venv .venv-twin
	.venv-twin/bin/pip install --quiet --disable-pip-version-check -e '.[data,kernel]' duckdb matplotlib pandas pyarrow pytest scikit-learn $(TORCH)
	.venv-twin/bin/python -m tests.twin.libraries

real: .venv/dev
	$(BIN)/python -m tests.real.weights
	$(BIN)/pytest --override-ini addopts= -p no:nbval tests/real
	$(BIN)/python -m notebooks.record

bench: .venv/dev .venv/browser
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.decoding
	$(BIN)/python -m benchmarks.fingerprint
	$(BIN)/python -m benchmarks.first_question
	$(BIN)/python -m benchmarks.install
	$(BIN)/python -m benchmarks.fixes
	$(BIN)/python -m benchmarks.healing
	$(BIN)/python -m benchmarks.hostile
	$(BIN)/python -m benchmarks.status
	$(BIN)/python -m benchmarks.mapping
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.structured
	$(BIN)/python -m benchmarks.retrieval
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.twin
	$(BIN)/python -m benchmarks.completion
	$(BIN)/python -m benchmarks.page

pictures: .venv/browser
	$(BIN)/python -m benchmarks.pictures
	PICTURES=docs/_static $(BIN)/pytest --override-ini addopts= tests/browser/test_pictures.py

.venv-docs/made: pyproject.toml
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

docs: .venv-docs/made
	$(ALONE) .venv-docs/bin/python -m sphinx -W --keep-going -n -q docs docs/_build/html

# Each Python that is on this machine, with the oldest and with the newest packages.
dist: .venv/dev
	rm -rf dist
	$(BIN)/uv build --quiet
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m tests.wheel

news: .venv/dev
	$(BIN)/towncrier build --draft

notebooks: .venv/dev
	$(ALONE) $(BIN)/python notebooks/run.py

clean:
	rm -rf docs/_build docs/reference .venv .venv-docs .venv-engines .venv-oldest .venv-peers .venv-real .venv-servers .venv-twin
