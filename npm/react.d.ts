import type { CSSProperties, ReactElement, Ref } from "react";
import type { Chat as Handle, Events, Listener, Options, Source } from "./index.js";

export type { Events, Handle, Options, Source };

type Capitalised<Name extends string> = Name extends `${infer Head}:${infer Tail}`
  ? `${Capitalize<Head>}${Capitalised<Tail>}`
  : Capitalize<Name>;

/** A listener for each event: `message:sent` is `onMessageSent`. */
export type Listeners = { [Name in Exclude<keyof Events, "ready" | "error"> as `on${Capitalised<Name>}`]?: Listener<Name> };

/** The options, and listeners. Options may change with every rendering; functions are always the latest. */
export type ChinwagProperties = Options & Source & Listeners;

/** What `<Chat>` takes. */
export type ChatProperties = ChinwagProperties & {
  /** Is given the handle once the widget is there. */
  ref?: Ref<Handle | undefined>;
  /** For the place that `mode="inline"` renders. */
  className?: string;
  /** For the place that `mode="inline"` renders. */
  style?: CSSProperties;
};

/** The widget. Renders nothing, or with `mode="inline"` and no `target` the chat's place. */
export function Chat(properties: ChatProperties): ReactElement | null;

/** Mounts a widget for as long as the component is there. The handle is `undefined` until it is loaded. */
export function useChinwag(properties: ChinwagProperties): Handle | undefined;
