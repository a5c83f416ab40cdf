/** What `init` takes. A key that is unknown or of the wrong type is an error that names the key. */
export interface Options {
  /** The site's public key: `site_` and 1 to 64 letters, digits, `_` or `-`. Required, unless there is `getToken` or `api`. */
  site?: string;
  /** The relay's origin, such as `https://relay.example.com`. May be left out where the relay served the script. */
  relay?: string;
  /**
   * How it stands in the page: a button that opens a panel, a panel within `target`, one over the whole window, a
   * screen in a hall for one stranger after another, or a `frame` with a page of the relay's, for pages that refuse WebAssembly. In a frame the handle is the same, but what
   * it asks for is done a moment later: its methods return promises. Default: `launcher`.
   */
  mode?: "launcher" | "inline" | "fullscreen" | "kiosk" | "frame";
  /** The element that an inline chat is put into, or a CSS selector that finds it. */
  target?: Element | string;
  /**
   * Brings an access token from your own server, in place of the exchange by `site`. Resolves to the answer of
   * `POST /v1/tokens` as it came, or to its `token` alone. Is given the last token.
   */
  getToken?: (current?: string) => Promise<string | TokenAnswer> | string | TokenAnswer;
  /** Who the visitor is: a JWT that your server signed, or a function that brings one (`null` for nobody). */
  identity?: string | (() => Promise<string | null> | string | null);
  /** The address of an AI SDK endpoint that is talked to without a relay. */
  api?: string;
  /** Headers that go along with every request. Never a provider's key: every visitor can read them. */
  headers?: Record<string, string>;
  /** Makes the requests in place of `window.fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** How it looks. */
  theme?: Theme;
  /** In which corner it sits. Default: `bottom-right`. */
  position?: "bottom-right" | "bottom-left" | "top-right" | "top-left";
  /** Distance from that corner in CSS pixels. Default: 24 each way. */
  offset?: number | { x?: number; y?: number };
  /** Its place in the page's stacking order. Default: 2147483000. */
  zIndex?: number;
  /** The button that opens the panel. */
  launcher?: Launcher;
  /** A few words beside the launcher; put away they never come again. `delayMs`: 3000. */
  teaser?: { text: string; delayMs?: number };
  /** Opens the panel by itself, once, for a visitor of whom nothing is remembered. */
  autoOpen?: { delayMs?: number };
  /** The language, a BCP 47 tag. Default: the page's own if there is one for it, else English. */
  locale?: string;
  /** The direction of reading. Default: that of the language. */
  dir?: "ltr" | "rtl";
  /** Words in place of the widget's own, by key; `newAnswers.one` and the like for forms of a number. */
  strings?: Record<string, string | null>;
  /** Plays two notes for a reply that nobody is looking at. Default: false. */
  sound?: boolean;
  /** The address of a picture in place of the agent's. */
  avatarUrl?: string;
  /** Shown in the header in place of the agent's name. */
  title?: string;
  /** Shown above the first message in place of the agent's greeting. */
  greeting?: string;
  /** Up to four questions to start with, in place of the agent's. */
  suggestions?: string[];
  /** Shown in the empty composer. */
  placeholder?: string;
  /** A line under the composer. */
  disclaimer?: string;
  /** Whether a list of earlier conversations is offered. Default: true. */
  history?: boolean;
  /** Where the conversation is remembered. Default: `local`. */
  persist?: "local" | "session" | "memory";
  /** Keeps several widgets of one site apart in storage. */
  namespace?: string;
  /** After how many minutes without a message the conversation is forgotten in this browser. Default: never. */
  expireMinutes?: number;
  /**
   * Whether anything may be stored or sent. `"required"` asks the visitor in the panel, `false` waits for
   * `update({ consent: true })`. Default: `true`.
   */
  consent?: boolean | "required";
  /** Whether the panel is open when nothing was remembered. Default: false. */
  openByDefault?: boolean;
  /** Functions of the page that the agent may call, by their names. */
  tools?: Tools;
  /** What the page wants the agent to know, sent with each message: an object of at most 4,096 bytes as JSON. */
  context?: Record<string, unknown>;
  /**
   * Whether files can be sent along, where the agent takes them: chosen, dropped or pasted. Default: `true`. In direct
   * mode (`api`) there is nobody to take them, and `true` is an error.
   */
  attachments?: boolean;
  /** What is asked of a screen in a hall; only with `mode: "kiosk"`. */
  kiosk?: Kiosk;
  /** Called once, with the handle. */
  onReady?: (chat: Chat) => void;
  /** Called with what the event `error` carries. */
  onError?: (failure: Events["error"]) => void;
  /**
   * Where `chinwag.wasm` is, for bundlers that do not follow `import.meta.url`. The other `.wasm` files of the package
   * are looked for beside it too.
   */
  wasmUrl?: string | URL;
}

