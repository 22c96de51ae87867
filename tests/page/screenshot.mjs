// A picture of the page after it was live for a while. Usage: node screenshot.mjs URL PROFILE FILE

import { writeFileSync } from "node:fs";
import { Browser } from "./browser.mjs";

const RUNS = 300;

const [url, profile, file] = process.argv.slice(2);
const browser = await Browser.start(profile);
await browser.size(1000, 760);
// The agent may not listen yet.
for (let tries = 0; tries < 100; tries++) {
  const { errorText } = await browser.ask("Page.navigate", { url });
  if (!errorText) break;
  await new Promise((done) => setTimeout(done, 100));
}
await browser.until(`+document.getElementById('charts')?.dataset.drawn >= ${RUNS}`).catch(() => {});
await browser.until("document.querySelectorAll('#board tbody tr').length >= 4");
writeFileSync(file, await browser.png());
await browser.end();
process.exit(0);
