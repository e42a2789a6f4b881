# make demo    a synthetic rig becomes a show, is judged, and is played along a head path
# make test    all tests           make check   ruff, mypy, tsc, prettier: types and form
# make bench   all benchmarks      make clean   what make made
# make bench HISTORY=tests/benchmarks/history.jsonl   also keeps the figures
# make web     the player for browsers, player/web/dist/   make wheel   all of lfv for pip, dist/*.whl
# Each makes its own virtual environment and, as root on Debian, installs the system packages it needs. Node.js comes
# from this machine or, where that has none that is new enough, from PyPI.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP_FLAGS ?=
PYTEST_FLAGS ?=
BENCH_FLAGS ?=
HISTORY ?=
DEMO ?= demo
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
KERNELS := $(VENV)/.kernels
WEB := player/web
WEB_SOURCES := $(wildcard $(WEB)/*.json $(WEB)/vite.config.ts) $(shell find $(WEB)/src $(WEB)/public -type f)
NODE_MODULES := $(WEB)/node_modules/.package-lock.json
NPM := .ci/node $(VENV) npm --prefix $(WEB)

.PHONY: demo web wheel test check bench clean
.DELETE_ON_ERROR:

$(VENV)/.system: .ci/system-packages
	.ci/system-packages "$(PYTHON)"
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	touch $@

$(VENV)/.system-tests: $(VENV)/.system
	.ci/system-packages "$(PYTHON)" --tests
	touch $@

$(INSTALLED): $(VENV)/.system pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[all,dev]'
	touch $@

$(NODE_MODULES): $(WEB)/package-lock.json | $(VENV)/.system
	$(NPM) ci --ignore-scripts --no-audit --no-fund
	touch $@

$(WEB)/dist/lfv-player.js: $(NODE_MODULES) $(WEB_SOURCES)
	$(NPM) run build

web: $(WEB)/dist/lfv-player.js

# Setuptools would carry along what an earlier build left.
wheel: web
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check $(PIP_FLAGS) --no-deps --wheel-dir dist .
	.ci/check-wheel dist/*.whl

demo: $(INSTALLED) web
	rm -rf $(DEMO)
	$(BIN)/python -m samples.make_rig $(DEMO)/rig --rig dome --cameras 12 --frames 8 --size 320x240 --fps 30 --sound
	$(BIN)/python -m samples.make_head_path $(DEMO)/head.csv --seconds 2
	$(BIN)/lfv inspect $(DEMO)/rig --picture $(DEMO)/rig.png
	$(BIN)/encode $(DEMO)/rig --out $(DEMO)/show.lfv --sound $(DEMO)/rig/sound.wav
	$(BIN)/lfv inspect $(DEMO)/show.lfv
	$(BIN)/lfv verify $(DEMO)/show.lfv
	$(BIN)/lfv evaluate $(DEMO)/show.lfv --views $(DEMO)/rig/test_views.json --pictures $(DEMO)/pictures --json $(DEMO)/quality.json
	$(BIN)/lfv play $(DEMO)/show.lfv --headless --path $(DEMO)/head.csv --size 640x480 --out $(DEMO)/played.mp4
	@echo
	@echo "the rig's footage        $(DEMO)/rig/"
	@echo "the show                 $(DEMO)/show.lfv"
	@echo "played along a head path $(DEMO)/played.mp4"
	@echo "truth, render, error     $(DEMO)/pictures/"
	@echo "figures                  $(DEMO)/quality.json"
	@echo "in a browser             $(BIN)/lfv serve $(DEMO)/show.lfv, then http://localhost:8080/watch/show"

# Two processes share the cores: threads that wait for work must not burn what the other could use.
test: $(INSTALLED) $(VENV)/.system-tests web
	$(NPM) test
	$(NPM) run size
	rm -rf $(KERNELS)
	OMP_WAIT_POLICY=PASSIVE NUMBA_CACHE_DIR="$(CURDIR)/$(KERNELS)" $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder $(PYTEST_FLAGS)

check: $(INSTALLED) $(NODE_MODULES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(NPM) run check

out/bench-rig/models.json: $(INSTALLED)
	rm -rf out/bench-rig
	$(BIN)/python -m samples.make_rig out/bench-rig --rig dome --cameras 8 --frames 4 --size 320x240 --fps 30 --views 0

bench: $(INSTALLED) out/bench-rig/models.json
	$(BIN)/lfv bench --rig out/bench-rig --json out/bench.json $(if $(HISTORY),--history $(HISTORY)) $(BENCH_FLAGS)

clean:
	rm -rf $(VENV) $(DEMO) $(WEB)/dist $(WEB)/node_modules out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
