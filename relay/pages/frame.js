// The chat for `mode: "frame"`: the other end of `npm/frame.js`. The page around
// this one says what to show and is told what happens, over a port that it hands
// in; whoever is not a page of the site is not listened to.

const { module, origins } = document.body.dataset;
const allowed = origins.split(" ");

addEventListener("message", function hello(event) {
  const isSite = event.source === parent && parent !== window && allowed.includes(event.origin);
  if (!isSite || event.data?.chinwag !== "frame" || !event.ports[0]) return;
  removeEventListener("message", hello);
  begin(event.data, event.ports[0]);
});

/** After these the transcript is another one. */
const TOLD = /^(ready|message:|response:(end|stopped)|conversation:change)/;

async function begin({ id, events, options }, port) {
  const waiting = new Map();
  /** What takes tools away again, by the key that the page gave. */
  const tools = new Map();
  let count = 0;
  let chat;

  const ask = (message) => {
    const id = ++count;
    port.postMessage({ ...message, id });
    return { id, answer: new Promise((resolve, reject) => waiting.set(id, { resolve, reject })) };
  };

  /** Puts functions where the page's functions are named. */
  const unpack = (value) => {
    if (Array.isArray(value)) return value.map(unpack);
    if (!value || typeof value !== "object") return value;
    const named = value["chinwag:function"];
    if (named) return (...given) => run(named, given);
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, unpack(member)]));
  };

  /** Calls a function of the page. A signal does not travel: its abort does. */
  const run = (named, given) => {
    let signal;
    const sent = given.map((value) => {
      if (!(value?.signal instanceof AbortSignal)) return value;
      signal = value.signal;
      return { ...value, signal: undefined, "chinwag:signal": true };
    });
    const { id, answer } = ask({ kind: "run", function: named, given: sent });
    signal?.addEventListener("abort", () => port.postMessage({ kind: "abort", id }));
    return answer;
  };

  const transcript = () => ({
    text: chat.transcript("text"),
    markdown: chat.transcript("markdown"),
    json: chat.transcript("json"),
  });

  /** The looks that follow from the options, for the launcher outside. */
  const properties = () => {
    const { style } = chat.element;
    return Object.fromEntries([...style].map((name) => [name, style.getPropertyValue(name)]));
  };

  const carryOut = (method, given) => {
    const [key, ...rest] = given;
    if (method === "registerTools") {
      tools.set(key, chat.registerTools(...rest));
      return undefined;
    }
    if (method === "unregisterTools") return tools.get(key)?.();
    if (!Object.hasOwn(chat, method) || typeof chat[method] !== "function") {
      throw new Error(`Chinwag: the relay's version has no ${method}()`);
    }
    return chat[method](...given);
  };

  const answer = async (id, work, more = () => undefined) => {
    try {
      const result = await work();
      port.postMessage({ kind: "answer", id, result, ...more() });
    } catch (error) {
      port.postMessage({ kind: "answer", id, error: String(error?.message ?? error) });
    }
  };

  const follow = (name) => {
    chat.element.addEventListener(`chinwag:${name}`, (event) => {
      if (name !== "before:send") {
        port.postMessage({ kind: "event", name, detail: event.detail, ...(TOLD.test(name) && { transcript: transcript() }) });
        return;
      }
      const { waitUntil, ...detail } = event.detail;
      const decided = ask({ kind: "ask", name, detail }).answer.then(({ isPrevented, text }) => {
        if (isPrevented) event.preventDefault();
        else event.detail.text = text;
      });
      waitUntil(decided);
    });
  };

  port.onmessage = ({ data }) => {
    if (data.kind === "call") {
      const isLook = /^(update|setTheme)$/.test(data.method);
      answer(data.id, () => carryOut(data.method, data.given.map(unpack)), () => isLook && { properties: properties() });
    } else if (data.kind === "answer") {
      const { resolve, reject } = waiting.get(data.id) ?? {};
      waiting.delete(data.id);
      if (data.error === undefined) resolve?.(data.result);
      else reject?.(new Error(data.error));
    }
  };

  await answer(
    id,
    async () => {
      const { init } = await import(`/${module}`);
      chat = await init(unpack(options), { base: `${location.origin}/` });
      for (const name of events) follow(name);
      return { isOpen: chat.isOpen() };
    },
    () => ({ transcript: transcript(), properties: properties() }),
  );
}
