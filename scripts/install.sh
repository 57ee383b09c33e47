#!/usr/bin/env bash
# Builds one virtual environment from a lock file, and finds or installs a JVM.
#   scripts/install.sh VENV LOCK
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 lock=$2
export UV_PYTHON_DOWNLOADS=never

say() { printf '==> %s\n' "$*" >&2; }

apt() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "please run: sudo apt-get install -y $*"
        exit 1
    fi
    say "installing $* with apt-get"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >&2
}

find_python() {
    for name in python3.11 python3.12 python3.13 python3; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "Python 3.11 or newer is needed and was not found"
    exit 1
}

find_uv() {
    if command -v uv >/dev/null; then
        command -v uv
        return
    fi
    if [ ! -x .tools/bin/uv ]; then
        say "installing uv into .tools"
        "$python" -m venv .tools 2>/dev/null || { rm -rf .tools; apt python3-venv; "$python" -m venv .tools; }
        .tools/bin/python -m pip install --quiet uv >&2
    fi
    echo "$PWD/.tools/bin/uv"
}

is_java() { [ -x "$1" ] && "$1" -version 2>&1 | grep -Eq 'version "(1[7-9]|[2-9][0-9])'; }

find_java() {
    for candidate in "${JAVA_HOME:-/nonexistent}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        if is_java "$candidate"; then return 0; fi
    done
    return 1
}

python=$(find_python)
stamp="$venv/.installed"
key=$(cat "$lock" pyproject.toml | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null)" != "$key" ]; then
    uv=$(find_uv)
    say "building $venv from $lock"
    "$uv" venv --quiet --clear --python "$python" "$venv"
    "$uv" pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
    "$uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e .
    printf '%s' "$key" >"$stamp"
fi
if ! find_java; then
    say "no JVM 17 or newer in JAVA_HOME, on PATH or below /usr/lib/jvm"
    apt openjdk-17-jre-headless
fi
