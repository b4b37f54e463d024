"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const state = { dataset: 0, sample: 0, layer: 0, flow: "target", view: data.view, map: null };
const NS = "http://www.w3.org/2000/svg";
const COLOURS = ["var(--wp)", "var(--pq)", "var(--ww)"];

const dataset = () => data.datasets[state.dataset];
const sample = () => dataset().samples[state.sample];

function option(select, names) {
  select.replaceChildren(...names.map((name, value) => {
    const made = document.createElement("option");
    made.value = value;
    made.textContent = name;
    return made;
  }));
}

// one layer, or the sum over all of them where the slider stands at its end (the map: the greatest)
function values(rows) {
  const count = dataset().layers.length;
  if (state.layer < count) return rows[state.layer];
  return rows[0].map((_, place) => rows.reduce((sum, row) => sum + row[place], 0));
}

function drawText() {
  const shown = sample(), box = at("text");
  box.lang = dataset().lang;
  if (!shown) { box.textContent = "No sample of this dataset was kept with its maps."; return; }
  const flow = values(state.flow === "target" ? shown.target : shown.info);
  const chars = Array.from(shown.text);
  const heat = new Array(chars.length).fill(0), role = new Array(chars.length).fill("FRAME");
  shown.spans.forEach(([start, end], token) => {
    for (let place = start; place < end; place++) {
      heat[place] += flow[token] / (end - start);
      role[place] = data.roles[shown.token_roles[token]];
    }
  });
  const top = Math.max(...heat) || 1;
  box.replaceChildren(...chars.map((char, place) => {
    const made = document.createElement("span");
    made.className = role[place];
    made.style.backgroundColor = `rgba(var(--hot), ${(0.8 * Math.sqrt(heat[place] / top)).toFixed(3)})`;
    made.title = `${char} ${heat[place].toExponential(2)}`;
    made.textContent = char;
    return made;
  }));
}

async function bytes(text) {
  const packed = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function loadMap() {
  const shown = sample();
  state.map = null;
  if (shown) {
    const found = await bytes(shown.map);
    if (shown === sample()) state.map = found;
  }
  drawMap();
}

function cell(layer, row, column) {
  const size = sample().spans.length;
  return state.map[(layer * size + row) * size + column];
}

function level(row, column) {
  const count = dataset().layers.length;
  if (state.layer < count) return cell(state.layer, row, column);
  let most = 0;
  for (let layer = 0; layer < count; layer++) most = Math.max(most, cell(layer, row, column));
  return most;
}

function drawMap() {
  const canvas = at("map"), shown = sample();
  const size = shown ? shown.spans.length : 1;
  canvas.width = canvas.height = size;
  if (!state.map) return;
  const context = canvas.getContext("2d"), image = context.createImageData(size, size);
  const hot = getComputedStyle(document.documentElement).getPropertyValue("--hot").split(",");
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < row; column++) {
      const place = 4 * (row * size + column);
      for (let part = 0; part < 3; part++) image.data[place + part] = Number(hot[part]);
      image.data[place + 3] = level(row, column);
    }
  }
  context.putImageData(image, 0, 0);
}

function under(event) {
  const shown = sample();
  if (!shown || !state.map) return;
  const box = at("map").getBoundingClientRect(), size = shown.spans.length;
  const column = Math.min(size - 1, Math.floor((event.clientX - box.left) / box.width * size));
  const row = Math.min(size - 1, Math.floor((event.clientY - box.top) / box.height * size));
  if (column >= row || column < 0) { at("under").textContent = ""; return; }
  const chars = Array.from(shown.text);
  const name = (token) => chars.slice(...shown.spans[token]).join("") || "(beginning of text)";
  const found = level(row, column), share = 10 ** (4 * (found / 255 - 1));
  const told = found ? share.toPrecision(2) : "at most 0.0001";
  at("under").textContent =
    `from “${name(column)}” to “${name(row)}”: ${told} of the greatest flow`;
}

