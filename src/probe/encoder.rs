//! Hidden states of an utterance: pooled over time, and at single frames.

use super::error::ProbeError;
use crate::model::{Model, ModelError, Rest, States, Tensor};
use crate::onnx::differentiate::{Kind, State};
use std::sync::Arc;

/// Samples of the noise by which the layout of a layer is found.
const PROBE: usize = 16_000;
/// Share of it that is tried as well: what changes with the length runs over time.
const SHORTER: f64 = 0.61;

/// A layer that can be probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Name in results: `convolution-1`, `projection`, `hidden-0`.
    pub name: String,
    /// The tensor in the graph.
    pub tensor: String,
    /// Number of channels.
    pub channels: usize,
    /// Samples from one frame to the next.
    pub step: usize,
    /// Channels stand before frames.
    channels_first: bool,
}

impl Layer {
    /// Frames of a state, and the place of an element of one.
    fn frames(&self, shape: &[usize]) -> usize {
        if self.channels_first { shape[2] } else { shape[1] }
    }

    fn place(&self, frame: usize, channel: usize, frames: usize) -> usize {
        if self.channels_first { channel * frames + frame } else { frame * self.channels + channel }
    }
}

/// What an utterance leaves in a layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerStates {
    /// Mean over time, by channel.
    pub mean: Vec<f32>,
    /// States at the times that were asked for, one after the other.
    pub frames: Vec<f32>,
}

/// What an utterance leaves in all layers, and its scores.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Utterance {
    /// The graph's numbers.
    pub scores: Vec<f64>,
    /// By layer.
    pub layers: Vec<LayerStates>,
}

/// A waveform model whose hidden states are laid open.
#[derive(Debug)]
pub struct Encoder {
    model: Arc<Model>,
    states: States,
    layers: Vec<Layer>,
}

fn name(kind: Kind) -> String {
    match kind {
        Kind::Convolution(k) => format!("convolution-{k}"),
        Kind::Projection => "projection".to_owned(),
        Kind::Hidden(k) => format!("hidden-{k}"),
    }
}

impl Encoder {
    /// Lays the hidden states of a model open.
    ///
    /// # Errors
    /// [`ProbeError::TakesFeatures`] and [`ProbeError::NoStates`] for models that have none, [`ProbeError::Model`] of the runs.
    pub fn new(model: Arc<Model>) -> Result<Self, ProbeError> {
        let Some(way) = model.takes_waveform() else { return Err(ProbeError::TakesFeatures) };
        let found = model.hidden_states();
        let tensors: Vec<&str> = found.iter().map(|s| s.tensor.as_str()).collect();
        let states = model.states(&tensors)?;
        let length = way.exactly().unwrap_or_else(|| PROBE.min(way.longest().unwrap_or(PROBE)));
        let noise: Vec<f32> = (0..length).map(|k| (k * 7919 % 1009) as f32 / 1009.0 - 0.5).collect();
        let whole = model.look_at_states(&states, &noise)?.1;
        let part = match way.exactly() {
            Some(_) => None,
            None => Some(model.look_at_states(&states, &noise[..(length as f64 * SHORTER) as usize])?.1),
        };
        let one =
            |(k, s): (usize, &State)| layer(s, length, &whole[k].shape, part.as_ref().map(|p| p[k].shape.as_slice()));
        let kept: Vec<Layer> = found.iter().enumerate().filter_map(one).collect();
        if kept.is_empty() {
            return Err(ProbeError::NoStates);
        }
        let tensors: Vec<&str> = kept.iter().map(|l| l.tensor.as_str()).collect();
        let states = if kept.len() == found.len() { states } else { model.states(&tensors)? };
        Ok(Self { states, layers: kept, model })
    }