/** What is asked of a screen in a hall. */
export interface Kiosk {
  /** Seconds without a sign of life before the warning, 15 to 3600. Default: 75. */
  idleSeconds?: number;
  /** Seconds to say that one is still there, 20 to 3600. Default: 20. */
  warnSeconds?: number;
  /** What stands on the screen while nobody is there. Default: the greeting and the suggestions. */
  attract?: { title?: string; text?: string; prompts?: string[] };
  /** Whether there is a keyboard on the screen. Default: true. */
  keyboard?: boolean;
  /** Whether links are texts, or are shown as a code for a phone. Default: `block`. */
  links?: "block" | "qr";
  /** Whether the browser is asked to keep the screen on. Default: true. */
  wakeLock?: boolean;
  /** Whether the page is loaded anew once a day, while nobody is there. Default: true. */
  reloadDaily?: boolean;
  /** The device key, as `chinwag-relay device new` prints it. */
  device?: string;
}

/** Functions of the page that the agent may call. Names are 1 to 64 letters, digits, `_` or `-`; `null` takes one away. */
export type Tools = Record<string, Tool | null>;

/** A function of the page that the agent may call. */
export interface Tool {
  /** What the visitor is told while it runs, in place of its name. */
  title?: string;
  /** What it does, for the model. */
  description?: string;
  /** JSON Schema of its input. Default: an object of any members. */
  parameters?: Record<string, unknown>;
  /** Runs it. What it returns, or its promise, has to be JSON; what it throws is told to the agent. It has 60 seconds. */
  handler(input: any, about: { toolCallId: string; signal: AbortSignal }): unknown;
}

/** The answer of the relay's `POST /v1/tokens`. */
export interface TokenAnswer {
  token: string;
  /** In seconds. */
  expiresIn: number;
  visitor?: string;
  agent?: { name: string; avatarUrl?: string; greeting?: string; suggestions?: string[] };
  features?: Record<string, boolean>;
}

/** The button that opens the panel. */
export interface Launcher {
  /** The address of a picture in place of the speech bubble. */
  icon?: string;
  /** What screen readers call it while the panel is closed. */
  label?: string;
  /** Whether there is none. Default: false, or true if there is a `selector`. */
  hidden?: boolean;
  /** Elements of the page that open and close the panel, now or later, as a CSS selector. */
  selector?: string;
}

/** A value for both colour schemes, or one for each. `null` in `update` takes it back. */
export type Token<Value> = Value | { light?: Value; dark?: Value } | null;

/** Every custom property of the theming documentation, by its name in camel case: `--cw-surface-1` is `surface1`. */
export type Tokens = {
  /** `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb()`, `hsl()`, `oklch()` or `transparent`. */
  [Name in
    | "accent" | "onAccent" | "accentSoft" | "accentText"
    | "accentDark" | "onAccentDark" | "accentSoftDark" | "accentTextDark"
    | "surface1" | "surface2" | "surface3" | "text1" | "text2" | "border"
    | "danger" | "dangerSoft" | "warn" | "ok"
    | "codeKeyword" | "codeString" | "codeComment" | "codeNumber"
    | "shadow" | "shadowSmall" | "font" | "fontMono"]?: Token<string>;
} & {
  /** CSS pixels; `motion` in milliseconds, `z` a whole number. */
  [Name in "textSize" | "space" | "radius" | "panelWidth" | "panelHeight" | "launcherSize" | "motion" | "z"]?: Token<number>;
};

/** What answers: a site of the relay, tokens of your own server, or an endpoint without a relay. One is required. */
export type Source =
  | Required<Pick<Options, "site">>
  | Required<Pick<Options, "getToken">>
  | Required<Pick<Options, "api">>;

/** How the widget looks. */
export interface Theme {
  /** The one accent colour, `#rgb` or `#rrggbb`; everything that depends on it follows by contrast. */
  accent?: string;
  /** Default: `auto`, as the visitor's system says. */
  colorScheme?: "light" | "dark" | "auto";
  /** The panel's corners in CSS pixels. Default: 16. */
  radius?: number;
  /** How much room there is between things. Default: `comfortable`. */
  density?: "compact" | "comfortable" | "spacious";
  /** Names of fonts that the page has loaded, or that the system has. */
  font?: string;
  /** What is finer than that. Counts more than a style sheet of the page. */
  tokens?: Tokens | null;
}

