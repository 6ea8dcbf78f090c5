// Prints the vocabularies of falso: one JSON object a line {source, locale, kind, words}. The package keeps its lists to itself, so that
// they are drawn until nothing new comes: 100 draws a word and more.
// Usage: node falso.cjs PACKAGE_FOLDER
const falso = require(process.argv[2]);
const DRAWS = 200000;
const drawn = draw => {
  falso.seed('falso');
  const words = new Set();
  for (let i = 0; i < DRAWS; i++) words.add(draw());
  return [...words].sort();
};
const kinds = {
  first: [() => falso.randFirstName({ withAccents: false }), () => falso.randFirstName({ withAccents: true })],
  last: [() => falso.randLastName({ withAccents: false }), () => falso.randLastName({ withAccents: true })],
  product: [() => falso.randProductName()],
  phrase: [() => falso.randCatchPhrase()],
};
for (const [kind, draws] of Object.entries(kinds)) {
  console.log(JSON.stringify({ source: 'falso', locale: 'en', kind, words: [...new Set(draws.flatMap(drawn))] }));
}
