// The page of a screen in a hall: `/kiosk?site=...`. What a kiosk does is the
// widget's; here it is begun, with what stands in the address, and with the
// device's key, which comes in the fragment or by a message of the launcher.

const { site, module, origins } = document.body.dataset;
const allowed = origins.split(" ");
const query = new URLSearchParams(location.search);

/** Where the device's key outlives a reload of this tab, and nothing else does. */
const KEPT = "cw-kiosk-device";

/** How long a launcher has to say which device this is, in ms. */
const PATIENCE_MS = 2_000;

/** Waits before the module is fetched again, in ms. */
const WAITS_MS = [1_000, 3_000, 10_000, 30_000];

const device = { key: fromFragment() ?? kept() };
let chat;
let tell;
const told = new Promise((resolve) => (tell = resolve));

if (device.key) keep(device.key);

addEventListener("message", ({ source, origin, data }) => {
  // In a window of its own the page is its own parent, and a shell around it
  // speaks in its name.
  if (source !== parent || !allowed.includes(origin) || data?.chinwag !== "kiosk") return;
  if (typeof data.device === "string") {
    device.key = data.device;
    keep(data.device);
    chat?.update({ kiosk: { device: data.device } });
    tell();
  }
  // A mat, a sensor, a button beside the screen.
  if (data.reset === true) chat?.reset();
});

if (parent !== window) {
  // It says nothing that a stranger must not know.
  parent.postMessage({ chinwag: "kiosk:ready" }, "*");
  if (!device.key) await Promise.race([told, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
}

const options = asked();
if (options.locale) document.documentElement.lang = options.locale;
for (let attempt = 0; !chat; attempt++) {
  let init;
  try {
    // Browsers remember that a module failed; another query is another module.
    ({ init } = await import(`/${module}${attempt ? `?retry=${attempt}` : ""}`));
  } catch (error) {
    console.error("chinwag:", error);
    await new Promise((resolve) => setTimeout(resolve, WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)]));
    continue;
  }
  chat = await init({ ...options, kiosk: { ...options.kiosk, ...(device.key && { device: device.key }) } }, { base: `${location.origin}/` });
  globalThis.chat = chat;
}

/** The key in the fragment, which is read once and taken out of the address. */
function fromFragment() {
  const key = new URLSearchParams(location.hash.slice(1)).get("device");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return key || undefined;
}

function kept() {
  try {
    return sessionStorage.getItem(KEPT) ?? undefined;
  } catch {
    return undefined;
  }
}

function keep(key) {
  try {
    sessionStorage.setItem(KEPT, key);
  } catch {
    // The launcher has to say it again after a reload.
  }
}

/** The options that stand in the address. Those that are wrong are said by the widget. */
function asked() {
  const text = (name) => query.get(name) ?? undefined;
  const number = (name) => (query.has(name) ? Number(query.get(name)) : undefined);
  const flag = (name) => (query.has(name) ? query.get(name) !== "false" : undefined);
  const list = (name) => query.get(name)?.split("|").filter(Boolean);
  return {
    site,
    mode: "kiosk",
    locale: text("locale"),
    title: text("title"),
    greeting: text("greeting"),
    placeholder: text("placeholder"),
    disclaimer: text("disclaimer"),
    suggestions: list("suggestions"),
    theme: { accent: text("accent"), colorScheme: text("colorScheme") },
    kiosk: {
      idleSeconds: number("idleSeconds"),
      warnSeconds: number("warnSeconds"),
      attract: { title: text("attractTitle"), text: text("attractText"), prompts: list("prompts") },
      keyboard: flag("keyboard"),
      links: text("links"),
      wakeLock: flag("wakeLock"),
      reloadDaily: flag("reloadDaily"),
    },
  };
}
