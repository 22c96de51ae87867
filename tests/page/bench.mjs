// How fast the page is. Usage: node bench.mjs live|paint|many URL PROFILE

import { readFileSync } from "node:fs";
import { Browser } from "./browser.mjs";

const [what, url, profile] = process.argv.slice(2);
const browser = await Browser.start(profile);
await browser.size(1200, 900);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];

// Processor time of a process and all below it (s): the browser has several.
function cpu() {
  const below = (pid) => [pid, ...readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).flatMap((child) => below(+child))];
  return below(browser.child.pid).reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return sum + (+fields[11] + +fields[12]) / 100;
  }, 0);
}

const heap = async () => (await browser.ask("HeapProfiler.collectGarbage"), (await browser.ask("Runtime.getHeapUsage")).usedSize / 2 ** 20);

if (what === "paint") {
  const took = [];
  for (let time = 0; time < 10; time++) {
    await browser.open("about:blank");
    await browser.open(url);
    took.push(+(await browser.until("document.getElementById('charts')?.dataset.tookMs")));
  }
  took.sort((a, b) => a - b);
  console.log(`asked to drawn: median ${at(took, 0.5)} ms, worst ${took.at(-1)} ms of 10`);
} else {
  await browser.open(url);
  await browser.until("+document.getElementById('charts')?.dataset.drawn >= 20");
  await browser.run(`
    window.ages = [], window.frames = 0;
    new MutationObserver(() => { const { newestMs } = document.getElementById('charts').dataset; if (newestMs !== window.last) { ages.push(Date.now() - newestMs); last = newestMs; } frames++; })
      .observe(document.getElementById('charts'), { attributeFilter: ['data-drawn'] });`);
  const [began, before, first] = [Date.now(), cpu(), await heap()];
  await pause(30_000);
  const seconds = (Date.now() - began) / 1000;
  const ages = (await browser.run("ages")).sort((a, b) => a - b);
  console.log(`run ended to drawn: p50 ${at(ages, 0.5)} ms, p99 ${at(ages, 0.99)} ms of ${ages.length}`);
  console.log(`${((await browser.run("frames")) / seconds).toFixed(1)} pictures a second, ${((cpu() - before) / seconds * 100).toFixed(0)} % of a core in all of the browser, heap ${first.toFixed(1)} to ${(await heap()).toFixed(1)} MiB`);
}
await browser.end();
process.exit(0);
