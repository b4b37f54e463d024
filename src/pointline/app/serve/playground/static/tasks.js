// The tasks of the server: those that the model was trained on first, one language at a time.
import { byId, make } from "./elements.js";
import { t } from "./words.js";

export class Tasks {
  constructor() {
    this.all = [];
  }

  /** Offer the tasks of a language; the one of the same family stays chosen. */
  offer(lang, wanted = byId("task").value) {
    const before = this.all.find((task) => task.name === wanted);
    const here = this.all.filter((task) => task.lang === lang);
    const groups = [["trained", here.filter((task) => task.trained)], ["untrained", here.filter((task) => !task.trained)]];
    const option = (task) => make("option", { value: task.name }, `${task.name} · ${this.says(task)}`);
    byId("task").replaceChildren(
      ...groups.filter(([, some]) => some.length).map(([name, some]) => make("optgroup", { label: t(name) }, ...some.map(option))),
    );
    const same = here.find((task) => task.name === wanted) ?? here.find((task) => task.family === before?.family);
    byId("task").value = (same ?? here.find((task) => task.trained) ?? here[0])?.name ?? "";
    this.tellSets();
  }

  named(name) {
    return this.all.find((task) => task.name === name);
  }

  says(task) {
    return t(`family-${task.family}`, {}, task.word);
  }

  /** Tell the label sets of the chosen task. */
  tellSets() {
    const task = this.named(byId("task").value);
    byId("sets").hidden = !task;
    if (!task) return;
    const list = (labels) => make("dd", { lang: task.lang }, ...(labels ?? [t("any-label")]).map((label) => make("span.chip", {}, label)));
    const items = task.shape === "facts" ? "relations" : "item-labels";
    byId("sets").querySelector("dl").replaceChildren(
      make("dt", {}, t("text-labels")), list(task.labels), make("dt", {}, t(items)), list(task.item_labels),
    );
  }
}
