//! Keys as segments of paths.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a segment of a path: what RFC 3986 lets stay, so that most keys look as
/// people write them.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'+')
    .remove(b':')
    .remove(b'@');

/// A key as one segment of a path.
pub(crate) fn segment(key: &str) -> String {
    utf8_percent_encode(key, KEPT).to_string()
}
