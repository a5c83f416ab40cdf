//! What lives as long as the owner that it was made under.
//!
//! A stored value of leptos would do the same. It keeps what stays on its thread in a
//! wrapper that asks for the thread at every turn, and that question brings an
//! allocator of its own with it: 5 kB of the module, where there is one thread.

use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

use leptos::prelude::*;
use slotmap::{DefaultKey, SlotMap};

thread_local! {
    static HELD: RefCell<SlotMap<DefaultKey, Rc<dyn Any>>> = RefCell::default();
}

/// A handle to a value: cheap to copy, and of no use once the value's owner has ended.
pub struct Kept<T> {
    key: DefaultKey,
    of: PhantomData<fn() -> T>,
}

impl<T: 'static> Kept<T> {
    /// Keeps a value until the surrounding owner ends.
    pub fn new(value: T) -> Self {
        Self { key: keep(Rc::new(value)), of: PhantomData }
    }

    /// The value; nothing once its owner has ended.
    pub fn get(&self) -> Option<Rc<T>> {
        held(self.key)?.downcast().ok()
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kept<T> {}

impl<T> std::fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

/// Keeps a value until the surrounding owner ends, which drops it.
#[inline(never)]
fn keep(value: Rc<dyn Any>) -> DefaultKey {
    let key = HELD.with_borrow_mut(|held| held.insert(value));
    on_cleanup(move || {
        // Dropped after the borrow: what it drops may keep, or end, others.
        let value = HELD.with_borrow_mut(|held| held.remove(key));
        drop(value);
    });
    key
}

#[inline(never)]
fn held(key: DefaultKey) -> Option<Rc<dyn Any>> {
    HELD.with_borrow(|held| held.get(key).cloned())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Keeps another when it is dropped, as an element may that is taken out of the page.
    struct Last(Rc<Cell<u32>>);

    impl Drop for Last {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            keep(Rc::new(()));
        }
    }

    #[test]
    fn a_value_lives_as_long_as_its_owner() {
        let (owner, dropped) = (Owner::new(), Rc::new(Cell::new(0)));
        let (first, second) = owner.with(|| {
            keep(Rc::new(Last(Rc::clone(&dropped))));
            (Kept::new(1), Kept::new(String::from("two")))
        });
        assert_eq!((first.get().as_deref(), second.get().as_deref()), (Some(&1), Some(&"two".to_owned())));
        assert_eq!(dropped.get(), 0);
        owner.cleanup();
        assert_eq!((first.get(), second.get(), dropped.get()), (None, None, 1));
        let later = owner.with(|| Kept::new(3));
        assert_eq!((first.get(), later.get().as_deref()), (None, Some(&3)), "a place that is used again");
    }
}
