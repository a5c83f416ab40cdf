// The JavaScript face of the widget: loads the module, mounts, hands out a
// handle, and begins again when the module has ended. It holds no behaviour of
// the chat; that is in the module.

import makeGlue from "./glue.js";
import { whole } from "./bands.js";
import { ask, crashes, draw, guard, remains } from "./crash.js";

const VERBS = ["open", "close", "toggle", "isOpen", "setInput", "focus", "stop", "newConversation", "setConversation", "clear", "reset"];

/** Calls that have to be made again on a widget that is begun again. */
const LASTING = ["update", "identify", "logout", "registerTools"];

const EVENTS =
  "ready open close message:sent message:received response:start response:end response:stopped conversation:change unread error token:refreshed tool:call tool:result feedback connection:change before:send idle:warning idle:reset".split(
    " ",
  );

/** The languages beside English, which is built in. Each is fetched when it is spoken. */
const LANGUAGES = {
  __proto__: null,
  ar: new URL("__CHINWAG_AR__", import.meta.url),
  de: new URL("__CHINWAG_DE__", import.meta.url),
  es: new URL("__CHINWAG_ES__", import.meta.url),
  fr: new URL("__CHINWAG_FR__", import.meta.url),
  ja: new URL("__CHINWAG_JA__", import.meta.url),
  pt: new URL("__CHINWAG_PT__", import.meta.url),
  zh: new URL("__CHINWAG_ZH__", import.meta.url),
};

/** Parts of the module that are fetched when they are first needed: where each is, and which is there before it. */
const PARTS = __CHINWAG_PARTS__;

/** The running module; after a crash the next `load` begins another. */
let running;
/** The module as it was compiled and the styles, so that another one is there at once; and its parts. */
let fetched;
const compiledParts = {};

/** Fetches and compiles what every widget of a page needs, once. A failed attempt may be repeated. */
function fetchFiles(wasmUrl) {
  if (fetched) return fetched;
  const attempt = (fetched = Promise.all([
    compile(wasmUrl ?? new URL("__CHINWAG_WASM__", import.meta.url)).catch(explain),
    text(new URL("__CHINWAG_CSS__", import.meta.url)),
  ]));
  attempt.catch(() => fetched === attempt && (fetched = undefined));
  return attempt;
}

/** Starts the module, once for all widgets of a page. A failed attempt may be repeated. */
function load(wasmUrl) {
  if (running) return running;
  const attempt = (running = begin(wasmUrl));
  attempt.catch(() => running === attempt && (running = undefined));
  return attempt;
}

async function begin(wasmUrl) {
  const widgets = new Map();
  const linked = {};
  let main;
  const glue = makeGlue((exports) => {
    main = exports;
    return guard(exports, (error) => {
      running = undefined;
      console.error("chinwag: the chat has stopped", error);
      for (const crashed of widgets.keys()) crashed();
    });
  });
  const [module, css] = await fetchFiles(wasmUrl);
  await glue.start(module);
  /** Dresses what parts draw, if there is any yet. */
  const dress = () => {
    for (const root of answerSheet ? widgets.values() : []) {
      const sheets = root.adoptedStyleSheets;
      // First: what says how the panel looks elsewhere, as at a kiosk, comes after it.
      if (!sheets.includes(answerSheet)) root.adoptedStyleSheets = [answerSheet, ...sheets];
    }
  };
  /** Makes a part one with the module, once. A failed attempt may be repeated. */
  const part = (name) => (linked[name] ??= link(name));
  const link = async (name) => {
    const base = PARTS[name][1];
    if (name === "Reply") idle(learnTimes);
    try {
      const [compiledPart] = await Promise.all([compilePart(name, wasmUrl), base && part(base), name !== "Setting" && answerStyles()]);
      dress();
      await WebAssembly.instantiate(compiledPart, { ...glue.imports, m: main });
      glue.linked(name);
    } catch (error) {
      delete linked[name];
      console.error(`chinwag: the part ${name} could not be loaded:`, error);
      throw error;
    }
  };
  return { css, mount: glue.mount, needs: glue.needs, widgets, part, dress };
}

