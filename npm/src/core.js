// The JavaScript face of the widget: loads the module once, mounts, and hands
// out a handle. It holds no behaviour; that is in the module.

import start, { mount } from "./glue.js";

const VERBS = ["open", "close", "toggle", "isOpen", "send", "setInput", "focus", "stop", "newConversation", "setConversation", "clear", "reset", "destroy"];

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

let loading;

/** Fetches and starts the module, once per page. A failed attempt may be repeated. */
function load(wasmUrl, cssUrl) {
  loading ??= Promise.all([text(cssUrl), start({ module_or_path: wasmUrl }).catch(explain)]).then(
    ([css]) => css,
    (error) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

/** Says how to mend what pages most often get wrong. */
function explain(error) {
  if (!(error instanceof WebAssembly.CompileError)) throw error;
  throw new Error(
    "Chinwag: this page refuses WebAssembly. Its Content-Security-Policy needs 'wasm-unsafe-eval' in script-src; or, with mode: \"frame\", the relay in frame-src.",
    { cause: error },
  );
}

async function text(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Chinwag: ${url} answered ${response.status}`);
  return response.text();
}

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
 * Mounts a widget and resolves to its handle. The options are those of the
 * documentation; the loader brings along where it came from and the element in
 * which it has drawn the launcher.
 */
export async function init(options, environment = {}) {
  if (options?.mode === "frame") return (await import("__CHINWAG_FRAME__")).init(options, environment);
  const { wasmUrl, ...rest } = options ?? {};
  const [css, spoken] = await Promise.all([
    load(wasmUrl ?? new URL("__CHINWAG_WASM__", import.meta.url), new URL("__CHINWAG_CSS__", import.meta.url)),
    language(rest.locale),
  ]);
  const inner = mount(rest, { ...environment, css, language: spoken });
  const element = inner.element;
  let { sound } = rest;
  let turn = 0;

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
  const speak = async (locale) => {
    const mine = ++turn;
    const found = await language(locale);
    if (mine === turn) inner.setLanguage(found);
  };
  const handle = { element, on };
  for (const verb of VERBS) handle[verb] = (...given) => inner[verb](...given);
  handle.once = (name, listener) => {
    const off = on(name, (detail, event) => {
      off();
      listener(detail, event);
    });
    return off;
  };
  handle.registerTools = (tools) => {
    const names = inner.registerTools(tools);
    return () => inner.unregisterTools(names);
  };
  handle.transcript = (format = "text") => inner.transcript(format);
  handle.show = () => void (element.hidden = false);
  handle.hide = () => void (element.hidden = true);
  handle.update = (changes) => {
    inner.update(changes);
    if ("sound" in changes) sound = changes.sound;
    if ("locale" in changes) speak(changes.locale);
  };
  handle.setTheme = (theme) => inner.update({ theme });
  handle.setLocale = (locale) => {
    inner.update({ locale });
    return speak(locale);
  };
  handle.doctor = async () => (await import("__CHINWAG_DOCTOR__")).examine(element, rest, environment.base);

  on("message:received", async () => {
    if (sound && (document.hidden || !inner.isOpen())) (await import("__CHINWAG_SOUND__")).chime();
  });
  if (rest.onError) on("error", rest.onError);
  rest.onReady?.(handle);
  return Object.freeze(handle);
}
