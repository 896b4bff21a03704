#!/usr/bin/env bash
# What ./up refuses, what it says then, and that it leaves nothing behind. No package is ever installed
# and nothing is built here: apt-get and sudo are replaced by programs that fail.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
# shellcheck source=../../../.ci/lib.sh
. "$ROOT/.ci/lib.sh"

TMP=$(mktemp -d)
CHILDREN=()
CASES=0
BAD=0
OUT=''
RC=0

cleanup() {
    [ "${#CHILDREN[@]}" -eq 0 ] || kill -KILL "${CHILDREN[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$TMP"
}
trap cleanup EXIT
chmod 0711 "$TMP"

shim() {
    mkdir -p "$TMP/$1"
    cat >"$TMP/$1/$2"
    chmod +x "$TMP/$1/$2"
}

# up ARGUMENT...: with the stand-ins first in PATH; sets OUT and RC.
up() {
    RC=0
    OUT=$(PATH="${SHIMS:+$TMP/$SHIMS:}$TMP/base:$PATH" CI=true "$ROOT/up" "$@" 2>&1 </dev/null) || RC=$?
}

result() {
    CASES=$((CASES + 1))
    if [ "$1" = ok ]; then
        echo "ok $CASES - $2"
    else
        BAD=$((BAD + 1))
        echo "not ok $CASES - $2"
        printf '# exit %s\n%s\n' "$RC" "$OUT" | sed 's/^/#   /'
    fi
}
skip() {
    CASES=$((CASES + 1))
    echo "ok $CASES - $1 # SKIP $2"
}

# refused NAME EXIT TEXT: the exit status, and the text is in what was said.
refused() {
    if [ "$RC" -eq "$2" ] && [[ $OUT == *"$3"* ]]; then result ok "$1"; else result bad "$1"; fi
}
holds() {
    local name=$1
    shift
    if "$@"; then result ok "$name"; else result bad "$name"; fi
}
absent() { [ ! -e "$1" ]; }

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# A process that looks like our daemon: the name, the folder on its command line, ends on SIGTERM.
fake_daemon() {
    mkdir -p "$1"
    cp "$(command -v bash)" "$TMP/hotlined"
    "$TMP/hotlined" -c 'trap "exit 0" TERM; while :; do sleep 0.05; done' hotlined --data "$1" >/dev/null 2>&1 </dev/null &
    CHILDREN+=($!)
    FAKE=$!
    echo "$FAKE" >"${2:-$1}/hotlined.pid"
}

own_user() { if is_root; then echo postgres; else id -un; fi; }

# A folder with a database that claims to be of VERSION.
fake_cluster() {
    mkdir -p "$1/pg/data"
    echo "$2" >"$1/pg/data/PG_VERSION"
    ! is_root || chown -R postgres "$1/pg"
}

shim base apt-get <<<'#!/bin/sh
exit 100'
shim base sudo <<<'#!/bin/sh
exit 1'
DATA=$TMP/data
PORT=$(free_port)

# --- command line --------------------------------------------------------------------------------
up --bogus --data "$DATA"
refused "unknown option" 2 "unknown option: --bogus"
up --city atlantis --data "$DATA"
refused "unknown city names the known ones" 2 "unknown city: atlantis (there is: jiangyin jiayuguan)"
for port in 0 65536 123456 abc 08; do
    up --port "$port" --data "$DATA"
    refused "port $port" 2 "not a port: $port"
done
up --data "$DATA" --test-clock tomorrow
refused "test clock that is no instant" 2 "not an instant: tomorrow"
up --data "$DATA" --port
refused "option without its value" 2 "--port needs a value"
up --data /
refused "the root folder as data" 2 "not a folder of ours"
up --help
refused "help" 0 "usage: ./up"
holds "a bad command line makes no folder" absent "$DATA"

# --- the machine ---------------------------------------------------------------------------------
python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(5)
print(s.getsockname()[1], flush=True)
time.sleep(600)' >"$TMP/port" &
CHILDREN+=($!)
until [ -s "$TMP/port" ]; do sleep 0.05; done
up --data "$DATA" --port "$(cat "$TMP/port")"
refused "port in use" 1 "port $(cat "$TMP/port") is in use by another program"
holds "a port in use makes no folder" absent "$DATA"

