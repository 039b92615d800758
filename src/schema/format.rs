//! The version of the format, and the small file that carries it.
//!
//! | format | since | what changed |
//! |---|---|---|
//! | 1 | coursecat 0.1.0 | the first |
//! | 2 | coursecat 0.1.0 | the tree `changes`; the ledger has its row count and the next event's number |
//! | 3 | coursecat 0.1.0 | the journal |
//!
//! The file `FORMAT` lies beside the store's own files and is read before anything else is, so
//! that a program never opens, and never touches, a store it does not understand.

/// The format that this program writes, and the newest that it reads.
pub(crate) const FORMAT_VERSION: u32 = 3;

/// The file's name, in the store's folder.
pub(crate) const FORMAT_FILE: &str = "FORMAT";

/// The name under which a new one is written.
pub(super) const NEW_FORMAT_FILE: &str = "FORMAT.new";

const FIRST_WORDS: &str = "coursecat store, format ";
const EXPLANATION: &str = "
This folder belongs to coursecat, which keeps a course catalog in it.
Its files only make sense together: copy or move the whole folder, and only while it is not open.
";

/// The text of the file for a format.
pub(crate) fn write(version: u32) -> String {
    format!("{}\n{EXPLANATION}", first_line(version))
}

/// The line that counts.
pub(crate) fn first_line(version: u32) -> String {
    format!("{FIRST_WORDS}{version}")
}

/// The format that a file's text names.
pub(crate) fn read(text: &str) -> Option<u32> {
    let number = text.lines().next()?.strip_prefix(FIRST_WORDS)?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_back() {
        assert_eq!(read(&write(1)), Some(1));
        assert_eq!(read(&write(4_000_000_000)), Some(4_000_000_000));
        for other in ["", "coursecat", "coursecat store, format x\n", "{}"] {
            assert_eq!(read(other), None, "{other:?}");
        }
    }
}
