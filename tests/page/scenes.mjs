// What a person does with the page, and what it has to show. Usage: node scenes.mjs SCENE URL PROFILE

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { Browser } from "./browser.mjs";

const rows = "document.querySelectorAll('#board tbody tr')";
const text = (id) => `document.getElementById('${id}').textContent`;

// Has the test do something, and waits until it is done.
async function please(what) {
  console.log(what);
  await once(process.stdin, "data");
}

// How much of a picture the browser has painted otherwise than its background, in parts of a canvas.
const inked = `(() => {
  const canvas = document.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(70, 0, canvas.width - 80, canvas.height - 24);
  let inked = 0;
  for (let at = 3; at < data.length; at += 4) inked += data[at] > 0;
  return inked / (data.length / 4);
})()`;

const scenes = {
  async board(browser, url) {
    await browser.open(url);
    await browser.until(`${rows}.length >= 3`);
    assert.equal(await browser.run(`${rows}[0].cells[0].textContent.split(' ')[0]`), "CRITICAL");
    assert.match(await browser.run(text("sums")), /^1 CRITICAL/);
    // What was asked for came from this host alone.
    assert.deepEqual(browser.requests.filter((one) => !one.startsWith(url)), []);
    await browser.run("{ const i = document.getElementById('filter'); i.value = 'wave'; i.dispatchEvent(new Event('input')); }");
    await browser.until(`${rows}.length === 1`);
    // The address reproduces it.
    assert.equal(await browser.run("location.search"), "?q=wave");
    await browser.ask("Page.reload");
    await browser.until(`${rows}.length === 1 && document.getElementById('filter').value === 'wave'`);
    // Of what another host says, what is no row is counted and left out.
    const told = `{ host: 7, checks: [null, { check: null, said: "" }, { check: "a", said: "b", state: "EVIL" }, { check: "a", said: "b", since_ms: "x" }, { check: "a", said: "b", state: "OK" }] }`;
    const found = await browser.run(`import("/page/board.js").then(({ rowsOf }) => { const { rows, strange } = rowsOf({ name: "n" }, ${told}); return [rows.length, rows[0].host, strange, rowsOf({ name: "n" }, null).strange].join(); })`);
    assert.equal(found, "1,n,4,1");
  },

  async hostile(browser, url) {
    await browser.open(`${url}/?check=hostile`);
    await browser.until(`${text("why")}.includes('<img')`);
    await browser.until(`!document.getElementById('long').hidden && ${text("long")}.includes('<script>')`);
    await browser.until(`${rows}.length >= 3`);
    assert.equal(await browser.run("document.querySelectorAll('img, main script, iframe').length"), 0);
    assert.equal(await browser.run("window.pwned === undefined && document.title"), "hostile – Custos");
    // What turns text around, or is not seen, is shown as its escape, as in a terminal.
    await browser.open(`${url}/?check=turned`);
    await browser.until(`${text("why")}.includes('a\\\\u{202e}b\\\\u{2066}c')`);
    await browser.until(`${text("board")}.includes('a\\\\u{202e}b\\\\u{2066}c')`);
    assert.equal(await browser.run("/[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.documentElement.textContent)"), false);
    assert.equal(await browser.run("getComputedStyle(document.querySelector('#why dd')).unicodeBidi"), "isolate");
    // A name in the address is text, too.
    await browser.open(`${url}/?check=%3Cimg%20src%3Dx%20onerror%3Dpwned%3D1%3E&q=%3Cb%3E`);
    await browser.until(`${text("view-title")}.includes('<img')`);
    assert.equal(await browser.run("document.querySelectorAll('img').length"), 0);
  },

  async live(browser, url) {
    await browser.open(`${url}/?check=wave&every=100ms`);
    await browser.until("+document.getElementById('charts').dataset.drawn >= 20");
    assert.ok((await browser.run(inked)) > 0.0005);
    // What does not come by the stream is looked at again, so that its age is true.
    const last = await browser.until(text("why"));
    await browser.until(`${text("why")} !== ${JSON.stringify(last)}`);
    // The agent goes, and comes again.
    await please("restart");
    const before = await browser.run("+document.getElementById('charts').dataset.runs");
    await browser.until(`+document.getElementById('charts').dataset.runs >= ${before + 10}`);
    await browser.until(`${rows}.length >= 3`);
    await browser.open(`${url}/?check=broken&every=own`);
    await browser.until("document.querySelector('#events .CRITICAL')");
  },

  // What is drawn of runs as they come follows the rules of the past, and has a bound.
  async growing(browser, url) {
    await browser.open(url);
    const tried = (body) => browser.run(`import("/page/columns.js").then(({ Growing, Rate, keyOf, panelsOf }) => { ${body} })`);
    // A counter: nothing of the first, behind a gap or where no time passed; from 0 where it fell; exact however large it is.
    assert.deepEqual(await tried(`const rate = new Rate(); const all = [[0, 100], [2000, 300], [2000, 400], [3000, 50]].map(([ms, value]) => rate.add(ms, value)); rate.gap(); return [...all, rate.add(4000, 60)];`), [null, 100, null, 50, null]);
    assert.equal(await tried(`const rate = new Rate(); rate.add(0, 9223372036854775804n); return rate.add(1000, 9223372036854775807n);`), 3);
    assert.equal(await tried(`const rate = new Rate(); rate.add(0, 9007199254740991); return rate.add(1000, 9007199254741993n);`), 1002);
    const made = `const of = { points: [[0, 100, 1, 5, 3, 4]], consolidated: [], bridge: 100 }; const one = new Growing(of, { start: 0, wide: 100, count: 10 });`;
    // Samples of one column are one, what comes late goes where it belongs, and the mean of what the past has begun stays.
    assert.deepEqual(await tried(`${made} for (const [ms, value] of [[50, 9], [110, 2], [190, 4], [310, 7], [150, 6]]) one.add(ms, value, false); return one.points.map((point) => point.slice(0, 6));`),
      [[0, 100, 1, 9, 3, 9], [100, 200, 2, 6, 4, 4], [300, 400, 7, 7, 7, 7]]);
    // What is no number is a gap, and so is what is far.
    assert.deepEqual(await tried(`${made} one.add(110, NaN, false); one.add(210, 1, false); one.add(310, 1, false); one.add(410, 1, true); return one.points.map((point) => point[6]);`), [null, true, false, true]);
    // Of a page that nobody sees nothing is drawn, and nothing gathers: neither columns nor what waits to be drawn.
    assert.deepEqual(await tried(`${made} for (let ms = 100; ms < 1e6; ms += 50) one.add(ms, ms, false); return [one.points.length <= 20, one.fresh.length <= 1000, one.isStale, one.low >= 1e6 - 2200, one.high];`), [true, true, true, true, 999950]);
    // The largest values have a mean.
    assert.equal(await tried(`${made} for (const ms of [110, 120, 130]) one.add(ms, 1e308, false); return one.points[1][4];`), 1e308);
    // One key whatever the order of labels; an answer that is none of one agent leaves those of others.
    assert.equal(await tried(`return keyOf("m", [["b", "1"], ["a", "2"]], "") === keyOf("m", [["a", "2"], ["b", "1"]], "");`), true);
    assert.deepEqual(await tried(`
      const good = { start_ms: 0, end_ms: 10, columns: 1, series: [{ metric: "m", unit: "", limits: [], bridge_ms: 5, points: [[0, 1, 2, 1.5, 2]] }] };
      const strange = [];
      const panels = panelsOf([{ agent: "a", envelope: null }, { agent: "b", envelope: good }, { agent: "c", envelope: { series: 7 } }], (agent, text) => agent + text, { strange: (agent) => strange.push(agent) });
      return [[...panels.values()].flat().map((one) => one.name), strange];`), [["bm"], ["a", "c"]]);
  },

  // What was drawn of the past is there while it is live, and what was watched is there afterwards.
  async going_on(browser, url) {
    const charts = "document.getElementById('charts').dataset";
    const times = "[...document.querySelectorAll('figure table tr')].slice(1).map((row) => row.cells[0].textContent)";
    const shown = "document.querySelector('canvas').getAttribute('aria-label')";
    const lengthOf = (label) => { const [from, to] = label.match(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g).map((one) => Date.parse(`${one.replace(" ", "T")}Z`)); return Math.round((to - from) / 1000); };
    await browser.open(`${url}/?check=wave&since=15m`);
    await browser.until(`${charts}.markedMs`);
    await browser.run("document.querySelector('details').open = true");
    const [first] = await browser.until(`${times}.length > 5 && ${times}`);
    await browser.run("{ const every = document.getElementById('every'); every.value = '100ms'; every.dispatchEvent(new Event('change')); }");
    await browser.until(`+${charts}.drawn >= 30`);
    // The span is the one that was chosen, and what was drawn is there, with the lines of the plugin's limits.
    assert.equal(await browser.run("location.search"), "?check=wave&since=15m&every=100ms");
    assert.equal(lengthOf(await browser.run(shown)), 900);
    assert.equal((await browser.until(`${times}.length > 5 && ${times}`))[0].slice(0, 16), first.slice(0, 16));
    assert.ok((await browser.run(inked)) > 0.0005);
    await browser.until("[...document.querySelectorAll('.handle')].some((one) => one.getAttribute('aria-label') === 'WARNING above, x')");
    // Another span is shown, and it goes on.
    await browser.run("{ const span = document.getElementById('span'); span.value = '2m'; span.dispatchEvent(new Event('change')); }");
    await browser.until(`(${shown} ?? '').length && +${charts}.drawn < 10`);
    await browser.until(`+${charts}.drawn >= 15`);
    assert.equal(await browser.run("location.search"), "?check=wave&since=2m&every=100ms");
    assert.equal(lengthOf(await browser.run(shown)), 120);
    // A threshold is tried while it is live.
    await browser.run("{ const limit = document.getElementById('limit'); limit.value = '3'; limit.dispatchEvent(new Event('change')); }");
    await browser.until(`${charts}.judged === '3' && /As it is: 0 alerts\\./.test(${text("would")})`);
    assert.deepEqual(await browser.axe(), []);
    // A counter is a rate while it is watched, as it was before: in one graph, of which the last value is near a thousand a second.
    await browser.open(`${url}/?check=count&since=2m&every=200ms`);
    await browser.until(`+${charts}.drawn >= 15`);
    await browser.until("/^n (9\\d\\d \\/s|1(\\.\\d+)? k\\/s)$/.test(document.querySelector('figcaption span').textContent)");
    assert.equal(await browser.run("[...document.querySelectorAll('figcaption strong')].map((one) => one.textContent).join()"), "count (/s)");
    // What was watched is in the graph that is drawn afterwards, and its own runs are told apart from it.
    await browser.run("{ const every = document.getElementById('every'); every.value = ''; every.dispatchEvent(new Event('change')); }");
    await browser.until(`!new URLSearchParams(location.search).has('every') && ${charts}.tookMs`);
    const columns = (own) => browser.run(`fetch("/api/envelope?series=wave:x&columns=4096&own=${own}&start=" + (Date.now() / 1000 - 120) + "&end=" + Date.now() / 1000).then((answer) => answer.json()).then(({ series: [{ points }] }) => points.length)`);
    const [all, own] = [await columns(0), await columns(1)];
    assert.ok(all >= own + 20, `${all} of which ${own}`);
    const asked = browser.requests.filter((one) => one.includes("/api/envelope") && one.includes("own="));
    assert.deepEqual(asked.filter((one) => !one.includes("4096")), []);
  },

  // Who may not have a check run more often is told so in the words of the page, and can show a token.
  async unwatched(browser, url) {
    await browser.open(`${url}/?check=wave&every=100ms`);
    const said = await browser.until(`${text("said")}.includes('takes a token') && ${text("said")}`);
    assert.match(said, /^Live: /);
    assert.ok(!said.includes("`every`"), said);
    assert.equal(await browser.run("document.querySelectorAll('#doors input').length"), 1);
    // What it has by itself is there.
    await browser.until("document.querySelectorAll('figcaption span').length >= 2");
    await browser.open(`${url}/?check=wave&every=own`);
    await browser.until("+document.getElementById('charts').dataset.drawn >= 2");
  },

  async consolidated(browser, url) {
    await browser.open(`${url}/?check=wave&since=1h`);
    const caption = "[...document.querySelectorAll('figcaption span')].map((one) => one.textContent).join()";
    await browser.until(`${caption}.includes('(hatched: consolidated)')`);
    // Half an hour of it is hatched, and stands in the table as what it is.
    await browser.until(`${inked} > 0.01`);
    await browser.run("document.querySelector('details').open = true");
    await browser.until("[...document.querySelectorAll('figure table tr')].filter((row) => row.cells[1].textContent === 'x, consolidated').length >= 20");
    assert.ok(!/NaN|undefined|null/.test(await browser.run("document.querySelector('figure table').textContent")));
    assert.deepEqual(await browser.axe(), []);
  },

  async far(browser, url) {
    await browser.open(`${url}/?check=far&since=2m&limit=1e307`);
    await browser.until("document.getElementById('charts').dataset.tookMs");
    await browser.run("document.querySelector('details').open = true");
    const cells = await browser.until("((found) => found.length > 5 && found)([...document.querySelectorAll('figure table td')].map((one) => one.textContent))");
    assert.ok(cells.includes("1.00e+308") && cells.includes("-1.00e+308"), cells.join());
    const label = await browser.run("document.querySelector('canvas').getAttribute('aria-label')");
    assert.match(label, /from -1\.\d+e\+308 to 1\.\d+e\+308/);
    assert.ok(!/Infinity|NaN/.test(label + cells.join()), label);
    // The two are at the two ends, with nothing between them but the line that is tried: by the rows of pixels that have ink.
    const rows = await browser.run(`(() => {
      const canvas = document.querySelector('canvas');
      const { data, width } = canvas.getContext('2d').getImageData(66, 0, canvas.width - 80, canvas.height - 24);
      const found = [];
      for (let at = 3; at < data.length; at += 4) if (data[at] > 200 && data[at - 3] !== data[at - 1]) found.push(Math.floor(at / 4 / width));
      return [Math.min(...found), Math.max(...found), canvas.height];
    })()`);
    assert.ok(rows[0] < 40 && rows[1] > rows[2] - 60, rows.join());
    await browser.until("[...document.querySelectorAll('.handle')].some((one) => one.getAttribute('aria-valuenow') === '1e307' || +one.getAttribute('aria-valuenow') === 1e307)");
  },

  // Another host says why it does not answer in one word without an end, which turns text around, too.
  async reasons(browser, url) {
    const word = "nothing-works-here-".repeat(40);
    const servers = await Promise.all(["first", "second"].map(async (name) => {
      const server = createServer((request, response) => {
        response.writeHead(500, { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*" });
        response.end(`${name}-\u202e${word}`);
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      return server;
    }));
    const hosts = servers.map((server) => `http://127.0.0.1:${server.address().port}`);
    for (const width of [360, 1200]) {
      await browser.size(width, 800);
      await browser.open(`${url}/?hosts=${hosts}`);
      // Both say why, and the checks of this one are there.
      const said = await browser.until(`${text("said")}.includes('first-') && ${text("said")}.includes('second-') && ${text("said")}`);
      assert.ok(said.includes("\\u{202e}nothing-works-here-nothing") && said.length < 800, said);
      await browser.until(`${rows}.length >= 3`);
      const { right, height, wide } = await browser.run("(({ right, height }) => ({ right, height, wide: document.documentElement.scrollWidth }))(document.getElementById('said').getBoundingClientRect())");
      // It is wrapped, and there is no need to scroll for any of it.
      assert.ok(right <= width && wide <= width && height > 20, JSON.stringify({ right, height, wide }));
      assert.deepEqual(await browser.axe(), []);
    }
    servers.forEach((server) => server.close());
    // One that says nothing at all holds up nobody, neither the board nor a graph, live or not.
    const mute = createServer(() => {});
    await once(mute.listen(0, "127.0.0.1"), "listening");
    const silent = `http://127.0.0.1:${mute.address().port}`;
    await browser.open(`${url}/?hosts=${silent}`);
    await browser.until(`${text("said")}.includes('does not answer within') && ${rows}.length >= 3`);
    await browser.open(`${url}/?hosts=${silent}&check=wave&since=2m`);
    await browser.until("document.querySelectorAll('figcaption span').length === 2");
    await browser.open(`${url}/?hosts=${silent}&check=wave&since=2m&every=own`);
    await browser.until("+document.getElementById('charts').dataset.drawn >= 2");
    mute.closeAllConnections();
    mute.close();
  },

  async graph(browser, url) {
    await browser.open(`${url}/?check=wave&since=15m`);
    await browser.until("document.getElementById('charts').dataset.tookMs");
    await browser.until(`${inked} > 0.0005`);
    // What stands above the graph moves it while it comes.
    await browser.until(text("why"));
    // A part is dragged, and the address says which.
    await browser.run("document.querySelector('canvas').scrollIntoView({ block: 'center' })");
    const { x, y, width, height } = await browser.run("(({ x, y, width, height }) => ({ x, y, width, height }))(document.querySelector('canvas').getBoundingClientRect())");
    await browser.drag([x + width * 0.5, y + height / 2], [x + width * 0.9, y + height / 2]);
    const [start, end] = await browser.until("((p) => p.has('start') && [+p.get('start'), +p.get('end')])(new URLSearchParams(location.search))");
    assert.ok(end - start > 200_000 && end - start < 500_000, `${end - start}`);
    // Keys move it.
    await browser.run("document.querySelector('canvas').focus()");
    await browser.key("ArrowLeft");
    await browser.until(`+new URLSearchParams(location.search).get('start') < ${start}`);
    // A threshold is told, and dragged.
    await browser.open(`${url}/?check=wave&since=15m&limit=3`);
    const why = await browser.until(text("why"));
    assert.ok(!/NaN|undefined|\{/.test(why) && why.includes("warning outside 0 to 5") && why.includes("confirmed"), why);
    await browser.until(`${text("crossed")}.startsWith('Above 3') && ${text("crossed")}.includes('times')`);
    await browser.run("document.querySelector('details').open = true");
    await browser.until("document.querySelectorAll('figure table td').length >= 5");
  },

  async backtest(browser, url) {
    await browser.open(`${url}/?check=wave&since=15m`);
    const handles = "[...document.querySelectorAll('.handle')].filter((one) => !one.hidden)";
    // The plugin's own limits are lines.
    await browser.until(`${handles}.some((one) => one.getAttribute('aria-label') === 'WARNING above, x')`);
    // One is dragged, and each run is judged by where it is.
    await browser.run(`${handles}[0].scrollIntoView({ block: 'center' })`);
    const place = () => browser.run(`(({ x, y, width, height }) => [x + width / 2, y + height / 2])(${handles}.find((one) => one.getAttribute('aria-label') === 'WARNING above, x').getBoundingClientRect())`);
    const line = await place();
    await browser.drag(line, [line[0], line[1] + 40]);
    await browser.until(`+document.getElementById('limit').value < 5 && document.getElementById('level').value === 'WARNING'`);
    const dragged = await browser.run("document.getElementById('limit').value");
    await browser.until(`document.getElementById('charts').dataset.judged === ${JSON.stringify(dragged)}`);
    // Alerts are called that, and WARNING is told apart from CRITICAL.
    assert.match(await browser.run(text("would")), /^With WARNING above [\d.]+: [1-9]\d* alerts?, [\d.]+ minutes WARNING\. As it is: 0 alerts\./);
    // The address reproduces it.
    assert.equal(await browser.run("new URLSearchParams(location.search).get('limit')"), dragged);
    await browser.ask("Page.reload");
    await browser.until(`document.getElementById('charts').dataset.judged === ${JSON.stringify(dragged)}`);
    // Bands are drawn over the axis of time.
    const band = `(() => {
      const canvas = document.querySelector('canvas');
      const { data } = canvas.getContext('2d').getImageData(66, canvas.height - 26, canvas.width - 80, 1);
      let inked = 0;
      for (let at = 3; at < data.length; at += 4) inked += data[at] > 100;
      return inked;
    })()`;
    await browser.until(`${band} > 0`);
    // The same by the keyboard, and no further value is asked for.
    await browser.run("document.querySelector('.handle').focus()");
    const asked = browser.requests.filter((one) => one.includes("/api/envelope")).length;
    await browser.key("ArrowUp");
    await browser.until(`+document.getElementById('limit').value > ${dragged}`);
    assert.equal(await browser.run("document.activeElement.getAttribute('role')"), "slider");
    await browser.until(`document.getElementById('charts').dataset.judged === document.getElementById('limit').value`);
    assert.equal(browser.requests.filter((one) => one.includes("/api/envelope")).length, asked);
    assert.deepEqual(await browser.axe(), []);
  },

  async past(browser, url) {
    await browser.open(`${url}/?check=wave&since=10s`);
    await browser.until("document.getElementById('metric').options.length === 2");
    await browser.run("document.getElementById('past-ask').click()");
    await browser.until(`!document.getElementById('past').hidden && ${text("past-told")}.includes('separate stretches')`);
    assert.match(await browser.run("location.search"), /past=1/);
    // The plugin names no limit for the other, and one for this.
    await browser.until(`${text("past-forecast")}.length > 0`);
    assert.ok(!/NaN|undefined|\{/.test(await browser.run(text("past-forecast"))), await browser.run(text("past-forecast")));
    await browser.run("document.getElementById('normal').click()");
    await browser.until("document.getElementById('charts').dataset.normal !== undefined");
    assert.match(await browser.run("location.search"), /normal=1/);
    // A note is text, stands in the list at once, and is there after another look.
    await browser.run("{ document.getElementById('note').value = '<img src=x onerror=pwned=1> rolled back'; document.querySelector('#note-form button').click(); }");
    await browser.until(`${text("note-told")} === 'note 1'`);
    await browser.until(`${text("events")}.includes('rolled back')`);
    assert.equal(await browser.run("document.getElementById('note').value"), "");
    await browser.ask("Page.reload");
    await browser.until(`${text("events")}.includes('<img src=x onerror=pwned=1> rolled back (page)')`);
    assert.equal(await browser.run("document.querySelectorAll('img').length === 0 && window.pwned === undefined"), true);
    assert.deepEqual(await browser.axe(), []);
  },

  // Who may not write is told so.
  async unwritten(browser, url) {
    await browser.open(`${url}/?check=wave&since=15m`);
    await browser.until("document.getElementById('metric').options.length === 2");
    await browser.run("{ document.getElementById('note').value = 'it was I'; document.querySelector('#note-form button').click(); }");
    await browser.until(`${text("note-told")}.includes('takes a token')`);
    assert.equal(await browser.run("document.getElementById('note').value"), "it was I");
  },

  async marks(browser, url) {
    // The board says of which checks nobody is told, by whom and until when, and shows those that are left.
    const said = (check) => `[...${rows}].find((row) => row.cells[1].textContent === '${check}')?.cells[4].firstChild.textContent`;
    await browser.open(url);
    assert.match(await browser.until(said("broken")), /^acknowledged by \S+$/);
    assert.match(await browser.until(said("wave")), /^silenced until \d{4}-\d\d-\d\d \d\d:\d\d by kim$/);
    assert.equal(await browser.run(said("hostile")), "");
    assert.deepEqual(await browser.axe(), []);
    await browser.run("{ const state = document.getElementById('state'); state.value = 'open'; state.dispatchEvent(new Event('change')); }");
    await browser.until(`${rows}.length === 0`);
    assert.match(await browser.run("location.search"), /state=open/);
    // So does the check itself, with the reason.
    await browser.open(`${url}/?check=wave&since=15m`);
    assert.match(await browser.until(text("held")), /^Silenceduntil [-\d]+ [:\d]+ by kim: <img src=x> upgrade$/);
    await browser.open(`${url}/?check=broken&since=15m`);
    assert.match(await browser.until(text("held")), /^Acknowledgedsince [-\d]+ [:\d]+ by \S+: it is known$/);
    await browser.open(`${url}/?check=broken&since=15m`);
    // The incident, whose words are hostile, the change of state, and what was acknowledged.
    await browser.until(`${text("events")}.includes('incident #1') && ${text("events")}.includes('<img src=x')`);
    await browser.until("document.querySelector('#events .CRITICAL')");
    await browser.until(`${text("events")}.includes('acknowledged') && ${text("events")}.includes('it is known')`);
    await browser.until(`${text("events")}.includes('note') && ${text("events")}.includes('<script>')`);
    assert.equal(await browser.run("document.querySelectorAll('img').length === 0 && window.pwned === undefined"), true);
    // Why: what decides, and what else changed, at a time of the list.
    await browser.until(`${text("why")}.includes('it is broken')`);
    await browser.run("[...document.querySelectorAll('#events button')].at(-1).click()");
    await browser.until(`!document.getElementById('else').hidden && ${text("else-told")}.includes('against the past')`);
    assert.match(await browser.run("location.search"), /why=\d+/);
    assert.deepEqual(await browser.axe(), []);
    // A threshold of the configuration is told.
    await browser.open(`${url}/?check=limited&since=15m`);
    await browser.until(`${text("why")}.includes('WARNING if') && ${text("why")}.includes('v is outside 0 to 2 for 5 s')`);
    await browser.until("[...document.querySelectorAll('.handle')].some((one) => one.getAttribute('aria-label') === 'WARNING above, v')");
  },

  async access(browser, url) {
    for (const dark of [false, true]) {
      await browser.dark(dark);
      for (const query of ["", "?check=wave&since=15m&limit=3", "?check=broken"]) {
        await browser.open(url + "/" + query);
        await browser.until(`${rows}.length >= 3`);
        if (query) await browser.until("document.getElementById('charts').dataset.tookMs");
        assert.deepEqual(await browser.axe(), [], `${query} dark ${dark}`);
      }
      const [r] = (await browser.run("getComputedStyle(document.body).backgroundColor")).match(/\d+/g);
      assert.equal(+r < 50, dark);
    }
    // All by the keyboard: to the first check, and into it.
    await browser.open(url);
    await browser.until(`${rows}.length >= 3`);
    for (let presses = 0; presses < 40 && !(await browser.run("document.activeElement.closest('#board td') !== null")); presses++) await browser.key("Tab");
    const name = await browser.run("document.activeElement.textContent");
    await browser.key("Enter");
    await browser.until(`${text("view-title")} === ${JSON.stringify(name)} && !document.getElementById('view').hidden`);
  },

  async layout(browser, url) {
    // On a small screen nothing is wider than it, and on a large one the parts stand where they belong.
    for (const [width, height] of [[360, 740], [1400, 900]]) {
      await browser.size(width, height);
      await browser.open(`${url}/?check=wave&since=15m`);
      await browser.until("document.getElementById('charts').dataset.tookMs");
      await browser.until(`${rows}.length >= 3`);
      const { wide, boxes } = await browser.run(`({
        wide: document.documentElement.scrollWidth,
        boxes: ['header', '#view-title', '#why', 'canvas', '#events-title', '#board'].map((one) => document.querySelector(one).getBoundingClientRect().top),
      })`);
      assert.ok(wide <= width, `${wide} of ${width}`);
      assert.deepEqual(boxes, boxes.toSorted?.((a, b) => a - b) ?? [...boxes].sort((a, b) => a - b));
      const png = await browser.png();
      assert.ok(png.length > 10_000);
    }
  },

  async hosts(browser, url) {
    // The other agent lets this page ask, and asks for a token.
    const [own, other] = url.split(",");
    await browser.open(`${own}/?hosts=${other}`);
    await browser.until("document.querySelector('#doors input')");
    await browser.run("document.querySelector('#doors input').value = '0123456789abcdef-token'; document.querySelector('#doors button').click()");
    await browser.until(`${rows}.length >= 6`);
    await browser.open(`${own}/?hosts=${other}&check=wave&since=15m`);
    await browser.until(`[...document.querySelectorAll('figcaption span')].filter((one) => one.textContent.includes(' x ')).length === 2`);
    await browser.open(`${own}/?hosts=${other}&check=wave&every=100ms`);
    await browser.until(`[...document.querySelectorAll('figcaption span')].filter((one) => one.textContent.includes(' x ')).length === 2`);
    // One that the address does not name is not asked, and the policy would not have it.
    assert.deepEqual(browser.requests.filter((one) => ![own, other].some((origin) => one.startsWith(`${origin}/`))), []);
    assert.equal(await browser.run(`fetch("http://127.0.0.1:9/x").then(() => "asked", () => "refused")`), "refused");
    assert.match((await browser.run("violations.splice(0)"))[0], /^connect-src/);
    browser.problems = browser.problems.filter((one) => !one.includes("127.0.0.1:9/x"));
  },

  async token(browser, url) {
    await browser.open(url);
    await browser.until("document.querySelector('#doors input')");
    assert.equal(await browser.run(`${rows}.length`), 0);
    await browser.open(`${url}/?q=wave#token=0123456789abcdef-token`);
    await browser.ask("Page.reload");
    await browser.until(`${rows}.length === 1`);
    // The token is out of the address, and in no cookie.
    assert.equal(await browser.run("location.href + document.cookie"), `${url}/?q=wave`);
  },
};

const [scene, url, profile] = process.argv.slice(2);
const browser = await Browser.start(profile);
try {
  await scenes[scene](browser, url);
  assert.deepEqual(await browser.complaints(), []);
} finally {
  await browser.end();
}
process.exit(0);
