// Chromium, driven over a pipe by its own protocol: nothing stands between the test and the browser.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const PATIENCE_MS = 60_000;

export class Browser {
  // Starts one that keeps what it has in a directory of its own.
  static async start(profile) {
    const child = spawn("chromium", ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    const browser = new Browser();
    Object.assign(browser, { child, waiting: new Map(), next: 1, problems: [], requests: [] });
    child.on("error", (error) => { console.error(`failed to start chromium, which the Debian package chromium has: ${error.message}`); process.exit(1); });
    let rest = "";
    child.stdio[4].setEncoding("utf8").on("data", (text) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop();
      messages.forEach((message) => browser.heard(JSON.parse(message)));
    });
    const { targetInfos } = await browser.ask("Target.getTargets");
    const { targetId } = targetInfos.find((target) => target.type === "page");
    browser.session = (await browser.ask("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await browser.ask(`${domain}.enable`);
    await browser.ask("Page.addScriptToEvaluateOnNewDocument", {
      source: "window.violations = []; addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective + ' ' + e.blockedURI));",
    });
    return browser;
  }

  heard({ id, result, error, method, params }) {
    if (id) {
      const { done, failed } = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) failed(new Error(error.message)); else done(result);
    } else if (method === "Runtime.exceptionThrown") {
      this.problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    } else if (method === "Log.entryAdded" && params.entry.source === "security") {
      this.problems.push(params.entry.text);
    } else if (method === "Network.requestWillBeSent") {
      this.requests.push(params.request.url);
    }
  }

  ask(method, params = {}) {
    const id = this.next++;
    const answer = new Promise((done, failed) => this.waiting.set(id, { done, failed }));
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    return answer;
  }

  async run(expression) {
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  // Waits until an expression is true, and returns what it is.
  async until(expression) {
    for (const end = Date.now() + PATIENCE_MS; ;) {
      const value = await this.run(expression).catch(() => null);
      if (value) return value;
      if (Date.now() > end) throw new Error(`not within a minute: ${expression}; the page says ${await this.run("document.getElementById('said')?.textContent + ' | ' + document.body.innerText.slice(0, 600)")}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async open(url) { await this.ask("Page.navigate", { url }); await this.until("document.readyState === 'complete'"); }

  async key(key, code = key) {
    const windowsVirtualKeyCode = { Tab: 9, Enter: 13, ArrowLeft: 37 }[key];
    const text = key === "Enter" ? "\r" : undefined;
    await this.ask("Input.dispatchKeyEvent", { type: "keyDown", key, code, windowsVirtualKeyCode, text });
    await this.ask("Input.dispatchKeyEvent", { type: "keyUp", key, code, windowsVirtualKeyCode });
  }

  async drag(from, to) {
    const at = (type, [x, y]) => this.ask("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    await at("mousePressed", from);
    await at("mouseMoved", to);
    await at("mouseReleased", to);
  }

  dark(is) { return this.ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: is ? "dark" : "light" }] }); }

  size(width, height) { return this.ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false }); }

  async png() { return Buffer.from((await this.ask("Page.captureScreenshot", { format: "png" })).data, "base64"); }

  // What axe finds against the rules of WCAG 2.2 AA and its own best practices.
  async axe() {
    await this.run(readFileSync(join(process.env.CUSTOS_CLIENTS, "node/node_modules/axe-core/axe.min.js"), "utf8"));
    return this.run("axe.run().then(({ violations }) => violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html + ' ' + node.failureSummary).slice(0, 3).join(' / ')}`))");
  }

  // Whatever the browser complained of.
  async complaints() { return [...this.problems, ...(await this.run("violations"))]; }

  async end() {
    const ended = new Promise((done) => this.child.on("exit", done));
    this.ask("Browser.close").catch(() => {});
    await ended;
  }
}
