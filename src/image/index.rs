//! A persistent hash index from keys to the slots of records: cloning it costs a pointer, and a
//! clone never changes when the original does.
//!
//! It holds no key, only 32 bits of its hash beside the slot: callers bring the hash and look at
//! the record. So it is small, and changing it copies plain numbers, never pointers to count.
//!
//! It is linear hashing over a persistent row of *chunks*. A hash picks its chunk, a small table
//! with open addressing. Whenever the index grows past [`PER_CHUNK`] entries a chunk, the next
//! chunk in turn is split in two, so growth is spread over all insertions and none of them stalls.

use std::fmt;
use std::sync::Arc;

use super::pages::Pages;
use super::slab::Slot;

/// Entries a chunk when the index is as full as it gets, on average.
const PER_CHUNK: usize = 48;
const MIN_CAPACITY: usize = 16;

/// An entry: the tag in the high half, the slot in the low one; 0 where there is none.
type Entry = u64;
/// A power of two of places, at least one of them empty.
type Chunk = Arc<[Entry]>;

/// See the [module](self).
#[derive(Clone)]
pub(super) struct Index {
    chunks: Pages<Chunk>,
    len: usize,
}

impl Index {
    pub(super) fn new() -> Self {
        let mut chunks = Pages::new();
        chunks.push(empty(MIN_CAPACITY));
        Self { chunks, len: 0 }
    }

    /// The slot under this hash whose record `is` recognises.
    pub(super) fn find(&self, hash: u64, is: impl Fn(Slot) -> bool) -> Option<Slot> {
        let tag = tag(hash);
        let chunk = self.chunks.get(self.chunk_of(tag))?;
        let mut at = home(tag, chunk.len());
        loop {
            let entry = *chunk.get(at)?;
            let slot = slot_of(entry)?;
            if tag_of(entry) == tag && is(slot) {
                return Some(slot);
            }
            at = (at + 1) & (chunk.len() - 1);
        }
    }

    /// Adds a slot under this hash, where it is not yet.
    pub(super) fn insert(&mut self, hash: u64, slot: Slot) {
        let tag = tag(hash);
        let index = self.chunk_of(tag);
        let Some(chunk) = self.chunks.get_mut(index) else {
            return;
        };
        let used = entries(chunk).count();
        if (used + 1) * 8 > chunk.len() * 7 {
            *chunk = filled(entries(chunk), chunk.len() * 2);
        }
        put(Arc::make_mut(chunk), entry(tag, slot));
        self.len += 1;
        if self.len > self.chunks.len() * PER_CHUNK {
            self.split_one();
        }
    }

    /// Takes out a slot that is under this hash.
    pub(super) fn remove(&mut self, hash: u64, slot: Slot) {
        let tag = tag(hash);
        let index = self.chunk_of(tag);
        let Some(chunk) = self.chunks.get_mut(index) else {
            return;
        };
        let wanted = entry(tag, slot);
        let Some(at) = chunk.iter().position(|entry| *entry == wanted) else {
            return;
        };
        take(Arc::make_mut(chunk), at);
        self.len -= 1;
    }

    /// Where a tag belongs, for the present number of chunks.
    ///
    /// With `n` chunks and `m` the power of two at or below `n`, the first `n - m` chunks have
    /// been split already: their tags are told apart by one more bit.
    fn chunk_of(&self, tag: u32) -> usize {
        let chunks = self.chunks.len();
        let wide = chunks.next_power_of_two() - 1;
        let index = tag as usize & wide;
        if index < chunks {
            index
        } else {
            index & (wide >> 1)
        }
    }

    /// Adds one chunk, and moves into it what belongs there.
    ///
    /// Chunks are never merged: an index that shrank keeps a few bytes for each entry that was.
    fn split_one(&mut self) {
        let new = self.chunks.len();
        // The one chunk whose tags the new one shares, but for the highest bit.
        let old = new - (new + 1).next_power_of_two() / 2;
        let Some(chunk) = self.chunks.get(old).cloned() else {
            return;
        };
        self.chunks.push(empty(MIN_CAPACITY));
        let (moved, kept): (Vec<Entry>, Vec<Entry>) =
            entries(&chunk).partition(|entry| self.chunk_of(tag_of(*entry)) == new);
        for (index, entries) in [(old, kept), (new, moved)] {
            if let Some(chunk) = self.chunks.get_mut(index) {
                let capacity = (entries.len() * 4 / 3 + 1).next_power_of_two();
                *chunk = filled(entries.into_iter(), capacity.max(MIN_CAPACITY));
            }
        }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("len", &self.len).finish()
    }
}

