#!/usr/bin/env bash
# Builds an environment beside .venv, with the same Python, from a lock file; does nothing where it is built from that.
#   scripts/own_venv.sh VENV LOCK
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 lock=$2
export UV_PYTHON_DOWNLOADS=never

key=$(sha256sum <"$lock")
if [ "$(cat "$venv/.installed" 2>/dev/null)" = "$key" ]; then
    exit 0
fi
uv=$(command -v uv || echo .tools/bin/uv)
printf '==> building %s from %s\n' "$venv" "$lock" >&2
"$uv" venv --quiet --clear --python .venv/bin/python "$venv"
"$uv" pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
printf '%s' "$key" >"$venv/.installed"
