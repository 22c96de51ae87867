// How fast the page is, as one line of JSON. Usage: node bench.mjs live|many|paint URL PROFILE [SECONDS]

import { readFileSync } from "node:fs";
import { Browser } from "./browser.mjs";

const OPENED = 20;

const [what, url, profile, seconds = "30"] = process.argv.slice(2);
const browser = await Browser.start(profile);
await browser.size(1200, 900);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
const numbers = (all) => all.sort((a, b) => a - b);

// All processes of the browser: processor time (s) by their kind.
function cpu() {
  const found = { page: 0, all: 0 };
  const look = (pid) => {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
    const took = (+fields[11] + +fields[12]) / 100;
    found.all += took;
    if (words.includes("--type=renderer")) found.page += took;
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).forEach((child) => look(+child));
  };
  look(browser.child.pid);
  return found;
}

const heap = async () => (await browser.ask("HeapProfiler.collectGarbage"), (await browser.ask("Runtime.getHeapUsage")).usedSize / 2 ** 20);

const told = {};
if (what === "paint") {
  const found = { painted: [], drawn: [], marked: [] };
  for (let time = 0; time < OPENED; time++) {
    await browser.open("about:blank");
    await browser.ask("Page.navigate", { url });
    const { paintedMs, tookMs, markedMs } = await browser.until("(({ ...all }) => all.markedMs && all)(document.getElementById('charts')?.dataset ?? {})");
    found.painted.push(+paintedMs);
    found.drawn.push(+tookMs);
    found.marked.push(+markedMs);
  }
  for (const [name, all] of Object.entries(found)) told[name] = [at(numbers(all), 0.5), all.at(-1)];
} else {
  await browser.open(url);
  await browser.until("+document.getElementById('charts')?.dataset.drawn >= 20");
  await browser.run(`
    window.ages = [], window.frames = 0;
    new MutationObserver(() => { const { newestMs } = document.getElementById('charts').dataset; if (newestMs !== window.last) { ages.push(Date.now() - newestMs); last = newestMs; } frames++; })
      .observe(document.getElementById('charts'), { attributeFilter: ['data-drawn'] });`);
  // What is kept of the last two minutes is there before growth is told.
  const settled = Math.min(125, +seconds / 3);
  await pause(settled * 1000);
  const first = await heap();
  await browser.run("ages.length = 0, frames = 0");
  const [began, before] = [Date.now(), cpu()];
  await pause((+seconds - settled) * 1000);
  const [passed, after] = [(Date.now() - began) / 1000, cpu()];
  const ages = numbers(await browser.run("ages"));
  Object.assign(told, { p50: Math.round(at(ages, 0.5)), p99: Math.round(at(ages, 0.99)), runs: ages.length, fps: (await browser.run("frames")) / passed });
  Object.assign(told, { page: (after.page - before.page) / passed * 100, all: (after.all - before.all) / passed * 100, heap: [first, await heap()] });
}
console.log(JSON.stringify(told));
await browser.end();
process.exit(0);