/** How what parts draw looks: fetched with the first of them, once for a page. A failed attempt may be repeated. */
let answerSheet;
let fetchedSheet;
const answerStyles = () =>
  (fetchedSheet ??= text(new URL("__CHINWAG_ANSWER_CSS__", import.meta.url)).then(
    (css) => (answerSheet = new CSSStyleSheet()).replaceSync(css),
    (error) => {
      fetchedSheet = undefined;
      throw error;
    },
  ));

/**
 * Fetches and compiles a part. Where the page says itself where the module is,
 * the part may also be beside it, under the name that it has in the package.
 */
async function compilePart(name, wasmUrl) {
  const places = [PARTS[name][0]];
  if (wasmUrl) places.push(new URL(`chinwag-${name.toLowerCase()}.wasm`, new URL(wasmUrl, document.baseURI)));
  for (const [index, place] of places.entries()) {
    try {
      return (compiledParts[name] ??= await compile(place));
    } catch (error) {
      if (index === places.length - 1) throw error;
    }
  }
}

/** Fetches and compiles a module; one in bands is put together first. */
async function compile(url) {
  const module = await WebAssembly.compile(await (await get(url)).arrayBuffer());
  const [bands] = WebAssembly.Module.customSections(module, "bands");
  return bands ? WebAssembly.compile(await whole(bands)) : module;
}

/**
 * The first time that a browser writes, it loads what it knows of a language,
 * which takes longer than a frame on a slow device: it does so while what draws
 * messages is on its way.
 */
const learnTimes = () => void new Date().toLocaleString(navigator.language, { hour: "2-digit", minute: "2-digit" });

const idle = globalThis.requestIdleCallback ?? setTimeout;

/** Says how to mend what pages most often get wrong. */
function explain(error) {
  if (!(error instanceof WebAssembly.CompileError)) throw error;
  throw new Error(
    "Chinwag: this page refuses WebAssembly. Its Content-Security-Policy needs 'wasm-unsafe-eval' in script-src; or, with mode: \"frame\", the relay in frame-src.",
    { cause: error },
  );
}

/** A file of the widget's own. A web site's page in its place is what wrong addresses most often bring. */
async function get(url) {
  const response = await fetch(url);
  const type = response.headers.get("content-type") ?? "";
  if (response.ok && !type.startsWith("text/html")) return response;
  throw new Error(`Chinwag: ${url} answered ${response.ok ? type : response.status}. It has to be served from beside the module, as the relay does.`);
}

const text = async (url) => (await get(url)).text();

/**
 * The language that the page asked for or, if it asked for none, its own, as far
 * as there is one. What cannot be fetched leaves English, and is said.
 */
async function language(asked) {
  const of = (locale) => LANGUAGES[String(locale).split("-")[0].toLowerCase()];
  const own = document.documentElement.lang;
  const locale = asked ?? (of(own) ? own : "");
  const file = of(locale) && (await text(of(locale)).catch((error) => console.error("chinwag:", error)));
  return { locale, file };
}

/**
 * Brings everything here and waits until the chat is needed: a page where nobody
 * reaches for it does not pay for its beginning. Who was here before may have
 * questions that wait and answers not seen, and so may who chats in another tab. The launcher
 * that is drawn already is named in the language that the chat will speak.
 */
async function stand({ wasmUrl, mode, locale, strings, launcher, theme, teaser, autoOpen, onReady }, { needed, key, past, launcher: drawn }) {
  if (!needed || past || teaser || autoOpen || onReady || theme?.tokens) return;
  const told = new AbortController();
  try {
    // Also while the files are on their way.
    const elsewhere = new Promise((resolve) => addEventListener("storage", (event) => event.key === key && resolve(), told));
    const [{ file = "{}" }] = await Promise.all([language(locale), mode === "frame" || fetchFiles(wasmUrl)]);
    if (!launcher?.label) drawn.setAttribute("aria-label", strings?.openChat ?? JSON.parse(file).openChat ?? "Open chat");
    await Promise.race([needed, elsewhere]);
  } finally {
    told.abort();
  }
}

