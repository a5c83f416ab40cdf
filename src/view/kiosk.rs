//! A screen in a hall: what stands on it while nobody is there, what a visitor
//! sees, and what is asked before everything is wiped.
//!
//! All of it is drawn anew for each visitor (`Region::Visit`): no node, and so no
//! undo, selection or scroll position, is there for the next.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, KeyboardEvent};

use super::banner::banner;
use super::composer::composer;
use super::consent::consent;
use super::dom::{El, append, button, effect, el, icon, set};
use super::header::{avatar, name, who};
use super::icon::Icon;
use super::log::log;
use super::scene::{Places, Scene, after, focus};
use super::standing::{standing, standing_of};
use super::strings::Text;
use super::time;
use super::value::{Derived, Value};
use super::welcome::{headline, words_of};
use crate::engine::kiosk::Stage;
use crate::engine::{Event, Kiosk, KioskEvent, Model, Reason, Region};

/// Seconds before the end at which a screen reader is told how many are left.
const TOLD_AT: [usize; 2] = [10, 5];

/// Draws the kiosk as it stands. With the next visitor it is drawn anew.
pub(super) fn kiosk(root: &El, scene: Scene, places: &Places) {
    let is_visit = scene.store.peek(|model| model.open).unwrap_or_default();
    let look = move |read: fn(&Kiosk) -> &'static str| move || read_kiosk(scene, read);
    let screen = el("main", "cw-kiosk")
        .live("data-stage", look(|kiosk| kiosk.stage.as_str()))
        .live("data-size", look(|kiosk| size(kiosk.size)))
        .live("data-contrast", look(|kiosk| if kiosk.has_contrast { "more" } else { "" }))
        .on("click", move |event| press_link(scene, &event))
        .on("keydown", move |event| {
            if matches!(event.unchecked_ref::<KeyboardEvent>().key().as_str(), "Enter" | " ") {
                press_link(scene, &event);
            }
        });
    append(root, &screen);
    if is_visit {
        visit(&screen, scene, places);
        focus(&places.input.html());
    } else {
        let is_away = Derived::new(move || is_away(scene));
        append(
            &screen,
            &el("div", "cw-kiosk-place")
                .part(move || Some(if is_away.get() { away(scene) } else { attract(scene) })),
        );
    }
}

const fn size(size: u8) -> &'static str {
    match size {
        0 => "0",
        1 => "1",
        _ => "2",
    }
}

fn read_kiosk<R: Default>(scene: Scene, read: impl FnOnce(&Kiosk) -> R) -> R {
    scene.store.read(Region::Kiosk, |model| read(&model.kiosk)).unwrap_or_default()
}

fn tell(scene: Scene, event: KioskEvent) {
    scene.store.dispatch(Event::Kiosk(event));
}

/// Whether nobody would answer.
fn is_away(scene: Scene) -> bool {
    let lacks_agent = |model: &Model| !model.online || (model.agent.is_none() && model.trouble.is_some());
    scene.store.read(Region::Header, lacks_agent).unwrap_or_default()
        || read_kiosk(scene, |kiosk| kiosk.is_away)
}

/// Draws what stands there while nobody is: a touch anywhere begins, and sends
/// nothing.
fn attract(scene: Scene) -> El {
    let words = move |read: fn(&Model) -> Option<String>| scene.store.read(Region::Header, read).flatten();
    let title = move || {
        let own = words(|model| model.config.kiosk.attract.title.clone());
        own.or_else(|| Some(headline(&greeting(scene).0).to_owned())).unwrap_or_default()
    };
    let line = move || {
        let text = words(|model| model.config.kiosk.attract.text.clone())?;
        Some(el("p", "cw-attract-text").add(&el("bdi", "").text(&text)))
    };
    let prompt = Memo::new(move |_| prompt(scene));
    let shown = move || {
        let prompt = prompt.get()?;
        // A mark of speech in the language's own way is the style's.
        Some(el("q", "cw-attract-prompt").set("dir", "auto").text(&prompt))
    };
    let start = el("button", "cw-attract-start")
        .set("type", "button")
        .set("part", "start")
        .add(&el("span", "").text(&scene.text(Text::TouchToStart)));
    el("section", "cw-attract")
        .set("part", "attract")
        .live("aria-label", move || name(scene))
        // Nothing stands on the same spot for days.
        .live("data-shift", move || read_kiosk(scene, |kiosk| shift(kiosk.turned)))
        .on("click", move |_| tell(scene, KioskEvent::Began))
        .add(
            &el("p", "cw-attract-name")
                .add(&avatar(scene, "cw-avatar"))
                .add(&el("bdi", "").live_text(move || name(scene))),
        )
        .add(
            &el("div", "cw-attract-words")
                .add(&el("h1", "cw-attract-title").add(&el("bdi", "").live_text(title)))
                .part(line),
        )
        .add(&el("div", "cw-attract-prompts").part(shown))
        .add(&start)
}

