// The page: a question is asked, its answer drawn; one thing runs at a time and can be cancelled.
import { address, ask, Refusal, tell } from "./asking.js";
import { drawAnswer, huesFor } from "./answer.js";
import { byId, make, show } from "./elements.js";
import { Form } from "./form.js";
import { askInfluence, drawInfluence, itemsOf } from "./influence.js";
import { packed, unpacked } from "./link.js";
import { bodyOf, fault, questionOf } from "./question.js";
import { snippet } from "./snippets.js";
import { pointAt } from "./spans.js";
import { firstSpoken, speak, t } from "./words.js";

const LONGEST_LINK = 30_000; // characters of an address that browsers and their users still carry

const form = new Form(() => drawStale());
let asked = null; // {question, body, lang, sets}, what the shown answer was asked with
let found = null; // {result, model, took}
let influence = null; // what is known of the levels' influence, null before it was asked
let running = null; // the AbortController of what runs
let model = "";

const token = () => byId("token").value.trim();

// ---------------------------------------------------------------- running

/** Do one thing that can be cancelled; what ran before is cancelled. */
async function doing(name, what, words) {
  running?.abort();
  const mine = (running = new AbortController());
  const began = performance.now();
  const clock = setInterval(() => say(words, Math.floor((performance.now() - began) / 1000)), 1000);
  const took = () => (performance.now() - began) / 1000;
  trouble(null);
  say(words, 0);
  drawBusy(name);
  try {
    await what({ signal: mine.signal, token: token(), onwait: (left, again) => mine === running && waiting(left, again) }, took);
  } catch (error) {
    if (mine !== running) return; // another thing runs by now
    trouble(null);
    if (error.name === "AbortError") say(t("cancelled"));
    else if (error instanceof Refusal) trouble(error);
    else throw error;
  } finally {
    clearInterval(clock);
    if (mine === running) {
      running = null;
      drawBusy();
    }
  }
}

async function run() {
  const question = form.read();
  const wrong = fault(question);
  form.complain(wrong);
  if (wrong) return;
  const body = bodyOf(question);
  const now = { question, body, lang: form.lang(), sets: form.sets(question) };
  await doing("run", async (options, took) => {
    const answer = await ask(body, options);
    options.signal.throwIfAborted(); // the answer may have come while another was asked for
    [asked, influence] = [now, null];
    found = { ...answer, took: took() };
    keepLink(question);
    draw();
    const n = itemsOf(answer.result).length;
    say(t("done", { label: answer.result.label || t("no-label"), n }));
    if (byId("answer").getBoundingClientRect().top > innerHeight - 80) byId("answer").scrollIntoView();
  }, t("running"));
}

async function compare() {
  if (!found) return;
  const shown = found;
  await doing("compare", async (options) => {
    await askInfluence(asked.body, options, (known) => {
      if (shown !== found) return;
      influence = known;
      drawCompared();
    });
    say(t("compared"));
  }, t("comparing"));
}

function cancel() {
  running?.abort();
}

// ---------------------------------------------------------------- saying

/** Say what happens; the seconds are for the eye only. */
function say(words, seconds = 0) {
  const [told, clock] = byId("said").childNodes.length ? byId("said").children : [make("span"), make("span", { "aria-hidden": "true" })];
  if (!told.isConnected) byId("said").replaceChildren(told, clock);
  if (told.textContent !== words) told.textContent = words;
  clock.textContent = seconds ? ` ${t("seconds", { n: seconds })}` : "";
}

/** Tell of a refusal, with what can be done; null takes it back. */
function trouble(refusal) {
  show(byId("trouble"), Boolean(refusal));
  if (!refusal) return;
  say("");
  byId("trouble").scrollIntoView({ block: "nearest" });
  tellTrouble(t(`trouble-${refusal.kind}`), refusal.message, make("button", { type: "button", onclick: () => again() }, t("try-again")));
  if (refusal.kind === "token") {
    byId("more").open = true;
    byId("token").focus();
  }
}

function again() {
  if (form.tasks.all.length) run();
  else load();
}

function waiting(left, now) {
  show(byId("trouble"), left > 0);
  const words = t("asked-again", { n: left });
  if (byId("trouble").querySelector("[data-now]")) byId("trouble").querySelector("p").textContent = words;
  else tellTrouble(t("trouble-full"), words, make("button", { type: "button", "data-now": true }, t("ask-now")));
  byId("trouble").querySelector("[data-now]").onclick = now; // each wait has an end of its own
}

function tellTrouble(head, words, button) {
  byId("trouble").querySelector("h2").textContent = head;
  byId("trouble").querySelector("p").textContent = words;
  byId("trouble").querySelector(".actions").replaceChildren(button);
}

