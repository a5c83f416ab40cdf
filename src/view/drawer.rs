//! The history drawer: lies over the panel while it is open, which cannot be
//! reached meanwhile. It is drawn anew with each opening.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, HtmlInputElement, KeyboardEvent};

use super::dom::{El, append, button, effect, el, icon, listen, set};
use super::icon::Icon;
use super::later::later;
use super::scene::{Scene, after, focus, focused, is_touch_first};
use super::strings::Text;
use super::time;
use super::value::Derived;
use crate::engine::drawer::{Entry, Listing, Refused};
use crate::engine::{ConversationId, Event, MAX_TITLE_CHARS, Model, Region, part};

/// Draws the drawer and moves the focus into it. All but its head is of a part.
fn drawer(scene: Scene) -> El {
    let store = scene.store;
    let close = button("cw-icon-button", move |_| store.dispatch(Event::DrawerClosed))
        .label(&scene.text(Text::CloseHistory))
        .add(&icon(Icon::CLOSE));
    let head = el("div", "cw-header").add(&el("h2", "cw-name").text(&scene.text(Text::History))).add(&close);
    let first = close.clone();
    after(0, move || focus(&first.html()));
    let drawn = el("div", "cw-drawer")
        .set("part", "history")
        .set("role", "dialog")
        .set("aria-modal", "true")
        .set("aria-label", &scene.text(Text::History))
        .on("keydown", move |event| {
            let key: &KeyboardEvent = event.unchecked_ref();
            if key.key() == "Escape" && !key.is_composing() {
                // The panel's own Escape would close the panel.
                event.stop_propagation();
                event.prevent_default();
                store.dispatch(Event::DrawerClosed);
            }
        })
        .add(&head);
    let place = drawn.clone();
    drawn.part(move || Some(later(scene, part::Drawer, || content(scene, &place, &close))))
}

/// Draws what the drawer is for.
fn content(scene: Scene, drawer: &El, close: &El) -> El {
    let store = scene.store;
    let editing = RwSignal::new(None);
    let search = el("input", "cw-search")
        .set("type", "search")
        .set("part", "history-search")
        .set("dir", "auto")
        .set("autocomplete", "off")
        .set("enterkeyhint", "search")
        .set("placeholder", &scene.text(Text::SearchTitles))
        .set("aria-label", &scene.text(Text::SearchTitles))
        .on("input", move |event| {
            let text = event.target().map(|input| input.unchecked_into::<HtmlInputElement>().value());
            store.dispatch(Event::SearchChanged { text: text.unwrap_or_default() });
        });
    let list =
        el("ul", "cw-lines").set("aria-label", &scene.text(Text::History)).live("aria-busy", move || {
            let is_loading = store.read(Region::Drawer, |model| model.drawer.is_loading());
            if is_loading == Some(true) { "true" } else { "false" }
        });
    keep_lines(scene, &list, editing);
    // What kept this from coming kept the list, too.
    let has_failed = |model: &Model| matches!(model.drawer.listing, Listing::Failed { .. });
    if store.peek(has_failed) == Some(true) {
        store.dispatch(Event::MoreConversationsAsked);
    }
    let body = el("div", "cw-drawer-body").add(&list).part(move || rest(scene));
    listen(drawer, "keydown", move |event| pressed(editing, event.unchecked_ref()));
    // A keyboard on the screen would come up unasked.
    if !is_touch_first() {
        let (close, search) = (close.clone(), search.clone());
        after(0, move || {
            // Who went on meanwhile is left where they are.
            if focused(&close).is_none_or(|here| here.is_same_node(Some(&close))) {
                focus(&search.html());
            }
        });
    }
    el("div", "cw-drawer-content")
        .add(&el("div", "cw-search-place").add(&icon(Icon::SEARCH)).add(&search))
        .add(&body)
        .add(&el("div", "cw-toast-place").set("role", "status").part(move || toast(scene)))
}

