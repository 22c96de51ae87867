// Curves on a canvas: all at once, or while they grow.

// Beyond the right end of what is rolled, for values of clocks that are ahead (pixels).
const ROLLED_MORE = 100;
const HATCH = 6;

const isJoined = (point, before, bridge) => (point[6] === undefined ? point[0] - before.to <= bridge : !point[6]);

// Draws a series where `place` = { x, y } says.
//
// A column is two rectangles: from the least to the greatest value, and from the mean before to its own. They are on whole pixels across,
// so that a thousand are painted in a fraction of the time that a path of a thousand corners takes; a path is only what bridges columns
// without a value.
export function curve(pen, place, scale, { points, bridge, consolidated }, color) {
  const { x, y } = place;
  const whole = (at) => Math.round(at * scale) / scale;
  hatched(pen, place, consolidated, color);
  pen.fillStyle = pen.strokeStyle = color;
  pen.globalAlpha = 0.45;
  for (const [from, to, min, max] of points) if (min !== max) { const left = whole(x(from)); pen.fillRect(left, y(max), Math.min(2, Math.max(1, whole(x(to)) - left)), y(min) - y(max)); }
  pen.globalAlpha = 1;
  pen.lineWidth = 1.5;
  pen.beginPath();
  let before = { to: -Infinity };
  for (const point of points) {
    const [from, to, , , mean] = point;
    const [left, right, at] = [whole(x(from)), whole(x(to)), y(mean)];
    const joined = isJoined(point, before, bridge);
    const follows = joined && from - before.to < (to - from) / 2 && right - left <= 2;
    if (!follows && joined && before.to > -Infinity) { pen.moveTo(before.right, before.at); pen.lineTo(left, at); }
    const top = follows ? Math.min(before.at, at) : at;
    pen.fillRect(left, top - 0.75, Math.max(1, right - left), (follows ? Math.abs(before.at - at) : 0) + 1.5);
    before = { to, right, at };
  }
  pen.stroke();
}

// What an older system has consolidated is hatched from its least to its greatest value, so that nobody takes it for samples.
function hatched(pen, { x, y }, consolidated, color) {
  if (!consolidated.length) return;
  const tile = document.createElement("canvas");
  tile.width = tile.height = HATCH;
  const line = tile.getContext("2d");
  line.strokeStyle = color;
  line.beginPath();
  // Beyond the corners, so that tiles join.
  for (const at of [-HATCH, 0, HATCH]) { line.moveTo(at - 1, HATCH + 1); line.lineTo(at + HATCH + 1, -1); }
  line.stroke();
  pen.fillStyle = pen.createPattern(tile, "repeat");
  for (const [from, to, low, high] of consolidated) pen.fillRect(x(from), y(high) - 1, x(to) - x(from), y(low) - y(high) + 2);
  pen.fillStyle = color;
  pen.globalAlpha = 0.6;
  for (const [from, to, , , mean] of consolidated) if (mean !== null) pen.fillRect(x(from), y(mean) - 0.5, x(to) - x(from), 1);
  pen.globalAlpha = 1;
}

// Curves that grow: what was drawn of them is moved to the left, and only what is new is drawn, unless the scale is another one.
export class Roll {
  // Draws the series of a chart.
  draw(pen, chart, scale, left, right, ink) {
    const { width, height, low, high, series, y, span: [start, end] } = chart;
    const perMs = (width - left - right) * scale / (end - start);
    const key = [low, high, width, height, scale, end - start, series.length, ink(0)].join();
    if (this.key !== key || this.first !== series[0] || series.some((one) => one.isStale)) {
      const canvas = this.canvas ?? document.createElement("canvas");
      canvas.width = Math.ceil((width - left - right) * scale) + ROLLED_MORE;
      canvas.height = Math.ceil(height * scale);
      Object.assign(this, { key, first: series[0], canvas, pen: canvas.getContext("2d"), origin: start, last: new Map() });
      this.pen.setTransform(scale, 0, 0, scale, -left * scale, 0);
      series.forEach((one, at) => {
        curve(this.pen, chart, scale, one, ink(at));
        this.last.set(one, one.newest);
        one.drawn();
      });
      this.pen.setTransform(1, 0, 0, 1, 0, 0);
    }
    const moved = Math.floor((start - this.origin) * perMs);
    if (moved > 0) {
      this.pen.globalCompositeOperation = "copy";
      this.pen.drawImage(this.canvas, -moved, 0);
      this.pen.globalCompositeOperation = "source-over";
      this.origin += moved / perMs;
    }
    this.pen.lineWidth = 1.5 * scale;
    const x = (ms) => (ms - this.origin) * perMs;
    series.forEach((one, at) => {
      if (!one.fresh.length) return;
      this.pen.strokeStyle = ink(at);
      this.pen.beginPath();
      const last = this.last.get(one);
      if (last) this.pen.moveTo(x(last[0]), y(last[1]) * scale);
      one.fresh.forEach(([ms, value, isGap]) => {
        if (!last || isGap) this.pen.moveTo(x(ms) - 0.5, y(value) * scale);
        this.pen.lineTo(x(ms), y(value) * scale);
      });
      this.pen.stroke();
      this.last.set(one, one.newest);
      one.drawn();
    });
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(this.canvas, left * scale - (start - this.origin) * perMs, 0);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
  }
}
