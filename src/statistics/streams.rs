//! Streams of random numbers: one for every seed, purpose and number, so that no two draws of a study share theirs.

use crate::signal::random::Random;

/// What a stream is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Speakers drawn anew for figures.
    Speakers,
    /// Speakers drawn anew for ranks.
    Ranks,
    /// Ranks of learners permuted within blocks.
    Learners,
    /// Labels permuted within speakers.
    Labels,
    /// Values permuted among recordings.
    Values,
    /// Recordings divided into halves.
    Halves,
    /// Features in random order.
    Features,
    /// Labels permuted for confounds.
    Confounds,
    /// Voices of synthetic speakers.
    Voices,
    /// Recordings of synthetic speakers.
    Recordings,
    /// Signs of responses.
    Signs,
    /// Directions erased at random before a read-out.
    Erasures,
    /// Directions erased at random before a model's own score.
    ScoreErasures,
}

/// The generator of a stream.
///
/// The output function of SplitMix64 is a bijection of its state: streams of different numbers begin in different states for the
/// same seed and purpose, streams of different seeds for the same purpose and number.
pub(crate) fn stream(seed: u64, purpose: Purpose, number: u64) -> Random {
    let after = |state: u64| Random(state).bits();
    Random(after(after(after(seed) ^ purpose as u64) ^ number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// No two streams of many seeds, purposes and numbers have a value in common in their first thousand: neither do they begin
    /// alike, nor is one the other a few draws on.
    #[test]
    fn no_two_streams_meet() {
        let mut seen = BTreeSet::new();
        let mut drawn = 0;
        for seed in 0..10 {
            for purpose in [Purpose::Speakers, Purpose::Ranks, Purpose::Recordings] {
                for number in 0..20 {
                    let mut r = stream(seed, purpose, number);
                    seen.extend((0..1000).map(|_| r.bits()));
                    drawn += 1000;
                }
            }
        }
        assert_eq!(seen.len(), drawn);
        let firsts: BTreeSet<u64> = (0..100_000).map(|k| stream(k / 1000, Purpose::Labels, k % 1000).bits()).collect();
        assert_eq!(firsts.len(), 100_000);
    }
}
