//! Request ids: by which a request is found in the logs of all that it passed through.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;

/// The longest id that is taken from a client.
const MOST_CHARS: usize = 128;

/// The id that a request came with, if it is one, or a new one.
pub(super) fn of(given: Option<&HeaderValue>) -> HeaderValue {
    let fits = |id: &&HeaderValue| {
        let id = id.as_bytes();
        (1..=MOST_CHARS).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
    };
    given.filter(fits).cloned().unwrap_or_else(new)
}

/// An id that no other request of this process has, and hardly one of another.
fn new() -> HeaderValue {
    static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:08x}-{number:x}", *START >> 32);
    // Hexadecimal digits and a dash are a header.
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("-"))
}
