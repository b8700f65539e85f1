// Every mark of the map: Okabe-Ito colours, and a shape of its own for whoever cannot tell them apart.
// Only a terminal with service is green; silence never is.

export const STATES = [
  { code: "service", label: "with service", color: "#009e73", shape: "dot" },
  { code: "expected_gap", label: "in an expected gap", color: "#9fb0c3", shape: "ring" },
  { code: "suspected", label: "silent, suspected", color: "#f0e442", shape: "diamond" },
  { code: "outage", label: "in outage", color: "#d55e00", shape: "triangle" },
  { code: "tilted", label: "tilted", color: "#cc79a7", shape: "slash" },
  { code: "blind", label: "blind: no telemetry", color: "#e8eef6", shape: "question" },
];

export const SITES = {
  up: { label: "up", color: "#e8eef6" },
  degraded: { label: "degraded", color: "#e69f00" },
  down: { label: "down", color: "#d55e00" },
  blind: { label: "blind: no telemetry", color: "#e8eef6" },
};

export const SATELLITES = [
  { label: "not in service", color: "#66788f" },
  { label: "in service", color: "#5d7fa3" },
  { label: "serving", color: "#56b4e9" },
];

export const SEVERITIES = {
  critical: { color: "#d55e00", shape: "triangle" },
  warning: { color: "#e69f00", shape: "diamond" },
  info: { color: "#56b4e9", shape: "dot" },
};

const HALO = "#08101c";

const SHAPES = {
  dot(pen, x, y, r) {
    pen.arc(x, y, r * 0.8, 0, 2 * Math.PI);
    return "fill";
  },
  ring(pen, x, y, r) {
    pen.arc(x, y, r * 0.8, 0, 2 * Math.PI);
    return "stroke";
  },
  diamond(pen, x, y, r) {
    pen.moveTo(x, y - r * 1.15);
    pen.lineTo(x + r * 1.15, y);
    pen.lineTo(x, y + r * 1.15);
    pen.lineTo(x - r * 1.15, y);
    pen.closePath();
    return "stroke";
  },
  triangle(pen, x, y, r) {
    pen.moveTo(x, y - r * 1.1);
    pen.lineTo(x + r * 1.05, y + r * 0.8);
    pen.lineTo(x - r * 1.05, y + r * 0.8);
    pen.closePath();
    return "fill";
  },
  slash(pen, x, y, r) {
    pen.moveTo(x - r, y + r * 0.9);
    pen.lineTo(x + r, y + r * 0.9);
    pen.moveTo(x - r * 0.7, y + r * 0.5);
    pen.lineTo(x + r * 0.8, y - r);
    return "stroke";
  },
  // A question mark in strokes: its hook, its stem, its dot.
  question(pen, x, y, r) {
    pen.arc(x, y - r * 0.55, r * 0.6, Math.PI, 2.4 * Math.PI);
    pen.lineTo(x, y + r * 0.45);
    pen.moveTo(x, y + r * 1.1);
    pen.lineTo(x, y + r * 1.15);
    return "stroke";
  },
  star(pen, x, y, r) {
    for (let point = 0; point < 8; point += 1) {
      const far = point % 2 === 0 ? r * 1.5 : r * 0.5;
      pen.lineTo(x + far * Math.sin((point * Math.PI) / 4), y - far * Math.cos((point * Math.PI) / 4));
    }
    pen.closePath();
    return "fill";
  },
};

// A terminal or a severity: halo first, so that it stands out from land and from its neighbours.
export function drawMark(pen, mark, x, y, r) {
  pen.beginPath();
  const how = SHAPES[mark.shape](pen, x, y, r);
  pen.lineJoin = pen.lineCap = "round";
  pen.strokeStyle = HALO;
  pen.lineWidth = how === "fill" ? 2 : 4;
  pen.stroke();
  pen.lineWidth = 1.8;
  pen.strokeStyle = pen.fillStyle = mark.color;
  if (how === "fill") pen.fill();
  else pen.stroke();
}

// A gateway is a square, a PoP a star; down has a ring, blind is empty.
export function drawSite(pen, kind, state, x, y, r) {
  const { color } = SITES[state];
  pen.beginPath();
  if (kind === "gateway") pen.rect(x - r, y - r, 2 * r, 2 * r);
  else SHAPES.star(pen, x, y, r);
  pen.lineWidth = 3;
  pen.strokeStyle = HALO;
  pen.stroke();
  pen.lineWidth = 1.5;
  pen.strokeStyle = pen.fillStyle = color;
  if (state === "blind") pen.stroke();
  else pen.fill();
  if (state !== "down") return;
  pen.beginPath();
  pen.arc(x, y, r * 2.6, 0, 2 * Math.PI);
  pen.lineWidth = 2;
  pen.stroke();
}

// A small canvas with one mark, for legends and lists.
export function markCanvas(draw) {
  const canvas = document.createElement("canvas");
  const ratio = Math.max(1, window.devicePixelRatio);
  canvas.className = "mark";
  canvas.width = canvas.height = 16 * ratio;
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  draw(pen);
  return canvas;
}

export const stateMark = (state) => markCanvas((pen) => drawMark(pen, state, 8, 8, 5));
export const siteMark = (kind, state) => markCanvas((pen) => drawSite(pen, kind, state, 8, 8, state === "down" ? 2.6 : 4));
export const satelliteMark = (role) => markCanvas((pen) => drawSatellite(pen, role, 8, 8, 1.6));

export function drawSatellite(pen, role, x, y, scale = 1) {
  pen.fillStyle = SATELLITES[role].color;
  if (role === 2) pen.fillRect(x - 1.25 * scale, y - 1.25 * scale, 2.5 * scale, 2.5 * scale);
  else if (role === 1) pen.fillRect(x - 0.65 * scale, y - 0.65 * scale, 1.3 * scale, 1.3 * scale);
  else {
    pen.fillRect(x - 1.8 * scale, y - 0.4 * scale, 3.6 * scale, 0.8 * scale);
    pen.fillRect(x - 0.4 * scale, y - 1.8 * scale, 0.8 * scale, 3.6 * scale);
  }
}
