//! What is usual for one speaker: location and scale of every feature, learnt as they speak.
//!
//! Each segment counts with its seconds of speech. Location is the median and scale the interquartile range of the
//! segments remembered, both drawn towards a population by as many seconds as the prior is worth: at first everything
//! is compared with the population, after a minute mostly with the speaker. A live stream remembers the most recent
//! segments in bounded memory; of a whole recording all are remembered. Everything is deterministic.

use super::catalogue::Entry;
use crate::record::Memory;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Segments that a memory of the most recent ones holds.
pub const SEGMENTS: usize = 64;
/// Seconds of speech that the population's values are worth.
pub const PRIOR_S: f64 = 20.0;
/// Interquartile range of a normal distribution, in standard deviations.
const IQR_SIGMA: f64 = 1.348_979_5;
/// Least scale relative to the population's: a feature that happens not to have moved is not thereby sharp.
const LEAST_SCALE: f64 = 0.1;
/// Name and version of the JSON form.
const FORMAT: &str = "affect.baseline/1";

/// Location and scale of the features of a set over many speakers, the scale being that within a speaker.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    names: Vec<String>,
    /// `(location, scale)` by feature; `None` where the population leaves it open.
    values: Vec<Option<(f64, f64)>>,
}

impl Population {
    /// A population for the features of a catalogue, from lines `name,location,scale`; names it lacks stay open.
    #[must_use]
    pub fn parse(catalogue: &[Entry], table: &str) -> Self {
        let find = |name: &str| {
            table.lines().skip(1).find_map(|l| {
                let mut cells = l.split(',');
                let found = cells.next() == Some(name);
                let pair = cells.next()?.parse().ok().zip(cells.next()?.parse().ok())?;
                (found && pair.1 > 0.0).then_some(pair)
            })
        };
        Self {
            values: catalogue.iter().map(|e| find(&e.name)).collect(),
            names: catalogue.iter().map(|e| e.name.clone()).collect(),
        }
    }

    /// The same for some features of `affect-v1`, in an order of one's own.
    ///
    /// # Errors
    /// The name that is none of them.
    pub fn affect_of(names: &[String]) -> Result<Self, String> {
        let all = Self::affect();
        let find = |n: &String| all.names.iter().position(|x| x == n).map(|k| all.values[k]).ok_or_else(|| n.clone());
        Ok(Self { values: names.iter().map(find).collect::<Result<_, _>>()?, names: names.to_vec() })
    }

    /// The population of `affect-v1`: EmoDB (CC0), ten speakers, acted emotions, German.
    #[must_use]
    pub fn affect() -> Self {
        Self::parse(super::catalogue::affect_functionals(), include_str!("catalogue/population.csv"))
    }
}

/// One value against what is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deviation {
    /// Distance from the usual value, in scales.
    pub z: f64,
    /// The usual value.
    pub location: f64,
    /// The usual spread, as a standard deviation.
    pub scale: f64,
}

/// What is usual for one speaker.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    population: Population,
    memory: Memory,
    /// The segments remembered: seconds of speech, and values.
    segments: Vec<(f64, Vec<Option<f32>>)>,
    /// Where the next segment goes once the memory is full.
    next: usize,
    heard_s: f64,
}

/// Why a saved baseline cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaselineError {
    /// The text is not a baseline.
    Format(String),
    /// It is about other features.
    Features {
        /// A name that one side has and the other has not, or not at this place.
        name: String,
    },
}

impl fmt::Display for BaselineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(why) => write!(f, "not a baseline of the form {FORMAT}: {why}"),
            Self::Features { name } => {
                write!(f, "the baseline is about other features (\"{name}\"): make it again with this feature set")
            }
        }
    }
}

impl std::error::Error for BaselineError {}

#[derive(Serialize, Deserialize)]
struct Saved {
    format: String,
    #[serde(default)]
    memory: Memory,
    heard_s: f64,
    next: usize,
    features: Vec<String>,
    segments: Vec<SavedSegment>,
}

#[derive(Serialize, Deserialize)]
struct SavedSegment {
    speech_s: f64,
    values: Vec<Option<f32>>,
}

impl Baseline {
    /// Nothing heard yet: everything is compared with the population. The last 64 segments will be remembered.
    #[must_use]
    pub fn new(population: Population) -> Self {
        Self { population, memory: Memory::Recent, segments: Vec::with_capacity(SEGMENTS), next: 0, heard_s: 0.0 }
    }

    /// Nothing heard yet; all segments will be remembered.
    #[must_use]
    pub fn of_all(population: Population) -> Self {
        Self { memory: Memory::All, ..Self::new(population) }
    }

