//! Attributions of waveform models: gradients and Grad-CAM of a layer, integrated gradients of the samples, occlusion of
//! segments.
//!
//! Samples are as they enter the graph (normalised, where the model wants that): what is silent there is 0.

use super::gradient::{self, Rule};
use super::layout::{Layout, layout};
use super::{Attribution, Method};
use crate::model::card::OutputKind;
use crate::model::{Inside, Model, ModelError};

/// A model with a layer (or its input) laid open.
#[derive(Debug)]
pub struct Frames<'m> {
    model: &'m Model,
    inside: Inside,
}

/// An attribution, and the shape of what it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// The values; a base and a residual only for integrated gradients.
    pub attribution: Attribution,
    /// Shape of the values.
    pub shape: Vec<usize>,
    /// How the layer was arranged, where frames were found in it.
    pub layout: Option<Layout>,
}

/// What the graph's own numbers are multiplied by: logits are divided by the calibration's temperature.
pub(super) fn scale(model: &Model) -> f64 {
    if model.kind() == OutputKind::Logits { 1.0 / model.temperature() } else { 1.0 }
}

/// An attribution without a base.
fn bare(method: Method, output: f64, values: Vec<f64>) -> Attribution {
    Attribution { method, base: 0.0, output, values, residual: None, stderr: None }
}

impl<'m> Frames<'m> {
    /// Lays a layer open; the input without one.
    ///
    /// # Errors
    /// [`ModelError`] for models of features, unknown tensors, and operators without a rule.
    pub fn new(model: &'m Model, layer: Option<&str>) -> Result<Self, ModelError> {
        Ok(Self { model, inside: model.inside(layer)? })
    }

    /// The gradient of a score by every element of the layer.
    ///
    /// # Errors
    /// [`ModelError`] of the run.
    pub fn gradient(&self, samples: &[f32], target: usize) -> Result<Mapped, ModelError> {
        let ran = self.model.look_inside(&self.inside, samples, target)?;
        let scale = scale(self.model);
        let mut values: Vec<f64> = ran.gradient.iter().map(|v| f64::from(*v) * scale).collect();
        let mut shape = ran.shape;
        if self.inside.layer() == self.model.input() {
            // Zeros that were put behind the samples are none of them.
            values.truncate(samples.len());
            shape = vec![1, samples.len()];
        }
        Ok(Mapped { attribution: bare(Method::Gradient, ran.scores[target] * scale, values), shape, layout: None })
    }

    /// Grad-CAM (Selvaraju et al. 2017) over time: for every frame the sum over channels of the mean gradient of the channel times
    /// its activation. What speaks against the score is cut off unless `signed`.
    ///
    /// # Errors
    /// [`ModelError`] of the runs, and for layers without frames.
    pub fn grad_cam(&self, samples: &[f32], target: usize, signed: bool) -> Result<Mapped, ModelError> {
        let ran = self.model.look_inside(&self.inside, samples, target)?;
        let layout = layout(self.model, &self.inside, samples, &ran.shape)?;
        let scale = scale(self.model);
        let mut values = cam(&ran.activations, &ran.gradient, layout, &ran.shape);
        for v in &mut values {
            *v = if signed { *v } else { v.max(0.0) } * scale;
        }
        let shape = vec![1, values.len()];
        let attribution = bare(Method::GradCam, ran.scores[target] * scale, values);
        Ok(Mapped { attribution, shape, layout: Some(layout) })
    }

    /// Integrated gradients of the samples along the straight line from a baseline.
    ///
    /// # Errors
    /// [`ModelError`] of the runs, and for a baseline of another length.
    pub fn integrated(
        &self,
        samples: &[f32],
        baseline: &[f32],
        target: usize,
        rule: Rule,
        steps: usize,
    ) -> Result<Mapped, ModelError> {
        if baseline.len() != samples.len() {
            let expected = format!("{}, as many as the waveform has", samples.len());
            return Err(ModelError::mismatch("samples of the baseline", expected, baseline.len().to_string()));
        }
        if self.inside.layer() != self.model.input() {
            return Err(ModelError::mismatch("integrated gradients", "those of the samples", "a layer"));
        }
        let wide: Vec<f64> = baseline.iter().map(|v| f64::from(*v)).collect();
        let nodes = gradient::nodes(rule, steps);
        let scale = scale(self.model);
        let mut sums = vec![0.0; samples.len()];
        for node in &nodes {
            let at = gradient::path(samples, &wide, std::slice::from_ref(node));
            let ran = self.model.look_inside(&self.inside, &at, target)?;
            sums.iter_mut().zip(&ran.gradient).for_each(|(s, g)| *s += node.1 * f64::from(*g));
        }
        let values = sums.iter().zip(samples).zip(&wide).map(|((s, x), b)| s * (f64::from(*x) - b) * scale).collect();
        let end = |x: &[f32]| Ok::<_, ModelError>(self.model.entered(x)?[target] * scale);
        let (base, output) = (end(baseline)?, end(samples)?);
        let attribution = Attribution::complete(Method::IntegratedGradients, base, output, values, None);
        Ok(Mapped { attribution, shape: vec![1, samples.len()], layout: None })
    }
}

/// Signed Grad-CAM of a layer.
#[must_use]
pub fn cam(activations: &[f32], gradient: &[f32], layout: Layout, shape: &[usize]) -> Vec<f64> {
    let (frames, channels) = layout.lengths(shape);
    let place = |t: usize, c: usize| layout.place(t, c, frames, channels);
    let mean = |c: usize| (0..frames).map(|t| f64::from(gradient[place(t, c)])).sum::<f64>() / frames.max(1) as f64;
    let weights: Vec<f64> = (0..channels).map(mean).collect();
    let at = |t: usize| weights.iter().enumerate().map(|(c, w)| w * f64::from(activations[place(t, c)])).sum();
    (0..frames).map(at).collect()
}

/// Occlusion: how much a score falls when a segment of `length` samples is silenced, segment after segment. Needs no gradient.
///
/// # Errors
/// [`ModelError`] of the runs.
pub fn occlusion(model: &Model, samples: &[f32], target: usize, length: usize) -> Result<Mapped, ModelError> {
    let scale = scale(model);
    let score = |x: &[f32]| Ok::<_, ModelError>(model.entered(x)?[target] * scale);
    let whole = score(samples)?;
    let mut silenced = samples.to_vec();
    let mut values = Vec::with_capacity(samples.len().div_ceil(length.max(1)));
    for from in (0..samples.len()).step_by(length.max(1)) {
        let to = (from + length.max(1)).min(samples.len());
        silenced[from..to].fill(0.0);
        values.push(whole - score(&silenced)?);
        silenced[from..to].copy_from_slice(&samples[from..to]);
    }
    let shape = vec![1, values.len()];
    Ok(Mapped { attribution: bare(Method::Occlusion, whole, values), shape, layout: None })
}
