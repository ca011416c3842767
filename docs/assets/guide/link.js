// Answers in an address, by name, as in an answers file: ?use_case=chat&users=2&hardware=rtx-3090. Never a secret, never what was pasted.

const WHOLE = /^\d{1,15}$/;
const LONGEST = 200;

/** Answers that an address states, and the names in it that are no answers. */
export function answersFrom(search, keys) {
  const answers = {};
  const unknown = [];
  for (const [key, text] of new URLSearchParams(search)) {
    const value = text.trim().slice(0, LONGEST);
    if (!keys.includes(key)) unknown.push(key.slice(0, LONGEST));
    else if (key === "hardware") (answers.hardware ??= []).push(value);
    else if (key === "offline" && ["true", "false"].includes(value)) answers.offline = value === "true";
    else answers[key] = key === "users" && WHOLE.test(value) ? Number(value) : value;
  }
  if (answers.hardware) answers.hardware = answers.hardware.filter(Boolean);
  return { answers, unknown };
}

/** The query string that states these answers; empty for none. */
export function searchOf(answers) {
  const query = new URLSearchParams();
  for (const key of Object.keys(answers).sort()) {
    for (const value of [answers[key]].flat()) query.append(key, String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}