/// On which of four spots everything stands: a few pixels apart, each for about
/// half a minute.
const fn shift(turned: u32) -> &'static str {
    match turned / 4 % 4 {
        0 => "0",
        1 => "1",
        2 => "2",
        _ => "3",
    }
}

fn greeting(scene: Scene) -> (String, Vec<String>) {
    scene.store.read(Region::Header, |model| words_of(scene, model)).unwrap_or_default()
}

/// The question that is shown now.
fn prompt(scene: Scene) -> Option<String> {
    let own = scene.store.read(Region::Header, |model| model.config.kiosk.attract.prompts.clone()).flatten();
    let prompts = own.unwrap_or_else(|| greeting(scene).1);
    let turned = read_kiosk(scene, |kiosk| kiosk.turned);
    let index = usize::try_from(turned).ok()?.checked_rem(prompts.len())?;
    prompts.into_iter().nth(index)
}

/// Draws what stands there while nobody would answer. It goes by itself.
fn away(scene: Scene) -> El {
    let why = move || scene.store.read(Region::Header, |model| model.trouble.as_ref().map(|why| why.reason));
    let words = move || match why().flatten() {
        None | Some(Reason::Unreachable | Reason::Timeout) => scene.text(Text::AwayText),
        // It was found, and does not want this screen.
        Some(reason) => scene.text(Text::of(reason)),
    };
    // For the one who looks after the screen.
    let more = el("p", "cw-away-more").set("dir", "ltr");
    scene.store.draw_trouble(&more);
    el("section", "cw-away")
        .set("part", "away")
        .set("role", "status")
        .add(&icon(Icon::OFFLINE))
        .add(&el("h1", "cw-away-title").text(&scene.text(Text::AwayTitle)))
        .add(&el("p", "").live_text(words))
        .add(&more)
}

/// Draws what a visitor works with, and what may lie over it.
fn visit(screen: &El, scene: Scene, places: &Places) {
    let store = scene.store;
    let is_empty = move || store.read(Region::List, |model| model.items().is_empty()).unwrap_or(true);
    let is_empty = Derived::new(is_empty);
    let has_keyboard = store.peek(|model| model.config.kiosk.has_keyboard).unwrap_or_default();
    let is_typing = Value::new(has_keyboard);
    let keys = el("div", "cw-keys")
        .set("part", "keyboard")
        .live("data-shown", move || if is_typing.get() { "yes" } else { "no" });
    let header =
        el("header", "cw-header").set("part", "header").add(&avatar(scene, "cw-avatar")).add(&who(scene));
    let heading = el("h1", "cw-hidden").add(&el("bdi", "").live_text(move || name(scene)));
    let panel = el("section", "cw-panel")
        .set("part", "panel")
        .set("tabindex", "-1")
        .live("aria-label", move || name(scene))
        .live("data-standing", move || standing_of(scene))
        .add(&heading)
        .add(&header)
        .add(&banner(scene))
        .add(&log(scene, places.log.clone(), is_empty))
        .add(&standing(scene))
        .add(&consent(scene))
        .add(&bar(scene, has_keyboard.then_some(is_typing)))
        .add(&composer(scene, places.input.clone()))
        .add(&keys);
    append(screen, &panel);
    if has_keyboard {
        store.draw_keyboard(&keys, &places.input);
    }
    let is_warned =
        Derived::new(move || read_kiosk(scene, |kiosk| matches!(kiosk.stage, Stage::Warning { .. })));
    let code = Memo::new(move |_| read_kiosk(scene, |kiosk| kiosk.code.clone()));
    let over = el("div", "cw-kiosk-place")
        .part(move || code.get().map(|address| code_of(scene, &address)))
        .part(move || is_warned.get().then(|| warning(scene)));
    append(screen, &over);
    let mut was_covered = false;
    effect(move || {
        let is_covered = is_warned.get() || code.with(Option::is_some);
        // What lies below can neither be touched nor reached nor read out.
        panel.html().set_inert(is_covered);
        if std::mem::replace(&mut was_covered, is_covered) && !is_covered {
            after(0, move || scene.focus_input());
        }
    });
}

