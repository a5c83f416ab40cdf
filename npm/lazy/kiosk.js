// What a screen in a hall needs of the browser beside the chat: that it stays
// on, that nobody leaves it, that it beats for a watchdog and is loaded anew.
// Fetched with `mode: "kiosk"` and by nobody else. When what happens is decided
// in the module; here it is done.

/** The sheet that a kiosk has beside the widget's own. */
export const css = __CHINWAG_STYLES__;

/** How often the module hears that somebody is there, at most, in ms. */
const TOUCH_PACE_MS = 500;

/** How often the page's memory is measured, in ms. */
const MEASURE_MS = 15_000;

/** How long a kiosk that has stopped waits before it begins again, crash after crash, in ms. */
const WAITS_MS = [500, 2_000, 5_000, 15_000, 60_000, 300_000];

/** After how long without a crash the counting begins anew, in ms. */
const CALM_MS = 600_000;

/** What the browser would do with these keys leads away from the kiosk. */
const KEYS = /^(F[1-57-9]|F1[0-2]|ContextMenu|PrintScreen|Browser\w*)$/;

/** With Ctrl, Alt or the system's key, these edit; all others lead away. */
const EDITING = /^([azy]|Arrow\w+|Backspace|Delete|Home|End|Control|Alt|AltGraph|Meta|Shift)$/i;

/** Reasons of a failure by which the relay was found and does not want this screen. */
const REFUSALS = /^(not_allowed|other)$/;

/** What is said when the module itself cannot say it. */
const WORDS = {
  __proto__: null,
  en: ["Back in a moment", "This screen is starting again by itself."],
  de: ["Gleich wieder da", "Dieser Bildschirm startet von selbst neu."],
  fr: ["De retour dans un instant", "Cet écran redémarre de lui-même."],
  es: ["Volvemos enseguida", "Esta pantalla se está reiniciando por sí sola."],
  pt: ["Voltamos já", "Este ecrã está a reiniciar por si só."],
  ja: ["まもなく再開します", "この画面は自動的に再起動しています。"],
  zh: ["马上回来", "此屏幕正在自动重新启动。"],
  ar: ["سنعود بعد لحظات", "تعيد هذه الشاشة التشغيل من تلقاء نفسها."],
};

/** What a kiosk cannot be asked for, and what it does instead. */
const CONTRADICTIONS = [
  ["persist", (options) => options.persist !== undefined && options.persist !== "memory", "a kiosk keeps nothing: it is \"memory\""],
  ["history", (options) => options.history === true, "a kiosk shows no earlier conversations: it is false"],
  ["sound", (options) => options.sound === true, "a kiosk is always looked at: no sound is made"],
  ["autoOpen", (options) => options.autoOpen !== undefined, "a touch begins a visit: it is left out"],
  ["teaser", (options) => options.teaser !== undefined, "a kiosk has no launcher: it is left out"],
  ["launcher", (options) => options.launcher !== undefined, "a kiosk has no launcher: it is left out"],
  ["openByDefault", (options) => options.openByDefault === true, "a touch begins a visit: it is left out"],
  ["expireMinutes", (options) => options.expireMinutes !== undefined, "idleSeconds says when a visit ends: it is left out"],
  ["kiosk.links", ({ kiosk }) => kiosk?.links !== undefined && !/^(block|qr)$/.test(kiosk.links), "links of a kiosk lead nowhere: they are blocked. \"qr\" shows them as codes"],
  ["kiosk.warnSeconds", ({ kiosk }) => kiosk?.warnSeconds < 20, "less than 20 seconds is too short to answer: it is 20"],
  ["kiosk.idleSeconds", ({ kiosk }) => kiosk?.idleSeconds < 15, "less than 15 seconds is too short to read: it is 75"],
];

/** The options with what contradicts a kiosk left out, and the complaints about it. */
export function settle(options) {
  const settled = { ...options, kiosk: { ...options.kiosk } };
  const complaints = [];
  for (const [path, contradicts, says] of CONTRADICTIONS) {
    if (!contradicts(options)) continue;
    complaints.push(`option "${path}" does not fit mode "kiosk": ${says}`);
    const [, member] = path.split(".");
    delete (member ? settled.kiosk : settled)[member ?? path];
  }
  return { settled, complaints };
}

/**
 * A kiosk around a widget that is to be mounted. `parts` fetches what is needed
 * later; `renew` puts a fresh module in the place of the one that a visitor used;
 * `doctor` looks for what is wrong.
 */
