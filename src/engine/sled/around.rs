//! Reading a tree some of whose pages cannot be read: all rows before, after and between them.

use std::collections::BTreeMap;
use std::ops::Bound;

use ::sled::IVec;

use super::outcome::guarded;

/// How often a stretch that cannot be read through is cut in two, to look for rows within it. Each
/// time costs the reading of a few pages.
const CUTS: usize = 10;

/// The rows of a tree that can be read.
pub(super) struct Readable {
    pub(super) rows: BTreeMap<IVec, IVec>,
    /// Whether these are all.
    pub(super) whole: bool,
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
        let from = first.map_or(from, Bound::Excluded);
        let mut rows = tree.range((from.clone(), to.clone()));
        let Err(last) = self.take(|| rows.next_back()) else {
            return;
        };
        let to = last.map_or(to, Bound::Excluded);
        if let Some(cuts) = cuts.checked_sub(1)
            && let Some(middle) = between(&from, &to)
        {
            self.read(tree, from, Bound::Excluded(middle.clone()), cuts);
            self.read(tree, Bound::Included(middle), to, cuts);
        }
    }

    /// Takes rows until there are no more. The error is the last key before what cannot be read.
    fn take(
        &mut self,
        mut next: impl FnMut() -> Option<::sled::Result<(IVec, IVec)>>,
    ) -> Result<(), Option<IVec>> {
        let mut last = None;
        loop {
            match guarded("reading around damage", &mut next) {
                Ok(None) => return Ok(()),
                Ok(Some(Ok((key, value)))) => {
                    last = Some(key.clone());
                    self.rows.insert(key, value);
                }
                Ok(Some(Err(_))) | Err(_) => return Err(last),
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