/// The part of a hash that is kept. The chunk is picked by its low bits, the place by its high ones.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

fn entry(tag: u32, slot: Slot) -> Entry {
    u64::from(tag) << 32 | u64::from(slot.to_bits())
}

fn tag_of(entry: Entry) -> u32 {
    (entry >> 32) as u32
}

/// The slot of an entry; `None` if it is an empty place.
fn slot_of(entry: Entry) -> Option<Slot> {
    // The low half.
    Slot::from_bits(entry as u32)
}

/// The place in a chunk where the search for a tag begins.
fn home(tag: u32, capacity: usize) -> usize {
    ((u64::from(tag) * capacity as u64) >> 32) as usize
}

fn empty(capacity: usize) -> Chunk {
    std::iter::repeat_n(0, capacity).collect()
}

fn filled(entries: impl Iterator<Item = Entry>, capacity: usize) -> Chunk {
    let mut chunk = vec![0; capacity];
    entries.for_each(|entry| put(&mut chunk, entry));
    chunk.into()
}

fn entries(chunk: &[Entry]) -> impl Iterator<Item = Entry> {
    chunk.iter().copied().filter(|entry| *entry != 0)
}

/// Puts an entry into a chunk that has an empty place.
fn put(chunk: &mut [Entry], entry: Entry) {
    let mut at = home(tag_of(entry), chunk.len());
    while chunk[at] != 0 {
        at = (at + 1) & (chunk.len() - 1);
    }
    chunk[at] = entry;
}

/// Empties a place, and moves up what could no longer be found behind it.
fn take(chunk: &mut [Entry], mut hole: usize) {
    let mask = chunk.len() - 1;
    let mut at = hole;
    loop {
        at = (at + 1) & mask;
        let entry = chunk[at];
        if entry == 0 {
            break;
        }
        // It may move if its search, which begins at its home, comes past the hole.
        let searched = at.wrapping_sub(home(tag_of(entry), chunk.len())) & mask;
        if searched >= (at.wrapping_sub(hole) & mask) {
            chunk[hole] = entry;
            hole = at;
        }
    }
    chunk[hole] = 0;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Spread over the tags, and not too well: some collide.
    fn hash(key: u32) -> u64 {
        u64::from(key / 3).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn slot(key: u32) -> Slot {
        Slot::from_bits(key + 1).unwrap()
    }

    fn has(index: &Index, key: u32) -> bool {
        index.find(hash(key), |found| found == slot(key)).is_some()
    }

    #[test]
    fn every_entry_is_found_at_every_size() {
        let mut index = Index::new();
        for key in 0..5_000 {
            assert!(!has(&index, key));
            index.insert(hash(key), slot(key));
            for probe in [0, key / 2, key] {
                assert!(has(&index, probe));
            }
        }
        assert_eq!(index.len, 5_000);
        assert!((0..5_000).all(|key| has(&index, key)));
    }

    proptest! {
        #[test]
        fn behaves_as_a_set_and_clones_stand_still(
            steps in prop::collection::vec((0u8..8, 0u32..300), 1..1_200)
        ) {
            let mut index = Index::new();
            let mut model = BTreeMap::new();
            let mut kept = Vec::new();
            for (step, key) in steps {
                match step {
                    0..=4 if !model.contains_key(&key) => {
                        index.insert(hash(key), slot(key));
                        model.insert(key, ());
                    }
                    7 if kept.len() < 20 => kept.push((index.clone(), model.clone())),
                    _ => {
                        index.remove(hash(key), slot(key));
                        model.remove(&key);
                    }
                }
                prop_assert_eq!(index.len, model.len());
            }
            kept.push((index, model));
            for (index, model) in kept {
                for key in 0..300 {
                    prop_assert_eq!(has(&index, key), model.contains_key(&key), "{}", key);
                }
            }
        }
    }
}
