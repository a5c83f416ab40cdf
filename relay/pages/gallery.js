// The gallery: every state of the widget, each mounted for itself and answered
// from this file. `?scheme=dark&locale=ar&dir=rtl` turns all of them, and
// `&state=answer` shows one alone.
"use strict";

const asked = new URLSearchParams(location.search);
const real = window.fetch;
const encoder = new TextEncoder();

const QUESTION = "How long do roasted beans stay fresh, and how should I grind for a V60?";
const ANSWER = `Best within **four weeks** of the roast date; after that the aroma fades first.[1] Keep the bag closed and out of the light.

| Brew | Grind | Dose |
|:--|:--|--:|
| V60 | medium-fine | 15 g |
| French press | coarse | 30 g |

For a V60, start at *15 g* to 250 ml and aim for [three minutes](https://beans.example/v60).[2]`;
const RICH = `# Three things

1. Rinse the filter
   - with hot water
   - twice
2. Weigh, do not guess
3. Pour in circles

- [x] Kettle
- [ ] Scale

> Coffee is a language in itself.

Use \`grind --size 18\`, or in code:

\`\`\`js
// days since the roast
const batch = await api.get("/batches/42");
const age = (Date.now() - batch.roasted) / 864e5;
\`\`\`

---

~~Never~~ Rarely boil the water. A word without an end: ${"Donaudampfschifffahrt".repeat(5)}`;
const SOURCES = [
  { type: "source-url", sourceId: "1", url: "https://beans.example/fresh", title: "Storing your beans" },
  { type: "source-url", sourceId: "2", url: "https://beans.example/v60", title: "V60 guide" },
];
/** A picture and a document, as parts of a message. */
const FILES = [
  { type: "file", url: "/v1/files/f1", mediaType: "image/png", filename: "grind.png" },
  { type: "file", url: "/v1/files/f2", mediaType: "application/pdf", filename: "A guide to grinding for every brewer there is.pdf" },
];
/** After this long all states are drawn, and none takes the focus any more, in ms. */
const LAST_MS = 900;
const SUGGESTIONS = ["Where is my order?", "How do I brew a V60?", "Do you ship to Malta?"];

const say = (text) => [
  { type: "text-start", id: "t" },
  { type: "text-delta", id: "t", delta: text },
];
const start = { type: "start", messageId: "r1" };
const finish = { type: "finish", finishReason: "stop" };
const said = (text, metadata = { status: "done" }) => [
  { id: "q1", role: "user", parts: [{ type: "text", text: QUESTION }], metadata: { createdAt: "2026-03-02T10:24:00Z" } },
  { id: "r1", role: "assistant", parts: [{ type: "text", text }, ...SOURCES], metadata: { createdAt: "2026-03-02T10:24:09Z", ...metadata } },
];
const failure = (status, code, more = {}) => ({ status, error: { type: "error", code, message: code, status, requestId: "req_7f3a", ...more } });

/**
 * What each state is fed with: `asks` is sent, `chat` streams the answer to it (and
 * stays open unless it ends, or is "away" without a network), `stored` is what an earlier visit left, `token` and
 * `refuses` are failures, `then` is done with the handle.
 */
