// The items of the translation as rows: label, entity, place, remove. And the original's, to read.
import { make } from "./elements.js";
import { occurrences } from "./points.js";

const hue = (element, value) => {
  element.style.setProperty("--h", value ?? 210);
  return element;
};

/** A choice of one label: a list for a closed set, a text with proposals for an open one. */
function labelField(value, known, name, onset) {
  if (known) {
    const labels = known.includes(value) || !value ? known : [value, ...known];
    const made = make("select.item-label", { "aria-label": name });
    if (!value) made.append(make("option", { value: "" }, "choose"));
    for (const label of labels) made.append(make("option", { value: label }, label));
    made.value = value;
    made.addEventListener("change", () => onset(made.value));
    return made;
  }
  const made = make("input.item-label", { "aria-label": name, list: "known-labels", size: 12 });
  made.value = value;
  made.addEventListener("input", () => onset(made.value));
  return made;
}

export class Rows {
  /** `list` holds the rows; `on` is told of edits: changed(), target(at), rebuild(). */
  constructor(list, on) {
    Object.assign(this, { list, on, rows: [], target: null });
  }

  build(board, hues, locked) {
    this.board = board;
    const { lang, item_labels: known } = board.view.record;
    const pairs = board.pairs.map((pair, at) => this.pairRow(pair, at, known));
    const facts = board.facts.map((fact, at) => this.factRow(fact, at, known));
    this.rows = [...pairs, ...facts];
    this.list.lang = lang;
    this.list.replaceChildren(...this.rows.map((row) => row.element));
    if (locked) for (const each of this.list.querySelectorAll("input,select,button")) each.disabled = true;
    this.refresh(hues, board.faults());
  }

  row(where, item, link, parts, remove) {
    const fault = make("span.fault", { id: `fault-${where.replace("/", "-")}` });
    const button = make("button.quiet.small", {
      type: "button", "aria-label": `Remove item ${item + 1}`, title: "Remove (Alt+Backspace)",
      onclick: remove,
    }, "×");
    const element = make("li", { "data-item": item, "data-link": link }, ...parts, button, fault);
    element.addEventListener("keydown", (event) => {
      if (event.altKey && event.key === "Backspace") {
        event.preventDefault();
        remove();
      }
    });
    return { where, element, fault };
  }

  pairRow(pair, at, known) {
    const label = labelField(pair.label, known, `Label of item ${at + 1}`, (value) => {
      pair.label = value;
      this.on.changed();
    });
    const entity = make("input.entity", {
      "aria-label": `Entity of item ${at + 1}`, dir: "auto", autocomplete: "off",
      "aria-describedby": `fault-pairs-${at}`, spellcheck: "false",
    });
    entity.value = pair.entity;
    entity.addEventListener("input", () => {
      this.board.setEntity(at, entity.value);
      this.on.changed();
    });
    entity.addEventListener("focus", () => this.aim({ pair: at, element: entity }));
    const place = make("button.quiet.small.place", { type: "button", onclick: () => {
      this.board.nextPlace(at);
      this.on.changed();
    } });
    const remove = () => {
      this.board.pairs.splice(at, 1);
      this.on.rebuild();
    };
    const made = this.row(`pairs/${at}`, at, pair.link, [label, entity, place], remove);
    return { ...made, pair, entity, place };
  }

  factRow(fact, at, known) {
    const item = this.board.pairs.length + at;
    const fields = fact.fields.map((value, place) => {
      const name = `Item ${item + 1}, field ${place + 1}`;
      const set = (told) => {
        fact.fields[place] = told;
        this.on.changed();
      };
      if (place === 1) return labelField(value, known, name, set);
      const field = make("input.entity", {
        "aria-label": name, dir: "auto", autocomplete: "off", spellcheck: "false",
        "aria-describedby": `fault-facts-${at}`,
      });
      field.value = value;
      field.addEventListener("input", () => set(field.value));
      field.addEventListener("focus", () => this.aim({ fact: at, place, element: field }));
      return field;
    });
    const more = make("button.quiet.small", {
      type: "button", "aria-label": `One more field in item ${item + 1}`, title: "One more field",
      onclick: () => {
        fact.fields.push("");
        this.on.rebuild();
      },
    }, "+");
    const remove = () => {
      this.board.facts.splice(at, 1);
      this.on.rebuild();
    };
    return this.row(`facts/${at}`, item, fact.link, [...fields, more], remove);
  }

  /** The field that a selection in the text may be put into: the one that had the focus last. */
  aim(target) {
    this.target = target;
    this.on.aimed();
  }

  refresh(hues, faults) {
    for (const row of this.rows) {
      const found = faults.find((fault) => fault.where === row.where);
      const label = row.pair ? row.pair.label : row.element.querySelector(".item-label").value;
      hue(row.element, hues.get(label));
      row.fault.textContent = found ? found.reason : "";
      row.element.classList.toggle("bad", Boolean(found?.grave));
      row.element.classList.toggle("warned", Boolean(found && !found.grave));
      if (!row.pair) continue;
      if (document.activeElement !== row.entity) row.entity.value = row.pair.entity;
      row.entity.setAttribute("aria-invalid", found?.grave ? "true" : "false");
      this.tellPlace(row);
    }
  }

  tellPlace({ pair, place }) {
    const found = occurrences(this.board.text, pair.entity);
    const several = found.length > 1;
    place.hidden = !several;
    if (!several) return;
    const which = pair.start === null ? "any" : found.indexOf(pair.start) + 1;
    place.textContent = `${which} of ${found.length}`;
    place.title = "Another place in the text";
    place.setAttribute("aria-label", `Place ${which} of ${found.length}: take the next`);
  }
}

/** The original's items, to read. */
export function readRows(list, side, hues) {
  const pairs = side.pairs.map((pair, at) =>
    hue(make("li.read", { "data-item": at, "data-link": at },
      make("b", {}, pair.label), make("bdi", {}, pair.entity)), hues.get(pair.label)));
  const facts = side.facts.map((fact, at) => {
    const item = side.pairs.length + at;
    return hue(make("li.read", { "data-item": item, "data-link": item },
      make("bdi", {}, fact.fields[0]), make("b", {}, fact.fields[1]),
      make("bdi", {}, fact.fields.slice(2).join("; "))), hues.get(fact.fields[1]));
  });
  list.lang = side.lang;
  list.replaceChildren(...pairs, ...facts);
}
