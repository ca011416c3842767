// The fleet as a picture: clients, the proxy, and what runs on the hosts behind it. The table beside it has the same in words.

import { drawnToFit, h } from "./dom.js";

const NARROW = 560;
const PAD = 8;
const LINE = 15;
const LETTER = 6.5;
const GAP = 10;
const FRONT = 168;

/** The picture; it is drawn again where its column gets another width. */
export function picture(told, proxy) {
  return h("figure", { class: "sg-figure" }, drawnToFit((width) => drawn(told, proxy, width)));
}

function drawn(told, proxy, width) {
  const narrow = width < NARROW;
  const left = narrow ? 28 : FRONT + 56;
  const boxes = told.boxes.map((box) => ({ kind: box.vanishes ? "sg-vanishes" : "", lines: [box.label, box.hardware, ...box.lines] }));
  if (told.more) boxes.push({ kind: "sg-idle", lines: [`and ${told.more} more`] });
  if (told.idle) boxes.push({ kind: "sg-idle", lines: [told.idle === 1 ? "1 host without work" : `${told.idle} hosts without work`], idle: true });
  const front = { kind: "sg-front", lines: [proxy?.name ?? "Proxy", "what clients ask, at", proxy?.address ?? ""].filter(Boolean) };
  const tall = (box) => box.lines.length * LINE + 2 * PAD;
  let y = narrow ? tall(front) + GAP + 8 : 2;
  for (const box of boxes) {
    Object.assign(box, { x: left, y, width: width - left - 2, height: tall(box) });
    y += box.height + GAP;
  }
  const height = Math.max(y - GAP + 2, tall(front) + 4);
  Object.assign(front, narrow ? { x: 2, y: 2, width: width - 4, height: tall(front) } : { x: 2, y: (height - tall(front)) / 2, width: FRONT, height: tall(front) });
  const middle = (box) => box.y + box.height / 2;
  const ways = boxes.filter((box) => !box.idle).map((box) => h("path", { class: "sg-way", d: narrow
    ? `M14 ${front.y + front.height}V${middle(box)}H${box.x}`
    : `M${FRONT + 2} ${middle(front)}H${FRONT + 28}V${middle(box)}H${box.x}` }));
  const about = `${front.lines.join(", ")}; behind it ${told.boxes.map((box) => `${box.label}: ${box.lines.join(" and ")}`).join("; ")}.`;
  return h("svg", { role: "img", "aria-labelledby": "sg-picture-title sg-picture-about", viewBox: `0 0 ${width} ${height}`, width, height },
    h("title", { id: "sg-picture-title" }, "Clients, the proxy and the hosts behind it"), h("desc", { id: "sg-picture-about" }, about),
    ways, [front, ...boxes].map(boxed));
}

function boxed({ kind, lines, x, y, width, height }) {
  const most = Math.floor((width - 2 * PAD) / LETTER);
  const cut = (text) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  return h("g", { class: `sg-box ${kind}` }, h("title", {}, lines.join("\n")), h("rect", { x, y, width, height, rx: "3" }),
    lines.map((text, index) => h("text", { x: x + PAD, y: y + PAD + 11 + index * LINE, class: index === 0 ? "sg-name" : index === 1 ? "" : "sg-held" }, cut(text))));
}
