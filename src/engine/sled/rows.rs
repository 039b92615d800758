//! Rows that lie over those of the trees: what the journal holds and the trees do not have yet. Knows
//! of no file.

use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;

use super::frame::Frame;
use crate::engine::batch::{Expect, MAX_KEY_BYTES, MAX_ROW_BYTES, Write};
use crate::engine::{Batch, EngineError, Tree};

/// Rows by tree and key. A later batch replaces what an earlier one wrote.
#[derive(Debug, Default)]
pub(super) struct Rows {
    trees: BTreeMap<Tree, BTreeMap<Vec<u8>, NewRow>>,
}

/// What becomes of a row.
#[derive(Debug)]
pub(super) struct NewRow {
    /// The value that the tree must have before; `None` if that is not known any more.
    pub(super) expect: Option<Expect>,
    /// The value after, `None` to remove the row.
    pub(super) value: Option<Vec<u8>>,
}

impl NewRow {
    /// Whether the row is any different after it, as far as that is known.
    pub(super) fn changes(&self) -> bool {
        let value = self.value.as_deref();
        self.expect
            .as_ref()
            .is_none_or(|before| !before.holds(value))
    }
}

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// The trees with their rows, in order.
    pub(super) fn trees(&self) -> impl Iterator<Item = (Tree, &BTreeMap<Vec<u8>, NewRow>)> {
        self.trees.iter().map(|(tree, rows)| (*tree, rows))
    }

    /// What becomes of a row, if anything does.
    pub(super) fn get(&self, tree: Tree, key: &[u8]) -> Option<&NewRow> {
        let rows = self.trees.get(&tree)?;
        // New records have new numbers, so that many a key lies beyond all that there are.
        let (last, _) = rows.last_key_value()?;
        if last.as_slice() < key {
            return None;
        }
        rows.get(key)
    }

    /// The keys under a prefix that are there afterwards.
    pub(super) fn present_under<'a>(
        &'a self,
        tree: Tree,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = &'a [u8]> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let rows = self.trees.get(&tree);
        let rows = rows
            .into_iter()
            .flat_map(move |rows| rows.range::<[u8], _>(from));
        rows.take_while(move |(key, _)| key.starts_with(prefix))
            .filter(|(_, row)| row.value.is_some())
            .map(|(key, _)| key.as_slice())
    }

    /// Adds a batch whose guards hold.
    pub(super) fn add(&mut self, batch: Batch) {
        for (tree, writes) in batch.into_writes() {
            let rows = self.trees.entry(tree).or_default();
            for (key, Write { expect, value }) in writes {
                match rows.entry(key) {
                    btree_map::Entry::Occupied(mut row) => row.get_mut().value = value,
                    btree_map::Entry::Vacant(place) => {
                        let expect = Some(expect);
                        place.insert(NewRow { expect, value });
                    }
                }
            }
        }
    }

    /// Adds the rows of a frame.
    ///
    /// # Errors
    /// [`EngineError::Damaged`] if it names a tree that is none of these, or has a row that no batch can
    /// have had.
    pub(super) fn add_frame(&mut self, frame: Frame, trees: &[Tree]) -> Result<(), EngineError> {
        for rows in frame.trees {
            let tree = trees.iter().find(|tree| tree.name() == rows.name);
            let Some(tree) = tree else {
                return Err(EngineError::Damaged {
                    detail: format!("the journal names a tree {:?}", rows.name),
                });
            };
            let known = self.trees.entry(*tree).or_default();
            for (key, value) in rows.rows {
                let bytes = key.len() + value.as_ref().map_or(0, Vec::len);
                if key.is_empty() || key.len() > MAX_KEY_BYTES || bytes > MAX_ROW_BYTES {
                    return Err(EngineError::Damaged {
                        detail: format!("the journal has a row of {bytes} bytes"),
                    });
                }
                let expect = None;
                known.insert(key, NewRow { expect, value });
            }
        }
        Ok(())
    }
}

/// What becomes of a row by layers of others, the last of them uppermost; `None` if they do not have it.
pub(super) fn newest<'a>(layers: &[&'a Rows], tree: Tree, key: &[u8]) -> Option<&'a NewRow> {
    layers.iter().rev().find_map(|rows| rows.get(tree, key))
}

