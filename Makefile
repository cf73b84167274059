# make demo    a real MySQL, a busy shop, mirrored into DuckDB and compared
# make test    style, types and all tests, on real servers
# make bench   measure the rates of this machine
# Each sets up what it needs first (virtual environment, compiled modules, servers) and is quick the
# second time. PYTHON=python3.12 chooses another interpreter, 3.11 or later.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
SERVERS := mysql mysql:8.0 mariadb mariadb:10.11 postgres kafka schema-registry debezium
STAMP := $(VENV)/installed
HOT := $(shell git ls-files '*_cy.py')

.PHONY: install demo test check servers bench docs lock clean

install: $(STAMP)

$(VENV)/created:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed and was not found."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(STAMP): $(VENV)/created requirements.lock pyproject.toml setup.py $(HOT)
	@echo "Installing the locked dependencies into $(VENV) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@echo "Installing mysql-cdc, compiling the hot modules where a C compiler is ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/cdc --version
	@touch $@

demo: $(STAMP)
	$(BIN)/cdc demo --seconds 30

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

servers: $(STAMP)
	$(BIN)/python -m devstack --prepare $(SERVERS)

test: check servers
	$(BIN)/python -m pytest

bench: $(STAMP)
	$(BIN)/python -m bench

docs: $(STAMP)
	$(BIN)/python -m docs.reference

lock: $(STAMP)
	$(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header \
		--extra dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info
	git ls-files -o -i --exclude-standard '*.so' '*.c' | xargs -r rm -f
