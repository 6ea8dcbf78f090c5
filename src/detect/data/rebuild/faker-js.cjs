// Prints the vocabularies of faker-js, all locales: one JSON object a line {source, locale, kind, words}.
// Usage: node faker-js.cjs PACKAGE_FOLDER...
const flat = x => !x ? [] : Array.isArray(x) ? x.flatMap(e => typeof e === 'string' ? [e] : e && typeof e.value === 'string' ? [e.value] : Array.isArray(e) ? flat(e) : []) : typeof x === 'object' ? Object.values(x).flatMap(flat) : [];
const pick = (def, ...paths) => paths.flatMap(p => flat(p.split('.').reduce((d, k) => d && d[k], def)));
for (const folder of process.argv.slice(2)) {
  const m = require(folder);
  for (const [locale, def] of Object.entries(m.allLocales || (m.faker || m).locales)) {
    const kinds = {
      first: pick(def, 'person.first_name', 'person.firstName', 'name.first_name', 'name.male_first_name', 'name.female_first_name'),
      last: pick(def, 'person.last_name', 'person.lastName', 'name.last_name', 'name.male_last_name', 'name.female_last_name'),
      lorem: pick(def, 'lorem.words', 'lorem.word'),
      product: pick(def, 'commerce.product_name'),
      city: pick(def, 'location.city_name', 'address.city_name'),
      job: pick(def, 'person.title', 'person.jobTitle', 'person.job_title', 'name.title'),
      phrase: pick(def, 'company.adjective', 'company.descriptor', 'company.noun', 'company.catch_phrase', 'company.bs', 'company.buzz_verb', 'company.buzz_adjective', 'company.buzz_noun', 'hacker'),
    };
    for (const [kind, words] of Object.entries(kinds)) {
      if (words.length) console.log(JSON.stringify({ source: 'faker-js', locale, kind, words: [...new Set(words)] }));
    }
  }
}
