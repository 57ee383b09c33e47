# `make help` explains every target.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export UV_PYTHON_DOWNLOADS := never
export PYTHONDONTWRITEBYTECODE :=

PY := .venv/bin/python
PY3 := .venv-spark-3/bin/python
UV := $(shell command -v uv || echo .tools/bin/uv)

.PHONY: help install docs notebooks install-spark-3 install-bench install-servers install-airflow install-gsqlcheck install-dbt dbt-compare pack demo test test-all test-standins check bench bench-quick release audit format lock clean

help: ## Explain every target
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

install: ## Build .venv (Spark 4.1 and every extra) and find or install a JVM
	@scripts/install.sh .venv requirements/spark-4.txt

install-spark-3: ## Build .venv-spark-3, the second lane (Spark 3.5, Delta 3.3)
	@scripts/install.sh .venv-spark-3 requirements/spark-3.txt

install-servers: install ## Find or install what tests start themselves: Postgres, Chromium, stand-ins for Snowflake and BigQuery
	@scripts/postgres.sh .venv
	@scripts/browser.sh >/dev/null
	@scripts/own_venv.sh .venv-fakesnow requirements/fakesnow.txt
	@scripts/bqemulator.sh .venv-bqemulator

install-gsqlcheck: ## Build Google's analyzer of BigQuery's dialect, with Go (ten minutes, 400 MB, gigabytes of memory); tests look for it
	@mkdir -p .tools && cd tests/gsqlcheck && go build -o ../../.tools/gsqlcheck .

install-airflow: install ## Build .venv-airflow, in which the tests run the DAG in conf/airflow
	@scripts/own_venv.sh .venv-airflow requirements/airflow.txt

install-dbt: install ## Build .venv-dbt, in which the tests run the dbt package
	@scripts/own_venv.sh .venv-dbt requirements/dbt.txt

notebooks: install ## Make a shop's lake in demo/shop, and the notebooks as .ipynb for JupyterLab
	$(PY) -m profiles_sync.generator.shop --out demo/shop
	.venv/bin/profiles-sync run --settings demo/shop/shop.yml
	$(PY) scripts/notebooks.py notebooks

docs: install ## Build the documentation site into build/site; open build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

dbt-compare: install install-dbt ## Run Segment's own dbt models, from the checkout that CHECKOUT names, and tell how their rows differ from ours
	$(PY) -m tests.dbt.compare "$(CHECKOUT)"

pack: install ## Pack Python and all that jobs need but Spark into build/emr, for EMR; SETTINGS="a.yml b.yml" go with it
	@scripts/pack.sh build/emr/environment.tar.gz $(SETTINGS)

demo: install ## Run the main job on a four-event story and on a generated stream, and show the result
	.venv/bin/profiles-sync demo

test: install install-spark-3 install-servers ## Run the fast suite: without a JVM first, then Spark in both lanes (does all the set-up)
	$(PY) -m pytest -q -n 2 -m "not spark and not slow and not standin"
	$(PY) -m pytest -q -m "spark and not slow and not standin"
	$(PY3) -m pytest -q -m "spark and not slow and not standin"

test-all: install install-spark-3 install-servers install-airflow install-dbt ## Run what is too slow for `make test`
	$(PY) -m pytest -q -n 2 --durations=15 -m "slow and not spark and not standin"
	$(PY) -m pytest -q --durations=15 -m "slow and spark and not standin"

test-standins: install install-spark-3 install-servers ## Run the whole contract on every warehouse's stand-in, Spark's connectors, EMR's jobs on a cluster, every case on Spark, and a kill at every step (hours)
	$(PY) -m pytest -q -n 2 -m standin tests/warehouses tests/sync tests/lake tests/data_graph
	$(PY) -m pytest -q -m standin tests/notebooks tests/pipeline
	$(PY3) -m pytest -q -m standin tests/connectors
	$(PY) -m pytest -q -m standin tests/emr

check: install install-servers ## Format, lint, types, import contracts and the tests without a JVM, in under a minute
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	.venv/bin/codespell README.md CHANGELOG.md CONTRIBUTING.md DECISIONS.md docs mkdocs.yml profiles_sync scripts jobs conf notebooks tests
	$(PY) -m pytest -q -n 2 -m "not spark and not slow and not lake and not standin"

bench: install-bench ## Run every measure against what it is compared with (some hours); results go to build/bench.json after each
	$(PY) -m tests.benchmarks --json build/bench.json

bench-quick: install-bench ## The same at small sizes, in three minutes: 1 to 7, and 10
	$(PY) -m tests.benchmarks --quick --json build/bench-quick.json

install-bench: install install-servers
	@$(UV) pip install --quiet --python $(PY) --require-hashes -r requirements/bench.txt

release: install ## Build the wheel as it is released, twice and alike, with its SBOM; check licences; all into dist/
	scripts/release.sh .venv

audit: install ## Look the locked packages up among known vulnerabilities: of pypi.org's own answers, or ADVISORIES=folder, a checkout
	@ADVISORIES="$(ADVISORIES)" scripts/release.sh .venv audit

format: install ## Format the code and mend what ruff can mend
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lock: ## Write the lock files anew
	$(UV) pip compile -q --no-header --no-annotate --no-emit-index-url --generate-hashes --universal --python-version 3.11 \
		--all-extras --group dev --group docs --group spark-4 pyproject.toml requirements/build.in -o requirements/spark-4.txt
	$(UV) pip compile -q --no-header --no-annotate --no-emit-index-url --generate-hashes --universal --python-version 3.11 \
		--all-extras --group dev --group spark-3 pyproject.toml requirements/build.in -o requirements/spark-3.txt
	$(UV) pip compile -q --no-header --no-annotate --no-emit-index-url --generate-hashes --universal --python-version 3.11 \
		--group bench -c requirements/spark-4.txt pyproject.toml -o requirements/bench.txt
	$(UV) pip compile -q --no-header --no-annotate --no-emit-index-url --generate-hashes --universal --python-version 3.11 \
		requirements/fakesnow.in -o requirements/fakesnow.txt
	$(UV) pip compile -q --no-header --no-annotate --no-emit-index-url --generate-hashes --universal --python-version 3.11 \
		requirements/bqemulator.in -o requirements/bqemulator.txt
	$(UV) pip compile -q --no-header --no-annotate --no-emit-index-url --generate-hashes --universal --python-version 3.11 \
		requirements/release.in -o requirements/release.txt
	$(UV) pip compile -q --no-header --no-annotate --no-emit-index-url --generate-hashes --universal --python-version 3.11 \
		requirements/airflow.in -o requirements/airflow.txt
	$(UV) pip compile -q --no-header --no-annotate --no-emit-index-url --generate-hashes --universal --python-version 3.11 \
		requirements/dbt.in -o requirements/dbt.txt
	$(UV) pip compile -q --no-header --no-annotate --no-emit-index-url --generate-hashes --universal --python-version 3.11 \
		--extra alerts --extra bigquery --extra credentials --extra databricks --extra fast --extra postgres --extra redshift \
		--extra snowflake --extra synapse -c requirements/spark-3.txt pyproject.toml requirements/emr.in -o requirements/emr.txt

clean: ## Remove environments and caches
	rm -rf .venv .venv-spark-3 .venv-fakesnow .venv-bqemulator .venv-airflow .venv-dbt .venv-release .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis demo
