//! Any bytes are a row or none, and any text a cursor or none: what decodes encodes to what decodes
//! the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    coursecat::fuzzing::row(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        coursecat::fuzzing::cursor(text);
    }
});
