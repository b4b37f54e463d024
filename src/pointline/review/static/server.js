// What is asked of the server: one POST at a time, JSON both ways.
const csrf = document.querySelector("meta[name=csrf]").content;

export class Refusal extends Error {
  constructor(status, told) {
    super(told.error || "the server could not do that");
    Object.assign(this, { status, told });
  }
}

export async function post(review, what, values, { keepalive = false } = {}) {
  let answer;
  try {
    answer = await fetch(`/r/${review}/api/${what}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf": csrf },
      body: JSON.stringify(values),
      keepalive,
    });
  } catch {
    throw new Refusal(0, { error: "the server does not answer: your edit is kept in this browser" });
  }
  const told = await answer.json().catch(() => ({ error: `the server said ${answer.status}` }));
  if (!answer.ok) throw new Refusal(answer.status, told);
  return told;
}
