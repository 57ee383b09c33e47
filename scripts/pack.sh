#!/usr/bin/env bash
# Packs Python with everything that a job needs but Spark, for clusters that have Spark and nothing else of ours. What is
# compiled cannot come from a zip of sources, so the whole environment travels, and every executor unpacks it.
#   scripts/pack.sh OUT.tar.gz [SETTINGS...]
# PYTHON_PREFIX is where the cluster's Python 3.11 is installed; /usr on EMR 7.x and emr-spark-8.x.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1 lock=requirements/emr.txt venv=build/emr/environment
shift
export UV_PYTHON_DOWNLOADS=never

say() { printf '==> %s\n' "$*" >&2; }

# They are side by side in the archive, where one would take the place of the other.
twice=$(printf '%s\n' "${@##*/}" | sort | uniq -d)
[ -z "$twice" ] || { say "two settings files are called $twice; each needs a name of its own" && exit 2; }

uv=$(command -v uv || echo .tools/bin/uv)
stamp="$venv/.installed"
key=$(sha256sum <"$lock")
if [ "$(cat "$stamp" 2>/dev/null)" != "$key" ]; then
    say "building $venv from $lock"
    "$uv" venv --quiet --clear --python 3.11 "$venv"
    "$uv" pip install --quiet --python "$venv/bin/python" --link-mode copy --require-hashes -r "$lock"
    printf '%s' "$key" >"$stamp"
fi
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps --reinstall-package profiles-sync .
rm -rf "$venv/settings"
mkdir "$venv/settings"
for file in "$@"; do
    cp "$file" "$venv/settings/"
done
say "packing $out"
# venv-pack puts the cluster's python in the place of a link to one that is called no more than that.
python=$(readlink -f "$venv/bin/python")
ln -sfn "$(dirname "$python")/python" "$venv/bin/python"
PYTHONPATH=$(echo "$venv"/lib/python3*/site-packages) "$python" -m venv_pack --quiet --force --compress-level 1 \
    --prefix "$venv" --python-prefix "${PYTHON_PREFIX:-/usr}" --output "$out"
ln -sfn "$python" "$venv/bin/python"
