//! Rows that lie over those of the trees: what the journal holds and the trees do not have yet. Knows
//! of no file.
//!
//! Batches are kept as they come, since whoever commits waits for that; only who carries them sorts
//! their rows into one row of all. Until then, hashes tell which of them have a row.

use std::collections::{BTreeMap, HashMap, btree_map};
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::frame::Frame;
use super::kept::{Kept, NewRow};
use crate::engine::batch::{MAX_KEY_BYTES, MAX_ROW_BYTES};
use crate::engine::{Batch, EngineError, Tree};

/// The rows of batches, by tree and key. A later batch replaces what an earlier one wrote.
#[derive(Debug, Default)]
pub(super) struct Rows {
    batches: Vec<Kept>,
    seed: RandomState,
    /// By the hash of a row's tree and key, the number of the last batch that has such a row.
    ///
    /// Nearly every row of a batch is new, and one look here tells so.
    last: HashMap<u64, usize, RandomState>,
    /// By the hash of a tree and the [beginning](START_BYTES) of a key, the numbers of the batches that
    /// have rows with such keys, in order.
    starts: HashMap<u64, SmallVec<[usize; 2]>, RandomState>,
}

/// So many bytes of a key, if it has them, are an id in most trees, and say whose row it is.
const START_BYTES: usize = 8;

/// For how many rows memory is kept: those of a generation that did not have to wait.
const MOST_KEPT: usize = 1 << 18;

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// No rows, in memory that has held these, unless that was a lot: what follows is likely to be as many,
    /// and to make room for them again and again takes longer than to add them.
    pub(super) fn emptied(mut self) -> Self {
        if self.last.capacity() > MOST_KEPT {
            return Self::default();
        }
        self.batches.clear();
        self.last.clear();
        self.starts.clear();
        self
    }

    /// The trees with their rows, in order.
    pub(super) fn sorted(&self) -> BTreeMap<Tree, Vec<NewRow<'_>>> {
        let mut trees: BTreeMap<Tree, Vec<NewRow<'_>>> = BTreeMap::new();
        for batch in &self.batches {
            for (tree, numbers) in batch.trees() {
                let rows = numbers.map(|number| batch.row(number));
                trees.entry(tree).or_default().extend(rows);
            }
        }
        for rows in trees.values_mut() {
            // Rows of one key stay in the order of their batches.
            rows.sort_by_key(|row| row.key);
            rows.dedup_by(|later, first| {
                let is_same = later.key == first.key;
                if is_same {
                    first.value = later.value;
                }
                is_same
            });
        }
        trees
    }

    /// The value that a row has afterwards, if any batch has the row.
    pub(super) fn get(&self, tree: Tree, key: &[u8]) -> Option<Option<&[u8]>> {
        let last = *self.last.get(&self.hash(tree, key))?;
        let likely = self.batches.get(last);
        let row = likely
            .and_then(|batch| batch.find(tree, key))
            // Another row may have the same hash.
            .or_else(|| {
                let mut batches = self.batches.iter().rev();
                batches.find_map(|batch| batch.find(tree, key))
            })?;
        Some(row.value)
    }

    /// The keys under a prefix that some batch has written, and that are there afterwards; maybe several
    /// times.
    pub(super) fn present_under<'a>(
        &'a self,
        tree: Tree,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = &'a [u8]> {
        let some = prefix.get(..START_BYTES).map(|start| {
            let numbers = self.starts.get(&self.hash(tree, start));
            numbers.map(SmallVec::as_slice).unwrap_or_default()
        });
        let all = some.is_none().then_some(&self.batches);
        let some = some.into_iter().flatten();
        let batches = some
            .filter_map(|number| self.batches.get(*number))
            .chain(all.into_iter().flatten());
        batches
            .flat_map(move |batch| batch.written_under(tree, prefix))
            .filter(move |key| self.get(tree, key).flatten().is_some())
    }

    /// Adds a batch whose guards hold.
    pub(super) fn add(&mut self, batch: &Batch) {
        let number = self.batches.len();
        for (tree, writes) in batch.writes() {
            let mut before: &[u8] = &[];
            for key in writes.keys() {
                let hash = self.hash(tree, key);
                self.last.insert(hash, number);
                // Rows that begin alike follow each other.
                if let Some(start) = key.get(..START_BYTES).filter(|start| *start != before) {
                    before = start;
                    let numbers = self.starts.entry(self.seed.hash_one((tree, start)));
                    let numbers = numbers.or_default();
                    if numbers.last() != Some(&number) {
                        numbers.push(number);
                    }
                }
            }
        }
        self.batches.push(Kept::of(batch));
    }

    /// Adds the rows of a frame.
    ///
    /// # Errors
    /// [`EngineError::Damaged`] if it names a tree that is none of these, or has a row that no batch can
    /// have had.
    pub(super) fn add_frame(&mut self, frame: Frame, trees: &[Tree]) -> Result<(), EngineError> {
        let mut batch = Batch::new();
        for rows in frame.trees {
            let tree = trees.iter().find(|tree| tree.name() == rows.name);
            let Some(tree) = tree else {
                return Err(EngineError::Damaged {
                    detail: format!("the journal names a tree {:?}", rows.name),
                });
            };
            for (key, value) in rows.rows {
                let bytes = key.len() + value.as_ref().map_or(0, Vec::len);
                if key.is_empty() || key.len() > MAX_KEY_BYTES || bytes > MAX_ROW_BYTES {
                    return Err(EngineError::Damaged {
                        detail: format!("the journal has a row of {bytes} bytes"),
                    });
                }
                batch.overwrite(*tree, key, value);
            }
        }
        self.add(&batch);
        Ok(())
    }

    fn hash(&self, tree: Tree, key: &[u8]) -> u64 {
        self.seed.hash_one((tree, key))
    }
}

