// What each level does for the other: the same text asked again with one level dropped, and with
// that level's answer shown beside the text; each beside the joint answer.
import { ask, Refusal } from "./asking.js";
import { meter, named, percent } from "./answer.js";
import { make } from "./elements.js";
import { t } from "./words.js";

/** The four questions. The level that is shown is the one that was found alone, not the joint one. */
const ALONE = { text: { level: "text" }, word: { level: "word" } };
const BESIDE = {
  text: ({ word }) => itemsOf(word).length && { level: "text", given: { items: itemsOf(word) } },
  word: ({ text }) => text?.label && { level: "word", given: { label: text.label } },
};

export const itemsOf = (result) =>
  result ? [...result.pairs.map((p) => [p.label, p.entity]), ...result.facts.map((f) => f.fields)] : [];

/**
 * Ask all four; `told(found)` is called after each with what is known so far:
 * found[alone|beside][text|word] is a result, a Refusal, or null where there was nothing to show.
 */
export async function askInfluence(body, options, told) {
  const found = { alone: {}, beside: {} };
  const put = async (where, level, asked) => {
    found[where][level] = asked ? await answered({ ...body, ...asked }, options) : null;
    told(found);
  };
  await Promise.all(["text", "word"].map((level) => put("alone", level, ALONE[level])));
  const alone = Object.fromEntries(Object.entries(found.alone).map(([k, v]) => [k, v instanceof Refusal ? null : v]));
  await Promise.all(["text", "word"].map((level) => put("beside", level, BESIDE[level](alone))));
  return found;
}

async function answered(body, options) {
  try {
    return (await ask(body, options)).result;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** What was kept, gained and lost from one list of items to another, as [item, confidence] each. */
export function changed(before, after) {
  const left = itemsOf(before).map((item, at) => ({ item, key: JSON.stringify(item), p: before.scores.items?.[at] }));
  const told = { kept: [], gained: [], lost: left };
  itemsOf(after).forEach((item, at) => {
    const found = left.findIndex(({ key }) => key === JSON.stringify(item));
    const one = { item, p: after.scores.items?.[at] };
    if (found < 0) told.gained.push(one);
    else told.kept.push({ ...one, before: left.splice(found, 1)[0].p });
  });
  return told;
}

/** Draw the two comparisons into an element. */
export function drawInfluence(element, joint, found, { hues, lang }) {
  const part = (level, draw) => {
    const rows = [["joint", joint], ["alone", found.alone[level]], ["beside", found.beside[level]]];
    return rows.map(([how, result]) => {
      const name = how === "joint" ? t("both") : t(`${level}-${how}`);
      return make("tr", {}, make("th", { scope: "row" }, name), ...told(result, how, draw));
    });
  };
  const told = (result, how, draw) => {
    if (result === undefined) return [make("td.soft", { colspan: 2 }, t("waiting"))];
    if (result === null) return [make("td.soft", { colspan: 2 }, t("nothing-to-show"))];
    if (result instanceof Refusal) return [make("td.fault", { colspan: 2 }, [t(`trouble-${result.kind}`), result.message].filter(Boolean).join(" "))];
    return draw(result, how);
  };
  const label = (result, how) => [
    make("td", {}, labelOf(result, lang)),
    make("td.change", {}, how === "joint" ? make("span.soft", {}, t("measure")) : labelChange(joint, result)),
  ];
  const items = (result, how) => [
    make("td", {}, counted(itemsOf(result).length), mean(result)),
    make("td.change", {}, ...(how === "joint" ? [make("span.soft", {}, t("measure"))] : itemChange(joint, result, hues, lang))),
  ];
  element.replaceChildren(
    table(t("label"), part("text", label)),
    table(t("items"), part("word", items)),
  );
}

function table(caption, rows) {
  const heads = ["asked-for", "found", "change"].map((name) => make("th", { scope: "col" }, t(name)));
  return make("div.scroll", {}, make("table.compared", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)));
}

function labelOf(result, lang) {
  if (!result.label) return make("span.soft", {}, t("no-label"));
  return make("span", {}, make("b", { lang, dir: "auto" }, result.label), " ", meter(result.scores.label));
}

function labelChange(joint, result) {
  if (joint.label !== result.label) return make("b.differs", {}, `≠ ${t("other-label")}`);
  const [before, after] = [joint.scores.label, result.scores.label];
  if (before === undefined || after === undefined) return t("same-label");
  return make("span", {}, t("same-label"), " ", points(after - before));
}

/** A difference of two probabilities in points, with its sign in words that need no colour. */
function points(by) {
  const size = 100 * Math.abs(by);
  if (size < 0.05) return make("span.soft", {}, "±0");
  const made = `${by > 0 ? "▲ +" : "▼ −"}${size.toFixed(1)}`;
  return make(by > 0 ? "span.more" : "span.less", {}, t("points", { n: made }));
}

const counted = (n) => t(n === 1 ? "count-one" : "count", { n });

function mean(result) {
  const scores = result.scores.items ?? [];
  if (!scores.length) return "";
  const average = scores.reduce((a, b) => a + b, 0) / scores.length;
  return make("span.soft", {}, ` · ${t("mean", { p: percent(average) })}`);
}

function itemChange(joint, result, hues, lang) {
  const { kept, gained, lost } = changed(joint, result);
  const told = [make("span", {}, gained.length || lost.length ? t("kept", { n: kept.length }) : t("same-items"))];
  const scored = kept.filter(({ p, before }) => p !== undefined && before !== undefined);
  if (scored.length) {
    const by = scored.reduce((sum, { p, before }) => sum + p - before, 0) / scored.length;
    told.push(" ", points(by));
  }
  const list = (what, sign, some, says) => some.map((one) => make(`${what}.change-item`, { "aria-label": t(says) },
    `${sign} `, ...words(one.item, hues, lang), one.p === undefined ? "" : make("span.soft", {}, ` ${percent(one.p)}`)));
  return [...told, ...list("ins", "+", gained, "gained"), ...list("del", "−", lost, "lost")];
}

function words(item, hues, lang) {
  const [first, second, ...rest] = item;
  if (!rest.length) return [named(first, hues, lang), " ", make("bdi", { lang }, second)];
  return [make("bdi", { lang }, first), " ", named(second, hues, lang), " ", make("bdi", { lang }, rest.join("; "))];
}
