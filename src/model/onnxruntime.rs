//! ONNX Runtime as an engine.

use super::engine::{Engine, Input, Take};
use super::error::ModelError;
use super::library;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session, SessionInputValue};
use ort::value::TensorRef;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A session. Runs of one session take turns; it holds the one copy of the weights.
#[derive(Debug)]
pub struct OnnxRuntime {
    run: Mutex<Run>,
    outputs: Vec<String>,
}

struct Run {
    session: Session,
    options: RunOptions<HasSelectedOutputs>,
    /// The first output alone.
    first: RunOptions<HasSelectedOutputs>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

fn failed(e: &ort::Error) -> ModelError {
    ModelError::Engine { engine: NAME.to_owned(), why: e.to_string() }
}

const NAME: &str = "onnxruntime";

impl OnnxRuntime {
    /// A session for a model's bytes. One thread, no spinning.
    ///
    /// # Errors
    /// [`ModelError::Library`] without a usable library, [`ModelError::Engine`] where it refuses the model.
    pub fn new(bytes: &[u8], outputs: &[String], library: Option<&Path>) -> Result<Self, ModelError> {
        let environment = library::environment(library)?;
        let make = || -> ort::Result<Run> {
            let session = Session::builder(environment)?
                .with_optimization_level(GraphOptimizationLevel::Level3)?
                .with_intra_threads(1)?
                .with_inter_threads(1)?
                .with_intra_op_spinning(false)?
                .with_inter_op_spinning(false)?
                .commit_from_memory(bytes)?;
            let select = |list: &[String]| -> ort::Result<_> {
                let selected = list.iter().fold(OutputSelector::no_default(), |s, o| s.with(o));
                Ok(RunOptions::new()?.with_outputs(selected))
            };
            Ok(Run { session, options: select(outputs)?, first: select(&outputs[..outputs.len().min(1)])? })
        };
        let run = make().map_err(|e| failed(&e))?;
        Ok(Self { run: Mutex::new(run), outputs: outputs.to_vec() })
    }
}

impl Engine for OnnxRuntime {
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

impl OnnxRuntime {
    /// The first output alone, or all of them.
    fn run_some(&self, inputs: &[Input<'_>], count: usize, take: Take<'_>) -> Result<(), ModelError> {
        let run = |e: ort::Error| ModelError::Run(e.to_string());
        let values = inputs
            .iter()
            .map(|i| {
                let tensor = TensorRef::from_array_view((i.shape, i.data)).map_err(run)?;
                Ok((i.name.into(), SessionInputValue::from(tensor)))
            })
            .collect::<Result<Vec<(std::borrow::Cow<'_, str>, _)>, ModelError>>()?;
        // A poisoned session is one whose last run was interrupted by a panic of the taker: it can run again.
        let mut guard = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let Run { session, options, first } = &mut *guard;
        let options = if count == 1 { first } else { options };
        let outputs = session.run_with_options(values, options).map_err(run)?;
        for (k, name) in self.outputs.iter().enumerate().take(count) {
            let value = outputs.get(name).ok_or_else(|| ModelError::Run(format!("no output \"{name}\"")))?;
            let (shape, data) = value.try_extract_tensor::<f32>().map_err(run)?;
            let shape: Vec<usize> = shape.iter().map(|d| usize::try_from(*d).unwrap_or(0)).collect();
            take(k, &shape, data);
        }
        Ok(())
    }
}
