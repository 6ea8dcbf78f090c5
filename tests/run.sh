#!/usr/bin/env bash
# Runs every test: installs the Debian packages that are missing, starts a private Postgres and a private
# MariaDB on sockets, runs the tests, stops the servers by their own process ids.
#
#   tests/run.sh           all tests; 50 random schemas on each engine
#   tests/run.sh --full    the same with 500 random schemas
set -euo pipefail
cd "$(dirname "$0")/.."

[ "${1:-}" != --full ] || export UNSEED_FULL=1

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
command -v sqlite3 >/dev/null || install sqlite3
command -v mariadb >/dev/null || install mariadb-client
command -v mariadbd >/dev/null || install mariadb-server

say "private Postgres"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/unseed-tests.XXXXXX")
chmod 755 "$scratch"
postgres_pid= mariadb_pid=
stop() {
    [ -z "$mariadb_pid" ] || { kill "$mariadb_pid" 2>/dev/null && tail --pid="$mariadb_pid" -f /dev/null; } || true
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

say "private MariaDB"
mkdir "$scratch/maria"
# The server leaves root's rights only when told so; its own user may not reach the folder.
mariadb-install-db --no-defaults --datadir="$scratch/maria/data" --auth-root-authentication-method=normal --skip-test-db \
    --user="$(id -un)" >"$scratch/maria/install.log" 2>&1
mariadbd --no-defaults --datadir="$scratch/maria/data" --socket="$scratch/maria/sock" --pid-file="$scratch/maria/pid" \
    --skip-networking --user="$(id -un)" --innodb-flush-log-at-trx-commit=0 --max-allowed-packet=1M >"$scratch/maria/log" 2>&1 &
mariadb_pid=$!
for _ in $(seq 100); do
    if mariadb --no-defaults -S "$scratch/maria/sock" -u root -e 'SELECT 1' >/dev/null 2>&1; then break; fi
    sleep 0.2
done
export UNSEED_TEST_MARIA="$scratch/maria/sock"
echo "MariaDB $(mariadb --no-defaults -S "$UNSEED_TEST_MARIA" -u root -N -e 'SELECT VERSION()') on a socket, process $mariadb_pid"

say "tests"
cargo test --release --quiet

say "all tests passed"
