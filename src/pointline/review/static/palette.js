// The labels that a selection can be marked with (they are the legend too), and the text's label.
import { make } from "./elements.js";
import { trimmed } from "./points.js";

export class Palette {
  constructor(element, on) {
    Object.assign(this, { element, on, labels: [] });
    element.addEventListener("keydown", (event) => {
      const number = Number(event.key);
      if (number && this.labels[number - 1]) {
        event.preventDefault();
        event.stopPropagation();
        this.choose(number, this.on.selection());
      }
    });
  }

  build(board, hues) {
    const { item_labels: known } = board.view.record;
    const used = [...board.pairs.map((p) => p.label), ...board.facts.map((f) => f.fields[1])];
    this.labels = [...new Set([...(known ?? []), ...used])].filter(Boolean);
    this.open = !known;
    this.board = board;
    this.hint = make("span.soft.hint");
    this.put = make("button.quiet.small.put", { type: "button", onmousedown: keep, onclick: () => {
      const found = this.selected(this.on.selection());
      if (found) this.on.put(found);
    } });
    const chips = this.labels.map((label, at) =>
      make("button.chip", { type: "button", onmousedown: keep, onclick: () => this.choose(at + 1, this.on.selection()) },
        at < 9 ? make("kbd", {}, String(at + 1)) : null, label));
    chips.forEach((chip, at) => chip.style.setProperty("--h", hues.get(this.labels[at]) ?? 210));
    this.chips = chips;
    this.other = this.open ? make("input.other", { "aria-label": "Another label", placeholder: "another label …", size: 12, list: "known-labels",
      onkeydown: (event) => {
        const found = this.selected(this.on.selection());
        if (event.key !== "Enter" || !found || !event.target.value.trim()) return;
        event.preventDefault();
        this.on.mark(event.target.value.trim(), found);
      } }) : null;
    const list = make("datalist", { id: "known-labels" }, ...this.labels.map((label) => make("option", { value: label })));
    this.element.lang = board.view.record.lang;
    this.element.replaceChildren(...chips, ...(this.other ? [this.other] : []), this.put, this.hint, list);
  }

  selected({ start, end, text, target }) {
    const found = trimmed(text, start, end);
    return found.start < found.end ? { ...found, target } : null;
  }

  draw(selection) {
    if (!this.board) return;
    const found = this.board.view.mine ? this.selected(selection) : null;
    for (const chip of this.chips) chip.classList.toggle("live", Boolean(found));
    if (this.other) this.other.disabled = !found;
    const target = selection.target;
    const usable = found && target && (target.pair === undefined ? this.board.facts[target.fact] : this.board.pairs[target.pair]);
    this.put.hidden = !usable;
    const item = target?.pair ?? this.board.pairs.length + (target?.fact ?? 0);
    this.put.textContent = `into item ${item + 1}`;
    this.hint.textContent = !this.board.view.mine ? "" : found
      ? `“${short(selection.text.slice(found.start, found.end))}”: choose a label, or Alt+1 … 9`
      : "Select text to mark it";
  }

  choose(number, selection) {
    const found = this.selected(selection);
    const label = this.labels[number - 1];
    if (found && label && this.board.view.mine) this.on.mark(label, found);
  }

  focus(selection) {
    if (this.selected(selection)) (this.chips[0] ?? this.other)?.focus();
  }

  /** Whether a key press is this group's own: digits while one of the chips has the focus. */
  takes(event) {
    return this.element.contains(event.target) && /^[1-9]$/.test(event.key) && !event.altKey;
  }
}

// a press of the mouse must not take the focus, and with it the selection, from the text
const keep = (event) => event.preventDefault();

const short = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);

export class LabelField {
  constructor(slot, onset) {
    Object.assign(this, { slot, onset });
  }

  build(board, locked) {
    const { labels, lang } = board.view.record;
    this.labels = labels;
    this.locked = locked;
    this.slot.lang = lang;
    if (labels && labels.length <= 12) this.buildChips(labels, locked);
    else if (labels) this.buildSelect(labels, locked);
    else this.buildInput(locked);
    this.draw(board.label);
  }

  buildChips(labels, locked) {
    const chips = labels.map((label, at) =>
      make("button.choice", { type: "button", disabled: locked, "data-label": label, onclick: () => this.onset(label) },
        at < 9 ? make("kbd", {}, String(at + 1)) : null, label));
    this.field = chips[0];
    this.slot.replaceChildren(make("span.choices", { role: "group", "aria-label": "Label of the text", id: "label" }, ...chips));
  }

  buildSelect(labels, locked) {
    const options = ["", ...labels].map((label) => make("option", { value: label }, label || "choose"));
    this.field = make("select", { id: "label", disabled: locked, onchange: () => this.onset(this.field.value) }, ...options);
    this.slot.replaceChildren(this.field);
  }

  buildInput(locked) {
    this.field = make("input", { id: "label", disabled: locked, dir: "auto", oninput: () => this.onset(this.field.value) });
    this.slot.replaceChildren(this.field);
  }

  draw(value) {
    for (const chip of this.slot.querySelectorAll(".choice")) {
      const is = chip.dataset.label === value;
      chip.setAttribute("aria-pressed", is);
    }
    if (this.field && !this.field.matches(".choice") && this.field.value !== value) this.field.value = value;
  }

  choose(number) {
    const label = this.labels?.[number - 1];
    if (label && !this.locked) this.onset(label);
  }

  focus() {
    (this.slot.querySelector("[aria-pressed=true]") ?? this.field)?.focus();
  }
}
