//! Speaker baseline: deviations of a segment's features from what is usual for its speaker.

use super::config::Config;
use super::heard::Heard;
use crate::features::baseline::{Baseline, Population};
use crate::record::{BaselineResult, Ended, Record};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Share of a segment that must be new before anything is learnt from it: windows that hardly differ say the same again.
const NEW: f64 = 0.25;

/// Speaker of a channel: a name, the baseline so far, and the spans of the stream that it was learnt from.
#[derive(Debug, Clone)]
pub(super) struct Speaker {
    /// Empty where nobody said who it is.
    name: Arc<str>,
    pub baseline: Baseline,
    heard: Heard,
}

impl Speaker {
    /// A speaker of whom nothing is known: the baseline is the population's.
    pub fn new(name: Arc<str>) -> Self {
        Self::with(name, Baseline::new(Population::affect()))
    }

    /// A speaker with a baseline that was learnt before.
    fn with(name: Arc<str>, baseline: Baseline) -> Self {
        Self { name, baseline, heard: Heard::default() }
    }

    /// Replaces the baseline by one that was learnt from other audio.
    pub fn set(&mut self, baseline: Baseline) {
        *self = Self::with(self.name.clone(), baseline);
    }

    /// Forgets everything but the name.
    pub fn forget(&mut self) {
        *self = Self::new(self.name.clone());
    }

    /// Another stream begins, whose times are others: somebody without a name is forgotten.
    pub fn next_stream(&mut self) {
        if self.name.is_empty() {
            self.forget();
        } else {
            self.heard = Heard::default();
        }
    }

    /// Takes over the baseline of `other` where that is the same speaker: of the same name, or in the same stream if nobody is named.
    pub fn adopt(&mut self, other: &Self, same_stream: bool) {
        if self.name == other.name && same_stream {
            *self = other.clone();
        } else if self.name == other.name && !self.name.is_empty() {
            self.set(other.baseline.clone());
        }
    }

    /// Compares a record with what is usual, and then learns from it unless the segment goes on.
    pub fn apply(&mut self, record: &mut Record) {
        let usual = |i| self.baseline.usual(i);
        record.baseline = Some(compare(&self.baseline, usual, record));
        self.learn(record);
    }

    fn learn(&mut self, record: &Record) {
        let quality = record.quality.unwrap_or_default();
        if record.ended == Ended::Open || quality.not_speech {
            return;
        }
        let values: Vec<Option<f32>> = record.features.iter().map(|f| f.value).collect();
        self.learn_span(record.start_ns, record.end_ns, quality.speech_s.map(f64::from), &values);
    }

    /// What has been heard before counts for nothing: speech is taken as spread evenly over the segment, and only the share
    /// that is new is learnt.
    fn learn_span(&mut self, start_ns: u64, end_ns: u64, speech_s: Option<f64>, values: &[Option<f32>]) {
        let length = end_ns.saturating_sub(start_ns) as f64;
        let share = self.heard.fresh(start_ns, end_ns) as f64 / length;
        if share.is_nan() || share < NEW {
            return;
        }
        self.heard.add(start_ns, end_ns);
        // Without a detector the length of the segment has to do.
        self.baseline.push(values, share * speech_s.unwrap_or(length * 1e-9));
    }
}

/// Running baselines of a stream's channels, for records whose features were made elsewhere without one.
#[derive(Debug, Clone, Default)]
pub struct Speakers {
    by_channel: BTreeMap<Option<usize>, Speaker>,
}

impl Speakers {
    /// Compares a record with what its speaker has said so far, and then learns from it unless the segment goes on: what an analyzer
    /// with [`Config::baseline`] does. Records that have been compared already, and those of sets without baselines, are left
    /// as they are. `config` names the speakers; who has another name than before is somebody else.
    pub fn apply(&mut self, config: &Config, record: &mut Record) {
        if record.baseline.is_some() || record.feature_set != crate::features::affect::NAME {
            return;
        }
        let name = config.speaker(record.channel.index);
        let channel = self.by_channel.entry(record.channel.index);
        let speaker = channel.or_insert_with(|| Speaker::new(name.clone()));
        if speaker.name != name {
            *speaker = Speaker::new(name);
        }
        speaker.apply(record);
    }

