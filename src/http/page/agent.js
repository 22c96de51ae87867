// An agent: what is asked of it, and what it shows while it is watched.
//
// Tokens come by the fragment of the address once, and stay in the storage of this tab, each for its own agent. They are sent as a header
// and never as a cookie, which a browser would send to whatever else listens on the same host.

const RETRY_MS = 1000;
const SILENCE_MS = 5000;
// How long it takes until a host that says nothing holds up no others.
const QUICK_MS = 5000;
// Characters of a reason that are said.
const REASON_MAX = 300;

// A token is asked for, or would let in.
export class Denied extends Error {}

export class Agent {
  constructor(origin) {
    this.origin = origin;
    this.name = new URL(origin).host;
    this.clock = null;
  }

  get token() { return sessionStorage.getItem(`token ${this.origin}`); }
  set token(token) { sessionStorage.setItem(`token ${this.origin}`, token); }

  async fetch(path, params = [], more = {}) {
    const url = new URL(path, this.origin);
    for (const [name, value] of params) url.searchParams.append(name, value);
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const answer = await fetch(url, { headers, credentials: "omit", cache: "no-store", ...more });
    if (answer.status === 401) throw new Denied(this.token ? `${this.name} does not know this token` : `${this.name} asks for a token`);
    if (answer.status === 403 && !this.token) throw new Denied(await told(answer));
    if (!answer.ok) throw new Error(await told(answer));
    return answer;
  }

  async get(path, params, more) {
    return (await this.fetch(path, params, more)).json();
  }

  // The same where others wait for it, too, which is not for ever.
  async quick(path, params, { signal, ...more } = {}) {
    const patience = AbortSignal.timeout(QUICK_MS);
    try {
      return await this.get(path, params, { ...more, signal: signal ? AbortSignal.any([signal, patience]) : patience });
    } catch (error) {
      throw patience.aborted && !signal?.aborted ? new Error(`does not answer within ${QUICK_MS / 1000} s`) : error;
    }
  }

  // How far the agent's clock is ahead of this one, and within how much that is known (ms): the best of some askings.
  async measureClock() {
    let best = null;
    for (let asked = 0; asked < 5; asked++) {
      const sent = performance.timeOrigin + performance.now();
      const { received_ms, sent_ms } = await this.quick("/api/time");
      const came = performance.timeOrigin + performance.now();
      const bound = (came - sent) / 2 + 1;
      if (!best || bound < best.bound) best = { offset: (received_ms - sent + sent_ms - came) / 2, bound };
    }
    this.clock = best;
    return best;
  }

  // Watches checks until `signal` is aborted; begins anew where the stream ends, and where nothing comes. What is wrong is told to `trouble`,
  // with the error if there is one, and that all is well again by no words.
  async watch(checks, every, signal, line, trouble) {
    const params = checks.map((check) => ["check", check]);
    if (every) params.push(["every", every]);
    while (!signal.aborted) {
      const one = new AbortController();
      const stop = () => one.abort();
      signal.addEventListener("abort", stop);
      let silence;
      const heard = () => { clearTimeout(silence); silence = setTimeout(stop, SILENCE_MS); };
      try {
        heard();
        const headers = { Accept: "text/event-stream" };
        if (this.token) headers.Authorization = `Bearer ${this.token}`;
        const answer = await this.fetch("/api/watch", params, { headers, signal: one.signal });
        trouble("");
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = "";;) {
          const { value, done } = await reader.read();
          if (done) break;
          heard();
          const lines = (rest + value).split("\n");
          rest = lines.pop();
          for (const text of lines) if (text.startsWith("data: ")) line(exact(text.slice(6)));
        }
        if (!signal.aborted) trouble(`${this.name}: the stream has ended; trying again`);
      } catch (error) {
        if (!signal.aborted) trouble(`${this.name}: ${error.message}`, error);
      } finally {
        clearTimeout(silence);
        signal.removeEventListener("abort", stop);
        one.abort();
      }
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

// A line, of which counters that are larger than a number can tell apart are integers without an end.
function exact(text) {
  if (!/"value":-?\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (key, value, { source } = {}) => (key === "value" && /^-?\d{16,}$/.test(source ?? "") ? BigInt(source) : value));
}

// Why an agent did not answer; another host may say any length of it.
async function told(answer) {
  const text = (await answer.text()).trim();
  let why = text;
  try { why = JSON.parse(text).error ?? text; } catch { /* it is no JSON, and said as it is */ }
  why = `${why}` || `status ${answer.status}`;
  return why.length > REASON_MAX ? `${why.slice(0, REASON_MAX)} …` : why;
}

// The agents that the address names, this one first. A token in the fragment is taken out of the address.
export function agents(params) {
  const origins = [location.origin];
  for (const text of (params.get("hosts") ?? "").split(",").filter(Boolean)) {
    try {
      const { origin, protocol } = new URL(text);
      if (/^https?:$/.test(protocol) && !origins.includes(origin)) origins.push(origin);
    } catch { /* it is no address, and asked for nothing */ }
  }
  const all = origins.map((origin) => new Agent(origin));
  const handed = new URLSearchParams(location.hash.slice(1)).get("token");
  if (handed) {
    all[0].token = handed;
    history.replaceState(null, "", location.pathname + location.search);
  }
  return all;
}
