// The fields: filled from a question, read into one; the samples; what is wrong, at its field.
import { byId, make, show } from "./elements.js";
import { EMPTY, guessed, parted } from "./question.js";
import { Tasks } from "./tasks.js";
import { spoken, t } from "./words.js";

const FIELDS = ["text", "lang", "task", "labels", "kind", "types", "align", "most"];
const FAULTS = { text: "text-fault", task: "task-fault", labels: "own-fault", types: "own-fault", most: "most-fault" };
const LANGS = ["en", "ja", "zh"];

export class Form {
  /** `onchange` is called when something was changed by hand. */
  constructor(onchange) {
    this.tasks = new Tasks();
    this.samples = [];
    this.most = 0; // characters that the server takes, 0 while that is not known
    byId("ask").addEventListener("input", () => (this.follow(), onchange()));
    byId("text").addEventListener("input", () => (byId("samples").value = ""));
    byId("task").addEventListener("change", () => this.tasks.tellSets());
    byId("samples").addEventListener("change", () => this.takeSample(Number(byId("samples").value), onchange));
    byId("clear").addEventListener("click", () => {
      byId("text").value = byId("samples").value = "";
      byId("text").focus();
      this.follow();
      onchange();
    });
  }

  /** The question that the fields hold. */
  read() {
    const mode = byId("ask").elements.mode.value;
    const values = Object.fromEntries(FIELDS.map((id) => [id, byId(id).value]));
    if (byId("most").validity.badInput) values.most = "?"; // its value is empty where it is no number
    return { mode, ...values };
  }

  /** Fill the fields. */
  write(question) {
    byId("ask").elements.mode.value = question.mode;
    for (const id of FIELDS) if (id !== "task") byId(id).value = question[id];
    this.offered = null;
    this.follow(question.task || undefined);
  }

  /** The language of the text: the one that was chosen, else that of its script. */
  lang() {
    return byId("lang").value || (byId("text").value.trim() ? guessed(byId("text").value) : spoken());
  }

  /** Let everything follow what the fields hold. */
  follow(task) {
    const lang = this.lang();
    byId("text").lang = lang;
    this.measure();
    const own = byId("ask").elements.mode.value === "own";
    show(byId("by-task"), !own);
    show(byId("by-labels"), own);
    byId("types").placeholder = t(`${byId("kind").value}-like`);
    byId("lang").options[0].textContent = t("lang-auto", { lang: t(`lang-${lang}`) });
    if (this.offered !== lang || task) this.tasks.offer(lang, task);
    this.offered = lang;
    this.complain(null);
  }

  /** Tell how long the text is, in code points as the server counts. */
  measure() {
    const whole = new Intl.NumberFormat(spoken());
    const n = [...byId("text").value].length;
    const told = { n: whole.format(n), most: whole.format(this.most) };
    byId("length").textContent = this.most ? t("length-of", told) : t("length", told);
    byId("length").classList.toggle("fault", this.most > 0 && n > this.most);
  }

  /** Say everything again in the language that is spoken now. */
  speak() {
    const lang = byId("lang").value;
    byId("lang").replaceChildren(make("option", { value: "" }), ...LANGS.map((code) => make("option", { value: code }, t(`lang-${code}`))));
    byId("lang").value = lang;
    this.offered = null;
    this.follow();
    const option = (sample, at) => make("option", { value: String(at), lang: sample.lang }, short(sample));
    const groups = LANGS.map((code) => make("optgroup", { label: t(`lang-${code}`) },
      ...this.samples.flatMap((sample, at) => (sample.lang === code ? [option(sample, at)] : []))));
    const chosen = byId("samples").value;
    byId("samples").replaceChildren(make("option", { value: "" }, t("choose-sample")), ...groups);
    byId("samples").value = chosen;
  }

  takeSample(at, onchange) {
    const sample = this.samples[at];
    if (byId("samples").value === "" || !sample) return;
    this.write(sampled(sample, this.read()));
    onchange();
  }

  /** A sample to begin with, in the language that is spoken. */
  begin() {
    const sample = this.samples.find(({ lang, task }) => lang === spoken() && task);
    this.write(sample ? sampled(sample, EMPTY) : EMPTY);
  }

  /** The label sets that are asked for, in the order that gives their colours. */
  sets(question) {
    if (question.mode === "task") return this.tasks.named(question.task) ?? { labels: null, item_labels: null };
    return { labels: parted(question.labels), item_labels: parted(question.types) };
  }

  /** Say what is wrong at its field, and go there; null takes all back. */
  complain(fault) {
    for (const [field, says] of Object.entries(FAULTS)) {
      byId(field).removeAttribute("aria-invalid");
      show(byId(says), false);
    }
    if (!fault) return;
    const [field, words] = fault;
    byId(FAULTS[field]).textContent = t(words);
    show(byId(FAULTS[field]), true);
    byId(field).setAttribute("aria-invalid", "true");
    const folded = byId(field).closest("details");
    if (folded) folded.open = true;
    byId(field).focus();
  }
}

/** A sample as a question that keeps the other options. */
function sampled({ text, task, labels = [], entities, relations }, { align, most }) {
  const [kind, types] = relations ? ["relations", relations] : ["entities", entities ?? []];
  const own = { mode: "own", labels: labels.join(", "), kind, types: types.join(", ") };
  return { ...EMPTY, align, most, text, ...(task ? { task } : own) };
}

function short({ text, task }) {
  const points = [...text];
  return `${points.slice(0, 30).join("")}${points.length > 30 ? "…" : ""} (${task ?? t("own")})`;
}
