# `make demo` and `make test` are all one needs; both prepare .venv on first use.
PY := .venv/bin/python
DEMO_ARGS ?=
TEST_ARGS ?= -n 2 --dist worksteal -q
BENCH_ARGS ?=
FUZZ_ARGS ?=
REGION_ARGS ?=

.PHONY: help demo test conformance check fix bench fuzz golden docs lock clean region compiled bench-compiled
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

.venv/.ready: requirements.lock pyproject.toml .ci/setup
	./.ci/setup

demo: .venv/.ready ## start a gateway on a throwaway store and play a synthetic region
	@$(PY) -m gateway.entry.cli demo $(DEMO_ARGS)

test: .venv/.ready ## run every test
	@./.ci/browser
	@./.ci/java
	@./.ci/node
	$(PY) -m pytest $(TEST_ARGS) --ignore=tests/browser --ignore=tests/official
# A process of their own: the driver of the browser keeps an event loop running.
	$(PY) -m pytest $(TEST_ARGS) tests/browser
# One process: the validator uses every processor by itself.
	$(PY) -m pytest -q tests/official

conformance: .venv/.ready ## judge all we emit with the official FHIR validator
	@./.ci/java
	@$(PY) -m tests.official

check: .venv/.ready ## format, lint, types, layers, mapping files
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) -m gateway.entry.cli config check
	$(PY) -m gateway.entry.cli pathway check

fix: .venv/.ready ## format and repair what can be
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

compiled: .venv/.ready ## build the wheel with compiled rooms and test it beside the sources
	@./.ci/compiled $(TEST_ARGS)

bench: .venv/.ready ## print the figures of this machine (asserts nothing)
	$(PY) -m tests.bench $(BENCH_ARGS)

bench-compiled: .venv/.ready ## the same figures by the compiled build
	@./.ci/compiled-tree
	cd build/compiled/tree && PYTHONPATH="$$PWD" $(CURDIR)/.venv/bin/python -m tests.bench $(BENCH_ARGS)

fuzz: .venv/.ready ## mutate a million messages (FUZZ_ARGS="--count 10000")
	$(PY) -m tests.fuzz $(FUZZ_ARGS)

region: .venv/.ready ## measure the engine on 2,000 patients (REGION_ARGS="--patients 200")
	$(PY) -m tests.region $(REGION_ARGS)

golden: .venv/.ready ## rewrite expected outputs, to be read line by line before a commit
	$(PY) -m pytest tests/golden -q --update-golden
	git --no-pager diff --stat fixtures

docs: .venv/.ready ## rewrite the generated pages of docs/ from the tree
	$(PY) -m tests.support.docs

lock: .venv/.ready ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra postgres --extra demo --extra toolkit --extra otel --group dev --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q -o requirements.lock

clean: ## remove what the targets made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
