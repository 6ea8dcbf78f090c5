"""Prints the vocabularies of Python's Faker and mimesis, all locales: one JSON object a line."""
import importlib, json, pkgutil, re, sys
import faker.providers as providers

def words(x):
    if isinstance(x, str): return [x]
    if isinstance(x, dict): return [w for k in x for w in words(k)]
    if isinstance(x, (list, tuple, set, frozenset)): return [w for e in x for w in words(e)]
    return []

def show(source, locale, kind, found):
    found = sorted({w for w in found if w and '{' not in w})
    if found: print(json.dumps({'source': source, 'locale': locale, 'kind': kind, 'words': found}, ensure_ascii=False))

KINDS = {'person': {'first': r'^first_name', 'last': r'^last_name'}, 'lorem': {'lorem': r'^word_list$'}, 'job': {'job': r'^jobs'}, 'address': {'city': r'^(cities|city_names)$'},
         'company': {'phrase': r'^(catch_phrase_words|bsWords|bs_words|catch_phrase_nouns|catch_phrase_attributes|catch_phrase_verbs)$'}}
for area, kinds in KINDS.items():
    package = importlib.import_module(f'faker.providers.{area}')
    for info in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f'{package.__name__}.{info.name}').Provider
        for kind, pattern in kinds.items():
            names = [n for n in dir(provider) if re.match(pattern, n) and not callable(getattr(provider, n))]
            show('python-faker', info.name, kind, [w for n in names for w in words(getattr(provider, n))])

from mimesis.locales import Locale
import mimesis, os
root = os.path.join(os.path.dirname(mimesis.__file__), 'datasets')
for locale in sorted(os.listdir(root)):
    for file, picks in (('person.json', {'first': 'names', 'last': 'surnames', 'job': 'occupation'}), ('text.json', {'lorem': 'words'}), ('address.json', {'city': 'city'})):
        path = os.path.join(root, locale, file)
        if os.path.exists(path):
            data = json.load(open(path, encoding='utf-8'))
            for kind, key in picks.items():
                value = data.get(key)
                if isinstance(value, dict): value = [w for v in value.values() for w in (v if isinstance(v, list) else words(v))]
                show('mimesis', locale, kind, words(value))
