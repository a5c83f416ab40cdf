// The words of the API that more than one entry of the package needs. What they
// mean is in index.d.ts; tests/package holds the two together.

/** Every option. */
export const OPTIONS = [
  "site", "relay", "getToken", "identity", "api", "headers", "fetch", "wasmUrl",
  "mode", "target", "position", "offset", "zIndex", "openByDefault", "autoOpen", "launcher", "teaser",
  "theme", "avatarUrl", "title", "greeting", "suggestions", "placeholder", "disclaimer",
  "locale", "dir", "strings", "sound",
  "persist", "namespace", "history", "expireMinutes", "consent", "tools", "context", "attachments", "kiosk", "onReady", "onError",
];

/** Those that a widget keeps for its life: another value is another widget. */
export const FIXED = ["site", "relay", "api", "mode", "target", "persist", "namespace", "wasmUrl", "getToken", "fetch"];

/** Every event, as `on` names it. */
export const EVENTS = [
  "ready", "open", "close", "message:sent", "message:received", "response:start", "response:end", "response:stopped",
  "conversation:change", "before:send", "tool:call", "tool:result", "feedback", "connection:change", "unread",
  "token:refreshed", "idle:warning", "idle:reset", "error",
];

/** Methods of the handle that only ask for something to be done. */
export const METHODS = [
  "open", "close", "toggle", "show", "hide", "send", "setInput", "focus", "stop", "newConversation", "setConversation",
  "clear", "reset", "update", "setTheme", "setLocale", "identify", "logout", "doctor",
];
