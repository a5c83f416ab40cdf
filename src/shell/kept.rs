//! Handles to what lives as long as the owner that it was made under: cheap to
//! copy, and of no use once that is gone.

use std::any::Any;
use std::marker::PhantomData;
use std::rc::Rc;

use leptos::prelude::*;

/// A handle to a value. A stored value of leptos that is compiled once, and not
/// anew for each type that is kept.
pub struct Kept<T> {
    held: StoredValue<Rc<dyn Any>, LocalStorage>,
    of: PhantomData<fn() -> T>,
}

impl<T: 'static> Kept<T> {
    /// Keeps a value until the surrounding owner ends.
    pub fn new(value: T) -> Self {
        Self { held: keep(Rc::new(value)), of: PhantomData }
    }

    /// The value; nothing once its owner has ended.
    pub fn get(&self) -> Option<Rc<T>> {
        held(self.held)?.downcast().ok()
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

#[inline(never)]
fn keep(value: Rc<dyn Any>) -> StoredValue<Rc<dyn Any>, LocalStorage> {
    StoredValue::new_local(value)
}

#[inline(never)]
fn held(place: StoredValue<Rc<dyn Any>, LocalStorage>) -> Option<Rc<dyn Any>> {
    place.try_get_value()
}
