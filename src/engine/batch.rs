//! A batch: the writes that happen together, and the guards that must hold for them. Never touches
//! a store.

use std::collections::BTreeMap;

use super::{EngineError, Guard, Tree};

/// The longest key an engine takes, in bytes. See [`MAX_ROW_BYTES`].
pub(crate) const MAX_KEY_BYTES: usize = 1280;

/// The longest row, key and value together, an engine takes, in bytes.
///
/// Every engine refuses longer ones, so that a catalog behaves the same on all of them. The limits
/// are sled's: it moves a page which outgrows a quarter of a segment into a file of its own, which
/// it never makes durable. A page holds at most about 20 rows, or 320 keys that lead to other
/// pages. With segments of 2 MiB neither reaches that quarter.
pub(crate) const MAX_ROW_BYTES: usize = 16 * 1024;

/// Writes that are applied together or not at all, and only if all guards hold.
///
/// Invariants: a key appears once, with its value before and after the whole batch; trees and keys
/// are in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    writes: BTreeMap<Tree, BTreeMap<Vec<u8>, Write>>,
    empties: Vec<(Tree, Vec<u8>)>,
    /// The number of keys, and the size of all keys and new values: asked after each change.
    len: usize,
    bytes: usize,
}

/// What a batch does to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    /// The guard: the value before the batch.
    pub(crate) expect: Expect,
    /// The value after the batch, `None` to remove the key.
    pub(crate) value: Option<Vec<u8>>,
}

/// What a key must be like before the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect<V = Vec<u8>> {
    /// The key is absent.
    Absent,
    /// The key has these very bytes as its value.
    Value(V),
    /// Anything: what the key was like is not known any more.
    Anything,
}

impl Batch {
    /// A batch of nothing.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Changes a key from `before` to `after`, where `None` means absent.
    ///
    /// Several changes of one key fold into one: the first `before` is kept, the last `after` wins.
    /// What each finds must be what the one before it left. A key that ends as it began stays as a
    /// guard.
    pub(crate) fn put(
        &mut self,
        tree: Tree,
        key: Vec<u8>,
        before: Option<Vec<u8>>,
        after: Option<Vec<u8>>,
    ) {
        let writes = self.writes.entry(tree).or_default();
        let bytes = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        if let Some(write) = writes.get_mut(&key) {
            debug_assert_eq!(
                write.value, before,
                "a change of {tree} does not follow the one before it"
            );
            self.bytes -= bytes(&write.value);
            self.bytes += bytes(&after);
            write.value = after;
        } else {
            self.len += 1;
            self.bytes += key.len() + bytes(&after);
            writes.insert(
                key,
                Write {
                    expect: Expect::from(before),
                    value: after,
                },
            );
        }
    }

    /// Gives a key a value, whatever it had before; `None` removes it.
    pub(super) fn overwrite(&mut self, tree: Tree, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.len += 1;
        self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        let expect = Expect::Anything;
        let writes = self.writes.entry(tree).or_default();
        writes.insert(key, Write { expect, value });
    }

    /// Guards that no key of `tree` starts with `prefix` once the batch is applied. Keys which the
    /// batch removes do not count, keys which it writes do. The empty prefix asks for an empty
    /// tree.
    pub(crate) fn require_empty(&mut self, tree: Tree, prefix: Vec<u8>) {
        self.empties.push((tree, prefix));
    }

