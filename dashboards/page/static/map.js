// The world: land and night below, and above them what moves and what is wrong, with the worst on top.

/* global d3, topojson */

import { STATES, drawMark, drawSatellite, drawSite } from "./marks.js";
import { count, plural, words } from "./format.js";

const FRAME_MS = 100;
// The shells fly between 52 deg south and north, and few customers live beyond: the poles may be cut.
const SHOWN = { type: "MultiPoint", coordinates: [[-180, 0], [180, 0], [0, 76], [0, -56]] };
const NIGHT_STEP_MS = 60_000;
const REACH_PX = 12;
const LARGEST_ZOOM = 24;
// Near enough to tell terminals apart, far enough to know the continent.
const FLIGHT_ZOOM = 5;
const FLIGHT_STEPS = 8;
// From the least to the most alarming.
const ORDER = ["expected_gap", "blind", "tilted", "suspected", "outage"];
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

export class WorldMap {
  constructor(panel) {
    this.panel = panel;
    this.base = panel.querySelector("#base");
    this.live = panel.querySelector("#map");
    this.tip = panel.querySelector("#tip");
    this.projection = d3.geoNaturalEarth1();
    this.view = { zoom: 1, x: 0, y: 0 };
    this.state = null;
    this.selected = null;
    this.motion = { from: null, to: null, since: 0, takes: 500 };
    this.onpick = () => {};
    new ResizeObserver(() => this.fit()).observe(this.live);
    fetch(new URL("vendor/countries-110m.json", import.meta.url)).then((answer) => answer.json()).then((atlas) => {
      this.land = topojson.feature(atlas, atlas.objects.land);
      this.borders = topojson.mesh(atlas, atlas.objects.countries, (a, b) => a !== b);
      this.drawBase();
    });
    this.listen();
    setInterval(() => document.hidden || this.drawLive(), FRAME_MS);
  }

  take(state, names) {
    this.state = state;
    if (names.has("terminal_positions") || !this.spots) this.placeTerminals();
    if (names.has("satellites")) this.move(state.satellites);
    if (names.has("now")) this.turn(Date.parse(state.now.at));
    const { outage, suspected } = state.now.counts;
    const down = state.gateways.filter((site) => site.state === "down").length;
    const text = `World map: ${plural(outage, "terminal")} in outage, ${count(suspected)} suspected, ${plural(down, "gateway")} down`;
    if (this.live.getAttribute("aria-label") !== text) this.live.setAttribute("aria-label", text);
  }

  // Goes to the incident when its card is opened, and back when it is closed; a new revision moves nothing.
  select(incident) {
    const same = this.selected?.incident_id === incident?.incident_id;
    this.selected = incident;
    if (!same) this.fly(incident ? this.reach(incident) : []);
    this.drawLive();
  }

  // Where the root and the sample of terminals are.
  reach(incident) {
    const chosen = new Set([incident.root_id, ...incident.terminal_ids]);
    const { latitude_deg: north, longitude_deg: east } = this.state.terminal_positions;
    const sites = this.sites().filter(([, site]) => chosen.has(site.id));
    return [
      ...sites.map(([, site]) => [site.longitude_deg, site.latitude_deg]),
      ...this.state.terminal_ids.flatMap((id, index) => (chosen.has(id) && north[index] !== null ? [[east[index], north[index]]] : [])),
    ];
  }

  // --- where things are ---------------------------------------------------------------------------------------------

  fit() {
    this.width = this.live.clientWidth;
    this.height = this.live.clientHeight;
    // On a telephone the marks of a wall would cover the continents.
    this.size = Math.min(1.3, Math.max(0.6, this.width / 900));
    if (!this.width || !this.height) return;
    this.ratio = Math.max(1, window.devicePixelRatio);
    for (const canvas of [this.base, this.live]) {
      canvas.width = this.width * this.ratio;
      canvas.height = this.height * this.ratio;
    }
    this.place();
  }

  place({ quiet = false } = {}) {
    this.projection.fitExtent([[8, 8], [this.width - 8, this.height - 8]], SHOWN);
    // A view is in pixels: it grows with the panel.
    const grown = this.projection.scale() / (this.unit ?? this.projection.scale());
    this.unit = this.projection.scale();
    this.view.x *= grown;
    this.view.y *= grown;
    const { zoom, x, y } = this.view;
    const [left, top] = this.projection.translate();
    const middle = [this.width / 2, this.height / 2];
    this.projection.scale(this.projection.scale() * zoom);
    this.projection.translate([middle[0] + (left - middle[0]) * zoom + x, middle[1] + (top - middle[1]) * zoom + y]);
    if (quiet) return;
    this.placeTerminals();
    this.drawBase();
    this.drawLive();
  }

