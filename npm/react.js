"use client";
// The widget as a React component and a hook. Rendered on a server it is
// nothing, or an empty place in the page.

import { createElement, forwardRef, useEffect, useImperativeHandle, useRef, useState } from "react";
import { init } from "./index.js";
import { EVENTS, FIXED, OPTIONS } from "./names.js";

/** `message:sent` is the property `onMessageSent`. */
const LISTENERS = EVENTS.map((name) => [name, `on${name.replace(/(?:^|:)(\w)/g, (_, letter) => letter.toUpperCase())}`]);

/** The two callbacks that are options as well: they are listeners here. */
const CALLBACKS = /^on(Ready|Error)$/;

/**
 * Mounts a widget for as long as the component is there. Returns the handle,
 * `undefined` until the widget is loaded.
 */
export function useChinwag(properties, { target } = {}) {
  const [chat, setChat] = useState();
  // What listeners and functions are called with is always the latest rendering's.
  const latest = useRef(properties);
  const life = useRef();
  const options = optionsOf(properties);
  const identity = print(options, (name) => FIXED.includes(name));
  const looks = print(options, (name) => !FIXED.includes(name));

  useEffect(() => {
    latest.current = properties;
  });

  useEffect(() => {
    let current = life.current;
    // React takes effects back and runs them again at once, in StrictMode and when
    // a hidden tree is shown: the widget lives through it.
    clearTimeout(current?.ending);
    if (current?.identity !== identity) {
      current?.end();
      current = life.current = begin(options, target?.current, latest, setChat);
      current.identity = identity;
    }
    return () => {
      current.ending = setTimeout(() => {
        current.end();
        if (life.current === current) life.current = undefined;
      });
    };
  }, [identity]);

  useEffect(() => {
    life.current?.update(options);
  }, [looks, identity]);

  return chat;
}

/** The widget. `ref` is given the handle. Renders nothing, or with `mode="inline"` and no `target` the chat's place. */
export const Chat = forwardRef(function Chat({ className, style, ...properties }, ref) {
  const place = useRef(null);
  const isPlaced = properties.mode === "inline" && !properties.target;
  const chat = useChinwag(properties, isPlaced ? { target: place } : undefined);
  useImperativeHandle(ref, () => chat, [chat]);
  return isPlaced ? createElement("div", { ref: place, className, style }) : null;
});

/** Begins a widget, and follows the options while it loads. */
function begin(first, target, latest, setChat) {
  let wanted = first;
  let applied = first;
  let chat;
  let isOver = false;
  const tell = (property, ...given) => latest.current[property]?.(...given);
  const failed = (error) => {
    console.error("chinwag:", error);
    tell("onError", { reason: "init", message: error.message });
  };

  const apply = () => {
    const changes = {};
    for (const name of OPTIONS) {
      if (FIXED.includes(name) || print({ [name]: wanted[name] }) === print({ [name]: applied[name] })) continue;
      changes[name] = wanted[name] === undefined ? null : lasting(wanted[name], [name], latest);
    }
    applied = wanted;
    if (!Object.keys(changes).length) return;
    try {
      Promise.resolve(chat.update(changes)).catch(failed);
    } catch (error) {
      failed(error);
    }
  };

  const given = {};
  for (const name in first) given[name] = lasting(first[name], [name], latest);
  if (target) given.target = target;
  init(given).then((handle) => {
    if (isOver) return handle.destroy();
    chat = handle;
    for (const [name, property] of LISTENERS) {
      if (name !== "ready") chat.on(name, (detail, event) => tell(property, detail, event));
    }
    apply();
    setChat(chat);
    tell("onReady", chat);
  }).catch((error) => isOver || failed(error));

  return {
    update(options) {
      wanted = options;
      if (chat) apply();
    },
    end() {
      isOver = true;
      if (!chat) return;
      chat.destroy();
      chat = undefined;
      setChat(undefined);
    },
  };
}

/** Properties that are options. A name that is no option goes along as well: the widget says what is wrong with it. */
function optionsOf(properties) {
  const options = {};
  for (const name in properties) {
    const isListener = CALLBACKS.test(name) || LISTENERS.some(([, property]) => property === name);
    if (!isListener && properties[name] !== undefined) options[name] = properties[name];
  }
  return options;
}

/** Options as text, to notice a change by: a function is as good as any other. */
function print(options, isMeant = () => true) {
  const chosen = Object.fromEntries(Object.entries(options).filter(([name]) => isMeant(name)));
  return JSON.stringify(chosen, (_, value) => {
    if (typeof value === "function") return "function";
    return value?.nodeType ? "element" : value;
  });
}

/** The value with each function in it replaced by one that calls what the latest rendering has in its place. */
function lasting(value, path, latest) {
  if (typeof value === "function") {
    return (...given) => path.reduce((found, name) => found?.[name], latest.current)?.(...given);
  }
  if (!value || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, lasting(member, [...path, name], latest)]));
}
