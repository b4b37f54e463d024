// What the page says, in three languages. A key without words would be shown as itself.
import { EN } from "./words_en.js";
import { JA } from "./words_ja.js";
import { ZH } from "./words_zh.js";
import { kept } from "./kept.js";

export const WORDS = { en: EN, ja: JA, zh: ZH };
const KEY = "pointline-spoken";
let now = "en";

/** The language in which the page speaks. */
export const spoken = () => now;

/** Words by their key, with {values} put in; `otherwise` where there are none. */
export function t(key, values = {}, otherwise = key) {
  const words = WORDS[now][key] ?? otherwise;
  return words.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

/** Speak a language from now on, and keep it. */
export function speak(lang) {
  now = lang in WORDS ? lang : "en";
  kept(() => localStorage.setItem(KEY, now));
  document.documentElement.lang = now;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const attribute of ["aria-label", "title", "placeholder"])
    for (const element of document.querySelectorAll(`[data-t-${attribute}]`))
      element.setAttribute(attribute, t(element.getAttribute(`data-t-${attribute}`)));
}

/** The language to begin with: the one that was chosen here before, else the browser's. */
export function firstSpoken() {
  const before = kept(() => localStorage.getItem(KEY));
  if (before in WORDS) return before;
  return navigator.languages.map((lang) => lang.slice(0, 2)).find((lang) => lang in WORDS) ?? "en";
}
