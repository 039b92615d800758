//! A batch, as it is kept until its rows are carried: in three pieces of memory, whatever it has. Thousands may
//! wait, and to let them go row by row would take as long as to plan them. Never changes.

use std::iter;
use std::ops::Range;

use crate::engine::batch::Expect;
use crate::engine::{Batch, Tree};

/// What becomes of a row by several batches: the value that the first of them found, and the one that the
/// last of them left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NewRow<'a> {
    pub(super) key: &'a [u8],
    pub(super) expect: Expect<&'a [u8]>,
    /// `None` to remove the row.
    pub(super) value: Option<&'a [u8]>,
}

impl NewRow<'_> {
    /// Whether the row is any different after it, as far as that is known.
    pub(super) fn changes(&self) -> bool {
        self.expect.is_changed_by(self.value)
    }
}

/// The writes of a batch, in order.
#[derive(Debug)]
pub(super) struct Kept {
    /// The key of each row, the value that it must have had, and the one that it has now, one after the
    /// other.
    bytes: Box<[u8]>,
    rows: Box<[Place]>,
    /// Each tree with the end of its rows.
    trees: Box<[(Tree, usize)]>,
}

/// Where a row lies: it begins where the one before it ends.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The end of its key.
    key: usize,
    /// The end of the value that it must have had, after the key.
    expect: Expect<usize>,
    /// The end of its value, after those.
    value: Option<usize>,
}

impl Place {
    fn end_of_expected(&self) -> usize {
        match self.expect {
            Expect::Value(end) => end,
            Expect::Absent | Expect::Anything => self.key,
        }
    }

    fn end(&self) -> usize {
        self.value.unwrap_or(self.end_of_expected())
    }
}

impl Kept {
    pub(super) fn of(batch: &Batch) -> Self {
        let writes = batch.writes().flat_map(|(_, writes)| writes.values());
        let expected = writes.map(|write| match &write.expect {
            Expect::Value(value) => value.len(),
            Expect::Absent | Expect::Anything => 0,
        });
        let mut bytes = Vec::with_capacity(batch.bytes() + expected.sum::<usize>());
        let mut rows = Vec::with_capacity(batch.len());
        let mut trees = Vec::new();
        let mut add = |part: &[u8]| {
            bytes.extend_from_slice(part);
            bytes.len()
        };
        for (tree, writes) in batch.writes() {
            for (key, write) in writes {
                rows.push(Place {
                    key: add(key),
                    expect: write.expect.map(|value| add(value)),
                    value: write.value.as_deref().map(&mut add),
                });
            }
            trees.push((tree, rows.len()));
        }
        Self {
            bytes: bytes.into(),
            rows: rows.into(),
            trees: trees.into(),
        }
    }

    /// The row with this number, counted over all trees.
    pub(super) fn row(&self, number: usize) -> NewRow<'_> {
        let place = self.rows[number];
        let before = number.checked_sub(1).map(|before| self.rows[before]);
        let start = before.map_or(0, |before| before.end());
        NewRow {
            key: &self.bytes[start..place.key],
            expect: place.expect.map(|end| &self.bytes[place.key..*end]),
            value: place
                .value
                .map(|end| &self.bytes[place.end_of_expected()..end]),
        }
    }

    /// The trees with the numbers of their rows.
    pub(super) fn trees(&self) -> impl Iterator<Item = (Tree, Range<usize>)> {
        let starts = iter::once(0).chain(self.trees.iter().map(|(_, end)| *end));
        let trees = self.trees.iter().zip(starts);
        trees.map(|((tree, end), start)| (*tree, start..*end))
    }

    /// The numbers of a tree's rows.
    fn numbers(&self, tree: Tree) -> Range<usize> {
        let mut trees = self.trees();
        let found = trees.find(|(other, _)| *other == tree);
        found.map_or(0..0, |(_, numbers)| numbers)
    }

    /// The rows of a tree, in order.
    pub(super) fn to(&self, tree: Tree) -> impl Iterator<Item = NewRow<'_>> {
        self.numbers(tree).map(|number| self.row(number))
    }

    /// What becomes of a row, if anything.
    pub(super) fn find(&self, tree: Tree, key: &[u8]) -> Option<NewRow<'_>> {
        let at = self.first_from(tree, key);
        let row = self.numbers(tree).contains(&at).then(|| self.row(at))?;
        (row.key == key).then_some(row)
    }

    /// The number of a tree's first row whose key is not below this one.
    fn first_from(&self, tree: Tree, key: &[u8]) -> usize {
        let Range { mut start, mut end } = self.numbers(tree);
        while start < end {
            let middle = start.midpoint(end);
            if self.row(middle).key < key {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
    }

    /// The keys under a prefix that the batch does something to, in order.
    pub(super) fn written_under<'a>(
        &'a self,
        tree: Tree,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = &'a [u8]> {
        let numbers = self.first_from(tree, prefix)..self.numbers(tree).end;
        let keys = numbers.map(|number| self.row(number).key);
        keys.take_while(move |key| key.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREES: [Tree; 3] = [Tree::new("a"), Tree::new("b"), Tree::new("c")];

    #[test]
    fn all_of_a_batch_is_kept() {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let mut batch = Batch::new();
        for tree in [TREES[0], TREES[2]] {
            batch.put(tree, bytes("come"), None, Some(bytes("1")));
            batch.put(tree, bytes("gone"), Some(bytes("22")), None);
            batch.put(tree, bytes("empty"), Some(bytes("")), Some(bytes("")));
            batch.put(tree, bytes("guard"), None, None);
            batch.put(tree, bytes("grown"), Some(bytes("3")), Some(bytes("333")));
            batch.overwrite(tree, bytes("any"), Some(bytes("4")));
            batch.overwrite(tree, bytes("no"), None);
        }
        let kept = Kept::of(&batch);
        for (tree, writes) in batch.writes() {
            let rows: Vec<_> = kept.to(tree).collect();
            assert_eq!(rows.len(), writes.len());
            for (row, (key, write)) in rows.into_iter().zip(writes) {
                assert_eq!(row.key, key);
                assert_eq!(row.expect.map(|value| value.to_vec()), write.expect);
                assert_eq!(row.value, write.value.as_deref());
            }
            for row in kept.to(tree) {
                assert_eq!(kept.find(tree, row.key), Some(row));
            }
            for absent in ["", "a", "comes", "z"] {
                assert_eq!(kept.find(tree, absent.as_bytes()), None);
            }
            let under: Vec<_> = kept.written_under(tree, b"g").collect();
            assert_eq!(under, [&b"gone"[..], b"grown", b"guard"]);
        }
        assert_eq!(kept.to(TREES[1]).count(), 0);
        assert_eq!(kept.find(TREES[1], b"come"), None);
        assert_eq!(kept.written_under(TREES[1], b"").count(), 0);
    }
}
