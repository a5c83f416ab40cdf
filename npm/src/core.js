// The JavaScript face of the widget: loads the module once, mounts, and hands
// out a handle. It holds no behaviour; that is in the module.

import start, { mount } from "./glue.js";

const VERBS = ["open", "close", "toggle", "isOpen", "send", "stop", "newConversation", "update"];

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
    "Chinwag: this page refuses WebAssembly. Its Content-Security-Policy needs 'wasm-unsafe-eval' in script-src.",
    { cause: error },
  );
}

async function text(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Chinwag: ${url} answered ${response.status}`);
  return response.text();
}

/**
 * Mounts a widget and resolves to its handle. The options are those of the
 * documentation; the loader brings along where it came from and the element in
 * which it has drawn the launcher.
 */
export async function init(options, environment = {}) {
  const { wasmUrl, ...rest } = options ?? {};
  const css = await load(wasmUrl ?? new URL("__CHINWAG_WASM__", import.meta.url), new URL("__CHINWAG_CSS__", import.meta.url));
  const inner = mount(rest, { ...environment, css });
  const element = inner.element;

  const on = (name, listener) => {
    // What a listener of `before:send` promises is waited for.
    const heard = (event) => {
      const answer = listener(event.detail, event);
      if (answer?.then) event.detail.waitUntil?.(answer);
    };
    element.addEventListener(`chinwag:${name}`, heard);
    return () => element.removeEventListener(`chinwag:${name}`, heard);
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
  handle.destroy = () => inner.destroy();

  if (rest.onError) on("error", rest.onError);
  rest.onReady?.(handle);
  return Object.freeze(handle);
}
