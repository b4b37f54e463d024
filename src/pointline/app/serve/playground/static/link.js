// What is asked, as a fragment of the address: it stays in the browser, no server is sent it.

/** The fragment of a question, without "#". */
export function packed(question) {
  const bytes = new TextEncoder().encode(JSON.stringify(question));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The question of a fragment; null where it holds none. */
export function unpacked(fragment) {
  try {
    const binary = atob(fragment.replace(/^#/, "").replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return found && typeof found === "object" && !Array.isArray(found) ? found : null;
  } catch {
    return null; // anybody can make a fragment
  }
}
