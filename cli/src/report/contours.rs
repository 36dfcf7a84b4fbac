//! Level and F0 of every party over time, in steps that a page can show.

use affect::record::Record;
use std::collections::BTreeMap;

/// Steps that are easy to read, in ns.
const WIDTHS: [u64; 10] = [
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    60_000_000_000,
    300_000_000_000,
];
/// Most steps of a recording, where a width allows it.
const MOST: u64 = 600;
/// Share of a step's frames that have to be voiced for it to have an F0.
const VOICED: f64 = 0.2;

/// The step for a recording of this length.
pub fn bin_width(end_ns: u64) -> u64 {
    WIDTHS.into_iter().find(|w| end_ns.div_ceil(*w) <= MOST).unwrap_or(end_ns.div_ceil(MOST))
}

/// A step of one party.
#[derive(Debug, Clone, Default, PartialEq)]
struct Sums {
    /// Mean square, summed, and of how many frames.
    power: f64,
    sounding: u64,
    frames: u64,
    /// F0 in Hz of the voiced frames within utterances.
    f0: Vec<f32>,
}

/// A step of one party as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// When it begins.
    pub start_ns: u64,
    /// Level of the step in dBFS; `None` for digital silence.
    pub level_db: Option<f64>,
    /// Median F0 in Hz; `None` where too little is voiced speech.
    pub f0_hz: Option<f64>,
}

/// What a party's speech is like altogether.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Speech {
    /// Median F0 in Hz of its voiced frames.
    pub f0_hz: Option<f64>,
    /// Its 10th and 90th percentile.
    pub f0_range_hz: Option<(f64, f64)>,
    /// Level in dBFS: mean power over utterances, pauses within them included.
    pub level_db: Option<f64>,
}

/// Contours by channel.
pub struct Contours {
    width_ns: u64,
    spans: BTreeMap<Option<usize>, Vec<(u64, u64)>>,
    steps: BTreeMap<Option<usize>, Vec<Sums>>,
    speech: BTreeMap<Option<usize>, Sums>,
}

impl Contours {
    /// Contours in steps of this width; F0 counts within these utterances, which are in order of time.
    pub fn new(width_ns: u64, records: &[Record]) -> Self {
        let mut spans: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for r in records {
            spans.entry(r.channel.index).or_default().push((r.start_ns, r.end_ns));
        }
        Self { width_ns: width_ns.max(1), spans, steps: BTreeMap::new(), speech: BTreeMap::new() }
    }

    /// Width of a step, ns.
    pub fn width_ns(&self) -> u64 {
        self.width_ns
    }

    /// Takes a frame in.
    pub fn add(&mut self, frame: &Record) {
        let middle_ns = frame.start_ns / 2 + frame.end_ns / 2;
        let channel = frame.channel.index;
        let step = usize::try_from(middle_ns / self.width_ns).unwrap_or(usize::MAX);
        // No recording has as many: a broken time shall not fill the memory.
        if step > 4 * MOST as usize {
            return;
        }
        let level = frame.value("level_dBFS").map(f64::from);
        let spoken = self.spans.get(&channel).is_some_and(|spans| {
            let begun = spans.partition_point(|s| s.0 <= middle_ns);
            begun > 0 && middle_ns < spans[begun - 1].1
        });
        let f0 = frame.value("F0_Hz").filter(|_| spoken);
        let steps = self.steps.entry(channel).or_default();
        if steps.len() <= step {
            steps.resize(step + 1, Sums::default());
        }
        let whole = spoken.then(|| self.speech.entry(channel).or_default());
        for sums in [Some(&mut steps[step]), whole].into_iter().flatten() {
            sums.frames += 1;
            if let Some(level) = level {
                sums.power += 10f64.powf(level / 10.0);
                sums.sounding += 1;
            }
            sums.f0.extend(f0);
        }
    }

