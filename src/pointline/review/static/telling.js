// What is told about an item and about the review: numbers, status, rules, history.
import { byId, make, show } from "./elements.js";

const whole = new Intl.NumberFormat();
const WHAT = {
  fix: "fixed", accepted: "accepted", rejected: "rejected", skipped: "skipped", flag: "flagged",
  unflag: "took the flag away", comment: "commented", undo: "undid", second: "gave a second opinion",
};

export function tellNumbers(progress, told) {
  const { total, done, statuses, an_hour: pace, hours_left: left, corrected, second } = progress;
  const bar = byId("progress");
  for (const part of bar.children)
    part.style.width = `${(100 * (statuses[part.className] ?? 0)) / (total || 1)}%`;
  bar.setAttribute("aria-valuemax", total);
  bar.setAttribute("aria-valuenow", done);
  const accepted = statuses.accepted ?? 0;
  byId("numbers").textContent = [
    `${whole.format(done)} of ${whole.format(total)} decided`,
    accepted ? `${Math.round((100 * corrected) / accepted)} % corrected` : "",
    pace ? `${whole.format(pace)} an hour` : "",
    pace && statuses.open ? `${duration(left)} left` : "",
    second ? `${whole.format(second)} for your second opinion` : "",
  ].filter(Boolean).join(" · ");
  for (const option of byId("view").options) {
    const name = told.views[option.value];
    const count = { ...statuses, flagged: progress.flagged, second, "": total }[option.value];
    option.textContent = count === undefined && option.value !== "open" ? name : `${name} (${whole.format(count ?? 0)})`;
  }
}

function duration(hours) {
  if (hours < 1) return `${Math.max(1, Math.round(60 * hours))} min`;
  return hours < 20 ? `${hours.toFixed(1)} h` : `${Math.round(hours)} h`;
}

export function tellAbout(view) {
  byId("number").textContent = `No. ${whole.format(view.number)}`;
  byId("record-id").textContent = view.record_id;
  byId("status").textContent = { open: "to do" }[view.status] ?? view.status;
  byId("status").className = `chip ${view.status}`;
  byId("status").title = view.reason;
  if (view.reason) byId("status").textContent += `: ${view.reason}`;
  show(byId("flag"), view.flagged);
  byId("rules").replaceChildren(...view.rules.map((rule) => make("span.chip.rule", { title: "A rule that fired on this draft" }, rule)));
  byId("about").textContent = Object.entries(view.about)
    .filter(([key]) => key !== "doubt")
    .map(([key, value]) => `${key.replaceAll("_", " ")}: ${value}`)
    .join(" · ");
}

export function tellHistory(view) {
  const history = byId("history");
  show(history, view.events.length > 0);
  const comments = view.events.filter((event) => event.action === "comment").length;
  history.querySelector("summary").textContent =
    `History (${view.events.length})${comments ? `, ${comments} comment${comments > 1 ? "s" : ""}` : ""}`;
  history.open = comments > 0 || view.events.some((event) => event.action === "second");
  history.querySelector("ol").replaceChildren(...view.events.map(tellEvent));
}

function tellEvent(event) {
  const when = new Date(1000 * event.at).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
  const opinion = event.action === "second" ? `: ${event.opinion.filter(Boolean).join(", ")}` : "";
  const note = event.note && event.action !== "undo" ? [": ", make("q", { dir: "auto" }, event.note)] : [];
  const undid = event.action === "undo" ? ` “${WHAT[event.note] ?? event.note}”` : "";
  return make(event.undone ? "li.undone" : "li", {},
    make("b", {}, event.who), ` ${WHAT[event.action] ?? event.action}${opinion}${undid}`, ...note,
    make("span.soft", {}, ` ${when}`));
}
