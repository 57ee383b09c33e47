#!/usr/bin/env bash
# Builds the environment of the Airflow that the tests run the DAG in. It has its own, as it should have wherever it runs.
#   scripts/airflow.sh VENV
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 lock=requirements/airflow.txt
export UV_PYTHON_DOWNLOADS=never

say() { printf '==> %s\n' "$*" >&2; }

stamp="$venv/.installed"
key=$(sha256sum <"$lock")
if [ "$(cat "$stamp" 2>/dev/null)" = "$key" ]; then
    exit 0
fi
uv=$(command -v uv || echo .tools/bin/uv)
say "building $venv from $lock"
"$uv" venv --quiet --clear --python .venv/bin/python "$venv"
"$uv" pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
printf '%s' "$key" >"$stamp"
