# Everything works on a machine with Python 3.11+ and a package registry; `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Else every worker and every program that a test starts compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test test-slow test-statistics test-vllm lint format docs bench lock clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | sort

.venv/run.stamp: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make run PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the packages into .venv/. That is done once, and takes a few minutes."
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.lock
	@echo "Installing the packages for tests into .venv/. That is done once, and takes a few minutes."
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@

run: .venv/run.stamp ## Start the arena on http://localhost:8080, with simulated voters on the demo models.
	$(BIN)/arena serve --simulated-voters 240

chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || test -n "$(CHROMIUM)" \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	     && apt-get update --quiet --quiet && apt-get install --yes --quiet --quiet --no-install-recommends chromium >/dev/null; } \
	|| echo "No Chromium here: the browser tests will be skipped. Install it, or set CHROMIUM."

# Three workers keep two processors busy: many tests wait for programs that they start, kill and look at.
test: .venv/dev.stamp chromium ## Run all tests: unit, integration, browser.
	$(BIN)/pytest --numprocesses 3 --dist loadfile --ignore tests/browser
	$(BIN)/pytest --numprocesses 3 --dist loadfile tests/browser

test-slow: .venv/dev.stamp ## The slow checks that `make test` leaves out: faults by the hundred, a thousand reveals.
	$(BIN)/pytest -m slow

test-statistics: .venv/dev.stamp ## The statistical acceptance tests in full; writes docs/statistics.md.
	$(BIN)/pytest -m statistics --numprocesses 2 --dist load --timeout 3600 tests/statistics
	$(BIN)/python -m tests.statistics.report

test-vllm: .venv/dev.stamp ## Battles between two real vLLM servers on the CPU; builds its own environment.
	$(PYTHON) tests/vllm/make_environment.py
	ARENA_TEST_VLLM=1 $(BIN)/pytest -m vllm tests/vllm

lint: .venv/dev.stamp ## Lint, format check, types, import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests/vllm # run seldom, so that types are what tells when they no longer fit
	$(BIN)/lint-imports

format: .venv/dev.stamp ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/dev.stamp ## Write the generated parts of the documents anew.
	$(BIN)/python -m docs.generate

bench: .venv/dev.stamp ## Measure side by side with peers in one run; prints ratios.
	$(BIN)/python -m benchmarks

lock: ## Pin the dependencies anew, with hashes and without index lines.
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --group build pyproject.toml --output-file requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group build --group test --group lint --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock

clean: ## Remove what was built and the embedded database.
	rm -rf .venv .venv-vllm .cache .arena .mypy_cache .ruff_cache .pytest_cache
