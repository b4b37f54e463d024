// Questions to the reviewer, each in the one dialog of the page.
import { byId, make } from "./elements.js";
import { KEYS } from "./keys.js";
import { drawMarks, huesOf, spansOf } from "./marks.js";

const dialog = byId("dialog");
// a key that answers a question is not to work on the page behind it as well
dialog.addEventListener("keydown", (event) => event.stopPropagation());

// the event comes later than the dialog closes: by then a fast reviewer may have opened the next one
let settle = null;
dialog.addEventListener("close", () => {
  if (!dialog.open) settle?.(dialog.returnValue);
});

function open(content, { wide = false } = {}) {
  settle?.(dialog.returnValue);
  dialog.replaceChildren(content);
  dialog.classList.toggle("wide", wide);
  dialog.returnValue = "";
  dialog.showModal();
  dialog.scrollTop = 0; // the button that has the focus may be the last thing of a long one
  return new Promise((resolve) => {
    settle = (value) => {
      settle = null;
      resolve(value);
    };
  });
}

const cancel = () => make("button", { type: "button", onclick: () => dialog.close("") }, "Cancel");

const form = (title, ...parts) =>
  make("form", { method: "dialog", "aria-labelledby": "dialog-title" },
    make("h2", { id: "dialog-title" }, title), ...parts);

/** Ask for a line of text; null where the reviewer thought better of it. */
export async function ask(title, { hint = "", long = false, value = "" } = {}) {
  const field = make(long ? "textarea" : "input", {
    "aria-labelledby": "dialog-title", maxlength: 2000, rows: 3, autofocus: true, dir: "auto",
  });
  field.value = value;
  const ok = make("button.main", { value: "ok" }, "OK");
  const made = form(title, make("p.soft", {}, hint), field, make("p.actions", {}, ok, cancel()));
  if (long) field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog.close("ok");
  });
  const answer = await open(made);
  return answer === "ok" && field.value.trim() ? field.value.trim() : null;
}

/** Ask why a draft is rejected: a number chooses a reason, or one is written. */
export async function askReason(reasons) {
  const field = make("input", { "aria-label": "Another reason", placeholder: "another reason", maxlength: 2000 });
  const list = make("div.reasons", {}, ...reasons.map((reason, at) =>
    make("button", { type: "button", onclick: () => dialog.close(`=${reason}`), autofocus: at === 0 },
      make("kbd", {}, String(at + 1)), ` ${reason}`)));
  const made = form("Reject: why?", list, field,
    make("p.actions", {}, make("button.main", { value: "ok" }, "Reject"), cancel()));
  made.addEventListener("keydown", (event) => {
    if (event.target !== field && reasons[Number(event.key) - 1])
      dialog.close(`=${reasons[Number(event.key) - 1]}`);
  });
  const answer = await open(made);
  if (answer.startsWith("=")) return answer.slice(1);
  return answer === "ok" && field.value.trim() ? field.value.trim() : null;
}

export function help() {
  const groups = KEYS.map(([title, rows]) =>
    make("section", {}, make("h3", {}, title), make("dl", {}, ...rows.flatMap(([, keys, what]) => [
      make("dt", {}, ...keys.flatMap((key, at) => [at ? " " : "", make("kbd", {}, shownKey(key))])),
      make("dd", {}, what),
    ]))));
  const close = make("button.main", { value: "ok", autofocus: true }, "Close");
  return open(form("Keys", make("div.help", {}, ...groups),
    make("p.soft", {}, "Single keys work outside of fields (Escape leaves one), those with Ctrl or Alt everywhere. On a Mac, Ctrl is also ⌘, and Alt is ⌥."),
    make("p.actions", {}, close)), { wide: true });
}

const shownKey = (key) =>
  key.length === 1 ? key.toUpperCase()
    : key.replace("ArrowRight", "→").replace("ArrowLeft", "←").replace("Escape", "Esc")
        .replace(/\+([a-z])$/, (_, letter) => `+${letter.toUpperCase()}`);

/** What to undo where there are edits that are not saved: "typed", "saved", or "" for nothing. */
export function undoing() {
  const actions = make("p.actions", {},
    make("button.main", { value: "", autofocus: true }, "Go on editing"),
    make("button", { value: "typed" }, "Undo what is not saved"),
    make("button", { value: "saved" }, "Undo the last saved change as well"));
  const hint = "Undo takes back the last change that you saved, on whatever item it was. What you typed since is not saved: it would be gone.";
  return open(form("What is to be undone?", make("p", {}, hint), actions));
}

/** Both versions of an item that somebody else changed: "mine", "theirs", or "" to go on. */
export function conflict(told, mine, theirs) {
  const who = theirs.held_by || theirs.changed_by || "Somebody";
  const held = told.kind === "held";
  const title = held ? `${who} has this item now` : `${who} changed this item meanwhile`;
  const actions = make("p.actions", {},
    make("button.main", { value: "theirs" }, "Take theirs"),
    held ? null : make("button", { value: "mine" }, "Save mine over it"),
    make("button", { value: "", autofocus: true }, "Go on editing mine"));
  const hint = held
    ? "Your lease ran out, so your edit was not saved. It is kept in this browser."
    : "Your edit was not saved. Take theirs and yours is gone; save yours over it and theirs stays in the log.";
  const both = make("div.two", {},
    version("Yours, not saved", mine, theirs.record),
    version(`By ${who}, ${theirs.status}`, theirs.record, mine));
  return open(form(title, make("p", {}, hint), both, actions), { wide: true });
}

function version(title, record, other) {
  const text = make("div.text.small", { lang: record.lang });
  drawMarks(text, record.text, spansOf(record.text, unitPairs(record), record.facts, huesOf(record)));
  const items = [...record.pairs.map((p) => `${p.label}: ${p.entity}`),
    ...record.facts.map((f) => f.fields.join(" · "))];
  const others = JSON.stringify([other.pairs, other.facts]);
  const differ = (is) => (is ? "differs" : "");
  return make("section.version", {}, make("h3", {}, title),
    make(`p.${differ(record.label !== other.label)}`, {}, make("b", {}, "Label "), make("bdi", {}, record.label || "none")),
    make(`div.${differ(record.text !== other.text)}`, {}, text),
    make(`ul.${differ(JSON.stringify([record.pairs, record.facts]) !== others)}`, {},
      ...items.map((item) => make("li", {}, make("bdi", {}, item)))));
}

// places are in code points: an array of characters finds them
function unitPairs(record) {
  const units = [0];
  for (const char of record.text) units.push(units[units.length - 1] + char.length);
  return record.pairs.map((pair) => ({
    ...pair,
    start: pair.start === null ? null : units[pair.start],
  }));
}
