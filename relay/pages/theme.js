// The theme page: a control for every token, the real widget beside them, and the
// call that makes it so. The widget checks every value; what it refuses is marked.
"use strict";

const site = document.currentScript.dataset.site;

const COLORS = "accent onAccent accentSoft accentText accentDark onAccentDark accentSoftDark accentTextDark surface1 surface2 surface3 text1 text2 border danger dangerSoft warn ok codeKeyword codeString codeComment codeNumber";
const NUMBERS = { textSize: [12, 24], space: [4, 16], radius: [0, 48], panelWidth: [280, 1000], panelHeight: [320, 2000], launcherSize: [44, 160], motion: [0, 2000], z: [0, 2147483647] };
const TEXTS = "shadow shadowSmall font fontMono";
const GROUPS = [
  ["At a glance", [["accent", "color"], ["colorScheme", ["auto", "light", "dark"]], ["radius", [0, 48]], ["density", ["comfortable", "compact", "spacious"]], ["font", "text"]]],
  ["Colours", COLORS.split(" ").map((name) => [`tokens.${name}`, "color"])],
  ["Sizes", Object.entries(NUMBERS).map(([name, bounds]) => [`tokens.${name}`, bounds])],
  ["Fonts and shadows", TEXTS.split(" ").map((name) => [`tokens.${name}`, "text"])],
];

const controls = document.getElementById("controls");
const theme = {};

/** "panelWidth" is "Panel width", and "--cw-panel-width". */
const spoken = (name) => {
  const words = name.replace(/^tokens\./, "").replace(/([A-Z]|\d)/g, " $1").toLowerCase();
  return words[0].toUpperCase() + words.slice(1);
};
const property = (name) => `--cw-${name.replace(/^tokens\./, "").replace(/([A-Z]|\d)/g, "-$1").toLowerCase()}`;

/** A colour as the browser's own control takes it. */
function hex(color) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = color;
  return context.fillStyle.startsWith("#") ? context.fillStyle : "#000000";
}

function control([name, kind], style) {
  const label = document.createElement("label");
  label.textContent = spoken(name);
  const isChoice = Array.isArray(kind) && typeof kind[0] === "string";
  const input = document.createElement(isChoice ? "select" : "input");
  const now = style.getPropertyValue(property(name)).trim();
  if (isChoice) {
    for (const choice of kind) input.append(new Option(choice));
  } else if (Array.isArray(kind)) {
    Object.assign(input, { type: "number", min: kind[0], max: kind[1], value: parseFloat(now) });
  } else {
    input.type = kind;
    input.value = kind === "color" ? hex(now) : now;
  }
  input.name = name;
  input.addEventListener("input", () => turn(input));
  label.append(input);
  return label;
}

/** Hands one value to the widget, and keeps it if the widget took it. */
function turn(input) {
  const path = input.name.split(".");
  const value = input.type === "number" ? input.valueAsNumber : input.value;
  const change = path.reduceRight((inner, key) => ({ [key]: inner }), value);
  try {
    window.chat.setTheme(change);
  } catch (error) {
    input.setAttribute("aria-invalid", "true");
    input.title = error.message;
    return;
  }
  input.removeAttribute("aria-invalid");
  input.title = "";
  const [first, second] = path;
  if (second) theme[first] = { ...theme[first], [second]: value };
  else theme[first] = value;
  write();
}

const call = document.getElementById("call");

function write() {
  const options = JSON.stringify({ site, theme }, null, 2).replace(/"(\w+)":/g, "$1:");
  call.textContent = `Chinwag("init", ${options});`;
}

addEventListener("DOMContentLoaded", async () => {
  window.chat = await window.Chinwag("init", { site, mode: "inline", target: "#preview", namespace: "theme", persist: "memory" });
  const style = getComputedStyle(window.chat.element);
  for (const [title, names] of GROUPS) {
    const group = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = title;
    group.append(legend, ...names.map((entry) => control(entry, style)));
    controls.append(group);
  }
  write();
  document.documentElement.dataset.ready = "";
});

const copy = document.getElementById("copy");
if (navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const outcome = await navigator.clipboard.writeText(call.textContent).then(() => "Copied", () => "Not copied");
    document.getElementById("copied").textContent = outcome;
    copy.textContent = outcome;
    setTimeout(() => (copy.textContent = "Copy"), 2000);
  });
}
