// Elements are made here, and never from a string of markup.

/** make("button.small", { type: "button" }, "text", node, ...) */
export function make(what, attributes = {}, ...children) {
  const [name, ...classes] = what.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

export const show = (element, visible) => {
  element.hidden = !visible;
};

export function fieldIn(target) {
  return Boolean(target.closest?.("input:not([type=checkbox]), textarea, select"));
}