/// The value that a row has by layers of others, the last of them uppermost; `None` if they do not have
/// the row.
pub(super) fn newest<'a>(layers: &[&'a Rows], tree: Tree, key: &[u8]) -> Option<Option<&'a [u8]>> {
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
                write.expect.check(tree, key, known)?;
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
    /// Lays the rows of `layers` over those from below, the last of them uppermost, and then those of a
    /// batch.
    pub(super) fn new(tree: Tree, below: I, layers: &[&'a Rows], batch: Option<&'a Batch>) -> Self {
        let mut above = BTreeMap::new();
        for batch in layers.iter().flat_map(|layer| &layer.batches) {
            for row in batch.to(tree) {
                above.insert(row.key, row.value);
            }
        }
        let newest = batch.into_iter().flat_map(Batch::writes);
        for (key, write) in newest
            .filter(|(other, _)| *other == tree)
            .flat_map(|(_, w)| w)
        {
            above.insert(key, write.value.as_deref());
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
    use crate::engine::batch::Expect;

    const TREE: Tree = Tree::new("tree");

    fn rows(changes: &[(&str, Option<&str>)]) -> Rows {
        let mut rows = Rows::default();
        for (key, value) in changes {
            let mut batch = Batch::new();
            let value = value.map(|value| value.as_bytes().to_vec());
            batch.put(TREE, key.as_bytes().to_vec(), Some(b"?".to_vec()), value);
            rows.add(&batch);
        }
        rows
    }

    #[test]
    fn later_rows_lie_over_earlier_ones() {
        let below = [("a", "1"), ("c", "1"), ("d", "1"), ("f", "1")];
        let below = below.map(|(key, value)| Ok::<_, ()>((Vec::from(key), Vec::from(value))));
        let first = rows(&[("b", Some("2")), ("c", None), ("d", Some("2"))]);
        let second = rows(&[("c", Some("3")), ("d", None), ("g", Some("3")), ("h", None)]);
        let mut third = Batch::new();
        third.put(TREE, b"e".to_vec(), None, Some(b"4".to_vec()));
        third.put(TREE, b"g".to_vec(), Some(b"3".to_vec()), None);
        let overlaid = Overlaid::new(TREE, below.into_iter(), &[&first, &second], Some(&third));
        let overlaid: Vec<_> = overlaid.map(Result::unwrap).collect();
        let expected = [("a", "1"), ("b", "2"), ("c", "3"), ("e", "4"), ("f", "1")];
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
        rows.add(&batch);
        assert_eq!(rows.get(TREE, b"k"), Some(None));
        let row = NewRow {
            key: b"k",
            expect: Expect::Value(b"?"),
            value: None,
        };
        assert_eq!(rows.sorted()[&TREE], [row]);
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

    #[test]
    fn keys_under_a_prefix_as_long_as_an_id() {
        let rows = rows(&[
            ("course-1:a", Some("1")),
            ("course-2:a", Some("1")),
            ("course-1:b", Some("1")),
            ("course-1:a", None),
            ("course-2:a", Some("2")),
            ("course", Some("1")),
        ]);
        let under = |prefix| {
            let mut keys: Vec<&[u8]> = rows.present_under(TREE, prefix).collect();
            keys.sort();
            keys.dedup();
            keys
        };
        assert_eq!(under(b"course-1"), [b"course-1:b"]);
        assert_eq!(under(b"course-2:"), [b"course-2:a"]);
        assert_eq!(under(b"course-1:a"), <[&[u8]; 0]>::default());
        assert_eq!(under(b"course-3"), <[&[u8]; 0]>::default());
        assert_eq!(under(b"course-").len(), 2);
    }
}
