// What is left when the module has ended: a panic, or memory that the browser
// refused. Everything here is drawn without it, and short: it is fetched by
// every page and seen by almost none.

/** How long the button waits after each crash in a row, in ms; after the last there is none. */
const WAITS = [0, 3_000, 10_000];

/** After how long without a crash the counting begins anew, in ms. */
const CALM = 300_000;

/**
 * Wraps the module's exports so that its end is noticed, whoever called: the
 * page, a listener, a timer or a promise. After it they do nothing.
 */
export function guard(exports, ended) {
  let isOver = false;
  let depth = 0;
  const wrap = (member) => (...given) => {
    if (isOver) return undefined;
    depth++;
    try {
      return member(...given);
    } catch (error) {
      // A stack that overflows is another error in each browser.
      const isEnd = error instanceof WebAssembly.RuntimeError || /stack|recursion/.test(error?.message);
      isOver ||= isEnd;
      // The frames of the module that are still below have to go as well.
      if (!isOver || depth > 1) throw error;
      ended(error);
      return undefined;
    } finally {
      depth--;
    }
  };
  return Object.fromEntries(
    Object.entries(exports).map(([name, member]) => [name, typeof member === "function" ? wrap(member) : member]),
  );
}

/** The crashes of one widget. */
export function crashes() {
  let count = 0;
  let last = -Infinity;
  return {
    /** Counts one. Gives the wait before the widget may be begun again, or nothing if it is to stay. */
    next() {
      count = performance.now() - last > CALM ? 0 : count + 1;
      last = performance.now();
      return WAITS[count];
    },
  };
}

/** What the panel says, by the keys of the language files: asked of a widget while it lives. */
export function ask(widget) {
  return ["crashed", "crashedWhy", "crashedAgain", "reloadChat", "close"].map((key) => widget.say(key));
}

/** What stands in the dead widget's root and has to be in the next one. */
export function remains(root) {
  const panel = root.querySelector("[part~=panel]");
  return { draft: root.querySelector("textarea")?.value, open: Boolean(panel && !panel.hidden) };
}

/** Draws the panel, or the launcher alone, in the place of what has ended. */
export function draw(root, { open, wait, begin, words: [title, why, again, reload, shut] }) {
  const make = (name, values, ...children) => {
    const element = document.createElement(name);
    for (const key in values) element.setAttribute(key, values[key]);
    element.append(...children);
    return element;
  };
  // A copy has its looks and none of its dead listeners.
  const launcher = root.querySelector("[part~=launcher]")?.cloneNode(true) ?? make("button", { part: "launcher" });
  const app = make("div", { class: "cw-app", part: "root" }, launcher);
  root.replaceChildren(app);
  launcher.setAttribute("aria-expanded", open);
  launcher.onclick = () => (open ? close() : begin(true));
  if (!open) return;

  const close = () => {
    panel.remove();
    open = false;
    launcher.setAttribute("aria-expanded", false);
    launcher.focus();
  };
  const button = (words, press) => {
    const made = make("button", { class: "cw-crash-button", type: "button" }, words);
    made.onclick = press;
    return made;
  };
  const actions = make("div", { class: "cw-crash-actions" });
  if (wait !== undefined) {
    const start = button(reload, () => {
      start.disabled = true;
      begin(true);
    });
    start.disabled = wait > 0;
    if (wait) setTimeout(() => (start.disabled = false), wait);
    actions.append(start);
  }
  actions.append(button(shut, close));
  const panel = make(
    "section",
    { class: "cw-panel cw-crash", part: "panel crash", role: "alertdialog", tabindex: -1, "aria-label": title },
    make("h2", {}, title),
    make("p", {}, wait === undefined ? again : why),
    actions,
  );
  app.prepend(panel);
  panel.focus({ preventScroll: true });
}
