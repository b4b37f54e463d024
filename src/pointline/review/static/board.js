// The working copy of a record: what a reviewer edits before anything is saved.
import { difference, moved, nearest, occurrences, toPoint, toUnit } from "./points.js";

// A text box has no carriage return; it is shown as its symbol, which is as long.
const RETURN = "\r";
const SHOWN = "␍";

export class Board {
  constructor(view) {
    this.view = view;
    this.load(view.record, view.links);
    this.saved = JSON.stringify(this.told());
  }

  load(record, links = []) {
    this.returns = record.text.includes(RETURN) && !record.text.includes(SHOWN);
    this.text = this.shown(record.text);
    this.label = record.label;
    this.pairs = record.pairs.map((pair, at) => ({
      label: pair.label,
      entity: this.shown(pair.entity),
      start: pair.start === null ? null : toUnit(record.text, pair.start),
      end: pair.end === null ? null : toUnit(record.text, pair.end),
      link: links[at] ?? null,
    }));
    this.facts = record.facts.map((fact, at) => ({
      fields: fact.fields.map((field) => this.shown(field)),
      link: links[record.pairs.length + at] ?? null,
    }));
  }

  shown(text) {
    return this.returns ? text.replaceAll(RETURN, SHOWN) : text;
  }

  kept(text) {
    return this.returns ? text.replaceAll(SHOWN, RETURN) : text;
  }

  /** The record as the server takes it: offsets in code points. */
  told() {
    const point = (unit) => (unit === null ? null : toPoint(this.text, unit));
    return {
      text: this.kept(this.text),
      label: this.label,
      pairs: this.pairs.map((pair) => ({
        label: pair.label,
        entity: this.kept(pair.entity),
        start: point(pair.start),
        end: point(pair.end),
      })),
      facts: this.facts.map((fact) => ({ fields: fact.fields.map((field) => this.kept(field)) })),
    };
  }

  get dirty() {
    return JSON.stringify(this.told()) !== this.saved;
  }

  get differsFromDraft() {
    const { text, label, pairs, facts } = this.view.draft;
    const plain = pairs.map(({ label, entity, start, end }) => ({ label, entity, start, end }));
    return JSON.stringify(this.told()) !== JSON.stringify({ text, label, pairs: plain, facts });
  }

  // -------------------------------------------------------------- edits

  setText(text, caret) {
    const edit = difference(this.text, text, caret);
    this.text = text;
    for (const pair of this.pairs) {
      if (pair.start === null) continue;
      const place = moved(pair, edit) ?? nearest(text, pair.entity, pair.start);
      pair.start = place && place.start;
      pair.end = place && place.end;
      if (place) pair.entity = text.slice(place.start, place.end);
    }
  }

  setEntity(at, entity) {
    const pair = this.pairs[at];
    const place = nearest(this.text, entity, pair.start ?? 0);
    Object.assign(pair, { entity, start: place && place.start, end: place && place.end });
  }

  addPair(label, start, end) {
    this.pairs.push({ label, entity: this.text.slice(start, end), start, end, link: null });
  }

  movePair(at, start, end) {
    Object.assign(this.pairs[at], { entity: this.text.slice(start, end), start, end });
  }

  /** The next place at which an entity that occurs several times may be meant. */
  nextPlace(at) {
    const pair = this.pairs[at];
    const found = occurrences(this.text, pair.entity);
    const next = found[(found.indexOf(pair.start) + 1) % found.length];
    Object.assign(pair, { start: next, end: next + pair.entity.length });
  }

  // -------------------------------------------------------------- checks

  /** What is wrong now, by the place on the page; `grave` stands in the way of accepting. */
  faults() {
    const found = [];
    const grave = (where, reason) => found.push({ where, reason, grave: true });
    const { labels, item_labels: known } = this.view.record;
    if (!this.text.trim()) grave("text", "the text is empty");
    if (labels && !this.label) grave("label", "choose a label");
    if (labels && this.label && !labels.includes(this.label)) grave("label", "not a label of the task");
    const seen = new Set();
    this.pairs.forEach((pair, at) => {
      const where = `pairs/${at}`;
      const same = JSON.stringify([pair.label, pair.entity, pair.start]);
      if (!pair.entity) grave(where, "empty");
      else if (pair.start === null && !this.text.includes(pair.entity))
        grave(where, "not in the text");
      if (!pair.label) grave(where, "choose a label");
      else if (known && !known.includes(pair.label)) grave(where, "not a label of the task");
      else if (seen.has(same)) grave(where, "marked twice");
      seen.add(same);
    });
    this.facts.forEach((fact, at) => {
      const where = `facts/${at}`;
      if (fact.fields.some((field) => !field)) grave(where, "a field is empty");
      else if (known && !known.includes(fact.fields[1])) grave(where, "not a label of the task");
      const absent = fact.fields.find((f, i) => i !== 1 && f && !this.text.includes(f));
      if (absent) found.push({ where, reason: `${absent} is not in the text`, grave: false });
    });
    return found;
  }
}
