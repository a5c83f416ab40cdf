// <chinwag-chat>: the widget as a custom element. Importing defines it where
// there is a page, and does nothing on a server.

import { init } from "./index.js";
import { EVENTS, FIXED, METHODS, OPTIONS } from "./names.js";

/** What attributes turn into, beside plain texts. */
const READ = {
  number: (text) => Number(text),
  flag: (text) => text !== "false",
  list: (text) => text.split("|"),
  consent: (text) => (text === "required" ? text : text !== "false"),
};

/** Attributes: the option that each stands for, and how its text is read. */
const ATTRIBUTES = {
  __proto__: null,
  site: ["site"],
  relay: ["relay"],
  api: ["api"],
  "wasm-url": ["wasmUrl"],
  mode: ["mode"],
  target: ["target"],
  position: ["position"],
  "offset-x": ["offset.x", "number"],
  "offset-y": ["offset.y", "number"],
  "z-index": ["zIndex", "number"],
  "open-by-default": ["openByDefault", "flag"],
  accent: ["theme.accent"],
  "color-scheme": ["theme.colorScheme"],
  radius: ["theme.radius", "number"],
  density: ["theme.density"],
  font: ["theme.font"],
  // `title` would be the browser's tooltip over the whole chat.
  "chat-title": ["title"],
  greeting: ["greeting"],
  suggestions: ["suggestions", "list"],
  placeholder: ["placeholder"],
  disclaimer: ["disclaimer"],
  "avatar-url": ["avatarUrl"],
  locale: ["locale"],
  sound: ["sound", "flag"],
  history: ["history", "flag"],
  attachments: ["attachments", "flag"],
  identity: ["identity"],
  consent: ["consent", "consent"],
  "launcher-icon": ["launcher.icon"],
  "launcher-label": ["launcher.label"],
  "launcher-hidden": ["launcher.hidden", "flag"],
  "launcher-selector": ["launcher.selector"],
  teaser: ["teaser.text"],
  "auto-open": ["autoOpen.delayMs", "number"],
  persist: ["persist"],
  namespace: ["namespace"],
  "expire-minutes": ["expireMinutes", "number"],
};

class ChinwagChat extends (globalThis.HTMLElement ?? class {}) {
  static observedAttributes = Object.keys(ATTRIBUTES);

  /** Options that were set as properties. */
  #given = {};
  /** The widget that runs or begins: `{ pending, chat }`. */
  #life;
  /** Calls that came before there was a widget. */
  #waiting = [];
  #ending;
  #changes;

  static {
    for (const name of OPTIONS) {
      Object.defineProperty(this.prototype, name, {
        configurable: true,
        enumerable: true,
        get() {
          return this.#options()[name];
        },
        set(value) {
          this.#given[name] = value;
          this.#changed(name);
        },
      });
    }
    for (const name of METHODS) {
      this.prototype[name] = function (...given) {
        return this.#call((chat) => chat[name](...given));
      };
    }
  }

