//! Case folding: what "ignoring case" means everywhere in the catalog.
//!
//! Each character is folded by itself with Unicode lower case. That is less than full case folding
//! on purpose: no context rule for the final sigma, no `ß` = `ss`, no accents dropped, no
//! normalisation.
//!
//! The mapping is the standard library's, so a letter that a later Unicode version adds may begin
//! to fold with a later compiler. Whoever writes folded text down has to make it again then.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::Hasher;

use smallvec::{Array, SmallVec};

/// `text` as it looks when case is ignored: each character in lower case, by itself.
///
/// Borrows where nothing changes.
///
/// ```
/// use coursecat::key::fold;
///
/// assert_eq!(fold("École"), "école");
/// assert_eq!(fold("ΟΔΟΣ"), "οδοσ"); // by itself: the last sigma is like the others
/// assert_eq!(fold("İ"), "i\u{307}"); // one character may become two
/// assert_eq!(fold("Straße"), "straße");
/// ```
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    // Most texts are ASCII, and two looks at all of them take less than one at each letter.
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    match text.char_indices().find(|&(_, c)| changes(c)) {
        None => Cow::Borrowed(text),
        Some((at, _)) => {
            let mut folded = String::with_capacity(text.len());
            folded.push_str(&text[..at]);
            folded.extend(folded_chars(&text[at..]));
            Cow::Owned(folded)
        }
    }
}

/// Whether two texts are the same when case is ignored, as [`fold`] does, without folding either.
///
/// ```
/// use coursecat::key::eq_ignoring_case;
///
/// assert!(eq_ignoring_case("École", "ÉCOLE"));
/// assert!(!eq_ignoring_case("École", "ecole"));
/// ```
#[must_use]
pub fn eq_ignoring_case(a: &str, b: &str) -> bool {
    // Most texts that are equal are spelled alike, and that is quickly seen.
    a == b || cmp_ignoring_case(a, b).is_eq()
}

/// The order of two texts when case is ignored: always `fold(a).cmp(&fold(b))`, without folding
/// either.
///
/// ```
/// use coursecat::key::cmp_ignoring_case;
///
/// assert!(cmp_ignoring_case("MITx", "mitX").is_eq());
/// assert!(cmp_ignoring_case("b", "A").is_gt());
/// ```
#[must_use]
pub fn cmp_ignoring_case(a: &str, b: &str) -> Ordering {
    // As long as both texts are ASCII, bytes are characters and one stays one. From the first byte
    // that is not ASCII on, a character may fold to ASCII (the Kelvin sign to `k`) or to several.
    for (at, (x, y)) in a.bytes().zip(b.bytes()).enumerate() {
        if !(x.is_ascii() && y.is_ascii()) {
            return folded_chars(&a[at..]).cmp(folded_chars(&b[at..]));
        }
        match x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase()) {
            Ordering::Equal => {}
            different => return different,
        }
    }
    // One is a prefix of the other, and no character folds to nothing.
    a.len().cmp(&b.len())
}

/// What `hasher` becomes with `text`, so that texts equal when case is ignored hash the same.
///
/// Its length goes in too, so that two texts in a row do not hash like the same letters cut
/// elsewhere.
// In line, as all that it needs, and by value: then the hasher is in registers, not in memory.
#[inline(always)]
pub(crate) fn hash_ignoring_case<H: Hasher + Clone>(text: &str, hasher: H) -> H {
    // Whether all of it is ASCII is seen on the way.
    match hash_blocks(text.as_bytes(), lower_ascii, hasher.clone()) {
        (hasher, true) => hasher,
        (_, false) => hash_folded(text, hasher),
    }
}

#[cold]
fn hash_folded<H: Hasher>(text: &str, hasher: H) -> H {
    hash_blocks(&folded(text), lower, hasher).0
}

/// The same for a key of a run that is ASCII, and for no other, in less time.
///
/// It makes some other characters alike, too: those that differ, as a letter from its capital, in one
/// bit. No key of a run may have both of such a pair.
#[inline(always)]
pub(crate) fn hash_ascii_key<H: Hasher>(key: &str, hasher: H) -> Option<H> {
    let (hasher, is_ascii) = hash_blocks(key.as_bytes(), |block| block | CASE, hasher);
    is_ascii.then_some(hasher)
}

