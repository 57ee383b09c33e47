#!/usr/bin/env bash
# Finds a Chromium for the tests of the console, or installs Debian's; prints where it is.
#   scripts/browser.sh
set -euo pipefail

say() { printf '==> %s\n' "$*" >&2; }

found() {
    for name in ${CHROMIUM:-} chromium chromium-browser google-chrome-stable google-chrome; do
        command -v "$name" && return 0
    done
    return 1
}

if found; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    say "the tests of the console need Chromium or Chrome; please install it, or set CHROMIUM to where it is"
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    say "the tests of the console need Chromium; please run: sudo apt-get install -y chromium"
    exit 1
fi
say "installing chromium with apt-get"
apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >&2
found
