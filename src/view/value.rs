//! Values that the view follows: one that is set, and one that is worked out of
//! others.
//!
//! Both are signals of leptos that hold a number. leptos compiles a signal anew for
//! each type, and a memo for each closure; here there is one of each in the module.
//! Once its owner has ended a value reads as nothing, and takes nothing in.

use std::marker::PhantomData;

use leptos::prelude::*;

/// What can be held as a number.
pub(super) trait Small: Copy + Default {
    /// The number that stands for it.
    fn number(self) -> usize;
    /// What a number stands for.
    fn of_number(number: usize) -> Self;
}

impl Small for bool {
    fn number(self) -> usize {
        usize::from(self)
    }

    fn of_number(number: usize) -> Self {
        number != 0
    }
}

impl Small for usize {
    fn number(self) -> usize {
        self
    }

    fn of_number(number: usize) -> Self {
        number
    }
}

/// A value that is set.
pub(super) struct Value<T> {
    number: RwSignal<usize>,
    of: PhantomData<fn() -> T>,
}

impl<T: Small> Value<T> {
    /// A value until the surrounding owner ends.
    pub(super) fn new(first: T) -> Self {
        Self { number: RwSignal::new(first.number()), of: PhantomData }
    }

    /// The value; what reads it runs again when it changes.
    pub(super) fn get(self) -> T {
        self.number.try_get().map(T::of_number).unwrap_or_default()
    }

    /// The value as it is now.
    pub(super) fn peek(self) -> T {
        self.number.try_get_untracked().map(T::of_number).unwrap_or_default()
    }

    /// Changes the value.
    pub(super) fn set(self, value: T) {
        self.number.try_set(value.number());
    }
}

/// A value that is worked out of what it reads. What follows it hears of a change
/// only when another value comes of it.
pub(super) struct Derived<T> {
    number: Memo<usize>,
    of: PhantomData<fn() -> T>,
}

impl<T: Small> Derived<T> {
    /// A value until the surrounding owner ends.
    pub(super) fn new(read: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self { number: derive(Box::new(move || read().number())), of: PhantomData }
    }

    /// The value; what reads it runs again when it changes.
    pub(super) fn get(self) -> T {
        self.number.try_get().map(T::of_number).unwrap_or_default()
    }

    /// The value as it is now.
    pub(super) fn peek(self) -> T {
        self.number.try_get_untracked().map(T::of_number).unwrap_or_default()
    }
}

fn derive(read: Box<dyn Fn() -> usize + Send + Sync>) -> Memo<usize> {
    Memo::new(move |_| read())
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Value<T> {}

impl<T> Clone for Derived<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Derived<T> {}

impl<T> std::fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Value").field(&self.number).finish()
    }
}

impl<T> std::fmt::Debug for Derived<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Derived").field(&self.number).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_followed_until_its_owner_ends() {
        let owner = Owner::new();
        let (count, is_some) = owner.with(|| {
            let count = Value::new(0_usize);
            (count, Derived::new(move || count.get() > 0))
        });
        assert_eq!((count.peek(), is_some.peek()), (0, false));
        count.set(3);
        assert_eq!((count.get(), is_some.get()), (3, true));
        owner.cleanup();
        count.set(4);
        assert_eq!((count.peek(), is_some.peek(), count.get(), is_some.get()), (0, false, 0, false));
    }
}