/// What the list looks like while there is nothing to list, and how it goes on.
fn rest(scene: Scene) -> Option<El> {
    let more = move |text: Text| {
        let press = move |_| scene.store.dispatch(Event::MoreConversationsAsked);
        button("cw-text-button", press).text(&scene.text(text))
    };
    let note = |text: Text| el("p", "cw-note").set("role", "status").text(&scene.text(text));
    scene.store.read(Region::Drawer, |model| {
        let drawer = &model.drawer;
        let place = el("div", "cw-drawer-rest");
        match &drawer.listing {
            Listing::Loading { .. } if drawer.entries.is_empty() || drawer.older.is_some() => {
                Some(place.add(&note(Text::ConversationsLoading)))
            }
            Listing::Failed { .. } => {
                Some(place.add(&note(Text::ConversationsFailed)).add(&more(Text::TryAgain)))
            }
            Listing::Idle if drawer.older.is_some() => Some(place.add(&more(Text::ShowMore))),
            Listing::Idle if drawer.entries.is_empty() => {
                let text = if drawer.query.is_empty() { Text::NoConversations } else { Text::NothingFound };
                Some(place.add(&note(text)))
            }
            _ => None,
        }
    })?
}

/// What was done last, and the way back from it.
fn toast(scene: Scene) -> Option<El> {
    scene.store.read(Region::Drawer, |model| {
        let drawer = &model.drawer;
        let text = match (&drawer.removed, drawer.refused) {
            (Some(_), _) => Text::ConversationDeleted,
            (None, Some(Refused::Rename)) => Text::NotRenamed,
            (None, Some(Refused::Delete)) => Text::NotDeleted,
            (None, None) => return None,
        };
        let undo = drawer.removed.as_ref().map(|_| {
            let press = move |_| {
                let id = scene.store.peek(|model| Some(model.drawer.removed.as_ref()?.entry.id.clone()));
                scene.store.dispatch(Event::DeleteUndone);
                if let Some(id) = id.flatten() {
                    focus_line_later(scene, id);
                }
            };
            button("cw-text-button", press).text(&scene.text(Text::Undo))
        });
        Some(el("div", "cw-toast").add(&el("span", "").text(&scene.text(text))).maybe(undo))
    })?
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    entry: Entry,
    is_shown: bool,
    is_edited: bool,
}

/// A line on the screen, and the owner of what it listens with.
struct Drawn {
    line: Line,
    element: El,
    owner: Owner,
}

impl Drop for Drawn {
    fn drop(&mut self) {
        self.owner.cleanup();
        self.element.remove();
    }
}

/// Draws the lines. One that is as it was stays where it is, with the focus.
fn keep_lines(scene: Scene, list: &El, editing: RwSignal<Option<ConversationId>>) {
    let Some(owner) = Owner::current().map(|owner| owner.child()) else { return };
    let (list, mut drawn) = (list.clone(), Vec::<Drawn>::new());
    effect(move || {
        let edited = editing.get();
        let wanted = scene.store.read(Region::Drawer, |model| lines(model, edited.as_ref()));
        let wanted = wanted.unwrap_or_default();
        drawn.retain(|old| wanted.contains(&old.line));
        let mut next = list.first_child();
        for (index, line) in wanted.into_iter().enumerate() {
            let kept = drawn.iter().skip(index).position(|old| old.line == line);
            let item = match kept {
                Some(at) => drawn.remove(index + at),
                None => draw(scene, line, editing, owner.child()),
            };
            if next.as_ref().is_some_and(|next| next.is_same_node(Some(&item.element))) {
                next = item.element.next_sibling();
            } else {
                // What it is put before is a child of the list.
                let _ = list.insert_before(&item.element, next.as_ref());
            }
            drawn.insert(index, item);
        }
    });
}

