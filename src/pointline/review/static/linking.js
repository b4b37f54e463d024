// Items and their counterparts light up together, under the pointer and by the focus.

export function linkUp(main, text) {
  main.addEventListener("pointermove", (event) => {
    // the marks lie under the text box
    const under = event.target === text ? document.elementsFromPoint(event.clientX, event.clientY) : [event.target];
    light(lit(under.find((element) => element.matches?.("mark, li *, li"))));
  });
  main.addEventListener("focusin", (event) => light(lit(event.target)));
}

function light(marks) {
  for (const each of document.querySelectorAll(".on")) each.classList.remove("on");
  if (!marks) return;
  const { links, items, pane } = marks;
  for (const each of document.querySelectorAll("[data-items], li[data-item]")) {
    const here = pane.contains(each);
    const has = (name, wanted_) => (each.dataset[name] ?? "").split(" ").some((v) => v && wanted_.includes(v));
    const same = here ? has("items", items) || has("item", items) : has("links", links) || has("link", links);
    each.classList.toggle("on", same);
  }
}

function lit(element) {
  const found = element?.closest?.("mark, li[data-item]");
  if (!found) return null;
  const split = (value) => (value ?? "").split(" ").filter(Boolean);
  const items = split(found.dataset.items ?? found.dataset.item);
  return { items, links: split(found.dataset.links ?? found.dataset.link), pane: found.closest(".pane") };
}
