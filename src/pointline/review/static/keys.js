// Every key: what it does, and the table that the help shows. Plain keys work outside of fields,
// those with Ctrl or Alt everywhere.
export const KEYS = [
  ["Decide", [
    ["accept", ["a", "Ctrl+Enter"], "Accept, edits included, and go on"],
    ["reject", ["r", "Alt+r"], "Reject with a reason, and go on"],
    ["skip", ["s", "Alt+s"], "Skip for now, and go on"],
    ["fix", ["f", "Ctrl+s"], "Fix: apply the edits and stay"],
    ["next", ["n", "ArrowRight", "Alt+n"], "Next; edits are applied first"],
    ["previous", ["p", "ArrowLeft", "Alt+p"], "Previous"],
    ["undo", ["u", "Ctrl+z"], "Undo your last change, on whatever item"],
  ]],
  ["Edit", [
    ["edit", ["e"], "Edit the text"],
    ["items", ["i"], "Edit the items"],
    ["label", ["l"], "The text's label"],
    ["digit", ["1 … 9"], "Give the text its label of that number"],
    ["mark", ["Ctrl+k"], "With text selected: choose its item label (then 1 … 9)"],
    ["markDigit", ["Alt+1 … 9"], "With text selected: mark it with the label of that number"],
    ["add", ["+"], "One more item"],
    ["removeHint", ["Alt+Backspace"], "In an item: remove it"],
    ["restore", ["b"], "Back to the draft"],
    ["leave", ["Escape"], "Leave the field"],
  ]],
  ["Look", [
    ["flag", ["m", "Alt+m"], "Flag, or take the flag away"],
    ["comment", ["c", "Alt+c"], "Comment"],
    ["goto", ["g"], "Go to a number or a record id"],
    ["search", ["/"], "Search"],
    ["view", ["v"], "Filter by status"],
    ["list", ["o"], "The list"],
    ["history", ["h"], "History and comments of the item"],
    ["help", ["?"], "This help"],
  ]],
];

const ACTIONS = new Map(
  KEYS.flatMap(([, rows]) => rows.flatMap(([action, keys]) => keys.map((key) => [key, action]))),
);

/** The action of a key press, null where it has none; `typing` is whether the focus is in a field. */
export function actionOf(event, typing) {
  if (event.isComposing) return null;
  // AltGr, by which some keyboards write letters, is both at once on some systems
  if (event.ctrlKey && event.altKey) return null;
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
  const ctrl = event.ctrlKey || event.metaKey;
  if (event.altKey && !ctrl && digit) return { action: "markDigit", number: Number(digit) };
  if (event.key === "Escape") return { action: "leave" };
  let name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // with Alt some systems write another letter: the key itself counts
  if (event.altKey && /^Key[A-Z]$/.test(event.code)) name = event.code.slice(3).toLowerCase();
  const key = ctrl ? `Ctrl+${name}` : event.altKey ? `Alt+${name}` : name;
  if (typing && !ctrl && !event.altKey) return null;
  if (typing && key === "Ctrl+z") return null; // the field's own undo
  if (!ctrl && !event.altKey && digit && event.key === digit)
    return { action: "digit", number: Number(digit) };
  const action = ACTIONS.get(key);
  return action ? { action } : null;
}