  // Towards a point of the panel, which stays where it is.
  zoomTo(zoom, px = this.width / 2, py = this.height / 2) {
    const wanted = Math.min(LARGEST_ZOOM, Math.max(1, zoom));
    const by = wanted / this.view.zoom;
    const dx = px - this.width / 2;
    const dy = py - this.height / 2;
    this.view = { zoom: wanted, x: dx + (this.view.x - dx) * by, y: dy + (this.view.y - dy) * by };
    this.hold();
  }

  // The world cannot be dragged out of sight.
  hold() {
    const far = (size) => (size * (this.view.zoom - 1)) / 2;
    const within = (value, limit) => Math.min(limit, Math.max(-limit, value));
    this.view.x = within(this.view.x, far(this.width));
    this.view.y = within(this.view.y, far(this.height));
    this.place();
  }

  drag(dx, dy) {
    this.view.x += dx;
    this.view.y += dy;
    this.hold();
  }

  whole() {
    this.view = { zoom: 1, x: 0, y: 0 };
    this.place();
  }

  lookAt(id) {
    this.fly(this.sites().filter(([, site]) => site.id === id).map(([, site]) => [site.longitude_deg, site.latitude_deg]));
  }

  // Moves the view so that these places fill a third of it; to the whole world for none.
  fly(places) {
    const from = { ...this.view };
    this.view = { zoom: 1, x: 0, y: 0 };
    this.place({ quiet: true });
    const spots = places.map((place) => this.projection(place));
    const to = spots.length ? this.viewOf(spots) : this.view;
    clearInterval(this.flight);
    const steps = still.matches ? 1 : FLIGHT_STEPS;
    let step = 0;
    this.flight = setInterval(() => {
      step += 1;
      const share = 1 - (1 - step / steps) ** 3;
      const zoom = from.zoom * (to.zoom / from.zoom) ** share;
      this.view = { zoom, x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
      this.hold();
      if (step >= steps) clearInterval(this.flight);
    }, 40);
  }

  viewOf(spots) {
    const wide = (axis) => Math.max(...spots.map((spot) => spot[axis])) - Math.min(...spots.map((spot) => spot[axis]));
    const middle = (axis) => spots.reduce((sum, spot) => sum + spot[axis], 0) / spots.length;
    const zoom = Math.max(1, Math.min(FLIGHT_ZOOM, this.width / 3 / Math.max(1, wide(0)), this.height / 3 / Math.max(1, wide(1))));
    return { zoom, x: (this.width / 2 - middle(0)) * zoom, y: (this.height / 2 - middle(1)) * zoom };
  }

  placeTerminals() {
    if (!this.state?.terminal_positions) return;
    const { latitude_deg: north, longitude_deg: east } = this.state.terminal_positions;
    this.spots = north.map((degrees, index) => (degrees === null ? null : this.projection([east[index], degrees])));
  }

  sites() {
    if (!this.state) return [];
    return [...this.state.pops.map((site) => ["pop", site]), ...this.state.gateways.map((site) => ["gateway", site])];
  }

  // A satellite is drawn on the way from where it was to where it is, over the time between two messages.
  move(satellites) {
    const now = performance.now();
    const { motion } = this;
    const fresh = motion.to?.latitude_deg.length !== satellites.latitude_deg.length;
    if (!fresh) motion.takes = Math.min(2000, Math.max(200, now - motion.since));
    motion.from = fresh ? satellites : motion.to;
    motion.to = satellites;
    motion.since = now;
  }

  turn(at) {
    if (Math.abs(at - (this.nightAt ?? -Infinity)) < NIGHT_STEP_MS) return;
    this.nightAt = at;
    this.drawBase();
  }

  // --- drawing ------------------------------------------------------------------------------------------------------

  pen(canvas) {
    const pen = canvas.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    return pen;
  }

  drawBase() {
    if (!this.width || !this.land) return;
    const pen = this.pen(this.base);
    const path = d3.geoPath(this.projection, pen);
    const shape = (geometry, { fill, stroke, width = 0.6 }) => {
      pen.beginPath();
      path(geometry);
      if (fill) [pen.fillStyle] = [fill];
      if (fill) pen.fill();
      if (stroke) [pen.strokeStyle, pen.lineWidth] = [stroke, width];
      if (stroke) pen.stroke();
    };
    shape({ type: "Sphere" }, { fill: "#0e1b2c" });
    shape(d3.geoGraticule10(), { stroke: "#16273b" });
    shape(this.land, { fill: "#22344a", stroke: "#38506d" });
    shape(this.borders, { stroke: "#2e445e" });
    if (this.nightAt) shape(night(this.nightAt), { fill: "rgba(2, 6, 14, 0.34)" });
    shape({ type: "Sphere" }, { stroke: "#2e445e", width: 1 });
  }

  drawLive() {
    if (!this.width || !this.state) return;
    const pen = this.pen(this.live);
    this.drawSatellites(pen);
    this.drawService(pen);
    for (const [kind, site] of this.sites()) if (site.state === "up") this.drawSite(pen, kind, site);
    this.drawAbnormal(pen);
    for (const [kind, site] of this.sites()) if (site.state !== "up") this.drawSite(pen, kind, site);
    if (this.selected) this.drawSelected(pen);
  }

  drawSatellites(pen) {
    const { from, to, since, takes } = this.motion;
    if (!to) return;
    const share = still.matches ? 1 : Math.min(1, (performance.now() - since) / takes);
    for (let index = 0; index < to.role.length; index += 1) {
      const east = from.longitude_deg[index];
      const across = ((to.longitude_deg[index] - east + 540) % 360) - 180;
      const north = from.latitude_deg[index] + (to.latitude_deg[index] - from.latitude_deg[index]) * share;
      const [x, y] = this.projection([east + across * share, north]);
      drawSatellite(pen, to.role[index], x, y, this.size);
    }
  }

  drawService(pen) {
    const r = (1.5 + Math.log2(this.view.zoom) * 0.5) * this.size;
    pen.fillStyle = STATES[0].color;
    pen.beginPath();
    this.eachTerminal((code, [x, y]) => {
      if (code !== "service") return;
      pen.moveTo(x + r, y);
      pen.arc(x, y, r, 0, 2 * Math.PI);
    });
    pen.fill();
  }

  drawAbnormal(pen) {
    for (const wanted of ORDER) {
      const mark = STATES.find((state) => state.code === wanted);
      this.eachTerminal((code, [x, y]) => code === wanted && drawMark(pen, mark, x, y, this.markRadius()));
    }
  }

  markRadius() {
    return (4 + Math.log2(this.view.zoom) * 0.6) * this.size;
  }

  eachTerminal(visit) {
    const states = this.state.terminal_states ?? [];
    this.spots?.forEach((spot, index) => spot && visit(STATES[states[index]].code, spot, index));
  }

  drawSite(pen, kind, site) {
    const [x, y] = this.projection([site.longitude_deg, site.latitude_deg]);
    drawSite(pen, kind, site.state, x, y, 3.2 * this.size);
    if (site.state === "up" && this.view.zoom < 6) return;
    label(pen, site.id, x, y - (site.id === this.selected?.root_id ? 20 : 14));
  }

  // The root, what it reaches (as far as the sample says), and the lines between.
  drawSelected(pen) {
    const { root_id: root, terminal_ids: ids } = this.selected;
    const chosen = new Set([root, ...ids]);
    const site = this.sites().find(([, one]) => one.id === root)?.[1];
    const path = d3.geoPath(this.projection, pen);
    const { latitude_deg: north, longitude_deg: east } = this.state.terminal_positions;
    this.eachTerminal((_, [x, y], index) => {
      if (!chosen.has(this.state.terminal_ids[index])) return;
      if (site) {
        pen.beginPath();
        path({ type: "LineString", coordinates: [[site.longitude_deg, site.latitude_deg], [east[index], north[index]]] });
        [pen.strokeStyle, pen.lineWidth] = ["rgba(232, 238, 246, 0.5)", 1];
        pen.stroke();
      }
      circle(pen, x, y, this.markRadius() * 1.7, 1);
    });
    if (!site) return;
    const [x, y] = this.projection([site.longitude_deg, site.latitude_deg]);
    circle(pen, x, y, 13, 2);
    if (site.state === "up") label(pen, root, x, y - 20);
  }

  // --- hands --------------------------------------------------------------------------------------------------------

  listen() {
    const { live, panel } = this;
    const point = (event) => [event.offsetX, event.offsetY];
    live.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomTo(this.view.zoom * 2 ** (-event.deltaY / 300), ...point(event));
    }, { passive: false });
    let held = null;
    let moved = false;
    live.addEventListener("pointerdown", (event) => {
      held = point(event);
      moved = false;
      live.setPointerCapture(event.pointerId);
    });
    live.addEventListener("pointermove", (event) => {
      if (!held) return this.say(...point(event));
      const [x, y] = point(event);
      if (!moved && Math.hypot(x - held[0], y - held[1]) < 4) return undefined;
      moved = true;
      this.drag(x - held[0], y - held[1]);
      held = [x, y];
      return undefined;
    });
    live.addEventListener("pointerup", (event) => {
      const near = moved ? null : this.nearest(...point(event));
      if (near) this.onpick(near.id);
      held = null;
    });
    live.addEventListener("pointercancel", () => (held = null));
    live.addEventListener("pointerleave", () => (this.tip.hidden = true));
    live.addEventListener("keydown", (event) => this.key(event));
    panel.querySelector("#closer").onclick = () => this.zoomTo(this.view.zoom * 2);
    panel.querySelector("#farther").onclick = () => this.zoomTo(this.view.zoom / 2);
    panel.querySelector("#whole").onclick = () => this.whole();
  }

  key(event) {
    const step = 60;
    const keys = {
      "+": () => this.zoomTo(this.view.zoom * 2),
      "=": () => this.zoomTo(this.view.zoom * 2),
      "-": () => this.zoomTo(this.view.zoom / 2),
      0: () => this.whole(),
      ArrowLeft: () => this.drag(step, 0),
      ArrowRight: () => this.drag(-step, 0),
      ArrowUp: () => this.drag(0, step),
      ArrowDown: () => this.drag(0, -step),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  }

  // The nearest thing under the hand; a site or a terminal in trouble wins over one that is well.
  nearest(px, py) {
    let best = null;
    const offer = (x, y, handicap, id, text) => {
      const far = Math.hypot(x - px, y - py) + handicap;
      if (far < (best?.far ?? REACH_PX)) best = { far, id, text, x, y };
    };
    for (const [kind, site] of this.sites()) {
      const [x, y] = this.projection([site.longitude_deg, site.latitude_deg]);
      offer(x, y, site.state === "up" ? 3 : 0, site.id, `${kind === "pop" ? "PoP" : kind} ${site.id} ${site.name}: ${words(site.state)}`);
    }
    if (!this.state) return null;
    this.eachTerminal((code, [x, y], index) => {
      const id = this.state.terminal_ids[index];
      offer(x, y, code === "service" ? 5 : 1, id, `terminal ${id}: ${STATES.find((state) => state.code === code).label}`);
    });
    return best;
  }

  say(px, py) {
    const near = this.nearest(px, py);
    this.tip.hidden = !near;
    if (!near) return;
    this.tip.textContent = near.text;
    this.tip.style.left = `${Math.min(near.x + 12, this.width - 220)}px`;
    this.tip.style.top = `${Math.max(4, near.y - 30)}px`;
  }
}

