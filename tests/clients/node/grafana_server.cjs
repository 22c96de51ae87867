// In place of Grafana's server: what its data source in the browser sends there comes to `custos serve` from here.
//
// The browser's half of the data source is Grafana's own (@grafana/prometheus with @grafana/runtime and @grafana/data). The server's
// half is a program in Go; this does what that is known to do: it forwards resources, and makes requests of Prometheus' API of queries,
// and frames of the answers. The variables of a dashboard are replaced here, too, as Grafana's core does.
"use strict";

require("./page.cjs");
const path = require("node:path");
const { rangeUtil } = require("@grafana/data");
const runtime = require("@grafana/runtime");
const { from } = require("rxjs");

const SETTINGS = {
  id: 1, uid: "custos", type: "prometheus", name: "Custos", url: process.env.CUSTOS_URL, access: "proxy", readOnly: true,
  meta: { id: "prometheus", info: {} }, jsonData: { httpMethod: "POST", timeInterval: "10s" },
};
/// The only statuses whose bodies the server reads.
const READ = [200, 400, 422, 503];

/// Sends a request to `custos serve`. Every one is kept in `sent`.
const sent = [];
async function ask(method, target, parameters) {
  const form = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined));
  sent.push(`${method} ${target}`);
  const isPost = method === "POST";
  const response = await fetch(`${SETTINGS.url}${target}${isPost ? "" : `?${form}`}`, { method, body: isPost ? form : undefined });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}

/// What a resource is forwarded to. A failure is thrown as Grafana's backendSrv does.
async function resource(method, target, parameters) {
  const { status, body } = await ask(method, target, parameters);
  if (status >= 300) throw { status, data: body, config: { url: target } };
  return { status, data: body };
}

/// "Save & test".
async function health() {
  const { status, body } = await ask("POST", "/api/v1/query", { query: "1+1", time: "4" });
  const [time, value] = body.data?.result ?? [];
  const works = status === 200 && body.data.resultType === "scalar" && time === 4 && value === "2";
  return { data: works ? { status: "OK", message: "Successfully queried the Prometheus API." } : { status: "ERROR", message: body } };
}

/// The variables of a query that only the server replaces.
function withInterval(expression, stepS, rangeMs) {
  const rateS = Math.max(stepS + 15, 4 * 15);
  const values = {
    __interval_ms: stepS * 1000, __interval: `${stepS}s`, __rate_interval_ms: rateS * 1000, __rate_interval: `${rateS}s`,
    __range_ms: rangeMs, __range_s: Math.round(rangeMs / 1000), __range: `${Math.round(rangeMs / 1000)}s`,
  };
  return expression.replace(/\$(?:{(__\w+)}|(__\w+))/g, (whole, braced, bare) => values[braced ?? bare] ?? whole);
}

function number(text) {
  return { "+Inf": Infinity, "-Inf": -Infinity }[text] ?? Number(text);
}

function legend(format, labels) {
  if (!format || format === "__auto") return undefined;
  return format.replace(/{{\s*(.+?)\s*}}/g, (_, name) => labels[name] ?? "");
}

function frame(query, stepS, expression, data, series, notices) {
  const points = series.values ?? [series.value];
  const { __name__: name } = series.metric;
  const config = { displayNameFromDS: legend(query.legendFormat, series.metric) };
  return {
    schema: {
      refId: query.refId,
      meta: {
        type: data.resultType === "matrix" ? "timeseries-multi" : "numeric-multi", typeVersion: [0, 1],
        custom: { resultType: data.resultType }, executedQueryString: `Expr: ${expression}\nStep: ${stepS}s`, notices,
      },
      fields: [
        { name: "Time", type: "time", typeInfo: { frame: "time.Time" }, config: { interval: stepS * 1000 } },
        { name: name ?? "Value", type: "number", typeInfo: { frame: "float64" }, labels: series.metric, config },
      ],
    },
    data: { values: [points.map(([time]) => time * 1000), points.map(([, value]) => number(value))] },
  };
}

async function answered(query, fromMs, toMs) {
  const least = rangeUtil.intervalToSeconds(query.interval || SETTINGS.jsonData.timeInterval);
  const stepS = Math.max(least, query.intervalMs / 1000);
  const expression = withInterval(query.expr, stepS, toMs - fromMs);
  const align = (ms) => Math.floor((ms / 1000 + query.utcOffsetSec) / stepS) * stepS - query.utcOffsetSec;
  const { status, body } = query.instant
    ? await ask("POST", "/api/v1/query", { query: expression, time: (toMs / 1000).toFixed(3) })
    : await ask("POST", "/api/v1/query_range", { query: expression, start: align(fromMs), end: align(toMs), step: stepS });
  if (!READ.includes(status)) return { status, error: `unexpected response: ${body}` };
  if (body.status !== "success") return { status, error: `${body.errorType}: ${body.error}` };
  const note = (severity) => (text) => ({ severity, text });
  const notices = [...(body.warnings ?? []).map(note("warning")), ...(body.infos ?? []).map(note("info"))];
  const { result, resultType } = body.data;
  const series = resultType === "scalar" ? [{ metric: {}, value: result }] : result;
  return { status, frames: series.map((one) => frame(query, stepS, expression, body.data, one, notices)) };
}

/// `/api/ds/query`.
async function queries({ queries, from, to }) {
  const results = {};
  for (const query of queries) results[query.refId] = await answered(query, Number(from), Number(to));
  const status = Object.values(results).some((result) => result.error) ? 400 : 200;
  return { status: 200, data: { results }, ok: status === 200 };
}

runtime.setBackendSrv({
  fetch({ method, url, params, data }) {
    if (url.startsWith("/api/ds/query")) return from(queries(data));
    if (url === `/api/datasources/uid/${SETTINGS.uid}/health`) return from(health());
    const target = url.split(`/api/datasources/uid/${SETTINGS.uid}/resources`)[1];
    if (target === undefined) throw new Error(`Grafana's server is not asked for ${url}`);
    return from(resource(method, target, params ?? data ?? {}));
  },
});
runtime.setDataSourceSrv({ getInstanceSettings: () => SETTINGS, get: async () => dataSource, getList: () => [SETTINGS] });

/// The values of a dashboard's variables; a variable that may have several has them as an array.
const variables = new Map();
const REFERENCE = /\$(\w+)|\${(\w+)(?::(\w+))?}/g;
const templates = {
  getVariables: () => [...variables.keys()].map((name) => ({ name })),
  containsTemplate: (text) => [...(text ?? "").matchAll(REFERENCE)].length > 0,
  updateTimeRange() {},
  getAdhocFilters: () => [],
  replace(text, scoped, format) {
    return text?.replace(REFERENCE, (whole, bare, braced, own) => {
      const name = bare ?? braced;
      const value = scoped?.[name]?.value ?? variables.get(name);
      if (value === undefined) return whole;
      if (own === "regex") return [value].flat().map((one) => one.replace(/[.\\+*?()[\]{}|^$]/g, "\\$&")).join("|");
      if (typeof format === "function") return format(value, { name, multi: Array.isArray(value), includeAll: Array.isArray(value) });
      return [value].flat().join(",");
    });
  },
};
runtime.setTemplateSrv(templates);

// By file, as what draws the editors of queries is not loaded.
const inPackage = (file) => require(path.join(path.dirname(require.resolve("@grafana/prometheus")), `${file}.cjs`));
const { PrometheusDatasource } = inPackage("datasource");
const dataSource = new PrometheusDatasource(SETTINGS);

module.exports = { SETTINGS, dataSource, inPackage, sent, variables };
