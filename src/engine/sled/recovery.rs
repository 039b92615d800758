//! What a journal holds that the trees do not have, found when a store is opened. Changes nothing.
//!
//! A power cut may take any part of what was not durable, so a frame that cannot be read is not yet
//! damage. It is where another frame says that it was durable.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::RangeInclusive;
use std::path::Path;

use super::frame::{self, ALIGNMENT, Frame, Header};
use super::journal::{FILES, MOST_BYTES};
use super::rows::Rows;
use super::{EngineError, Tree};

/// What was found in a journal.
#[derive(Debug)]
pub(super) struct Recovered {
    /// The rows that are not in the trees.
    pub(super) rows: Rows,
    /// The newest generation of which there is anything.
    pub(super) newest: Option<u64>,
    /// What was durable and is not there, in words.
    pub(super) missing: Option<String>,
}

impl Recovered {
    /// Looks in the journal in `dir` for what is beyond the generation that has been carried to these
    /// trees: the next one, and the one after that, which is begun while the other is on its way.
    ///
    /// # Errors
    /// [`EngineError::Io`] for a file that cannot be read, [`EngineError::Damaged`] for one that is
    /// none of a journal's.
    pub(super) fn look(dir: &Path, carried: u64, trees: &[Tree]) -> Result<Self, EngineError> {
        let generations = &(carried.saturating_add(1)..=u64::MAX);
        let mut found = Vec::new();
        for name in FILES {
            found.extend(Generation::read(&dir.join(name), generations)?);
        }
        found.sort_by_key(|generation| generation.number);
        let mut recovered = Self {
            rows: Rows::default(),
            newest: None,
            missing: None,
        };
        let mut before = (carried, usize::MAX);
        for generation in found {
            let number = generation.number;
            if number - 1 != before.0 || before.1 < generation.previous {
                recovered.misses(number - 1);
            }
            if generation.frames.len() < generation.durable {
                recovered.misses(number);
            }
            before = (number, generation.frames.len());
            recovered.newest = Some(number);
            for frame in generation.frames.into_iter().chain(generation.after_gap) {
                recovered.rows.add_frame(frame, trees)?;
            }
        }
        Ok(recovered)
    }

    fn misses(&mut self, generation: u64) {
        self.missing.get_or_insert_with(|| {
            // Where a whole generation is missing, it may also be the trees that have lost it again.
            format!(
                "a part of the journal, or of the log after it, is lost: generation {generation}"
            )
        });
    }
}

/// The frames of one generation that can be read.
struct Generation {
    number: u64,
    /// Those from the first to the last before one that cannot be read.
    frames: Vec<Frame>,
    /// Those beyond it, if it was durable: there is no telling what the one that is missing had.
    after_gap: Vec<Frame>,
    /// How many frames are known to have been durable.
    durable: usize,
    /// How many the generation before is known to have had.
    previous: usize,
}

impl Generation {
    /// The generation in a file, if it is one of these.
    fn read(path: &Path, generations: &RangeInclusive<u64>) -> Result<Option<Self>, EngineError> {
        let bytes = read_file(path)?;
        let mut at = 0;
        let mut frames: Vec<Frame> = Vec::new();
        while let Some(frame) = frame::read(&bytes[at.min(bytes.len())..], generations) {
            let follows = frames
                .first()
                .is_none_or(|first: &Frame| first.header.generation == frame.header.generation);
            if !follows || frame.header.index as usize != frames.len() {
                break;
            }
            at += frame.bytes;
            frames.push(frame);
        }
        let mut after_gap: Vec<Frame> = (at..bytes.len())
            .step_by(ALIGNMENT)
            .filter_map(|at| {
                let frame = frame::read(&bytes[at..], generations)?;
                // What only looks like a frame, in a value, is not at its place.
                let Header { index, durable, .. } = frame.header;
                (index as usize <= at / ALIGNMENT && durable <= index).then_some(frame)
            })
            .collect();
        let any = frames.first().or(after_gap.last());
        let Some(number) = any.map(|frame| frame.header.generation) else {
            return Ok(None);
        };
        after_gap.retain(|frame| {
            frame.header.generation == number && frame.header.index as usize > frames.len()
        });
        let headers = || frames.iter().chain(&after_gap).map(|frame| frame.header);
        let durable = headers()
            .map(|header| header.durable as usize)
            .max()
            .unwrap_or(0);
        let previous = headers()
            .map(|header| header.previous as usize)
            .max()
            .unwrap_or(0);
        if durable <= frames.len() {
            // What comes after a frame that a power cut has taken was not durable either.
            after_gap.clear();
        }
        Ok(Some(Self {
            number,
            frames,
            after_gap,
            durable,
            previous,
        }))
    }
}

