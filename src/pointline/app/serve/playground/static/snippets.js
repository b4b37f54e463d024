// A question as code that asks it again, and its answer as JSON. A token is never written into it.
import { address } from "./asking.js";

const target = () => address("v1/extract").replaceAll("'", "%27");

/** The code in one form: "json" is the answer, "python" and "curl" ask for it. */
export function snippet(form, { body, result, withToken }) {
  if (form === "json") return JSON.stringify(result, null, 2);
  return form === "python" ? python(body, withToken) : curl(body, withToken);
}

function python(body, withToken) {
  const headers = ['"Content-Type": "application/json"'];
  if (withToken) headers.push('"Authorization": "Bearer " + os.environ["POINTLINE_TOKEN"]');
  return [
    "import json",
    ...(withToken ? ["import os  # put the server's token into POINTLINE_TOKEN"] : []),
    "import urllib.request",
    "",
    `body = ${literal(body)}`,
    "request = urllib.request.Request(",
    `    ${JSON.stringify(target())},`,
    "    data=json.dumps(body).encode(),",
    `    headers={${headers.join(", ")}},`,
    ")",
    "with urllib.request.urlopen(request) as answer:",
    '    result = json.load(answer)["results"][0]',
    "print(json.dumps(result, ensure_ascii=False, indent=2))",
    "",
  ].join("\n");
}

/** A value as Python writes it: JSON's strings and numbers are Python's, its words are not. */
function literal(value, indent = "") {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((one) => literal(one, indent)).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const rows = Object.entries(value).map(([key, one]) => `${inner}${JSON.stringify(key)}: ${literal(one, inner)},\n`);
  return `{\n${rows.join("")}${indent}}`;
}

/** A here-document needs no quoting: JSON on one line cannot be its last line. */
function curl(body, withToken) {
  return [
    ...(withToken ? ["# put the server's token into POINTLINE_TOKEN"] : []),
    `curl -sS '${target()}' \\`,
    '  -H "Content-Type: application/json" \\',
    ...(withToken ? ['  -H "Authorization: Bearer $POINTLINE_TOKEN" \\'] : []),
    "  --data-binary @- <<'JSON'",
    JSON.stringify(body),
    "JSON",
    "",
  ].join("\n");
}
