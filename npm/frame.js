// `mode: "frame"`: the chat runs in a page of the relay's, in a frame, for pages
// that refuse WebAssembly. What stands here is the launcher, the frame, and the
// same handle as everywhere, over a port that is handed to the relay's page and
// to nobody else. The other end is `relay/pages/frame.js`.

import { EVENTS, METHODS } from "./names.js";

const STYLES = __CHINWAG_STYLES__;
// The same icon as the loader's.
const ICON =
  "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 3.5V17A2.5 2.5 0 0 1 4 14.5z";

/** The transcript of a conversation that has not begun. */
const NOTHING = { text: "", markdown: "", json: "[]" };

/** How long the relay's page may take, in ms. */
const PATIENCE = 30_000;

/** As `init` of the module, for `mode: "frame"`. */
export async function init(options, { base, host = document.createElement("div") } = {}) {
  const { mode: _, relay = base, ...rest } = options;
  if (!/^site_[\w-]{1,64}$/.test(rest.site)) throw new Error('option "site" must be "site_" and 1 to 64 letters, digits, _ or -');
  if (!URL.canParse(relay)) throw new Error('option "relay" must be the address of your relay, such as https://relay.example.com');
  for (const key of ["fetch", "target"]) {
    if (rest[key]) throw new Error(`option "${key}" cannot be used with mode "frame": the chat is another page`);
  }
  const origin = new URL(relay).origin;

  const face = draw(host, rest);
  const { root, launcher } = face;
  const frame = make("iframe", {
    class: "cw-frame",
    part: "frame",
    title: rest.title ?? "Chat",
    allow: "clipboard-write",
    src: `${origin}/frame?site=${encodeURIComponent(rest.site)}`,
  });
  frame.hidden = true;
  const line = connect(host);
  const isNew = !host.isConnected;

  const show = (isOpen, isAsked) => {
    line.isOpen = isOpen;
    const hadFocus = root.activeElement === frame;
    frame.hidden = !isOpen;
    launcher.setAttribute("aria-expanded", isOpen);
    if (isOpen && isAsked) frame.focus();
    else if (!isOpen && hadFocus) launcher.focus();
  };
  line.heard = (name) => /^(open|close)$/.test(name) && show(name === "open", true);
  line.focus = () => frame.focus();
  line.dressed = (properties) => {
    for (const name in properties) if (name.startsWith("--cw-")) host.style.setProperty(name, properties[name]);
  };

  const ready = line.begin(frame, origin, rest);
  // A press that comes first is not lost; what went wrong is told by `init`.
  const toggle = () => {
    launcher.setAttribute("aria-busy", true);
    ready
      .then(() => line.call(line.isOpen ? "close" : "open"))
      .catch(() => {})
      .then(() => launcher.removeAttribute("aria-busy"));
  };
  const pressed = (event) => face.selector() && event.target.closest?.(face.selector()) && toggle();
  launcher.onclick = toggle;
  addEventListener("click", pressed);
  line.ended = () => removeEventListener("click", pressed);
  root.append(frame);
  if (isNew) document.querySelector("body").append(host);
  try {
    show((await ready).isOpen);
  } catch (error) {
    line.ended();
    face.undo();
    if (isNew) host.remove();
    throw error;
  }
  const handle = handleOf(host, line, face.dress);
  if (rest.onError) handle.on("error", rest.onError);
  host.dispatchEvent(new CustomEvent("chinwag:ready", { bubbles: true, composed: true, detail: {} }));
  rest.onReady?.(handle);
  return handle;
}

