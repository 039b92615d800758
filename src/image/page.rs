//! Cutting pages: the first records of a listing, in order, and where it goes on. Knows no record.

use std::sync::Arc;

use super::cursor::{Cursor, Position};
use super::newest::{Dated, newest_first};
use super::query::Page;

/// The first records of a sorted listing that come after a landmark, and one more to tell whether
/// there is a next page.
pub(super) fn sorted_after<'a, T: Dated + 'a>(
    all: impl Iterator<Item = &'a Arc<T>>,
    after: Option<&T>,
    limit: usize,
) -> impl Iterator<Item = &'a Arc<T>> {
    let mut found: Vec<_> = all
        .filter(|record| after.is_none_or(|after| newest_first(&***record, after).is_gt()))
        .collect();
    if found.len() > limit + 1 {
        found.select_nth_unstable_by(limit, |a, b| newest_first(&***a, &***b));
        found.truncate(limit + 1);
    }
    found.sort_unstable_by(|a, b| newest_first(&***a, &***b));
    found.into_iter()
}

/// The first records of a walk that match, enough for a page and one more, or all that there are; if
/// so many are not among its first few, none.
pub(super) fn first_few<'a, T>(
    walk: &mut impl Iterator<Item = &'a Arc<T>>,
    few: usize,
    limit: usize,
    matching: impl Fn(&&'a Arc<T>) -> bool,
) -> Option<Vec<&'a Arc<T>>> {
    let these = walk.by_ref().take(few);
    let found: Vec<_> = these.filter(matching).take(limit + 1).collect();
    (found.len() > limit || walk.next().is_none()).then_some(found)
}

/// Cuts a page off a listing, with a cursor if there is more.
pub(super) fn page<'a, T: 'a>(
    mut found: impl Iterator<Item = &'a Arc<T>>,
    limit: usize,
    mark: impl FnOnce(&T) -> Position,
) -> Page<Arc<T>> {
    let items: Vec<_> = found.by_ref().take(limit).map(Arc::clone).collect();
    let next = match (items.last(), found.next()) {
        (Some(last), Some(_)) => Some(Cursor(mark(last))),
        _ => None,
    };
    Page { items, next }
}
