#!/usr/bin/env bash
# What ./up does in which order, and that a second run does only what is missing. Compiler, daemon and
# client are stand-ins, so that a start that fails and lost credentials can be had at will.
set -euo pipefail
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
# shellcheck source=../../../.ci/lib.sh
. "$SOURCE/.ci/lib.sh"

mapfile -t names < <(packages_of run build)
if [ -n "$(packages_missing "${names[@]}")" ] || ! command -v python3 >/dev/null; then
    echo "1..0 # SKIP packages are missing"
    exit 77
fi

TMP=$(mktemp -d)
TREE=$TMP/tree
DATA=$TMP/data
CASES=0
BAD=0
OUT=''
RC=0
export FAKE=$TMP/fake
FAKE_PG_VERSION=$(basename "$(dirname "$(pg_bindir)")")
export FAKE_PG_VERSION

cleanup() {
    "$TREE/up" --stop --data "$DATA" >/dev/null 2>&1 || true
    rm -rf "$TMP"
}
trap cleanup EXIT
chmod 0711 "$TMP"

mkdir -p "$TREE/build/bin" "$TREE/daemon/cities/jiangyin" "$TMP/bin" "$FAKE"
cp -r "$SOURCE/up" "$SOURCE/.ci" "$TREE/"
echo code,name >"$TREE/daemon/cities/jiangyin/regions.csv"
# The interpreter by its path, not through env: only then the process is called hotlined.
install_fake() {
    { python3 -c 'import sys; print("#!" + sys.executable)' && cat "$SOURCE/test/integration/up/fake_hotlined.py"; } >"$TREE/build/bin/$1.new"
    chmod +x "$TREE/build/bin/$1.new"
    mv -f "$TREE/build/bin/$1.new" "$TREE/build/bin/$1"
}
install_fake hotlined
install_fake hotline
for name in cmake ninja; do
    printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n' "$name" "$FAKE" >"$TMP/bin/$name"
    chmod +x "$TMP/bin/$name"
done
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

up() {
    RC=0
    : >"$FAKE/calls"
    OUT=$(PATH="$TMP/bin:$PATH" CI=true "$TREE/up" --data "$DATA" "$@" 2>&1 </dev/null) || RC=$?
}

# holds NAME COMMAND...
holds() {
    local name=$1
    shift
    CASES=$((CASES + 1))
    if "$@"; then
        echo "ok $CASES - $name"
    else
        BAD=$((BAD + 1))
        echo "not ok $CASES - $name"
        printf '# exit %s\n%s\n' "$RC" "$OUT" | sed 's/^/#   /'
        sed 's/^/#   call: /' "$FAKE/calls"
    fi
}
exits() { [ "$RC" -eq "$1" ]; }
says() { [[ $OUT == *"$1"* ]]; }
called() { grep -q "^$1" "$FAKE/calls"; }
not_called() { ! grep -q "^$1" "$FAKE/calls"; }
credential() { [ "$(jq -r "$1" "$DATA/credentials.json")" = "$2" ]; }
# gone, or a zombie that nobody has looked at yet
daemon_gone() { ! grep -q '^State:[[:space:]]*[^Z[:space:]]' "/proc/$(head -n 1 "$DATA/hotlined.pid")/status" 2>/dev/null; }

touch "$FAKE/die_at_start"
up --port "$PORT" --empty
holds "a daemon that does not start is an error" exits 1
holds "its last log lines are shown" says "the test wants it so"
rm "$FAKE/die_at_start"

up --port "$PORT" --empty
holds "start" exits 0
holds "order: build, migrate, start, token, import, units" test \
    "$(grep -oE '^(ninja|hotlined (migrate|token|--data)|hotline admin (import|account add-units))' "$FAKE/calls" | tr '\n' ' ')" = \
    "ninja hotlined migrate hotlined --data hotlined token hotline admin import hotline admin account add-units "
holds "--empty plays no demo day" not_called "hotline simulate"
holds "credentials are private" test "$(stat -c %a "$DATA/credentials.json")" = 600
holds "base_url" credential .base_url "http://127.0.0.1:$PORT"
holds "a token for each role and unit" credential \
    '[.tokens.admin, .tokens.desk, .tokens.supervisor, .tokens.phone, .tokens.web] + [.tokens.units[]] | map(select(length > 3)) | length' 305
holds "the rest of the shape" credential '[.devices, .wechat.account, .agent, has("mqtt_port")] | tojson' '[[],"demo","1001",true]'
before=$(cat "$DATA/credentials.json")

up
holds "second run" exits 0
holds "finds the port by itself" says "http://127.0.0.1:$PORT"
holds "starts no second daemon" not_called "hotlined --data"
holds "imports nothing" not_called "hotline admin import"
holds "makes no token" test "$(grep -cE '^hotlined token|account add' "$FAKE/calls")" -eq 0
holds "changes no token" test "$(cat "$DATA/credentials.json")" = "$before"
holds "plays the demo day that was missing" called "hotline simulate --day"
up
holds "plays it once" not_called "hotline simulate"

echo more >>"$TREE/daemon/cities/jiangyin/regions.csv"
up
holds "a changed city is imported again" called "hotline admin import"

rm "$DATA/credentials.json"
up
holds "lost credentials: run" exits 0
holds "new tokens for the old accounts" called "hotlined token --data $DATA --role desk"
holds "they are written" credential '.tokens.desk | length > 3' true
holds "the demo day is not repeated" not_called "hotline simulate"

old=$(head -n 1 "$DATA/hotlined.pid")
up --stop
holds "stop" exits 0
holds "the daemon is gone" daemon_gone
up --stop
holds "stop again" says "nothing runs"

up --port "$PORT" --empty
holds "start after a stop" exits 0
holds "it is another process" test "$old" != "$(head -n 1 "$DATA/hotlined.pid")"
holds "nothing is loaded again" not_called "hotline admin import"

up --stop
if is_root; then
    # PostgreSQL would not reach a folder below this one
    mkdir -m 0700 "$TMP/closed"
    DATA=$TMP/closed/data
    up --port "$PORT" --empty
    holds "below a closed folder" exits 0
    holds "the data is elsewhere" test -L "$DATA"
    holds "and postgres gets there" runuser -u postgres -- test -x "$(readlink "$DATA")"
    up --empty
    holds "the second run follows the link" exits 0
    holds "and starts nothing" not_called "hotlined --data"
    up --stop
    holds "so does stop" says "stopped"
    rm -rf "$(readlink "$DATA")"
    rmdir --ignore-fail-on-non-empty /var/lib/hotlined
fi

echo "1..$CASES"
[ "$BAD" -eq 0 ]
