//! Relevance over time: signed Grad-CAM of a whole utterance, out of the run that scores it.

use super::frames::{cam, scale};
use super::layout::{Layout, layout};
use crate::model::{Inside, Model, ModelError};
use std::ops::Range;

/// Samples of the noise by which a layer's layout is found.
const PROBE: usize = 8_000;

/// A layer that is laid open, and how it is arranged: prepared once for all utterances.
#[derive(Debug)]
pub struct Opened {
    inside: Inside,
    layout: Layout,
    /// Samples from one frame to the next.
    step: usize,
}

/// Relevance of every frame of an utterance for one score.
#[derive(Debug, Clone, PartialEq)]
pub struct Relevance {
    /// The graph's numbers, the mean over the windows.
    pub scores: Vec<f64>,
    /// Which of them is explained.
    pub target: usize,
    /// What each frame says for the score, in its unit, and against it where it is negative.
    pub curve: Vec<f64>,
    /// Samples from one frame to the next; frame `k` begins with sample `k` times this.
    pub step: usize,
}

impl Opened {
    /// Lays a layer open: a tensor, a hidden state by number, or the model's own choice. Loads nothing where the model was opened with
    /// it.
    ///
    /// # Errors
    /// [`ModelError`] for models without such a layer, operators without a rule, and layers that are no frames.
    pub fn new(model: &Model, layer: Option<&str>) -> Result<Self, ModelError> {
        let name = match layer {
            Some(name) => name.to_owned(),
            None => model.default_layer().ok_or_else(|| {
                ModelError::mismatch("layer", "a layer of frames, or its name", "none that every way passes through")
            })?,
        };
        let inside = model.inside(Some(&name))?;
        let length = model.takes_waveform().and_then(crate::model::Waveform::exactly).unwrap_or(PROBE);
        let noise: Vec<f32> = (0..length).map(|k| (k * 7919 % 1009) as f32 / 1009.0 - 0.5).collect();
        let shape = model.look(&inside, &noise, Some(0))?.shape;
        let layout = layout(model, &inside, &noise, &shape)?;
        let frames = layout.lengths(&shape).0;
        let of_convolutions = Some(model.layers().step).filter(|s| *s > 1);
        let step = of_convolutions.unwrap_or_else(|| (length / frames.max(1)).max(1));
        Ok(Self { inside, layout, step })
    }

    /// Name of the layer.
    #[must_use]
    pub fn layer(&self) -> &str {
        self.inside.layer()
    }

    /// Its arrangement.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Samples from one frame to the next.
    #[must_use]
    pub fn step(&self) -> usize {
        self.step
    }

    /// Scores and relevance of samples as they enter the graph, for one score, or for the largest of them where `target` is `None`:
    /// one run for each window of the utterance.
    ///
    /// # Errors
    /// [`ModelError`] of the runs.
    pub fn relevance(&self, model: &Model, samples: &[f32], target: Option<usize>) -> Result<Relevance, ModelError> {
        let way = model.takes_waveform().ok_or_else(|| ModelError::mismatch("input", "features", "a waveform"))?;
        let windows = way.windows(samples.len());
        let mut looked = Vec::with_capacity(windows.len());
        let mut scores: Vec<f64> = Vec::new();
        for window in &windows {
            let (numbers, curve, top) = self.window(model, &samples[window.clone()], target)?;
            if scores.is_empty() {
                scores = vec![0.0; numbers.len()];
            }
            scores.iter_mut().zip(&numbers).for_each(|(s, v)| *s += v / windows.len() as f64);
            looked.push((curve, top));
        }
        let target = target.unwrap_or_else(|| largest(&scores));
        let mut curve = vec![0.0; samples.len().div_ceil(self.step)];
        for (window, (own, of)) in windows.iter().zip(looked) {
            // What a window alone would say may be another label than what all of them say together.
            let own = if of == target { own } else { self.window(model, &samples[window.clone()], Some(target))?.1 };
            add(&mut curve, &own, window, self.step, windows.len());
        }
        let scale = scale(model);
        curve.iter_mut().for_each(|v| *v *= scale);
        Ok(Relevance { scores, target, curve, step: self.step })
    }

    /// Scores and curve of one window, and which score the curve is of.
    fn window(
        &self,
        model: &Model,
        samples: &[f32],
        target: Option<usize>,
    ) -> Result<(Vec<f64>, Vec<f64>, usize), ModelError> {
        let ran = model.look(&self.inside, samples, target)?;
        let mut curve = cam(&ran.activations, &ran.gradient, self.layout, &ran.shape);
        // Zeros that were put behind the samples are none of them.
        curve.truncate(samples.len().div_ceil(self.step));
        let of = target.unwrap_or_else(|| largest(&ran.scores));
        Ok((ran.scores, curve, of))
    }
}

/// Place of the largest number, the first of equals.
fn largest(numbers: &[f64]) -> usize {
    numbers.iter().enumerate().fold(0, |best, (k, v)| if *v > numbers[best] { k } else { best })
}

/// Adds a window's curve to that of the utterance, at its place; the score is the mean over the windows.
fn add(curve: &mut [f64], own: &[f64], window: &Range<usize>, step: usize, windows: usize) {
    let first = (window.start + step / 2) / step;
    for (k, v) in own.iter().enumerate() {
        if let Some(c) = curve.get_mut(first + k) {
            *c += v / windows as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_fall_into_place() {
        let mut curve = vec![0.0; 6];
        add(&mut curve, &[1.0, 2.0, 3.0, 4.0], &(0..1280), 320, 2);
        add(&mut curve, &[1.0, 1.0, 1.0, 1.0], &(700..1980), 320, 2);
        assert_eq!(curve, [0.5, 1.0, 2.0, 2.5, 0.5, 0.5]);
        assert_eq!(largest(&[1.0, 3.0, 3.0]), 1);
    }
}
