// Header, headline, legend and sites: everything that is text and needs no memory.

import { count, instant, plural, span, words } from "./format.js";
import { SATELLITES, SITES, STATES, satelliteMark, siteMark, stateMark } from "./marks.js";

const $ = (id) => document.getElementById(id);

function item(mark, text, number) {
  const li = document.createElement("li");
  if (mark) li.append(mark);
  if (number !== undefined) {
    const b = document.createElement("b");
    b.textContent = count(number);
    li.append(b, " ");
  }
  li.append(text);
  return li;
}

export function showHeader(now) {
  $("label").textContent = now.label;
  $("at").textContent = instant(now.at);
  $("at").dateTime = now.at;
  if (now.speed_ratio === null) $("speed").textContent = "";
  else $("speed").textContent = now.speed_ratio === 0 ? "as fast as possible" : `${now.speed_ratio} × real time`;
}

// Built once and then only filled, so that a screen reader is not told everything twice a second.
let rows;

export function showHeadline(now) {
  const total = STATES.reduce((sum, state) => sum + now.counts[state.code], 0);
  $("total").textContent = plural(total, "terminal");
  rows ??= buildHeadline();
  for (const { state, li, bar } of rows) {
    const number = now.counts[state.code];
    const share = total ? number / total : 0;
    li.querySelector("b").textContent = count(number);
    li.querySelector("i").textContent = `${(100 * share).toFixed(1)} %`;
    li.classList.toggle("zero", number === 0);
    bar.style.flexGrow = share;
    bar.hidden = number === 0;
  }
}

function buildHeadline() {
  return STATES.map((state) => {
    const li = item(stateMark(state), state.label, 0);
    li.dataset.state = state.code;
    li.append(document.createElement("i"));
    $("counts").append(li);
    const bar = document.createElement("span");
    bar.className = state.code;
    $("meter").append(bar);
    return { state, li, bar };
  });
}

let legendText = "";

export function showLegend(state) {
  const roles = [0, 0, 0];
  for (const role of state.satellites.role) roles[role] += 1;
  const sites = (kind, list) =>
    Object.keys(SITES).map((code) => [() => siteMark(kind, code), `${kind === "pop" ? "PoP" : kind} ${SITES[code].label}`, list.filter((site) => site.state === code).length]);
  const lines = [
    ...[2, 1, 0].map((role) => [() => satelliteMark(role), `satellite ${SATELLITES[role].label}`, roles[role]]),
    ...sites("gateway", state.gateways),
    ...sites("pop", state.pops),
  ].filter(([, , number]) => number > 0);
  const text = JSON.stringify(lines.map(([, label, number]) => [label, number]));
  if (text === legendText) return;
  legendText = text;
  $("legend").replaceChildren(...lines.map(([mark, label, number]) => item(mark(), label, number)));
}

export function showSites(state, look) {
  const all = [...state.gateways.map((site) => ["gateway", site]), ...state.pops.map((site) => ["pop", site])];
  const bad = all.filter(([, site]) => site.state !== "up");
  const up = (list) => `${list.filter((site) => site.state === "up").length} of ${list.length}`;
  $("sites_up").textContent = `${up(state.gateways)} gateways up · ${up(state.pops)} PoPs up`;
  $("sites_bad").replaceChildren(
    ...bad.map(([kind, site]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(siteMark(kind, site.state), `${site.id} ${words(site.state)}`);
      button.onclick = () => look(site.id);
      const li = document.createElement("li");
      li.append(button);
      return li;
    }),
  );
}

export function showFreshness({ age, stale, finished, connected, known, notice, ready }) {
  document.body.classList.toggle("stale", stale);
  const link = $("link");
  const word = stale ? "stale" : !connected ? "connecting" : finished ? "finished" : known && ready ? "live" : "waiting";
  if (link.textContent !== word) link.textContent = word;
  link.className = word;
  show($("stale"), stale, `Stale since ${span(age)}: ${why(connected, notice)} What you see may no longer be true.`);
  show($("notice"), !stale && notice !== "", notice);
}

function why(connected, notice) {
  if (!connected) return "the connection is lost.";
  return notice || "the network's time stands still.";
}

function show(banner, visible, text) {
  banner.hidden = !visible;
  if (visible && banner.textContent !== text) banner.textContent = text;
}
