//! Models of waveforms: the samples of the segment, and where in it a score came from.

use super::reasons::{Asked, Reasons, Run, Setting};
use super::{Attribution, ScoringConfig};
use crate::analyzer::FeatureSet;
use crate::explain::cues::{self, Cues, Rows};
use crate::explain::frames::occlusion;
use crate::explain::relevance::Opened;
use crate::explain::reliability::{BETTER, Reliability, reliability};
use crate::explain::sentence::Reference;
use crate::explain::spans::{Span, spans};
use crate::explain::{Method, Unit};
use crate::features::catalogue::{Entry, affect_llds};
use crate::features::functionals::percentile::percentile;
use crate::model::card::OutputKind;
use crate::model::{Model, ModelError};
use crate::record::{
    Cue, CueGroup, Curve, Ended, Explanation, FrameExplanation, Record, RelevantSpan, SpanReliability,
};
use crate::signal::clock::samples_to_ns;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Samples of a segment that occlusion silences: 100 ms.
const OCCLUDED: usize = 1_600;
/// Samples of a frame of the curve: 20 ms.
const FRAME: usize = 320;

/// How frames are explained.
#[derive(Debug)]
enum How {
    Frames(Arc<Opened>),
    Occlusion,
}

/// A model of waveforms.
#[derive(Debug)]
pub(super) struct WaveformReasons {
    how: Option<How>,
    model: Arc<Model>,
    labels: Vec<Arc<str>>,
    top_k: usize,
    random_spans: usize,
}

/// Layers of a model that somebody has laid open, by the name that was asked for.
type Layers = Mutex<HashMap<String, Arc<Opened>>>;

/// The layer, laid open once for all who share the model.
fn opened(model: &Model, layer: &str) -> Result<Arc<Opened>, ModelError> {
    let layers = model.prepared(|| Ok(Layers::default()))?;
    let mut layers = layers.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = layers.get(layer) {
        return Ok(found.clone());
    }
    let made = Arc::new(Opened::new(model, Some(layer).filter(|l| !matches!(*l, "" | "auto")))?);
    layers.insert(layer.to_owned(), made.clone());
    Ok(made)
}

impl WaveformReasons {
    pub fn new(model: &Arc<Model>, labels: &[Arc<str>], config: &ScoringConfig) -> Result<Self, ModelError> {
        let hidden = model.kind() == OutputKind::HiddenStates;
        let how = match config.attribution {
            Attribution::None => None,
            // There is nothing to explain.
            Attribution::Auto | Attribution::Frames if hidden => None,
            Attribution::Occlusion if hidden => None,
            // What has no gradient is scored without an explanation, unless somebody asks for one.
            Attribution::Auto => opened(model, &config.layer).ok().map(How::Frames),
            Attribution::Frames => Some(How::Frames(opened(model, &config.layer).map_err(offer_occlusion)?)),
            Attribution::Occlusion => Some(How::Occlusion),
            other @ (Attribution::Groups | Attribution::Features) => {
                let expected = "auto, none, frames or occlusion, for a model of waveforms";
                return Err(ModelError::mismatch("attribution", expected, other.name()));
            }
        };
        if how.is_some() && config.unit == Unit::Probability {
            return Err(ModelError::mismatch("unit", "score, for a model of waveforms", "probability"));
        }
        Ok(Self {
            how,
            model: model.clone(),
            labels: labels.to_vec(),
            top_k: config.top_k,
            random_spans: config.reliability,
        })
    }

    /// Samples as they enter the graph.
    fn entered<'a>(&self, samples: &'a [f32]) -> Cow<'a, [f32]> {
        self.model.takes_waveform().map_or(Cow::Borrowed(samples), |w| w.normalised(samples))
    }

    /// The spans that results show, in samples, strongest first.
    fn sample_ranges(&self, found: &[Span], step: usize, samples: usize) -> Vec<Range<usize>> {
        let most = if self.top_k == 0 { found.len() } else { self.top_k };
        let range = |s: &Span| s.frames.start * step..(s.frames.end * step).min(samples);
        found.iter().take(most).map(range).collect()
    }

    fn explanation(
        &self,
        record: &Record,
        x: &[f32],
        curve: &[f64],
        step: usize,
        (target, output): (usize, f64),
        setting: &Setting,
    ) -> Result<Explanation, ModelError> {
        let (method, layer) = match &self.how {
            Some(How::Frames(o)) => (Method::GradCam, o.layer()),
            _ => (Method::Occlusion, self.model.input()),
        };
        let found = spans(curve, step as f64 / 16_000.0);
        let shown = self.sample_ranges(&found, step, x.len());
        let label = &self.labels[target];
        let entries = affect_llds();
        let cues = record.held.contours().map_or_else(Cues::default, |c| {
            cues::cues(&Rows { frames: &c.frames, first: c.first, spread: &c.spread }, &shown)
        });
        let place = |sample: usize| record.start_ns + samples_to_ns(sample as u64);
        let seconds: Vec<(f64, f64)> =
            shown.iter().map(|r| (r.start as f64 / 16_000.0, r.end as f64 / 16_000.0)).collect();
        let tested = match shown.first().filter(|_| record.ended != Ended::Open) {
            Some(span) => reliability(&self.model, x, target, output, span, self.random_spans)?,
            None => None,
        };
        let frames = FrameExplanation {
            layer: layer.into(),
            frame_ms: 20.0,
            relevance: (self.top_k == 0).then(|| Curve::quantised(&every_20_ms(curve, step, x.len()))),
            spans: (shown.iter().zip(&found))
                .map(|(r, s)| RelevantSpan { start_ns: place(r.start), end_ns: place(r.end), share: s.share as f32 })
                .collect(),
            sentence: cues::sentence(&cues, &seconds, label),
            cues: cues.descriptors.iter().map(|c| cue(c, entries)).collect(),
            cue_groups: (cues.groups.iter())
                .map(|g| CueGroup {
                    name: g.group.name().into(),
                    distance: g.distance as f32,
                    p: g.p as f32,
                    q: g.q as f32,
                })
                .collect(),
            reliability: tested.as_ref().map(reliability_of),
        };
        let classes = self.model.kind() == OutputKind::Logits;
        Ok(Explanation {
            method: method.name().into(),
            target: label.clone(),
            unit: "score".into(),
            base: None,
            output: if classes { output / setting.temperature } else { output },
            residual: None,
            reference: Reference::ThisSpeaker.name().into(),
            groups: Vec::new(),
            features: Vec::new(),
            other_features: None,
            frames: Some(Box::new(frames)),
        })
    }
}

