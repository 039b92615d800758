//! The journal: two files to which batches are appended, and made durable by one `fdatasync` each,
//! before they are carried to the trees. It knows nothing of trees, and never reads what it wrote; that
//! is for [`recovery`](super::recovery).
//!
//! Batches are appended to one of the files, until the journal *turns*: the other file is begun anew,
//! while the rows of the first are carried to sled's trees. What was appended between two turns is a
//! *generation*. The files mostly keep their length, so that an `fdatasync` writes nothing but the rows;
//! what an older generation left behind is told by its number.

use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use super::frame::{self, Header};
use super::named_file::NamedFile;
use super::{EngineError, folder};
use crate::engine::Batch;

/// The names of the files: that of a generation is the one at its number modulo two.
pub(super) const FILES: [&str; 2] = ["journal.0", "journal.1"];

/// How long a generation may become, as a multiple of what makes one worth carrying, while batches follow each
/// other or the one before it is on its way. The longer, the fewer pages are written for each row of an import, and
/// the more waits in memory, and for the opening after a kill.
const PATIENCE: u64 = 4;

/// Batches that follow each other sooner are of one burst.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a file is at first, unless no generation is to be longer, and by how much it grows at least, in
/// bytes. A file that is not used much stays short; and each growth costs the file system a note.
const GROWTH: u64 = 1 << 20;

/// How much room there is to be for a burst, in bytes: some thousand batches of single requests, or of a few.
const ROOM: u64 = 2 * GROWTH;

/// The most bytes that may make a generation worth carrying.
pub(super) const MOST_GENERATION_BYTES: u64 = 8 << 20;

/// The longest that a file becomes, in bytes: a generation with which there is no more patience, a frame
/// that was appended just before, with its header, and what the file then grew by at once.
pub(super) const MOST_BYTES: u64 =
    PATIENCE * MOST_GENERATION_BYTES + 2 * frame::MAX_CONTENT_BYTES as u64 + GROWTH;

/// See the [module](self).
pub(super) struct Journal {
    files: [NamedFile; 2],
    /// How many bytes each of them has, with zeros where nothing was written yet.
    lengths: [u64; 2],
    /// The generation that is being appended to.
    generation: u64,
    /// How many frames it has, and how many of them are durable.
    frames: u32,
    durable: u32,
    /// How many bytes it has.
    end: u64,
    /// How many frames the generation before it had; 0 for the first since the journal was opened.
    previous: u32,
    /// How many bytes make a generation worth carrying.
    generation_bytes: u64,
    buffer: Vec<u8>,
    /// When a batch was appended last.
    appended: Option<Instant>,
    /// Whether no room was found for a burst, which is then not looked for again before it turns.
    is_cramped: bool,
}

impl Journal {
    /// Opens the journal in the folder `dir`, or makes it, to begin with this generation, of which so
    /// many bytes are worth carrying, at most [`MOST_GENERATION_BYTES`]. Nothing that either file holds may be
    /// needed any more.
    pub(super) fn open(
        dir: &Path,
        generation: u64,
        generation_bytes: u64,
    ) -> Result<Self, EngineError> {
        let generation_bytes = generation_bytes.min(MOST_GENERATION_BYTES);
        let length = GROWTH.min(generation_bytes + (64 << 10));
        let [first, second] = FILES.map(|name| open_file(dir, name, length));
        let (first, second) = (first?, second?);
        folder::sync_folder(dir)?;
        Ok(Self {
            files: [first.0, second.0],
            lengths: [first.1, second.1],
            generation,
            frames: 0,
            durable: 0,
            previous: 0,
            end: 0,
            generation_bytes,
            buffer: Vec::new(),
            appended: None,
            is_cramped: false,
        })
    }

    /// The generation that is being appended to.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether there is enough to turn.
    pub(super) fn is_worth_turning(&self) -> bool {
        self.end >= self.generation_bytes
    }

    /// For how long nothing must be appended any more until no burst is under way; `None` if none is.
    pub(super) fn until_pause(&self) -> Option<Duration> {
        let left = PAUSE.saturating_sub(self.appended?.elapsed());
        (!left.is_zero()).then_some(left)
    }

    /// Whether no more may be appended before it turns.
    pub(super) fn is_full(&self) -> bool {
        self.end >= PATIENCE * self.generation_bytes
    }

    /// Appends a batch.
    pub(super) fn append(&mut self, batch: &Batch) -> Result<(), EngineError> {
        let header = Header {
            generation: self.generation,
            index: self.frames,
            durable: self.durable,
            previous: self.previous,
        };
        let encoded = frame::write(&mut self.buffer, header, batch);
        let end = self.end + self.buffer.len() as u64;
        let current = file_of(self.generation);
        let (file, length) = (&self.files[current], &mut self.lengths[current]);
        encoded
            .map_err(std::io::Error::other)
            .and_then(|()| match grow(file, length, self.end, end) {
                // There may still be room for what is to be written.
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
                grown => grown,
            })
            .and_then(|()| write_at(file, &self.buffer, self.end))
            .map_err(|source| file.failed("writing", source))?;
        self.frames += 1;
        self.end = end;
        *length = end.max(*length);
        self.appended = Some(Instant::now());
        Ok(())
    }

