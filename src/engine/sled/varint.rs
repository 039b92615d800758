//! sled's way to write numbers: small ones in few bytes.

/// A number as sled writes it.
pub(super) fn write(number: u64) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    // The last byte of each pair is what is left of the number, so none is too large for a byte.
    let low = |number: u64| (number % 256) as u8;
    match number {
        0..=240 => vec![low(number)],
        241..=2287 => vec![241 + low((number - 240) / 256), low(number - 240)],
        2288..=67823 => vec![249, low((number - 2288) / 256), low(number - 2288)],
        _ => {
            let length = 8 - number.leading_zeros() as usize / 8;
            let mut written = vec![247 + length as u8];
            written.extend(&bytes[..length]);
            written
        }
    }
}

/// Reads a number, and gives what follows it.
pub(super) fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..=240 => Some((u64::from(*first), rest)),
        241..=248 => {
            let (second, rest) = rest.split_first()?;
            let number = 240 + 256 * (u64::from(*first) - 241) + u64::from(*second);
            Some((number, rest))
        }
        249 => {
            let (two, rest) = rest.split_first_chunk::<2>()?;
            let number = 2288 + 256 * u64::from(two[0]) + u64::from(two[1]);
            Some((number, rest))
        }
        250.. => {
            let (digits, rest) = rest.split_at_checked(usize::from(*first) - 247)?;
            let number = digits
                .iter()
                .rev()
                .fold(0, |number, digit| number << 8 | u64::from(*digit));
            Some((number, rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let edges = [
            0,
            240,
            241,
            2287,
            2288,
            67_823,
            67_824,
            (1 << 24) - 1,
            1 << 24,
        ];
        let powers = (0..64).map(|power| 1 << power);
        for number in edges.into_iter().chain(powers).chain([u64::MAX]) {
            let written = write(number);
            assert_eq!(read(&written), Some((number, &[][..])), "{number}");
            assert_eq!(read(&written[..written.len() - 1]), None, "{number}");
        }
    }
}
