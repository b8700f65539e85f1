// The page: takes the feed and hands each part to whoever shows it.

import { Feed } from "./feed.js";
import { WorldMap } from "./map.js";
import { IncidentList } from "./incidents.js";
import { showHeader, showHeadline, showLegend, showSites, showFreshness } from "./panels.js";
import { Strip } from "./strip.js";

const map = new WorldMap(document.getElementById("world"));
const incidents = new IncidentList((incident) => map.select(incident));
const strip = new Strip();
map.onpick = (id) => incidents.selectAbout(id);

function changed(state, names) {
  // Before the network's time is known there is nothing to see, and zeros would read as facts.
  document.body.classList.toggle("waiting", !state.now.at);
  if (!state.now.at) return;
  showHeader(state.now);
  showHeadline(state.now);
  strip.take(state, names);
  map.take(state, names);
  if (names.has("now") || names.has("gateways") || names.has("pops") || names.has("satellites")) showLegend(state);
  if (names.has("gateways") || names.has("pops")) showSites(state, (id) => incidents.selectAbout(id) || map.lookAt(id));
  incidents.take(state, names);
}

new Feed("events", { changed, aged: showFreshness });
