//! `affect differentiate`: a model that also computes gradients.

use affect::model::{ModelError, pool};
use affect::onnx::differentiate::differentiate;
use affect::onnx::graph::Model;
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct DifferentiateArgs {
    /// The model: an ONNX file.
    model: PathBuf,
    /// The output (or tensor inside) whose gradient is wanted.
    #[arg(long, value_name = "NAME")]
    output: String,
    /// Inputs (or tensors inside) to differentiate by.
    #[arg(long, value_name = "TENSOR", required = true, num_args = 1..)]
    wrt: Vec<String>,
    /// The file to write.
    #[arg(short, long = "out", value_name = "OUT.onnx")]
    out: PathBuf,
}

/// Writes the model, and says what was added.
pub fn run(args: &DifferentiateArgs) -> Result<(), String> {
    refuse_outputs_among_inputs([args.model.as_path()], [args.out.as_path()]).map_err(|e| e.to_string())?;
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", args.model.display());
    let bytes = pool::bytes(&args.model).map_err(|e| match e {
        ModelError::File { .. } => e.to_string(),
        e => named(&e),
    })?;
    let model = Model::parse(bytes).map_err(|e| named(&e))?;
    let made = differentiate(&model, &args.output, &args.wrt).map_err(|e| named(&e))?;
    Complete::write(&args.out, Kind::Onnx, &made.bytes).map_err(|e| format!("{}: {e}", args.out.display()))?;
    crate::say_line!(
        "input {}: the gradient at {}, of its shape (one row of a unit matrix picks a class)",
        made.seed,
        args.output
    );
    for (name, tensor) in made.gradients.iter().zip(&args.wrt) {
        crate::say_line!("output {name}: the gradient by {tensor}");
    }
    Ok(())
}
