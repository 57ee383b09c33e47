#!/usr/bin/env bash
# spark-submit with the settings in conf/emr and the packed environment.
#   conf/emr/submit.sh ENVIRONMENT.tar.gz CONF... -- [SPARK-SUBMIT OPTIONS] JOB --settings environment/settings
set -euo pipefail

refuse() { printf '%s: %s\n' "$0" "$1" >&2 && exit 2; }

archive=${1:?the packed environment, as make pack makes it}
shift
options=(--archives "$archive#environment")
while [ "${1-}" != "--" ]; do
    [ $# -gt 0 ] || refuse "no -- before what spark-submit is given"
    file=$(dirname "$0")/$1
    [ -r "$file" ] || refuse "no file at $file"
    while IFS= read -r line; do
        options+=(--conf "$line")
    done < <(grep -Ev '^(#|$)' "$file")
    shift
done
shift
exec "${SPARK_SUBMIT:-spark-submit}" "${options[@]}" "$@"
