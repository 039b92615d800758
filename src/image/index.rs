//! A persistent hash index: cloning it costs a pointer, and a clone never changes when the original
//! does.
//!
//! It holds no key, only 32 bits of its hash, its *tag*, beside each *entry*: callers bring the tag and
//! look at the record. An entry is a plain number, which costs nothing to copy, the
//! [slot](super::slab) of a record. Or it is one pointer or two to the record, which is found with one
//! wait for memory less.
//!
//! It is linear hashing over a persistent row of *chunks*. A hash picks its chunk, a small table of
//! [lines](Line), and in it the line where the search begins. Nearly every entry is in that line, so
//! a search looks at one line of the processor's cache, all of it at once: nothing that it has yet to
//! wait for decides where it goes on, and the next search can begin while this one waits for memory.
//! Whenever the index grows past some entries a chunk, the next chunk in turn is split in two, so
//! growth is spread over all insertions and none of them stalls. The few entries that find their
//! chunk full are kept beside it.

use std::fmt;
use std::mem;
use std::num::NonZeroU32;
use std::sync::Arc;

use imbl::OrdMap;

use super::pages::Pages;

/// The part of a hash that is kept, and enough to find an entry by.
///
/// The chunk is picked by its low bits, the line by its high ones. An empty place has 0 in its stead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tag(NonZeroU32);

impl Tag {
    #[inline(always)]
    pub(super) fn of(hash: u64) -> Self {
        Self(NonZeroU32::new((hash >> 32) as u32).unwrap_or(NonZeroU32::MIN))
    }

    #[inline(always)]
    fn get(self) -> u32 {
        self.0.get()
    }
}

/// The tag of an entry, and the entry.
type Tagged<E> = (u32, E);

/// As many entries as a line of the processor's cache holds.
#[derive(Clone)]
#[repr(align(64))]
struct Line<E, const PLACES: usize> {
    tags: [u32; PLACES],
    entries: [Option<E>; PLACES],
}

impl<E, const PLACES: usize> Line<E, PLACES> {
    const EMPTY: Self = Self {
        tags: [0; PLACES],
        entries: [const { None }; PLACES],
    };

    /// The first entry with this tag. It looks at all tags, whatever they are.
    #[inline(always)]
    fn first(&self, tag: u32) -> Option<&E> {
        let mut first = PLACES;
        for place in (0..PLACES).rev() {
            if self.tags[place] == tag {
                first = place;
            }
        }
        self.entries.get(first)?.as_ref()
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &E)> {
        let places = self.tags.iter().zip(&self.entries);
        places.filter_map(|(tag, entry)| Some((*tag, entry.as_ref()?)))
    }

    fn into_iter(self) -> impl Iterator<Item = Tagged<E>> {
        let places = self.tags.into_iter().zip(self.entries);
        places.filter_map(|(tag, entry)| Some((tag, entry?)))
    }

    /// Its first empty place.
    fn room(&self) -> Option<usize> {
        self.entries.iter().position(Option::is_none)
    }
}

/// Lines of a chunk. With the two counts of its pointer, which take a line too, it is 512 bytes: mimalloc,
/// for one, aligns that without spending more.
const LINES: usize = 7;

/// Lines. An entry is in the first one from its home on that had room when it came; the lines go
/// round. If all were full, it is beside.
type Chunk<E, const PLACES: usize> = Arc<[Line<E, PLACES>; LINES]>;

/// See the [module](self). A line has so many places as fit into 64 bytes.
#[derive(Clone)]
pub(super) struct Index<E, const PLACES: usize> {
    chunks: Pages<Chunk<E, PLACES>>,
    /// By the number of their chunk, entries that it has no room for. Only a full chunk has some.
    beside: OrdMap<usize, Vec<Tagged<E>>>,
    /// The bits of a tag that tell chunks apart: as many as the number of the last chunk has.
    mask: usize,
    len: usize,
}

impl<E: Clone, const PLACES: usize> Index<E, PLACES> {
    /// Entries a chunk, on average: a third of its places. One that is next to be split has up to
    /// twice as many.
    const PER_CHUNK: usize = LINES * PLACES / 3;

    pub(super) fn new() -> Self {
        Self::with_room(0)
    }

    /// An empty index with chunks for so many entries, which lie side by side then: less for a
    /// processor to translate addresses of.
    pub(super) fn with_room(entries: usize) -> Self {
        let mut chunks = Pages::new();
        for _ in 0..entries.div_ceil(Self::PER_CHUNK).max(1) {
            chunks.push(empty());
        }
        Self {
            mask: chunks.len().next_power_of_two() - 1,
            chunks,
            beside: OrdMap::new(),
            len: 0,
        }
    }

    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What `recognised` makes of the one entry under this tag that it recognises.
    #[inline(always)]
    pub(super) fn find<'a, T>(
        &'a self,
        tag: Tag,
        recognised: impl Fn(&'a E) -> Option<T>,
    ) -> Option<T> {
        match self.likely(tag).and_then(&recognised) {
            None => self.search(tag, recognised),
            found => found,
        }
    }

