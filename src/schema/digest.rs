//! The digest of all rows of a store.
//!
//! It is a sum of row hashes, so the order of rows does not matter and a commit brings it up to
//! date from the rows it touches alone. A row that is lost, altered or surplus changes it. It
//! guards against accidents, not against a person who forges rows.

use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_128;

use crate::engine::Tree;

/// A sum, modulo 2¹²⁸, of the hashes of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest(pub(crate) u128);

impl Digest {
    pub(crate) fn add(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        self.0 = self.0.wrapping_add(row_hash(tree, key, value));
    }

    pub(crate) fn add_all(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }

    pub(crate) fn remove(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        self.0 = self.0.wrapping_sub(row_hash(tree, key, value));
    }
}

fn row_hash(tree: Tree, key: &[u8], value: &[u8]) -> u128 {
    // Gathered first: to hash so little in pieces takes several times as long.
    let mut row: SmallVec<[u8; 512]> = SmallVec::new();
    row.extend_from_slice(tree.name().as_bytes());
    row.push(0);
    row.extend_from_slice(&(key.len() as u64).to_le_bytes());
    row.extend_from_slice(key);
    row.extend_from_slice(value);
    xxh3_128(&row)
}
