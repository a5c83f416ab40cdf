//! The options that few pages give. They are read by the part `Setting`, which is
//! fetched for whoever gives one.

use super::check::check_keys;
use super::{Options, OptionsError, Take, USUAL};
use super::{ability, address, kiosk, language, memory, place, words};
use crate::host::value::Given;

/// The groups, in the order of the documentation.
const GROUPS: [(&[&str], Take); 7] = [
    (address::RARE_KEYS, address::take_rare),
    (place::RARE_KEYS, place::take_rare),
    (language::RARE_KEYS, language::take_rare),
    (words::RARE_KEYS, words::take_rare),
    (memory::RARE_KEYS, memory::take_rare),
    (ability::RARE_KEYS, ability::take_rare),
    (kiosk::RARE_KEYS, kiosk::take_rare),
];

/// Takes the value of a key that is not among the usual ones, or says that it is
/// unknown.
pub(super) fn take(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match GROUPS.iter().find(|(keys, _)| keys.contains(&key)) {
        Some(_) if *given == Given::Nothing => Ok(()),
        Some((_, take)) => take(options, key, given),
        None => {
            let known: Vec<&str> =
                USUAL.iter().chain(&GROUPS).flat_map(|(keys, _)| keys.iter().copied()).collect();
            check_keys("", &[(key.to_owned(), Given::Nothing)], &known)
        }
    }
}
