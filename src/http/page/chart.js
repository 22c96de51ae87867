// A chart: the least, the greatest and the mean value of each column of time, drawn on a canvas, with a table behind it.
//
// Drawn here and not by a library: a column is one vertical stroke, so a year costs what an hour costs; the rest is an axis.

import { time } from "./board.js";
import { curve, Roll } from "./curves.js";
import { element, name, row, say } from "./text.js";

const LEFT = 64, BOTTOM = 22, TOP = 8, RIGHT = 8;
// The strips above the axis of time: how it was, and how it would have been.
const STRIP = 6;
const TELL_MS = 250;
const STEPS_MS = [100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5, 36e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5, 12096e5, 2592e6, 7776e6];

export function figure(value, unit = "") {
  if (!Number.isFinite(value)) return "";
  const size = Math.abs(value);
  if (unit !== "" && size >= 1000) {
    const at = Math.min(5, Math.floor(Math.log10(size) / 3));
    return `${+(value / 1000 ** at).toPrecision(3)} ${"kMGTP"[at - 1]}${unit}`;
  }
  return `${size >= 1e6 || (size > 0 && size < 1e-3) ? value.toExponential(2) : +value.toPrecision(4)}${unit && ` ${unit}`}`;
}

export class Chart {
  constructor(parent, asked) {
    this.asked = asked;
    this.figure = element("figure");
    this.caption = element("figcaption");
    this.canvas = element("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.plot = element("div", "", "plot");
    this.plot.append(this.canvas);
    const details = element("details");
    details.append(element("summary", "As a table"));
    this.table = element("table");
    details.append(this.table);
    details.addEventListener("toggle", () => details.open && this.tell());
    this.figure.append(this.caption, this.plot, details);
    parent.append(this.figure);
    this.details = details;
    this.span = [0, 1];
    this.series = [];
    this.events = [];
    // Thresholds as { state, value, below, metric }, the one that is tried first; each has a handle.
    this.lines = [];
    this.handles = [];
    // What was and would have been judged, as [from_ms, to_ms, state][]; incidents and acknowledgements.
    this.was = this.would = null;
    this.incidents = [];
    this.acks = [];
    this.notes = [];
    // Where it normally is, as [from_ms, to_ms, low, high][].
    this.band = [];
    // By how much the clock is ahead by which all of these are told, where values are moved by that (ms).
    this.ahead = 0;
    this.rolled = new Roll();
    this.listen();
    // It also tells of the first size, with which it is drawn already.
    this.resized = new ResizeObserver(() => { if (this.canvas.clientWidth !== this.width || this.canvas.clientHeight !== this.height) this.draw(); });
    this.resized.observe(this.canvas);
  }

  remove() { this.resized.disconnect(); this.figure.remove(); }

  // `series` are { name, unit, points: [from_ms, to_ms, min, max, mean, last][], bridge, consolidated: [from_ms, to_ms, low, high, mean][] }.
  // While it is live, what stands on the axis of time stays.
  set(title, span, series, more = {}) {
    const isAnother = this.title !== title || this.span[0] !== span[0] || this.span[1] !== span[1];
    const none = more.live ? {} : { events: [], incidents: [], acks: [], notes: [], live: false, ahead: 0, ...(isAnother ? { band: [] } : {}) };
    Object.assign(this, none, more, { title, span, series });
    // While it is live, words follow more slowly than curves: nobody reads thirty values a second.
    const now = performance.now();
    if (more.live && now - (this.toldAt ?? -Infinity) < TELL_MS) return;
    this.toldAt = now;
    while (this.caption.children.length > series.length + 1) this.caption.lastChild.remove();
    while (this.caption.children.length < series.length + 1) {
      const told = element(this.caption.children.length ? "span" : "strong");
      told.style.color = this.caption.children.length ? `var(--s${(this.caption.children.length - 1) % 6})` : "";
      this.caption.append(told);
    }
    const told = (one) => `${one.name} ${figure(one.points.at(-1)?.[5], one.unit)}${one.note ? ` (${one.note})` : ""}`;
    [title, ...series.map(told)].forEach((text, at) => say(this.caption.children[at], text));
    const [low, high] = this.range();
    const values = series.some((one) => one.points.length || one.consolidated.length) ? `from ${figure(low)} to ${figure(high)}` : "without values";
    name(this.canvas, "aria-label", `${title}: ${series.map((one) => one.name).join(", ")}; ${values}, ${time(span[0])} to ${time(span[1])}`);
    if (this.details.open) this.tell();
  }

  // The least and the greatest value that there is room for. What is half of a difference is a number for any two numbers.
  range() {
    let low = Infinity, high = -Infinity;
    const widen = (least, most) => { low = Math.min(low, least); high = Math.max(high, most); };
    for (const one of this.series) {
      if (one.low !== undefined) widen(one.low, one.high);
      else for (const [, , least, most] of [...one.points, ...one.consolidated]) widen(least, most);
    }
    if (low > high) return [0, 1];
    // A line that is tried is seen wherever it is; those of the definition do not press the values together.
    if (this.lines[0]?.tried) widen(this.lines[0].value, this.lines[0].value);
    if (low > 0 && low < high * 0.6) low = 0;
    // While it is live, an axis that still fits stays, so that not all has to be drawn anew.
    if (this.live && this.low <= low && this.high >= high && high / 2 - low / 2 > (this.high / 2 - this.low / 2) * 0.6) return [this.low, this.high];
    const margin = (high / 2 - low / 2 || Math.abs(high) / 2 || 0.5) * 0.1;
    return [low === 0 ? 0 : Math.max(-Number.MAX_VALUE, low - margin), Math.min(Number.MAX_VALUE, high + margin)];
  }

  draw() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    const scale = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const colors = {};
    const color = (name) => colors[name] ??= style.getPropertyValue(`--${name}`);
    const [low, high] = this.range();
    const [start, end] = this.span;
    const x = (ms) => LEFT + (ms - start) / (end - start) * (width - LEFT - RIGHT);
    const y = (value) => TOP + (high / 2 - value / 2) / (high / 2 - low / 2) * (height - TOP - BOTTOM);
    // Where something is that is told by the clock of the agent.
    const told = (ms) => x(ms - this.ahead);
    Object.assign(this, { x, y, told, low, high, width, height });
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui, sans-serif";
    pen.lineWidth = 1;
    this.axes(pen, color);
    this.spans(pen, color);
    this.normal(pen, color);
    for (const event of this.events) {
      pen.strokeStyle = color(event.to.toLowerCase());
      pen.setLineDash([2, 3]);
      stroke(pen, [[told(event.time_ms), TOP], [told(event.time_ms), height - BOTTOM]]);
    }
    pen.setLineDash([]);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, width - LEFT - RIGHT, height);
    pen.clip();
    const ink = (at) => color(`s${at % 6}`);
    if (this.live) this.rolled.draw(pen, this, scale, LEFT, RIGHT, ink);
    else this.series.forEach((one, at) => curve(pen, this, scale, one, ink(at)));
    pen.restore();
    for (const { state, value, tried } of this.lines) {
      if (value < low || value > high) continue;
      pen.strokeStyle = color(state.toLowerCase());
      pen.setLineDash(tried ? [6, 3] : [2, 4]);
      stroke(pen, [[LEFT, y(value)], [width - RIGHT, y(value)]]);
    }
    pen.setLineDash([]);
    this.place();
    if (this.dragged) {
      pen.fillStyle = color("link");
      pen.globalAlpha = 0.2;
      pen.fillRect(Math.min(...this.dragged), TOP, Math.abs(this.dragged[1] - this.dragged[0]), height - TOP - BOTTOM);
      pen.globalAlpha = 1;
    }
  }

  // Where it normally is, behind the curves.
  normal(pen, color) {
    const { told, y, low, high, width } = this;
    pen.fillStyle = color("soft");
    pen.globalAlpha = 0.2;
    for (const [from, to, least, most] of this.band) {
      const [left, right] = [Math.max(LEFT, told(from)), Math.min(width - RIGHT, told(to))];
      const [top, bottom] = [y(Math.min(high, most)), y(Math.max(low, least))];
      if (right > left && bottom >= top) pen.fillRect(left, top, right - left, Math.max(1, bottom - top));
    }
    pen.globalAlpha = 1;
  }

  // What lasts: incidents, and when it was and would have been WARNING or CRITICAL.
  spans(pen, color) {
    const { told, width, height } = this;
    const fill = (from, to, top, tall) => {
      // Whole pixels, so that what is short is seen.
      const [left, right] = [Math.floor(Math.max(LEFT, told(from))), Math.ceil(Math.min(width - RIGHT, told(to)))];
      if (right >= left) pen.fillRect(left, top, Math.max(1, right - left), tall);
    };
    pen.globalAlpha = 0.12;
    for (const [from, to, state] of this.would ?? []) { pen.fillStyle = color(state.toLowerCase()); fill(from, to, TOP, height - TOP - BOTTOM); }
    pen.fillStyle = color("link");
    for (const { since_ms, until_ms } of this.incidents) fill(since_ms, until_ms, TOP, height - TOP - BOTTOM);
    pen.globalAlpha = 1;
    for (const { since_ms, until_ms, number } of this.incidents) {
      fill(since_ms, until_ms, TOP, 3);
      if (told(since_ms) < width - RIGHT && told(until_ms) > LEFT) { pen.textAlign = "left"; pen.textBaseline = "top"; pen.fillText(`#${number}`, Math.max(LEFT, told(since_ms)) + 2, TOP + 4); }
    }
    // An acknowledgement points up, a note down.
    for (const [at, up] of [...this.acks.map((one) => [one.at_ms, -8]), ...this.notes.map((one) => [one.time_ms, 8])]) {
      pen.beginPath();
      const from = up < 0 ? height - BOTTOM : TOP;
      [[-5, 0], [5, 0], [0, up]].forEach(([right, down]) => pen.lineTo(told(at) + right, from + down));
      pen.fill();
    }
    [this.would, this.was].forEach((all, row) => {
      for (const [from, to, state] of all ?? []) { pen.fillStyle = color(state.toLowerCase()); fill(from, to, height - BOTTOM - (row + 1) * (STRIP + 1), STRIP); }
    });
  }

  // Puts the handles on their lines: they are moved with the pointer, and with the keyboard.
  place() {
    while (this.handles.length > this.lines.length) this.handles.pop().remove();
    while (this.handles.length < this.lines.length) this.handles.push(this.handle(this.handles.length));
    this.lines.forEach(({ state, value, below, metric }, at) => {
      const handle = this.handles[at];
      const told = `${state} ${below ? "below" : "above"}`;
      handle.hidden = value < this.low || value > this.high;
      handle.style.top = `${this.y(value) - 6}px`;
      for (const [what, text] of [["label", `${told}${metric ? `, ${metric}` : ""}`], ["valuenow", value], ["valuemin", Math.min(this.low, value)], ["valuemax", Math.max(this.high, value)], ["valuetext", `${told} ${figure(value, this.series[0]?.unit)}`]]) {
        name(handle, `aria-${what}`, text);
      }
    });
  }

  handle(at) {
    const made = element("div", "", "handle");
    made.tabIndex = 0;
    made.setAttribute("role", "slider");
    made.setAttribute("aria-orientation", "vertical");
    const move = (value) => {
      // Three digits of what is seen.
      const digit = 10 ** Math.floor(Math.log10(this.high / 500 - this.low / 500));
      this.asked.limit({ ...this.lines[at], value: +(Math.round(value / digit) * digit).toPrecision(12) });
      // What is moved is tried, and stands first.
      if (at > 0) { at = 0; this.handles[0].focus(); }
    };
    const value = (event) => {
      const share = (event.clientY - this.canvas.getBoundingClientRect().top - TOP) / (this.height - TOP - BOTTOM);
      return this.high * (1 - share) + this.low * share;
    };
    const own = at;
    let held = false;
    made.addEventListener("pointerdown", (event) => { made.setPointerCapture(event.pointerId); held = true; });
    made.addEventListener("pointermove", (event) => { if (held) move(value(event)); });
    for (const end of ["pointerup", "pointercancel"]) made.addEventListener(end, () => { held = false; at = own; });
    made.addEventListener("keydown", (event) => {
      const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (!steps || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      at = own;
      move(this.lines[own].value + steps * (this.high / 100 - this.low / 100));
      at = own;
    });
    this.plot.append(made);
    return made;
  }

  axes(pen, color) {
    const { x, y, low, high, width, height, span: [start, end] } = this;
    pen.strokeStyle = color("line");
    pen.fillStyle = color("soft");
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    const rough = high / 4 - low / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
    for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
      stroke(pen, [[LEFT, y(at)], [width - RIGHT, y(at)]]);
      const value = +at.toPrecision(12), unit = this.series[0]?.unit;
      const told = Math.abs(value) >= 1e15 && !unit ? value.toExponential(1).replace("e+", "e") : figure(value, unit);
      pen.fillText(told, LEFT - 6, y(at), LEFT - 6);
    }
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const zone = new Date(start).getTimezoneOffset() * 60000;
    const wanted = (end - start) / Math.max(1, Math.floor(width / 110));
    const every = STEPS_MS.find((one) => one >= wanted) ?? wanted;
    for (let at = Math.ceil((start - zone) / every) * every + zone; at <= end; at += every) {
      const text = time(at);
      stroke(pen, [[x(at), height - BOTTOM], [x(at), height - BOTTOM + 4]]);
      pen.fillText(every < 6e4 ? text.slice(11) : every < 864e5 ? text.slice(11, 16) : text.slice(0, 10), x(at), height - BOTTOM + 6);
    }
  }

  tell() {
    const head = element("tr");
    for (const text of ["Time", "Series", "Least", "Mean", "Greatest"]) { const cell = element("th", text); cell.scope = "col"; head.append(cell); }
    const rows = [];
    const parts = this.series.flatMap(({ name, unit, points, consolidated }) => [{ name, unit, points }, { name: `${name}, consolidated`, unit, points: consolidated }]);
    for (const { name, unit, points } of parts) {
      const step = Math.max(1, Math.ceil(points.length / 60));
      for (let at = 0; at < points.length; at += step) {
        const part = points.slice(at, at + step);
        const mean = part.every((point) => point[4] !== null) ? part.reduce((sum, point) => sum + point[4] / part.length, 0) : NaN;
        const told = [Math.min(...part.map((point) => point[2])), mean, Math.max(...part.map((point) => point[3]))];
        rows.push(row([time(part[0][0]), name, ...told.map((value) => figure(value, unit))]));
      }
    }
    this.table.replaceChildren(head, ...rows);
  }

  listen() {
    const { canvas } = this;
    const at = (event) => event.clientX - canvas.getBoundingClientRect().left;
    const ms = (place) => this.span[0] + (place - LEFT) / (this.width - LEFT - RIGHT) * (this.span[1] - this.span[0]);
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); this.dragged = [at(event), at(event)]; });
    canvas.addEventListener("pointermove", (event) => { if (this.dragged) { this.dragged[1] = at(event); this.draw(); } });
    canvas.addEventListener("pointerup", () => {
      const drawn = this.dragged;
      this.dragged = null;
      if (drawn && Math.abs(drawn[1] - drawn[0]) > 4) this.asked.span(ms(Math.min(...drawn)), ms(Math.max(...drawn)));
      this.draw();
    });
    canvas.addEventListener("keydown", (event) => {
      const [start, end] = this.span, long = end - start;
      const spans = {
        ArrowLeft: [start - long / 4, end - long / 4], ArrowRight: [start + long / 4, end + long / 4],
        "+": [start + long / 4, end - long / 4], "=": [start + long / 4, end - long / 4], "-": [start - long / 2, end + long / 2],
      };
      if (spans[event.key] && !event.ctrlKey && !event.metaKey) { event.preventDefault(); this.asked.span(...spans[event.key]); }
    });
  }
}

function stroke(pen, points) {
  pen.beginPath();
  points.forEach(([x, y]) => pen.lineTo(x, y));
  pen.stroke();
}
