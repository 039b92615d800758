//! A persistent hash index from keys to the slots of records: cloning it costs a pointer, and a
//! clone never changes when the original does.
//!
//! It holds no key, only 32 bits of its hash beside the slot: callers bring the hash and look at
//! the record. So it is small, and changing it copies plain numbers, never pointers to count.
//!
//! It is linear hashing over a persistent row of *chunks*. A hash picks its chunk, a small table of
//! [lines](Line), and in it the line where the search begins. Nearly every entry is in that line, so
//! a search looks at one line of the processor's cache, all of it at once: nothing that it has yet to
//! wait for decides where it goes on, and the next search can begin while this one waits for memory.
//! Whenever the index grows past [`PER_CHUNK`] entries a chunk, the next chunk in turn is split in
//! two, so growth is spread over all insertions and none of them stalls.

use std::fmt;
use std::sync::Arc;

use super::pages::Pages;
use super::slab::Slot;

/// Entries a chunk when the index is as full as it gets, on average.
const PER_CHUNK: usize = 40;
/// The most entries a chunk has for each of its lines, on average. More would not find room in the
/// line where they belong.
const PER_LINE: usize = 6;
/// How many there are for each line of a chunk that was just made.
const PER_NEW_LINE: usize = 5;
const PLACES: usize = 8;

/// The tag of an entry, and its slot as [bits](Slot::to_bits).
type Entry = (u32, u32);

/// As many entries as a line of the processor's cache holds. Empty places have the slot 0.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line {
    tags: [u32; PLACES],
    slots: [u32; PLACES],
}

/// Lines, at least one of them with an empty place. An entry is in the first line from its home on
/// that had room when it came; the lines go round.
type Chunk = Arc<[Line]>;

/// See the [module](self).
#[derive(Clone)]
pub(super) struct Index {
    chunks: Pages<Chunk>,
    /// The bits of a tag that tell chunks apart: as many as the number of the last chunk has.
    mask: usize,
    len: usize,
}

impl Index {
    pub(super) fn new() -> Self {
        let mut chunks = Pages::new();
        chunks.push(empty(1));
        Self {
            chunks,
            mask: 0,
            len: 0,
        }
    }

    /// What `recognised` makes of the one slot under this hash that it recognises.
    pub(super) fn find<T>(&self, hash: u64, recognised: impl Fn(Slot) -> Option<T>) -> Option<T> {
        let tag = tag(hash);
        let chunk = self.chunks.get(self.chunk_of(tag))?;
        let mut at = home(tag, chunk.len());
        loop {
            let line = chunk.get(at)?;
            let mut alike = places(&line.tags, tag);
            while alike != 0 {
                let place = alike.trailing_zeros() as usize / 8 % PLACES;
                // An empty place has no slot, but may look alike.
                if let Some(found) = Slot::from_bits(line.slots[place]).and_then(&recognised) {
                    return Some(found);
                }
                alike &= alike - 1;
            }
            if places(&line.slots, 0) != 0 {
                return None;
            }
            at = next(at, chunk);
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
        if used + 1 > chunk.len() * PER_LINE {
            *chunk = filled(entries(chunk), chunk.len() * 2);
        }
        put(Arc::make_mut(chunk), (tag, slot.to_bits()));
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
        let removed = (tag, slot.to_bits());
        if entries(chunk).any(|entry| entry == removed) {
            // Made anew: what found no room in its line may find it now, and must be there then.
            let kept = entries(chunk).filter(|entry| *entry != removed);
            *chunk = filled(kept, chunk.len());
            self.len -= 1;
        }
    }

    /// Where a tag belongs, for the present number of chunks.
    ///
    /// With `n` chunks and `m` the power of two at or below `n`, the first `n - m` chunks have
    /// been split already: their tags are told apart by one more bit.
    fn chunk_of(&self, tag: u32) -> usize {
        let index = tag as usize & self.mask;
        if index < self.chunks.len() {
            index
        } else {
            index & (self.mask >> 1)
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
        self.chunks.push(empty(1));
        self.mask = self.chunks.len().next_power_of_two() - 1;
        let (moved, kept): (Vec<Entry>, Vec<Entry>) =
            entries(&chunk).partition(|(tag, _)| self.chunk_of(*tag) == new);
        for (index, entries) in [(old, kept), (new, moved)] {
            if let Some(chunk) = self.chunks.get_mut(index) {
                let lines = entries.len().div_ceil(PER_NEW_LINE).max(1);
                *chunk = filled(entries.into_iter(), lines);
            }
        }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("len", &self.len).finish()
    }
}

/// The places where this number is: a byte for each, 0 where it is not. It looks at all of them,
/// whatever is there.
fn places(numbers: &[u32; PLACES], wanted: u32) -> u64 {
    u64::from_le_bytes(numbers.map(|number| u8::from(number == wanted)))
}

/// The part of a hash that is kept. The chunk is picked by its low bits, the line by its high ones.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The line of a chunk where the search for a tag begins.
fn home(tag: u32, lines: usize) -> usize {
    ((u64::from(tag) * lines as u64) >> 32) as usize
}

/// The line after this one.
fn next(at: usize, chunk: &[Line]) -> usize {
    if at + 1 < chunk.len() { at + 1 } else { 0 }
}

fn empty(lines: usize) -> Chunk {
    std::iter::repeat_n(Line::default(), lines).collect()
}

fn filled(entries: impl Iterator<Item = Entry>, lines: usize) -> Chunk {
    let mut chunk = vec![Line::default(); lines];
    entries.for_each(|entry| put(&mut chunk, entry));
    chunk.into()
}

fn entries(chunk: &[Line]) -> impl Iterator<Item = Entry> {
    let places = chunk
        .iter()
        .flat_map(|line| line.tags.into_iter().zip(line.slots));
    places.filter(|(_, slot)| *slot != 0)
}

/// Puts an entry into a chunk that has an empty place.
fn put(chunk: &mut [Line], (tag, slot): Entry) {
    let mut at = home(tag, chunk.len());
    loop {
        let line = &mut chunk[at];
        if let Some(place) = line.slots.iter().position(|slot| *slot == 0) {
            (line.tags[place], line.slots[place]) = (tag, slot);
            return;
        }
        at = next(at, chunk);
    }
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
        let own = |found| (found == slot(key)).then_some(());
        index.find(hash(key), own).is_some()
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
