// A text with its spans marked. Nothing of a text becomes markup: nodes are made one by one.
import { occurrences } from "./points.js";

const HUES = [210, 28, 140, 330, 265, 50, 180, 0, 300, 95];
const POLARITY = {
  positive: 140, ポジティブ: 140, 积极: 140, 積極: 140,
  neutral: 210, 中立: 210,
  negative: 0, ネガティブ: 0, 消极: 0, 消極: 0,
};

/** The hue of each item label: by its place in the task's set, else by its order in the record. */
export function huesOf(side) {
  const used = [...side.pairs.map((p) => p.label), ...side.facts.map((f) => f.fields[1])];
  const labels = [...new Set([...(side.item_labels || []), ...used])];
  const hues = new Map(labels.map((label, at) => [label, HUES[at % HUES.length]]));
  for (const label of labels) if (label in POLARITY) hues.set(label, POLARITY[label]);
  return hues;
}

/** The spans of a side: pairs where they are, or where an unplaced one would be; fields of facts. */
export function spansOf(text, pairs, facts, hues) {
  const spans = [];
  pairs.forEach((pair, item) => {
    const start = pair.start ?? occurrences(text, pair.entity)[0];
    if (start === undefined) return;
    spans.push({
      start, end: start + pair.entity.length, item, link: pair.link, tag: pair.label,
      hue: hues.get(pair.label), loose: pair.start === null,
    });
  });
  facts.forEach((fact, at) => {
    for (const [place, field] of fact.fields.entries()) {
      const start = place === 1 ? undefined : occurrences(text, field)[0];
      if (start === undefined) continue;
      spans.push({
        start, end: start + field.length, item: pairs.length + at, link: fact.link,
        tag: place === 0 ? fact.fields[1] : "", hue: hues.get(fact.fields[1]), loose: true,
      });
    }
  });
  return spans;
}

/** Fill an element with a text and its marks; where spans overlap, a piece bears the inner one. */
export function drawMarks(element, text, spans) {
  const cuts = [...new Set([0, text.length, ...spans.flatMap((s) => [s.start, s.end])])];
  cuts.sort((a, b) => a - b);
  const nodes = [];
  for (let at = 0; at + 1 < cuts.length; at += 1) {
    const [start, end] = [cuts[at], cuts[at + 1]];
    const over = spans.filter((s) => s.start <= start && end <= s.end);
    nodes.push(over.length ? mark(text.slice(start, end), start, over) : text.slice(start, end));
  }
  nodes.push("\n"); // a last line break would have no height
  element.replaceChildren(...nodes);
}

function mark(text, start, over) {
  over.sort((a, b) => a.end - a.start - (b.end - b.start));
  const [inner, outer] = over;
  const made = document.createElement("mark");
  made.textContent = text;
  made.style.setProperty("--h", inner.hue ?? 210);
  if (outer) {
    made.classList.add("also");
    made.style.setProperty("--also", outer.hue ?? 210);
  }
  made.classList.toggle("loose", inner.loose);
  made.dataset.items = over.map((s) => s.item).join(" ");
  made.dataset.links = over.map((s) => s.link).filter((link) => link !== null).join(" ");
  const first = over.find((s) => s.start === start && s.tag);
  if (first) made.dataset.tag = first.tag;
  return made;
}
