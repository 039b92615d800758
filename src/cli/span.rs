//! Lengths of time, as people write them: `30s`, `2m`, `500ms`, `7d`.

use std::str::FromStr;
use std::time::Duration;

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) Duration);

const SECONDS_A_DAY: u64 = 86_400;

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
        let span = match days {
            Some(days) => u64::checked_mul(days, SECONDS_A_DAY).map(Duration::from_secs),
            None => {
                let span: Result<jiff::SignedDuration, _> = text.parse();
                span.ok().and_then(|span| span.try_into().ok())
            }
        };
        span.map(Self)
            .ok_or_else(|| format!("{text:?} is no length of time such as 30s, 2m, 500ms or 7d"))
    }
}

#[cfg(feature = "http")]
impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("30s", 30),
            ("2m", 120),
            ("1h30m", 5_400),
            ("7d", 604_800),
            ("0d", 0),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.0.as_secs(), seconds, "{text}");
        }
        for text in ["", "d", "30", "-1d", "-5s", "soon", "300000000000000d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
