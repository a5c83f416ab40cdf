/** What `init` takes. A key that is unknown or of the wrong type is an error that names the key. */
export interface Options {
  /** The site's public key: `site_` and 1 to 64 letters, digits, `_` or `-`. */
  site: string;
  /** The relay's origin, such as `https://relay.example.com`. May be left out where the relay served the script. */
  relay?: string;
  /** How it looks. */
  theme?: Theme;
  /** In which corner it sits. Default: `bottom-right`. */
  position?: "bottom-right" | "bottom-left" | "top-right" | "top-left";
  /** Distance from that corner in CSS pixels. Default: 20 each way. */
  offset?: { x?: number; y?: number };
  /** Its place in the page's stacking order. Default: 2147483000. */
  zIndex?: number;
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
  /** Where the conversation is remembered. Default: `local`. */
  persist?: "local" | "session" | "memory";
  /** Keeps several widgets of one site apart in storage. */
  namespace?: string;
  /** Whether the panel is open when nothing was remembered. Default: false. */
  openByDefault?: boolean;
  /** Functions of the page that the agent may call, by their names. */
  tools?: Tools;
  /** What the page wants the agent to know, sent with each message: an object of at most 4,096 bytes as JSON. */
  context?: Record<string, unknown>;
  /** Called once, with the handle. */
  onReady?: (chat: Chat) => void;
  /** Called with what the event `error` carries. */
  onError?: (failure: Events["error"]) => void;
  /** Where `chinwag.wasm` is, for bundlers that do not follow `import.meta.url`. */
  wasmUrl?: string | URL;
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

/** How the widget looks; every other custom property of the theming documentation is set by CSS. */
export interface Theme {
  /** The one accent colour, `#rgb` or `#rrggbb`; everything that depends on it follows by contrast. */
  accent?: string;
  /** Default: `auto`, as the visitor's system says. */
  colorScheme?: "light" | "dark" | "auto";
  /** The panel's corners in CSS pixels. Default: 16. */
  radius?: number;
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
  error: { reason: string; requestId?: string };
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
  /** Sends a message as if the visitor had written it. Throws if it is empty, over 8,000 characters, while a reply runs, during the wait of a rate limit, or in a conversation that has ended. */
  send(text: string): void;
  /** Ends the reply that runs, if one does. */
  stop(): void;
  newConversation(): void;
  /** Lets the agent call functions of the page, beside those that it may call already; returns what takes them away. */
  registerTools(tools: Tools): () => void;
  /** The conversation as far as the panel has it. Default: `text`. */
  transcript(format?: "text" | "markdown" | "json"): string;
  /** Merges changed options in; `site`, `relay`, `persist` and `namespace` stay as they are. */
  update(changes: Partial<Options>): void;
  /** Listens; returns what stops listening. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Name>): () => void;
  /** Listens for one event only. */
  once<Name extends keyof Events>(name: Name, listener: Listener<Name>): () => void;
  /** Takes the widget out of the page without a trace. */
  destroy(): void;
}

/** Mounts a widget. Rejects with an `Error` that names the option at fault, or says what could not be loaded. */
export function init(options: Options): Promise<Chat>;
