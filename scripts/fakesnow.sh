#!/usr/bin/env bash
# Builds .venv-fakesnow, the stand-in for Snowflake that tests start: it wants versions of its own of what we use too.
#   scripts/fakesnow.sh VENV
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 lock=requirements/fakesnow.txt own=.venv-fakesnow
uv=$(command -v uv || echo .tools/bin/uv)

say() { printf '==> %s\n' "$*" >&2; }

key=$(sha256sum "$lock" | cut -d' ' -f1)
if [ "$(cat "$own/.installed" 2>/dev/null)" != "$key" ]; then
    say "building $own from $lock"
    "$uv" venv --quiet --clear --python "$venv/bin/python" "$own"
    "$uv" pip install --quiet --python "$own/bin/python" --require-hashes -r "$lock"
    printf '%s' "$key" >"$own/.installed"
fi
