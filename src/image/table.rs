//! A persistent hash table: cloning it costs a few pointers, and a clone never changes when the
//! original does.
//!
//! It is linear hashing over a persistent vector. The table is a row of small *shards*; a hash
//! picks its shard, and the few entries in it are compared one by one. Whenever the table grows
//! past [`PER_SHARD`] entries a shard, the next shard in turn is split in two, so growth is spread
//! over all insertions and none of them stalls. Changing an entry copies its shard and the path to
//! it, and only where a clone still shares them.
//!
//! The table knows nothing of its entries: callers bring the hash and the comparison. Hashes are
//! made by [`Table::hash`] and keyed with a random seed, so that keys from outside cannot be
//! chosen to collide.

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::quality::RandomState;
use smallvec::SmallVec;

/// Entries a shard when the table is as full as it gets, on average. The shard's own block holds
/// [`INLINE`] of them.
const PER_SHARD: usize = 6;
const INLINE: usize = 8;

type Shard<T> = SmallVec<[(u64, T); INLINE]>;

/// See the [module](self).
#[derive(Clone)]
pub(crate) struct Table<T: Clone> {
    shards: imbl::Vector<Arc<Shard<T>>>,
    len: usize,
    seed: RandomState,
}

impl<T: Clone> Table<T> {
    pub(crate) fn new() -> Self {
        Self {
            shards: imbl::Vector::unit(Arc::new(Shard::new())),
            len: 0,
            seed: RandomState::default(),
        }
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The hash under which this table keeps what `feed` feeds.
    pub(crate) fn hash(&self, feed: impl FnOnce(&mut dyn Hasher)) -> u64 {
        let mut hasher = self.seed.build_hasher();
        feed(&mut hasher);
        hasher.finish()
    }

    /// The entry with this hash that `is` recognises.
    pub(crate) fn get(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&T> {
        self.shards
            .get(self.shard_of(hash))?
            .iter()
            .find(|(h, entry)| *h == hash && is(entry))
            .map(|(_, entry)| entry)
    }

    /// Puts an entry in the place of the one that `is` recognises, or adds it.
    ///
    /// Answers the one that was there.
    pub(crate) fn put(&mut self, hash: u64, entry: T, is: impl Fn(&T) -> bool) -> Option<T> {
        let index = self.shard_of(hash);
        let shard = Arc::make_mut(self.shards.get_mut(index)?);
        if let Some((_, old)) = shard.iter_mut().find(|(h, e)| *h == hash && is(e)) {
            return Some(std::mem::replace(old, entry));
        }
        shard.push((hash, entry));
        self.len += 1;
        if self.len > self.shards.len() * PER_SHARD {
            self.split_one();
        }
        None
    }

    /// Changes the entry that `is` recognises, in place. Its hash must stay the same.
    pub(crate) fn change<R>(
        &mut self,
        hash: u64,
        is: impl Fn(&T) -> bool,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let index = self.shard_of(hash);
        let shard = Arc::make_mut(self.shards.get_mut(index)?);
        let (_, entry) = shard.iter_mut().find(|(h, e)| *h == hash && is(e))?;
        Some(change(entry))
    }

    /// Takes out the entry that `is` recognises.
    ///
    /// Shards are never merged: a catalog that shrank keeps a few bytes for each that was there.
    pub(crate) fn remove(&mut self, hash: u64, is: impl Fn(&T) -> bool) -> Option<T> {
        let index = self.shard_of(hash);
        let shared = self.shards.get(index)?;
        let at = shared.iter().position(|(h, e)| *h == hash && is(e))?;
        let shard = Arc::make_mut(self.shards.get_mut(index)?);
        self.len -= 1;
        Some(shard.swap_remove(at).1)
    }

    /// Every entry, in no order.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.shards
            .iter()
            .flat_map(|shard| shard.iter().map(|(_, entry)| entry))
    }

    /// Where a hash belongs, for the present number of shards.
    ///
    /// With `n` shards and `m` the power of two at or below `n`, the first `n - m` shards have
    /// been split already: their hashes are told apart by one more bit.
    fn shard_of(&self, hash: u64) -> usize {
        let shards = self.shards.len() as u64;
        let wide = shards.next_power_of_two() - 1;
        let index = hash & wide;
        // Fits: it is less than the number of shards.
        (if index < shards {
            index
        } else {
            index & (wide >> 1)
        }) as usize
    }

    /// Adds one shard, and moves into it what belongs there.
    fn split_one(&mut self) {
        let new = self.shards.len();
        self.shards.push_back(Arc::new(Shard::new()));
        // The one shard whose hashes the new one shares, but for the highest bit.
        let old = new - (new + 1).next_power_of_two() / 2;
        let Some(shard) = self.shards.get_mut(old) else {
            return;
        };
        let (moved, kept): (Shard<T>, Shard<T>) = std::mem::take(Arc::make_mut(shard))
            .into_iter()
            .partition(|(hash, _)| self.shard_of(*hash) == new);
        self.shards.set(old, Arc::new(kept));
        self.shards.set(new, Arc::new(moved));
    }
}

impl<T: Clone> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("len", &self.len).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn put(table: &mut Table<(u32, u32)>, key: u32, value: u32) -> Option<u32> {
        let hash = table.hash(|h| h.write_u32(key));
        table.put(hash, (key, value), |e| e.0 == key).map(|e| e.1)
    }

    fn get(table: &Table<(u32, u32)>, key: u32) -> Option<u32> {
        let hash = table.hash(|h| h.write_u32(key));
        table.get(hash, |e| e.0 == key).map(|e| e.1)
    }

    fn remove(table: &mut Table<(u32, u32)>, key: u32) -> Option<u32> {
        let hash = table.hash(|h| h.write_u32(key));
        table.remove(hash, |e| e.0 == key).map(|e| e.1)
    }

    #[test]
    fn every_entry_is_found_at_every_size() {
        let mut table = Table::new();
        for key in 0..5_000 {
            assert_eq!(put(&mut table, key, key + 1), None);
            for probe in [0, key / 2, key] {
                assert_eq!(get(&table, probe), Some(probe + 1));
            }
        }
        assert_eq!(table.len(), 5_000);
        assert_eq!(table.iter().count(), 5_000);
        for key in 0..5_000 {
            assert_eq!(get(&table, key), Some(key + 1));
        }
        assert_eq!(get(&table, 5_000), None);
    }

    proptest! {
        #[test]
        fn behaves_as_a_map_and_clones_stand_still(
            steps in prop::collection::vec((0u8..4, 0u32..200, any::<u32>()), 1..600)
        ) {
            let mut table = Table::new();
            let mut model = BTreeMap::new();
            let mut kept = Vec::new();
            for (step, key, value) in steps {
                match step {
                    0 | 1 => prop_assert_eq!(put(&mut table, key, value), model.insert(key, value)),
                    2 => prop_assert_eq!(remove(&mut table, key), model.remove(&key)),
                    _ => kept.push((table.clone(), model.clone())),
                }
                prop_assert_eq!(table.len(), model.len());
            }
            kept.push((table, model));
            for (table, model) in kept {
                let entries: BTreeMap<u32, u32> = table.iter().copied().collect();
                prop_assert_eq!(&entries, &model);
                for (key, value) in &model {
                    prop_assert_eq!(get(&table, *key), Some(*value));
                }
            }
        }
    }
}
