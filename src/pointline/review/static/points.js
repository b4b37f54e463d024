// Offsets: records count code points, the page counts UTF-16 units. And spans that follow an edit.

/** The number of code points before a UTF-16 index. */
export function toPoint(text, unit) {
  let points = 0;
  for (let at = 0; at < unit; at += text.codePointAt(at) > 0xffff ? 2 : 1) points += 1;
  return points;
}

/** The UTF-16 index of a code point. */
export function toUnit(text, point) {
  let at = 0;
  for (let left = point; left > 0 && at < text.length; left -= 1)
    at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

/** The UTF-16 index of every code point of a text, and of its end. */
export function unitsOf(text) {
  const units = [];
  for (let at = 0; at < text.length; at += text.codePointAt(at) > 0xffff ? 2 : 1) units.push(at);
  units.push(text.length);
  return units;
}

/** Whether an index falls between the halves of one character. */
export function isWithin(text, unit) {
  const before = text.charCodeAt(unit - 1);
  const after = text.charCodeAt(unit);
  return before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
}

/** What replaced what: text[at, at + removed) became `inserted`; the caret stands behind it. */
export function difference(before, after, caret) {
  const tail = after.slice(caret);
  let same = before.endsWith(tail) && caret <= after.length ? tail.length : 0;
  const most = Math.min(before.length, after.length);
  let at = 0;
  while (at < most - same && before[at] === after[at]) at += 1;
  while (same < most - at && before[before.length - 1 - same] === after[after.length - 1 - same])
    same += 1;
  if (isWithin(before, at) || isWithin(after, at)) at -= 1;
  if (isWithin(before, before.length - same) || isWithin(after, after.length - same)) same -= 1;
  return {
    at,
    removed: before.length - same - at,
    inserted: after.slice(at, after.length - same),
  };
}

/** Where a span is after an edit: it moves, it grows with an edit inside it, or it is lost (null). */
export function moved(span, edit) {
  const end = edit.at + edit.removed;
  const by = edit.inserted.length - edit.removed;
  if (span.end <= edit.at) return span;
  if (span.start >= end) return { start: span.start + by, end: span.end + by };
  if (edit.at >= span.start && end <= span.end && span.end + by > span.start)
    return { start: span.start, end: span.end + by };
  return null;
}

/** Every start of an entity in a text. */
export function occurrences(text, entity) {
  const found = [];
  for (let at = entity ? text.indexOf(entity) : -1; at >= 0; at = text.indexOf(entity, at + 1))
    found.push(at);
  return found;
}

/** The occurrence of an entity that is nearest to an index; null where there is none. */
export function nearest(text, entity, near) {
  const found = occurrences(text, entity);
  if (!found.length) return null;
  const start = found.reduce((a, b) => (Math.abs(b - near) < Math.abs(a - near) ? b : a));
  return { start, end: start + entity.length };
}

/** A selection without blanks at its edges, and without half a character. */
export function trimmed(text, start, end) {
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  if (isWithin(text, start)) start -= 1;
  if (isWithin(text, end)) end += 1;
  return { start, end };
}