    /// The entry that `find` looks at first, which nearly always is the only one under this tag.
    ///
    /// Whoever looks for many can ask for all of these before looking at any of the records, so that
    /// the processor waits for all of them at the same time.
    #[inline(always)]
    pub(super) fn likely(&self, tag: Tag) -> Option<&E> {
        let chunk = self.chunks.get(self.chunk_of(tag.get()))?;
        chunk[home(tag.get())].first(tag.get())
    }

    /// A search that did not end with the first entry that it looked at, from its beginning.
    // Not in line, where it would take registers from what nearly always is enough.
    #[cold]
    #[inline(never)]
    fn search<'a, T>(&'a self, tag: Tag, recognised: impl Fn(&'a E) -> Option<T>) -> Option<T> {
        let wanted = tag.get();
        let index = self.chunk_of(wanted);
        let chunk = self.chunks.get(index)?;
        for line in from_home(wanted).map(|at| &chunk[at]) {
            let mut alike = line.iter().filter(|(tag, _)| *tag == wanted);
            let found = alike.find_map(|(_, entry)| recognised(entry));
            if found.is_some() || line.room().is_some() {
                return found;
            }
        }
        let beside = self.beside.get(&index).into_iter().flatten();
        let mut alike = beside.filter(|(tag, _)| *tag == wanted);
        alike.find_map(|(_, entry)| recognised(entry))
    }

    /// Adds an entry under this tag, where it is not yet.
    pub(super) fn insert(&mut self, tag: Tag, entry: E) {
        let tag = tag.get();
        self.put(self.chunk_of(tag), (tag, entry));
        self.len += 1;
        if self.len > self.chunks.len() * Self::PER_CHUNK {
            self.split_one();
        }
    }

    /// The entry under this tag that is recognised, to change in place.
    pub(super) fn get_mut(&mut self, tag: Tag, is: impl Fn(&E) -> bool) -> Option<&mut E> {
        let tag = tag.get();
        let index = self.chunk_of(tag);
        let lines = Arc::make_mut(self.chunks.get_mut(index)?).iter_mut();
        let places = lines.flat_map(|line| line.tags.iter().zip(&mut line.entries));
        let here = places.filter_map(|(tag, entry)| Some((*tag, entry.as_mut()?)));
        // To ask for what is not there to change would copy where it might be.
        let beside = match self.beside.contains_key(&index) {
            true => self.beside.get_mut(&index),
            false => None,
        };
        let beside = beside.into_iter().flatten();
        let mut all = here.chain(beside.map(|(tag, entry)| (*tag, entry)));
        all.find_map(|(other, entry)| (other == tag && is(entry)).then_some(entry))
    }

    /// Takes out the entry under this tag that is recognised.
    pub(super) fn remove(&mut self, tag: Tag, is: impl Fn(&E) -> bool) {
        let found = self.find(tag, |entry| is(entry).then_some(()));
        if found.is_some() {
            // Made anew: what found no room in its line may find it now, and must be there then.
            let index = self.chunk_of(tag.get());
            let mut gone = false;
            for (other, entry) in self.take(index) {
                if !gone && other == tag.get() && is(&entry) {
                    gone = true;
                } else {
                    self.put(index, (other, entry));
                }
            }
            self.len -= 1;
        }
    }

    /// Where a tag belongs, for the present number of chunks.
    ///
    /// With `n` chunks and `m` the power of two at or below `n`, the first `n - m` chunks have
    /// been split already: their tags are told apart by one more bit.
    #[inline(always)]
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
    /// Chunks are never merged: an index that shrank keeps some bytes for each entry that was.
    fn split_one(&mut self) {
        let new = self.chunks.len();
        // The one chunk whose tags the new one shares, but for the highest bit.
        let old = new - (new + 1).next_power_of_two() / 2;
        let entries = self.take(old);
        self.chunks.push(empty());
        self.mask = self.chunks.len().next_power_of_two() - 1;
        for entry in entries {
            self.put(self.chunk_of(entry.0), entry);
        }
    }

    /// Puts an entry into this chunk, which is there, or beside it.
    fn put(&mut self, index: usize, (tag, entry): Tagged<E>) {
        let Some(chunk) = self.chunks.get_mut(index) else {
            return;
        };
        for at in from_home(tag) {
            if let Some(place) = chunk[at].room() {
                let line = &mut Arc::make_mut(chunk)[at];
                (line.tags[place], line.entries[place]) = (tag, Some(entry));
                return;
            }
        }
        self.beside.entry(index).or_default().push((tag, entry));
    }

