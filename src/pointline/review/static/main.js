// The page at work: one item at a time, its edits, its decisions.
import { Board } from "./board.js";
import * as dialogs from "./dialogs.js";
import { byId, fieldIn, make, show } from "./elements.js";
import { actionOf } from "./keys.js";
import { linkUp } from "./linking.js";
import { drawMarks, huesOf, spansOf } from "./marks.js";
import { Palette, LabelField } from "./palette.js";
import { toUnit } from "./points.js";
import { readRows, Rows } from "./rows.js";
import { post } from "./server.js";
import { tellAbout, tellHistory, tellNumbers } from "./telling.js";
import { Unsaved } from "./unsaved.js";

const told = JSON.parse(byId("told").textContent);
const unsaved = new Unsaved(told);
const text = byId("text");
let board = null;
let hues = new Map();
let busy = false;

const rows = new Rows(byId("items"), { changed, rebuild, aimed: () => palette.draw(selection()) });
const palette = new Palette(byId("palette"), { mark, put, selection });
const label = new LabelField(byId("label-slot"), (value) => {
  board.label = value;
  changed();
});

// ------------------------------------------------------------------ showing

function wanted() {
  const value = (id) => byId(id)?.value ?? "";
  return { view: value("view"), rule: value("rule"), label: value("label-filter"), search: value("search") };
}

function show_(view, progress) {
  if (progress) tellNumbers(progress, told);
  // on another item the plain keys are to work at once
  if (view?.id !== board?.view.id) document.activeElement?.blur();
  board = view && new Board(view);
  show(byId("item"), Boolean(view));
  show(byId("done"), !view);
  say("");
  notice("");
  for (const button of byId("actions").querySelectorAll("button"))
    button.disabled = locked() && !["next", "previous", "undo", "goto"].includes(button.dataset.do);
  address();
  if (!view) return tellDone(progress);
  byId("fix").disabled ||= view.second;
  recall();
  tellAbout(view);
  tellHistory(view);
  drawOriginal(view);
  text.lang = byId("marks").lang = view.record.lang;
  text.readOnly = locked();
  byId("translation-name").textContent = paneName(told.paired ? "Translation" : "Text", view.record);
  text.setAttribute("aria-label", told.paired ? "Text of the translation" : "Text");
  if (view.held_by) notice(`${view.held_by} is reviewing this item: you can read it, and go on.`);
  else if (view.second) notice("Second opinion: this is the draft as it came. What the first reviewer decided is not shown.");
  rebuild();
  scrollTo(0, 0);
  recallOlder();
}

const locked = () => !board || !board.view.mine;
const languages = new Intl.DisplayNames(["en"], { type: "language" });

function paneName(name, { lang, language }) {
  if (!language) return name;
  if (language !== lang) return `${name} · ${language}`;
  // a language that no task has: the browser may know its code
  try {
    return `${name} · ${languages.of(lang)}`;
  } catch {
    return `${name} · ${lang}`;
  }
}

function drawOriginal(view) {
  const side = view.source;
  show(byId("original"), told.paired);
  document.body.classList.toggle("single", !told.paired);
  if (!told.paired) return;
  byId("original-name").textContent = side ? paneName("Original", side) : "No original with this id";
  byId("original-label").textContent = side?.label || "none";
  if (!side) return byId("original-text").replaceChildren(), byId("original-items").replaceChildren();
  const colours = huesOf(side);
  const placed = side.pairs.map((pair, link) => ({
    ...pair, link, start: pair.start === null ? null : toUnit(side.text, pair.start),
  }));
  const linked = side.facts.map((fact, at) => ({ ...fact, link: side.pairs.length + at }));
  byId("original-text").lang = byId("original-label").lang = side.lang;
  drawMarks(byId("original-text"), side.text, spansOf(side.text, placed, linked, colours));
  readRows(byId("original-items"), side, colours);
}

