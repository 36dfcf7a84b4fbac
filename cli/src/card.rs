//! `affect card`: the card of a model, as it is understood.

use crate::model_args::ModelArgs;
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct CardArgs {
    /// The model: a folder as exporters leave it (model.onnx, config.json, preprocessor_config.json), or an ONNX file.
    model: PathBuf,
    /// The file to write; standard output without it. Beside a model, as MODEL.onnx.card.json, it wins over everything else.
    #[arg(short, long = "out", value_name = "CARD.json")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: ModelArgs,
}

/// Opens the model, which checks the card against the graph, and writes the card.
pub fn run(args: &CardArgs) -> Result<(), String> {
    if let Some(out) = &args.out {
        refuse_outputs_among_inputs([args.model.as_path()], [out.as_path()]).map_err(|e| e.to_string())?;
    }
    let model = args.common.open(&args.model, None, None)?;
    let card = model.card().ok_or_else(|| {
        format!(
            "{}: it has no card, and no config.json beside it to make one from (docs/models.md says what a card holds)",
            args.model.display()
        )
    })?;
    let text = serde_json::to_string_pretty(card).map_err(|e| e.to_string())?;
    match &args.out {
        None => crate::say(&format!("{text}\n")),
        Some(out) => Complete::write(out, Kind::Text, format!("{text}\n").as_bytes())
            .map_err(|e| format!("{}: {e}", out.display())),
    }
}
