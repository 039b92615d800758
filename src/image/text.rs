//! Search by text: which records match a few words.
//!
//! A record matches when each word occurs somewhere in one of its texts, ignoring case. It is a
//! scan, not an index: all that is spared is what [`Pairs`] tell to be without the words.

use memchr::memmem::Finder;
use smallvec::SmallVec;

use super::pairs::Pairs;
use crate::key::{fold, fold_into};
use crate::model::CourseRun;

/// The words of a search, folded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    words: Vec<Word>,
    /// Of all of them.
    pairs: Pairs,
    /// The bytes of the longest.
    longest: usize,
}

#[derive(Clone, Debug)]
struct Word {
    finder: Finder<'static>,
    /// Whether it is a piece of a key, rather than of one of its parts.
    of_a_key: bool,
}

/// Comes between two texts. No word has it, so none goes across.
const BETWEEN: u8 = b' ';

/// What comes between the parts of a key. A word that has one is a piece of a key.
const IN_KEYS: [char; 4] = [':', '+', '/', '@'];

impl Words {
    /// Splits a search at its white space.
    pub(crate) fn of(text: &str) -> Self {
        let word = |word: &str| Word {
            finder: Finder::new(fold(word).as_bytes()).into_owned(),
            of_a_key: word.contains(IN_KEYS),
        };
        let mut pairs = Pairs::default();
        text.split_whitespace().for_each(|word| pairs.add(word));
        let words: Vec<Word> = text.split_whitespace().map(word).collect();
        let lengths = words.iter().map(|word| word.finder.needle().len());
        Self {
            longest: lengths.max().unwrap_or(0),
            words,
            pairs,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a record can match whose texts are among those that have these pairs.
    #[inline]
    pub(super) fn may_match(&self, texts: &Pairs) -> bool {
        self.is_empty() || texts.have(&self.pairs)
    }

    /// Whether a run is long enough for the words: if not, it does not match.
    #[inline]
    pub(super) fn may_fit_into_run(&self, run: &CourseRun) -> bool {
        let bytes = run.title.as_str().len().max(run.course_key.as_str().len());
        self.longest <= MOST_FOLDED * bytes
    }

    /// Whether each word occurs in the title of a run or in a part of its key, or, if it is a piece
    /// of a key, in the key.
    pub(super) fn match_run(&self, run: &CourseRun) -> bool {
        let key = &run.course_key;
        self.match_any_or_key(&[run.title.as_str(), key.names()], key.as_str())
    }

    /// Whether each word occurs in one of `texts`. No words match everything.
    pub(crate) fn match_any(&self, texts: &[&str]) -> bool {
        self.match_any_or_key(texts, "")
    }

    /// The same; a word that is a piece of a key, rather than of one of its parts, may occur in
    /// `key`, too. Other words do not: "course" is in the key of every run. So parts of this key may
    /// be among the texts as they are in the key, side by side.
    fn match_any_or_key(&self, texts: &[&str], key: &str) -> bool {
        if self.is_empty() {
            return true;
        }
        // All texts of a record in one piece, on the stack.
        let mut place = [0; SHORT];
        if let Some(folded) = fold_short(texts, &mut place) {
            return self.all_occur(folded, key);
        }
        let mut folded: SmallVec<[u8; 512]> = SmallVec::new();
        for text in texts {
            fold_into(text, &mut folded);
            folded.push(BETWEEN);
        }
        self.all_occur(&folded, key)
    }

    fn all_occur(&self, folded: &[u8], key: &str) -> bool {
        let occurs = |word: &Word, texts: &[u8]| word.finder.find(texts).is_some();
        self.words.iter().all(|word| {
            occurs(word, folded) || (word.of_a_key && occurs(word, fold(key).as_bytes()))
        })
    }
}

/// How many times as long as a text it may be when it is folded, at most.
const MOST_FOLDED: usize = 2;

/// Most records have fewer letters.
const SHORT: usize = 128;

/// What a processor changes at a time.
const BLOCK: usize = 16;

/// All texts folded, with [`BETWEEN`] after each, if they are ASCII and not long.
#[inline]
fn fold_short<'a>(texts: &[&str], place: &'a mut [u8; SHORT]) -> Option<&'a [u8]> {
    let mut end = 0;
    for text in texts {
        let here = place.get_mut(end..end + text.len() + 1)?;
        let (between, here) = here.split_last_mut()?;
        here.copy_from_slice(text.as_bytes());
        *between = BETWEEN;
        end += text.len() + 1;
    }
    // By the block, with no rest that is taken byte by byte.
    let mut seen = [0; BLOCK];
    let (blocks, _) = place.as_chunks_mut::<BLOCK>();
    for block in blocks.iter_mut().take(end.div_ceil(BLOCK)) {
        for (byte, seen) in block.iter_mut().zip(&mut seen) {
            *seen |= *byte;
            *byte |= u8::from(byte.is_ascii_uppercase()) << 5;
        }
    }
    seen.is_ascii().then(|| &place[..end])
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
    fn no_letter_is_folded_to_more_than_it_is_thought() {
        for letter in '\0'..=char::MAX {
            let folded = fold(letter.encode_utf8(&mut [0; 4])).len();
            assert!(folded <= MOST_FOLDED * letter.len_utf8(), "{letter:?}");
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