function tellDone(progress) {
  const left = progress?.statuses.open ?? 0;
  const filtered = wanted().view !== "open" || wanted().rule || wanted().label || wanted().search;
  byId("done-text").textContent = filtered
    ? "No other item passes this filter, or other reviewers have them."
    : left ? `Other reviewers have the last ${left}.`
      : "Every item is decided or skipped.";
  const button = (name, action) => make("button", { type: "button", onclick: action }, name);
  byId("done-actions").replaceChildren(
    filtered ? button("All that is to do", () => filterBy({ view: "open" })) : "",
    progress?.statuses.skipped ? button(`Skipped (${progress.statuses.skipped})`, () => filterBy({ view: "skipped" })) : "",
    progress?.second ? button(`Second opinion (${progress.second})`, () => filterBy({ view: "second" })) : "",
    make("a.button.main", { href: `/r/${told.review}/summary` }, "Summary and export"));
  byId("done").querySelector("button, a")?.focus();
}

function rebuild() {
  const used = { ...board.view.record, pairs: board.pairs, facts: board.facts };
  hues = huesOf(used);
  label.build(board, locked());
  palette.build(board, hues);
  rows.build(board, hues, locked());
  changed();
}

function changed() {
  const faults = board.faults();
  const missing = board.pairs.some((pair) => !hues.has(pair.label));
  if (missing) hues = huesOf({ ...board.view.record, pairs: board.pairs, facts: board.facts });
  if (text.value !== board.text) text.value = board.text;
  drawMarks(byId("marks"), board.text, spansOf(board.text, board.pairs, board.facts, hues));
  rows.refresh(hues, faults);
  const at = (where) => faults.find((fault) => fault.where === where)?.reason ?? "";
  byId("label-fault").textContent = at("label");
  byId("text-fault").textContent = at("text");
  show(byId("text-fault"), Boolean(at("text")));
  label.draw(board.label);
  palette.draw(selection());
  show(byId("dirty"), board.dirty);
  show(byId("restore"), board.differsFromDraft && !locked());
  show(byId("add"), !locked());
  remember();
}

function say(what, { fault = false } = {}) {
  byId("said").textContent = what;
  byId("said").classList.toggle("fault", fault);
}

function notice(what) {
  byId("notice").textContent = what;
  show(byId("notice"), Boolean(what));
}

function address() {
  const { view, rule, label: name, search } = wanted();
  const query = new URLSearchParams({ view });
  if (rule) query.set("rule", rule);
  if (name) query.set("label", name);
  if (search) query.set("q", search);
  byId("to-list").href = `/r/${told.review}/items?${query}`;
  if (board) query.set("n", board.view.number);
  history.replaceState(null, "", `?${query}`);
}

// ------------------------------------------------------------------ unsaved edits stay in the browser

function remember() {
  if (locked()) return; // what was typed before another took the item stays
  if (!board.dirty) unsaved.forget(board.view);
  const lost = board.dirty && !unsaved.keep(board.view, board.told());
  byId("dirty").textContent = lost
    ? "not saved, and this browser has no room to keep it"
    : "not saved";
  byId("dirty").classList.toggle("fault", lost);
}

function recall() {
  const kept = locked() ? null : unsaved.recall(board.view);
  if (!kept) return;
  board.load(kept, board.view.links);
  say("Edits that were not saved are here again");
}

/** Edits on a version that another changed, in a page that was closed: both are shown. */
async function recallOlder() {
  const { view } = board;
  const kept = locked() || view.second || board.dirty ? null : unsaved.takeOlder(view);
  if (!kept) return;
  board.load(kept, view.links);
  rebuild();
  const choice = await dialogs.conflict({ kind: "stale" }, { ...view.record, ...kept }, view);
  if (choice === "theirs") reload();
  if (choice === "mine") await fixed();
}

function reload() {
  board = new Board(board.view);
  rebuild();
}

// ------------------------------------------------------------------ asking the server

async function asked(what, values = {}) {
  if (busy) return null;
  busy = true;
  document.body.classList.add("busy");
  try {
    return await post(told.review, what, { wanted: wanted(), ...values });
  } catch (refusal) {
    if (refusal.status === 409) await settle(refusal.told, what, values);
    else say(refusal.message, { fault: true });
    return null;
  } finally {
    busy = false;
    document.body.classList.remove("busy");
  }
}

const work = (values = {}) => ({
  item: board.view.id,
  version: board.view.version,
  record: board.dirty ? board.told() : null,
  second: board.view.second,
  ...values,
});