/** The handle. What the relay's page has to carry out is a promise here; what it has told is there at once. */
function handleOf(host, line, dress) {
  const on = (name, listener) => {
    if (!EVENTS.includes(name)) throw new Error(`Chinwag: there is no event "${name}". There are: ${EVENTS.join(", ")}`);
    const heard = (event) => {
      const answer = listener(event.detail, event);
      if (answer?.then) event.detail.waitUntil?.(answer);
    };
    host.addEventListener(`chinwag:${name}`, heard);
    // Who has the handle has missed it.
    if (name === "ready") queueMicrotask(() => heard(new CustomEvent("chinwag:ready", { detail: {} })));
    return () => host.removeEventListener(`chinwag:${name}`, heard);
  };
  const handle = { element: host, on };
  for (const method of METHODS) handle[method] = (...given) => line.call(method, ...given);
  handle.once = (name, listener) => {
    const off = on(name, (detail, event) => {
      off();
      return listener(detail, event);
    });
    return off;
  };
  handle.update = async (changes) => {
    await line.call("update", changes);
    dress(changes);
  };
  handle.setTheme = (theme) => handle.update({ theme });
  // What is not shown yet takes no focus.
  handle.focus = async () => {
    if (!line.isOpen) await line.call("open");
    line.focus();
    return line.call("focus");
  };
  handle.toggle = () => line.call(line.isOpen ? "close" : "open");
  handle.isOpen = () => line.isOpen;
  handle.show = () => void (host.hidden = false);
  handle.hide = () => void (host.hidden = true);
  handle.transcript = (format = "text") => {
    if (!Object.hasOwn(line.transcript, format)) throw new Error('Chinwag: transcript() takes "text", "markdown" or "json"');
    return line.transcript[format];
  };
  handle.registerTools = (tools) => {
    const key = line.next();
    line.call("registerTools", key, tools);
    return () => void line.call("unregisterTools", key);
  };
  handle.destroy = () => {
    line.end();
    host.remove();
  };
  return Object.freeze(handle);
}

/** One end of the port. */
function connect(host) {
  const { port1: port, port2: other } = new MessageChannel();
  const waiting = new Map();
  /** Functions of the page that the other end may call, and runs of them. */
  const functions = new Map();
  const runs = new Map();
  let count = 0;
  let isOver = false;
  const next = () => ++count;

  /** Puts the name of a function where the function was. */
  const pack = (value) => {
    if (typeof value === "function") {
      const id = next();
      functions.set(id, value);
      return { "chinwag:function": id };
    }
    if (Array.isArray(value)) return value.map(pack);
    if (!value || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, pack(member)]));
  };

  const line = {
    isOpen: false,
    transcript: NOTHING,
    next,

    /** Hands the other end of the port to the relay's page: to its window, in its origin. */
    begin(frame, origin, options) {
      return new Promise((resolve, reject) => {
        const id = next();
        waiting.set(id, { resolve, reject });
        const { onReady: _, onError: __, ...sent } = options;
        const hello = { chinwag: "frame", id, events: EVENTS, options: pack(sent) };
        frame.onload = () => {
          frame.onload = undefined;
          frame.contentWindow.postMessage(hello, origin, [other]);
        };
        setTimeout(() => {
          if (!waiting.delete(id)) return;
          reject(new Error(`Chinwag: ${origin}/frame did not answer. Is it the relay, does the page's Content-Security-Policy allow it in frame-src, and is ${location.origin} among the site's origins?`));
        }, PATIENCE);
      });
    },

    call(method, ...given) {
      if (isOver) return Promise.resolve();
      const id = next();
      const result = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
      try {
        port.postMessage({ kind: "call", id, method, given: given.map(pack) });
      } catch (error) {
        waiting.delete(id);
        return Promise.reject(error);
      }
      return result;
    },

    end() {
      isOver = true;
      line.isOpen = false;
      line.transcript = NOTHING;
      line.ended();
      port.close();
      for (const { resolve } of waiting.values()) resolve();
      waiting.clear();
      functions.clear();
    },
  };

  const answer = async (id, work) => {
    try {
      port.postMessage({ kind: "answer", id, result: await work() });
    } catch (error) {
      port.postMessage({ kind: "answer", id, error: String(error?.message ?? error) });
    }
  };

  /** Lets the page see an event; for `before:send` gives what the page decided. */
  const announce = async (name, detail) => {
    const promises = [];
    const isAsking = name === "before:send";
    const event = new CustomEvent(`chinwag:${name}`, {
      bubbles: true,
      composed: true,
      cancelable: isAsking,
      detail: isAsking ? { ...detail, waitUntil: (promise) => promises.push(promise) } : detail,
    });
    line.heard(name, detail);
    host.dispatchEvent(event);
    if (!isAsking) return undefined;
    if (!event.defaultPrevented) await Promise.all(promises);
    return { isPrevented: event.defaultPrevented, text: event.detail.text };
  };

  const run = (id, call, given) => {
    const controller = new AbortController();
    runs.set(call, controller);
    const named = given.map((value) =>
      value?.["chinwag:signal"] ? { ...value, "chinwag:signal": undefined, signal: controller.signal } : value,
    );
    return Promise.resolve(functions.get(id)?.(...named)).finally(() => runs.delete(call));
  };

  port.onmessage = ({ data }) => {
    const { kind, id } = data;
    if (data.transcript) line.transcript = data.transcript;
    if (data.properties) line.dressed(data.properties);
    if (kind === "answer") {
      const { resolve, reject } = waiting.get(id) ?? {};
      waiting.delete(id);
      if (data.error === undefined) resolve?.(data.result);
      else reject?.(new Error(data.error));
    } else if (kind === "event") announce(data.name, data.detail);
    else if (kind === "ask") answer(id, () => announce(data.name, data.detail));
    else if (kind === "run") answer(id, () => run(data.function, id, data.given));
    else if (kind === "abort") runs.get(id)?.abort();
  };
  return line;
}