    /// Another stream begins: who has no name is forgotten.
    pub fn next_stream(&mut self) {
        self.by_channel.values_mut().for_each(Speaker::next_stream);
    }

    /// Forgets everybody.
    pub fn reset(&mut self) {
        self.by_channel.clear();
    }
}

/// One row of a table of segments.
#[derive(Debug, Clone, PartialEq)]
pub struct SpokenRow {
    /// The stream that its times are of.
    pub stream: Arc<str>,
    /// Start of the segment, in ns.
    pub start_ns: u64,
    /// End of the segment, in ns.
    pub end_ns: u64,
    /// Seconds of speech in it; its length where nobody counted.
    pub speech_s: Option<f64>,
    /// Features of `affect-v1` in the order of the catalogue.
    pub features: Vec<Option<f32>>,
}

/// Distances of all features of one speaker's rows from what is usual in all of them, in the speaker's scales: [`two_pass`]
/// for tables. Also gives the seconds of speech that this rests on.
#[must_use]
pub fn two_pass_rows(rows: &[SpokenRow]) -> (Vec<Vec<Option<f32>>>, f64) {
    let mut speaker = Speaker::with("".into(), Baseline::of_all(Population::affect()));
    let mut stream: Option<&Arc<str>> = None;
    for r in rows {
        if stream != Some(&r.stream) {
            // The times of another stream are others.
            speaker.heard = Heard::default();
            stream = Some(&r.stream);
        }
        speaker.learn_span(r.start_ns, r.end_ns, r.speech_s, &r.features);
    }
    let usual = speaker.baseline.usual_of_all();
    let z =
        |(value, usual): (&Option<f32>, &Option<(f64, f64)>)| Some(Baseline::against((*usual)?, (*value)?)?.z as f32);
    (rows.iter().map(|r| r.features.iter().zip(&usual).map(z).collect()).collect(), speaker.baseline.speech_s())
}

fn compare(baseline: &Baseline, usual: impl Fn(usize) -> Option<(f64, f64)>, record: &Record) -> BaselineResult {
    let deviations: Vec<_> =
        record.features.iter().enumerate().map(|(i, f)| Baseline::against(usual(i)?, f.value?)).collect();
    BaselineResult {
        speech_s: baseline.speech_s() as f32,
        memory: baseline.memory(),
        z: deviations.iter().map(|d| d.map(|d| d.z as f32)).collect(),
        usual: deviations.iter().map(|d| d.map(|d| d.location as f32)).collect(),
    }
}

/// Compares every record of `affect-v1` of a recording with its channel's whole baseline: for archives, where all that
/// a speaker says is known beforehand. Other sets are left as they are. Returns the baselines by channel.
pub fn two_pass(records: &mut [Record]) -> BTreeMap<Option<usize>, Baseline> {
    let mut speakers: BTreeMap<Option<usize>, Speaker> = BTreeMap::new();
    let mut stream: Option<Arc<str>> = None;
    let ours = |r: &Record| r.feature_set == crate::features::affect::NAME;
    for r in records.iter().filter(|r| ours(r)) {
        if stream.as_ref() != Some(&r.stream) {
            // The times of another stream are others.
            speakers.values_mut().for_each(|s| s.heard = Heard::default());
            stream = Some(r.stream.clone());
        }
        let new = || Speaker::with("".into(), Baseline::of_all(Population::affect()));
        speakers.entry(r.channel.index).or_insert_with(new).learn(r);
    }
    let usual: BTreeMap<Option<usize>, Vec<Option<(f64, f64)>>> =
        speakers.iter().map(|(c, s)| (*c, s.baseline.usual_of_all())).collect();
    for r in records.iter_mut().filter(|r| ours(r)) {
        if let (Some(s), Some(usual)) = (speakers.get(&r.channel.index), usual.get(&r.channel.index)) {
            r.baseline = Some(compare(&s.baseline, |i| usual.get(i).copied().flatten(), r));
        }
    }
    speakers.into_iter().map(|(c, s)| (c, s.baseline)).collect()
}
