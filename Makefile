# One command each, the same on a laptop and in CI. `make` alone lists them.
# Needs: make, Python 3.11 or newer with pip. Everything else is installed into .venv from hashed requirements.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
RUN := $(VENV)/bin
PYTHON ?=

# A virtual environment cannot be moved: when this folder was, everything in it is laid anew.
HOME_OF_VENV := $(shell cat $(VENV)/.home 2>/dev/null)
ifneq ($(HOME_OF_VENV),$(CURDIR))
MOVED := moved
endif

##@ Use it
demo: $(VENV)/.runtime ## try it: everything here on this machine, with a sandbox of three shops
	@$(RUN)/onhand demo

up: $(VENV)/.runtime ## run it: database, Temporal, worker and web app, with your onhand.toml
	@$(RUN)/onhand up

##@ Work on it
install: $(VENV)/.dev ## lay .venv with everything to run, test and check (the others do this by themselves)

test: $(VENV)/.dev ## run the tests; choose with: make test ARGS="-n0 tests/domain -k share"
	@$(RUN)/python -m pytest $(ARGS)

check: $(VENV)/.dev ## lint, formatting and types
	@$(RUN)/python -m ruff check .
	@$(RUN)/python -m ruff format --check .
	@$(RUN)/python -m mypy

format: $(VENV)/.dev ## put the code into its format, and fix what can be fixed
	@$(RUN)/python -m ruff check --fix .
	@$(RUN)/python -m ruff format .

bench: $(VENV)/.dev ## measure; one of them with: make bench ARGS=latency
	@$(RUN)/python -m bench $(or $(ARGS),all)

chaos: $(VENV)/.dev ## everything goes wrong, then all must be right: make chaos SEED=7 MINUTES=10
	@$(RUN)/python -m bench.chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

lock: $(VENV)/.dev ## pin the newest versions that pyproject.toml allows, with their hashes
	@$(RUN)/python -m ensurepip >/dev/null && $(RUN)/python -m pip install --quiet 'uv>=0.13.8'
	@$(RUN)/python -m uv pip compile $(LOCK) --output-file requirements.txt pyproject.toml
	@$(RUN)/python -m uv pip compile $(LOCK) --output-file requirements-dev.txt --extra dev \
		--constraint requirements.txt pyproject.toml

clean: ## take away .venv and caches; what Onhand recorded in .onhand stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "%s%s\n", (n++ ? "\n" : ""), substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

# The stamps: an install that is up to date costs nothing but two looks at the clock of a file.
$(VENV)/.runtime: requirements.txt pyproject.toml $(MOVED)
	@$(call install_from,requirements.txt)
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml $(MOVED)
	@$(call install_from,requirements-dev.txt)
	@touch $(VENV)/.runtime $@

# The pip of the Python that makes .venv fills it too, because laying a pip of its own costs three seconds; where there
# is none (or one before 23), .venv gets its own. Python compiles what is imported at the first start, which takes one
# second where compiling everything takes four. Our code is not copied: a .pth file points here.
define install_from
set -eu; \
python="$$($(find_python))"; \
test -z "$(MOVED)" || rm -rf $(VENV); \
$(RUN)/python -c "" 2>/dev/null || "$$python" -m venv --clear --without-pip $(VENV); \
echo "Installing what $(1) names into $(VENV) ..." >&2; \
if "$$python" -c 'import pip, sys; sys.exit(int(pip.__version__.split(".")[0]) < 23)' 2>/dev/null; then \
	pip="$$python -m pip --python $(RUN)/python"; \
else \
	$(RUN)/python -m ensurepip >/dev/null; pip="$(RUN)/python -m pip"; \
fi; \
PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
	$$pip install -qq --no-deps --no-compile --require-hashes --only-binary :all: -r $(1); \
site="$$($(RUN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"; \
printf '%s\n' '$(CURDIR)' > "$$site/onhand.pth"; \
printf '%s\n' '#!/bin/sh' "'''exec' '$(CURDIR)/$(RUN)/python' \"\$$0\" \"\$$@\"" "' '''" \
	'import sys' 'from starter import main' 'sys.exit(main())' > $(RUN)/onhand; \
chmod +x $(RUN)/onhand; \
printf '%s\n' '$(CURDIR)' > $(VENV)/.home
endef

define find_python
for name in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3; do \
	if "$$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$name"; exit; fi; \
done; \
echo "Onhand needs Python 3.11 or newer, and none of python3.11 to python3.14 or python3 on the PATH is one. Install it" >&2; \
echo "(Debian, Ubuntu: apt install python3 python3-venv), or name yours: make PYTHON=/path/to/python3 ..." >&2; exit 1
endef

.PHONY: demo up install test check format bench chaos lock clean help moved
