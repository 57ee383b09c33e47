#!/usr/bin/env bash
# spark-submit with the settings in conf/emr and the packed environment.
#   conf/emr/submit.sh ENVIRONMENT.tar.gz CONF... -- [SPARK-SUBMIT OPTIONS] JOB --settings environment/settings
set -euo pipefail
archive=$1
shift
options=(--archives "$archive#environment")
while [ "$1" != "--" ]; do
    while IFS= read -r line; do
        options+=(--conf "$line")
    done < <(grep -Ev '^(#|$)' "$(dirname "$0")/$1")
    shift
done
shift
exec "${SPARK_SUBMIT:-spark-submit}" "${options[@]}" "$@"
