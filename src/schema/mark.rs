//! The mark: how many commits a store is known to have had, in a small file beside its own files.
//!
//! sled takes damage to the end of its log for the end: the store opens, older than it was, and
//! everything adds up. The mark tells. It is written when a store is closed, and when one is opened
//! that was not closed, so it covers all but the commits since the last opening.
//!
//! A mark says "at least": one that is missing, or older than the store, is no fault.

/// The file's name, in the store's folder.
pub(super) const MARK_FILE: &str = "COMMITS";

/// The name under which a new one is written.
pub(super) const NEW_MARK_FILE: &str = "COMMITS.new";

const FIRST_WORDS: &str = "coursecat store, commits ";
const CHECKSUM: &str = ", checksum ";

/// The text of the file for a store with so many commits.
pub(super) fn write(commits: u64) -> String {
    let line = format!("{FIRST_WORDS}{commits}");
    let checksum = crc32c::crc32c(line.as_bytes());
    format!("{line}{CHECKSUM}{checksum:08x}\n")
}

/// The number of commits that a file's text tells of; `None` if it is damaged.
pub(super) fn read(text: &str) -> Option<u64> {
    let (line, checksum) = text.trim_end().split_once(CHECKSUM)?;
    let checksum = u32::from_str_radix(checksum, 16).ok()?;
    if crc32c::crc32c(line.as_bytes()) != checksum {
        return None;
    }
    line.strip_prefix(FIRST_WORDS)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_back_and_no_changed_byte_goes_unseen() {
        assert_eq!(
            write(42),
            "coursecat store, commits 42, checksum 32e2993c\n"
        );
        for commits in [0, 42, u64::MAX] {
            assert_eq!(read(&write(commits)), Some(commits));
        }
        let text = write(1234);
        for at in 0..text.len() - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let altered = String::from_utf8(bytes).unwrap();
            assert!(read(&altered).is_none_or(|n| n == 1234), "{altered:?}");
        }
        assert_eq!(read(""), None);
    }
}
