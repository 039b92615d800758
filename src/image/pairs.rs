//! Which pairs of letters occur in some texts: enough to tell that a word does not occur in them.
//! It cannot tell that one does.
//!
//! A search looks at the pairs of a course, a few words of memory, before it looks at the texts of
//! the course and of all its runs. A pair is one of 256 bits, by a hash: other pairs share it, so a
//! search is led astray now and then, and looks at texts for nothing.

use smallvec::SmallVec;

use crate::key::fold_into;

/// See the [module](self). Letters are bytes of folded texts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pairs([u64; 4]);

impl Pairs {
    /// Adds those of a text. They cannot be taken out again.
    pub(super) fn add(&mut self, text: &str) {
        if text.is_ascii() {
            self.add_bytes(text.as_bytes());
        } else {
            let mut folded: SmallVec<[u8; 256]> = SmallVec::new();
            fold_into(text, &mut folded);
            self.add_bytes(&folded);
        }
    }

    /// Whether all of these are among them.
    #[inline]
    pub(super) fn have(&self, these: &Self) -> bool {
        let mut missing = 0;
        for (all, these) in self.0.iter().zip(these.0) {
            missing |= these & !all;
        }
        missing == 0
    }

    /// Folded bytes, or ASCII that has yet to be: that sets a bit, which makes some other bytes
    /// alike, too.
    fn add_bytes(&mut self, bytes: &[u8]) {
        for pair in bytes.windows(2) {
            let pair = u32::from(pair[0] | 0x20) << 8 | u32::from(pair[1] | 0x20);
            // Fibonacci hashing: the high bits depend on all of the pair.
            let bit = pair.wrapping_mul(0x9e37_79b1) >> 24;
            self.0[bit as usize / 64] |= 1 << (bit % 64);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::fold;

    fn pairs(text: &str) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add(text);
        pairs
    }

    proptest! {
        /// Among them letters that fold to ASCII, to two letters, or to one of other length.
        #[test]
        fn a_word_that_occurs_is_never_missed(
            parts in prop::collection::vec("[a-cA-CkK\u{212a}iİıſéÉẞ@^~:+ ]{0,6}", 3), other in ".*"
        ) {
            let text = parts.concat();
            let mut all = pairs(&other);
            all.add(&text);
            for part in &parts {
                prop_assert!(all.have(&pairs(part)));
                prop_assert!(all.have(&pairs(&fold(part))));
            }
        }
    }

    #[test]
    fn most_words_that_do_not_occur_are_told() {
        let mut all = pairs("Introduction to Molecular Biology, Part 7");
        (2016..2026).for_each(|year| all.add(&format!("course-v1:MITx+BIO107.33x+{year}_T1")));
        for word in ["Quantum", "algebra", "Économie", "Harvardx", "zzyzx"] {
            assert!(!all.have(&pairs(word)), "{word}");
        }
        for word in ["", "z", "biology", "MITX", "v1:mitx+bio", "2025_t1"] {
            assert!(all.have(&pairs(word)), "{word}");
        }
    }
}
