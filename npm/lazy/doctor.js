// What support asks about first, looked up in the page itself and answered in
// words: policy, token, origin, clock, storage, what covers the widget, version.
// Fetched when `doctor()` is called, so that nobody else pays for it.

const MAX_SKEW_S = 60;

/**
 * Examines the page around a widget. Resolves to `{ok, checks, text}`: each check
 * has a `name`, `ok` and what it `says`; `text` is all of it, to be pasted into a
 * letter. Nothing in it is secret.
 */
export async function examine(element, options, base, kiosk) {
  const relay = String(options.relay ?? base ?? "").replace(/\/$/, "");
  const token = await askForToken(relay, options);
  const checks = [
    ["policy", await policy(relay)],
    ["token", token],
    ["clock", clock(token.token)],
    ["storage", storage(options.persist)],
    ["place", place(element)],
    ["version", await version(base ?? new URL(".", import.meta.url).href)],
    ...(kiosk ? await kiosk.examine() : []),
  ].map(([name, { ok, says }]) => ({ name, ok, says }));
  const text = checks.map(({ name, ok, says }) => `${ok ? "ok  " : "BAD "} ${name}: ${says}`).join("\n");
  return { ok: checks.every((check) => check.ok), checks, text };
}

const good = (says, more) => ({ ok: true, says, ...more });
const bad = (says, more) => ({ ok: false, says, ...more });

/** Reads the page's own policy: it is same-origin, so its header can be read. */
async function policy(relay) {
  const meta = document.querySelector('meta[http-equiv="Content-Security-Policy" i]')?.content;
  let header;
  try {
    header = (await fetch(location.href, { method: "HEAD" })).headers.get("content-security-policy");
  } catch {
    // A page from a file, or a server that answers no HEAD: what stands in the page is all there is.
  }
  const policies = [header, meta].filter(Boolean);
  if (!policies.length) return good("the page has no Content-Security-Policy that could be in the way");
  const lacks = [];
  for (const text of policies) {
    const directives = Object.fromEntries(
      text.split(";").map((part) => {
        const [name, ...sources] = part.trim().split(/\s+/);
        return [name.toLowerCase(), sources];
      }),
    );
    const sources = (...names) => names.map((name) => directives[name]).find(Boolean);
    const scripts = sources("script-src", "default-src");
    if (scripts && !scripts.some((source) => /^'(wasm-)?unsafe-eval'$/.test(source))) lacks.push("'wasm-unsafe-eval' in script-src");
    const connects = sources("connect-src", "default-src");
    if (connects && relay && !connects.some((source) => allows(source, relay))) lacks.push(`${relay} in connect-src`);
  }
  return lacks.length
    ? bad(`the page's Content-Security-Policy lacks ${[...new Set(lacks)].join(" and ")}`)
    : good("the page's Content-Security-Policy allows what the chat needs");
}

/** Whether a source of a policy covers an origin, as far as sources are written for relays. */
function allows(source, origin) {
  const { protocol, host, hostname } = new URL(origin, location.href);
  if (source === "*") return /^https?:$/.test(protocol);
  if (source === "'self'") return new URL(origin, location.href).origin === location.origin;
  if (source.endsWith(":")) return source === protocol;
  const [, scheme, pattern] = /^(?:(\w+:)\/\/)?([^/]*)/.exec(source);
  if (scheme && scheme !== protocol) return false;
  return pattern === host || pattern === hostname || (pattern.startsWith("*.") && hostname.endsWith(pattern.slice(1)));
}

