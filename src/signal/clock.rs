//! Integer time: positions are sample counters, and times follow from them exactly.

use super::RATE_HZ;

/// Nanoseconds that one sample at 16 kHz lasts. Exact: 10^9 / 16000 = 62500.
pub const NS_PER_SAMPLE: u64 = 1_000_000_000 / RATE_HZ as u64;

/// Time of a position on the 16 kHz axis, in nanoseconds from the start of the stream.
///
/// Exact; saturates after 584 years.
#[must_use]
pub const fn samples_to_ns(position: u64) -> u64 {
    position.saturating_mul(NS_PER_SAMPLE)
}

/// The position on the 16 kHz axis that a duration in nanoseconds reaches, rounded to the nearest sample.
#[must_use]
pub const fn ns_to_samples(ns: u64) -> u64 {
    let whole = ns / NS_PER_SAMPLE;
    if ns % NS_PER_SAMPLE >= NS_PER_SAMPLE / 2 { whole + 1 } else { whole }
}

/// Rescales a count from one rate to another, rounding down: `count * to / from` without overflow.
///
/// Returns 0 for `from == 0`.
#[must_use]
pub const fn rescale(count: u64, from: u64, to: u64) -> u64 {
    if from == 0 {
        return 0;
    }
    let wide = (count as u128 * to as u128) / from as u128;
    if wide > u64::MAX as u128 { u64::MAX } else { wide as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_an_integer_number_of_nanoseconds() {
        assert_eq!(NS_PER_SAMPLE * u64::from(RATE_HZ), 1_000_000_000);
        assert_eq!(samples_to_ns(160), 10_000_000);
        assert_eq!(samples_to_ns(16_000 * 3600), 3_600_000_000_000);
    }

    #[test]
    fn nanoseconds_round_to_the_nearest_sample() {
        for n in [0u64, 1, 159, 160, 57_600_001] {
            assert_eq!(ns_to_samples(samples_to_ns(n)), n);
            assert_eq!(ns_to_samples(samples_to_ns(n) + 31_249), n);
            assert_eq!(ns_to_samples(samples_to_ns(n) + 31_250), n + 1);
        }
    }

    #[test]
    fn rescaling_survives_long_streams() {
        assert_eq!(rescale(u64::MAX / 2, 192_000, 16_000), u64::MAX / 24);
        assert_eq!(rescale(44_100, 44_100, 16_000), 16_000);
        assert_eq!(rescale(5, 0, 1), 0);
    }
}
