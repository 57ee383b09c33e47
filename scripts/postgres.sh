#!/usr/bin/env bash
# Finds a Postgres server for the tests or installs one: Debian's, or the package pgserver where there is no apt.
#   scripts/postgres.sh VENV
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1

say() { printf '==> %s\n' "$*" >&2; }

if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null; then
    exit 0
fi
if "$venv/bin/python" -c 'import pgserver' 2>/dev/null; then
    exit 0
fi
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" != 0 ]; then
        say "the tests need a Postgres server; please run: sudo apt-get install -y postgresql"
        exit 1
    fi
    say "installing postgresql with apt-get"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >&2
else
    say "installing pgserver, a Postgres of its own, into $venv"
    "$(command -v uv || echo .tools/bin/uv)" pip install --quiet --python "$venv/bin/python" pgserver
fi
