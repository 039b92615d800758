//! Reading a tree some of whose pages cannot be read: all rows before, after and between them.
//!
//! Where a stretch cannot be read through from either end, it is cut in two, until both its ends lie in
//! one and the same page. Rows below a page of the tree's inner ones that cannot be read are not reached.

use std::collections::BTreeMap;
use std::ops::Bound;

use ::sled::{Error, IVec};

use super::outcome::guarded;

/// How often a stretch is cut in two where it is known which pages its ends lie in. Keys are numbers of
/// up to 16 bytes, which lie close together at one end of all that there could be, and it takes a cut for
/// each bit to get there. Between two pages side by side, the cuts end here.
const CUTS: usize = 256;

/// What a cut counts for where that is not known, and nothing tells when to end.
const BLIND_CUT: usize = CUTS / 10;

/// The rows of a tree that can be read.
pub(super) struct Readable {
    pub(super) rows: BTreeMap<IVec, IVec>,
    /// Whether these are all.
    pub(super) whole: bool,
}

/// What cannot be read.
struct Obstacle {
    /// The last key before it.
    after: Option<IVec>,
    /// Where in the files its page is, as sled says it.
    place: Option<String>,
}

impl Readable {
    pub(super) fn of(tree: &::sled::Tree) -> Self {
        let mut readable = Self {
            rows: BTreeMap::new(),
            whole: true,
        };
        readable.read(tree, Bound::Unbounded, Bound::Unbounded, CUTS);
        readable
    }

    /// Reads from both ends to what cannot be read, then cuts that in two.
    fn read(&mut self, tree: &::sled::Tree, from: Bound<IVec>, to: Bound<IVec>, cuts: usize) {
        let mut rows = tree.range((from.clone(), to.clone()));
        let Err(first) = self.take(|| rows.next()) else {
            return;
        };
        self.whole = false;
        let from = first.after.map_or(from, Bound::Excluded);
        let mut rows = tree.range((from.clone(), to.clone()));
        let Err(last) = self.take(|| rows.next_back()) else {
            return;
        };
        let to = last.after.map_or(to, Bound::Excluded);
        let cost = match (first.place, last.place) {
            // Only what this page held lies between.
            (Some(first), Some(last)) if first == last => return,
            (Some(_), Some(_)) => 1,
            _ => BLIND_CUT,
        };
        if let Some(cuts) = cuts.checked_sub(cost)
            && let Some(middle) = between(&from, &to)
        {
            self.read(tree, from, Bound::Excluded(middle.clone()), cuts);
            self.read(tree, Bound::Included(middle), to, cuts);
        }
    }

    /// Takes rows until there are no more.
    fn take(
        &mut self,
        mut next: impl FnMut() -> Option<::sled::Result<(IVec, IVec)>>,
    ) -> Result<(), Obstacle> {
        let mut after = None;
        loop {
            match guarded("reading around damage", &mut next) {
                Ok(None) => return Ok(()),
                Ok(Some(Ok((key, value)))) => {
                    after = Some(key.clone());
                    self.rows.insert(key, value);
                }
                Ok(Some(Err(Error::Corruption { at: Some(at), .. }))) => {
                    let place = Some(format!("{at:?}"));
                    return Err(Obstacle { after, place });
                }
                Ok(Some(Err(_))) | Err(_) => return Err(Obstacle { after, place: None }),
            }
        }
    }
}

/// A key half-way between two others, as far as keys are numbers; none if there is none.
fn between(from: &Bound<IVec>, to: &Bound<IVec>) -> Option<IVec> {
    let bytes = |bound: &Bound<IVec>, without: u8| match bound {
        Bound::Included(key) | Bound::Excluded(key) => key.to_vec(),
        Bound::Unbounded => vec![without; 2],
    };
    let (from, to) = (bytes(from, 0), bytes(to, u8::MAX));
    let length = from.len().max(to.len()) + 1;
    let digit = |key: &[u8], at: usize| u16::from(key.get(at).copied().unwrap_or(0));
    // The sum, from its last digit; then half of it, from its first.
    let mut carry = 0;
    let mut sum: Vec<u16> = (0..length)
        .rev()
        .map(|at| {
            let digits = digit(&from, at) + digit(&to, at) + carry;
            carry = digits >> 8;
            digits & 0xff
        })
        .collect();
    sum.reverse();
    let mut middle = Vec::with_capacity(length);
    for digits in sum {
        let digits = (carry << 8) + digits;
        middle.push((digits / 2) as u8);
        carry = digits % 2;
    }
    (*from < *middle && *middle < *to).then(|| middle.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_between_two_others_is_found() {
        let key = |bytes: &[u8]| Bound::Excluded(IVec::from(bytes));
        for (from, to) in [
            (key(b""), key(b"\x01")),
            (key(b"a"), key(b"b")),
            (key(b"ab"), key(b"ac\x00\x01")),
            (key(b"\xff\xff"), key(b"\xff\xff\x01")),
            (Bound::Unbounded, key(b"\x00\x01")),
            (key(b"zz"), Bound::Unbounded),
        ] {
            let middle = between(&from, &to).expect("a key between");
            let Bound::Excluded(low) = &from else {
                continue;
            };
            assert!(*low < middle);
        }
        assert_eq!(between(&key(b"b"), &key(b"a")), None);
        assert_eq!(between(&key(b"a"), &key(b"a")), None);
    }
}