/// Checks the guards of a batch on rows that are in these layers.
///
/// # Errors
/// [`EngineError::GuardFailed`] for the first that does not hold.
pub(super) fn check(layers: &[&Rows], batch: &Batch) -> Result<(), EngineError> {
    for (tree, writes) in batch.writes() {
        for (key, write) in writes {
            if let Some(known) = newest(layers, tree, key) {
                write.expect.check(tree, key, known.value.as_deref())?;
            }
        }
    }
    Ok(())
}

/// The rows of a tree, in order, with others lying over them.
pub(super) struct Overlaid<'a, I: Iterator> {
    below: std::iter::Peekable<I>,
    above: std::iter::Peekable<btree_map::IntoIter<&'a [u8], Option<&'a [u8]>>>,
}

impl<'a, K: AsRef<[u8]> + From<&'a [u8]>, E, I: Iterator<Item = Result<(K, K), E>>>
    Overlaid<'a, I>
{
    /// Lays the rows of `layers` over those from below, the last of them uppermost.
    pub(super) fn new(tree: Tree, below: I, layers: &[&'a Rows]) -> Self {
        let mut above = BTreeMap::new();
        let rows = layers.iter().filter_map(|layer| layer.trees.get(&tree));
        for (key, row) in rows.flatten() {
            above.insert(key.as_slice(), row.value.as_deref());
        }
        Self {
            below: below.peekable(),
            above: above.into_iter().peekable(),
        }
    }
}

impl<'a, K: AsRef<[u8]> + From<&'a [u8]>, E, I: Iterator<Item = Result<(K, K), E>>> Iterator
    for Overlaid<'a, I>
{
    type Item = Result<(K, K), E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((above, _)) = self.above.peek() else {
                return self.below.next();
            };
            match self.below.peek() {
                Some(Err(_)) => return self.below.next(),
                Some(Ok((below, _))) if below.as_ref() < *above => return self.below.next(),
                Some(Ok((below, _))) if below.as_ref() == *above => {
                    self.below.next();
                }
                Some(Ok(_)) | None => {}
            }
            if let Some((key, Some(value))) = self.above.next() {
                return Some(Ok((K::from(key), K::from(value))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: Tree = Tree::new("tree");

    fn rows(changes: &[(&str, Option<&str>)]) -> Rows {
        let mut rows = Rows::default();
        for (key, value) in changes {
            let mut batch = Batch::new();
            let value = value.map(|value| value.as_bytes().to_vec());
            batch.put(TREE, key.as_bytes().to_vec(), Some(b"?".to_vec()), value);
            rows.add(batch);
        }
        rows
    }

    #[test]
    fn later_rows_lie_over_earlier_ones() {
        let below = [("a", "1"), ("c", "1"), ("d", "1"), ("f", "1")];
        let below = below.map(|(key, value)| Ok::<_, ()>((Vec::from(key), Vec::from(value))));
        let first = rows(&[("b", Some("2")), ("c", None), ("d", Some("2"))]);
        let second = rows(&[("c", Some("3")), ("d", None), ("g", Some("3")), ("h", None)]);
        let overlaid = Overlaid::new(TREE, below.into_iter(), &[&first, &second]);
        let overlaid: Vec<_> = overlaid.map(Result::unwrap).collect();
        let expected = [("a", "1"), ("b", "2"), ("c", "3"), ("f", "1"), ("g", "3")];
        assert_eq!(
            overlaid,
            expected.map(|(key, value)| (Vec::from(key), Vec::from(value)))
        );
    }

    #[test]
    fn a_row_keeps_its_first_guard_and_its_last_value() {
        let mut rows = rows(&[("k", Some("1"))]);
        let mut batch = Batch::new();
        batch.put(TREE, b"k".to_vec(), Some(b"1".to_vec()), None);
        check(&[&rows], &batch).unwrap();
        rows.add(batch);
        let row = rows.get(TREE, b"k").unwrap();
        assert_eq!(row.expect, Some(Expect::Value(b"?".to_vec())));
        assert_eq!(row.value, None);
        let mut batch = Batch::new();
        batch.put(TREE, b"k".to_vec(), Some(b"1".to_vec()), None);
        assert!(matches!(
            check(&[&rows], &batch),
            Err(EngineError::GuardFailed { .. })
        ));
    }

    #[test]
    fn keys_under_a_prefix_that_are_left() {
        let rows = rows(&[
            ("a", Some("1")),
            ("b1", None),
            ("b2", Some("1")),
            ("c", Some("1")),
        ]);
        assert_eq!(rows.present_under(TREE, b"b").collect::<Vec<_>>(), [b"b2"]);
        assert_eq!(rows.present_under(TREE, b"").count(), 3);
    }
}
