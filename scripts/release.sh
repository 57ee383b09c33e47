#!/usr/bin/env bash
# Builds the wheel as it is released, with its SBOM, and checks the licences of all that it may bring along.
#   [OUT=dist] scripts/release.sh VENV
#   [ADVISORIES=folder] scripts/release.sh VENV audit
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 tools=.venv-release out=${OUT:-dist}
uv=$(command -v uv || echo .tools/bin/uv)
export UV_PYTHON_DOWNLOADS=never

say() { printf '==> %s\n' "$*" >&2; }

if [ "${2:-}" = audit ] && [ -n "${ADVISORIES:-}" ]; then
    say "known vulnerabilities of the locked packages, by the records in $ADVISORIES"
    exec "$venv/bin/python" scripts/advisories.py "$ADVISORIES" requirements/*.txt
fi

# The tools have an environment of their own: they would be in the SBOM else.
scripts/own_venv.sh "$tools" requirements/release.txt

if [ "${2:-}" = audit ]; then
    say "known vulnerabilities of the locked packages"
    for lock in requirements/*.txt; do
        grep -q -- --hash "$lock" || continue
        say "$lock"
        "$tools/bin/pip-audit" --strict --disable-pip --require-hashes --requirement "$lock"
    done
    exit
fi

# The last commit's time is the build's: whoever builds this commit gets these bytes.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
rm -rf "$out" build/release
for place in "$out" build/release/again; do
    "$uv" build --quiet --wheel --no-build-isolation --python "$venv/bin/python" --out-dir "$place"
done
cmp "$out"/*.whl build/release/again/*.whl
say "built $(sha256sum "$out"/*.whl)"

extras=$("$venv/bin/python" -c '
import tomllib
print(",".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]))')
"$uv" venv --quiet --python "$venv/bin/python" build/release/product
"$uv" pip install --quiet --python build/release/product/bin/python --constraint requirements/spark-4.txt \
    "$(ls "$out"/*.whl)[$extras]"
"$tools/bin/cyclonedx-py" environment --pyproject pyproject.toml --output-reproducible --of JSON -o "$out/sbom.json" \
    build/release/product/bin/python
say "wrote $out/sbom.json, $(grep -c '"bom-ref"' "$out/sbom.json") entries"

licences() { # PYTHON REPORT WORDS... -- PACKAGES THAT WERE READ INSTEAD...
    local python=$1 report=$2 words=()
    shift 2
    while [ "$1" != "--" ]; do words+=("$1") && shift; done
    "$tools/bin/pip-licenses" --python "$python" --partial-match --format=plain --ignore-packages "${@:2}" \
        --allow-only="$(printf '%s;' "${words[@]}" | sed 's/;$//')" >"$report" || { cat "$report"; exit 1; }
    say "licences are fine: $report, $(($(wc -l <"$report") - 1)) packages"
}

# What may be given on with an Apache-2.0 program, by the names that the packages themselves use. Two were read instead:
# mssql-python is MIT but for Windows libraries in it, mssql-python-odbc is Microsoft's ODBC driver. Only the extra
# `synapse` brings them, from the registry to whoever installs it: we give on neither.
mapfile -t given_on < <(grep -v '^#' requirements/licences.txt)
licences build/release/product/bin/python build/release/licences.txt "${given_on[@]}" -- mssql-python mssql-python-odbc

# What builds, tests and documents is given on to nobody, so GNU's licences will do too. databricks-bundles is for use
# with Databricks only, and is what its bundle is checked with.
scripts/own_venv.sh .venv-dbt requirements/dbt.txt
for one in "$venv" .venv-dbt; do
    licences "$one/bin/python" "build/release/licences-of-tools-in-$(basename "$one").txt" "${given_on[@]}" GNU GPL -- \
        profiles-sync mssql-python mssql-python-odbc databricks-bundles
done
