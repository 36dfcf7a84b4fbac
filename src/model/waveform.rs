//! Runs of waveform models: normalisation of the samples, and windows where the utterance is longer than what goes in at once.

use super::card::{self, WaveformNormalisation};
use super::engine::Input;
use super::{Model, ModelError};
use crate::onnx::graph::{Dim, Model as Graph, Value};
use std::borrow::Cow;
use std::ops::Range;

/// Samples a second.
const RATE: f64 = 16_000.0;
/// Fewer samples are not even one frame of speech.
pub(super) const LEAST: usize = 400;
/// What is added to the variance, as the feature extractors of these models do.
const SMALL: f64 = 1e-7;

/// How samples enter a graph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waveform {
    normalisation: WaveformNormalisation,
    min_s: f64,
    /// Samples that go in at once, at most.
    longest: Option<usize>,
    /// The graph takes so many samples, no more and no less.
    exactly: bool,
}

impl Waveform {
    /// As a card says; `None` for models of features. Without a card: where the graph's input goes into a convolution or a
    /// short-time Fourier transform.
    pub(super) fn of(card: Option<&card::Card>, graph: &Graph, input: &Value) -> Option<Self> {
        let fixed = match input.shape() {
            Some([_, Dim::Fixed(n)]) => usize::try_from(*n).ok(),
            _ => None,
        };
        match card.map(|c| &c.input) {
            Some(card::Input::Waveform { normalisation, min_s, longest_s, .. }) => {
                let cap = longest_s.map(|s| (s * RATE) as usize);
                let longest = fixed.or(cap);
                Some(Self { normalisation: *normalisation, min_s: *min_s, longest, exactly: fixed.is_some() })
            }
            Some(card::Input::Features { .. }) => None,
            // A few numbers that go into a convolution are a row of features.
            None if fixed.is_some_and(|n| n < LEAST) => None,
            None => enters_filters(graph, &input.name).then_some(Self {
                normalisation: WaveformNormalisation::None,
                min_s: 0.0,
                longest: fixed,
                exactly: fixed.is_some(),
            }),
        }
    }

    /// Samples that the graph takes, where it takes no other number.
    #[must_use]
    pub fn exactly(&self) -> Option<usize> {
        self.longest.filter(|_| self.exactly)
    }

    /// Samples that go in at once, at most; longer ones are cut into windows.
    #[must_use]
    pub fn longest(&self) -> Option<usize> {
        self.longest
    }

    /// The samples as they enter the graph: mean 0 and variance 1 over all of them, where the model wants that.
    #[must_use]
    pub fn normalised<'a>(&self, samples: &'a [f32]) -> Cow<'a, [f32]> {
        match self.normalisation {
            WaveformNormalisation::None => Cow::Borrowed(samples),
            WaveformNormalisation::ZeroMeanUnitVariance => {
                let n = samples.len() as f64;
                let mean = samples.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
                let variance = samples.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
                let scale = 1.0 / (variance + SMALL).sqrt();
                Cow::Owned(samples.iter().map(|v| ((f64::from(*v) - mean) * scale) as f32).collect())
            }
        }
    }

    /// The windows of an utterance: all of it where it fits, else windows of the longest length, neighbours half over one another
    /// or more, the first at its beginning and the last at its end.
    #[must_use]
    pub fn windows(&self, samples: usize) -> Vec<Range<usize>> {
        let Some(length) = self.longest.filter(|n| *n > 0 && *n < samples) else {
            return std::iter::once(0..samples).collect();
        };
        let (rest, step) = (samples - length, (length / 2).max(1));
        let count = rest.div_ceil(step);
        (0..=count).map(|k| rest * k / count).map(|from| from..from + length).collect()
    }
}

/// Whether the first operator that computes with a tensor is a convolution or a short-time Fourier transform.
fn enters_filters(graph: &Graph, tensor: &str) -> bool {
    let mut names = vec![tensor];
    for n in &graph.graph().node {
        if !n.input.first().is_some_and(|i| names.contains(&i.as_str())) {
            continue;
        }
        match n.op_type.as_str() {
            "Conv" | "STFT" => return true,
            "Unsqueeze" | "Reshape" | "Identity" | "Cast" | "Squeeze" | "Pad" => {
                names.extend(n.output.first().map(String::as_str));
            }
            _ => {}
        }
    }
    false
}

