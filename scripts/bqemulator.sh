#!/usr/bin/env bash
# Builds the environment of the BigQuery stand-in that the tests start. It has its own, for its DuckDB is an older one.
#   scripts/bqemulator.sh VENV
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 lock=requirements/bqemulator.txt
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
# The emulator loads DuckDB's extension for geography at its start; it is put below the environment from a package.
mkdir -p "$venv/home"
HOME="$PWD/$venv/home" "$venv/bin/python" -c "from duckdb_extensions import import_extension; import_extension('spatial')" \
    >/dev/null
printf '%s' "$key" >"$stamp"
