//! `affect attribute`: attributions of rows of a table, in full precision.

use crate::model_args::{ModelArgs, class, say_meaning};
use crate::speaker_args::SpeakerArgs;
use crate::tables::Table;
use affect::explain::gradient::Rule;
use affect::explain::sampled::Effort;
use affect::explain::{Applies, Attribution, EXACT, Explainer, Method, Unit, applies};
use affect::model::Model;
use affect_media::files::refuse_standard_output_among;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MethodName {
    /// The gradient itself.
    Gradient,
    /// Integrated gradients from the background's mean.
    IntegratedGradients,
    /// Closed form of linear models.
    Linear,
    /// Interventional TreeSHAP.
    Tree,
    /// Shapley values of single features: exact for up to 12, sampled with standard errors for more.
    Shapley,
    /// Exact Shapley values of groups.
    ShapleyGroups,
    /// Grad-CAM over the frames of a layer of a waveform model.
    GradCam,
    /// How much the score falls when a segment of the waveform is silenced.
    Occlusion,
}

impl MethodName {
    fn method(self) -> Method {
        match self {
            Self::Gradient => Method::Gradient,
            Self::IntegratedGradients => Method::IntegratedGradients,
            Self::Linear => Method::Linear,
            Self::Tree => Method::Tree,
            Self::Shapley => Method::Shapley,
            Self::ShapleyGroups => Method::ShapleyGroups,
            Self::GradCam => Method::GradCam,
            Self::Occlusion => Method::Occlusion,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnitName {
    /// The model's own: logits, margins or what its output holds.
    Score,
    /// Calibrated probabilities.
    Probability,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuleName {
    /// Gauss and Legendre's nodes.
    GaussLegendre,
    /// The trapezoid rule as Captum has it.
    Trapezoid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JsonFormat {
    /// An array with one object a row.
    Json,
}

#[derive(Debug, Args)]
pub struct AttributeArgs {
    /// The model: an ONNX file, or a folder with one.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Rows to explain, as CSV (with or without a header) or NPY: features, or waveforms at 16 kHz.
    #[arg(long, value_name = "ROWS")]
    pub input: PathBuf,
    /// Background rows; the card's own where there are none.
    #[arg(long, value_name = "ROWS")]
    pub background: Option<PathBuf>,
    /// How.
    #[arg(long, value_enum)]
    pub method: MethodName,
    /// Class or dimension, by name or number from 0; the top one of each row without it.
    #[arg(long, value_name = "CLASS")]
    pub target: Option<String>,
    /// Groups as JSON: a list of lists, or an object of named lists, of columns by number or name; the catalogue's groups
    /// without it, where the model has a card.
    #[arg(long, value_name = "FILE")]
    pub groups: Option<PathBuf>,
    /// Steps of integrated gradients.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub steps: u32,
    /// Where those steps are taken.
    #[arg(long, value_enum, default_value = "gauss-legendre")]
    pub rule: RuleName,
    /// Tensor of a waveform model that is explained (gradient, grad-cam); the samples without it.
    #[arg(long, value_name = "TENSOR")]
    pub layer: Option<String>,
    /// Grad-CAM with what speaks against the score too.
    #[arg(long)]
    pub signed: bool,
    /// Length of the segments that occlusion silences, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 100.0, value_parser = milliseconds)]
    pub segment_ms: f64,
    /// Unit of the score.
    #[arg(long, value_enum, default_value = "score")]
    unit: UnitName,
    /// Sampled values stop when their largest standard error is this share of the largest value.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    error: f64,
    /// The output (or tensor inside the graph) to explain, for models without a card.
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// Form of the output.
    #[arg(long, value_enum, default_value = "json")]
    format: JsonFormat,
    #[command(flatten)]
    pub speakers: SpeakerArgs,
    #[command(flatten)]
    common: ModelArgs,
}

/// A length of time above 0.
fn milliseconds(text: &str) -> Result<f64, String> {
    let length = text.parse::<f64>().ok().filter(|v| v.is_finite() && (1.0..=60_000.0).contains(v));
    length.ok_or_else(|| "expected 1 to 60000".to_owned())
}

/// Explains and prints.
pub fn run(args: &AttributeArgs) -> Result<(), String> {
    let background = args.background.as_deref();
    refuse_standard_output_among([args.model.as_path(), &args.input].into_iter().chain(background))
        .map_err(|e| e.to_string())?;
    let JsonFormat::Json = args.format;
    let input = Table::read(&args.input)?;
    let width = input.rows(&[]).ok().and_then(|r| r.first().map(Vec::len));
    let model = args.common.open(&args.model, args.output.as_deref(), width)?;
    let d = model.width();
    if let Applies::No(why) = applies(args.method.method(), &model) {
        return Err(format!("--method {}: {why}", args.method.method().name()));
    }
    say_meaning(&model, &args.model);
    if model.takes_waveform().is_some() {
        if args.unit != UnitName::Score {
            return Err("--unit probability: expected score for a waveform model".to_owned());
        }
        let out = crate::attribute_waveform::explain(args, &model, &input)?;
        return crate::say(&format!("{}\n", Value::Array(out)));
    }
    if args.layer.is_some() || args.signed {
        return Err("--layer, --signed: expected a model that takes a waveform".to_owned());
    }
    let read = |path: &Path, t: &Table| -> Result<Vec<f32>, String> {
        args.speakers.enter(&model, t).map(|entered| entered.0).map_err(|e| format!("{}: {e}", path.display()))
    };
    let rows = read(&args.input, &input)?;
    let given = match &args.background {
        Some(path) => Some(read(path, &Table::read(path)?)?),
        None => model.card().map(|c| c.background.concat()).filter(|b| !b.is_empty()),
    };
    if given.is_none() && args.method != MethodName::Gradient {
        return Err(
            "--background: expected rows of ordinary inputs, which scores are compared with (the model's card has none)"
                .to_owned()
        );
    }
    let named = groups(args, &model)?;
    let lists =
        named.as_ref().map_or_else(|| (0..d).map(|c| vec![c]).collect(), |g| g.iter().map(|g| g.1.clone()).collect());
    let has_base = given.is_some();
    let explainer =
        Explainer::new(model.clone(), given.unwrap_or_else(|| vec![0.0; d]), lists).map_err(|e| e.to_string())?;
    let mut out = Vec::with_capacity(input.len());
    for (k, row) in rows.chunks_exact(d).enumerate() {
        let target = match &args.target {
            Some(name) => class(&model, name)?,
            None => {
                let scores = model.scores(model.run(row).map_err(|e| e.to_string())?);
                scores.top().map_or(0, |t| t.0)
            }
        };
        let a = explain(args, &explainer, row, target).map_err(|e| format!("row {}: {e}", k + 1))?;
        let base = Some(a.base).filter(|_| has_base);
        let mut object = json!({
            "row": k, "method": a.method.name(), "target": model.labels().get(target), "base": base, "output": a.output,
            "attributions": a.values, "residual": a.residual.filter(|_| has_base),
        });
        if let Some(e) = a.stderr {
            object["stderr"] = json!(e);
        }
        if let Some(g) = named.as_ref().filter(|_| args.method == MethodName::ShapleyGroups) {
            object["groups"] = json!(g.iter().map(|g| &g.0).collect::<Vec<_>>());
        }
        out.push(object);
    }
    crate::say(&format!("{}\n", Value::Array(out)))
}

fn explain(args: &AttributeArgs, e: &Explainer, row: &[f32], target: usize) -> Result<Attribution, String> {
    let unit = if args.unit == UnitName::Score { Unit::Score } else { Unit::Probability };
    let effort = Effort { relative_error: args.error, ..Effort::default() };
    let closed = matches!(args.method, MethodName::Linear | MethodName::Tree);
    if closed && unit != Unit::Score {
        return Err(format!(
            "--method {} explains the model's own scores: expected --unit score",
            args.method.method().name()
        ));
    }
    let made = match args.method {
        MethodName::Gradient => e.gradient(row, target),
        MethodName::IntegratedGradients => {
            let rule = if args.rule == RuleName::GaussLegendre { Rule::GaussLegendre } else { Rule::Trapezoid };
            e.integrated(row, target, rule, args.steps as usize)
        }
        MethodName::Linear | MethodName::Tree => e.by_feature(row, target, unit, effort),
        MethodName::Shapley if row.len() <= EXACT => {
            let each: Vec<Vec<usize>> = (0..row.len()).map(|c| vec![c]).collect();
            e.exact(row, &[target], unit, &each, Method::Shapley).map(|mut l| l.remove(0))
        }
        MethodName::Shapley => e.sampled(row, target, unit, effort, None),
        // Refused before: they are of waveforms.
        MethodName::GradCam | MethodName::Occlusion => {
            return Err(format!("--method {}: expected a model that takes a waveform", args.method.method().name()));
        }
        MethodName::ShapleyGroups => {
            e.exact(row, &[target], unit, e.groups(), Method::ShapleyGroups).map(|mut l| l.remove(0))
        }
    };
    made.map_err(|e| e.to_string())
}

type Groups = Vec<(String, Vec<usize>)>;

/// The groups: from the file, else the catalogue's, else none.
fn groups(args: &AttributeArgs, model: &Model) -> Result<Option<Groups>, String> {
    let names = model.card().map_or(&[][..], |c| c.features());
    let Some(path) = &args.groups else {
        if args.method != MethodName::ShapleyGroups {
            return Ok(None);
        }
        if names.is_empty() {
            return Err("--method shapley-groups: expected --groups FILE (the model has no card with named features)"
                .to_owned());
        }
        let groups = model.card().map(affect::explain::groups::of_card).unwrap_or_default();
        return Ok(Some(groups.into_iter().map(|(g, columns)| (g.name().to_owned(), columns)).collect()));
    };
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| named(&e))?;
    let value: Value = serde_json::from_str(&text).map_err(|e| named(&e))?;
    let column = |v: &Value| -> Result<usize, String> {
        let place = match v {
            Value::String(s) => names.iter().position(|n| n == s),
            v => v.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n < model.width()),
        };
        place.ok_or_else(|| named(&format!("no column {v}")))
    };
    let columns = |v: &Value| -> Result<Vec<usize>, String> {
        v.as_array().ok_or_else(|| named(&"expected lists of columns"))?.iter().map(column).collect()
    };
    let groups: Groups = match &value {
        Value::Array(l) => {
            l.iter().enumerate().map(|(k, v)| Ok((k.to_string(), columns(v)?))).collect::<Result<_, String>>()?
        }
        Value::Object(o) => o.iter().map(|(k, v)| Ok((k.clone(), columns(v)?))).collect::<Result<_, String>>()?,
        _ => return Err(named(&"expected a list of lists, or an object of named lists")),
    };
    Ok(Some(groups))
}
