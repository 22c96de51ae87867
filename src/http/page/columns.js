// Series in columns of time: as an agent tells of their past, and as they grow at the right end while they are watched.
//
// A column is [from_ms, to_ms, least, greatest, mean, last], and of those that have grown also whether nothing is drawn from the one before to
// it, and of how many samples its mean is. All columns of a series are as wide and on one grid, so that a series is never more than the
// columns of its span, however long and however often it is watched.

const COUNTER = "c";
// Samples that wait to be drawn; where there are more, as of a page that nobody sees, all is drawn anew.
const FRESH_MAX = 1000;

// How fast a counter grows, as the past of one is drawn: from sample to sample, from 0 where it has fallen, not at all behind a gap.
export class Rate {
  constructor() { this.before = null; }

  add(ms, value) {
    const { before } = this;
    this.before = { ms, value };
    if (!before || ms <= before.ms) return null;
    const change = differenceOf(value, before.value);
    return (change < 0 ? Number(value) : change) / ((ms - before.ms) / 1000);
  }

  gap() { this.before = null; }
}

// Exact where both are integers, however large they are.
function differenceOf(one, other) {
  const isExact = [one, other].every((value) => typeof value === "bigint" || Number.isInteger(value));
  return isExact ? Number(BigInt(one) - BigInt(other)) : Number(one) - Number(other);
}

// By what a series is the same one in the past and in a run.
export function keyOf(label, labels, unit) { return JSON.stringify([label, [...labels].sort(), unit]); }

// The unit in which values of a unit are drawn.
export const unitOf = (unit) => (unit === COUNTER ? "/s" : unit);

// The series that agents have told of, by unit. Each is named by `name`, and moved by what `ahead` says of its agent (ms). Of an agent whose
// answer is none, `strange` is told: another host may say anything.
export function panelsOf(answers, name, { ahead = () => 0, strange = () => {} } = {}) {
  const panels = new Map();
  for (const { agent, envelope, error } of answers) {
    if (error) continue;
    try {
      for (const one of seriesOf(agent, envelope, name, ahead(agent))) {
        if (!panels.has(one.unit)) panels.set(one.unit, []);
        panels.get(one.unit).push(one);
      }
    } catch {
      strange(agent);
    }
  }
  return panels;
}

function seriesOf(agent, { start_ms, end_ms, columns, series }, name, ahead) {
  const wide = (end_ms - start_ms) / columns;
  const place = (at) => { const from = start_ms - ahead + at * wide; return [from, from + wide]; };
  return series.map(({ metric, label = metric, labels = [], unit, limits, bridge_ms: bridge, points, consolidated = [], note }) => ({
    agent, name: name(agent, metric), metric, key: keyOf(label, labels, unit), limits, unit, bridge,
    points: points.map(([at, ...values]) => [...place(at), ...values]),
    consolidated: consolidated.map(([at, low, high, mean]) => [...place(at), low, high, mean]),
    note: [consolidated.length && "hatched: consolidated", note].filter(Boolean).join(", "),
  }));
}

// A series that is watched.
export class Growing {
  // `of` is what there is of it, on a grid of columns { start, wide, count }, so many of which are shown.
  constructor(of, grid) {
    // Of a counter there is a rate.
    Object.assign(this, of, { grid, rate: null });
    // What has come since it was drawn last, as [ms, value, after a gap]; behind that sample it goes on.
    this.fresh = [];
    this.isStale = false;
    const last = this.points.at(-1);
    this.newest = last ? [last[1], last[5]] : null;
    this.isGap = false;
    this.measure();
  }

  measure() {
    [this.low, this.high] = [Infinity, -Infinity];
    for (const [, , low, high] of [...this.points, ...this.consolidated]) this.widen(low, high);
  }

  widen(low, high) { [this.low, this.high] = [Math.min(this.low, low), Math.max(this.high, high)]; }

  // A run has no value of it.
  gap() { this.isGap = true; this.rate?.gap(); }

  // Takes in a sample; `isFar` says that it is too far from the one before to belong together.
  add(ms, given, isFar) {
    if (typeof given !== "bigint" && !Number.isFinite(given)) { this.gap(); return; }
    const value = this.rate ? this.rate.add(ms, given) : Number(given);
    if (value === null) return;
    const isGap = this.isGap || isFar;
    this.isGap = false;
    this.widen(value, value);
    const { start, wide, count } = this.grid;
    const from = start + Math.floor((ms - start) / wide) * wide;
    const { points } = this;
    // What comes late belongs to a column before the last.
    let at = points.length;
    while (at > 0 && points[at - 1][0] > from + wide / 2) at--;
    const column = points[at - 1];
    if (column && Math.abs(column[0] - from) <= wide / 2) {
      const isNewest = at === points.length;
      [column[2], column[3]] = [Math.min(column[2], value), Math.max(column[3], value)];
      if (isNewest) column[5] = value;
      // The mean of a column that the past has begun stays what it was: of how many it is, is not known.
      if (column[7]) column[4] += value / ++column[7] - column[4] / column[7];
    } else {
      points.splice(at, 0, [from, from + wide, value, value, value, value, isGap, 1]);
      // Nothing is drawn, and nothing forgotten by that, while nobody sees the page.
      if (points.length > 2 * count) this.trim(from - count * wide);
    }
    if (this.newest && ms <= this.newest[0]) return;
    this.newest = [ms, value];
    this.fresh.push([ms, value, isGap]);
    if (this.fresh.length > FRESH_MAX) [this.fresh.length, this.isStale] = [0, true];
  }

  // All of it is drawn.
  drawn() { [this.fresh.length, this.isStale] = [0, false]; }

  // Forgets what was before a time.
  trim(ms) {
    for (const all of [this.points, this.consolidated]) {
      let gone = 0, isExtreme = false;
      for (; gone < all.length && all[gone][1] <= ms; gone++) isExtreme ||= all[gone][2] <= this.low || all[gone][3] >= this.high;
      if (gone) all.splice(0, gone);
      if (isExtreme) this.measure();
    }
  }
}