/// Draws what a visitor can do beside writing, within reach of every hand.
fn bar(scene: Scene, typing: Option<Value<bool>>) -> El {
    let flag = |is: bool| if is { "true" } else { "false" };
    let glyph = |mark: &str| el("span", "cw-glyph").set("aria-hidden", "true").text(mark);
    let size = button("cw-kiosk-button", move |_| tell(scene, KioskEvent::SizePressed))
        .live("aria-pressed", move || read_kiosk(scene, |kiosk| flag(kiosk.size > 0)))
        .add(&glyph("Aa"))
        .add(&el("span", "").text(&scene.text(Text::TextSize)));
    let contrast = button("cw-kiosk-button", move |_| tell(scene, KioskEvent::ContrastPressed))
        .live("aria-pressed", move || read_kiosk(scene, |kiosk| flag(kiosk.has_contrast)))
        .add(&el("span", "cw-glyph cw-glyph-contrast").set("aria-hidden", "true"))
        .add(&el("span", "").text(&scene.text(Text::MoreContrast)));
    let keyboard = typing.map(|typing| {
        button("cw-kiosk-button", move |_| {
            typing.set(!typing.peek());
            scene.focus_input();
        })
        .live("aria-pressed", move || flag(typing.get()))
        .label(&scene.text(Text::Keyboard))
        .add(&icon(Icon::KEYS))
    });
    el("div", "cw-kiosk-bar")
        .set("part", "bar")
        .add(&start_over(scene))
        .add(&size)
        .add(&contrast)
        .maybe(keyboard)
}

fn start_over(scene: Scene) -> El {
    button("cw-kiosk-button cw-start-over", move |_| tell(scene, KioskEvent::StartedOver))
        .set("part", "start-over")
        .add(&icon(Icon::AGAIN))
        .add(&el("span", "").text(&scene.text(Text::StartOver)))
}

/// Asks whether the visitor is still there.
fn warning(scene: Scene) -> El {
    let left =
        Derived::new(move || read_kiosk(scene, |kiosk| kiosk.stage.seconds_left()).unwrap_or_default());
    let words = move || time::count(scene, Text::ClearedIn, left.get());
    let whole = left.peek();
    let text = el("p", "cw-still-text").set("id", "cw-still").live_text(words);
    effect(move || {
        if TOLD_AT.contains(&left.get()) {
            scene.say(&words());
        }
    });
    let go_on = button("cw-still-continue", move |_| tell(scene, KioskEvent::Continued))
        .set("part", "continue")
        .text(&scene.text(Text::Continue));
    let held = go_on.html();
    after(0, move || focus(&held));
    // Drawn by the browser, since a width would be a style attribute.
    let bar = el("progress", "cw-still-bar").set("aria-hidden", "true");
    let bar = bar.set("max", &whole.to_string()).live("value", move || left.get().to_string());
    let dialog = el("div", "cw-still")
        .set("part", "idle")
        .set("role", "alertdialog")
        .set("aria-modal", "true")
        .set("aria-label", &scene.text(Text::StillThere))
        .set("aria-describedby", "cw-still")
        .add(&el("h2", "cw-still-title").text(&scene.text(Text::StillThere)))
        .add(&text)
        .add(&bar)
        .add(&go_on)
        .add(&start_over(scene));
    el("div", "cw-veil").add(&dialog)
}

/// Draws an address to be taken along.
fn code_of(scene: Scene, address: &str) -> El {
    let place = el("div", "cw-code-place").set("role", "img").set("aria-label", address);
    scene.store.draw_code(&place, address);
    let close = button("cw-still-continue", move |_| tell(scene, KioskEvent::CodeClosed))
        .text(&scene.text(Text::Close));
    let held = close.html();
    after(0, move || focus(&held));
    let dialog = el("div", "cw-still cw-code")
        .set("part", "code")
        .set("role", "dialog")
        .set("aria-modal", "true")
        .set("aria-label", &scene.text(Text::TakeAlong))
        .add(&el("h2", "cw-still-title").text(&scene.text(Text::TakeAlong)))
        .add(&el("p", "cw-still-text").text(&scene.text(Text::ScanCode)))
        .add(&place)
        .add(&el("p", "cw-code-address").set("dir", "ltr").text(address))
        .add(&close);
    el("div", "cw-veil").add(&dialog)
}

/// A link leads nowhere here; where it can be taken along, it is shown as a code.
fn press_link(scene: Scene, event: &web_sys::Event) {
    let pressed = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let link = pressed.and_then(|pressed| pressed.closest("[data-href]").ok().flatten());
    if let Some(address) = link.and_then(|link| link.get_attribute("data-href")) {
        event.prevent_default();
        tell(scene, KioskEvent::LinkPressed(address));
    }
}

/// Makes an anchor what a link is here: a text, or the door to a code. An
/// address of this very machine is of no use on a phone.
pub(super) fn lead_along(anchor: &Element, address: &str, is_code: bool) {
    const OWN: [&str; 3] = ["http://127.", "http://localhost", "http://[::1]"];
    if is_code && !OWN.iter().any(|own| address.starts_with(own)) {
        set(anchor, "data-href", address);
        set(anchor, "role", "button");
        set(anchor, "tabindex", "0");
    }
}
