// Numbers and instants as an operator reads them; a number always has its unit.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

export const count = (value) => whole.format(value);

export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

// 1,234 /s, 1.2 M/s
export function rate(value) {
  if (value === null || value === undefined) return "unknown";
  if (value >= 1e6) return `${tenth.format(value / 1e6)} M/s`;
  if (value >= 1e4) return `${tenth.format(value / 1e3)} k/s`;
  return value < 10 ? `${tenth.format(value)} /s` : `${count(value)} /s`;
}

export const seconds = (value) => (value === null || value === undefined ? "unknown" : `${tenth.format(value)} s`);

// How long: 12 s, 3 min 40 s, 2 h 05 min, 3 d 4 h
export function span(s) {
  const left = Math.max(0, Math.floor(s));
  const two = (value) => String(value).padStart(2, "0");
  if (left < 60) return `${left} s`;
  if (left < 3600) return `${Math.floor(left / 60)} min ${two(left % 60)} s`;
  if (left < 86400) return `${Math.floor(left / 3600)} h ${two(Math.floor((left % 3600) / 60))} min`;
  return `${Math.floor(left / 86400)} d ${Math.floor((left % 86400) / 3600)} h`;
}

// RFC 3339 to the second: the fraction says nothing to a person.
export const instant = (at) => at.replace(/\.\d+Z$/, "Z");

export const clock = (at) => instant(at).slice(11);

export const between = (from, to) => (Date.parse(to) - Date.parse(from)) / 1000;

export const words = (code) => code.replaceAll("_", " ");
