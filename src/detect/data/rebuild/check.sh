#!/usr/bin/env bash
# Checks names.txt.zst and words.txt.zst against the public packages that are at hand in the versions that the files were made of
# (the file versions): all of them must give the same text; where some are missing, each list of the others must hold its words.
# Says what was not checked, a line that begins with SKIPPED. Usage: check.sh FOLDER, as all.sh; the files lie beside this script's
# parent, or in $DATA.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 data=${DATA:-$here/..}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python="$folder/venv/bin/python"

# Prints the version of a package that is at hand.
version() {
    case $1 in
        faker-js-*) node -p "require('$folder/node_modules/faker${1#faker-js-}/package.json').version" ;;
        chance | casual) node -p "require('$folder/node_modules/$1/package.json').version" ;;
        falso) node -p "require('$folder/node_modules/@ngneat/falso/package.json').version" ;;
        python-faker) "$python" -c 'import importlib.metadata as m; print(m.version("Faker"))' ;;
        mimesis) "$python" -c 'import importlib.metadata as m; print(m.version("mimesis"))' ;;
        faker-php) php -r 'require "/usr/share/php/Faker/autoload.php";' && dpkg-query -W -f '${Version}' php-faker ;;
        faker-ruby) ruby -e 'require "faker"' && dpkg-query -W -f '${Version}' ruby-faker ;;
    esac 2>/dev/null
}

here_now=() missing=()
while read -r package made_of; do
    at_hand=$(version "$package") || at_hand=
    if [ "$at_hand" = "$made_of" ]; then here_now+=("$package"); else missing+=("$package $made_of (at hand: ${at_hand:-none})"); fi
done <"$here/versions"
all=$((${#here_now[@]} + ${#missing[@]}))
if [ ${#missing[@]} -gt 0 ]; then
    printf 'SKIPPED %d of %d packages of the vocabularies: %s\n' "${#missing[@]}" "$all" "$(printf '%s; ' "${missing[@]}")"
fi
[ ${#here_now[@]} -gt 0 ] || exit 0

for name in names words; do zstd -q -d -c "$data/$name.txt.zst" >"$work/$name.txt"; done
if [ ${#missing[@]} -eq 0 ]; then
    mkdir "$work/rebuilt"
    OUT="$work/rebuilt" "$here/all.sh" "$folder"
    for name in names words; do
        zstd -q -d -c "$work/rebuilt/$name.txt.zst" | cmp - "$work/$name.txt" || { echo "$name.txt.zst is not what the packages give: run all.sh" >&2; exit 1; }
    done
    echo "the vocabularies are what $all packages give"
    exit
fi
for package in "${here_now[@]}"; do
    case $package in
        faker-js-*) node "$here/faker-js.cjs" "$folder/node_modules/faker${package#faker-js-}" ;;
        chance | casual) node "$here/$package.cjs" "$folder/node_modules/$package" ;;
        falso) node "$here/falso.cjs" "$folder/node_modules/@ngneat/falso" ;;
        python-faker | mimesis) "$python" "$here/python-faker.py" | grep "^{\"source\": \"$package\"" ;;
        faker-php) php "$here/faker-php.php" ;;
        faker-ruby) ruby "$here/faker-ruby.rb" ;;
    esac
done | python3 "$here/held.py" "$work"
echo "the vocabularies hold what ${#here_now[@]} of $all packages give"