/** The events, and what each carries. Also dispatched as `CustomEvent`s `chinwag:*` on the element. */
export interface Events {
  ready: Record<string, never>;
  open: Record<string, never>;
  close: Record<string, never>;
  "message:sent": { id: string; text: string };
  "message:received": { id: string; text: string };
  "response:start": Record<string, never>;
  "response:end": Record<string, never>;
  "response:stopped": Record<string, never>;
  "conversation:change": { id: string };
  /** May be changed, or cancelled by `event.preventDefault()`; a promise that a listener returns is waited for. */
  "before:send": { text: string; waitUntil(promise: PromiseLike<unknown>): void };
  "tool:call": { toolCallId: string; toolName: string; input: unknown };
  /** With `output`, or with `errorText`. */
  "tool:result": { toolCallId: string; toolName: string; output?: unknown; errorText?: string };
  /** A rating is stored; `null` is one that was taken back. */
  feedback: { id: string; value: "positive" | "negative" | null; reason?: string };
  /** How things stand with the relay. */
  "connection:change": { state: "connecting" | "ready" | "offline" | "unavailable" };
  /** How many replies came that nobody has seen. */
  unread: { count: number };
  /** The access token was replaced. */
  "token:refreshed": Record<string, never>;
  /** A kiosk asks whether the visitor is still there. */
  "idle:warning": { seconds: number };
  /** A kiosk has wiped what a visitor left: nobody was there, somebody started over, or the page asked. */
  "idle:reset": { reason: "idle" | "visitor" | "page" };
  error: { reason: Reason; requestId?: string };
}

/** Why something failed. What each means is in the documentation of the handle. */
export type Reason =
  | "unreachable" | "timeout" | "rate_limited" | "unavailable" | "not_allowed" | "too_long" | "blocked" | "closed"
  | "interrupted" | "sign_in" | "crashed" | "other";

/** What `doctor` looks at; the last four in a kiosk only. */
export type Check =
  | "policy" | "token" | "clock" | "storage" | "place" | "version"
  | "kiosk options" | "wake lock" | "full screen" | "keyboard";

/** What `doctor` found. */
export interface Report {
  /** Whether all is well. */
  ok: boolean;
  checks: { name: Check; ok: boolean; says: string }[];
  /** All of it as text, to be pasted into a letter. */
  text: string;
}

/** A listener: what the event carries, and the event itself. */
export type Listener<Name extends keyof Events> = (
  detail: Events[Name],
  event: CustomEvent<Events[Name]>,
) => void | PromiseLike<void>;

/** What `init` resolves to. After `destroy` every call does nothing. */
export interface Chat {
  /** The element in the page, with an open shadow root. */
  readonly element: HTMLElement;
  open(): void;
  close(): void;
  toggle(): void;
  isOpen(): boolean;
  /** Sends a message as if the visitor had written it. Throws if it is empty, over 8,000 characters, while a reply runs, during the wait of a rate limit, or in a conversation that has ended. Gives a promise where it waits for tools that were registered before. */
  send(text: string): void | Promise<void>;
  /** Shows the whole widget again. */
  show(): void;
  /** Hides the whole widget, launcher included. */
  hide(): void;
  /** Writes into the composer, in place of what stands there. Throws above 8,000 characters. */
  setInput(text: string): void;
  /** Opens the panel and puts the focus where messages are written. */
  focus(): void;
  /** Ends the reply that runs, if one does. */
  stop(): void;
  newConversation(): void;
  /** Lets the agent call functions of the page, beside those that it may call already; returns what takes them away. */
  registerTools(tools: Tools): () => void;
  /** The conversation as far as the panel has it. Default: `text`. */
  transcript(format?: "text" | "markdown" | "json"): string;
  /** Shows another conversation of this visitor. Throws if that is no id. */
  setConversation(id: string): void;
  /** Takes the conversation off the screen; the relay keeps it, and the next message begins another. */
  clear(): void;
  /** Forgets the visitor in this browser: conversation, draft, token, what was put away. */
  reset(): void;
  /** Says who the visitor is, by a JWT that your server signed. */
  identify(jwt: string): void;
  /** Forgets who the visitor is, and the conversation in this browser. */
  logout(): void;
  /**
   * Merges changed options in; `site`, `relay`, `api`, `mode`, `target`, `persist` and `namespace` stay as they are.
   * Throws if one is wrong. Where what reads rare options, or tells of wrong ones, has to be fetched first, it gives a
   * promise instead, which is kept when they are in force and refused if one is wrong.
   */
  update(changes: Partial<Options>): void | Promise<void>;
  /** The same as `update({ theme })`. */
  setTheme(theme: Theme): void | Promise<void>;
  /** The same as `update({ locale })`; resolves when the language is spoken. `null` is the page's own. */
  setLocale(locale: string | null): Promise<void>;
  /** Looks for what is wrong with the page around the widget, and answers in words. */
  doctor(): Promise<Report>;
  /** Listens; returns what stops listening. A late listener of `ready` is called at once. Throws for an unknown event. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Name>): () => void;
  /** Listens for one event only. */
  once<Name extends keyof Events>(name: Name, listener: Listener<Name>): () => void;
  /** Takes the widget out of the page without a trace. */
  destroy(): void;
}

/** Mounts a widget. Rejects with an `Error` that names the option at fault, or says what could not be loaded. */
export function init(options: Options & Source): Promise<Chat>;