async function settle(answer, what, values) {
  if (!values.item || answer.item.id !== board?.view.id)
    return say(answer.error, { fault: true });
  if (board.view.second) return stillBlind(answer);
  const mine = { ...board.view.record, ...board.told() };
  const choice = await dialogs.conflict(answer, mine, answer.item);
  busy = false;
  const { view } = board;
  if (choice === "theirs") {
    unsaved.forget(view);
    return show_(answer.item);
  }
  if (choice !== "mine") return say("Not saved");
  const again = await asked(what, { ...values, version: answer.item.version, record: board.told() });
  if (!again) return;
  unsaved.forget(view);
  show_(again.item, again.progress);
}

// what the first reviewer made of the item is not for the second to see: it is drawn again
async function stillBlind(answer) {
  busy = false;
  await go({ after: board.view.number - 2 });
  say(answer.error, { fault: true });
}

async function go(move) {
  const answer = await asked("go", { after: board ? board.view.number - 1 : -1, ...move });
  if (!answer) return;
  if (answer.item || !move.back) show_(answer.item, answer.progress);
  else say("This is the first");
}

async function fixed() {
  if (!board.dirty || board.view.second) return true;
  const answer = await asked("fix", work());
  if (!answer) return false;
  unsaved.forget(board.view);
  show_(answer.item, answer.progress);
  say("Fixed");
  return true;
}

async function decide(verdict, note = "") {
  const { view } = board;
  const answer = await asked("decide", work({ verdict, note }));
  if (!answer) return;
  unsaved.forget(view);
  show_(answer.item, answer.progress);
  say({ accepted: "Accepted", rejected: "Rejected", skipped: "Skipped" }[verdict]);
}

// ------------------------------------------------------------------ actions

const ACTIONS = {
  async accept() {
    const grave = board.faults().filter((fault) => fault.grave);
    if (!grave.length) return decide("accepted");
    const { where, reason } = grave[0];
    const item = itemAt(where);
    say(`Not accepted: ${item === null ? "" : `item ${item + 1}: `}${reason}`, { fault: true });
    focusOn(where);
  },
  async reject() {
    const reason = await dialogs.askReason(told.reasons);
    if (reason) await decide("rejected", reason);
  },
  skip: () => decide("skipped"),
  async fix() {
    if (board.view.second) return say("A second opinion is given by Accept or Reject", { fault: true });
    if (!board.dirty) return say("There is nothing to fix");
    await fixed();
  },
  async next() {
    if (!board || locked() || (await fixed())) await go({});
  },
  async previous() {
    if (!board || locked() || (await fixed())) await go({ back: true, wanted: { ...wanted(), view: "" } });
  },
  async undo() {
    const typed = board?.dirty && !locked();
    const choice = typed ? await dialogs.undoing() : "saved";
    if (!choice) return;
    if (choice === "typed") return reload(), say("Undone: what was not saved");
    const answer = await asked("undo");
    if (!answer) return;
    if (typed) unsaved.forget(board.view);
    show_(answer.item, answer.progress);
    say(`Undone: ${{ fix: "fixed", flag: "flagged", unflag: "flag taken away", second: "second opinion" }[answer.undone] ?? answer.undone}`);
  },
  async flag() {
    const answer = (await fixed()) && (await update("flag", work({ record: null })));
    if (answer) say(answer.item.flagged ? "Flagged" : "Flag taken away");
  },
  async comment() {
    const note = await dialogs.ask("Comment", { hint: "Others see it beside the item. Ctrl+Enter keeps it.", long: true });
    if (note && (await fixed())) await update("comment", work({ record: null, note }));
  },
  async goto() {
    const to = await dialogs.ask("Go to", { hint: "The number of an item, or a record id." });
    if (to && (!board || locked() || (await fixed()))) await go({ to });
  },
  help: () => dialogs.help(),
  search: () => byId("search").select(),
  view: () => byId("view").focus(),
  list: () => location.assign(byId("to-list").href),
  edit() {
    text.focus();
    text.setSelectionRange(text.value.length, text.value.length);
  },
  items: () => byId("items").querySelector("input, select")?.focus(),
  label: () => label.focus(),
  digit: (number) => label.choose(number),
  mark: () => palette.focus(selection()),
  markDigit: (number) => palette.choose(number, selection()),
  add() {
    const facts = board.view.record.shape === "facts";
    if (facts) board.facts.push({ fields: ["", board.view.record.item_labels?.[0] ?? "", ""], link: null });
    else board.pairs.push({ label: board.view.record.item_labels?.[0] ?? "", entity: "", start: null, end: null, link: null });
    rebuild();
    byId("items").lastElementChild.querySelector("input.entity").focus();
  },
  restore() {
    board.load(board.view.draft, board.view.links);
    rebuild();
  },
  history() {
    byId("history").open = !byId("history").open;
  },
  leave() {
    document.activeElement.blur();
    document.querySelector("details.chooser").open = false;
  },
};

