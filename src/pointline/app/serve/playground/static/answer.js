// An answer on the page: the label, the text with its spans, the items as rows.
import { byId, make, show } from "./elements.js";
import { huesOf, spansOf } from "./marks.js";
import { unitsOf } from "./points.js";
import { drawSpans, pointAt } from "./spans.js";
import { spoken, t } from "./words.js";

/** A probability in words: what is not quite certain is not said to be. */
export function percent(p) {
  const { format } = new Intl.NumberFormat(spoken(), { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  if (p > 0.999 && p < 1) return `> ${format(0.999)}`;
  return p < 0.001 && p > 0 ? `< ${format(0.001)}` : format(p);
}

/** A probability as number and bar; an answer of a backend without probabilities has none. */
export function meter(p) {
  if (p === undefined || p === null) return make("span.soft", {}, t("no-score"));
  const bar = make("span.bar-of", { "aria-hidden": "true" }, make("span"));
  bar.firstChild.style.width = `${100 * p}%`;
  return make("span.meter", {}, bar, make("span", {}, percent(p)));
}

/** A label as it is shown anywhere: a dot of its colour and its name. */
export function named(label, hues, lang) {
  const made = make("span.named", { lang, dir: "auto" }, label);
  made.style.setProperty("--h", hues.get(label) ?? 210);
  return made;
}

/** The hues of a result's item labels, by their places in the task's set. */
export const huesFor = (result, sets) => huesOf({ ...result, item_labels: sets.item_labels });

/** Draw a result. `sets` are the label sets that were asked for, `lang` the text's language. */
export function drawAnswer(result, { sets, lang, model, took }) {
  const hues = huesFor(result, sets);
  byId("answer").lang = "";
  drawLabel(result, lang, model, took);
  drawLegend(result, hues, lang);
  drawText(result, hues, lang);
  const tables = [];
  if (result.pairs.length) tables.push(pairRows(result, hues, lang));
  if (result.facts.length) tables.push(factRows(result, hues, lang));
  byId("tables").replaceChildren(...(tables.length ? tables : [make("p.soft", {}, t("no-items"))]));
  drawLine(result);
}

function drawLabel({ label, scores, ok }, lang, model, took) {
  byId("label").replaceChildren(
    make("span.soft", {}, t("label")),
    label ? make("b.label", { lang, dir: "auto" }, label) : make("span.soft", {}, t("no-label")),
    ...(label ? [meter(scores.label)] : []),
    ...(ok ? [] : [make("span.chip.rule", {}, t("unread"))]),
    make("span.soft.took", {}, [model, t("seconds", { n: took.toFixed(1) })].filter(Boolean).join(" · ")),
  );
}

function drawLegend(result, hues, lang) {
  const counts = new Map();
  for (const label of [...result.pairs.map((p) => p.label), ...result.facts.map((f) => f.fields[1])])
    counts.set(label, (counts.get(label) ?? 0) + 1);
  const rows = [...counts].map(([label, count]) => make("li", {}, named(label, hues, lang), make("span.soft", {}, ` ${count}`)));
  byId("legend").replaceChildren(...rows);
  show(byId("legend"), rows.length > 0);
}

function drawText(result, hues, lang) {
  const units = unitsOf(result.text);
  const pairs = result.pairs.map((pair) => ({ ...pair, start: pair.start === null ? null : units[pair.start] }));
  const spans = spansOf(result.text, pairs, result.facts, hues);
  for (const span of spans) if (span.item >= pairs.length) span.tag = ""; // its row says what it is
  byId("marked").lang = lang;
  drawSpans(byId("marked"), result.text, spans);
}

function pairRows(result, hues, lang) {
  const rows = result.pairs.map((pair, at) => row(at, [
    make("td", {}, named(pair.label, hues, lang)),
    make("td", {}, toText(pair.entity, at, lang)),
    make("td.number.place", {}, placeOf(pair)),
    make("td.sure", {}, meter(result.scores.items?.[at])),
  ]));
  return table(["item-label", "entity", "place", "confidence"], rows, t("items"));
}

function placeOf(pair) {
  if (pair.start === null) return t("no-place");
  const place = `${pair.start}–${pair.end}`;
  return pair.ambiguous ? make("span", { title: t("ambiguous") }, `≈ ${place}`) : place;
}

function factRows(result, hues, lang) {
  const longest = Math.max(...result.facts.map((fact) => fact.fields.length));
  const rows = result.facts.map((fact, index) => {
    const at = result.pairs.length + index;
    const [head, relation, ...tails] = fact.fields;
    const cells = tails.map((field) => make("td", {}, toText(field, at, lang)));
    while (cells.length < longest - 2) cells.push(make("td"));
    return row(at, [
      make("td", {}, toText(head, at, lang)), make("td", {}, named(relation, hues, lang)), ...cells,
      make("td.sure", {}, meter(result.scores.items?.[at])),
    ]);
  });
  const tails = Array.from({ length: longest - 2 }, () => "tail");
  return table(["head", "relation", ...tails, "confidence"], rows, t("facts"));
}

/** Words of an item, which lead to their place in the text. */
function toText(words, at, lang) {
  return make("button.quiet.words", { type: "button", lang, dir: "auto", "aria-label": t("to-text", { words }), onclick: () => {
    pointAt(byId("answer"), at);
    byId("marked").querySelector(`[data-items~="${at}"]`)?.scrollIntoView({ block: "nearest" });
  } }, words);
}

function row(at, cells) {
  return make("tr", { "data-items": String(at) }, make("th.number", { scope: "row" }, String(at + 1)), ...cells);
}

function table(heads, rows, caption) {
  const head = heads.map((name) => make(name === "place" ? "th.number.place" : "th", { scope: "col" }, t(name)));
  return make("div.scroll", {}, make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, make("th.number", { scope: "col" }, t("number")), ...head)), make("tbody", {}, ...rows)));
}

function drawLine({ completion, repairs }) {
  const [pre, note] = byId("line").querySelectorAll("pre, p");
  show(byId("line"), completion !== null);
  pre.textContent = completion ?? "";
  note.textContent = repairs.length ? t("repaired", { what: repairs.join(", ") }) : "";
}
