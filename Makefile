# The commands of a working day; `make` lists them. PYTHON=/path/to/python chooses the interpreter.

VENV   := .venv
BIN    := $(VENV)/bin
ENGINE := $(VENV)/.engine
DEV    := $(VENV)/.dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: venv
venv: $(DEV) ## Make .venv with the gate, its engine and the developers' tools

$(ENGINE): pyproject.toml .ci/venv
	@.ci/venv $(VENV) --editable '.[scan]'
	@touch $@

$(DEV): $(ENGINE)
	@.ci/venv $(VENV) --group dev
	@touch $@

.PHONY: demo
demo: $(ENGINE) ## Scan one clean and two backdoored models; reports go to demo-report/
	@$(BIN)/python examples/demo.py

.PHONY: test
test: $(DEV) ## Run the fast tests
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

.PHONY: test-slow
test-slow: $(DEV) ## Run the slow tests: real scans, hooks, the action, an installation
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m slow --timeout 900 --durations 15

.PHONY: lint
lint: $(DEV) ## Check style, types, the floors of the architecture and the subjects of commits
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python .ci/commit_subjects.py

.PHONY: format
format: $(DEV) ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: new-detector
new-detector: $(DEV) ## Write the files of a new detector: make new-detector NAME=my-idea
	@$(BIN)/python .ci/new_detector.py '$(NAME)'

.PHONY: bench
bench: $(DEV) ## Measure detection and speed on the benchmark's models
	$(BIN)/python -m benchmarks verdicts
	@echo
	$(BIN)/python -m benchmarks speed

.PHONY: bench-detect
bench-detect: $(DEV) ## Print how well backdoors are detected, from committed evidence: on untouched networks, and on the zoo's test split
	$(BIN)/python -m benchmarks report tables benchmarks/results/2026-11-28-untouched.jsonl --split all
	$(BIN)/python -m benchmarks report tables benchmarks/results/2026-11-28-few-classes.jsonl --split all
	$(BIN)/python -m benchmarks report tables

.PHONY: bench-pages
bench-pages: $(DEV) ## Write the tables and the curves of the zoo into docs/, from its committed evidence
	$(BIN)/python -m benchmarks report pages

.PHONY: hostile
hostile: $(DEV) ## Meet the hostile corpus, beside other scanners (installs them below .work/)
	$(BIN)/python -m benchmarks hostile

.PHONY: fuzz
fuzz: $(DEV) ## Scan mutated models for FUZZ_SECONDS (default 1800)
	$(BIN)/python -m tests.corpus.fuzz

.PHONY: fuzz-differences
fuzz-differences: $(DEV) ## Look for files of which Keras and the gate make two networks, for DIFFERENCES_SECONDS (default 1800)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m tests.corpus.differences

.PHONY: examples
examples: $(DEV) ## Train the example models again and compare them with the committed ones
	$(BIN)/python examples/build.py --check

.PHONY: check-docs
check-docs: $(DEV) ## Check that the documentation names only commands, options and files that exist
	$(BIN)/python -m pytest -q tests/front_doors/test_docs.py

.PHONY: lock
lock: ## Write requirements-lock.txt anew: what the action installs, with hashes
	@.ci/venv .work/lock uv
	@.work/lock/bin/uv pip compile pyproject.toml action/requirements.in --extra scan --universal --python-version 3.11 \
	  --upgrade --generate-hashes --no-emit-index-url --no-annotate --quiet --custom-compile-command "make lock" \
	  --output-file requirements-lock.txt

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) .work build dist demo-report .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
