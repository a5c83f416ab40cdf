// A keyboard on the screen, for kiosks without one. Each key writes into the
// field as a keyboard would: the field is told by real `input` events, and the
// caret, a selection and the field's own undo are as they should be.

/**
 * The layouts by language, as data. A row is a text, a key per character, or a
 * list where keys have more than one. `more` is the layer with accents, which is
 * one press away and needs no long one; `shift: false` where a script has no
 * capitals. Where an input method has to make the words, `system` offers the
 * device's own keyboard.
 */
const LAYOUTS = {
  __proto__: null,
  en: { name: "English", rows: ["qwertyuiop", "asdfghjkl'", "zxcvbnm,.?"] },
  de: { name: "Deutsch", rows: ["qwertzuiopü", "asdfghjklöä", "yxcvbnmß,.?"] },
  fr: { name: "Français", rows: ["azertyuiop", "qsdfghjklm", "wxcvbné',.?"], more: ["àâæçèéêë", "îïôœùûüÿ", "«»!:;’—"] },
  es: { name: "Español", rows: ["qwertyuiop", "asdfghjklñ", "zxcvbnm,.?"], more: ["áéíóúü", "ñ¿?¡!ç", "«»:;ºª"] },
  pt: { name: "Português", rows: ["qwertyuiop", "asdfghjklç", "zxcvbnmã,.?"], more: ["áàâãéê", "íóôõúü", "ç!:;ºª"] },
  ar: { name: "العربية", shift: false, rows: ["ضصثقفغعهخحجد", "شسيبلاتنمكطذ", "ئءؤرىةوزظ،؟."], more: ["أإآٱ", "ًٌٍَُِ", "ّْـ؛:"] },
  ja: {
    name: "日本語",
    shift: false,
    system: true,
    rows: ["わらやまはなたさかあ", ["を", "り", "ゆ", "み", "ひ", "に", "ち", "し", "き", "い"], "んるよむふぬつすくう", ["ー", "れ", "、", "め", "へ", "ね", "て", "せ", "け", "え"], ["？", "ろ", "。", "も", "ほ", "の", "と", "そ", "こ", "お"]],
    more: ["がぎぐげござじずぜぞ", "だぢづでどばびぶべぼ", "ぱぴぷぺぽっゃゅょ", "ぁぃぅぇぉ！「」"],
  },
  zh: { name: "中文", system: true, rows: ["qwertyuiop", "asdfghjkl", "zxcvbnm，。？"] },
};

/** Figures and marks, the same for all. */
const SYMBOLS = ["1234567890", "@#€&-+()/%", "*\"':;!?_=,."];

/** What the other keys are called, to be heard; what is seen is a mark. */
const NAMES = {
  __proto__: null,
  en: ["Capitals", "Delete", "Space", "Send", "Figures", "Letters", "Accents", "Layout", "Device keyboard", "Keyboard"],
  de: ["Großbuchstaben", "Löschen", "Leerzeichen", "Senden", "Ziffern", "Buchstaben", "Sonderzeichen", "Belegung", "Tastatur des Geräts", "Tastatur"],
  fr: ["Majuscules", "Effacer", "Espace", "Envoyer", "Chiffres", "Lettres", "Accents", "Disposition", "Clavier de l’appareil", "Clavier"],
  es: ["Mayúsculas", "Borrar", "Espacio", "Enviar", "Cifras", "Letras", "Acentos", "Disposición", "Teclado del dispositivo", "Teclado"],
  pt: ["Maiúsculas", "Apagar", "Espaço", "Enviar", "Algarismos", "Letras", "Acentos", "Disposição", "Teclado do dispositivo", "Teclado"],
  ar: ["أحرف كبيرة", "حذف", "مسافة", "إرسال", "أرقام", "حروف", "تشكيل", "التخطيط", "لوحة مفاتيح الجهاز", "لوحة المفاتيح"],
  ja: ["大文字", "削除", "空白", "送信", "数字", "文字", "濁点・小文字", "配列", "端末のキーボード", "キーボード"],
  zh: ["大写", "删除", "空格", "发送", "数字", "字母", "符号", "布局", "设备键盘", "键盘"],
};

