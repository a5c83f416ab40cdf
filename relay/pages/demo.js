// The demo page's own buttons. The widget itself comes from chinwag.js.
"use strict";

// Commands given before the widget is there wait in its queue.
window.Chinwag = window.Chinwag || function () { (window.Chinwag.q = window.Chinwag.q || []).push(arguments); };

for (const button of document.querySelectorAll("[data-question]")) {
  button.addEventListener("click", () => {
    window.Chinwag("open");
    window.Chinwag("send", button.dataset.question);
  });
}

const copy = document.getElementById("copy");
const copied = document.getElementById("copied");

// The clipboard is there on https and on loopback only.
if (navigator.clipboard) {
  let timer;
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    let outcome = "Copied";
    try {
      await navigator.clipboard.writeText(document.getElementById("snippet").textContent);
    } catch {
      outcome = "Not copied";
    }
    copy.textContent = outcome;
    copied.textContent = outcome;
    clearTimeout(timer);
    timer = setTimeout(() => {
      copy.textContent = "Copy";
      copied.textContent = "";
    }, 2000);
  });
}