    /// Leaves this chunk empty, and gives all entries that were in it or beside it.
    fn take(&mut self, index: usize) -> Vec<Tagged<E>> {
        let Some(chunk) = self.chunks.get_mut(index) else {
            return Vec::new();
        };
        let chunk = Arc::unwrap_or_clone(mem::replace(chunk, empty()));
        let mut all: Vec<_> = chunk.into_iter().flat_map(Line::into_iter).collect();
        if self.beside.contains_key(&index) {
            all.extend(self.beside.remove(&index).unwrap_or_default());
        }
        all
    }
}

impl<E, const PLACES: usize> fmt::Debug for Index<E, PLACES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("len", &self.len).finish()
    }
}

fn empty<E, const PLACES: usize>() -> Chunk<E, PLACES> {
    Arc::new([const { Line::EMPTY }; LINES])
}

/// The line of a chunk where the search for a tag begins.
#[inline(always)]
fn home(tag: u32) -> usize {
    ((u64::from(tag) * LINES as u64) >> 32) as usize
}

/// All lines of a chunk, in the order in which a tag is searched for.
fn from_home(tag: u32) -> impl Iterator<Item = usize> {
    (home(tag)..LINES).chain(0..home(tag))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::CourseNode;
    use super::super::slab::Slot;
    use super::*;

    /// Spread over the tags, and not too well: some collide.
    fn tag(key: u32) -> Tag {
        Tag::of(u64::from(key / 3).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Pointers, as they are the hardest to get right, to a key and a version.
    type Entry = Arc<(u32, u32)>;

    fn find(index: &Index<Entry, 5>, key: u32) -> Option<u32> {
        index.find(tag(key), |entry| (entry.0 == key).then_some(entry.1))
    }

    #[test]
    fn every_entry_is_found_at_every_size() {
        let mut index = Index::new();
        for key in 0..5_000 {
            assert_eq!(find(&index, key), None);
            index.insert(tag(key), Arc::new((key, 0)));
            for probe in [0, key / 2, key] {
                assert_eq!(find(&index, probe), Some(0));
            }
        }
        assert_eq!(index.len(), 5_000);
        assert!((0..5_000).all(|key| find(&index, key) == Some(0)));
    }

    #[test]
    fn a_line_is_one_of_the_cache() {
        assert_eq!(size_of::<Line<Slot, 8>>(), 64);
        assert_eq!(size_of::<Line<CourseNode, 3>>(), 64);
        assert_eq!(size_of::<Line<Entry, 5>>(), 64);
        assert_eq!(64 + size_of::<[Line<Entry, 5>; LINES]>(), 512);
    }

    #[test]
    fn entries_are_found_whatever_room_was_made_for_them() {
        for room in [0, 1, 100, 2_000, 9_000] {
            let mut index: Index<Entry, 5> = Index::with_room(room);
            for key in 0..3_000 {
                assert_eq!(find(&index, key), None);
                index.insert(tag(key), Arc::new((key, key)));
            }
            assert_eq!(index.len(), 3_000);
            assert!((0..3_000).all(|key| find(&index, key) == Some(key)));
        }
    }

    #[test]
    fn entries_of_one_tag_are_all_found() {
        let mut index = Index::new();
        let find = |index: &Index<Entry, 5>, key| {
            index.find(Tag::of(7 << 32), |entry| {
                (entry.0 == key).then_some(entry.1)
            })
        };
        for key in 0..100 {
            index.insert(Tag::of(7 << 32), Arc::new((key, key)));
            assert!((0..=key).all(|key| find(&index, key) == Some(key)));
        }
        for key in 0..100 {
            index.remove(Tag::of(7 << 32), |entry| entry.0 == key);
            assert_eq!(find(&index, key), None);
            assert!((key + 1..100).all(|key| find(&index, key) == Some(key)));
        }
    }

    proptest! {
        #[test]
        fn behaves_as_a_map_and_clones_stand_still(
            steps in prop::collection::vec((0u8..10, 0u32..300), 1..1_200)
        ) {
            let mut index: Index<Entry, 5> = Index::new();
            let mut model = BTreeMap::new();
            let mut kept = Vec::new();
            for (version, (step, key)) in (0..).zip(steps) {
                let entry = Arc::new((key, version));
                match step {
                    0..=4 if !model.contains_key(&key) => {
                        index.insert(tag(key), entry);
                        model.insert(key, version);
                    }
                    0..=6 => {
                        if let Some(held) = index.get_mut(tag(key), |entry| entry.0 == key) {
                            *held = entry;
                        }
                        model.entry(key).and_modify(|old| *old = version);
                    }
                    7 if kept.len() < 20 => kept.push((index.clone(), model.clone())),
                    _ => {
                        index.remove(tag(key), |entry| entry.0 == key);
                        model.remove(&key);
                    }
                }
                prop_assert_eq!(index.len(), model.len());
            }
            kept.push((index, model));
            for (index, model) in kept {
                for key in 0..300 {
                    prop_assert_eq!(find(&index, key), model.get(&key).copied(), "{}", key);
                }
            }
        }
    }
}
