#!/usr/bin/env bash
# Rebuilds names.txt.zst and words.txt.zst from the public packages: faker-js 5 to 10, chance, casual and falso, and mimesis and Faker for
# Python, by their package managers; FakerPHP and Ruby's faker as Debian carries them (php-faker, ruby-faker). Usage: all.sh FOLDER, where
# FOLDER holds node_modules/ with faker{10,9,8,7,5} and the other three, and venv/ with Faker and mimesis (tests/run.sh makes it); writes
# beside this script's parent, or to $OUT.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$1" && pwd)
out=${OUT:-$here/..}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
    node "$here/faker-js.cjs" "$folder"/node_modules/faker{10,9,8,7,5}
    node "$here/chance.cjs" "$folder/node_modules/chance"
    node "$here/casual.cjs" "$folder/node_modules/casual"
    node "$here/falso.cjs" "$folder/node_modules/@ngneat/falso"
    "$folder/venv/bin/python" "$here/python-faker.py"
    php "$here/faker-php.php"
    ruby "$here/faker-ruby.rb"
} > "$work/words.jsonl"
OUT="$work" python3 "$here/merge.py" < "$work/words.jsonl"
for name in names words; do zstd -q --ultra -22 -f "$work/$name.txt" -o "$out/$name.txt.zst"; done
