// A page without a browser, for code that looks for one when it is loaded. Nothing is drawn.
"use strict";

const { JSDOM } = require("jsdom");

const page = new JSDOM("<!doctype html>", { url: "http://localhost/", pretendToBeVisual: true }).window;
for (const name of Object.getOwnPropertyNames(page)) {
  if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value: page[name], configurable: true, writable: true });
}
Object.assign(globalThis, { window: page, document: page.document });
// What Grafana's page says of its server. Everything else has its usual value.
page.grafanaBootData = { settings: { buildInfo: { version: "13.2.3" }, featureToggles: {} }, user: {}, navTree: [] };
require.extensions[".css"] = () => {};
