// Edits that are not saved yet stay in this browser: so many, for so long, and no more.
const PREFIX = "pointline-edit";
const MOST = 100; // items
const LONGEST = 30 * 24 * 3600 * 1000; // milliseconds

/** Another queue on this port numbers its reviews and items alike: its name keeps them apart. */
export class Unsaved {
  constructor({ queue, review }) {
    this.place = `${PREFIX} ${queue} ${review}`;
    guarded(() => tidy(MOST));
  }

  // a second opinion is on the draft as it came, whatever happened to the item since
  key({ id, version, second }) {
    return `${this.place} ${id} ${second ? "second" : version}`;
  }

  /** Keep a record's edits; false where the browser cannot. */
  keep(view, record) {
    const key = this.key(view);
    return guarded(() => {
      if (localStorage.getItem(key) === null) tidy(MOST - 1);
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), record }));
      return true;
    }, false);
  }

  recall(view) {
    return guarded(() => read(this.key(view))?.record ?? null, null);
  }

  forget(view) {
    guarded(() => localStorage.removeItem(this.key(view)));
  }

  /** Take out the edits that were made on another version of an item; null where there are none. */
  takeOlder(view) {
    return guarded(() => {
      const others = keys().filter((key) => key.startsWith(`${this.place} ${view.id} `)
        && key !== this.key(view) && !key.endsWith(" second"));
      const found = others.map(read).sort(byAge).pop();
      for (const key of others) localStorage.removeItem(key);
      return found?.record ?? null;
    }, null);
  }
}

const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX} `));
const byAge = (one, other) => one.at - other.at;

function read(key) {
  const kept = localStorage.getItem(key);
  return kept && JSON.parse(kept);
}

/** Remove what is too old, and the oldest of what is too many. */
function tidy(most) {
  const all = keys().map((key) => ({ key, at: read(key).at })).sort(byAge);
  const late = Date.now() - LONGEST;
  const gone = all.filter(({ at }, place) => at < late || place < all.length - most);
  for (const { key } of gone) localStorage.removeItem(key);
}

/** A browser may have no room left, or may not let a page keep anything. */
function guarded(work, otherwise) {
  try {
    return work();
  } catch (error) {
    if (error instanceof DOMException) return otherwise;
    throw error;
  }
}
