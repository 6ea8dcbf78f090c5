// Prints the names of casual, all locales: one JSON object a line {source, locale, kind, words}. The providers that lie beside the
// locales' folders are those of en_US. Its Latin is that of the other generators, and its words of other languages are plain ones.
// Usage: node casual.cjs PACKAGE_FOLDER
const fs = require('fs');
const path = require('path');
const providers = path.join(process.argv[2], 'src', 'providers');
const kinds = { first: /first_?name/, last: /last_?name|surname/ };
const locales = fs.readdirSync(providers).filter(name => !name.endsWith('.js'));
for (const locale of [...locales, ''].sort()) {
  for (const [kind, pattern] of Object.entries(kinds)) {
    const at = path.join(providers, locale, 'person.js');
    const provider = fs.existsSync(at) ? require(at) : {};
    const lists = Object.keys(provider).filter(key => pattern.test(key) && Array.isArray(provider[key]));
    const words = [...new Set(lists.flatMap(key => provider[key].flat()).filter(w => typeof w === 'string'))];
    if (words.length) console.log(JSON.stringify({ source: 'casual', locale: locale || 'en_US', kind, words }));
  }
}
