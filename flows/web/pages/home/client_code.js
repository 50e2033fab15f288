import { text } from "/pages/words.js";

const CODE = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** What was typed as a code: small letters, hyphens for spaces and underscores. */
export function tidied(typed) {
  return typed.trim().toLowerCase().replace(/[\s_]+/g, "-");
}

/** Whether something is a code as it stands. */
export function isCode(code) {
  return CODE.test(code);
}

/**
 * The code in a field, or null after the field has said what is wrong with it.
 * `says` is the field's line for this; it is emptied when all is well.
 */
export function codeOf(field, says) {
  field.value = tidied(field.value);
  const good = isCode(field.value);
  field.setAttribute("aria-invalid", String(!good));
  says.textContent = good ? "" : text("web.code_rule");
  if (!good) field.focus();
  return good ? field.value : null;
}