// ---------------------------------------------------------------- drawing

function draw() {
  show(byId("nothing"), !found);
  for (const id of ["answer", "influence", "code"]) show(byId(id), Boolean(found));
  if (!found) return;
  drawAnswer(found.result, { ...asked, model: found.model, took: found.took });
  drawCompared();
  drawSnippet();
  drawStale();
}

function drawCompared() {
  if (!influence) return byId("compared").replaceChildren();
  const hues = huesFor(found.result, asked.sets);
  drawInfluence(byId("compared"), found.result, influence, { hues, lang: asked.lang });
}

function drawSnippet() {
  const which = document.querySelector("input[name=form]:checked").value;
  byId("snippet").textContent = snippet(which, { body: asked.body, result: found.result, withToken: Boolean(token()) });
}

function drawStale() {
  show(byId("stale"), Boolean(found) && JSON.stringify(form.read()) !== JSON.stringify(asked.question));
}

function drawBusy(name = "") {
  const busy = Boolean(running);
  show(byId("cancel"), busy);
  byId("main").setAttribute("aria-busy", busy);
  byId("main").dataset.doing = busy ? name : "";
}

// ---------------------------------------------------------------- taking along

/** Keep the question in the address; what is too long for one is left out. */
function keepLink(question) {
  const fragment = `#${packed(question)}`;
  const fits = fragment.length <= LONGEST_LINK;
  history.replaceState(null, "", fits ? fragment : address(""));
  return fits;
}

async function copy(text, otherwise) {
  try {
    await navigator.clipboard.writeText(text);
    say(t("copied"));
  } catch {
    otherwise(); // not over plain HTTP, or not allowed
  }
}

function copyLink() {
  if (!keepLink(form.read())) return say(t("link-too-long"));
  copy(location.href, () => say(t("link-above")));
}

function copySnippet() {
  copy(byId("snippet").textContent, () => {
    getSelection().selectAllChildren(byId("snippet"));
    byId("snippet").focus();
    say(t("selected"));
  });
}

// ---------------------------------------------------------------- beginning

function speakNow(lang) {
  speak(lang);
  byId("spoken").value = lang;
  const colours = document.querySelector("[data-theme-next]");
  for (const theme of ["auto", "light", "dark"]) colours.dataset[theme] = t(`colours-${theme}`);
  colours.title = colours.dataset[document.documentElement.dataset.theme];
  form.speak();
  drawModel();
  draw();
}

function drawModel() {
  byId("model").textContent = model;
}

async function load() {
  const options = { token: token() };
  trouble(null);
  say(t("loading"));
  try {
    const [told, health] = await Promise.all([tell("v1/tasks", options), tell("health", options).catch(() => null)]);
    form.most = health?.limits?.text ?? 0;
    form.tasks.all = told.tasks ?? [];
    model = told.model ?? "";
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return trouble(error);
  }
  drawModel();
  form.write({ ...form.read(), task: wanted });
  say("");
}

let wanted = ""; // the task of a link, which is chosen as soon as the tasks are there

function takeLink() {
  const values = unpacked(location.hash);
  if (!values) return false;
  const question = questionOf(values);
  wanted = question.task;
  form.write(question);
  drawStale();
  return true;
}

async function begin() {
  speakNow(firstSpoken());
  form.samples = await tell("playground/samples.json").catch(() => []);
  form.speak();
  if (!takeLink()) {
    form.begin();
    wanted = form.samples.find(({ text }) => text === byId("text").value)?.task ?? "";
  }
  await load();
  document.body.dataset.ready = "";
}

byId("ask").addEventListener("submit", (event) => (event.preventDefault(), run()));
byId("cancel").addEventListener("click", cancel);
byId("drop").addEventListener("click", compare);
byId("link").addEventListener("click", copyLink);
byId("copy").addEventListener("click", copySnippet);
byId("code").addEventListener("change", drawSnippet);
byId("spoken").addEventListener("change", () => speakNow(byId("spoken").value));
byId("token").addEventListener("change", () => {
  if (!form.tasks.all.length) load();
  if (found) drawSnippet();
});
addEventListener("hashchange", takeLink);
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
    event.preventDefault();
    run();
  } else if (event.key === "Escape" && running && !event.isComposing) cancel();
});
for (const kind of ["pointerover", "focusin"])
  byId("answer").addEventListener(kind, (event) => {
    const part = event.target.closest("[data-items]");
    pointAt(byId("answer"), part ? part.dataset.items.split(" ").at(0) : null);
  });

begin();
