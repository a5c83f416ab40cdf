/*
 * The loader: the one script that a page waits for. It draws the launcher, has the
 * chat itself (an ES module, its WebAssembly, its styles) fetched when the page is
 * idle, and begun when the visitor reaches for it or something else needs it to live.
 * It holds no behaviour of the chat: options go through as they came, and the widget
 * checks them.
 *
 * The build puts the module's name and the launcher's styles in, so that no
 * second request stands between the script and the launcher. Every byte here is
 * on the way of every page: budgets.toml has the ceiling.
 */
(() => {
  const MODULE = __CHINWAG_MODULE__;
  const STYLES = __CHINWAG_STYLES__;
  const THEME = /^(accent|colorScheme|radius|density|font)$/;
  const TEXTS =
    /^(accent|colorScheme|density|font|site|relay|api|identity|mode|target|position|title|avatarUrl|greeting|placeholder|disclaimer|locale|dir|persist|namespace|consent)$/;
  const NUMBERS = /^(radius|offset|zIndex|expireMinutes)$/;
  const FLAGS = /^(openByDefault|sound|history|attachments)$/;
  // The same icon as the widget's (`src/view/icon.rs`).
  const ICON =
    "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 3.5V17A2.5 2.5 0 0 1 4 14.5z";
  // Relative luminances: the least with 4.5:1 on the dark surface (#161a19), and
  // the most that still takes white text rather than ink (#0b1210).
  const ON_DARK = 0.21908;
  const WHITE_ENDS = 0.19121;
  const WEIGHTS = [0.2126, 0.7152, 0.0722];

  const script = ownScript();
  const given = attributes(script?.dataset);
  const earlier = window.Chinwag;

  // A second tag for the same site, as single-page applications make them.
  // By `call`, because an element of the page may have the name, and one within it the other.
  if (earlier?.init?.call) {
    if (given.site && !document.querySelector(`[data-chinwag="${given.site}"]`)) earlier.init(given);
    return;
  }

  const base = new URL(".", script?.src ?? document.baseURI).href;
  const body = new Promise((resolve) => {
    if (document.querySelector("body")) resolve();
    else addEventListener("DOMContentLoaded", resolve);
  });
  // Commands wait here for the first `init`; after it, for the latest one.
  let begin;
  // The failure that is on the console already.
  let told;
  let latest = new Promise((resolve) => (begin = resolve));

  /**
   * `Chinwag("init", options)` draws the launcher and resolves to the handle once
   * the chat is loaded; any other word is a method of the latest handle.
   */
  function Chinwag(command, ...rest) {
    if (command === "init") start(rest[0]);
    const result = latest.then((call) => call(command, rest));
    // Said here, because who queues a command seldom looks at what became of it.
    result.catch((error) => error === told || console.error("chinwag:", command, error));
    return result;
  }

  const start = (options) => begin((latest = body.then(() => draw({ ...given, ...options }))));

  /** Draws the launcher. Returns what carries out a command on this widget. */
  function draw(options) {
    const { site, position, theme, offset, zIndex, mode, namespace, launcher: own } = options;
    // The widget's state lies under it (`src/shell/storage.rs`).
    const key = `cw:${namespace ? `${namespace}:` : ""}${site}`;
    const host = make("div", {
      "data-chinwag": site,
      "data-position": position ?? "bottom-right",
      "data-scheme": theme?.colorScheme ?? "auto",
    });
    const properties = shades(theme?.accent);
    for (const axis of "xy") {
      const distance = offset?.[axis] ?? offset;
      if (distance >= 0) properties[`offset-${axis}`] = `${distance}px`;
    }
    if (zIndex) properties.z = zIndex;
    // By the object model: a style attribute would need the page's CSP to allow inline styles.
    for (const name in properties) host.style.setProperty(`--cw-${name}`, properties[name]);
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    root.adoptedStyleSheets = [sheet];
    const icon = own?.icon
      ? make("img", { class: "cw-icon", src: own.icon, alt: "" })
      : make("svg", { class: "cw-icon", viewBox: "0 0 24 24" }, make("path", { d: ICON }));
    const launcher = make(
      "button",
      { class: "cw-launcher", part: "launcher", "aria-label": own?.label ?? "Open chat", "aria-haspopup": "dialog", "aria-expanded": false },
      icon,
    );
    // The page has a button of its own, or a place for the panel.
    const isPlace = /^(in|fu|ki)/.test(mode);
    if (!(isPlace || (own?.hidden ?? own?.selector))) root.append(launcher);
    document.querySelector("body").append(host);

    // The chat waits for it with all that it needs at hand.
    let need;
    const needed = new Promise((resolve) => (need = resolve));
    let arrived;
    let refused;
    const arrival = new Promise((resolve, reject) => {
      arrived = resolve;
      refused = reject;
    });
    // Nobody may be waiting.
    arrival.catch(() => {});
    let attempts = 0;
    let loading;
    let handle;
    let past;
    // Set by a press that came before the chat did.
    let wanted;
    // Known here because a focused launcher that is replaced loses the focus silently.
    let focused;
    let gone;

    async function load() {
      if (loading || gone) return;
      loading = true;
      try {
        // Browsers remember that a module failed; another query, if empty, is another module.
        const module = await import(base + MODULE + "?".repeat(attempts));
        handle = await module.init(options, { host, base, launcher, needed, key, past });
        // The widget has put a launcher of its own in the place of this one.
        if (gone) handle.destroy();
        else if (wanted) handle.open();
        else if (focused) root.querySelector("[part~=launcher]")?.focus();
        arrived(handle);
      } catch (error) {
        attempts++;
        loading = false;
        launcher.removeAttribute("aria-busy");
        told = error;
        // A plain Error comes from the widget itself and says all; these do not.
        console.error("chinwag:", error.name === "Error" ? "" : `is ${base} your relay, and allowed by the Content-Security-Policy?`, error);
        if (wanted) explain();
        refused(error);
      }
    }

    function reach() {
      need();
      load();
    }

    function want() {
      wanted = true;
      launcher.setAttribute("aria-busy", true);
      reach();
    }

    /** Says in the launcher's place that the chat did not come. */
    function explain() {
      const retry = make("button", {}, "Try again");
      const close = make("button", {}, "Close");
      const failure = make(
        "div",
        { class: "cw-launcher cw-absent", role: "alert", part: "failure" },
        "The chat could not be loaded.",
        retry,
        close,
      );
      const dismiss = () => {
        wanted = false;
        failure.replaceWith(launcher);
        launcher.focus();
      };
      close.onclick = dismiss;
      retry.onclick = () => {
        dismiss();
        want();
      };
      launcher.replaceWith(failure);
      retry.focus();
    }

    launcher.onfocus = () => {
      focused = true;
      reach();
    };
    // Later, because an element that is being taken out blurs while it still stands there.
    launcher.onblur = () => setTimeout(() => (focused = !launcher.isConnected));
    launcher.onpointerenter = reach;
    // There is no click where the widget's launcher comes in between press and release.
    launcher.onpointerdown = launcher.onclick = want;
    launcher.onpointercancel = () => (wanted = false);
    if (own?.selector) addEventListener("click", (event) => handle || (event.target.closest?.(own.selector) && want()));

    const idle = window.requestIdleCallback ?? setTimeout;
    const soon = () => {
      if (document.readyState !== "complete") addEventListener("load", soon);
      else navigator.connection?.saveData || idle(load);
    };
    if (isPlace) reach();
    // After the launcher is on the screen: a browser takes its time to open the storage.
    else
      idle(() => {
        past = saved(key);
        ((past ? past.open : options.openByDefault) ? reach : soon)();
      });

    return async (command, given) => {
      if (command === "destroy" && !handle) {
        gone = true;
        return host.remove();
      }
      need();
      (/^(open|toggle|send)$/.test(command) ? load : soon)();
      const chat = handle ?? (await arrival);
      return command === "init" ? chat : chat[command](...given);
    };
  }

  /** What the widget kept at an earlier visit. Storage may refuse, and hold anything. */
  function saved(key) {
    try {
      return JSON.parse(sessionStorage.getItem(key) ?? localStorage.getItem(key));
    } catch {}
  }

  /**
   * The accent and the text on it in both schemes, as the widget derives them
   * (`src/host/theme.rs`), so that nothing changes colour when it takes over.
   */
  function shades(accent) {
    const properties = {};
    if (!/^#([\da-f]{3}){1,2}$/i.test(accent)) return properties;
    let color = accent
      .replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3")
      .match(/\w\w/g)
      .map((pair) => parseInt(pair, 16));
    // The power stands for the two-part curve of WCAG, and is close enough to choose by.
    const luminance = () => color.reduce((sum, value, at) => sum + WEIGHTS[at] * (value / 255) ** 2.2, 0);
    for (const scheme of ["", "-dark"]) {
      // In the dark a deep accent would be a hole: it is lifted until it reads.
      const deep = color;
      for (let step = 1; scheme && luminance() < ON_DARK; step++) color = deep.map((value) => value + ((255 - value) * step) / 20);
      properties[`accent${scheme}`] = `rgb(${color})`;
      properties[`on-accent${scheme}`] = luminance() > WHITE_ENDS ? "#0b1210" : "#fff";
    }
    return properties;
  }

  function make(name, values, ...children) {
    const kind = /svg|path/.test(name) ? "2000/svg" : "1999/xhtml";
    const element = document.createElementNS(`http://www.w3.org/${kind}`, name);
    for (const key in values) element.setAttribute(key, values[key]);
    element.append(...children);
    return element;
  }

  /** The script's own tag: an element of the page that is named "currentScript" can hide it. */
  function ownScript() {
    const current = document.currentScript;
    return current?.src ? current : document.querySelector('script[src*="chinwag"]');
  }

  /** The options in `data-*` attributes. Other tools mark scripts too, so only known names count. */
  function attributes(data) {
    const options = { theme: {} };
    for (const key in data) {
      const text = data[key];
      const place = THEME.test(key) ? options.theme : options;
      if (TEXTS.test(key)) place[key] = text;
      if (NUMBERS.test(key)) place[key] = +text;
      if (FLAGS.test(key)) place[key] = text !== "false";
      if (key === "suggestions") options[key] = text.split("|");
    }
    return options;
  }

  Chinwag.init = Chinwag.bind(null, "init");
  window.Chinwag = Chinwag;
  const queue = Array.from(earlier?.q ?? []);
  if (given.site && !queue.some(([command]) => command === "init")) start();
  // What was queued is answered to nobody: a chat that is only to be there may wait.
  for (const [command, ...rest] of queue) command === "init" ? start(rest[0]) : Chinwag(command, ...rest);
})();