/** Carries a file to the relay or back: what does it is fetched with the first one. */
const files = async (verb, errand) => (await import("__CHINWAG_UPLOAD__"))[verb](errand);

/**
 * Mounts a widget and resolves to its handle. The options are those of the
 * documentation; the loader brings along where it came from and the element in
 * which it has drawn the launcher.
 */
export async function init(options, environment = {}) {
  await stand(options ?? {}, environment);
  if (options?.mode === "frame") return (await import("__CHINWAG_FRAME__")).init(options, environment);
  let { wasmUrl, ...rest } = options ?? {};
  // A kiosk has a companion, and a module of its own for each visitor.
  const kiosk =
    rest.mode === "kiosk"
      ? (await import("__CHINWAG_KIOSK__")).begin(rest, {
          parts: { keyboard: () => import("__CHINWAG_KEYBOARD__"), qr: () => import("__CHINWAG_QR__") },
          renew: () => renew(),
          doctor: () => handle.doctor(),
        })
      : undefined;
  if (kiosk) rest = kiosk.options;
  // What `persist: "memory"` keeps outlives a crash here.
  const memory = {};
  const counted = crashes();
  const lasting = [];
  let element = environment.host;
  let { sound, locale } = rest;
  let turn = 0;
  let inner;
  let words;
  let part;
  let forget;

  const mount = async (more, isOff) => {
    const [module, spoken] = await Promise.all([
      (kiosk ? begin : load)(wasmUrl),
      language(locale),
    ]);
    await Promise.all(module.needs(rest).map(module.part));
    if (isOff?.()) return;
    const css = module.css + (kiosk?.css ?? "");
    const begun = module.mount(rest, { ...environment, host: element, ...more, css, language: spoken, memory, files, part: module.part, kiosk: kiosk?.companion });
    if (!begun?.element) throw new Error("Chinwag: the chat has stopped while it began");
    inner = begun;
    words = ask(inner);
    part = module.part;
    element = inner.element;
    forget?.();
    module.widgets.set(crashed, element.shadowRoot);
    module.dress();
    forget = () => module.widgets.delete(crashed);
    kiosk?.attach(inner, spoken.locale);
  };

  /** Puts a fresh module in the place of the one that a visitor used, unless the next one is there already. */
  const renew = async () => {
    const used = inner;
    locale = rest.locale;
    try {
      await mount({}, () => inner !== used || used.isOpen());
      if (inner !== used) used.leave();
    } catch (error) {
      console.error("chinwag:", error);
    }
  };

  /** The module has ended, and this widget with it. */
  const crashed = () => {
    const left = remains(element.shadowRoot);
    inner = undefined;
    if (kiosk) return kiosk.crashed(element, mount);
    const again = async (open) => {
      try {
        await mount({ draft: left.draft });
        for (const [verb, given] of lasting) await prepared(given[0], verb, () => inner[verb](...given));
        if (open) inner.open();
      } catch (error) {
        console.error("chinwag:", error);
        if (!inner) draw(element.shadowRoot, { open, wait: counted.next(), begin: again, words });
      }
    };
    draw(element.shadowRoot, { ...left, wait: counted.next(), begin: again, words });
    element.dispatchEvent(new CustomEvent("chinwag:error", { bubbles: true, composed: true, detail: { reason: "crashed" } }));
  };

  /** Calls the widget, now and again should it have to be begun again. While it has stopped, nothing is called. */
  const call = (verb, ...given) => {
    const result = inner?.[verb](...given);
    if (LASTING.includes(verb)) lasting.push([verb, given]);
    if (verb === "update" && inner) words = ask(inner);
    return result;
  };

  /** Does something with options once there is what reads them: at once, if it is there. */
  const prepared = (given, verb, run) => {
    const names = inner?.needs?.(verb === "registerTools" ? { tools: given } : verb === "update" ? given : {}) ?? [];
    return names.length ? Promise.all(names.map(part)).then(run) : run();
  };

  await (kiosk ? kiosk.first(environment.host, mount) : mount());
  const on = (name, listener) => {
    if (!EVENTS.includes(name)) throw new Error(`Chinwag: there is no event "${name}". There are: ${EVENTS.join(", ")}`);
    // What a listener of `before:send` promises is waited for.
    const heard = (event) => {
      const answer = listener(event.detail, event);
      if (answer?.then) event.detail.waitUntil?.(answer);
    };
    element.addEventListener(`chinwag:${name}`, heard);
    // Who has the handle has missed it.
    if (name === "ready") queueMicrotask(() => heard(new CustomEvent("chinwag:ready", { detail: {} })));
    return () => element.removeEventListener(`chinwag:${name}`, heard);
  };
  /** Of two languages that were asked for, the later one is spoken, however they arrive. */
  const speak = async (asked) => {
    const mine = ++turn;
    locale = asked;
    const found = await language(asked);
    if (mine !== turn || !inner) return;
    inner.setLanguage(found);
    words = ask(inner);
  };
  const handle = { element, on };
  for (const verb of VERBS) handle[verb] = (...given) => call(verb, ...given);
  for (const verb of ["identify", "logout"]) handle[verb] = (...given) => call(verb, ...given);
  handle.once = (name, listener) => {
    const off = on(name, (detail, event) => {
      off();
      listener(detail, event);
    });
    return off;
  };
  // A message that is sent after tools were given goes with them, also while what reads them is on its way.
  let registering;
  handle.send = (text) => (registering ? registering.then(() => call("send", text)) : call("send", text));
  handle.registerTools = (tools) => {
    let names, isOff;
    const come = prepared(tools, "registerTools", () => void (isOff || (names = call("registerTools", tools))));
    if (come) {
      const over = () => void (registering === mine && (registering = undefined));
      const mine = (registering = come.catch((error) => console.error("chinwag:", error)).then(over));
    }
    return () => {
      isOff = true;
      const at = lasting.findIndex(([verb, [known]]) => verb === "registerTools" && known === tools);
      if (at >= 0) lasting.splice(at, 1);
      if (names) inner?.unregisterTools(names);
    };
  };
  handle.transcript = (format = "text") => inner?.transcript(format) ?? "";
  handle.destroy = () => {
    if (!inner) element.remove();
    forget();
    kiosk?.destroy();
    inner?.destroy();
  };
  handle.show = () => void (element.hidden = false);
  handle.hide = () => void (element.hidden = true);
  handle.update = (changes) =>
    prepared(changes, "update", () => {
      call("update", changes);
      kiosk?.update(changes);
      if ("sound" in changes) sound = changes.sound;
      if ("locale" in changes) speak(changes.locale);
    });
  handle.setTheme = (theme) => handle.update({ theme });
  handle.setLocale = (locale) => {
    call("update", { locale });
    return speak(locale);
  };
  handle.doctor = async () => (await import("__CHINWAG_DOCTOR__")).examine(element, rest, environment.base, kiosk);

  on("message:received", async () => {
    if (sound && (document.hidden || !inner?.isOpen())) (await import("__CHINWAG_SOUND__")).chime();
  });
  on("connection:change", ({ state }) => {
    if (state === "unavailable") console.error(`chinwag: ${rest.api ?? rest.relay ?? environment.base} does not answer as a relay does. doctor() on the handle says why.`);
  });
  if (rest.onError) on("error", rest.onError);
  rest.onReady?.(handle);
  return Object.freeze(handle);
}
