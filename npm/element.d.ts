import type { Chat, Events, Options } from "./index.js";

export * from "./index.js";

/** A property for each option; what is not set is what the attribute says. */
export type ElementOptions = { [Name in keyof Options]-?: Options[Name] | undefined };

/** The methods of the handle. Before the widget is there they wait for it, and return a promise. */
export type ElementMethods = Omit<Chat, "element">;

/**
 * `<chinwag-chat>`. Scalar options are attributes too, in kebab-case: `site`, `color-scheme`, `open-by-default`,
 * `offset-x`. The title's attribute is `chat-title`, and `suggestions` stand apart by `|`.
 */
export type ChinwagChat = Omit<HTMLElement, keyof Options | keyof ElementMethods> &
  ElementOptions &
  ElementMethods & {
    /** The handle, once the widget is there. Rejects when an option is wrong. */
    readonly ready: Promise<Chat>;
  };

/** The class, for `customElements` of your own or `instanceof`. Importing this entry has defined it already. */
export const ChinwagChat: { new (): ChinwagChat; prototype: ChinwagChat };

/** The events as the DOM names them. */
export type ChinwagEventMap = { [Name in keyof Events as `chinwag:${Name}`]: CustomEvent<Events[Name]> };

declare global {
  interface HTMLElementTagNameMap {
    "chinwag-chat": HTMLElement & ChinwagChat;
  }
  interface HTMLElementEventMap extends ChinwagEventMap {}
}