fn lines(model: &Model, edited: Option<&ConversationId>) -> Vec<Line> {
    let line = |entry: &Entry| Line {
        entry: entry.clone(),
        is_shown: model.conversation.as_ref() == Some(&entry.id),
        is_edited: edited == Some(&entry.id),
    };
    model.drawer.entries.iter().map(line).collect()
}

fn draw(scene: Scene, line: Line, editing: RwSignal<Option<ConversationId>>, owner: Owner) -> Drawn {
    let element = owner.with(|| {
        untrack(|| {
            let place = el("li", "cw-line").set("data-id", line.entry.id.as_str());
            if line.is_edited {
                place.add(&field(scene, &line.entry, editing))
            } else {
                plain(scene, &line, editing, place)
            }
        })
    });
    Drawn { line, element, owner }
}

fn plain(scene: Scene, line: &Line, editing: RwSignal<Option<ConversationId>>, place: El) -> El {
    let Entry { id, title, at, is_unread } = line.entry.clone();
    let untitled = scene.text(Text::Untitled);
    let name = if title.trim().is_empty() { untitled.as_str() } else { title.as_str() };
    let (chosen, renamed, deleted) = (id.clone(), id.clone(), id);
    let open = move |_| scene.store.dispatch(Event::ConversationChosen { id: chosen.clone() });
    let rename = move |_| editing.set(Some(renamed.clone()));
    let delete = move |event: web_sys::Event| {
        let line =
            event.current_target().and_then(|target| target.unchecked_into::<Element>().parent_element());
        leave(scene, line.as_ref());
        scene.store.delete_conversation(deleted.clone());
    };
    let mark = || {
        let dot = el("span", "cw-unread").set("aria-hidden", "true");
        el("span", "").add(&dot).add(&el("span", "cw-hidden").text(&scene.text(Text::Unread)))
    };
    let when = at.map(|at| el("span", "cw-line-when").text(&time::ago(scene, at, time::now())));
    let words = el("span", "cw-line-words")
        .add(&el("span", "cw-line-title").set("dir", "auto").text(name))
        .maybe(when);
    let open = button("cw-line-open", open).add(&words).maybe(is_unread.then(mark));
    if line.is_shown {
        set(&open, "aria-current", "true");
    }
    let small =
        |press: El, text: Text, drawn: Icon| press.label(&scene.text_with(text, name)).add(&icon(drawn));
    place
        .add(&open)
        .add(&small(button("cw-action", rename), Text::RenameConversation, Icon::PEN))
        .add(&small(button("cw-action", delete), Text::DeleteConversation, Icon::BIN))
}

/// Moves the focus away from a line that is about to go.
fn leave(scene: Scene, line: Option<&Element>) {
    let Some(line) = line else { return };
    let beside = line.next_element_sibling().or_else(|| line.previous_element_sibling());
    let within = line.closest(".cw-drawer").ok().flatten();
    let next = match beside {
        Some(beside) => beside.first_element_child(),
        None => within.and_then(|drawer| drawer.query_selector(".cw-search").ok().flatten()),
    };
    if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        focus(&next);
    }
    scene.say(&scene.text(Text::ConversationDeleted));
}

