//! Gradients of a model's numbers: its graph with gradients added, in an engine of its own.

use super::engine::{Engine, Input};
use super::error::ModelError;
use super::{Model, start};
use crate::onnx::differentiate::differentiate;

/// The graph with gradients.
#[derive(Debug)]
pub(super) struct Gradient {
    engine: Box<dyn Engine>,
    seed: String,
}

impl Model {
    /// Gradients of one number by every column, for each of several rows, one after another.
    ///
    /// # Errors
    /// [`ModelError`] naming an operator without a rule, or as [`Self::each`].
    pub fn gradients(&self, rows: &[f32], target: usize) -> Result<Vec<f32>, ModelError> {
        // What failed once (a library that was not there) is tried again.
        let gradient = self.gradient.get_or_try_init(|| self.differentiated())?;
        let columns = self.labels.len();
        let mut gradients = Vec::with_capacity(rows.len());
        let step = if self.single { self.width } else { rows.len().max(1) };
        for part in rows.chunks(step.max(1)) {
            let n = part.len() / self.width.max(1);
            let mut seed = vec![0.0; n * columns];
            seed.iter_mut().skip(target).step_by(columns.max(1)).for_each(|v| *v = 1.0);
            let inputs = [
                Input { name: &self.input, shape: &[n, self.width], data: part },
                Input { name: &gradient.seed, shape: &[n, columns], data: &seed },
            ];
            gradient.engine.run(&inputs, &mut |_, _, values| gradients.extend_from_slice(values))?;
        }
        if gradients.len() != rows.len() || gradients.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite { output: format!("gradient of {}", self.tensor) });
        }
        Ok(gradients)
    }

    fn differentiated(&self) -> Result<Gradient, ModelError> {
        let with = differentiate(&self.graph, &self.tensor, std::slice::from_ref(&self.input))?;
        let engine = start::runtime(with.bytes, &with.gradients, &self.options)?;
        Ok(Gradient { engine, seed: with.seed })
    }
}