/** Keys in a frame, as in `src/view/icon.rs`: not every device has a letter for it. */
function drawn() {
  const [icon, path] = ["svg", "path"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
  icon.setAttribute("class", "cw-icon");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  path.setAttribute("d", "M3 6h18v12H3zM6.5 10h.1M10.2 10h.1M13.9 10h.1M17.5 10h.1M8 14h8");
  icon.append(path);
  return icon;
}

/** How long a key is held before it repeats, and how often it then does, in ms. */
const REPEAT_AFTER_MS = 500;
const REPEAT_MS = 70;

/** Puts a keyboard into an element, for a field. It ends with its element. */
export function keyboard(place, input, locale) {
  const of = (tag) => (LAYOUTS[tag] ? tag : "en");
  const own = of(locale.split("-")[0].toLowerCase());
  const names = NAMES[own];
  let tag = own;
  let layer = "letters";
  let isShifted = false;
  let repeating;
  // As high as its highest layer in any: what stands above must not jump.
  place.dataset.rows = Math.max(...[LAYOUTS[own], LAYOUTS.en].map(({ rows, more = [] }) => Math.max(rows.length, more.length))) + 1;

  const write = (text) => {
    const { selectionStart: start, selectionEnd: end } = input;
    edit("insertText", text, start, end);
  };
  const remove = () => {
    let { selectionStart: start, selectionEnd: end } = input;
    // A whole character goes, however many units it has.
    if (start === end) start -= [...new Intl.Segmenter(locale).segment(input.value.slice(0, end))].pop()?.segment.length ?? 0;
    if (start !== end) edit("deleteContentBackward", null, start, end);
  };
  const edit = (inputType, data, start, end) => {
    const told = (name, cancelable) => input.dispatchEvent(new InputEvent(name, { inputType, data, bubbles: true, composed: true, cancelable }));
    if (input.readOnly || !told("beforeinput", true)) return;
    input.setRangeText(data ?? "", start, end, "end");
    told("input", false);
    // The caret may stand below what is in sight.
    input.scrollTop = input.scrollHeight;
  };
  const send = () => input.form.requestSubmit();
  const unshift = () => {
    if (!isShifted) return;
    isShifted = false;
    draw();
  };

  const key = (mark, name, kind, press, repeats) => {
    const made = document.createElement("button");
    made.type = "button";
    // Tab goes on to the next thing: who has keys to press Tab with needs none of these.
    made.tabIndex = -1;
    made.className = `cw-key${kind ? ` cw-key-${kind}` : ""}`;
    made.append(mark);
    // What is called as it looks can be called so by voice (WCAG 2.5.3).
    if (name) made.setAttribute("aria-label", /[\p{L}\p{N}]/u.test(mark) ? `${mark}, ${name}` : name);
    const end = () => clearTimeout(repeating);
    made.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      // The field keeps the focus and its caret.
      event.preventDefault();
      end();
      press();
      if (!repeats) return;
      const again = () => {
        if (!made.isConnected) return;
        press();
        repeating = setTimeout(again, REPEAT_MS);
      };
      repeating = setTimeout(again, REPEAT_AFTER_MS);
    });
    for (const over of ["pointerup", "pointerleave", "pointercancel"]) made.addEventListener(over, end);
    // Nobody's finger: a screen reader or a switch.
    made.addEventListener("click", (event) => event.detail || press());
    return made;
  };
  const shown = (letter) => (isShifted ? letter.toLocaleUpperCase(locale) : letter);
  const letter = (mark) => {
    // Alone a sign that stands over a letter would stand over nothing.
    const made = key(/^\p{M}$/u.test(mark) ? `\u25cc${mark}` : shown(mark), undefined, "", () => {
      write(shown(mark));
      unshift();
    });
    return made;
  };
  const row = (...keys) => {
    const made = document.createElement("div");
    made.className = "cw-key-row";
    made.append(...keys.filter(Boolean));
    return made;
  };
  const to = (next) => () => {
    layer = next;
    draw();
  };

  const draw = () => {
    const layout = LAYOUTS[tag];
    const rows = { letters: layout.rows, symbols: SYMBOLS, more: layout.more }[layer];
    const [shift, erase, space, sends, figures, letters, accents, layouts, device] = names;
    const lines = rows.map((line) => [...line].map(letter));
    const last = lines.at(-1);
    const hasShift = layer === "letters" && layout.shift !== false;
    if (hasShift) {
      const made = key("⇧", shift, "wide", () => {
        isShifted = !isShifted;
        draw();
      });
      made.setAttribute("aria-pressed", isShifted);
      last.unshift(made);
    }
    last.push(key("⌫", erase, "wide", remove, true));
    const others = tag === own ? (own === "en" ? undefined : "en") : own;
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", names.at(-1));
    place.dir = tag === "ar" && layer !== "symbols" ? "rtl" : "ltr";
    place.lang = tag;
    place.replaceChildren(
      ...lines.map((keys) => row(...keys)),
      row(
        layer === "symbols" ? key("ABC", letters, "wide", to("letters")) : key("123", figures, "wide", to("symbols")),
        layout.more && (layer === "more" ? key("ABC", letters, "wide", to("letters")) : key(layout.more[0].slice(0, 2), accents, "wide", to("more"))),
        others &&
          key(tag.toUpperCase(), `${layouts}: ${LAYOUTS[others].name}`, "wide", () => {
            [tag, layer, isShifted] = [others, "letters", false];
            draw();
          }),
        layout.system &&
          key(drawn(), device, "wide", () => {
            place.replaceChildren();
            input.inputMode = "text";
            input.blur();
            input.focus();
          }),
        key(space, undefined, "space", () => write(" "), true),
        key(sends, undefined, "send", send),
      ),
    );
  };

  // The device's own would come up over this one.
  input.inputMode = "none";
  input.spellcheck = false;
  input.setAttribute("autocorrect", "off");
  draw();
}
