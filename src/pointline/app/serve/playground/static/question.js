// The question as the page holds it, as plain values: what is typed, kept in links, and sent.

const LANGS = ["en", "ja", "zh"];
const MOST = 256; // items that the server may be asked for

/** A question with nothing in it; `lang` "" is the language of the text's script. */
export const EMPTY = {
  text: "", mode: "task", lang: "", task: "", labels: "", kind: "entities", types: "",
  align: "words", most: "",
};

const CHOICES = {
  mode: ["task", "own"], lang: ["", ...LANGS], kind: ["entities", "relations"], align: ["words", "chars"],
};

/** A question out of values that anybody may have written. */
export function questionOf(values) {
  const known = Object.keys(EMPTY).filter((key) => typeof values[key] === "string");
  const kept = known.filter((key) => !CHOICES[key] || CHOICES[key].includes(values[key]));
  return { ...EMPTY, ...Object.fromEntries(kept.map((key) => [key, values[key]])) };
}

/** Labels as they are typed: parted by commas, line breaks or 、, each once. */
export function parted(typed) {
  const labels = typed.split(/[,，、\n]/).map((label) => label.trim()).filter(Boolean);
  return [...new Set(labels)];
}

/** The language of a text by its script: kana is Japanese, Han without kana Chinese. */
export function guessed(text) {
  if (/[\u3041-\u309f\u30a1-\u30fa\uff66-\uff9f]/u.test(text)) return "ja";
  return /[\u4e00-\u9fff]/u.test(text) ? "zh" : "en";
}

/** What is wrong with a question: [id of the field, word], null where it can be asked. */
export function fault(question) {
  if (!question.text.trim()) return ["text", "no-text"];
  const most = question.most === "" ? 0 : Number(question.most);
  const bad = Number.isInteger(most) && most >= 0 && most <= MOST ? null : ["most", "bad-most"];
  return (question.mode === "task" ? faultOfTask(question) : faultOfLabels(question)) ?? bad;
}

function faultOfTask({ task }) {
  return task ? null : ["task", "no-task"];
}

function faultOfLabels({ kind, labels, types }) {
  if (kind === "relations" && !parted(types).length) return ["types", "no-relations"];
  return parted(labels).length + parted(types).length ? null : ["labels", "no-labels"];
}

/** The body that asks a question. */
export function bodyOf(question) {
  const body = { text: question.text };
  if (question.mode === "task") body.task = question.task;
  else Object.assign(body, ownLabels(question));
  if (question.align !== EMPTY.align) body.align = question.align;
  if (question.most !== EMPTY.most) body.max_items = Number(question.most);
  return body;
}

function ownLabels({ labels, kind, types, lang }) {
  const [texts, items] = [parted(labels), parted(types)];
  return {
    ...(texts.length ? { labels: texts } : {}),
    ...(items.length ? { [kind]: items } : {}),
    ...(lang ? { lang } : {}),
  };
}
