//! Numbers that choose moments and places: the same seed gives the same ones.

use std::time::SystemTime;

/// A xorshift generator.
pub(crate) struct Dice(u64);

impl Dice {
    /// Begins with the seed in `COURSECAT_SEED`, or with one of this moment. Prints it.
    pub(crate) fn seeded() -> Self {
        let seed = match std::env::var("COURSECAT_SEED") {
            Ok(seed) => seed.parse().expect("COURSECAT_SEED is a number"),
            Err(_) => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                u64::try_from(now.unwrap().as_micros()).unwrap() | 1
            }
        };
        println!("COURSECAT_SEED={seed}");
        Self(seed)
    }

    /// A number below `n`, which is not 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}
