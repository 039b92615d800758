//! Search by text: which records match a few words.
//!
//! A record matches when each word occurs somewhere in one of its texts, ignoring case. It is a
//! scan, not an index: all that is spared is what [`Pairs`] tell to be without the words.

use memchr::memmem::Finder;
use smallvec::SmallVec;

use super::pairs::Pairs;
use crate::key::{fold, fold_into};

/// The words of a search, folded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    words: Vec<Word>,
    /// Of all of them.
    pairs: Pairs,
}

#[derive(Clone, Debug)]
struct Word {
    finder: Finder<'static>,
    /// Whether it is a piece of a key, rather than of one of its parts.
    of_a_key: bool,
}

/// Comes between two texts. UTF-8 never has it, so no word goes across.
const BETWEEN: u8 = 0xff;

impl Words {
    /// Splits a search at its white space.
    pub(crate) fn of(text: &str) -> Self {
        let word = |word: &str| Word {
            finder: Finder::new(fold(word).as_bytes()).into_owned(),
            of_a_key: word.contains([':', '+', '/', '@']),
        };
        let mut pairs = Pairs::default();
        text.split_whitespace().for_each(|word| pairs.add(word));
        Self {
            words: text.split_whitespace().map(word).collect(),
            pairs,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a record can match whose texts are among those that have these pairs.
    #[inline]
    pub(super) fn may_match(&self, texts: &Pairs) -> bool {
        texts.have(&self.pairs)
    }

    /// Whether each word occurs in one of `texts`. No words match everything.
    pub(crate) fn match_any(&self, texts: &[&str]) -> bool {
        self.match_any_or_key(texts, "")
    }

    /// The same; a word that is a piece of a key, rather than of one of its parts, may occur in
    /// `key`, too. Other words do not: "course" is in the key of every run.
    pub(crate) fn match_any_or_key(&self, texts: &[&str], key: &str) -> bool {
        if self.is_empty() {
            return true;
        }
        // Looked through many times over: all texts of a record in one piece, on the stack.
        let mut folded: SmallVec<[u8; 512]> = SmallVec::new();
        for text in texts {
            fold_into(text, &mut folded);
            folded.push(BETWEEN);
        }
        let occurs = |word: &Word, texts: &[u8]| word.finder.find(texts).is_some();
        self.words.iter().all(|word| {
            occurs(word, &folded) || (word.of_a_key && occurs(word, fold(key).as_bytes()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_piece_of_a_key_is_looked_for_in_the_key() {
        let key = "course-v1:MITx+8.01x+2026";
        let texts = ["Mechanics", "MITx", "8.01x", "2026"];
        for (search, matches) in [
            ("mechanics 8.01", true),
            ("course-v1:mitx+8.01x", true),
            ("+2026", true),
            ("course", false),
            ("v1", false),
            ("course-v1:harvard", false),
        ] {
            let words = Words::of(search);
            assert_eq!(words.match_any_or_key(&texts, key), matches, "{search:?}");
        }
    }

    #[test]
    fn each_word_must_occur_somewhere() {
        let texts = ["Introduction à l'École", "MITx", "6.002x"];
        for (search, matches) in [
            ("", true),
            ("  ", true),
            ("mitx", true),
            ("école MITX", true),
            ("tion 002", true),
            ("ecole", false),
            ("mitx physics", false),
        ] {
            assert_eq!(Words::of(search).match_any(&texts), matches, "{search:?}");
        }
    }
}
