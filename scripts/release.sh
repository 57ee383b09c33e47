#!/usr/bin/env bash
# Builds the wheel as it is released, with its SBOM, and checks the licences of all that it may bring along.
#   [OUT=dist] scripts/release.sh VENV [audit]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 tools=.venv-release out=${OUT:-dist}
uv=$(command -v uv || echo .tools/bin/uv)
export UV_PYTHON_DOWNLOADS=never

say() { printf '==> %s\n' "$*" >&2; }

# The tools have an environment of their own: they would be in the SBOM else.
scripts/own_venv.sh "$tools" requirements/release.txt

if [ "${2:-}" = audit ]; then
    say "known vulnerabilities of the locked packages"
    exec "$tools/bin/pip-audit" --strict --disable-pip --require-hashes --requirement requirements/spark-4.txt
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

# What may be given on with an Apache-2.0 program, by the names that the packages themselves use. Two were read instead:
# mssql-python is MIT but for Windows libraries in it, mssql-python-odbc is Microsoft's ODBC driver. Only the extra
# `synapse` brings them, from the registry to whoever installs it: we give on neither.
"$tools/bin/pip-licenses" --python build/release/product/bin/python --partial-match --format=plain \
    --ignore-packages mssql-python mssql-python-odbc \
    --allow-only="$(grep -v '^#' requirements/licences.txt | paste -sd ';')" >build/release/licences.txt ||
    { cat build/release/licences.txt; exit 1; }
say "licences are fine: build/release/licences.txt"
