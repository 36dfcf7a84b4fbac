//! The embedded engine `rten`, pure Rust.

use super::engine::{Engine, Input, Take};
use super::error::ModelError;
use rten::{Model, NodeId, RunOptions, ThreadPool};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor, TensorView};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A loaded model.
pub struct Rten {
    model: Model,
    inputs: Vec<(String, NodeId)>,
    outputs: Vec<(String, NodeId)>,
    threads: Arc<ThreadPool>,
}

impl std::fmt::Debug for Rten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rten").field("outputs", &self.outputs).finish_non_exhaustive()
    }
}

const NAME: &str = "rten";

fn refused(why: String) -> ModelError {
    ModelError::Engine { engine: NAME.to_owned(), why }
}

/// What a panic said. The engine must not take the process down with it, whatever the file holds.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("it gave up: {}", text.unwrap_or_default())
}

impl Rten {
    /// Loads a model's bytes.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where it refuses the model, naming an operator that it lacks.
    pub fn new(bytes: Vec<u8>, outputs: &[String]) -> Result<Self, ModelError> {
        let load = || {
            let model = Model::load(bytes).map_err(|e| refused(e.to_string()))?;
            let named =
                |name: &str| model.node_id(name).map(|id| (name.to_owned(), id)).map_err(|e| refused(e.to_string()));
            let outputs = outputs.iter().map(|o| named(o)).collect::<Result<_, _>>()?;
            let inputs = model
                .input_ids()
                .iter()
                .filter_map(|id| Some((model.node_info(*id)?.name()?.to_owned(), *id)))
                .collect();
            Ok(Self { inputs, outputs, threads: Arc::new(ThreadPool::with_num_threads(1)), model })
        };
        catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|p| Err(refused(words(&*p))))
    }
}

impl Engine for Rten {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&self, inputs: &[Input<'_>], take: Take<'_>) -> Result<(), ModelError> {
        self.run_some(inputs, self.outputs.len(), take)
    }

    fn run_first(&self, inputs: &[Input<'_>], take: Take<'_>) -> Result<(), ModelError> {
        self.run_some(inputs, 1, take)
    }
}

impl Rten {
    /// Runs what the first `count` outputs need.
    fn run_some(&self, inputs: &[Input<'_>], count: usize, take: Take<'_>) -> Result<(), ModelError> {
        let run = || {
            let values = inputs
                .iter()
                .map(|i| {
                    let id = self.inputs.iter().find(|(name, _)| name == i.name).map(|(_, id)| *id);
                    let id = id.ok_or_else(|| ModelError::Run(format!("no input \"{}\"", i.name)))?;
                    Ok((id, TensorView::from_data(i.shape, i.data).into()))
                })
                .collect::<Result<Vec<_>, ModelError>>()?;
            let ids: Vec<NodeId> = self.outputs.iter().take(count).map(|o| o.1).collect();
            let mut options = RunOptions::default();
            options.thread_pool = Some(self.threads.clone());
            self.model.run(values, &ids, Some(options)).map_err(|e| ModelError::Run(e.to_string()))
        };
        let outputs = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|p| Err(ModelError::Run(words(&*p))))?;
        for (k, value) in outputs.into_iter().enumerate() {
            let tensor: Tensor<f32> = value
                .into_tensor()
                .ok_or_else(|| ModelError::Run(format!("output \"{}\" is no float32 tensor", self.outputs[k].0)))?;
            let shape = tensor.shape().to_vec();
            take(k, &shape, &tensor.to_vec());
        }
        Ok(())
    }
}