function line(points, colour, width, dash) {
  const made = document.createElementNS(NS, "polyline");
  const told = { points: points.map((pair) => pair.join(",")).join(" "), fill: "none",
    stroke: colour, "stroke-width": width, "stroke-dasharray": dash || "none" };
  Object.entries(told).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

function dot(x, y, colour) {
  const made = document.createElementNS(NS, "circle");
  Object.entries({ cx: x, cy: y, r: 2.5, fill: colour })
    .forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

function area(points, colour) {
  const made = document.createElementNS(NS, "polygon");
  made.setAttribute("points", points.map((pair) => pair.join(",")).join(" "));
  made.setAttribute("fill", colour);
  made.setAttribute("opacity", "0.22");
  return made;
}

function label(x, y, words, anchor) {
  const made = document.createElementNS(NS, "text");
  made.setAttribute("x", x);
  made.setAttribute("y", y);
  made.setAttribute("text-anchor", anchor || "middle");
  made.textContent = words;
  return made;
}

// everything that is drawn is within the scale; 0 has no logarithm and is left out
function scale(curves) {
  if (state.view === "shares") return { low: 0, high: 1, place: (value) => value };
  const drawn = curves.flatMap((one, number) => [
    ...one.middle, ...(one.random || []), ...(number < 2 ? [...one.null_low, ...one.null_high] : []),
  ]).filter((value) => value > 0);
  const least = drawn.length ? Math.min(...drawn) : 1, most = drawn.length ? Math.max(...drawn) : 1;
  const low = Math.log10(least), high = Math.log10(most);
  const place = (value) => value > 0 ? (Math.log10(value) - low) / (high - low || 1) : 0;
  return { low: least, high: most, place };
}

// the layers that lie beside each other without a value that is exactly 0, such as the last of S_wp
function stretches(values) {
  const found = [];
  values.forEach((value, index) => {
    if (!(value > 0)) return;
    if (!(values[index - 1] > 0)) found.push([]);
    found.at(-1).push(index);
  });
  return found;
}

function drawCurves() {
  const svg = at("curves"), curves = dataset()[state.view], layers = dataset().layers;
  const { low, high, place } = scale(curves);
  const x = (index) => 62 + index * 620 / Math.max(1, layers.length - 1);
  const y = (value) => 232 - 214 * place(value);
  const points = (values, indices) => indices.map((index) => [x(index), y(values[index])]);
  const curve = (values, ...look) => stretches(values).map((indices) => indices.length > 1
    ? line(points(values, indices), ...look) : dot(...points(values, indices)[0], look[0]));
  const parts = [];
  curves.forEach((one, number) => {
    if (number < 2) {
      parts.push(...stretches(one.null_high).map((indices) => area([
        ...points(one.null_low, indices), ...points(one.null_high, indices).reverse(),
      ], COLOURS[number])));
    }
    if (one.random) parts.push(...curve(one.random, COLOURS[number], 1.2, "2 4"));
    parts.push(...curve(one.middle, COLOURS[number], 2.2));
  });
  if (state.layer < layers.length) {
    parts.push(line([[x(state.layer), 14], [x(state.layer), 236]], "var(--soft)", 1, "4 3"));
  }
  const step = Math.ceil(layers.length / 18);
  layers.forEach((name, index) => {
    if (index % step === 0) parts.push(label(x(index), 250, name));
  });
  parts.push(label(372, 268, "layer"));
  const told = (value) => state.view === "shares" ? String(value) : value.toExponential(0);
  parts.push(label(56, 22, told(high), "end"), label(56, 236, told(low), "end"));
  svg.replaceChildren(...parts);
  at("means").textContent = state.view === "shares"
    ? "Share of the three means in each layer" : "Mean flow per pair of tokens (log scale)";
}

function drawWords() {
  at("words").replaceChildren(...dataset().conclusions.map((words) => {
    const made = document.createElement("li");
    made.textContent = words;
    return made;
  }));
}

function drawAll() {
  const layers = dataset().layers;
  at("layer").max = layers.length;
  at("which").textContent = state.layer < layers.length
    ? `layer ${layers[state.layer]}` : "all layers: their sum in the text, the greatest in the map";
  at("count").textContent = `${state.sample + 1} of ${Math.max(1, dataset().samples.length)}`;
  at("id").textContent = sample() ? sample().id : "";
  drawText();
  drawMap();
  drawCurves();
}

function show(change) {
  Object.assign(state, change);
  drawAll();
}

function open(number) {
  show({ dataset: number, sample: 0, layer: data.datasets[number].layers.length });
  at("layer").value = state.layer;
  drawWords();
  loadMap();
}

function step(by) {
  const count = Math.max(1, dataset().samples.length);
  show({ sample: (state.sample + by + count) % count });
  loadMap();
}

option(at("dataset"), data.datasets.map((one) => one.name));
at("dataset").addEventListener("change", (event) => open(Number(event.target.value)));
at("flow").addEventListener("change", (event) => show({ flow: event.target.value }));
at("view").value = state.view;
at("view").addEventListener("change", (event) => show({ view: event.target.value }));
at("layer").addEventListener("input", (event) => show({ layer: Number(event.target.value) }));
at("before").addEventListener("click", () => step(-1));
at("after").addEventListener("click", () => step(1));
at("map").addEventListener("mousemove", under);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);
open(0);
