#!/usr/bin/env bash
# Runs every test: installs the Debian packages that are missing, starts a private Postgres on a socket,
# runs the tests, stops the server by its own process id.
#
#   tests/run.sh           all tests
#   tests/run.sh --full    the long forms: every world, from a fresh seed
set -euo pipefail
cd "$(dirname "$0")/.."
for argument in "$@"; do
    case $argument in
        --full) export UNSEED_FULL=1 ;;
        *) echo "usage: tests/run.sh [--full]" >&2; exit 2 ;;
    esac
done

say() { printf '\n== %s\n' "$*"; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# What is there stays; only what is missing is installed.
install() {
    local package=$1
    command -v apt-get >/dev/null || { echo "please install $package: apt-get is not here" >&2; exit 1; }
    if [ -z "${apt_updated:-}" ]; then as_root apt-get update -qq; apt_updated=1; fi
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "$package" >/dev/null
}

# Packages of servers start them; ours are private ones.
pg_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }
command -v cc >/dev/null || install gcc
command -v psql >/dev/null || install postgresql-client
[ -n "$(pg_bin)" ] && [ -x "$(pg_bin)/initdb" ] || install postgresql

say "private Postgres"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/unseed-tests.XXXXXX")
chmod 755 "$scratch"
postgres_pid=
stop() {
    [ -z "$postgres_pid" ] || { kill -INT "$postgres_pid" 2>/dev/null && tail --pid="$postgres_pid" -f /dev/null; } || true
    rm -rf "$scratch"
}
trap stop EXIT
bin=$(pg_bin)
# Postgres refuses to run as root.
as_postgres() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/sh -c "$1"; else sh -c "$1"; fi; }
mkdir "$scratch/pg"
[ "$(id -u)" != 0 ] || chown postgres "$scratch/pg"
as_postgres "'$bin/initdb' -D '$scratch/pg/data' -U postgres -A trust -E UTF8 --locale=C.UTF-8 >'$scratch/pg/initdb.log'"
as_postgres "exec '$bin/pg_ctl' -D '$scratch/pg/data' -l '$scratch/pg/log' -w -o \"-k '$scratch/pg' -c listen_addresses= -c fsync=off -c autovacuum=off\" start >/dev/null"
postgres_pid=$(head -n 1 "$scratch/pg/data/postmaster.pid")
export UNSEED_TEST_PG="$scratch/pg"
echo "Postgres $(psql -X -h "$UNSEED_TEST_PG" -U postgres -d postgres -A -t -c 'SHOW server_version') on a socket, process $postgres_pid"

say "records of the generators"
export UNSEED_POOLS="$scratch/pools" UNSEED_TABLES="$scratch/tables"
mkdir -p "$UNSEED_TABLES"
tests/pools.sh "$UNSEED_POOLS"
echo "$(cat "$UNSEED_POOLS"/*.jsonl | wc -l) records of $(ls "$UNSEED_POOLS" | wc -l) generators and locales"

say "tests"
cargo test --release --quiet
cat "$UNSEED_TABLES"/*.md

say "all tests passed"
