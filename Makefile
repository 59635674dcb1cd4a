# A short way to type `python scripts/dev.py COMMAND`, which does the work and runs everywhere.
# Arguments go in ARGS:  make run ARGS="--steps 200"

PYTHON ?= python3
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test test-all prove lint native wasm guide guide-python wheel wheels sdist lock setup clean

help:
	@$(PYTHON) scripts/dev.py --help

# `make run` a second time starts the program at once: no Python looks at .venv before it.
# dev.py looks only if a file below is newer than its stamp or missing, or if the checkout moved.
-include .venv/root.mk
run: .venv/stamp-base
	@.venv/bin/microgpt train $(ARGS)

native := src/microgpt/engines/native
.venv/stamp-base: pyproject.toml requirements/base.txt requirements/build.txt \
		hatch_build.py $(native)/build.py $(native)/kernel $(wildcard $(native)/kernel/*) \
		$(native)/libmicrogpt.json .venv/bin/python .venv/bin/microgpt
	@$(PYTHON) scripts/dev.py setup
.venv/bin/python .venv/bin/microgpt .venv/root.mk $(native)/libmicrogpt.json: ;
ifneq ($(VENV_ROOT),$(CURDIR))
.PHONY: .venv/stamp-base
endif
ifneq ($(wildcard .venv/setting-up),)
.PHONY: .venv/stamp-base
endif

test test-all prove lint native wasm guide guide-python wheel wheels sdist lock setup clean:
	@$(PYTHON) scripts/dev.py $@ $(ARGS)
