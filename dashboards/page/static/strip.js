// Three curves of the run so far, on the network's own time.

import { STATES, stateMark } from "./marks.js";
import { clock, count, rate, seconds } from "./format.js";

const COLUMNS = { at: 0, outage: 1, suspected: 2, samples: 3, watermark: 4 };
// As many as the server keeps; every second one goes when it is full.
const LIMIT = 1200;

const CURVES = [
  { id: "down", lines: [{ column: "suspected", color: "#f0e442", dash: [4, 3] }, { column: "outage", color: "#d55e00", fill: true }], say: count },
  { id: "samples", lines: [{ column: "samples", color: "#56b4e9", fill: true }], say: rate },
  { id: "watermark", lines: [{ column: "watermark", color: "#9fb0c3", fill: true }], say: seconds },
];

export class Strip {
  constructor() {
    this.points = [];
    this.down = ["outage", "suspected"].map((code) => [code, new Text()]);
    const mark = (code) => stateMark(STATES.find((state) => state.code === code));
    document.getElementById("down_value").append(...this.down.flatMap(([code, text]) => [mark(code), text]));
    new ResizeObserver(() => this.draw()).observe(document.getElementById("strip"));
  }

  take(state, names) {
    const now = state.now;
    if (names.has("curve")) this.points = state.curve.slice();
    else if (names.has("now") && now.ready && this.points.at(-1)?.[0] !== now.at) this.add(now);
    if (!names.has("now")) return;
    for (const [code, text] of this.down) text.data = ` ${count(now.counts[code])} ${code === "outage" ? "in outage" : "suspected"} `;
    document.getElementById("samples_value").textContent = `${rate(now.samples_per_s)}, events out ${rate(now.events_per_s)}`;
    document.getElementById("watermark_value").textContent = `${seconds(now.watermark_age_s)} behind the network's time`;
    this.draw();
  }

  add(now) {
    if (this.points.length >= LIMIT) this.points = this.points.filter((_, index) => index % 2 === 0);
    this.points.push([now.at, now.counts.outage, now.counts.suspected, now.samples_per_s, now.watermark_age_s]);
  }

  draw() {
    for (const curve of CURVES) drawCurve(document.getElementById(`${curve.id}_curve`), curve, this.points);
  }
}

function drawCurve(canvas, curve, points) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = Math.max(1, window.devicePixelRatio);
  if (!width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const box = { left: 52, right: width - 8, top: 8, bottom: height - 16 };
  const series = curve.lines.map((line) => points.map((point) => point[COLUMNS[line.column]]));
  const top = niceTop(series.flat().reduce((most, value) => Math.max(most, value ?? 0), 0));
  drawAxes(pen, box, curve.say(top), points);
  canvas.setAttribute("aria-label", `Curve from 0 to ${curve.say(top)}`);
  const times = points.map((point) => Date.parse(point[0]));
  const x = (index) => box.left + ((times[index] - times[0]) / Math.max(1, times.at(-1) - times[0])) * (box.right - box.left);
  const y = (value) => box.bottom - (value / top) * (box.bottom - box.top);
  curve.lines.forEach((line, index) => drawLine(pen, box, line, series[index], x, y));
}

function drawAxes(pen, box, top, points) {
  pen.strokeStyle = "#2a3b52";
  pen.lineWidth = 1;
  pen.beginPath();
  for (const y of [box.top + 0.5, box.bottom + 0.5]) {
    pen.moveTo(box.left, y);
    pen.lineTo(box.right, y);
  }
  pen.stroke();
  pen.fillStyle = "#9fb0c3";
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText(top, box.left - 6, box.top + 2);
  pen.fillText("0", box.left - 6, box.bottom);
  if (!points.length) return;
  pen.textBaseline = "top";
  pen.fillText(clock(points.at(-1)[0]), box.right, box.bottom + 3);
  pen.textAlign = "left";
  pen.fillText(clock(points[0][0]), box.left, box.bottom + 3);
}

// A null is a gap in the line: what was not known is not drawn.
function drawLine(pen, box, line, values, x, y) {
  const runs = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index === 0 || values[index - 1] === null) runs.push([]);
    runs.at(-1).push([x(index), y(value)]);
  });
  pen.save();
  pen.strokeStyle = pen.fillStyle = line.color;
  pen.lineWidth = 1.5;
  pen.setLineDash(line.dash ?? []);
  for (const run of runs) {
    pen.beginPath();
    run.forEach(([px, py]) => pen.lineTo(px, py));
    pen.stroke();
    if (!line.fill) continue;
    pen.lineTo(run.at(-1)[0], box.bottom);
    pen.lineTo(run[0][0], box.bottom);
    pen.globalAlpha = 0.18;
    pen.fill();
    pen.globalAlpha = 1;
  }
  pen.restore();
}

// 1, 2 or 5 times a power of ten above the highest value.
function niceTop(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value);
}
