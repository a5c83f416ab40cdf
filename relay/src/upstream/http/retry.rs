//! When a request is sent again: which outcomes, how long after, and how often
//! in all.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode};

/// How often one request is sent at most.
pub(super) const MAX_TRIES: u32 = 3;

/// The first wait is between nothing and this; each further one doubles it.
const BASE_WAIT: Duration = Duration::from_millis(250);

/// Longest wait of our own choice.
const MAX_WAIT: Duration = Duration::from_secs(4);

/// What a request adds to the budget: one retry per ten requests in the long
/// run, so that retries do not bury a provider that is already overloaded.
const EARNED: f64 = 0.1;

/// Most retries that can be saved up, and how many there are at the start.
const MOST_SAVED: f64 = 10.0;

/// Whether a request may be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Only where the provider cannot have begun to work on it: no connection,
    /// 429, 503.
    IfRefused,
    /// Also after 502, 504 and a lost connection: the request is stateless, or
    /// carries a key under which the provider accepts it once.
    Safe,
}

impl Repeat {
    /// Whether an answer of that status may be asked for again.
    pub(super) fn allows_status(self, status: StatusCode) -> bool {
        match status.as_u16() {
            429 | 503 => true,
            502 | 504 => self == Self::Safe,
            _ => false,
        }
    }
}

/// How many retries there may still be, over all requests to one provider.
#[derive(Debug)]
pub(super) struct Budget {
    saved: Mutex<f64>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { saved: Mutex::new(MOST_SAVED) }
    }

    /// A request is made.
    pub(super) fn earn(&self) {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = (*saved + EARNED).min(MOST_SAVED);
    }

    /// Takes one retry, if there is one.
    pub(super) fn spend(&self) -> bool {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let has_one = *saved >= 1.0;
        if has_one {
            *saved -= 1.0;
        }
        has_one
    }
}

/// How long before try number `next` (from 1): what the provider asks for, or
/// any time up to a doubling limit. Full jitter keeps many visitors who failed
/// together from coming back together.
pub(super) fn wait(next: u32, asked: Option<Duration>) -> Duration {
    if let Some(asked) = asked {
        return asked;
    }
    let limit = BASE_WAIT.saturating_mul(2_u32.saturating_pow(next.saturating_sub(1))).min(MAX_WAIT);
    limit.mul_f64(fastrand::f64())
}

/// `retry-after-ms`, or `Retry-After` in seconds or as a date.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(millis / 1000.0).ok();
    }
    let text = text("retry-after")?;
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let date = time::PrimitiveDateTime::parse(text, format).ok()?.assume_utc();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let then = u64::try_from(date.unix_timestamp()).ok().map(Duration::from_secs)?;
    Some(then.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn only_what_was_refused_is_repeated_unless_it_is_safe() {
        let refused = [429, 503];
        let unclear = [502, 504];
        let never = [200, 400, 401, 402, 403, 404, 408, 409, 500];
        let allows =
            |repeat: Repeat, status: u16| repeat.allows_status(StatusCode::from_u16(status).unwrap());
        assert!(
            refused.iter().all(|&status| allows(Repeat::IfRefused, status) && allows(Repeat::Safe, status))
        );
        assert!(
            unclear.iter().all(|&status| !allows(Repeat::IfRefused, status) && allows(Repeat::Safe, status))
        );
        assert!(
            never.iter().all(|&status| !allows(Repeat::IfRefused, status) && !allows(Repeat::Safe, status))
        );
    }

    #[test]
    fn waits_grow_are_bounded_and_obey_the_provider() {
        for next in 1..40 {
            let limit = BASE_WAIT.saturating_mul(2_u32.saturating_pow(next - 1)).min(MAX_WAIT);
            assert!(wait(next, None) <= limit);
        }
        assert_eq!(wait(1, Some(Duration::from_secs(7))), Duration::from_secs(7));
    }

    #[test]
    fn the_budget_is_used_up_and_earned_again() {
        let budget = Budget::new();
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10);
        (0..11).for_each(|_| budget.earn());
        assert!(budget.spend());
        assert!(!budget.spend());
    }

    #[test]
    fn a_wait_is_read_in_all_its_forms() {
        assert_eq!(retry_after(&headers("retry-after", "2")), Some(Duration::from_secs(2)));
        assert_eq!(retry_after(&headers("retry-after-ms", "1500")), Some(Duration::from_millis(1500)));
        let past = "Wed, 21 Oct 2015 07:28:00 GMT";
        assert_eq!(retry_after(&headers("retry-after", past)), Some(Duration::ZERO));
        let future = "Wed, 21 Oct 2215 07:28:00 GMT";
        assert!(retry_after(&headers("retry-after", future)).unwrap() > Duration::from_hours(24));
        for bad in ["", "-1", "soon", "1e400", "NaN"] {
            assert_eq!(retry_after(&headers("retry-after", bad)), None, "{bad}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