shim disk df <<<'#!/bin/sh
echo "Filesystem 1024-blocks Used Available Capacity Mounted on"
echo "/dev/vda 100000 90000 10240 90% /"'
SHIMS=disk up --data "$DATA" --port "$PORT"
refused "disk too full" 1 "not enough disk"
holds "a full disk makes no folder" absent "$DATA"

# shellcheck disable=SC2016 # the inner shell expands
shim poor id <<<'#!/bin/sh
[ "$1" = -un ] && echo somebody || echo 1000'
# shellcheck disable=SC2016 # the inner shell expands
shim poor dpkg-query <<<'#!/bin/sh
for name; do case $name in -*|libpq-dev|postgresql) ;; *) echo "installed $name" ;; esac; done'
SHIMS=poor up --data "$DATA" --port "$PORT"
refused "packages missing and no right to install" 1 "libpq-dev"
holds "the missing packages are listed, no others" test "$(grep -c 'postgresql libpq-dev$' <<<"$OUT")" -ge 1
holds "missing packages make no folder" absent "$DATA"

# --- the data folder -----------------------------------------------------------------------------
mkdir -p "$TMP/foreign"
echo precious >"$TMP/foreign/letter.txt"
up --data "$TMP/foreign" --port "$PORT"
refused "a folder of somebody else" 1 "was not made by ./up"
holds "it is left as it was" test "$(ls -A "$TMP/foreign")" = letter.txt

mkdir -p "$TMP/city/pg"
echo city=jiangyin >"$TMP/city/up.state"
up --data "$TMP/city" --city jiayuguan --port "$PORT"
refused "another city in the same folder" 1 "holds the city jiangyin"

mapfile -t names < <(packages_of run build)
if [ -n "$(packages_missing "${names[@]}")" ]; then
    skip "cluster of another version" "packages are missing"
    skip "cluster of another user" "packages are missing"
    skip "two at a time" "packages are missing"
else
    fake_cluster "$TMP/old" 9.6
    up --data "$TMP/old" --port "$PORT"
    refused "cluster of another version" 1 "was made by PostgreSQL 9.6"
    holds "it is not changed" test "$(cat "$TMP/old/pg/data/PG_VERSION")" = 9.6
    if is_root; then
        fake_cluster "$TMP/theirs" 15
        chown -R nobody "$TMP/theirs/pg"
        up --data "$TMP/theirs" --port "$PORT"
        refused "cluster of another user" 1 "belongs to nobody, it would now run as $(own_user)"
    else
        skip "cluster of another user" "needs root to make one"
    fi
    mkdir -p "$TMP/busy"
    exec 7>"$TMP/busy/.up.lock"
    flock -n 7
    up --data "$TMP/busy" --port "$PORT"
    exec 7>&-
    refused "two at a time on one folder" 1 "another ./up is at work"
fi

# --- running and stopping ------------------------------------------------------------------------
up --stop --data "$DATA"
refused "stop when nothing runs" 0 "nothing runs for $DATA"
holds "stopping makes no folder" absent "$DATA"

mkdir -p "$TMP/stale"
echo $$ >"$TMP/stale/hotlined.pid"
up --stop --data "$TMP/stale"
refused "a process id that is somebody else's now" 0 "nothing runs"

fake_daemon "$TMP/one"
printf 'port=4711\ncity=jiangyin\nclock=\n' >"$TMP/one/up.state"
mkdir "$TMP/one/pg"
up --data "$TMP/one" --port "$PORT"
refused "running on another port" 1 "already runs on port 4711"
up --data "$TMP/one" --test-clock
refused "running on real time" 1 "--test-clock needs a new start"
up --data "$TMP/one" --city jiayuguan
refused "running with another city" 1 "holds the city jiangyin"
holds "the running daemon was left alone" kill -0 "$FAKE"

mkdir -p "$TMP/two"
cp "$TMP/one/hotlined.pid" "$TMP/two/"
up --stop --data "$TMP/two"
refused "a daemon of another folder is not stopped" 0 "nothing runs"
holds "it still runs" kill -0 "$FAKE"
up --stop --data "$TMP/one"
refused "stop" 0 "stopped"
holds "the daemon is gone" sh -c "! kill -0 $FAKE 2>/dev/null || grep -q '^State:.Z' /proc/$FAKE/status"

echo "1..$CASES"
[ "$BAD" -eq 0 ]
