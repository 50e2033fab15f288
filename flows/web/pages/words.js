/** Every word of the pages, in the language in use: the server puts in what the catalogue has under `web`. */
const WORDS = {{web}};

/** The text of a key, names in braces filled in: `text("web.editions.released", { by, day })`. */
export function text(key, values = {}) {
  return (WORDS[key] ?? key).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/** The form that goes with a number: `plural("web.sessions", 3)`. */
export function plural(key, count, values = {}) {
  return text(`${key}.${count === 1 ? "one" : "many"}`, { count, ...values });
}
