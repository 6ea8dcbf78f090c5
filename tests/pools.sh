#!/usr/bin/env bash
# Makes the records of real generators that the worlds are seeded with: installs the generators where they
# are missing, and prints one file a generator and locale.
#
#   tests/pools.sh FOLDER [RECORDS [SEED]]
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1 records=${2:-1500} seed=${3:-7}
scripts=$PWD/fixtures/worlds/pools
home=${XDG_CACHE_HOME:-$HOME/.cache}/unseed/generators

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
install() {
    if [ -z "${apt_updated:-}" ]; then as_root apt-get update -qq; apt_updated=1; fi
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
command -v node >/dev/null && command -v npm >/dev/null || install nodejs npm
[ -e /usr/share/php/Faker/autoload.php ] && command -v php >/dev/null || install php-cli php-faker
ruby -e 'require "faker"' 2>/dev/null || install ruby ruby-faker
python3 -c 'import venv, ensurepip' 2>/dev/null || install python3-venv

# Versions of which each major one drew differently: those that the vocabularies were made of, so that pools are the same everywhere.
version() { sed -n "s/^$1 //p" src/detect/data/rebuild/versions; }
mkdir -p "$home" "$out"
if ! cmp -s src/detect/data/rebuild/versions "$home/versions"; then
    packages=()
    for major in 10 9 8 7; do packages+=("faker$major@npm:@faker-js/faker@$(version "faker-js-$major")"); done
    npm --prefix "$home" install --silent --no-audit --no-fund --no-package-lock "${packages[@]}" "faker5@npm:faker@$(version faker-js-5)" \
        "chance@$(version chance)" "casual@$(version casual)" "@ngneat/falso@$(version falso)" >/dev/null
    python3 -m venv "$home/venv"
    "$home/venv/bin/pip" install --quiet --disable-pip-version-check "faker==$(version python-faker)" "mimesis==$(version mimesis)"
    cp src/detect/data/rebuild/versions "$home/versions"
fi

pool() { local name=$1; shift; "$@" "$seed" "$records" >"$out/$name.jsonl"; }
for version in 10 9 8 7 5; do pool "faker-js-$version en" node "$scripts/faker-js.cjs" "$home/node_modules/faker$version" en; done
for locale in de fr es pt_BR pl ja tr; do pool "faker-js-10 $locale" node "$scripts/faker-js.cjs" "$home/node_modules/faker10" "$locale"; done
for locale in en_US de_DE fr_FR it_IT es_ES nl_NL; do pool "python-faker $locale" "$home/venv/bin/python" "$scripts/python-faker.py" "$locale"; done
for locale in en de ru; do pool "mimesis $locale" "$home/venv/bin/python" "$scripts/mimesis-pool.py" "$locale"; done
for locale in en_US de_DE fr_FR; do pool "faker-php $locale" php "$scripts/faker.php" "$locale"; done
for locale in en de es; do pool "faker-ruby $locale" ruby "$scripts/faker.rb" "$locale"; done
pool "chance en" node "$scripts/chance.cjs" "$home/node_modules/chance"
pool "falso en" node "$scripts/falso.cjs" "$home/node_modules/@ngneat/falso"
