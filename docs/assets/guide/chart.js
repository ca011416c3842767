// Quality against speed as an SVG picture that fits its column, with the same numbers in a table for those who cannot see it.

import { drawnToFit, h } from "./dom.js";

const HEIGHT = 300;
const MARGIN = { left: 34, right: 14, top: 14, bottom: 40 };
const LINE = 15; // height of a label
const LETTER = 6.4; // its usual width per letter
const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000];
const ORDER = { other: 0, alternative: 1, choice: 2 };

/** The chart of a plan; it is drawn again where its column gets another width. */
export function chart(data) {
  return h("figure", { class: "sg-figure" }, drawnToFit((width) => picture(data, width)), h("figcaption", {}, data.about), table(data));
}

function scales(points, width) {
  const speeds = points.map((point) => Math.log10(Math.max(point.tps, 0.05)));
  const qualities = points.map((point) => point.quality);
  const scale = (values, from, to, pad) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = Math.max(high - low, 0.1) * pad;
    return (value) => from + ((value - low + room) / (high - low + 2 * room)) * (to - from);
  };
  const x = scale(speeds, MARGIN.left, width - MARGIN.right, 0.08);
  return { x: (tps) => x(Math.log10(Math.max(tps, 0.05))), y: scale(qualities, HEIGHT - MARGIN.bottom, MARGIN.top, 0.1) };
}

function picture(data, width) {
  const { x, y } = scales(data.points, width);
  const floor = HEIGHT - MARGIN.bottom;
  const ticks = TICKS.filter((tps) => x(tps) > MARGIN.left && x(tps) < width - MARGIN.right);
  const kept = ticks.filter((tps, index) => ticks.length < 7 || index % 2 === 0);
  const axes = [
    h("line", { class: "sg-axis", x1: MARGIN.left, y1: floor, x2: width - MARGIN.right, y2: floor }),
    h("line", { class: "sg-axis", x1: MARGIN.left, y1: MARGIN.top, x2: MARGIN.left, y2: floor }),
    ...kept.flatMap((tps) => [
      h("line", { class: "sg-tick", x1: x(tps), y1: MARGIN.top, x2: x(tps), y2: floor }),
      h("text", { x: x(tps), y: floor + 15, "text-anchor": "middle" }, tps.toLocaleString("en")),
    ]),
    h("text", { x: width - MARGIN.right, y: HEIGHT - 6, "text-anchor": "end" }, `${data.x} →`),
    h("text", { x: 12, y: floor, transform: `rotate(-90 12 ${floor})` }, `${data.y} →`),
  ];
  const points = [...data.points].sort((a, b) => ORDER[a.kind] - ORDER[b.kind]);
  const dots = points.map((point) => h("circle", { class: `sg-dot sg-${point.kind}`, cx: x(point.tps), cy: y(point.quality), r: point.kind === "other" ? 4 : 6.5 },
    h("title", {}, `${point.name}: ${point.text}`)));
  const title = h("title", { id: "sg-chart-title" }, "Expected quality of answers against speed");
  const choice = data.points.find((point) => point.kind === "choice");
  const about = h("desc", { id: "sg-chart-about" }, `${data.about} ${choice ? `The choice is ${choice.name}, ${choice.text}.` : ""} The table below has the numbers.`);
  return h("svg", { role: "img", "aria-labelledby": "sg-chart-title sg-chart-about", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT },
    title, about, axes, dots, labels(points.filter((point) => point.kind !== "other").reverse(), x, y, width));
}

/** Names beside their points, moved up or down until none lies on another. */
function labels(points, x, y, width) {
  const taken = [];
  return points.map((point) => {
    const text = point.name;
    const long = text.length * LETTER;
    const right = x(point.tps) + 10 + long < width - MARGIN.right;
    const from = right ? x(point.tps) + 10 : Math.max(x(point.tps) - 10 - long, MARGIN.left);
    const free = (at) => at > MARGIN.top + 4 && taken.every((box) => Math.abs(box.at - at) >= LINE || box.to < from || box.from > from + long);
    const near = y(point.quality) + 4;
    const at = [0, -1, 1, -2, 2, -3, 3].map((step) => near + step * LINE).find(free) ?? near;
    taken.push({ at, from, to: from + long });
    return h("text", { class: `sg-name sg-${point.kind}`, x: right ? from : x(point.tps) - 10, y: at, "text-anchor": right ? "start" : "end" }, text);
  });
}

function table(data) {
  const head = h("tr", {}, ["Setup", "Speed", "Expected quality", "Here"].map((title) => h("th", { scope: "col" }, title)));
  const rows = data.points.map((point) => h("tr", {}, h("td", {}, point.name), h("td", {}, point.text), h("td", {}, point.quality.toFixed(2)), h("td", {}, point.like)));
  return h("details", {}, h("summary", {}, "The same as a table"),
    h("div", { class: "sg-scroll", tabindex: "0", role: "region", "aria-label": "Setups by speed and expected quality" },
      h("table", { class: "sg-table" }, h("thead", {}, head), h("tbody", {}, rows))));
}
