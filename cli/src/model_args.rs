//! Options that every verb with a model has.

use affect::model::engine::Backend;
use affect::model::{Basis, Layer, Model, Options, pool};
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    /// Card of the model, where it is neither in the file nor beside it as MODEL.card.json.
    #[arg(long, value_name = "FILE")]
    pub model_card: Option<PathBuf>,
    /// What runs the model: auto, onnxruntime, rten or builtin.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub backend: Backend,
    /// ONNX Runtime's shared library, where it shall not be searched for (also ORT_DYLIB_PATH).
    #[arg(long, value_name = "FILE")]
    pub runtime_library: Option<PathBuf>,
}

impl ModelArgs {
    pub fn open(&self, path: &Path, output: Option<&str>, width: Option<usize>) -> Result<Arc<Model>, String> {
        self.open_with(path, output, width, Layer::None)
    }

    /// The same, with a layer of a waveform model laid open.
    pub fn open_with(
        &self,
        path: &Path,
        output: Option<&str>,
        width: Option<usize>,
        layer: Layer,
    ) -> Result<Arc<Model>, String> {
        let options = Options {
            backend: self.backend,
            library: self.runtime_library.clone(),
            output: output.map(str::to_owned),
            width,
            layer,
        };
        pool::open(path, self.model_card.as_deref(), &options).map_err(|e| match e {
            affect::model::ModelError::File { .. } => e.to_string(),
            e => format!("{}: {e}", path.display()),
        })
    }
}

/// Says on standard error what the output of a model without a card is taken for, and why.
pub fn say_meaning(model: &Model, path: &Path) {
    let (path, output) = (path.display(), model.output_name());
    match (model.card(), &model.meaning().basis) {
        (Some(_), _) => {}
        (None, Basis::Nothing) => eprintln!(
            "affect: {path} has no card, and nothing says what output \"{output}\" holds: its numbers are printed as they \
             come (docs/models.md says how to write a card)"
        ),
        (None, basis) => {
            eprintln!("affect: {path} has no card: output \"{output}\" is taken for {}, {basis}", model.kind().name());
        }
    }
}

/// Index of a class by its name or number.
pub fn class(model: &Model, name: &str) -> Result<usize, String> {
    let labels = model.labels();
    let by_name = labels.iter().position(|l| l == name);
    by_name.or_else(|| name.parse::<usize>().ok().filter(|k| *k < labels.len())).ok_or_else(|| {
        format!("--target {name}: expected one of {}, or a number below {}", labels.join(", "), labels.len())
    })
}