const STATES = {
  empty: { title: "Empty" },
  answer: { title: "Answer with table and sources", asks: QUESTION, chat: [start, ...say(ANSWER), ...SOURCES, { type: "data-suggestions", data: { prompts: ["And for espresso?", "Which grinder?"] } }, finish] },
  rich: { title: "All that an answer can hold", asks: "Tell me all about it", chat: [start, ...say(RICH), finish] },
  reasoning: { title: "Reasoning, and a tool", asks: "Where is order 10442?", chat: [start, { type: "reasoning-start", id: "z" }, { type: "reasoning-delta", id: "z", delta: "The visitor wants to know where the order is.\nI look it up." }, { type: "reasoning-end", id: "z" }, { type: "tool-input-available", toolCallId: "c", toolName: "orders.read", input: {} }, { type: "tool-output-available", toolCallId: "c", output: {} }, ...say("It left Leeds this morning."), finish] },
  waiting: { title: "Waiting", asks: QUESTION, chat: [start] },
  searching: { title: "Waiting, with a word of what for", asks: QUESTION, chat: [start, { type: "data-status", data: { phase: "search", label: "Searching the brewing guides" }, transient: true }] },
  streaming: { title: "Streaming", asks: "Show me how to read the freshness from your API", chat: [start, { type: "tool-input-available", toolCallId: "c", toolName: "orders.read", input: {} }, { type: "tool-output-available", toolCallId: "c", output: {} }, ...say("Ask for the batch and compare its date:\n\n```js\nconst batch = await api.get(\"/batches/42\");\n```\n\nAnything above **28** is past its best, so you cou")] },
  stopped: { title: "Stopped", asks: QUESTION, chat: [start, ...say("Best within four weeks of"), { type: "abort" }], then: (chat) => setTimeout(() => chat.stop(), 300) },
  failed: { title: "Not sent", asks: QUESTION, refuses: failure(503, "overloaded") },
  limited: { title: "Too many questions", asks: QUESTION, refuses: failure(429, "rate_limited", { retryAfterMs: 3_000_000 }) },
  broken: { title: "Broken off", asks: QUESTION, chat: [start, ...say("Best within **four weeks** of the roast"), { type: "error", errorText: "x", data: { code: "upstream_error", retryable: true, requestId: "req_7f3a" } }] },
  nothing: { title: "An empty answer", asks: QUESTION, chat: [start, finish] },
  restored: { title: "After a reload", stored: said(ANSWER) },
  interrupted: { title: "Interrupted in an earlier visit", stored: said("Best within four weeks of", { status: "interrupted" }) },
  draft: { title: "Six lines of a draft", then: (chat) => chat.setInput("I would like to know\nhow long roasted beans\nstay fresh, and how\nI should grind them\nfor a V60, if the kettle\nhas no thermometer\nand the scale is broken") },
  almost: { title: "Nearly too long", then: (chat) => chat.setInput("Beans. ".repeat(1_100)) },
  mirrored: { title: "A message in the other direction", asks: "كم من الوقت تبقى الحبوب المحمصة طازجة؟", chat: [start, ...say("أفضل خلال **أربعة أسابيع** من تاريخ التحميص."), finish] },
  connecting: { title: "Connecting", token: "never" },
  unavailable: { title: "Unavailable", token: failure(503, "maintenance") },
  refused: { title: "Not enabled for this page", token: failure(403, "origin_not_allowed") },
  loading: { title: "An earlier conversation on its way", stored: "never" },
  lost: { title: "An earlier conversation that does not come", stored: failure(500, "internal") },
  history: { title: "Earlier conversations", then: pressHistory },
  files: {
    title: "Files, sent and attached",
    stored: [{ id: "q1", role: "user", parts: [{ type: "text", text: "Is this grind too coarse?" }, ...FILES], metadata: { createdAt: "2026-03-02T10:24:00Z" } }, said("A little. Go two clicks finer, and pour more slowly.")[1]],
    then: attach,
  },
  rating: { title: "A rating, and why", stored: said("Best within four weeks of the roast date."), then: (chat) => press(chat, "[part=actions] [aria-pressed]", 1) },
  menu: { title: "What can be done with a conversation", stored: said(ANSWER), then: (chat) => setTimeout(press, LAST_MS, chat, "[aria-haspopup=menu][aria-disabled=false]") },
  person: { title: "A person answers", stored: said("A colleague takes over from here.", { status: "done", state: "taken-over" }) },
  paused: { title: "Paused", stored: said("A colleague will be back tomorrow.", { status: "done", state: "paused" }) },
  ended: { title: "Ended", stored: said("Good bye, and enjoy the coffee.", { status: "done", state: "ended" }) },
  queued: { title: "Written without a connection", asks: QUESTION, chat: "away" },
  consent: { title: "Before anything is stored or sent", options: { consent: "required" } },
  scrolled: { title: "Reading further up", stored: said(RICH), then: (chat) => setTimeout(scrollUp, LAST_MS, chat) },
  unseen: { title: "Launcher with answers that nobody saw", stored: said(ANSWER), unread: 3, options: { mode: "launcher", position: "bottom-left" } },
  launcher: { title: "Launcher and teaser", options: { mode: "launcher", teaser: { text: "Questions about your order? Ask away.", delayMs: 0 } } },
};

const json = (value, status = 200) => new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json", "x-request-id": "req_7f3a" } });
const never = (signal) => new Promise((resolve, reject) => signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))));
const refuse = ({ status, error }) => json({ error }, status);

/** The chunks as a stream; without a last one it stays open, as a reply that runs. */
function stream(chunks) {
  const frames = chunks.map((chunk, index) => `id: e:${index + 1}\ndata: ${JSON.stringify(chunk)}\n\n`);
  const ends = /^(finish|error|abort)$/.test(chunks.at(-1).type);
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(frames.join("") + (ends ? "data: [DONE]\n\n" : "")));
      if (ends) controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "x-vercel-ai-ui-message-stream": "v1" } });
}

const CONVERSATIONS = ["Freshness and V60 grind", "Where is order 10442?", "Decaf and subscription", "Water hardness in Leeds", "Gift card for two"].map((title, index) => ({
  id: `c${index}`,
  title,
  createdAt: `2026-02-${10 + index}T10:24:00Z`,
  updatedAt: `2026-03-0${5 - index}T10:24:00Z`,
  state: "ongoing",
  unread: index === 1 ? 2 : 0,
}));