function label(pen, text, x, y) {
  pen.font = "600 11px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  pen.strokeStyle = "#08101c";
  pen.strokeText(text, x, y);
  pen.fillStyle = "#e8eef6";
  pen.fillText(text, x, y);
}

function circle(pen, x, y, r, width) {
  pen.beginPath();
  pen.arc(x, y, r, 0, 2 * Math.PI);
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = width;
  pen.stroke();
}

// The half of the world that the sun does not see, to about a degree: enough for a shade.
// Declination and equation of time after the low-precision formulas of the Astronomical Almanac, page C5.
function night(at) {
  const days = at / 86_400_000 - 10_957.5;
  const rad = Math.PI / 180;
  const anomaly = (357.528 + 0.9856003 * days) * rad;
  const meanLongitude = 280.46 + 0.9856474 * days;
  const longitude = (meanLongitude + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * rad;
  const obliquity = 23.439 * rad;
  const declination = Math.asin(Math.sin(obliquity) * Math.sin(longitude)) / rad;
  const ascension = Math.atan2(Math.cos(obliquity) * Math.sin(longitude), Math.cos(longitude)) / rad;
  const sidereal = 280.46062 + 360.98564737 * days;
  const east = ((((ascension - sidereal) % 360) + 540) % 360) - 180;
  return d3.geoCircle().center([east + 180, -declination]).radius(90)();
}