/// The same for any key.
pub(crate) fn hash_any_key<H: Hasher + Clone>(key: &str, hasher: H) -> H {
    let key = folded(key);
    // A letter that is not ASCII may have been folded to one that is, and all may be now.
    match hash_blocks(&key, |block| block | CASE, hasher.clone()) {
        (hasher, true) => hasher,
        (_, false) => hash_blocks(&key, lower, hasher).0,
    }
}

#[cold]
fn folded(text: &str) -> SmallVec<[u8; 256]> {
    let mut folded = SmallVec::new();
    fold_into(text, &mut folded);
    folded
}

const BLOCK: usize = 16;
/// The bit that tells a capital letter of ASCII from a small one, in each byte of a block.
const CASE: u128 = each(0x20);
/// The bit that a byte of ASCII has not.
const NOT_ASCII: u128 = each(0x80);

const fn each(byte: u8) -> u128 {
    u128::from_ne_bytes([byte; BLOCK])
}

/// A block of ASCII with its capital letters made small, all at once. What becomes of any other block means
/// nothing.
#[inline(always)]
fn lower_ascii(block: u128) -> u128 {
    // By halves, since a processor has additions of two of them at once. Bytes of ASCII have seven bits, so
    // no sum carries into the next one.
    let half = |half: u64| {
        let from_a = half.wrapping_add(each(0x80 - b'A') as u64);
        let after_z = half.wrapping_add(each(0x7F - b'Z') as u64);
        half | (from_a ^ after_z) >> 2 & CASE as u64
    };
    u128::from(half(block as u64)) | u128::from(half((block >> 64) as u64)) << 64
}

/// The same for any block: what is not ASCII stays as it is.
fn lower(block: u128) -> u128 {
    // Neither sum carries into the next byte, since none has more than seven bits.
    let bytes = block & !NOT_ASCII;
    let from_a = bytes + each(0x80 - b'A');
    let after_z = bytes + each(0x7F - b'Z');
    let capital = from_a & !after_z & !block & NOT_ASCII;
    block | capital >> 2
}

/// What `hasher` becomes with these bytes, folded block by block, and whether they are ASCII.
#[inline(always)]
fn hash_blocks<H: Hasher>(bytes: &[u8], fold: impl Fn(u128) -> u128, mut hasher: H) -> (H, bool) {
    let mut seen = 0;
    let mut write = |block| {
        let block = u128::from_ne_bytes(block);
        seen |= block;
        hasher.write_u128(fold(block));
    };
    // Some bytes are taken twice: cheaper than to take what is left byte by byte.
    match bytes.last_chunk::<BLOCK>() {
        Some(last) => {
            let (blocks, _) = bytes.as_chunks::<BLOCK>();
            blocks.iter().for_each(|block| write(*block));
            write(*last);
        }
        None => write(block_of_few(bytes)),
    }
    hasher.write_usize(bytes.len());
    (hasher, seen & NOT_ASCII == 0)
}

/// Fewer bytes than a block has, as one that differs for any others of the same number.
#[inline(always)]
fn block_of_few(bytes: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        block[..8].copy_from_slice(first);
        block[8..].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        block[..4].copy_from_slice(first);
        block[4..8].copy_from_slice(last);
    } else {
        for (place, byte) in block.iter_mut().zip(bytes) {
            *place = *byte;
        }
    }
    block
}

/// Adds the folded text to bytes that are there already.
pub(crate) fn fold_into<A: Array<Item = u8>>(text: &str, folded: &mut SmallVec<A>) {
    if text.is_ascii() {
        let start = folded.len();
        folded.extend_from_slice(text.as_bytes());
        folded[start..].make_ascii_lowercase();
    } else {
        let mut bytes = [0; 4];
        for c in folded_chars(text) {
            folded.extend_from_slice(c.encode_utf8(&mut bytes).as_bytes());
        }
    }
}

