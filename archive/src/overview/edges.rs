//! Bins of histograms, fixed by the name of the measure.

/// Bin of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower edge, inside; minus infinity for what lies below all others.
    pub low: f64,
    /// Upper edge, outside; infinity for what lies above.
    pub high: f64,
    /// How many values.
    pub count: u64,
}

/// Edges of bins; there is an open bin below the first and above the last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Edges(Vec<f64>);

fn even(low: f64, high: f64, bins: u32) -> Vec<f64> {
    // Edges of one division, so that equal numbers come out: 0.15 is 0.15.
    (0..=bins).map(|k| low + (high - low) * f64::from(k) / f64::from(bins)).collect()
}

/// Seconds that people think in.
const SECONDS: [f64; 15] =
    [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];
const COUNTS: [f64; 14] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0];

impl Edges {
    /// Those for a measure of this name.
    pub fn of(name: &str) -> Self {
        let ends = |list: &[&str]| list.iter().any(|e| name.ends_with(e));
        let holds = |list: &[&str]| list.iter().any(|e| name.contains(e));
        Self(if ends(&["_share"]) || holds(&["probability_"]) && !ends(&["_trend"]) {
            even(0.0, 1.0, 20)
        } else if holds(&["dimension_"]) || ends(&["_trend"]) {
            even(-1.5, 1.5, 30)
        } else if ends(&["_per_s", "_rate"]) {
            even(0.0, 10.0, 20)
        } else if ends(&["_s"]) {
            SECONDS.to_vec()
        } else if ends(&["bandwidth_hz"]) {
            even(0.0, 8000.0, 32)
        } else if ends(&["_hz"]) {
            even(50.0, 450.0, 32)
        } else if ends(&["_dbfs"]) {
            even(-60.0, 0.0, 30)
        } else if ends(&["difference_db"]) {
            even(-40.0, 40.0, 32)
        } else if ends(&["_snr_db", "_range_db"]) {
            even(-10.0, 60.0, 28)
        } else if ends(&["_db"]) {
            even(-10.0, 30.0, 40)
        } else if ends(&["_st"]) {
            even(0.0, 30.0, 30)
        } else if ends(&["interruptions", "backchannels", "turns", "reply_gaps", "_count"]) {
            COUNTS.to_vec()
        } else {
            let ladder = [1.0, 2.0, 5.0];
            let up = (-2..5).flat_map(|p| ladder.map(|l| l * 10f64.powi(p)));
            let up: Vec<f64> = up.collect();
            up.iter().rev().map(|v| -v).chain([0.0]).chain(up.iter().copied()).collect()
        })
    }

    /// How many bins there are, the open ones included.
    pub fn bins(&self) -> usize {
        self.0.len() + 1
    }

    /// The bin of a value.
    pub fn bin(&self, value: f64) -> usize {
        self.0.partition_point(|e| *e <= value)
    }

    /// The bins with their counts, from the first that is not empty to the last.
    pub fn histogram(&self, counts: &[u64]) -> Vec<Bin> {
        let full = |(k, c): (usize, &u64)| (*c > 0).then_some(k);
        let (Some(first), Some(last)) =
            (counts.iter().enumerate().find_map(full), counts.iter().enumerate().rev().find_map(full))
        else {
            return Vec::new();
        };
        let bin = |k: usize| Bin {
            low: k.checked_sub(1).map_or(f64::NEG_INFINITY, |k| self.0[k]),
            high: self.0.get(k).copied().unwrap_or(f64::INFINITY),
            count: counts[k],
        };
        (first..=last).map(bin).collect()
    }
}

/// Whether a measure is one that a reader looks for first.
pub(super) fn is_headline(name: &str) -> bool {
    const WHOLE: [&str; 5] = ["duration_s", "overlap_share", "non_talk_share", "non_talk_longest_s", "abstained_share"];
    const OWN: [&str; 8] = [
        "_talk_share",
        "_interruptions",
        "_turns_median_s",
        "_reply_gap_median_s",
        "_f0_median_hz",
        "_articulation_rate",
        "_snr_db",
        "_abstained_share",
    ];
    let quarter = ["_q1", "_q2", "_q3", "_q4"].iter().any(|q| name.ends_with(q));
    WHOLE.contains(&name) || OWN.iter().any(|e| name.ends_with(e)) || name.contains("dimension_") && !quarter
}

/// Whether a measure is told of groups: what calls are like, how good their sound is, and scores as means.
pub(super) fn is_told_of_groups(name: &str) -> bool {
    const TOLD: [&str; 6] =
        ["duration_s", "overlap_share", "non_talk_share", "_snr_db", "abstained_share", "dimension_arousal_trend"];
    let mean = name.starts_with("mean_dimension_") || name.ends_with("_dimension_arousal_mean");
    mean || TOLD.iter().any(|e| name.ends_with(e)) || name.ends_with("_talk_share")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_bin_and_every_bin_its_values() {
        for name in [
            "agent_talk_share",
            "duration_s",
            "caller_f0_median_hz",
            "x",
            "mean_dimension_arousal",
            "agent_turns",
            "a_db",
        ] {
            let edges = Edges::of(name);
            assert!(edges.0.windows(2).all(|w| w[0] < w[1]), "{name}: {edges:?}");
            let mut counts = vec![0; edges.bins()];
            let values: Vec<f64> = (-400..400).map(|k| f64::from(k) / 7.0).chain([1e9, -1e9, 0.0, 1.0]).collect();
            values.iter().for_each(|v| counts[edges.bin(*v)] += 1);
            let histogram = edges.histogram(&counts);
            for b in &histogram {
                // Brute force: who is inside?
                let inside = values.iter().filter(|v| **v >= b.low && **v < b.high).count() as u64;
                assert_eq!(b.count, inside, "{name}: {b:?}");
            }
            assert_eq!(histogram.iter().map(|b| b.count).sum::<u64>(), values.len() as u64);
        }
        assert!(Edges::of("x").histogram(&vec![0; Edges::of("x").bins()]).is_empty());
    }
}
