// Prints the names of chance.js, all languages that have given and family names: one JSON object a line {source, locale, kind, words}.
// Usage: node chance.cjs PACKAGE_FOLDER
const Chance = require(process.argv[2]);
const all = new Chance();
const families = all.get('lastNames');
// Where nothing is asked for, given names are English and family names of all languages.
const lists = { first: {}, last: { ...families, en: Object.values(families).flat() } };
for (const names of Object.values(all.get('firstNames'))) {
  for (const [locale, words] of Object.entries(names)) lists.first[locale] = [...(lists.first[locale] || []), ...words];
}
for (const [kind, locales] of Object.entries(lists)) {
  for (const [locale, words] of Object.entries(locales)) console.log(JSON.stringify({ source: 'chance', locale, kind, words: [...new Set(words)] }));
}
