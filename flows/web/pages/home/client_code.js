const CODE = /^[a-z0-9][a-z0-9-]{0,31}$/;

const CODE_RULE = "Small letters, digits and hyphens, up to 32. A pseudonym, never a name.";

/** What was typed as a code: small letters, hyphens for spaces and underscores. */
export function tidied(typed) {
  return typed.trim().toLowerCase().replace(/[\s_]+/g, "-");
}

/** Whether a text is a code as it stands. */
export function isCode(text) {
  return CODE.test(text);
}

/**
 * The code in a field, or null after the field has said what is wrong with it.
 * `says` is the field's line for this; it is emptied when all is well.
 */
export function codeOf(field, says) {
  field.value = tidied(field.value);
  const good = isCode(field.value);
  field.setAttribute("aria-invalid", String(!good));
  says.textContent = good ? "" : CODE_RULE;
  if (!good) field.focus();
  return good ? field.value : null;
}