    /// The number of keys in the batch.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether the batch neither writes nor guards anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.empties.is_empty()
    }

    /// The size of all keys and new values, in bytes. Expected values are not counted, since they
    /// are not written.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The trees with their writes, in order.
    pub(super) fn writes(&self) -> impl Iterator<Item = (Tree, &BTreeMap<Vec<u8>, Write>)> {
        self.writes.iter().map(|(tree, writes)| (*tree, writes))
    }

    /// The prefixes under which nothing may remain.
    pub(super) fn empties(&self) -> impl Iterator<Item = (Tree, &[u8])> {
        self.empties
            .iter()
            .map(|(tree, prefix)| (*tree, prefix.as_slice()))
    }

    /// Every tree that the batch names, with repetitions.
    pub(super) fn trees(&self) -> impl Iterator<Item = Tree> {
        self.writes
            .keys()
            .copied()
            .chain(self.empties.iter().map(|(tree, _)| *tree))
    }

    /// Checks what must hold on every engine, whatever it stores: the sizes of keys and rows.
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`] for the first key which is empty or too long, or row which is too
    /// long.
    pub(super) fn check_sizes(&self) -> Result<(), EngineError> {
        for (tree, writes) in self.writes() {
            // A row that is too large, and is there all the same, may go.
            for (key, write) in writes.iter().filter(|(_, write)| write.value.is_some()) {
                if key.is_empty() || key.len() > MAX_KEY_BYTES {
                    let detail = format!("a key of {} bytes, not 1 to {MAX_KEY_BYTES}", key.len());
                    return Err(EngineError::Refused { tree, detail });
                }
                let bytes = row_bytes(key, write);
                if bytes > MAX_ROW_BYTES {
                    let detail = format!("a row of {bytes} bytes, more than {MAX_ROW_BYTES}");
                    return Err(EngineError::Refused { tree, detail });
                }
            }
        }
        Ok(())
    }

    /// Checks one `require_empty` guard, given the keys that lie under the prefix before the batch.
    ///
    /// # Errors
    ///
    /// [`EngineError::GuardFailed`] for a key that remains; or the first error of `stored`.
    pub(super) fn check_empty<K: AsRef<[u8]>>(
        &self,
        tree: Tree,
        prefix: &[u8],
        stored: impl Iterator<Item = Result<K, EngineError>>,
    ) -> Result<(), EngineError> {
        let remains = |key: &[u8]| EngineError::GuardFailed {
            tree,
            key: key.to_vec(),
            guard: Guard::Empty,
        };
        let writes = self.writes.get(&tree);
        let written = writes
            .into_iter()
            .flatten()
            .filter(|(_, write)| write.value.is_some());
        for (key, _) in written {
            if key.starts_with(prefix) {
                return Err(remains(key));
            }
        }
        for key in stored {
            let key = key?;
            // What the batch writes was looked at above, so that a write found here is a removal.
            if !writes.is_some_and(|writes| writes.contains_key(key.as_ref())) {
                return Err(remains(key.as_ref()));
            }
        }
        Ok(())
    }
}

impl Write {
    /// Whether the key is any different after the batch.
    pub(super) fn changes(&self) -> bool {
        self.expect.is_changed_by(self.value.as_deref())
    }
}

impl<V> Expect<V> {
    /// The same of something made of the value.
    pub(super) fn map<W>(&self, value: impl FnOnce(&V) -> W) -> Expect<W> {
        match self {
            Self::Absent => Expect::Absent,
            Self::Value(expected) => Expect::Value(value(expected)),
            Self::Anything => Expect::Anything,
        }
    }
}

impl<V: AsRef<[u8]>> Expect<V> {
    /// Whether a key with this value is as expected.
    pub(super) fn holds(&self, value: Option<&[u8]>) -> bool {
        match self {
            Self::Absent => value.is_none(),
            Self::Value(expected) => value == Some(expected.as_ref()),
            Self::Anything => true,
        }
    }

    /// Whether this value is another than expected, as far as that is known.
    pub(super) fn is_changed_by(&self, value: Option<&[u8]>) -> bool {
        matches!(self, Self::Anything) || !self.holds(value)
    }

    /// Checks that a key, which has this value, is as expected.
    ///
    /// # Errors
    ///
    /// [`EngineError::GuardFailed`] if it is not.
    pub(super) fn check(
        &self,
        tree: Tree,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), EngineError> {
        if self.holds(value) {
            return Ok(());
        }
        let guard = match self {
            Self::Absent => Guard::Absent,
            Self::Value(_) | Self::Anything => Guard::Unchanged,
        };
        Err(EngineError::GuardFailed {
            tree,
            key: key.to_vec(),
            guard,
        })
    }
}

impl From<Option<Vec<u8>>> for Expect {
    fn from(before: Option<Vec<u8>>) -> Self {
        before.map_or(Self::Absent, Self::Value)
    }
}

fn row_bytes(key: &[u8], write: &Write) -> usize {
    key.len() + write.value.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: Tree = Tree::new("tree");
    const OTHER: Tree = Tree::new("other");

    fn only_write(batch: &Batch) -> &Write {
        assert_eq!(batch.len(), 1);
        batch
            .writes()
            .flat_map(|(_, writes)| writes.values())
            .next()
            .unwrap()
    }

    #[test]
    fn changes_of_one_key_fold_into_the_first_before_and_the_last_after() {
        let mut batch = Batch::new();
        batch.put(
            TREE,
            b"k".to_vec(),
            Some(b"1".to_vec()),
            Some(b"2".to_vec()),
        );
        batch.put(TREE, b"k".to_vec(), Some(b"2".to_vec()), None);
        batch.put(TREE, b"k".to_vec(), None, Some(b"3".to_vec()));
        assert_eq!(
            only_write(&batch),
            &Write {
                expect: Expect::Value(b"1".to_vec()),
                value: Some(b"3".to_vec())
            }
        );
    }

    #[test]
    fn a_key_that_comes_and_goes_stays_as_a_guard() {
        let mut batch = Batch::new();
        batch.put(TREE, b"k".to_vec(), None, Some(b"1".to_vec()));
        batch.put(TREE, b"k".to_vec(), Some(b"1".to_vec()), None);
        let write = only_write(&batch);
        assert_eq!(
            write,
            &Write {
                expect: Expect::Absent,
                value: None
            }
        );
        assert!(!write.changes());
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "does not follow")]
    fn changes_of_one_key_must_follow_each_other() {
        let mut batch = Batch::new();
        batch.put(TREE, b"k".to_vec(), None, Some(b"1".to_vec()));
        batch.put(TREE, b"k".to_vec(), Some(b"2".to_vec()), None);
    }

    #[test]
    fn sizes_count_keys_and_new_values() {
        let mut batch = Batch::new();
        assert!(batch.is_empty());
        batch.put(
            TREE,
            b"key".to_vec(),
            Some(vec![0; 100]),
            Some(b"12345".to_vec()),
        );
        batch.put(OTHER, b"key".to_vec(), Some(vec![0; 100]), None);
        assert_eq!((batch.len(), batch.bytes()), (2, 3 + 5 + 3));
        assert!(!batch.is_empty());
    }

    #[test]
    fn a_guard_alone_makes_a_batch() {
        let mut batch = Batch::new();
        batch.require_empty(TREE, Vec::new());
        assert_eq!(
            (batch.len(), batch.bytes(), batch.is_empty()),
            (0, 0, false)
        );
    }
}
