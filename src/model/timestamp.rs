//! Moments in time, in UTC, to the microsecond.
//!
//! Never reads a clock by itself except in [`Timestamp::now`], which the default clock of a
//! catalog is.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Field, Invalid};

/// A moment in UTC, in whole microseconds; years 0000 to 9999.
///
/// Prints as RFC 3339 with six digits, and reads any RFC 3339 time (more precise ones are cut).
///
/// ```
/// use coursecat::Timestamp;
///
/// let moment: Timestamp = "2026-06-08T02:00:00+02:00".parse()?;
/// assert_eq!(moment.to_string(), "2026-06-08T00:00:00.000000Z");
/// # Ok::<(), coursecat::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest moment: 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// The latest moment: 9999-12-30T21:59:59.999999Z, the last one that every time library reads.
    pub const MAX: Self = Self(253_402_207_199_999_999);

    /// The moment this many microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`Invalid`] outside [`Self::MIN`] to [`Self::MAX`].
    pub fn from_micros(micros: i64) -> Result<Self, Invalid> {
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(Invalid::new(
                Field::Created,
                format!(
                    "A time {micros} microseconds from 1970 is outside the years 0000 to 9999."
                ),
            ))
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z; negative before.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The moment that the system's clock shows.
    ///
    /// A clock set outside the years 0000 to 9999 gives the nearest moment inside.
    #[must_use]
    pub fn now() -> Self {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |m| -m),
        };
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // MIN and MAX lie inside jiff's range; the fallback prints the raw number.
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.6}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let time: jiff::Timestamp = text.parse().map_err(|error| {
            Invalid::new(
                Field::Created,
                format!(
                    "{text:?} is not a time such as 2026-06-08T00:00:00Z (RFC 3339, with an offset or Z): {error}."
                ),
            )
        })?;
        // Rounds towards the past, so that cutting never makes a later moment.
        let micros = time.as_nanosecond().div_euclid(1_000);
        Self::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_six_digits_and_reads_back() {
        for (given, printed) in [
            ("2026-01-04T12:00:00.123456Z", "2026-01-04T12:00:00.123456Z"),
            (
                "2026-01-04T12:00:00.1234569Z",
                "2026-01-04T12:00:00.123456Z",
            ),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"),
            ("2026-06-08T02:00:00+02:00", "2026-06-08T00:00:00.000000Z"),
        ] {
            let moment: Timestamp = given.parse().unwrap();
            assert_eq!(moment.to_string(), printed);
            assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
        }
    }

    #[test]
    fn the_ends_of_the_range_print_and_read_back() {
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(end.to_string().parse::<Timestamp>().unwrap(), end);
        }
        assert!(Timestamp::from_micros(Timestamp::MAX.as_micros() + 1).is_err());
        assert!(Timestamp::from_micros(i64::MIN).is_err());
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        let error = "2026-06-08T00:00:00".parse::<Timestamp>().unwrap_err();
        assert_eq!(error.field, Field::Created);
    }
}