/// The field in which a title is changed. Enter and leaving it keep the title,
/// Escape does not.
fn field(scene: Scene, entry: &Entry, editing: RwSignal<Option<ConversationId>>) -> El {
    let id = entry.id.clone();
    let end = move |input: &HtmlInputElement, keeps: bool| {
        // Once: taking the field away makes it lose the focus as well.
        if editing.try_get_untracked().flatten().is_none_or(|edited| edited != id) {
            return;
        }
        let had_focus = focused(input).is_some_and(|element| element.is_same_node(Some(input)));
        if keeps {
            scene.store.dispatch(Event::TitleChanged { id: id.clone(), title: input.value() });
        }
        editing.try_set(None);
        if had_focus {
            focus_line_later(scene, id.clone());
        }
    };
    let left = end.clone();
    let input = el("input", "cw-line-field")
        .set("type", "text")
        .set("dir", "auto")
        .set("maxlength", &MAX_TITLE_CHARS.to_string())
        .set("enterkeyhint", "done")
        .set("aria-label", &scene.text(Text::Title))
        .on("blur", move |event| {
            if let Some(input) = event.target() {
                left(&input.unchecked_into(), true);
            }
        })
        .on("keydown", move |event| {
            let key: &KeyboardEvent = event.unchecked_ref();
            let keeps = key.key() == "Enter";
            // An input method's keys choose a word, or give it up.
            if !(keeps || key.key() == "Escape") || key.is_composing() || key.key_code() == 229 {
                return;
            }
            event.prevent_default();
            event.stop_propagation();
            if let Some(input) = event.target() {
                end(&input.unchecked_into(), keeps);
            }
        });
    let field: HtmlInputElement = input.html().unchecked_into();
    field.set_value(&entry.title);
    after(0, move || {
        focus(&field);
        field.select();
    });
    input
}

fn pressed(editing: RwSignal<Option<ConversationId>>, event: &KeyboardEvent) {
    let key = event.key();
    if event.is_composing() {
        return;
    }
    let step: i32 = match key.as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    let drawer = event.current_target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(drawer) = drawer.filter(|_| editing.get_untracked().is_none()) else { return };
    let Ok(stops) = drawer.query_selector_all(".cw-search, .cw-line-open") else { return };
    let at = |index: u32| stops.item(index).and_then(|node| node.dyn_into::<HtmlElement>().ok());
    let here = focused(&drawer).and_then(|here| here.closest(".cw-line, .cw-search").ok().flatten());
    let is_here = |index: &u32| {
        here.as_ref().is_some_and(|here| at(*index).is_some_and(|stop| here.contains(Some(&stop))))
    };
    let place = (0..stops.length()).find(is_here).unwrap_or_default();
    if let Some(next) = place.checked_add_signed(step).and_then(at) {
        event.prevent_default();
        let _ = next.focus();
    }
}

/// Moves the focus to a conversation's line once it is drawn.
fn focus_line_later(scene: Scene, id: ConversationId) {
    after(0, move || {
        let Some(places) = scene.places() else { return };
        let panel = places.log.closest(".cw-panel").ok().flatten();
        let lines = panel.and_then(|panel| panel.query_selector_all(".cw-line").ok());
        let Some(lines) = lines else { return };
        for index in 0..lines.length() {
            let line = lines.item(index).and_then(|line| line.dyn_into::<Element>().ok());
            let Some(line) =
                line.filter(|line| line.get_attribute("data-id").as_deref() == Some(id.as_str()))
            else {
                continue;
            };
            if let Some(open) = line.first_element_child() {
                focus(&open.unchecked_into());
            }
        }
    });
}

/// Draws the drawer over a panel while it is open, and keeps what lies below
/// out of reach. When it closes, the focus goes back to where it came from, or
/// to the composer of the conversation that was chosen.
pub(super) fn keep_drawer(scene: Scene, panel: &El, below: Vec<El>) {
    let is_open = move || scene.store.read(Region::Drawer, |model| model.drawer.is_open).unwrap_or_default();
    let is_open = Derived::new(is_open);
    let place = el("div", "cw-drawer-place").part(move || is_open.get().then(|| untrack(|| drawer(scene))));
    append(panel, &place);
    let shown =
        move || scene.store.peek(|model| (model.open, model.conversation.clone())).unwrap_or_default();
    let mut opened_at = None;
    effect(move || {
        let is_open = is_open.get();
        for part in &below {
            let _ = part.toggle_attribute_with_force("inert", is_open);
        }
        let (is_panel_open, conversation) = shown();
        if is_open {
            opened_at = Some(conversation);
        } else if let Some(before) = opened_at.take().filter(|_| is_panel_open) {
            if before != conversation {
                scene.focus_input();
            } else if let Some(places) = scene.places() {
                focus(&places.history.html());
            }
        }
    });
}