fn folded_chars(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

fn changes(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_uppercase()
    } else {
        !c.to_lowercase().eq([c])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ODD: [&str; 22] = [
        "", "a", "A", "k", "K", "\u{212a}", "i", "I", "İ", "ı", "i\u{307}", "ſ", "s", "ß", "ẞ",
        "Σ", "σ", "ς", "É", "é", "DŽ", "😊",
    ];

    /// A hasher that keeps its writes apart.
    #[derive(Clone, Default, PartialEq, Debug)]
    struct Writes(Vec<Vec<u8>>);

    impl Hasher for Writes {
        fn finish(&self) -> u64 {
            0
        }

        fn write(&mut self, bytes: &[u8]) {
            self.0.push(bytes.to_vec());
        }
    }

    fn writes(text: &str) -> Writes {
        hash_ignoring_case(text, Writes::default())
    }

    /// The same as of a key.
    fn key_writes(key: &str) -> Writes {
        hash_ascii_key(key, Writes::default())
            .unwrap_or_else(|| hash_any_key(key, Writes::default()))
    }

    fn check(a: &str, b: &str) {
        let (x, y) = (fold(a), fold(b));
        assert_eq!(cmp_ignoring_case(a, b), x.cmp(&y), "{a:?} {b:?}");
        assert_eq!(eq_ignoring_case(a, b), x == y, "{a:?} {b:?}");
        assert_eq!(writes(a) == writes(b), x == y, "{a:?} {b:?}");
        assert!(key_writes(a) == key_writes(b) || x != y, "{a:?} {b:?}");
    }

    #[test]
    fn comparing_and_hashing_agree_with_folding() {
        let mut texts = Vec::new();
        for a in ODD {
            for b in ODD {
                texts.push(format!("{a}{b}"));
            }
        }
        for a in &texts {
            for b in &texts {
                check(a, b);
            }
        }
    }

    proptest! {
        #[test]
        fn any_two_texts(a in ".*", b in ".*") {
            check(&a, &b);
            check(&a, &a.to_uppercase());
            check(&a, &fold(&a));
            check(&format!("{a}x"), &format!("{a}{b}"));
        }
    }

    #[test]
    fn folding_borrows_what_it_does_not_change() {
        assert!(matches!(fold("école 😊 i\u{307}"), Cow::Borrowed(_)));
        assert!(matches!(fold(""), Cow::Borrowed(_)));
        assert!(matches!(fold("Ecole"), Cow::Owned(_)));
    }

    /// Once, the bit of case was set in every byte, so that 不 and 中 were alike, and `[` and `{`: whoever
    /// chose names could choose thousands with one hash, whatever the seed.
    #[test]
    fn what_has_no_case_is_told_apart() {
        assert_ne!(writes("不"), writes("中"));
        assert_ne!(key_writes("不"), key_writes("中"));
        let ascii: Vec<String> = ('\0'..='\x7F').map(String::from).collect();
        for a in &ascii {
            for b in &ascii {
                check(a, b);
                // Longer than a block, too.
                check(&a.repeat(20), &b.repeat(20));
            }
        }
    }

    #[test]
    fn each_character_is_folded_by_itself() {
        assert_eq!(fold("ὈΔΥΣΣΕΎΣ ΣΑΣ"), "ὀδυσσεύσ σασ");
        assert_eq!(fold("İstanbul"), "i\u{307}stanbul");
        assert_eq!(fold("\u{212a}ſ"), "kſ");
        assert_eq!(fold("DŽẞ"), "džß");
    }

    #[test]
    fn folding_twice_changes_nothing_more() {
        for c in '\0'..=char::MAX {
            let once = fold(c.encode_utf8(&mut [0; 4])).into_owned();
            assert_eq!(fold(&once), once, "{c:?}");
            assert!(!once.is_empty());
        }
    }

    #[test]
    fn texts_of_any_length_hash_ignoring_case_and_by_their_length() {
        let letters = "Ab".repeat(50);
        for length in 0..letters.len() {
            let text = &letters[..length];
            assert_eq!(writes(text), writes(&text.to_uppercase()));
            assert_ne!(writes(text), writes(&letters[..length + 1]));
            let text = format!("{text}É");
            assert_eq!(writes(&text), writes(&text.to_lowercase()));
            assert_ne!(writes(&text), writes(&format!("{text}É")));
        }
    }
}
