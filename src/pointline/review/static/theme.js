// Light, dark, or what the system says: set before the first paint, on every page.
const THEMES = ["auto", "light", "dark"];
const KEY = "pointline-theme";
const root = document.documentElement;
const chosen = () => root.dataset.theme;
root.dataset.theme = kept(() => localStorage.getItem(KEY)) || "auto";

/** A browser may have no room left, or may not let a page keep anything. */
function kept(what) {
  try {
    return what();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-theme-next]")) {
    const say = () => (button.title = button.dataset[chosen()] ?? `Colours: ${chosen()}`);
    button.addEventListener("click", () => {
      const next = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length];
      kept(() => localStorage.setItem(KEY, next));
      root.dataset.theme = next;
      say();
    });
    say();
  }
  for (const time of document.querySelectorAll("time[data-at]"))
    time.textContent = new Date(1000 * Number(time.dataset.at)).toLocaleString();
  for (const form of document.querySelectorAll("form[data-busy]"))
    form.addEventListener("submit", () => {
      const button = form.querySelector("button.main");
      button.textContent = form.dataset.busy;
      button.setAttribute("aria-busy", "true");
    });
  const filters = document.querySelector("main form.filters");
  if (filters) filters.addEventListener("change", (event) => {
    if (event.target.matches("select")) filters.requestSubmit();
  });
});
