# make demo    a synthetic rig becomes a show, is judged, and is played along a head path
# make test    all tests           make check   ruff, format, mypy
# make bench   all benchmarks      make clean   what make made
# make bench HISTORY=tests/benchmarks/history.jsonl   also keeps the figures
# Each makes its own virtual environment and, as root on Debian, installs the system packages it needs.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP_FLAGS ?=
PYTEST_FLAGS ?=
BENCH_FLAGS ?=
HISTORY ?=
DEMO ?= demo
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check bench clean
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

demo: $(INSTALLED)
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

test: $(INSTALLED) $(VENV)/.system-tests
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

out/bench-rig/models.json: $(INSTALLED)
	rm -rf out/bench-rig
	$(BIN)/python -m samples.make_rig out/bench-rig --rig dome --cameras 8 --frames 4 --size 320x240 --fps 30 --views 0

bench: $(INSTALLED) out/bench-rig/models.json
	$(BIN)/lfv bench --rig out/bench-rig --json out/bench.json $(if $(HISTORY),--history $(HISTORY)) $(BENCH_FLAGS)

clean:
	rm -rf $(VENV) $(DEMO) out build .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
