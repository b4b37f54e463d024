// What is asked of the server: a question, its refusals by name, patience where it is full.

const TRIES = 5;
const KINDS = {
  400: "values", 401: "token", 403: "token", 404: "values", 408: "time", 413: "large",
  415: "values", 421: "values", 422: "values", 429: "full", 503: "closed", 504: "time",
};

/** A question that was not answered: `kind` names the trouble, the message is the server's own. */
export class Refusal extends Error {
  constructor(kind, message = "", status = 0) {
    super(message);
    Object.assign(this, { kind, status });
  }
}

/** The address of a part of the interface, beside this page. */
export const address = (path) => new URL(path, document.baseURI).href.replace(/#.*/, "");

/**
 * The answer to one question: a result as the interface has it.
 * Where the queue is full it is asked again after the time that the server names;
 * `onwait(seconds, again)` tells of every second of that, down to 0; `again()` ends the wait.
 */
export async function ask(body, { signal, token, onwait = () => {} } = {}) {
  const sent = { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" }, signal };
  for (let tried = 1; ; tried += 1) {
    const answer = await send("v1/extract", token, sent);
    if (answer.status === 429 && tried < TRIES) {
      await pause(seconds(answer), signal, onwait);
      onwait(0);
      continue;
    }
    const told = await read(answer);
    const result = told.results?.[0];
    if (!result) throw new Refusal("odd", "", answer.status);
    if (result.error) throw new Refusal("failed", result.error.message, answer.status);
    return { model: told.model, result };
  }
}

/** What else the server tells: the tasks, its health. */
export async function tell(path, { token } = {}) {
  return read(await send(path, token, {}));
}

async function send(path, token, { headers = {}, ...rest }) {
  const all = token ? { ...headers, authorization: `Bearer ${token}` } : headers;
  try {
    return await fetch(address(path), { ...rest, headers: all, credentials: "same-origin", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (error instanceof TypeError && token && /[^\x20-\x7e]/.test(token)) throw new Refusal("token");
    throw new Refusal("away");
  }
}

async function read(answer) {
  let told;
  try {
    told = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(answer.ok ? "odd" : (KINDS[answer.status] ?? "broken"), "", answer.status);
  }
  if (answer.ok) return told;
  throw new Refusal(KINDS[answer.status] ?? "broken", told?.error?.message ?? "", answer.status);
}

function seconds(answer) {
  const named = Number(answer.headers.get("retry-after"));
  return named > 0 && named < 3600 ? Math.ceil(named) : 2;
}

function pause(left, signal, onwait) {
  return new Promise((resolve, reject) => {
    const end = (how) => (value) => {
      clearInterval(timer);
      signal?.removeEventListener("abort", stop);
      how(value);
    };
    const again = end(resolve);
    const stop = () => end(reject)(new DOMException("", "AbortError"));
    const timer = setInterval(() => ((left -= 1) > 0 ? onwait(left, again) : again()), 1000);
    signal?.addEventListener("abort", stop);
    onwait(left, again);
    if (signal?.aborted) stop();
  });
}
