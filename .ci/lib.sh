# shellcheck shell=bash
# Shared by ./up, ./check and the scripts beside this one. To be sourced; sets ROOT and nothing outside it.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# Debian's fix of the 2026 security advisories; event_get_version() does not tell them apart.
LIBEVENT_MIN=2.1.12-stable-8+deb12u1
JOB_PID=''

say() { printf '%s\n' "$*"; }
note() { printf '  %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    shift
    local line
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# --- long commands -------------------------------------------------------------------------------

# run_logged LABEL LOG COMMAND...: everything goes to LOG; a sign of life every 10 seconds.
run_logged() {
    local label=$1 log=$2 started=$SECONDS shown=$SECONDS rc=0 last
    shift 2
    "$@" >"$log" 2>&1 </dev/null 8>&- 9>&- &
    JOB_PID=$!
    while kill -0 "$JOB_PID" 2>/dev/null; do
        if [ $((SECONDS - shown)) -ge 10 ]; then
            shown=$SECONDS
            last=$(tail -c 400 "$log" | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 | tr -cd '[:print:]' | cut -c1-80) || true
            note "... $label, $((SECONDS - started)) s: $last"
        fi
        sleep 0.2
    done
    wait "$JOB_PID" || rc=$?
    JOB_PID=''
    return "$rc"
}

# For traps: end what run_logged started, with its children.
end_job() {
    [ -n "$JOB_PID" ] || return 0
    local child children
    read -r -a children <"/proc/$JOB_PID/task/$JOB_PID/children" 2>/dev/null || true
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
    done
    kill "$JOB_PID" 2>/dev/null || true
    JOB_PID=''
}

jobs_default() {
    local n
    n=$(nproc 2>/dev/null || echo 2)
    echo "$n"
}

# --- packages ------------------------------------------------------------------------------------

# packages_of SECTION...: names from .ci/packages.
packages_of() {
    local section
    for section in "$@"; do
        awk -v s="$section" '$1 == s { print $2 }' "$ROOT/.ci/packages"
    done
}

# packages_missing NAME...: those dpkg does not have installed, one a line.
packages_missing() {
    local have name
    have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
    for name in "$@"; do
        grep -qxF "installed $name" <<<"$have" || printf '%s\n' "$name"
    done
}

# as_root COMMAND...: only after can_be_root said yes.
as_root() {
    if is_root; then "$@"; else sudo "$@"; fi
}

can_be_root() {
    is_root && return 0
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null && return 0
    # a person at a terminal may be asked for a password; a script never
    [ -t 0 ] && [ -t 1 ] && [ -z "${CI:-}" ] && sudo -v
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -y -q \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install --no-install-recommends "$@"
}

apt_update() { as_root apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update; }

# Debian's server package makes and starts a cluster "main" when it is first installed. Nobody asked
# for that one, so it is told not to; the setting goes away again, later installations are not our business.
MAIN_CLUSTER_CONF=/etc/postgresql-common/createcluster.d/hotlined.conf
main_cluster_suppress() {
    [ ! -e "$MAIN_CLUSTER_CONF" ] || return 0
    as_root mkdir -p "${MAIN_CLUSTER_CONF%/*}"
    echo 'create_main_cluster = false' | as_root tee "$MAIN_CLUSTER_CONF" >/dev/null
}
main_cluster_release() { as_root rm -f "$MAIN_CLUSTER_CONF"; }

server_installed() {
    local dir
    for dir in /usr/lib/postgresql/*/bin; do
        [ ! -x "$dir/postgres" ] || return 0
    done
    return 1
}

# ensure_packages LOG SECTION...: installs what is missing, or says what is and why it cannot.
ensure_packages() {
    local log=$1 names missing started=$SECONDS suppressed=
    shift
    mapfile -t names < <(packages_of "$@")
    mapfile -t missing < <(packages_missing "${names[@]}")
    if [ "${#missing[@]}" -gt 0 ]; then
        can_be_root || die "these Debian packages are missing and there is no right to install them:" \
            "${missing[*]}" "as root: apt-get update && apt-get install --no-install-recommends ${missing[*]}"
        command -v apt-get >/dev/null || die "no apt-get here; this needs Debian 12, or by hand: ${missing[*]}"
        mkdir -p "${log%/*}"
        say "installing ${#missing[@]} Debian packages: ${missing[*]}"
        if ! server_installed; then
            main_cluster_suppress
            suppressed=yes
        fi
        if ! install_with_update "$log" "${missing[@]}"; then
            [ -z "$suppressed" ] || main_cluster_release
            tail -n 15 "$log" >&2
            die "installing packages failed, see $log"
        fi
        [ -z "$suppressed" ] || main_cluster_release
        mapfile -t missing < <(packages_missing "${names[@]}")
        [ "${#missing[@]}" -eq 0 ] || die "still missing after the installation: ${missing[*]}" "see $log"
        note "installed in $((SECONDS - started)) s"
    fi
    libevent_check "$log"
}

# Lists may be absent (fresh image) or old (404 on download): then update once and try again.
install_with_update() {
    local log=$1
    shift
    if apt-get -q -s install --no-install-recommends "$@" >/dev/null 2>&1 &&
        run_logged "apt-get install" "$log" apt_install "$@"; then
        return 0
    fi
    run_logged "apt-get update" "$log.update" apt_update || {
        cat "$log.update" >"$log"
        return 1
    }
    run_logged "apt-get install" "$log" apt_install "$@"
}

libevent_version() { dpkg-query -W -f='${Version}' libevent-core-2.1-7 2>/dev/null || true; }

libevent_check() {
    local log=$1 have
    have=$(libevent_version)
    dpkg --compare-versions "$have" ge "$LIBEVENT_MIN" && return 0
    if can_be_root; then
        mkdir -p "${log%/*}"
        say "libevent $have lacks the 2026 security fixes, upgrading"
        run_logged "apt-get update" "$log.update" apt_update || true
        run_logged "apt-get install" "$log" apt_install libevent-core-2.1-7 libevent-dev || true
        have=$(libevent_version)
        dpkg --compare-versions "$have" ge "$LIBEVENT_MIN" && return 0
    fi
    warn "libevent $have is older than $LIBEVENT_MIN, which has Debian's security fixes (DSA-6493-1)"
    warn "add Debian's security archive and: apt-get update && apt-get install libevent-core-2.1-7 libevent-dev"
}

# --- files, disk, ports --------------------------------------------------------------------------

# project_files [PATTERN...]: tracked and new files, ignored ones not; works in a tree that belongs to somebody else.
project_files() {
    (cd "$ROOT" && git -c safe.directory="$ROOT" ls-files -co --exclude-standard -- "$@" |
        sort -u | while IFS= read -r f; do [ ! -f "$f" ] || printf '%s\n' "$f"; done)
}

existing_parent() {
    local path=$1
    while [ ! -e "$path" ]; do path=$(dirname "$path"); done
    printf '%s\n' "$path"
}

# need_disk DIR MEGABYTES WHAT
need_disk() {
    local dir free_kb
    dir=$(existing_parent "$1")
    free_kb=$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')
    [ "$free_kb" -ge $(($2 * 1024)) ] ||
        die "not enough disk: $3 needs $2 MB, $dir has $((free_kb / 1024)) MB free"
}

port_busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The newest server's tools, the same choice the daemon makes.
pg_bindir() {
    local dir
    for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5Vr); do
        if [ -x "$dir/pg_ctl" ]; then
            printf '%s\n' "$dir"
            return 0
        fi
    done
    return 1
}
