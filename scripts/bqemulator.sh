#!/usr/bin/env bash
# Builds the environment of the BigQuery stand-in that the tests start. It has its own, for its DuckDB is an older one.
#   scripts/bqemulator.sh VENV
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1

scripts/own_venv.sh "$venv" requirements/bqemulator.txt
if [ -e "$venv/home/.installed" ]; then
    exit 0
fi
# The emulator loads DuckDB's extension for geography at its start; it is put below the environment from a package.
mkdir -p "$venv/home"
HOME="$PWD/$venv/home" "$venv/bin/python" -c "from duckdb_extensions import import_extension; import_extension('spatial')" \
    >/dev/null
touch "$venv/home/.installed"