async function askForToken(relay, { site, getToken, api, kiosk }) {
  if (getToken || api) return good(`not asked for: the page has ${getToken ? "getToken" : "an api of its own"}`);
  let answer;
  try {
    answer = await fetch(`${relay}/v1/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ site, device: kiosk?.device }),
    });
  } catch {
    return bad(`${relay} could not be reached from this page: is it up, is its certificate good, does connect-src allow it?`);
  }
  const body = await answer.json().catch(() => undefined);
  if (answer.ok && body?.token) return good(`${relay} gives tokens to ${location.origin} for ${site}`, { token: body.token });
  const code = body?.error?.code;
  if (code === "origin_not_allowed") {
    return bad(`the relay knows no site "${site}" for ${location.origin}: add that to "origins" of its [[site]] in chinwag.toml, exactly so`);
  }
  if (body?.error?.param === "device") {
    const isWorthless = kiosk?.device && code === "unauthenticated";
    return bad(`the relay does not take this kiosk's device key: ${body.error.message}${isWorthless ? ` (chinwag-relay device new ${site} makes another)` : ""}`);
  }
  if (code) return bad(`the relay refused a token: ${code} (request ${answer.headers.get("x-request-id") ?? "unknown"})`);
  return bad(`${relay}/v1/token answered ${answer.status} and not what a relay answers: is "relay" the address of a relay?`);
}

/** The relay's clock stands in its tokens. */
function clock(token) {
  let issued;
  try {
    issued = JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).iat;
  } catch {
    return good("not compared: there is no token of the relay's to read a time from");
  }
  const skew = Math.round(Date.now() / 1000 - issued);
  return Math.abs(skew) > MAX_SKEW_S
    ? bad(`this device's clock is ${Math.abs(skew)} s ${skew > 0 ? "ahead of" : "behind"} the relay's; tokens may be taken for old`)
    : good("this device's clock agrees with the relay's");
}

function storage(persist = "local") {
  if (persist === "memory") return good("nothing is to be kept (persist: memory)");
  const key = "cw:doctor";
  try {
    const place = persist === "session" ? sessionStorage : localStorage;
    place.setItem(key, key);
    place.removeItem(key);
    return good(`${persist}Storage can be written`);
  } catch (error) {
    return bad(`${persist}Storage cannot be written (${error.name}): conversations end with the page. Private window, full disk, or a frame without rights?`);
  }
}

/** Whether the launcher or the panel can be seen and pressed. */
function place(element) {
  if (!element.isConnected) return bad("the widget is not in the page: it was destroyed, or its place was taken out");
  if (element.hidden) return bad("the widget is hidden: call show()");
  for (let above = element.parentElement; above; above = above.parentElement) {
    const { transform, filter, perspective, contain, display } = getComputedStyle(above);
    if (display === "none") return bad(`${name(above)} around the widget is not displayed`);
    const holds = element.dataset.mode !== "inline" && above !== document.documentElement;
    if (holds && (transform !== "none" || filter !== "none" || perspective !== "none" || /paint|layout|strict|content/.test(contain))) {
      return bad(`${name(above)} around the widget has a transform, filter, perspective or contain: what is fixed to the window is fixed to it instead`);
    }
  }
  const parts = [...element.shadowRoot.querySelectorAll("[part~=panel]:not([hidden]), [part~=launcher]")];
  const shown = parts.map((part) => part.getBoundingClientRect()).find((box) => box.width && box.height);
  if (!shown) return bad("neither launcher nor panel takes up room: is the launcher hidden, and nothing opens the panel?");
  const [x, y] = [shown.x + shown.width / 2, shown.y + shown.height / 2];
  if (element.dataset.mode !== "inline" && (x < 0 || y < 0 || x > innerWidth || y > innerHeight)) {
    return bad(`it stands outside the window, at ${Math.round(x)}, ${Math.round(y)}: look at "offset"`);
  }
  const top = document.elementFromPoint(x, y);
  return !top || top === element || element.contains(top)
    ? good("nothing of the page covers it")
    : bad(`${name(top)} of the page covers it (z-index ${getComputedStyle(top).zIndex}): raise "zIndex", or lower that one's`);
}

const name = (element) => element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "") + [...element.classList].map((word) => `.${word}`).join("");

/** Whether this is the module that the relay serves today. */
async function version(base) {
  const own = new URL(import.meta.url).pathname.split("/").pop();
  try {
    const manifest = await (await fetch(new URL("manifest.json", base))).json();
    return manifest.files.some((file) => file.path === own)
      ? good(`${manifest.version}, the one that ${new URL(base).origin} serves`)
      : bad(`an older build than ${manifest.version}, which ${new URL(base).origin} serves: reload the page, or look for a cache that keeps chinwag.js`);
  } catch {
    return good("not compared: this module does not come from a relay");
  }
}
