"""Checks that names.txt and words.txt of a folder hold every list that is printed on standard input (JSON lines, as merge.py takes
them), word for word. Lists that merge.py leaves out are left out. Usage: held.py FOLDER"""
import collections, json, os, sys, unicodedata

def read(name):
    """Returns, by title of a list, its number, and by word the places where it stands."""
    titles, places, where = {}, collections.defaultdict(set), ()
    with open(os.path.join(sys.argv[1], name), encoding='utf-8') as f:
        number = 0
        for line in f.read().split('\n'):
            if line.startswith('= '):
                kind, _, rest = line[2:].rpartition(': ')
                for title in rest.split(', '): titles[kind, title] = number
                number += 1
            elif line.startswith('@ '): where = line[2:].split(' ')
            elif line and not line.startswith('#'):
                for word in line.split('\t'): places[word].update(where)
    return titles, places

names, words = read('names.txt'), read('words.txt')
lists = collections.defaultdict(set)
for line in sys.stdin:
    entry = json.loads(line)
    found = {unicodedata.normalize('NFC', ' '.join(w.lower().split())) for w in entry['words']}
    lists[entry['kind'], f"{entry['source']} {entry['locale'].replace('-', '_')}"] |= {w for w in found if w and '\t' not in w}

wrong = checked = 0
for (kind, title), found in sorted(lists.items()):
    if kind in ('first', 'last'):
        other = lists.get(('last' if kind == 'first' else 'first', title), set())
        if min(len(found), len(other)) < 10: continue
        (titles, places), key, letter = names, ('', title), kind[0]
    elif kind in ('lorem', 'product', 'phrase'):
        found = {t for w in found for t in w.split()}
        if len(found) < 8 or (kind == 'lorem' and title.startswith('mimesis ')): continue
        (titles, places), key, letter = words, (kind, title), ''
    else: continue
    checked += 1
    lacks = sorted(found) if key not in titles else sorted(w for w in found if f'{titles[key]}{letter}' not in places[w])
    if lacks:
        wrong += 1
        print(f'{kind} of {title}: {len(lacks)} of {len(found)} words are not there: {", ".join(lacks[:5])}', file=sys.stderr)
print(f'{checked} lists')
sys.exit(1 if wrong or not checked else 0)