/**
 * The launcher, in place of the one that the loader has drawn: what is inside the
 * frame cannot draw it. `dress` gives it the looks that changed options ask for,
 * `undo` puts back what was there.
 */
function draw(host, options) {
  host.dataset.chinwag ??= options.site;
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const before = [root.adoptedStyleSheets, [...root.childNodes]];
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLES);
  root.adoptedStyleSheets = [sheet];
  const launcher = make("button", { class: "cw-launcher", part: "launcher", "aria-haspopup": "dialog", "aria-expanded": false });
  root.replaceChildren(launcher);

  let looks = {};
  const dress = (changes) => {
    const merged = { ...looks, ...changes };
    for (const group of ["theme", "launcher"]) {
      if (changes[group]) merged[group] = { ...looks[group], ...changes[group] };
    }
    looks = merged;
    const { position, offset, zIndex, theme, launcher: own } = looks;
    host.dataset.position = position ?? "bottom-right";
    host.dataset.scheme = theme?.colorScheme ?? "auto";
    // By the object model: a style attribute would need the page's policy to allow inline styles.
    for (const axis of "xy") {
      const distance = offset?.[axis] ?? offset;
      host.style.setProperty(`--cw-offset-${axis}`, typeof distance === "number" ? `${distance}px` : "");
    }
    host.style.setProperty("--cw-z", zIndex ?? "");
    launcher.hidden = Boolean(own?.hidden ?? own?.selector);
    launcher.setAttribute("aria-label", own?.label ?? "Open chat");
    launcher.replaceChildren(
      own?.icon
        ? make("img", { class: "cw-icon", src: own.icon, alt: "" })
        : make("svg", { class: "cw-icon", viewBox: "0 0 24 24", "aria-hidden": true }, make("path", { d: ICON })),
    );
  };
  dress(options);
  const undo = () => {
    root.adoptedStyleSheets = before[0];
    root.replaceChildren(...before[1]);
  };
  return { root, launcher, dress, undo, selector: () => looks.launcher?.selector };
}

function make(name, values, ...children) {
  const kind = /svg|path/.test(name) ? "2000/svg" : "1999/xhtml";
  const element = document.createElementNS(`http://www.w3.org/${kind}`, name);
  for (const key in values) element.setAttribute(key, values[key]);
  element.append(...children);
  return element;
}
