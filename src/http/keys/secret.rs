//! A key as its owner has it, and the digest that is kept of it.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::file::KeyError;

/// How every key begins, so that whoever finds one knows what it is.
const PREFIX: &str = "coursecat_";
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// A key as its owner has it. It does not print.
pub struct Secret {
    id: String,
    whole: SecretString,
}

impl Secret {
    /// A new one, of the system's random numbers.
    pub(super) fn new() -> Result<Self, KeyError> {
        let mut random = [0; ID_BYTES + SECRET_BYTES];
        getrandom::fill(&mut random).map_err(|_| KeyError::NoRandomNumbers)?;
        let (id, secret) = random.split_at(ID_BYTES);
        let id = HEXLOWER.encode(id);
        let whole = format!("{PREFIX}{id}_{}", BASE64URL_NOPAD.encode(secret));
        Ok(Self {
            id,
            whole: whole.into(),
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.whole.expose_secret())
    }

    /// The key, to be shown once.
    #[must_use]
    pub fn show_once(&self) -> &str {
        self.whole.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The id of a key, and what is secret of it.
pub(super) fn parts(shown: &str) -> Option<(&str, &str)> {
    shown.strip_prefix(PREFIX)?.split_once('_')
}

/// What is kept of a key. A key is as random as it is long, so a plain digest gives nothing away.
#[derive(Clone)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    fn of(whole: &str) -> Self {
        Self(Sha256::digest(whole.as_bytes()).into())
    }

    /// Whether it is that of this key; takes the same time whatever the answer is.
    pub(super) fn is_of(&self, shown: &str) -> bool {
        Self::of(shown).0.ct_eq(&self.0).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        let digest = bytes.and_then(|bytes| bytes.try_into().ok());
        digest
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a digest has 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_digest_and_prints_nowhere() {
        let key = Secret::new().unwrap();
        let shown = key.show_once().to_owned();
        assert_eq!(parts(&shown).unwrap().0, key.id());
        assert!(key.digest().is_of(&shown));
        assert!(!key.digest().is_of(&shown[..shown.len() - 1]));
        let secret = parts(&shown).unwrap().1;
        assert!(!format!("{key:?} {:?}", key.digest()).contains(secret));
        assert_ne!(shown, Secret::new().unwrap().show_once());
    }
}