/// What is in a file; nothing if there is none.
fn read_file(path: &Path) -> Result<Vec<u8>, EngineError> {
    let failed = |source| EngineError::Io {
        doing: "reading",
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let length = file.metadata().map_err(failed)?.len();
    if length > MOST_BYTES {
        return Err(EngineError::Damaged {
            detail: format!(
                "{} has {length} bytes, which no journal has",
                path.display()
            ),
        });
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::journal::Journal;
    use super::*;
    use crate::engine::Batch;

    const TREE: Tree = Tree::new("tree");
    const TREES: &[Tree] = &[TREE];

    fn batch(key: u8) -> Batch {
        let mut batch = Batch::new();
        batch.put(TREE, vec![key], None, Some(vec![key; 10]));
        batch
    }

    /// A journal of two generations, of three frames each, one key in each. Those of the second are
    /// durable up to a number.
    fn two_generations(dir: &Path, durable: usize) -> Journal {
        let mut journal = Journal::open(dir, 1, 32 << 10).unwrap();
        (0..3).for_each(|key| journal.append(&batch(key)).unwrap());
        journal.turn().unwrap();
        for key in 3..6 {
            journal.append(&batch(key)).unwrap();
            if usize::from(key) < 3 + durable {
                journal.sync().unwrap();
            }
        }
        journal
    }

    /// The keys that are found beyond a generation, or what is missing.
    fn look(dir: &Path, carried: u64) -> Result<Vec<u8>, String> {
        let recovered = Recovered::look(dir, carried, TREES).unwrap();
        let trees = recovered.rows.sorted();
        let keys = trees.values().flatten().map(|row| row.key[0]).collect();
        recovered.missing.map_or(Ok(keys), Err)
    }

    /// Makes a frame unreadable.
    fn spoil(dir: &Path, generation: u64, frame: usize) {
        let path = dir.join(FILES[usize::from(generation % 2 == 1)]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[frame * ALIGNMENT + 20] ^= 1;
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn what_was_not_carried_is_found() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(look(dir.path(), 0), Ok(vec![]));
        drop(two_generations(dir.path(), 3));
        assert_eq!(look(dir.path(), 0), Ok(vec![0, 1, 2, 3, 4, 5]));
        assert_eq!(look(dir.path(), 1), Ok(vec![3, 4, 5]));
        assert_eq!(look(dir.path(), 2), Ok(vec![]));
    }

    #[test]
    fn what_an_older_generation_left_in_a_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = two_generations(dir.path(), 3);
        journal.turn().unwrap();
        assert_eq!(look(dir.path(), 1), Ok(vec![3, 4, 5]));
        journal.append(&batch(6)).unwrap();
        assert_eq!(look(dir.path(), 1), Ok(vec![3, 4, 5, 6]));
        assert_eq!(look(dir.path(), 2), Ok(vec![6]));
    }

    #[test]
    fn a_frame_that_was_not_durable_may_be_gone_and_takes_those_after_it_along() {
        for (durable, spoiled, kept) in [(0, 0, 3), (0, 1, 4), (1, 1, 4), (1, 2, 5), (2, 2, 5)] {
            let dir = tempfile::tempdir().unwrap();
            drop(two_generations(dir.path(), durable));
            spoil(dir.path(), 2, spoiled);
            assert_eq!(look(dir.path(), 0), Ok((0..kept).collect()));
        }
    }

    #[test]
    fn a_frame_that_was_durable_is_missed() {
        for (durable, spoiled) in [(2, 0), (2, 1), (3, 0), (3, 1)] {
            let dir = tempfile::tempdir().unwrap();
            drop(two_generations(dir.path(), durable));
            spoil(dir.path(), 2, spoiled);
            let missing = look(dir.path(), 0).unwrap_err();
            assert!(missing.ends_with("generation 2"), "{missing}");
        }
        // The next generation began only once all of this one was durable.
        for spoiled in 0..3 {
            let dir = tempfile::tempdir().unwrap();
            drop(two_generations(dir.path(), 1));
            spoil(dir.path(), 1, spoiled);
            let missing = look(dir.path(), 0).unwrap_err();
            assert!(missing.ends_with("generation 1"), "{missing}");
            assert_eq!(look(dir.path(), 1), Ok(vec![3, 4, 5]));
        }
    }

    #[test]
    fn a_file_that_is_lost_is_missed_if_the_next_one_tells_of_it() {
        let dir = tempfile::tempdir().unwrap();
        drop(two_generations(dir.path(), 0));
        fs::remove_file(dir.path().join(FILES[1])).unwrap();
        assert!(look(dir.path(), 0).is_err());
        assert_eq!(look(dir.path(), 1), Ok(vec![3, 4, 5]));
    }

    /// Files that come back after they were removed are of generations that were carried. Newer ones, but
    /// for the next two, can only be there if the trees have lost what had been carried.
    #[test]
    fn generations_that_nothing_leads_to_are_a_sign_of_loss() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), 51, 32 << 10).unwrap();
        journal.append(&batch(0)).unwrap();
        journal.turn().unwrap();
        journal.append(&batch(1)).unwrap();
        assert_eq!(look(dir.path(), 50), Ok(vec![0, 1]));
        for carried in [0, 40, 49] {
            assert!(look(dir.path(), carried).is_err(), "{carried}");
        }
    }

    /// What claims to be a frame, at every place where one may be.
    #[test]
    fn headers_that_claim_much_cost_little() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = vec![0; 1 << 20];
        for header in bytes.chunks_mut(ALIGNMENT) {
            header[4..8].copy_from_slice(&900_000_u32.to_le_bytes());
            header[8] = 1;
        }
        fs::write(dir.path().join(FILES[1]), bytes).unwrap();
        assert_eq!(look(dir.path(), 0), Ok(vec![]));
    }

    /// The limit on a file's length was a number of its own, and stayed when generations got longer: a
    /// store whose journal had grown could not be opened after a kill.
    #[test]
    fn the_longest_journal_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), 1, u64::MAX).unwrap();
        let row = vec![7; 10_000];
        let mut batches = 0_u32;
        while !journal.is_full() {
            let mut batch = Batch::new();
            for row_of_batch in 0..100 {
                let key = (100 * batches + row_of_batch).to_be_bytes().to_vec();
                batch.put(TREE, key, None, Some(row.clone()));
            }
            assert!(frame::has_room_for(&batch));
            journal.append(&batch).unwrap();
            batches += 1;
        }
        let path = dir.path().join(FILES[1]);
        let length = fs::metadata(&path).unwrap().len();
        assert!((16 << 20..=MOST_BYTES).contains(&length), "{length}");
        let recovered = Recovered::look(dir.path(), 0, TREES).unwrap();
        assert_eq!(recovered.missing, None);
        assert_eq!(recovered.rows.sorted()[&TREE].len() as u32, 100 * batches);
    }

    #[test]
    fn whatever_a_file_holds_it_is_looked_through() {
        let dir = tempfile::tempdir().unwrap();
        let noise: Vec<u8> = (0_u32..1 << 20)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        for name in FILES {
            fs::write(dir.path().join(name), &noise).unwrap();
        }
        assert_eq!(look(dir.path(), 0), Ok(vec![]));
        let file = File::create(dir.path().join(FILES[0])).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        let error = Recovered::look(dir.path(), 0, TREES).unwrap_err();
        assert!(matches!(error, EngineError::Damaged { .. }), "{error}");
    }
}
