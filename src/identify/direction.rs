//! Effects of labels on features: their sign and size by context, and features whose sign differs between contexts.

use super::contexts::Context;
use super::learners::Rows;
use crate::statistics::{Interval, mean_over_units};
use serde::Serialize;

/// Effect of a label on a feature: how far it lies from the speaker's other recordings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Direction {
    /// The context.
    pub context: String,
    /// Its corpus.
    pub corpus: String,
    /// The label.
    pub label: String,
    /// The feature, by number.
    #[serde(skip)]
    pub feature: usize,
    /// Mean over speakers of the difference between the label's recordings and the others, in the speaker's standard
    /// deviations, with its 95 % interval over speakers.
    pub effect: Interval,
}

impl Direction {
    /// Upwards, downwards, or not to be told.
    #[must_use]
    pub fn sign(&self) -> i8 {
        if self.effect.low > 0.0 { 1 } else { -i8::from(self.effect.high < 0.0) }
    }
}

/// Directions of all features for all labels. `raw` is compared with the speaker.
#[must_use]
pub fn directions(context: &Context, raw: &Rows) -> Vec<Direction> {
    let mut out = Vec::new();
    for (class, label) in context.labels.iter().enumerate() {
        for f in 0..raw.ncols() {
            let mut differences = Vec::new();
            for s in 0..context.speaker_names.len() {
                let mut sums = [(0.0, 0.0); 2];
                for i in (0..raw.nrows()).filter(|i| context.speakers[*i] == s && raw[(*i, f)].is_finite()) {
                    let side = &mut sums[usize::from(context.classes[i] == class)];
                    side.0 += f64::from(raw[(i, f)]);
                    side.1 += 1.0;
                }
                if sums.iter().all(|s| s.1 > 0.0) {
                    differences.push(sums[1].0 / sums[1].1 - sums[0].0 / sums[0].1);
                }
            }
            if differences.len() > 1 {
                out.push(Direction {
                    context: context.name.clone(),
                    corpus: context.corpus.clone().unwrap_or_default(),
                    label: label.clone(),
                    feature: f,
                    effect: mean_over_units(&differences),
                });
            }
        }
    }
    out
}

/// A feature that moves one way with a label here and the other way there, both beyond doubt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flip {
    /// Name of the feature.
    pub feature: String,
    /// The label.
    pub label: String,
    /// Where it moves up, with the effect.
    pub up: (String, Interval),
    /// Where it moves down, with the effect.
    pub down: (String, Interval),
    /// Share of the variation between contexts that is not chance (Higgins and Thompson, Statistics in Medicine 21, 2002).
    pub heterogeneity: f64,
}

/// I squared of effects whose intervals are 95 %.
#[must_use]
pub fn heterogeneity(effects: &[Interval]) -> f64 {
    let weight = |e: &Interval| 1.0 / ((e.high - e.low) / 3.92).max(1e-9).powi(2);
    let total: f64 = effects.iter().map(weight).sum();
    let mean = effects.iter().map(|e| weight(e) * e.value).sum::<f64>() / total.max(1e-300);
    let q: f64 = effects.iter().map(|e| weight(e) * (e.value - mean).powi(2)).sum();
    let free = effects.len().saturating_sub(1) as f64;
    if q > free { (q - free) / q } else { 0.0 }
}

/// All flips between contexts, the largest contradictions first.
#[must_use]
pub fn flips(directions: &[Direction], names: &[String]) -> Vec<Flip> {
    let mut out: Vec<Flip> = Vec::new();
    let mut labels: Vec<&str> = directions.iter().map(|d| d.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    for (f, name) in names.iter().enumerate() {
        for label in &labels {
            let label_directions: Vec<&Direction> =
                directions.iter().filter(|d| d.feature == f && d.label == **label).collect();
            let most = |sign: i8| {
                label_directions
                    .iter()
                    .filter(|d| d.sign() == sign)
                    .max_by(|a, b| a.effect.value.abs().total_cmp(&b.effect.value.abs()))
            };
            if let (Some(up), Some(down)) = (most(1), most(-1)) {
                out.push(Flip {
                    feature: name.clone(),
                    label: (*label).to_owned(),
                    up: (up.context.clone(), up.effect),
                    down: (down.context.clone(), down.effect),
                    heterogeneity: heterogeneity(&label_directions.iter().map(|d| d.effect).collect::<Vec<_>>()),
                });
            }
        }
    }
    let size = |f: &Flip| f.up.1.value.min(-f.down.1.value);
    out.sort_by(|a, b| size(b).total_cmp(&size(a)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(context: &str, value: f64) -> Direction {
        let effect = Interval { value, low: value - 0.3, high: value + 0.3 };
        Direction { context: context.into(), corpus: context.into(), label: "anger".into(), feature: 0, effect }
    }

    #[test]
    fn only_contradictions_beyond_doubt_are_flips() {
        let names = ["loudness".to_owned()];
        assert!(flips(&[at("a", 1.0), at("b", -0.2)], &names).is_empty());
        let found = flips(&[at("a", 1.0), at("b", -0.5), at("c", -0.7)], &names);
        assert_eq!((found.len(), found[0].up.0.as_str(), found[0].down.0.as_str()), (1, "a", "c"));
        assert!(found[0].heterogeneity > 0.9);
        assert_eq!(heterogeneity(&[at("a", 1.0).effect, at("b", 1.0).effect]), 0.0);
    }
}
