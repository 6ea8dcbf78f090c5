"""Merges the vocabularies printed by the other scripts (JSON lines on standard input) into the folder $OUT:
names.txt, words.txt. Lists that differ in less than 15 % become one. The same input gives the same bytes."""
import collections, json, os, sys, unicodedata

SAME = 0.85
out = os.environ['OUT']
lists = collections.defaultdict(lambda: collections.defaultdict(set))
for line in sys.stdin:
    entry = json.loads(line)
    found = {unicodedata.normalize('NFC', ' '.join(w.lower().split())) for w in entry['words']}
    lists[entry['kind']][entry['source'], entry['locale'].replace('-', '_')] |= {w for w in found if w and '\t' not in w}

def jaccard(a, b): return len(a & b) / max(1, len(a | b))

def titles(keys): return ', '.join(f'{s} {l}' for s, l in sorted(keys))

def write_groups(path, note, heads, memberships):
    """One line a list; then, for each set of lists, a line with it and a line with its words."""
    groups = collections.defaultdict(list)
    for word, where in memberships.items(): groups[where].append(word)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(f'# {note}\n')
        for head in heads: f.write(f'= {head}\n')
        for where in sorted(groups):
            f.write('@ ' + ' '.join(where) + '\n' + '\t'.join(sorted(groups[where])) + '\n')

names = collections.defaultdict(lambda: (set(), set()))
for place, kind in enumerate(('first', 'last')):
    for key, words in lists[kind].items(): names[key][place].update(words)
merged = []
for key, (first, last) in sorted(names.items(), key=lambda e: (-len(e[1][0]) - len(e[1][1]), e[0])):
    if len(first) < 10 or len(last) < 10: continue
    for other in merged:
        if jaccard(first, other[1]) >= SAME and jaccard(last, other[2]) >= SAME:
            other[0].append(key); other[1] |= first; other[2] |= last
            break
    else: merged.append([[key], set(first), set(last)])
merged.sort(key=lambda m: sorted(m[0]))
members = collections.defaultdict(set)
for number, (_, first, last) in enumerate(merged):
    for word in first: members[word].add((number, 'f'))
    for word in last: members[word].add((number, 'l'))
note = 'Given (f) and family (l) names of public data generators, by list. Rebuilt by rebuild/all.sh.'
write_groups(os.path.join(out, 'names.txt'), note, [titles(m[0]) for m in merged], {w: tuple(f'{n}{k}' for n, k in sorted(s)) for w, s in members.items()})

heads, members = [], collections.defaultdict(set)
for kind in ('lorem', 'product', 'phrase'):
    merged = []
    for key, words in sorted(lists[kind].items(), key=lambda e: (-len(e[1]), e[0])):
        # mimesis' words are a plain dictionary of the language: no text can be told by them.
        if kind == 'lorem' and key[0] == 'mimesis': continue
        split = {t for w in words for t in w.split() if t}
        if len(split) < 8: continue
        for other in merged:
            if jaccard(split, other[1]) >= SAME:
                other[0].append(key); other[1] |= split
                break
        else: merged.append([[key], split])
    for keys, words in sorted(merged, key=lambda m: sorted(m[0])):
        for word in words: members[word].add(len(heads))
        heads.append(f'{kind}: {titles(keys)}')
note = 'Words of placeholder text, products and slogans of public data generators, by list. Rebuilt by rebuild/all.sh.'
write_groups(os.path.join(out, 'words.txt'), note, heads, {w: tuple(str(n) for n in sorted(s)) for w, s in members.items()})