    /// What it remembers.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.memory
    }

    /// Names of the features, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.population.names
    }

    /// Seconds of speech that it rests on: those of the segments remembered.
    #[must_use]
    pub fn speech_s(&self) -> f64 {
        // A sum of nothing is -0.0.
        self.segments.iter().map(|s| s.0).sum::<f64>() + 0.0
    }

    /// Seconds of speech heard altogether.
    #[must_use]
    pub fn heard_s(&self) -> f64 {
        self.heard_s
    }

    /// Takes the features of a segment (in the order of the names) with `speech_s` seconds of speech. Segments without
    /// speech, of another length, and values that are not finite are left out.
    pub fn push(&mut self, values: &[Option<f32>], speech_s: f64) {
        if !(speech_s.is_finite() && speech_s > 0.0) || values.len() != self.population.names.len() {
            return;
        }
        let clean = values.iter().map(|v| v.filter(|v| v.is_finite())).collect();
        self.heard_s += speech_s;
        if self.memory == Memory::All || self.segments.len() < SEGMENTS {
            self.segments.push((speech_s, clean));
        } else {
            self.segments[self.next] = (speech_s, clean);
        }
        self.next = (self.next + 1) % SEGMENTS;
    }

    /// Location and scale of a feature; `None` where neither the speaker nor the population says anything.
    #[must_use]
    pub fn usual(&self, feature: usize) -> Option<(f64, f64)> {
        let mut heard: Vec<(f64, f64)> =
            self.segments.iter().filter_map(|(s, v)| Some((f64::from((*v.get(feature)?)?), *s))).collect();
        heard.sort_by(|a, b| a.0.total_cmp(&b.0));
        let speech: f64 = heard.iter().map(|h| h.1).sum();
        let prior = self.population.values.get(feature).copied().flatten();
        let own = (heard.len() >= 2).then(|| {
            let at = |p: f64| weighted(&heard, p * speech);
            (at(0.5), (at(0.75) - at(0.25)) / IQR_SIGMA)
        });
        match (own.or_else(|| heard.first().map(|h| (h.0, 0.0))), prior) {
            (Some((location, scale)), Some((usual, spread))) => {
                let share = speech / (speech + PRIOR_S);
                let mixed = (share * scale * scale + (1.0 - share) * spread * spread).sqrt();
                Some((share * location + (1.0 - share) * usual, mixed.max(LEAST_SCALE * spread)))
            }
            (Some((location, scale)), None) => (scale > 0.0).then_some((location, scale)),
            (None, prior) => prior,
        }
    }

    /// A value against what is usual so far (so that push the segment itself only afterwards).
    #[must_use]
    pub fn deviation(&self, feature: usize, value: f32) -> Option<Deviation> {
        Self::against(self.usual(feature)?, value)
    }

    /// [`Self::usual`] of every feature, for many comparisons with the same.
    #[must_use]
    pub fn usual_of_all(&self) -> Vec<Option<(f64, f64)>> {
        (0..self.population.names.len()).map(|i| self.usual(i)).collect()
    }

    /// A value against a location and scale.
    #[must_use]
    pub fn against((location, scale): (f64, f64), value: f32) -> Option<Deviation> {
        let z = (f64::from(value) - location) / scale;
        z.is_finite().then_some(Deviation { z, location, scale })
    }

    /// The whole state as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let saved = Saved {
            format: FORMAT.to_owned(),
            memory: self.memory,
            heard_s: self.heard_s,
            next: self.next,
            features: self.population.names.clone(),
            segments: self.segments.iter().map(|(s, v)| SavedSegment { speech_s: *s, values: v.clone() }).collect(),
        };
        // Strings and finite numbers: nothing that serde_json refuses.
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// The state that [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// [`BaselineError`] for a text that is no baseline or one about other features.
    pub fn from_json(population: Population, text: &str) -> Result<Self, BaselineError> {
        let saved: Saved = serde_json::from_str(text).map_err(|e| BaselineError::Format(e.to_string()))?;
        let wrong = |what: &str| Err(BaselineError::Format(what.to_owned()));
        if saved.format != FORMAT {
            return wrong(&format!("it says \"{}\"", saved.format));
        }
        let names = &population.names;
        if let Some(i) = (0..names.len().max(saved.features.len())).find(|i| names.get(*i) != saved.features.get(*i)) {
            let name = saved.features.get(i).or_else(|| names.get(i)).cloned().unwrap_or_default();
            return Err(BaselineError::Features { name });
        }
        let many = saved.memory == Memory::Recent && saved.segments.len() > SEGMENTS;
        if many || saved.next >= SEGMENTS || saved.heard_s.is_nan() || saved.heard_s < 0.0 {
            return wrong("numbers out of range");
        }
        if saved.segments.iter().any(|s| s.values.len() != names.len() || !(s.speech_s > 0.0 && s.speech_s.is_finite()))
        {
            return wrong("a segment does not fit");
        }
        Ok(Self {
            segments: saved.segments.into_iter().map(|s| (s.speech_s, s.values)).collect(),
            memory: saved.memory,
            next: saved.next,
            heard_s: saved.heard_s,
            population,
        })
    }
}

