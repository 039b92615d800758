//! Doors for the fuzzers in `fuzz/` and for their short form in the tests: decoders of private
//! formats that have to take any bytes. Not in ordinary builds.

use crate::schema::{self, TREES};
use crate::{Cursor, Invalid};

/// Takes bytes for a row: which tree, how long the key is, the key, the value.
///
/// The value is tried as it is, and as the content of a frame with the right checksum, since no
/// fuzzer guesses checksums. What decodes must encode to what decodes the same.
pub fn row(bytes: &[u8]) {
    let Some((&[tree, key_length], rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let tree = TREES[usize::from(tree) % TREES.len()];
    let (key, value) = rest.split_at(usize::from(key_length).min(rest.len()));
    schema::try_row(tree, key, value);
    for version in [1, 2] {
        schema::try_row(tree, key, &schema::frame(version, tree, key, value));
    }
}

/// Takes a text for a cursor.
pub fn cursor(text: &str) {
    let read: Result<Cursor, Invalid> = text.parse();
    if let Ok(cursor) = read {
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same in every run (splitmix64).
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }

        fn below(&mut self, end: usize) -> usize {
            (self.next() % end as u64) as usize
        }
    }

    /// Pieces that rows are made of, so that some of what is tried nearly decodes.
    const PIECES: [&[u8]; 12] = [
        b"\x00",
        b"\x01",
        b"\x04MITx",
        b"\xfb\xff\xff",
        b"\xfd\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x12course-v1:MITx+C+R",
        b"\x02fr",
        b"ledger",
        b"\0\0\0\0\0\0\0\x01",
        b"\xc3\xa9",
        b"\xff",
        b"\x0eccx-v1:O+C+R+c",
    ];

    #[test]
    fn rows_of_any_bytes_are_refused_or_read_and_never_panic() {
        let mut numbers = Numbers(1);
        for _ in 0..100_000 {
            let mut bytes = vec![
                numbers.next() as u8,
                [8, 16, 9, 6, numbers.next() as u8][numbers.below(5)],
            ];
            for _ in 0..numbers.below(8) {
                bytes.extend_from_slice(PIECES[numbers.below(PIECES.len())]);
            }
            if numbers.below(4) == 0 && !bytes.is_empty() {
                let at = numbers.below(bytes.len());
                bytes[at] ^= 1 << numbers.below(8);
            }
            row(&bytes);
        }
    }

    #[test]
    fn cursors_of_any_text_are_refused_or_read_and_never_panic() {
        let mut numbers = Numbers(2);
        for _ in 0..100_000 {
            let mut bytes = vec![1];
            for _ in 0..numbers.below(6) {
                bytes.extend_from_slice(PIECES[numbers.below(PIECES.len())]);
            }
            cursor(&data_encoding::BASE64URL_NOPAD.encode(&bytes));
        }
    }
}