/// What has no gradient can be explained by silencing.
fn offer_occlusion(e: ModelError) -> ModelError {
    ModelError::mismatch("attribution", "occlusion or none for this model", format!("frames ({e})"))
}

fn cue(c: &cues::Cue, entries: &[Entry]) -> Cue {
    let entry = &entries[c.column];
    Cue {
        name: entry.name.clone().into(),
        group: entry.group.name().into(),
        unit: entry.unit.clone().into(),
        inside: c.inside as f32,
        rest: c.rest as f32,
        difference: c.difference() as f32,
        z: c.z.map(|z| z as f32),
        p: c.p as f32,
        q: c.q as f32,
    }
}

fn reliability_of(r: &Reliability) -> SpanReliability {
    let mut sorted: Vec<f32> = r.random.iter().map(|v| *v as f32).collect();
    sorted.sort_by(f32::total_cmp);
    let percentile_ = r.percentile();
    let sentence = if r.is_better_than_random() {
        format!("Silencing the strongest span moves the score more than {percentile_:.0} % of random spans do")
    } else {
        format!(
            "Not to be relied on: silencing the strongest span moves the score more than only {percentile_:.0} % of random \
             spans do ({BETTER:.0} % needed)"
        )
    };
    SpanReliability {
        drop: r.drop as f32,
        random_spans: u32::try_from(r.random.len()).unwrap_or(u32::MAX),
        random_drop: percentile(&sorted, 0.5).map_or(0.0, |v| v as f32),
        percentile: percentile_ as f32,
        sentence,
    }
}

/// A curve with a value every 20 ms, whatever its step: that of the frame in which the middle of each lies.
fn every_20_ms(curve: &[f64], step: usize, samples: usize) -> Vec<f64> {
    let at = |k: usize| curve.get((k * FRAME + FRAME / 2) / step.max(1)).copied().unwrap_or(0.0);
    (0..samples.div_ceil(FRAME)).map(at).collect()
}

impl Reasons for WaveformReasons {
    fn set(&self) -> Option<FeatureSet> {
        None
    }

    fn needs_contours(&self) -> bool {
        self.how.is_some()
    }

    fn input<'r>(&self, _: &Model, record: &'r Record) -> Result<Cow<'r, [f32]>, ModelError> {
        let samples = record.held.get();
        samples
            .map(Cow::Borrowed)
            .ok_or_else(|| ModelError::mismatch("segment", "its samples, at most 300 s", "none at hand"))
    }

    fn run(&self, model: &Model, input: &[f32], _: &ScoringConfig, asked: Asked) -> Result<Run, ModelError> {
        let Some(How::Frames(opened)) = &self.how else {
            return Ok(Run { numbers: model.waveform(input)?, relevance: None });
        };
        model.check_length(input.len())?;
        let target = if let Asked::One(t) = asked { Some(t) } else { None };
        let relevance = opened.relevance(model, &self.entered(input), target)?;
        Ok(Run { numbers: relevance.scores.clone(), relevance: Some(relevance) })
    }

    fn explain(
        &self,
        record: &Record,
        input: &[f32],
        run: &Run,
        targets: &[usize],
        setting: &Setting,
    ) -> Result<Vec<Explanation>, ModelError> {
        let Some(how) = &self.how else { return Ok(Vec::new()) };
        let x = self.entered(input);
        let one = |target: &usize| {
            let output = run.numbers.get(*target).copied().unwrap_or(f64::NAN);
            let (curve, step) = match (how, run.relevance.as_ref().filter(|r| r.target == *target)) {
                (_, Some(r)) => (Cow::Borrowed(&r.curve), r.step),
                (How::Frames(o), None) => {
                    let r = o.relevance(&self.model, &x, Some(*target))?;
                    (Cow::Owned(r.curve), r.step)
                }
                (How::Occlusion, None) => {
                    (Cow::Owned(occlusion(&self.model, &x, *target, OCCLUDED)?.attribution.values), OCCLUDED)
                }
            };
            self.explanation(record, &x, &curve, step, (*target, output), setting)
        };
        targets.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_of_any_step_have_a_value_every_20_ms() {
        assert_eq!(every_20_ms(&[1.0, 2.0, 3.0], 320, 960), [1.0, 2.0, 3.0]);
        assert_eq!(every_20_ms(&[1.0, 2.0], 640, 1_000), [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(every_20_ms(&[1.0, 2.0, 3.0, 4.0], 160, 640), [2.0, 4.0]);
    }
}
