// A text with its spans: each has a line of its own below the words, so that those which lie in or
// across each other can all be seen, and its label behind its last word.
import { make } from "./elements.js";

/** Give each span the lowest line that is free along it: what lies inside is nearer to the words. */
function laned(spans) {
  const placed = [];
  const byLength = [...spans].sort((a, b) => a.end - a.start - (b.end - b.start) || a.start - b.start);
  for (const span of byLength) {
    const taken = new Set(placed.filter((o) => o.start < span.end && span.start < o.end).map((o) => o.lane));
    let lane = 0;
    while (taken.has(lane)) lane += 1;
    placed.push({ ...span, lane });
  }
  return placed;
}

/** Fill an element with a text and its spans (UTF-16 places, as spansOf of marks.js gives them). */
export function drawSpans(element, text, spans) {
  const all = laned(spans);
  const starts = all.toSorted((a, b) => a.start - b.start);
  const cuts = [...new Set([0, text.length, ...all.flatMap((s) => [s.start, s.end])])].sort((a, b) => a - b);
  const nodes = [];
  let over = [];
  let next = 0;
  for (let at = 0; at + 1 < cuts.length; at += 1) {
    const [start, end] = [cuts[at], cuts[at + 1]];
    while (next < starts.length && starts[next].start <= start) over.push(starts[next++]);
    nodes.push(over.length ? piece(text.slice(start, end), over) : text.slice(start, end));
    const ending = over.filter((s) => s.end === end).sort((a, b) => a.lane - b.lane);
    over = over.filter((s) => s.end !== end);
    nodes.push(...ending.map((span) => tag(span, over)));
  }
  element.replaceChildren(...nodes);
}

function piece(text, over) {
  const inward = over.toSorted((a, b) => a.lane - b.lane);
  const made = make("mark", { "data-items": inward.map((s) => s.item).join(" ") }, text);
  made.classList.toggle("loose", over.every((s) => s.loose));
  made.style.setProperty("--h", inward[0].hue);
  made.style.boxShadow = lines(over);
  return made;
}

/** A label behind its span; a span that goes on around it is drawn on below it. */
function tag(span, over) {
  const tagged = make("span.tag", { "data-items": String(span.item) }, span.tag, make("sup", {}, String(span.item + 1)));
  tagged.style.setProperty("--h", span.hue);
  const made = make("span.behind", {}, tagged);
  made.style.boxShadow = lines(over);
  return made;
}

/** Lines below a piece, nearest first: each shadow hides the nearer part of the one behind it. */
function lines(over) {
  const firm = over.filter((s) => !s.loose);
  const lanes = Math.max(-1, ...firm.map((s) => s.lane)) + 1;
  const drawn = [];
  for (let lane = 0; lane < lanes; lane += 1) {
    const span = firm.find((s) => s.lane === lane);
    const colour = span ? `hsl(${span.hue} 60% var(--bar))` : "var(--card)";
    drawn.push(`0 ${2 + 4 * lane}px ${colour}`, `0 ${4 + 4 * lane}px var(--card)`);
  }
  return drawn.join(", ");
}

/** Let the words and the row of an item be seen together, in its own colour; null: of none. */
export function pointAt(root, item) {
  const own = root.querySelector(`tr[data-items="${item}"] .named`);
  root.style.setProperty("--on", own?.style.getPropertyValue("--h") ?? 210);
  for (const part of root.querySelectorAll("[data-items]"))
    part.classList.toggle("on", item !== null && part.dataset.items.split(" ").includes(String(item)));
}
