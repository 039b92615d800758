//! The guard against spreadsheets that take a cell for a formula, and its removal.
//!
//! A cell that begins with one of `= + - @`, a tab or a carriage return gets an apostrophe in
//! front. So that reading undoes exactly what writing did, a cell that already looks guarded
//! (apostrophes, then one of those characters) gets one more.

use std::borrow::Cow;

/// The cell as it is written.
pub(super) fn guarded(cell: &str) -> Cow<'_, str> {
    match needs_guard(cell) {
        true => Cow::Owned(format!("'{cell}")),
        false => Cow::Borrowed(cell),
    }
}

/// The cell as it was before it was written.
pub(super) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if needs_guard(rest) => rest,
        _ => cell,
    }
}

/// Whether, apostrophes aside, it begins as a formula does.
fn needs_guard(cell: &str) -> bool {
    cell.trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for (cell, written) in [
            ("Calculus", "Calculus"),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("'=1+1", "''=1+1"),
            ("''-1", "'''-1"),
            ("'tis", "'tis"),
            ("''quoted''", "''quoted''"),
            ("'", "'"),
            ("", ""),
        ] {
            assert_eq!(guarded(cell), written);
            assert_eq!(unguarded(written), cell);
        }
    }
}
