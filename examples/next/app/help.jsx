"use client";

import { Chat } from "chinwag/react";

export function Help() {
  return <Chat site="site_demo" relay="http://127.0.0.1:8787" />;
}
