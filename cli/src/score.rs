//! `affect score`: scores of rows of a table.

use crate::model_args::{ModelArgs, say_meaning};
use crate::speaker_args::SpeakerArgs;
use crate::tables::Table;
use affect_media::files::refuse_standard_output_among;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Comma-separated values with a header.
    Csv,
    /// One object a line.
    Jsonl,
}

#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// The model: an ONNX file.
    model: PathBuf,
    /// Rows of features as `affect features` writes them (columns are found by name), or bare numbers in the model's order.
    #[arg(long, value_name = "TABLE")]
    features: PathBuf,
    /// The output to read, for models without a card.
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// Form of the output.
    #[arg(long, value_enum, default_value = "csv")]
    format: TableFormat,
    #[command(flatten)]
    speakers: SpeakerArgs,
    #[command(flatten)]
    common: ModelArgs,
}

/// Columns that say which row it is.
const WHO: [&str; 4] = ["file", "channel", "start_ns", "end_ns"];

/// Scores and prints.
pub fn run(args: &ScoreArgs) -> Result<(), String> {
    refuse_standard_output_among([args.model.as_path(), &args.features]).map_err(|e| e.to_string())?;
    let table = Table::read(&args.features)?;
    let width = table.rows(&[]).ok().and_then(|r| r.first().map(Vec::len));
    let model = args.common.open(&args.model, args.output.as_deref(), width)?;
    let named = |e: String| format!("{}: {e}", args.features.display());
    if model.width() == 0 {
        return Err("this model takes a waveform: use `affect analyze`".to_owned());
    }
    let (entered, shares) = args.speakers.enter(&model, &table).map_err(named)?;
    say_meaning(&model, &args.model);
    let who: Vec<(usize, &str)> = table
        .header
        .iter()
        .flatten()
        .enumerate()
        .filter(|(_, h)| WHO.contains(&h.as_str()) || args.speakers.speaker.as_ref() == Some(h))
        .map(|(k, h)| (k, h.as_str()))
        .collect();
    let row_of = |k: usize| &entered[k * model.width()..(k + 1) * model.width()];
    let mut scored = Vec::with_capacity(table.len());
    model
        .each(&entered, &mut |raw| {
            let k = scored.len();
            let temperature = model.temperature_of(row_of(k), shares[k]);
            scored.push(model.scores_at(raw.iter().map(|v| f64::from(*v)).collect(), temperature));
        })
        .map_err(|e| named(e.to_string()))?;
    let amounts = (0..scored.len())
        .map(|k| model.amounts_of(row_of(k), shares[k]))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| named(e.to_string()))?;
    let mut out = io::stdout().lock();
    let wrote = if args.format == TableFormat::Csv {
        let mut csv = csv::Writer::from_writer(&mut out);
        let classes = scored.first().is_some_and(|s| !s.probabilities.is_empty());
        let extra: &[&str] = if classes { &["label", "confidence", "entropy_bits"] } else { &[] };
        let learnt = amounts.first().into_iter().flatten();
        let dimensions: Vec<String> =
            learnt.flat_map(|(n, _, _)| [n.clone(), format!("{n}_low"), format!("{n}_high")]).collect();
        let head = who.iter().map(|w| w.1).chain(dimensions.iter().map(String::as_str)).chain(extra.iter().copied());
        csv.write_record(head.chain(model.labels().iter().map(String::as_str))).map_err(|e| e.to_string())?;
        for (k, s) in scored.iter().enumerate() {
            let mut record: Vec<String> = who.iter().map(|(c, _)| table.cells[k][*c].clone()).collect();
            record.extend(amounts[k].iter().flat_map(|(_, v, (low, high))| [v, low, high].map(f64::to_string)));
            if let (Some((top, p)), Some(h)) = (s.top(), s.entropy_bits()) {
                record.extend([model.labels()[top].clone(), p.to_string(), h.to_string()]);
            }
            let numbers = if classes { &s.probabilities } else { &s.raw };
            record.extend(numbers.iter().map(f64::to_string));
            csv.write_record(record).map_err(|e| e.to_string())?;
        }
        csv.flush()
    } else {
        scored.iter().enumerate().try_for_each(|(k, s)| {
            let mut o = Map::new();
            o.insert("row".to_owned(), json!(k));
            who.iter().for_each(|(c, name)| drop(o.insert((*name).to_owned(), json!(table.cells[k][*c]))));
            let by_label = |list: &[f64]| -> Map<String, Value> {
                model.labels().iter().cloned().zip(list.iter().map(|v| json!(v))).collect()
            };
            if !amounts[k].is_empty() {
                let values: Map<String, Value> = amounts[k].iter().map(|(n, v, _)| (n.clone(), json!(v))).collect();
                let ends: Map<String, Value> =
                    amounts[k].iter().map(|(n, _, i)| (n.clone(), json!([i.0, i.1]))).collect();
                o.insert("dimensions".to_owned(), Value::Object(values));
                o.insert("intervals".to_owned(), Value::Object(ends));
            }
            o.insert("raw".to_owned(), Value::Object(by_label(&s.raw)));
            if let (Some((top, p)), Some(h)) = (s.top(), s.entropy_bits()) {
                o.insert("label".to_owned(), json!(model.labels()[top]));
                o.insert("confidence".to_owned(), json!(p));
                o.insert("entropy_bits".to_owned(), json!(h));
                o.insert("probabilities".to_owned(), Value::Object(by_label(&s.probabilities)));
            }
            writeln!(out, "{}", Value::Object(o))
        })
    };
    match wrote {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|e| e.to_string()),
    }
}
