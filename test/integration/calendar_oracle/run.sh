#!/bin/sh
# run.sh SOURCE_FOLDER WORK_FOLDER DRIVER DAYS_FILE
#
# Installs the oracle's package into WORK_FOLDER by its lock file and compares. 77 (skipped) only where
# there is no npm or it reaches no registry; a package that is not the locked one fails.
set -eu
source=$1 work=$2 driver=$3 days=$4

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "skipped: no node or npm"
    exit 77
fi
mkdir -p "$work"
if ! cmp -s "$source/package-lock.json" "$work/installed-lock.json"; then
    rm -f "$work/installed-lock.json"
    cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$work/"
    if ! (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund); then
        if npm view chinese-days@1.5.7 version >/dev/null 2>&1; then
            echo "npm reaches its registry but could not install the locked package"
            exit 1
        fi
        echo "skipped: npm reaches no registry"
        exit 77
    fi
    cp "$source/package-lock.json" "$work/installed-lock.json"
fi
exec node "$source/oracle.mjs" "$work" "$driver" "$days"
