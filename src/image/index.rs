//! A persistent hash index: cloning it costs a pointer, and a clone never changes when the original
//! does.
//!
//! It holds no key, only 32 bits of its hash, its *tag*, beside each *entry*: callers bring the tag and
//! look at the record. An entry is a plain number, which costs nothing to copy: the
//! [slot](super::slab) of a record, or a tag to find it by elsewhere. Or it is one pointer or two to
//! the record, which is found with one wait for memory less.
//!
//! It is linear hashing over a persistent row of *chunks*. A hash picks its chunk, a small table of
//! [lines](Line), and in it the line where the search begins. Nearly every entry is in that line, so
//! a search looks at one line of the processor's cache, all of it at once: nothing that it has yet to
//! wait for decides where it goes on, and the next search can begin while this one waits for memory.
//! Whenever the index grows past some entries a chunk, the next chunk in turn is split in two, so
//! growth is spread over all insertions and none of them stalls.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

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
    fn empty() -> Self {
        Self {
            tags: [0; PLACES],
            entries: [const { None }; PLACES],
        }
    }

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

    fn is_full(&self) -> bool {
        self.entries.iter().all(Option::is_some)
    }
}

/// Lines, at least one of them with an empty place. An entry is in the first line from its home on
/// that had room when it came; the lines go round.
type Chunk<E, const PLACES: usize> = Arc<[Line<E, PLACES>]>;

/// See the [module](self). A line has so many places as fit into 64 bytes.
#[derive(Clone)]
pub(super) struct Index<E, const PLACES: usize> {
    chunks: Pages<Chunk<E, PLACES>>,
    /// The bits of a tag that tell chunks apart: as many as the number of the last chunk has.
    mask: usize,
    len: usize,
}

impl<E: Clone, const PLACES: usize> Index<E, PLACES> {
    /// Entries a chunk when the index is as full as it gets, on average.
    const PER_CHUNK: usize = 5 * PLACES;

    pub(super) fn new() -> Self {
        let mut chunks = Pages::new();
        chunks.push(filled([]));
        Self {
            chunks,
            mask: 0,
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
        chunk.get(home(tag.get(), chunk.len()))?.first(tag.get())
    }

    /// A search that did not end with the first entry that it looked at, from its beginning.
    #[cold]
    fn search<'a, T>(&'a self, tag: Tag, recognised: impl Fn(&'a E) -> Option<T>) -> Option<T> {
        let wanted = tag.get();
        let chunk = self.chunks.get(self.chunk_of(wanted))?;
        let mut at = home(wanted, chunk.len());
        loop {
            let line = chunk.get(at)?;
            let mut alike = line.iter().filter(|(tag, _)| *tag == wanted);
            let found = alike.find_map(|(_, entry)| recognised(entry));
            if found.is_some() || !line.is_full() {
                return found;
            }
            at = next(at, chunk.len());
        }
    }

    /// Adds an entry under this tag, where it is not yet.
    pub(super) fn insert(&mut self, tag: Tag, entry: E) {
        let tag = tag.get();
        let index = self.chunk_of(tag);
        let Some(chunk) = self.chunks.get_mut(index) else {
            return;
        };
        let used = entries(chunk).count();
        if 10 * (used + 1) > 7 * PLACES * chunk.len() {
            let mut more = all(chunk);
            more.push((tag, entry));
            *chunk = filled(more);
        } else {
            put(Arc::make_mut(chunk), (tag, entry));
        }
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
        let mut places = lines.flat_map(|line| line.tags.iter().zip(&mut line.entries));
        places.find_map(|(other, entry)| {
            let entry = entry.as_mut()?;
            (*other == tag && is(entry)).then_some(entry)
        })
    }

    /// Takes out the entry under this tag that is recognised.
    pub(super) fn remove(&mut self, tag: Tag, is: impl Fn(&E) -> bool) {
        let tag = tag.get();
        let index = self.chunk_of(tag);
        let Some(chunk) = self.chunks.get_mut(index) else {
            return;
        };
        let removed = |(other, entry): (u32, &E)| other == tag && is(entry);
        if entries(chunk).any(removed) {
            // Made anew: what found no room in its line may find it now, and must be there then.
            let mut kept = all(chunk);
            kept.retain(|(other, entry)| !removed((*other, entry)));
            *chunk = filled(kept);
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
    /// Chunks are never merged: an index that shrank keeps a few bytes for each entry that was.
    fn split_one(&mut self) {
        let new = self.chunks.len();
        // The one chunk whose tags the new one shares, but for the highest bit.
        let old = new - (new + 1).next_power_of_two() / 2;
        self.chunks.push(filled([]));
        self.mask = self.chunks.len().next_power_of_two() - 1;
        let Some(chunk) = self.chunks.get_mut(old) else {
            return;
        };
        let (moved, kept): (Vec<_>, Vec<_>) = all(chunk)
            .into_iter()
            .partition(|(tag, _)| self.chunk_of(*tag) == new);
        for (index, entries) in [(old, kept), (new, moved)] {
            if let Some(chunk) = self.chunks.get_mut(index) {
                *chunk = filled(entries);
            }
        }
    }
}

impl<E, const PLACES: usize> fmt::Debug for Index<E, PLACES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("len", &self.len).finish()
    }
}

/// The line of a chunk where the search for a tag begins.
fn home(tag: u32, lines: usize) -> usize {
    ((u64::from(tag) * lines as u64) >> 32) as usize
}

/// The line after this one.
fn next(at: usize, lines: usize) -> usize {
    if at + 1 < lines { at + 1 } else { 0 }
}

/// A chunk of its own size for these entries: half full, so that nearly all are at home.
fn filled<E, const PLACES: usize>(
    entries: impl IntoIterator<Item = Tagged<E>, IntoIter: ExactSizeIterator>,
) -> Chunk<E, PLACES> {
    let entries = entries.into_iter();
    let lines = (2 * entries.len()).div_ceil(PLACES).max(1);
    let mut chunk: Vec<_> = std::iter::repeat_with(Line::empty).take(lines).collect();
    entries.for_each(|entry| put(&mut chunk, entry));
    chunk.into()
}

fn entries<E, const PLACES: usize>(chunk: &[Line<E, PLACES>]) -> impl Iterator<Item = (u32, &E)> {
    chunk.iter().flat_map(Line::iter)
}

/// All entries of a chunk that another one is made of: taken out of it, unless a clone needs it.
fn all<E: Clone, const PLACES: usize>(chunk: &mut Chunk<E, PLACES>) -> Vec<Tagged<E>> {
    let Some(lines) = Arc::get_mut(chunk) else {
        return entries(chunk)
            .map(|(tag, entry)| (tag, entry.clone()))
            .collect();
    };
    let places = lines
        .iter_mut()
        .flat_map(|line| line.tags.iter().zip(&mut line.entries));
    places
        .filter_map(|(tag, entry)| Some((*tag, entry.take()?)))
        .collect()
}

/// Puts an entry into a chunk that has an empty place.
fn put<E, const PLACES: usize>(chunk: &mut [Line<E, PLACES>], (tag, entry): Tagged<E>) {
    let mut at = home(tag, chunk.len());
    loop {
        let line = &mut chunk[at];
        if let Some(place) = line.entries.iter().position(Option::is_none) {
            (line.tags[place], line.entries[place]) = (tag, Some(entry));
            return;
        }
        at = next(at, chunk.len());
    }
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
        assert_eq!(size_of::<Line<Tag, 8>>(), 64);
        assert_eq!(size_of::<Line<CourseNode, 3>>(), 64);
        assert_eq!(size_of::<Line<Entry, 5>>(), 64);
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