export function begin(options, { parts, renew, doctor }) {
  const { settled, complaints } = settle(options);
  for (const complaint of complaints) console.error("chinwag:", complaint);
  /** What has gone wrong, for `doctor()`. */
  const troubles = new Map();
  const ends = new AbortController();
  const { signal } = ends;
  let handle;
  let element;
  let lock;
  let told = 0;
  let fingers = new Set();
  let locale = "";
  /** Where the screen says what the one who looks after it has to know. */
  let plate;
  let crashed = 0;
  let crashedAt = -Infinity;

  const complain = (name, says) => {
    if (troubles.get(name) === says) return;
    troubles.set(name, says);
    console.warn("chinwag:", says);
  };
  const listen = (target, names, heard, more) => {
    for (const name of names.split(" ")) target.addEventListener(name, heard, { signal, capture: true, ...more });
  };
  const prevent = (event) => event.preventDefault();
  const isField = (event) => event.composedPath()[0]?.matches?.("textarea, input");

  /** Keeps the screen on. The browser lets go of it whenever the page is out of sight. */
  const stayAwake = async () => {
    if (settled.kiosk.wakeLock === false || document.hidden || (lock && !lock.released)) return;
    try {
      if (!navigator.wakeLock) throw new Error("this browser has none, or the page is not served by https");
      lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", () => setTimeout(stayAwake, 1_000));
      troubles.delete("wake lock");
    } catch (error) {
      lock = undefined;
      complain("wake lock", `the screen may go dark: the wake lock was refused (${error.message})`);
    }
  };

  const isFull = () => Boolean(document.fullscreenElement) || matchMedia("(display-mode: fullscreen)").matches || window !== parent;

  /** Takes the whole screen, where the browser was not started so. It wants a hand behind it. */
  const fill = async () => {
    if (isFull()) return;
    try {
      await document.documentElement.requestFullscreen({ navigationUI: "hide" });
      troubles.delete("full screen");
    } catch (error) {
      complain("full screen", `the browser's frame is in sight: full screen was refused (${error.message}). Start it with --kiosk`);
    }
  };

  const touched = () => {
    const now = performance.now();
    if (now - told < TOUCH_PACE_MS) return;
    told = now;
    handle?.tellKiosk("touched", 1);
  };
  const tellHeld = () => handle?.tellKiosk("held", fingers.size);

  listen(window, "pointerdown", (event) => {
    fingers.add(event.pointerId);
    tellHeld();
    // The browser takes away pointers whose end it never told.
    if (event.isPrimary && event.pointerType === "touch") fingers = new Set([event.pointerId]);
  });
  listen(window, "pointerup pointercancel", (event) => {
    fingers.delete(event.pointerId);
    tellHeld();
  });
  listen(window, "blur", () => {
    fingers.clear();
    tellHeld();
  });
  listen(window, "pointermove keydown wheel input", touched, { passive: true });
  listen(window, "click", () => fill());
  // No way out: menus, drags, drops, the clipboard, new windows, printing.
  listen(window, "contextmenu dragstart dragover drop auxclick gesturestart", prevent);
  listen(window, "copy cut", prevent);
  listen(window, "selectstart", (event) => isField(event) || event.preventDefault());
  listen(window, "wheel", (event) => event.ctrlKey && event.preventDefault(), { passive: false });
  listen(window, "touchmove touchstart", (event) => event.touches.length > 1 && event.cancelable && event.preventDefault(), { passive: false });
  listen(window, "keydown", (event) => {
    const leads = KEYS.test(event.key) || ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph") && !EDITING.test(event.key));
    if (!leads) return;
    event.preventDefault();
    event.stopPropagation();
  });
  listen(document, "visibilitychange", stayAwake);
  // Out of the browser's cache would come what the last visitor saw.
  listen(window, "pageshow", (event) => event.persisted && location.reload());

  const engrave = () => void (plate && (plate.textContent = troubles.get("relay") ?? ""));

  /**
   * What a call failed of. Where the relay refuses, what support would ask first
   * is asked at once: nobody stands at a kiosk with the browser's console open.
   */
  const failed = async ({ reason, requestId }) => {
    complain("answers", `the last call failed: ${reason}${requestId ? ` (request ${requestId})` : ""}`);
    if (!REFUSALS.test(reason) || troubles.has("relay")) return;
    const report = await doctor().catch(() => undefined);
    const token = report?.checks.find(({ name }) => name === "token");
    if (!token || token.ok) return;
    complain("relay", token.says);
    engrave();
  };
  const answered = () => {
    troubles.delete("answers");
    troubles.delete("relay");
    engrave();
  };

  const measure = async () => {
    const bytes = performance.memory?.usedJSHeapSize ?? 0;
    if (bytes) handle?.tellKiosk("memory", bytes);
  };
  const measuring = setInterval(measure, MEASURE_MS);

  const beat = (state, uptimeSeconds) => {
    const memoryBytes = performance.memory?.usedJSHeapSize;
    // It holds nothing that anybody must not know. In a window of its own the
    // page is its own parent, and the shell around it hears it there.
    parent.postMessage({ chinwag: "heartbeat", state, uptimeSeconds, memoryBytes, troubles: [...troubles.keys()] }, "*");
  };

  /** Loads the page anew, if it is there to be loaded: a browser's error page is a dead kiosk. */
  const reload = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.ok) location.reload();
    } catch {
      // It stays as it is, and is tried again.
    }
  };

  /** What the module asks for by name. */
  const companion = {
    wipe() {
      getSelection()?.removeAllRanges();
      fingers.clear();
    },
    renew,
    beat,
    reload,
    keyboard(place, input) {
      const now = locale || "en";
      parts.keyboard().then(
        ({ keyboard }) => keyboard(place, input, now),
        (error) => complain("keyboard", `the keyboard could not be fetched (${error.message})`),
      );
    },
    trouble(place) {
      plate = place;
      engrave();
    },
    code(place, address) {
      // The address stands below it in any case.
      parts.qr().then(({ draw }) => draw(place, address)).catch((error) => complain("code", `a link's code could not be drawn (${error.message})`));
    },
  };

  const words = () => WORDS[(locale || document.documentElement.lang).split("-")[0].toLowerCase()] ?? WORDS.en;

  /** Draws what stands there while the module does not. */
  const draw = (host, more = "") => {
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    if (!root.adoptedStyleSheets.length) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      root.adoptedStyleSheets = [sheet];
    }
    host.dataset.mode = "kiosk";
    if (!host.isConnected) document.body.append(host);
    const make = (name, values, ...children) => {
      const made = document.createElement(name);
      for (const key in values) made.setAttribute(key, values[key]);
      made.append(...children);
      return made;
    };
    const [title, text] = words();
    root.replaceChildren(
      make(
        "div",
        { part: "root" },
        make(
          "div",
          { class: "cw-app" },
          make(
            "main",
            { class: "cw-kiosk", "data-stage": "stopped" },
            make("section", { class: "cw-away", part: "away", role: "status" }, make("h1", { class: "cw-away-title" }, title), make("p", {}, text), ...(more ? [make("p", { class: "cw-away-more", dir: "ltr" }, more)] : [])),
          ),
        ),
      ),
    );
    beat("stopped", 0);
  };

  const pause = () => {
    crashed = performance.now() - crashedAt > CALM_MS ? 0 : crashed + 1;
    crashedAt = performance.now();
    return new Promise((resolve) => setTimeout(resolve, WAITS_MS[Math.min(crashed, WAITS_MS.length - 1)]));
  };
  const keepTrying = async (host, mount) => {
    while (!signal.aborted) {
      try {
        return await mount({ host });
      } catch (error) {
        const isWrong = /^Chinwag: option/.test(error.message);
        draw(host, isWrong ? error.message : "");
        if (isWrong) throw error;
        console.error("chinwag:", error);
        await pause();
      }
    }
  };

  stayAwake();
  return {
    options: settled,
    css,
    companion,
    /** The widget is there, perhaps again. */
    attach(to, spoken) {
      [handle, locale] = [to, spoken || ""];
      handle.tellKiosk("uptime", performance.now());
      measure();
      if (element) return;
      element = to.element;
      listen(element, "chinwag:error", ({ detail }) => failed(detail));
      listen(element, "chinwag:connection:change", ({ detail }) => detail.state === "ready" && answered());
      if (!isFull()) complain("full screen", "the browser's frame is in sight until the screen is first touched. Start it with --kiosk");
    },
    /**
     * What the page changes holds for the visitors to come too: each has a module
     * of their own. The language is one visitor's, and goes with them.
     */
    update({ locale: _, ...changes }) {
      const isGroup = (value) => Object.getPrototypeOf(value ?? 0) === Object.prototype;
      for (const key in changes) {
        const [old, changed] = [settled[key], changes[key]];
        settled[key] = isGroup(old) && isGroup(changed) ? { ...old, ...changed } : changed;
      }
    },
    /** The module has ended. Nobody may be there to press a button. */
    async crashed(host, mount) {
      handle = undefined;
      draw(host);
      await pause();
      await keepTrying(host, mount);
    },
    /** Begins, however long it takes. Options that are wrong never become right: they are said, on the screen too. */
    async first(host = document.createElement("div"), mount) {
      await keepTrying(host, mount);
    },
    /** What `doctor()` says of it. */
    async examine() {
      if (settled.kiosk.wakeLock !== false) await stayAwake();
      const good = (says) => ({ ok: true, says });
      const bad = (says) => ({ ok: false, says });
      const trouble = (name, fine) => (troubles.has(name) ? bad(troubles.get(name)) : good(fine));
      return [
        ["kiosk options", complaints.length ? bad(complaints.join("; ")) : good("nothing contradicts a kiosk")],
        ["wake lock", settled.kiosk.wakeLock === false ? good("not asked for (kiosk.wakeLock: false)") : trouble("wake lock", "the screen is kept on")],
        ["full screen", isFull() ? good("the page has the whole screen, or is framed by a launcher") : bad("the browser's frame is in sight: start it with --kiosk, or allow full screen")],
        ["keyboard", trouble("keyboard", settled.kiosk.keyboard === false ? "not asked for (kiosk.keyboard: false)" : "the keyboard on the screen is there")],
      ];
    },
    destroy() {
      ends.abort();
      clearInterval(measuring);
      lock?.release();
    },
  };
}