/** Answers as a relay would. Which state asks is known by the site at first, and by its token then. */
window.fetch = async (input, init = {}) => {
  const request = input instanceof Request ? input : new Request(input, init);
  const { pathname } = new URL(request.url);
  if (!pathname.startsWith("/v1/")) return real(input, init);
  if (pathname === "/v1/token") {
    const name = (await request.json()).site.slice(5);
    const { token } = STATES[name];
    if (token === "never") return never(request.signal);
    if (token) return refuse(token);
    return json({ token: name, expiresIn: 600, visitor: name, agent: { name: "Harbour Coffee", greeting: "Good morning.\nWhat would you like to know?\n\nI know our beans, brewing guides and orders.", suggestions: SUGGESTIONS }, features: { history: true, feedback: true, retry: true, sources: true, attachments: name === "files" }, files: { maxBytes: 10_485_760, maxCount: 5, types: ["image/png", "application/pdf", "text/plain"] } });
  }
  const state = STATES[request.headers.get("authorization").slice(7)];
  if (pathname === "/v1/files") return stored(await request.formData());
  if (pathname.startsWith("/v1/files/")) return new Response(await picture("#0b6e69"));
  if (state.chat === "away") throw new TypeError("no network");
  if (pathname === "/v1/chat") return state.refuses ? refuse(state.refuses) : stream(state.chat);
  if (pathname.endsWith("/messages")) {
    if (state.stored === "never") return never(request.signal);
    if (state.stored?.error) return refuse(state.stored);
    return json({ data: state.stored ?? [], pagination: { cursor: null, hasMore: false } });
  }
  if (pathname === "/v1/conversations") return json({ data: CONVERSATIONS, pagination: { cursor: null, hasMore: false } });
  return json({});
};

/** What the relay says of a file that was sent. */
function stored(form) {
  const { name, type, size } = form.get("file");
  return json({ url: "/v1/files/f3", filename: name, mediaType: type, size });
}

/** A picture in one colour, with a disc in it. */
function picture(colour) {
  const canvas = new OffscreenCanvas(480, 320);
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 480, 320);
  context.fillStyle = "#f4efe6";
  context.arc(240, 160, 90, 0, Math.PI * 2);
  context.fill();
  return canvas.convertToBlob();
}

/** Drops a picture, and a file of a kind that is not taken, as soon as there is a conversation. */
async function attach(chat) {
  const root = chat.element.shadowRoot;
  if (!root.querySelector("[part=message]")) return setTimeout(attach, 50, chat);
  const transfer = new DataTransfer();
  transfer.items.add(new File([await picture("#6b4a2f")], "two clicks finer.png", { type: "image/png" }));
  transfer.items.add(new File(["x"], "recipe.docx", { type: "application/msword" }));
  root.querySelector("[part~=panel]").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}

/** Presses a button as soon as it is there. */
function press(chat, selector, index = 0) {
  const button = chat.element.shadowRoot.querySelectorAll(selector)[index];
  if (button) button.click();
  else setTimeout(press, 50, chat, selector, index);
}

/** Goes up in the conversation as soon as there is one. */
function scrollUp(chat) {
  const log = chat.element.shadowRoot.querySelector("[part~=log]");
  if (!log || log.scrollTop < 100) return setTimeout(scrollUp, 50, chat);
  log.dispatchEvent(new WheelEvent("wheel", { deltaY: -100 }));
  log.scrollTop = 0;
}

/** Opens the drawer as soon as its button is there, which takes a token. */
function pressHistory(chat) {
  const button = chat.element.shadowRoot.querySelector("[part~=history-button]");
  if (button && !button.hidden) button.click();
  else setTimeout(pressHistory, 50, chat);
}

async function show(name) {
  const { title, asks, stored, unread, options, then } = STATES[name];
  const card = document.createElement("section");
  const heading = document.createElement("h2");
  const place = document.createElement("div");
  card.id = name;
  heading.textContent = title;
  place.className = "place";
  card.append(heading, place);
  document.getElementById("states").append(card);
  if (stored) localStorage.setItem(`cw:site_${name}`, JSON.stringify({ v: 1, visitor: name, conversation: `c_${name}`, open: false, unread }));
  const chat = await window.Chinwag("init", {
    site: `site_${name}`,
    relay: location.origin,
    mode: "inline",
    target: place,
    persist: stored ? "local" : "memory",
    locale: asked.get("locale") ?? "en",
    ...(asked.get("dir") && { dir: asked.get("dir") }),
    theme: { colorScheme: asked.get("scheme") ?? "auto" },
    // Files go by an XMLHttpRequest, unless the page makes the requests itself.
    fetch: (input, init) => window.fetch(input, init),
    disclaimer: "Answers can be wrong. Check what matters.",
    ...options,
  });
  if (asks) chat.send(asks);
  then?.(chat);
  return chat;
}

for (const select of document.querySelectorAll("select")) {
  select.value = asked.get(select.name) ?? select.options[0].value;
  select.addEventListener("change", () => {
    asked.set(select.name, select.value);
    location.search = asked;
  });
}

const dark = asked.get("scheme");
if (dark === "dark" || dark === "light") document.documentElement.style.colorScheme = dark;

addEventListener("DOMContentLoaded", async () => {
  const only = asked.get("state");
  const chats = only ? [await show(only)] : await Promise.all(Object.keys(STATES).map(show));
  window.gallery = { states: Object.keys(STATES), chats };
  document.documentElement.dataset.ready = "";
});