  /** The handle, once the widget is there. */
  get ready() {
    return new Promise((resolve, reject) => {
      if (this.#life) this.#life.pending.then(resolve, reject);
      else this.#waiting.push((pending) => pending.then(resolve, reject));
    });
  }

  isOpen() {
    return this.#life?.chat?.isOpen() ?? false;
  }

  transcript(format) {
    return this.#life?.chat?.transcript(format) ?? "";
  }

  /** Listens, from now on and through every widget that this element is given. */
  on(name, listener) {
    const heard = (event) => {
      const answer = listener(event.detail, event);
      if (answer?.then) event.detail.waitUntil?.(answer);
    };
    this.addEventListener(`chinwag:${name}`, heard);
    return () => this.removeEventListener(`chinwag:${name}`, heard);
  }

  once(name, listener) {
    const off = this.on(name, (detail, event) => {
      off();
      return listener(detail, event);
    });
    return off;
  }

  registerTools(tools) {
    let isGone = false;
    let forget;
    this.#call((chat) => isGone || (forget = chat.registerTools(tools)));
    return () => {
      isGone = true;
      forget?.();
    };
  }

  /** Takes the element, and the chat with it, out of the page. */
  destroy() {
    this.remove();
    this.#end();
  }

  connectedCallback() {
    // What was set before the element was defined hides the accessors.
    for (const name of OPTIONS) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
    // `title` set before that went to HTML's own, which is the browser's tooltip.
    if (this.hasAttribute("title")) {
      if (!this.hasAttribute("chat-title")) this.setAttribute("chat-title", this.getAttribute("title"));
      this.removeAttribute("title");
    }
    clearTimeout(this.#ending);
    this.#begin();
  }

  disconnectedCallback() {
    // Whoever moves an element takes it out and puts it in again in one task.
    this.#ending = setTimeout(() => this.isConnected || this.#end());
  }

  attributeChangedCallback(attribute) {
    this.#changed(ATTRIBUTES[attribute][0].split(".")[0]);
  }

  /** Attributes, and above them properties. */
  #options() {
    const options = {};
    for (const attribute in ATTRIBUTES) {
      const text = this.getAttribute(attribute);
      if (text === null) continue;
      const [path, kind] = ATTRIBUTES[attribute];
      const [name, member] = path.split(".");
      const value = kind ? READ[kind](text) : text;
      if (member) (options[name] ??= {})[member] = value;
      else options[name] = value;
    }
    for (const name in this.#given) {
      if (this.#given[name] !== undefined) options[name] = this.#given[name];
    }
    return options;
  }

  #begin() {
    if (this.#life) return;
    const options = this.#options();
    if (options.mode === "inline") options.target ??= this;
    const life = (this.#life = {});
    // A child, so that what the page says of the element itself stays the page's.
    // What takes up room in the page is put there by the widget.
    const host = document.createElement("div");
    host.dataset.chinwag = options.site ?? "";
    if (!options.target) this.append(host);
    this.#tellOf(host);
    life.pending = init(options, options.target ? {} : { host }).then(
      (chat) => {
        if (life.isOver) chat.destroy();
        else life.chat = chat;
        if (chat.element !== host) {
          this.#tellOf(chat.element);
          this.#tell("chinwag:ready", {});
        }
        return chat;
      },
      (error) => {
        host.remove();
        if (this.#life === life) this.#life = undefined;
        throw error;
      },
    );
    life.pending.catch((error) => {
      console.error("chinwag:", error);
      this.#tell("chinwag:error", { reason: "init", message: error.message });
    });
    life.end = () => {
      life.isOver = true;
      life.chat?.destroy();
      host.remove();
    };
    for (const wait of this.#waiting.splice(0)) wait(life.pending);
  }

  /** The widget's events are the element's. */
  #tellOf(host) {
    for (const name of EVENTS) {
      host.addEventListener(`chinwag:${name}`, (event) => {
        // One that bubbles comes here by itself.
        if (event.bubbles && this.contains(host)) return;
        if (!this.#tell(event.type, event.detail, event.cancelable)) event.preventDefault();
      });
    }
  }

  #tell(type, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, cancelable, detail }));
  }

  #end() {
    this.#life?.end();
    this.#life = undefined;
  }

  /** Options that are set one after the other make one change. */
  #changed(name) {
    if (!this.#life) {
      // An option that was wrong may be right now.
      if (this.isConnected) queueMicrotask(() => this.isConnected && this.#begin());
      return;
    }
    if (!this.#changes) {
      this.#changes = new Set();
      queueMicrotask(() => {
        const names = this.#changes;
        this.#changes = undefined;
        this.#apply(names);
      });
    }
    this.#changes.add(name);
  }

  #apply(names) {
    if (!this.#life) return;
    if ([...names].some((name) => FIXED.includes(name))) {
      this.#end();
      if (this.isConnected) this.#begin();
      return;
    }
    const options = this.#options();
    const changes = {};
    for (const name of names) changes[name] = options[name] ?? null;
    this.#call((chat) => chat.update(changes))?.catch?.((error) => console.error("chinwag:", error));
  }

  #call(work) {
    const chat = this.#life?.chat;
    return chat ? work(chat) : this.ready.then(work);
  }
}

// The first one stays, whichever version it is: two on one page do not fight.
if (globalThis.customElements && !customElements.get("chinwag-chat")) customElements.define("chinwag-chat", ChinwagChat);

export { ChinwagChat, init };