    /// Makes all that was appended durable.
    pub(super) fn sync(&mut self) -> Result<(), EngineError> {
        if self.durable < self.frames {
            self.files[file_of(self.generation)].sync_data()?;
            self.durable = self.frames;
        }
        Ok(())
    }

    /// Makes room for a burst, durably, so that it need not wait for that, if there is some. All that was
    /// appended is durable then, too.
    ///
    /// # Errors
    /// [`EngineError::Io`] if what was appended may not be durable.
    pub(super) fn make_room(&mut self) -> Result<(), EngineError> {
        let current = file_of(self.generation);
        let (file, length) = (&self.files[current], &mut self.lengths[current]);
        let end = (self.end + ROOM).min(PATIENCE * self.generation_bytes);
        if end <= *length || self.is_cramped {
            return Ok(());
        }
        if grow(file, length, self.end, end).is_err() {
            // Nobody needs it yet. What it took is given back, if only to those who do need some.
            self.is_cramped = true;
            let _ = file.file.set_len(*length);
            return Ok(());
        }
        file.sync_data()?;
        self.durable = self.frames;
        Ok(())
    }

    /// Begins the next generation, with all of this one durable. That before this one must have been
    /// carried to the trees, durably: the new one takes its file.
    pub(super) fn turn(&mut self) -> Result<(), EngineError> {
        self.sync()?;
        self.generation += 1;
        self.previous = self.frames;
        self.frames = 0;
        self.durable = 0;
        self.end = 0;
        self.is_cramped = false;
        Ok(())
    }
}

/// Which of the files a generation is in.
fn file_of(generation: u64) -> usize {
    usize::from(generation % 2 == 1)
}

/// Opens a file, with the length that it is to have at least, durably. Tells the length that it has.
fn open_file(dir: &Path, name: &str, wanted: u64) -> Result<(NamedFile, u64), EngineError> {
    let file = NamedFile::open_or_create(dir.join(name))?;
    let length = file.file.metadata().map(|metadata| metadata.len());
    let length = length.map_err(|source| file.failed("measuring", source))?;
    if length >= wanted {
        return Ok((file, length));
    }
    write_zeros(&file, 0..wanted).map_err(|source| file.failed("writing", source))?;
    file.sync_all()?;
    Ok((file, wanted))
}

/// Gives a file more than its length, if what is to be written would not end before that. Never writes over
/// what was written before, whether the file has been given that length or had just room for it.
fn grow(file: &NamedFile, length: &mut u64, written: u64, end: u64) -> std::io::Result<()> {
    if end > *length {
        let longer = end.max(*length + GROWTH);
        write_zeros(file, written.max(*length)..longer)?;
        *length = longer;
    }
    Ok(())
}

/// Written, not just reserved: otherwise the file system would have to note of each part of the file, when
/// it is written first, that it is.
fn write_zeros(file: &NamedFile, part: Range<u64>) -> std::io::Result<()> {
    write_at(file, &vec![0; (part.end - part.start) as usize], part.start)
}

/// Writes all of `bytes` to a place in the file.
#[cfg(unix)]
fn write_at(file: &NamedFile, bytes: &[u8], place: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(&file.file, bytes, place)
}

#[cfg(not(unix))]
fn write_at(file: &NamedFile, bytes: &[u8], place: u64) -> std::io::Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let mut file = &file.file;
    file.seek(SeekFrom::Start(place))?;
    file.write_all(bytes)
}

/// Makes what is in the files durable, whoever wrote it: the process that did may have ended before it
/// was, and what is carried to the trees must not be lost here.
///
/// It is written once more: after a sync that failed, the kernel takes for written what is not.
pub(super) fn make_durable(dir: &Path) -> Result<(), EngineError> {
    for name in FILES {
        let path = dir.join(name);
        if !path.exists() {
            continue;
        }
        let file = NamedFile::open(path)?;
        let mut bytes = Vec::new();
        (&file.file)
            .read_to_end(&mut bytes)
            .map_err(|source| file.failed("reading", source))?;
        write_at(&file, &bytes, 0).map_err(|source| file.failed("writing", source))?;
        file.sync_all()?;
    }
    folder::sync_folder(dir)
}

/// Removes the files of a journal nothing of which is needed any more.
pub(super) fn remove(dir: &Path) -> Result<(), EngineError> {
    for name in FILES {
        let path = dir.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(EngineError::Io {
                    doing: "removing",
                    path,
                    source,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Tree;

    /// On a disk with room for frames, but not for a megabyte of zeros, frames lay behind what the file had
    /// been given. Once there was room again, the zeros were written over them.
    #[test]
    fn room_is_not_made_over_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), 1, MOST_GENERATION_BYTES).unwrap();
        let written = |journal: &Journal| {
            let bytes = std::fs::read(dir.path().join(FILES[1])).unwrap();
            bytes[..journal.end as usize].to_vec()
        };
        for key in 0..6 {
            let mut batch = Batch::new();
            batch.put(Tree::new("tree"), vec![key], None, Some(vec![7; 1000]));
            // As if there had never been room for more.
            journal.lengths = [0; 2];
            let before = written(&journal);
            match key % 2 {
                0 => journal.append(&batch).unwrap(),
                _ => journal.make_room().unwrap(),
            }
            assert!(written(&journal).starts_with(&before));
        }
        assert_eq!(written(&journal).len(), 3 * 1536);
    }
}