/// The value below which `target` of the weight lies, with linear interpolation between the middles of the weights.
fn weighted(sorted: &[(f64, f64)], target: f64) -> f64 {
    let mut below = 0.0;
    let mut last: Option<(f64, f64)> = None;
    for (value, weight) in sorted {
        let middle = below + 0.5 * weight;
        if middle >= target {
            return match last {
                Some((v, m)) => v + (value - v) * (target - m) / (middle - m),
                None => *value,
            };
        }
        last = Some((*value, middle));
        below += weight;
    }
    last.map_or(f64::NAN, |l| l.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn population(values: Vec<Option<(f64, f64)>>) -> Population {
        Population { names: (0..values.len()).map(|i| format!("f{i}")).collect(), values }
    }

    #[test]
    fn from_the_population_to_the_speaker() {
        let mut b = Baseline::new(population(vec![Some((100.0, 10.0)), None]));
        assert_eq!(b.usual(0), Some((100.0, 10.0)));
        assert_eq!(b.usual(1), None);
        assert_eq!(b.deviation(0, 120.0).map(|d| d.z), Some(2.0));
        for i in 0..200 {
            b.push(&[Some(150.0 + (i % 5) as f32), Some(1.0)], 3.0);
        }
        let (location, scale) = b.usual(0).unwrap();
        // 192 of 212 seconds are the speaker's.
        assert!((location - (152.0 * 192.0 + 100.0 * 20.0) / 212.0).abs() < 1e-9, "{location}");
        assert!(scale > 1.0 && scale < 5.0, "{scale}");
        assert_eq!((b.speech_s(), b.heard_s()), (192.0, 600.0));
        assert_eq!(b.usual(1), None, "what never moves and has no population has no scale");
    }

    /// The middle of all, and of the last 64.
    #[test]
    fn all_or_recent() {
        let p = population(vec![Some((150.0, 10.0))]);
        for (mut b, low, high) in
            [(Baseline::of_all(p.clone()), 140.0, 160.0), (Baseline::new(p.clone()), 180.0, 200.0)]
        {
            (0..200).for_each(|i| b.push(&[Some(if i < 100 { 100.0 } else { 200.0 })], 2.0));
            let (location, _) = b.usual(0).unwrap();
            assert!(location > low && location < high, "{:?}: {location}", b.memory());
            assert_eq!(b.usual_of_all(), [b.usual(0)]);
            assert_eq!(Baseline::from_json(p.clone(), &b.to_json()).unwrap(), b);
        }
    }

    #[test]
    fn one_wild_segment_moves_little() {
        let mut b = Baseline::new(population(vec![Some((0.0, 1.0))]));
        (0..20).for_each(|i| b.push(&[Some((i % 3) as f32 - 1.0)], 3.0));
        let before = b.usual(0).unwrap();
        b.push(&[Some(1e6)], 3.0);
        let after = b.usual(0).unwrap();
        assert!((after.0 - before.0).abs() < 0.2 && (after.1 - before.1).abs() < 0.3, "{before:?} {after:?}");
    }

    #[test]
    fn what_cannot_be_used_is_left_out_or_refused() {
        let p = population(vec![Some((0.0, 1.0))]);
        let mut b = Baseline::new(p.clone());
        b.push(&[Some(1.0)], 0.0);
        b.push(&[Some(1.0)], f64::NAN);
        b.push(&[Some(1.0), None], 1.0);
        b.push(&[Some(f32::NAN)], 1.0);
        assert_eq!((b.usual(0), b.speech_s()), (Some((0.0, 1.0)), 1.0));
        let other = population(vec![None, None]);
        assert!(matches!(Baseline::from_json(other, &b.to_json()), Err(BaselineError::Features { .. })));
        for bad in
            ["", "{}", "{\"format\":\"affect.baseline/9\",\"heard_s\":0,\"next\":0,\"features\":[],\"segments\":[]}"]
        {
            assert!(matches!(Baseline::from_json(p.clone(), bad), Err(BaselineError::Format(_))), "{bad}");
        }
    }

    proptest! {
        /// Saved and restored it goes on as if nothing had happened, at any point.
        #[test]
        fn saving_changes_nothing(
            values in prop::collection::vec((prop::option::of(-1e3f32..1e3), 0.1f64..9.0), 1..150),
            cut in 0usize..150,
        ) {
            let p = population(vec![Some((1.0, 2.0))]);
            let mut whole = Baseline::new(p.clone());
            let mut part = Baseline::new(p.clone());
            for (i, (v, s)) in values.iter().enumerate() {
                if i == cut {
                    part = Baseline::from_json(p.clone(), &part.to_json()).unwrap();
                }
                whole.push(&[*v], *s);
                part.push(&[*v], *s);
            }
            prop_assert_eq!(&whole, &part);
            prop_assert_eq!(whole.usual(0), part.usual(0));
        }

        /// Any text is understood or refused.
        #[test]
        fn any_text(text in ".{0,200}") {
            let _ = Baseline::from_json(population(vec![None]), &text);
        }
    }
}
