// The incidents as cards: what is broken, how far it reaches, who was woken, and why we think so.

import { between, clock, count, instant, plural, span, words } from "./format.js";
import { SEVERITIES, stateMark } from "./marks.js";

const $ = (id) => document.getElementById(id);

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export class IncidentList {
  // `select(incident or null)` is told whose card is open.
  constructor(select) {
    this.select = select;
    this.cards = new Map();
    this.selected = null;
  }

  take(state, names) {
    if (names.has("incidents")) this.renew(state.incidents);
    if (!names.has("now")) return;
    for (const card of this.cards.values()) sayDuration(card, state.now.at);
    $("open_count").textContent = count(state.now.open_incidents_count);
    $("resolved_count").textContent = count(state.now.resolved_incidents_count);
    const more = state.now.open_incidents_count - $("open").children.length;
    $("open_more").textContent = `and ${count(more)} more, less urgent`;
    $("open_more").hidden = more <= 0;
    $("open_none").hidden = state.now.open_incidents_count > 0;
    $("resolved_none").hidden = state.now.resolved_incidents_count > 0;
  }

  // Opens the card of the incident about this gateway, PoP or terminal; says whether there is one.
  selectAbout(id) {
    const about = (incident) => incident.root_id === id || incident.terminal_ids.includes(id);
    const card = [...this.cards.values()].find(({ incident }) => incident.open && about(incident));
    if (!card) return false;
    this.open(card.incident.incident_id);
    card.li.scrollIntoView({ block: "nearest" });
    return true;
  }

  open(id) {
    this.selected = id;
    for (const [key, card] of this.cards) showOpen(card, key === id);
    this.select(this.cards.get(id)?.incident ?? null);
  }

  renew(incidents) {
    const kept = new Set(incidents.map((incident) => incident.incident_id));
    for (const [id, card] of this.cards) {
      if (kept.has(id)) continue;
      card.li.remove();
      this.cards.delete(id);
    }
    for (const incident of incidents) this.renewCard(incident);
    arrange($("open"), incidents.filter((one) => one.open).map((one) => this.cards.get(one.incident_id).li));
    arrange($("resolved"), incidents.filter((one) => !one.open).map((one) => this.cards.get(one.incident_id).li));
    if (this.selected) this.open(kept.has(this.selected) ? this.selected : null);
  }

  renewCard(incident) {
    const id = incident.incident_id;
    let card = this.cards.get(id);
    if (!card) this.cards.set(id, (card = newCard(() => this.open(this.selected === id ? null : id))));
    if (card.incident?.revision !== incident.revision || card.incident.pages !== incident.pages) fillCard(card, incident);
  }
}

// Moves only what is elsewhere: a moved element loses the keyboard's focus.
function arrange(list, elements) {
  elements.forEach((one, index) => {
    if (list.children[index] !== one) list.insertBefore(one, list.children[index] ?? null);
  });
}

function newCard(toggle) {
  const button = element("button", "head");
  button.type = "button";
  button.onclick = toggle;
  const body = element("div", "body");
  const li = element("li", "incident", button, body);
  const card = { li, button, body, duration: element("span", "duration") };
  showOpen(card, false);
  return card;
}

function showOpen(card, open) {
  card.button.setAttribute("aria-expanded", String(open));
  card.body.hidden = !open;
  card.li.classList.toggle("selected", open);
}

function fillCard(card, incident) {
  card.incident = incident;
  card.li.dataset.severity = incident.severity;
  card.li.dataset.incident = incident.incident_id;
  card.button.replaceChildren(
    element("span", "title", stateMark(SEVERITIES[incident.severity]), rootWords(incident)),
    element("span", "cause", `${incident.severity} · ${words(incident.cause)}`),
    audience(incident),
    element("span", "reach", reach(incident)),
    card.duration,
  );
  card.body.replaceChildren(...details(incident));
}

// Short names of teams are initials.
const team = (name) => (name.length <= 3 ? name.toUpperCase() : words(name));

const KINDS = { pop: "PoP", control_plane: "control plane" };
const rootWords = (incident) => `${KINDS[incident.root_kind] ?? words(incident.root_kind)} ${incident.root_id}`;

function audience(incident) {
  if (incident.pages) return element("span", "badge pages", `pages ${team(incident.team)}`);
  if (incident.state === "acknowledged" || incident.state === "shelved") return element("span", "badge", incident.state);
  if (incident.may_page) return element("span", "badge may", `${team(incident.team)}: page held back`);
  if (!incident.open) return element("span", "badge", incident.page_at ? `paged ${team(incident.team)}` : "no page");
  return element("span", "badge", incident.team === "nobody" ? "no page" : `no page · ${team(incident.team)}`);
}

function reach(incident) {
  const wide = [plural(incident.cells_affected_count, "cell"), plural(incident.tenants_affected_count, "tenant")].join(", ");
  const reached = plural(incident.terminals_affected_count, "terminal");
  if (!incident.open) return `${reached} reached, ${wide}`;
  return `${count(incident.terminals_down_count)} of ${reached} down, ${wide}`;
}

function sayDuration({ incident, duration }, at) {
  const text = incident.open
    ? `since ${clock(incident.started_at)} · ${span(between(incident.started_at, at))}`
    : `lasted ${span(between(incident.started_at, incident.resolved_at))}, until ${clock(incident.resolved_at)}`;
  if (duration.textContent !== text) duration.textContent = text;
}

function details(incident) {
  const at = (said) => (said ? [element("time", "", clock(said)), " "] : []);
  const told = (list) => list.map((entry) => element("li", "", ...at(entry.at), entry.says));
  return [
    ...section("Evidence", "evidence", told(incident.evidence)),
    ...section("Timeline", "timeline", told(incident.timeline)),
    ...section("Changed just before", "changes", incident.changed_before.map((record) => element("li", "", JSON.stringify(record)))),
    facts([
      ["Started", instant(incident.started_at)],
      ["Opened", instant(incident.opened_at)],
      ["Pages from", pagesFrom(incident)],
      ["Confidence", `${Math.round(100 * incident.confidence_ratio)} %`],
      ["Remediation", incident.open ? "not decided" : incident.remediation],
      ["Attached events", count(incident.children_count)],
      [`Terminals (${incident.terminal_ids.length} of ${count(incident.terminals_affected_count)})`, ids(incident.terminal_ids)],
      ["Incident", `${incident.incident_id} revision ${incident.revision}`],
    ]),
  ];
}

function pagesFrom(incident) {
  if (incident.page_at) return instant(incident.page_at);
  return incident.may_page ? "held back until its remediation deadline" : "no page";
}

function section(title, className, items) {
  return items.length ? [element("h3", "", title), element("ol", className, ...items)] : [];
}

const ids = (list) => (list.length ? element("span", "ids", ...list.map((id) => element("span", "", id))) : "none");

function facts(pairs) {
  return element("dl", "", ...pairs.flatMap(([term, text]) => [element("dt", "", term), element("dd", "", text)]));
}