const ALWAYS = ["next", "previous", "undo", "goto", "help", "search", "view", "list", "leave", "history"];

async function act(action, number) {
  if (!ACTIONS[action] || byId("dialog").open) return;
  if (!ALWAYS.includes(action) && locked()) return;
  await ACTIONS[action](number);
}

async function update(what, values) {
  const answer = await asked(what, values);
  if (answer) show_(answer.item, answer.progress);
  return answer;
}

/** The item that a fault is of, counted from 0; null for one of the text or the label. */
function itemAt(where) {
  const [part, at] = where.split("/");
  if (at === undefined) return null;
  return part === "facts" ? board.pairs.length + Number(at) : Number(at);
}

function focusOn(where) {
  const item = itemAt(where);
  if (item === null) return where === "text" ? text.focus() : label.focus();
  const field = byId("items").children[item]?.querySelector("input.entity");
  field?.focus();
  field?.scrollIntoView({ block: "nearest" }); // it may have had the focus already
}

// ------------------------------------------------------------------ selecting and marking

function selection() {
  return { start: text.selectionStart, end: text.selectionEnd, text: board?.text ?? "", target: rows.target };
}

function mark(name, { start, end }) {
  if (board.view.record.shape === "facts") board.facts.push({ fields: [board.text.slice(start, end), name, ""], link: null });
  else board.addPair(name, start, end);
  text.setSelectionRange(end, end);
  rebuild();
  text.focus();
}

/** Put the selection into the item's field that had the focus last. */
function put({ start, end, target }) {
  if (target.pair !== undefined) board.movePair(target.pair, start, end);
  else board.facts[target.fact].fields[target.place] = board.text.slice(start, end);
  text.setSelectionRange(end, end);
  rebuild();
}

// ------------------------------------------------------------------ events

text.addEventListener("input", () => {
  board.setText(text.value, text.selectionEnd);
  changed();
});
document.addEventListener("selectionchange", () => board && palette.draw(selection()));
linkUp(byId("main"), text);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) act(button.dataset.do);
});
document.addEventListener("keydown", (event) => {
  if (byId("dialog").open) return;
  const found = actionOf(event, fieldIn(event.target));
  if (!found || (event.key === "Enter" && !event.ctrlKey && !event.metaKey)) return;
  if (["ArrowLeft", "ArrowRight"].includes(event.key) && event.target.closest("summary, [role=group]")) return;
  if (palette.takes(event)) return;
  event.preventDefault();
  act(found.action, found.number);
});

function filterBy(values) {
  if (values.view !== undefined) byId("view").value = values.view;
  for (const id of ["rule", "label-filter", "search"]) if (byId(id) && values.view !== undefined) byId(id).value = "";
  go({ after: -1 });
}
byId("filters").addEventListener("change", async (event) => {
  if (event.target.id === "search") return;
  if (!board || locked() || (await fixed())) await go({ after: -1 });
  event.target.blur();
});
byId("filters").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!board || locked() || (await fixed())) await go({ after: -1 });
  byId("search").blur();
});

setInterval(async () => {
  if (document.hidden || !board || locked()) return;
  const { view } = board;
  const answer = await post(told.review, "renew", { item: view.id }).catch(() => null);
  if (!answer) return;
  view.until = answer.until ?? view.until;
  if (answer.until === null && board?.view === view)
    notice("This item is no longer kept for you: another reviewer may have it. Your edits stay in this browser.");
}, 60_000);
addEventListener("pagehide", () => {
  if (board && !locked())
    post(told.review, "release", { until: board.view.until }, { keepalive: true }).catch(() => null);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

show_(told.item, told.progress);
document.body.dataset.ready = "yes";
performance.mark("item shown");
