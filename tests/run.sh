#!/usr/bin/env bash
# Runs every test: installs the Debian packages that are missing, starts a private Postgres on a socket,
# runs the tests, stops the server by its own process id, and drives the report in a headless Chromium.
#
#   tests/run.sh           all tests
#   tests/run.sh --bless   rewrites reports/sample, the committed helps and schemas, and runs no test
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# What is there stays; only what is missing is installed.
install() {
    local package=$1
    command -v apt-get >/dev/null || { echo "please install $package: apt-get is not here" >&2; exit 1; }
    if [ -z "${apt_updated:-}" ]; then as_root apt-get update -qq; apt_updated=1; fi
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "$package" >/dev/null
}

bless=
[ "${1:-}" != --bless ] || bless=1

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

say "tests"
cargo test --release --quiet

say "the report in a browser"
browser_packages
node tests/browser/report.mjs "$unseed" "$scratch/browser"
node tests/browser/sample.mjs "$unseed" "$scratch/browser"

say "all tests passed"