impl Model {
    /// How samples enter it; `None` where it takes rows of features.
    #[must_use]
    pub fn takes_waveform(&self) -> Option<&Waveform> {
        self.waveform.as_ref()
    }

    /// The graph's numbers for a waveform at 16 kHz, full scale 1: the mean over its windows, where it is longer than one.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn waveform(&self, samples: &[f32]) -> Result<Vec<f64>, ModelError> {
        let w = self.check_length(samples.len())?;
        self.entered(&w.normalised(samples))
    }

    /// Whether so many samples are enough, and how they enter.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] for fewer than the card asks for, and models of features.
    pub fn check_length(&self, samples: usize) -> Result<&Waveform, ModelError> {
        let w = self.waveform.as_ref().ok_or_else(|| ModelError::mismatch("input", "features", "a waveform"))?;
        if (samples as f64) < w.min_s * RATE || samples == 0 {
            let found = format!("{} s", samples as f64 / RATE);
            return Err(ModelError::mismatch("length of the waveform", format!("at least {} s", w.min_s), found));
        }
        Ok(w)
    }

    /// The same for samples as they enter the graph.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn entered(&self, samples: &[f32]) -> Result<Vec<f64>, ModelError> {
        let w = self.waveform.as_ref().ok_or_else(|| ModelError::mismatch("input", "features", "a waveform"))?;
        let windows = w.windows(samples.len());
        if windows.len() > 1 && self.labels.is_empty() && self.card.is_some() {
            let most = w.longest.map_or(0.0, |n| n as f64 / RATE);
            return Err(ModelError::mismatch(
                "length of the waveform",
                format!("at most {most} s for hidden states"),
                format!("{} s", samples.len() as f64 / RATE),
            ));
        }
        let mut sums: Vec<f64> = Vec::new();
        for window in &windows {
            let piece = self.filled_up(w, &samples[window.clone()]);
            let mut problem = None;
            let shape = [1, piece.len()];
            let mut inputs = vec![Input { name: &self.input, shape: &shape, data: &piece }];
            let seed = vec![0.0; self.opening.as_ref().map_or(0, |o| o.columns)];
            let seed_shape = [1, seed.len()];
            if let Some(o) = &self.opening {
                inputs.push(Input { name: &o.seed, shape: &seed_shape, data: &seed });
            }
            self.engine.run_first(&inputs, &mut |_, _, values| {
                if sums.is_empty() {
                    sums = vec![0.0; values.len()];
                }
                if sums.len() != values.len() {
                    problem = Some(ModelError::mismatch(
                        format!("values of output \"{}\"", self.tensor),
                        sums.len().to_string(),
                        values.len().to_string(),
                    ));
                }
                sums.iter_mut().zip(values).for_each(|(s, v)| *s += f64::from(*v));
            })?;
            problem.map_or(Ok(()), Err)?;
        }
        sums.iter_mut().for_each(|s| *s /= windows.len() as f64);
        if sums.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite { output: self.tensor.clone() });
        }
        Ok(sums)
    }

    /// Zeros at the end where a graph takes one number of samples and there are fewer.
    pub(super) fn filled_up<'a>(&self, w: &Waveform, samples: &'a [f32]) -> Cow<'a, [f32]> {
        match w.exactly().filter(|n| *n > samples.len()) {
            Some(n) => Cow::Owned(samples.iter().copied().chain(std::iter::repeat(0.0)).take(n).collect()),
            None => Cow::Borrowed(samples),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_everything_and_overlap_by_half_or_more() {
        for length in [1usize, 2, 7, 100] {
            let w = Waveform {
                normalisation: WaveformNormalisation::None,
                min_s: 0.0,
                longest: Some(length),
                exactly: false,
            };
            for samples in 1..500 {
                let list = w.windows(samples);
                assert_eq!((list[0].start, list[list.len() - 1].end), (0, samples));
                if samples <= length {
                    assert_eq!(list.len(), 1);
                    continue;
                }
                assert!(list.iter().all(|r| r.len() == length));
                for pair in list.windows(2) {
                    let step = pair[1].start - pair[0].start;
                    assert!((1..=(length / 2).max(1)).contains(&step), "{length}, {samples}: {step}");
                }
            }
        }
    }
}