    /// The same architecture with random weights, the same layers laid open.
    ///
    /// # Errors
    /// [`ProbeError::NoWeights`] for graphs without weights, [`ProbeError::Model`] of the runs.
    pub fn redrawn(&self, seed: u64) -> Result<Self, ProbeError> {
        let model = Arc::new(self.model.redrawn(seed)?.ok_or(ProbeError::NoWeights)?);
        let tensors: Vec<&str> = self.layers.iter().map(|l| l.tensor.as_str()).collect();
        Ok(Self { states: model.states(&tensors)?, layers: self.layers.clone(), model })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Its layers, in the order of the graph.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// States of an utterance at 16 kHz, full scale 1: pooled, and at times in samples. Longer ones than go in at once are taken in windows:
    /// means over all of their frames, and frames from the window whose middle is nearest.
    ///
    /// # Errors
    /// [`ModelError`] of the runs.
    pub fn utterance(&self, samples: &[f32], times: &[usize]) -> Result<Utterance, ModelError> {
        let way = self.model.check_length(samples.len())?;
        let entered = way.normalised(samples);
        let windows = way.windows(entered.len());
        let middle = |w: &std::ops::Range<usize>| (w.start + w.end) / 2;
        let nearest = |t: usize| (0..windows.len()).min_by_key(|k| middle(&windows[*k]).abs_diff(t)).unwrap_or(0);
        let window_of: Vec<usize> = times.iter().map(|t| nearest(*t)).collect();
        let mut out = Utterance::default();
        let mut sums: Vec<Vec<f64>> = self.layers.iter().map(|l| vec![0.0; l.channels]).collect();
        let mut counts = vec![0usize; self.layers.len()];
        out.layers = self
            .layers
            .iter()
            .map(|l| LayerStates { mean: Vec::new(), frames: vec![0.0; times.len() * l.channels] })
            .collect();
        for (w, window) in windows.iter().enumerate() {
            let piece = &entered[window.clone()];
            let (scores, tensors) = self.model.look_at_states(&self.states, piece)?;
            out.scores.resize(scores.len(), 0.0);
            out.scores.iter_mut().zip(&scores).for_each(|(s, v)| *s += v / windows.len() as f64);
            let filled = way.exactly().unwrap_or(piece.len()).max(piece.len());
            for (k, (layer, tensor)) in self.layers.iter().zip(&tensors).enumerate() {
                let all = self.checked(layer, tensor)?;
                // Zeros that were put behind the samples are none of them.
                let frames = (all * piece.len()).div_ceil(filled).clamp(1, all);
                counts[k] += frames;
                for (c, sum) in sums[k].iter_mut().enumerate() {
                    *sum += (0..frames).map(|t| f64::from(tensor.values[layer.place(t, c, all)])).sum::<f64>();
                }
                for (n, time) in times.iter().enumerate().filter(|(n, _)| window_of[*n] == w) {
                    let within = time.saturating_sub(window.start);
                    let frame = (within * all / filled).min(frames - 1);
                    for c in 0..layer.channels {
                        out.layers[k].frames[n * layer.channels + c] = tensor.values[layer.place(frame, c, all)];
                    }
                }
            }
        }
        for ((layer, sum), count) in out.layers.iter_mut().zip(sums).zip(counts) {
            layer.mean = sum.iter().map(|s| (s / count.max(1) as f64) as f32).collect();
        }
        Ok(out)
    }

    /// Number of frames of a state that came, which must have the channels that were found.
    fn checked(&self, layer: &Layer, tensor: &Tensor) -> Result<usize, ModelError> {
        let frames = match tensor.shape[..] {
            [1, _, _] => layer.frames(&tensor.shape),
            _ => 0,
        };
        if frames == 0 || frames * layer.channels != tensor.values.len() {
            let expected = format!("frames of {} channels of one utterance", layer.channels);
            return Err(ModelError::mismatch(
                format!("layer \"{}\"", layer.tensor),
                expected,
                format!("shape {:?}", tensor.shape),
            ));
        }
        Ok(frames)
    }

    /// One layer's state of an utterance that goes in at once, with the graph behind it.
    ///
    /// # Errors
    /// [`ModelError`] of the runs.
    pub(super) fn whole(
        &self,
        states: &States,
        layer: &Layer,
        samples: &[f32],
    ) -> Result<(Vec<f64>, Tensor), ModelError> {
        let (scores, mut tensors) = self.model.look_at_states(states, samples)?;
        let tensor = tensors.pop().unwrap_or_default();
        self.checked(layer, &tensor)?;
        Ok((scores, tensor))
    }

    /// Engines for one layer alone: what makes it, and what is made of it.
    ///
    /// # Errors
    /// [`ModelError`] where no engine runs one of them.
    pub(super) fn around(&self, layer: &Layer) -> Result<(States, Rest), ModelError> {
        Ok((self.model.states(&[layer.tensor.as_str()])?, self.model.rest(&layer.tensor)?))
    }
}

impl Layer {
    /// A state with something taken away from every frame: `x - along byᵀ (x - mean)`, vectors as columns of channels.
    pub(super) fn erased(
        &self,
        state: &Tensor,
        mean: &[f64],
        along: &ndarray::Array2<f64>,
        by: &ndarray::Array2<f64>,
    ) -> Tensor {
        let frames = self.frames(&state.shape);
        let rows = ndarray::Array2::from_shape_fn((frames, self.channels), |(t, c)| {
            f64::from(state.values[self.place(t, c, frames)]) - mean[c]
        });
        let taken = rows.dot(by).dot(&along.t());
        let mut out = state.clone();
        for t in 0..frames {
            for c in 0..self.channels {
                let place = self.place(t, c, frames);
                out.values[place] = (f64::from(out.values[place]) - taken[(t, c)]) as f32;
            }
        }
        out
    }
}

/// A state as a layer; `None` where it is no table of frames and channels of one utterance.
fn layer(state: &State, samples: usize, whole: &[usize], part: Option<&[usize]>) -> Option<Layer> {
    let [1, a, b] = *whole else { return None };
    let (first, second) = match part {
        Some([1, p, q]) => (*p != a, *q != b),
        Some(_) => return None,
        // Of a graph with one length the axis that is as long as the steps of the convolutions say.
        None => {
            let off = |n: usize| (samples / state.step.max(1)).abs_diff(n);
            (off(a) < off(b), off(b) < off(a))
        }
    };
    let (channels, channels_first) = match (first, second) {
        (true, false) => (b, false),
        (false, true) => (a, true),
        _ => return None,
    };
    Some(Layer { name: name(state.kind), tensor: state.tensor.clone(), channels, step: state.step, channels_first })
}