    /// The steps of a channel, in order; none where it was not analysed.
    pub fn steps(&self, channel: Option<usize>) -> Vec<Step> {
        let step = |(k, s): (usize, &Sums)| Step {
            start_ns: k as u64 * self.width_ns,
            level_db: s.level_db(),
            f0_hz: Some(&s.f0)
                .filter(|f| f.len() as f64 >= (VOICED * s.frames as f64).max(1.0))
                .and_then(|f| rank(f, 0.5)),
        };
        self.steps.get(&channel).into_iter().flatten().enumerate().map(step).collect()
    }

    /// What a channel's speech is like altogether.
    pub fn speech(&self, channel: Option<usize>) -> Speech {
        let Some(s) = self.speech.get(&channel) else { return Speech::default() };
        Speech { f0_hz: rank(&s.f0, 0.5), f0_range_hz: rank(&s.f0, 0.1).zip(rank(&s.f0, 0.9)), level_db: s.level_db() }
    }
}

impl Sums {
    /// Frames of digital silence count as no power.
    fn level_db(&self) -> Option<f64> {
        (self.sounding > 0 && self.power > 0.0).then(|| 10.0 * (self.power / self.frames as f64).log10())
    }
}

/// The value at a share of the way through the sorted values.
fn rank(values: &[f32], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let place = (share * sorted.len().checked_sub(1)? as f64).round() as usize;
    sorted.get(place).map(|v| f64::from(*v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use affect::analyzer::{Analyzer, Config, Output, Segmentation};
    use affect::signal::samples::Samples;

    #[test]
    fn steps_are_few_and_round() {
        assert_eq!(bin_width(0), 100_000_000);
        assert_eq!(bin_width(40_000_000_000), 100_000_000);
        assert_eq!(bin_width(300_000_000_000), 500_000_000);
        assert_eq!(bin_width(3_600_000_000_000), 10_000_000_000);
        assert!(u64::MAX.div_ceil(bin_width(u64::MAX)) <= MOST);
    }

    /// A tone of known level and pitch: every step has them, F0 only where somebody is said to speak.
    #[test]
    fn a_tone_has_its_level_and_pitch() {
        let tone: Vec<f32> =
            (0..32_000).map(|i| 0.1 * (i as f32 * 200.0 / 16_000.0 * std::f32::consts::TAU).sin()).collect();
        let config = Config { segmentation: Segmentation::Frames, ..Config::default() };
        let mut analyzer = Analyzer::new(config.clone(), 16_000, 1).unwrap();
        let mut frames = Vec::new();
        let mut take = |o: Output<'_>| {
            if let Output::Frame(row) = o {
                frames.push(row.to_record(&config));
            }
        };
        analyzer.push(&Samples::f32(&tone, 1).unwrap(), &mut take).unwrap();
        analyzer.finish(&mut take);
        let mut spoken = frames[0].clone();
        (spoken.start_ns, spoken.end_ns) = (1_000_000_000, 2_000_000_000);
        let mut contours = Contours::new(500_000_000, &[spoken]);
        frames.iter().for_each(|f| contours.add(f));
        let steps = contours.steps(Some(0));
        assert_eq!(steps.iter().map(|s| s.start_ns / 1_000_000).collect::<Vec<_>>(), [0, 500, 1000, 1500]);
        // 0.1 of full scale is -20 dB, its effective value 3.01 dB less.
        assert!(steps.iter().all(|s| (s.level_db.unwrap() + 23.01).abs() < 0.1), "{steps:?}");
        assert!(steps[..2].iter().all(|s| s.f0_hz.is_none()));
        assert!(steps[2..].iter().all(|s| (s.f0_hz.unwrap() - 200.0).abs() < 1.0), "{steps:?}");
        let speech = contours.speech(Some(0));
        assert!((speech.f0_hz.unwrap() - 200.0).abs() < 1.0 && (speech.level_db.unwrap() + 23.01).abs() < 0.1);
        assert_eq!((contours.steps(Some(1)), contours.speech(None)), (Vec::new(), Speech::default()));
    }
}
