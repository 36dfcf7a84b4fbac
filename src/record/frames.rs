//! Explanation over time: where in a segment a model of waveforms looked, what is measured there, and how far that can be relied on.

use super::Text;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Signed relevance of every frame, in steps of the largest value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Relevance that a step of 127 stands for, in the score's unit: the largest absolute value.
    pub largest: f32,
    /// Steps, from -127 to 127.
    pub values: Vec<i8>,
}

impl Curve {
    /// Steps of a curve.
    #[must_use]
    pub fn quantised(curve: &[f64]) -> Self {
        let largest = curve.iter().fold(0.0f64, |m, v| m.max(v.abs())) as f32;
        let step = |v: &f64| if largest > 0.0 { (127.0 * v / f64::from(largest)).round() } else { 0.0 };
        Self { largest, values: curve.iter().map(|v| step(v).clamp(-127.0, 127.0) as i8).collect() }
    }

    /// Relevance of a frame, to half a step.
    #[must_use]
    pub fn relevance(&self, frame: usize) -> Option<f32> {
        self.values.get(frame).map(|v| f32::from(*v) * self.largest / 127.0)
    }
}

/// Stretch of a segment that speaks for the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelevantSpan {
    /// Start in stream time, ns.
    pub start_ns: u64,
    /// End in stream time, ns.
    pub end_ns: u64,
    /// Its share of all that speaks for the score, from 0 to 1.
    pub share: f32,
}

/// Low-level descriptor inside the spans and in the rest of the segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// Name in the catalogue.
    pub name: Text,
    /// Group in the catalogue.
    pub group: Text,
    /// Unit of the means.
    pub unit: Text,
    /// Mean inside the spans.
    pub inside: f32,
    /// Mean in the rest.
    pub rest: f32,
    /// Their difference.
    pub difference: f32,
    /// The difference in standard deviations of the speaker's frames.
    pub z: Option<f32>,
    /// p value by circular shifts.
    pub p: f32,
    /// Rate of false discoveries at which it would be one, over all descriptors.
    pub q: f32,
}

/// Group of descriptors inside the spans and in the rest of the segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CueGroup {
    /// Group in the catalogue.
    pub name: Text,
    /// Root mean square of its descriptors' differences, in standard deviations of the speaker's frames.
    pub distance: f32,
    /// p value by circular shifts.
    pub p: f32,
    /// Rate of false discoveries at which it would be one, over all groups.
    pub q: f32,
}

/// What silencing the strongest span does to the score, against silencing random ones of its length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanReliability {
    /// How far the score falls, in its unit.
    pub drop: f32,
    /// How many random spans were tried.
    pub random_spans: u32,
    /// Median of how far it falls with those.
    pub random_drop: f32,
    /// Share of them that move the score less, in percent.
    pub percentile: f32,
    /// What that means.
    pub sentence: String,
}

/// Where in a segment a model of waveforms looked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameExplanation {
    /// Tensor of the model whose frames these are; the samples themselves where segments were silenced.
    pub layer: Arc<str>,
    /// Length of a frame, ms.
    pub frame_ms: f32,
    /// The relevance curve, where all spans are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relevance: Option<Curve>,
    /// The strongest spans, strongest first.
    pub spans: Vec<RelevantSpan>,
    /// Descriptors, in the catalogue's order; none where the segment has no rows of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cues: Vec<Cue>,
    /// Their groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cue_groups: Vec<CueGroup>,
    /// Which spans, and what is heard there.
    pub sentence: String,
    /// Whether the strongest span matters more than random ones; absent where that was not asked for, or could not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reliability: Option<SpanReliability>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_kept_to_half_a_step() {
        let curve = [0.5, -2.0, 0.0, 1.999, -0.004];
        let kept = Curve::quantised(&curve);
        assert_eq!((kept.largest, kept.values[1], kept.values[2]), (2.0, -127, 0));
        for (k, v) in curve.iter().enumerate() {
            let off = (f64::from(kept.relevance(k).unwrap()) - v).abs();
            assert!(off <= 2.0 / 127.0 / 2.0 + 1e-6, "{k}: {off}");
        }
        assert_eq!(kept.relevance(5), None);
        assert_eq!(Curve::quantised(&[0.0; 2]).values, [0, 0]);
    }
}
