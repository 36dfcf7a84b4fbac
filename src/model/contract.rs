//! The contract of a waveform model, from what exporters write beside it: `config.json` and `preprocessor_config.json` of the
//! Hugging Face libraries, and the graph's own inputs and outputs.

use super::card::{Abstain, Calibration, Card, FORMAT, Input, Normaliser, Output, OutputKind, WaveformNormalisation};
use super::error::ModelError;
use crate::onnx::graph::{Dim, Model as Graph, Value as Tensor};
use serde_json::Value;

/// Operator sets that exports of these models were proved with.
pub const OPSETS: std::ops::RangeInclusive<i64> = 14..=23;
/// The name of the input that says which samples count.
pub const MASK: &str = "attention_mask";
/// Utterances that last longer, in seconds, are cut into windows: attention costs the square of the length.
const LONGEST_S: f64 = 20.0;

fn wrong(what: &str, expected: impl Into<String>, found: impl Into<String>) -> ModelError {
    ModelError::mismatch(what, expected, found)
}

/// The card of a waveform model.
///
/// # Errors
/// [`ModelError::Mismatch`] with what was expected and what came: another kind of input, rate, head or operator set, or a part of
/// the configuration that is missing.
pub fn card(id: &str, config: &Value, preprocessor: Option<&Value>, graph: &Graph) -> Result<Card, ModelError> {
    let opset = graph.opset("").unwrap_or(0);
    if !OPSETS.contains(&opset) {
        let expected = format!("{} to {}: export the model with one of these", OPSETS.start(), OPSETS.end());
        return Err(wrong("operator set of the graph", expected, opset.to_string()));
    }
    let preprocessor = preprocessor.ok_or_else(|| {
        wrong("folder", "preprocessor_config.json, which says rate and normalisation", "none beside config.json")
    })?;
    let input = input(config, preprocessor, graph)?;
    let outputs = outputs(config, graph)?;
    let architecture =
        config["architectures"][0].as_str().or_else(|| config["model_type"].as_str()).unwrap_or("a model");
    let card = Card {
        format: FORMAT.to_owned(),
        id: id.to_owned(),
        version: "1".to_owned(),
        description: format!("{architecture}, as config.json and preprocessor_config.json beside it say."),
        input,
        outputs,
        normaliser: Normaliser::None,
        clip: None,
        calibration: Calibration::default(),
        novelty: None,
        abstain: Abstain::default(),
        derived: Vec::new(),
        background: Vec::new(),
        licence: String::new(),
        corpora: Vec::new(),
        metrics: Vec::new(),
        limits: vec!["Nothing is known of its training data, its calibration and its licence.".to_owned()],
    };
    Card::parse(&card.to_json())
}

fn input(config: &Value, preprocessor: &Value, graph: &Graph) -> Result<Input, ModelError> {
    let rate = preprocessor["sampling_rate"].as_u64();
    if rate != Some(16_000) {
        let found = rate.map_or("nothing".to_owned(), |r| r.to_string());
        return Err(wrong("sampling_rate of preprocessor_config.json", "16000, the rate of the analysis", found));
    }
    if let Some(n) = preprocessor["feature_size"].as_u64().filter(|n| *n != 1) {
        return Err(wrong("feature_size of preprocessor_config.json", "1, a waveform", n.to_string()));
    }
    let normalisation = match preprocessor["do_normalize"].as_bool() {
        Some(true) => WaveformNormalisation::ZeroMeanUnitVariance,
        Some(false) => WaveformNormalisation::None,
        None => return Err(wrong("do_normalize of preprocessor_config.json", "true or false", "nothing")),
    };
    let inputs = graph.inputs();
    let names = || inputs.iter().map(|v| format!("\"{}\" {}", v.name, v.describe())).collect::<Vec<_>>().join(", ");
    let waveforms: Vec<&Tensor> = inputs.iter().filter(|v| v.name != MASK).collect();
    let [one] = waveforms.as_slice() else {
        return Err(wrong("inputs of the graph", format!("a waveform [batch, samples], and {MASK} at most"), names()));
    };
    if one.shape().is_some_and(|s| s.len() != 2) {
        return Err(wrong("inputs of the graph", "a waveform [batch, samples]", names()));
    }
    Ok(Input::Waveform {
        name: one.name.clone(),
        rate_hz: 16_000,
        normalisation,
        min_s: field(config) as f64 / 16_000.0,
        longest_s: Some(LONGEST_S),
    })
}

/// Samples that one frame sees: `1 + sum (kernel - 1) product of the strides before`.
fn field(config: &Value) -> u64 {
    let list = |name: &str| {
        config[name].as_array().map(|l| l.iter().filter_map(Value::as_u64).collect::<Vec<_>>()).unwrap_or_default()
    };
    let mut step = 1u64;
    let mut length = 1u64;
    for (kernel, stride) in list("conv_kernel").into_iter().zip(list("conv_stride")) {
        length = length.saturating_add(kernel.saturating_sub(1).saturating_mul(step));
        step = step.saturating_mul(stride.max(1));
    }
    length.min(16_000)
}

/// Names by index out of `id2label`.
fn labels(config: &Value) -> Result<Vec<String>, ModelError> {
    let Some(map) = config["id2label"].as_object() else { return Ok(Vec::new()) };
    let place = |k: usize| map.get(&k.to_string()).and_then(Value::as_str).map(str::to_owned);
    (0..map.len()).map(place).collect::<Option<Vec<_>>>().ok_or_else(|| {
        wrong(
            "id2label of config.json",
            format!("names for 0 to {}", map.len().saturating_sub(1)),
            config["id2label"].to_string(),
        )
    })
}

fn outputs(config: &Value, graph: &Graph) -> Result<Vec<Output>, ModelError> {
    let outputs = graph.outputs();
    let rank = |v: &Tensor| v.shape().map(<[Dim]>::len);
    let names = || outputs.iter().map(|v| format!("\"{}\" {}", v.name, v.describe())).collect::<Vec<_>>().join(", ");
    let hidden =
        |v: &Tensor| Output { name: v.name.clone(), kind: OutputKind::HiddenStates, labels: Vec::new(), amount: None };
    let flat: Vec<&Tensor> = outputs.iter().filter(|v| rank(v).is_none_or(|r| r == 2)).collect();
    let head = match (flat.iter().find(|v| v.name == "logits"), flat.as_slice()) {
        (Some(v), _) => Some(*v),
        (None, [one]) => Some(*one),
        (None, []) if outputs.iter().any(|v| rank(v) == Some(3)) => None,
        (None, _) => {
            return Err(wrong(
                "outputs of the graph",
                "one called logits, or only one with a number for each label",
                names(),
            ));
        }
    };
    let Some(head) = head else {
        if outputs.iter().any(|v| v.name == "logits") {
            return Err(wrong(
                "output \"logits\"",
                "one row of scores: a model that scores every frame (CTC) has no head for utterances",
                names(),
            ));
        }
        return Ok(outputs.iter().map(hidden).collect());
    };
    let labels = labels(config)?;
    if labels.is_empty() {
        return Err(wrong(
            "config.json",
            "id2label, the names of what the model gives (or a card: --model-card)",
            "none",
        ));
    }
    if let Some(Dim::Fixed(n)) = head.shape().and_then(<[Dim]>::last)
        && *n != labels.len() as i64
    {
        return Err(wrong(
            "id2label of config.json",
            format!("{n} names, as many as output \"{}\" gives", head.name),
            labels.len().to_string(),
        ));
    }
    let dimension =
        |l: &String| matches!(l.to_ascii_lowercase().as_str(), "arousal" | "dominance" | "valence" | "activation");
    let kind = match config["problem_type"].as_str() {
        Some("regression") if labels.iter().all(dimension) => OutputKind::Dimensions,
        Some("regression") => OutputKind::Regression,
        Some("multi_label_classification") => {
            return Err(wrong(
                "problem_type of config.json",
                "single_label_classification or regression",
                "multi_label_classification",
            ));
        }
        _ if labels.iter().all(dimension) => OutputKind::Dimensions,
        _ if labels.len() == 1 => OutputKind::Regression,
        _ => OutputKind::Logits,
    };
    let one = |v: &Tensor| {
        if v.name == head.name {
            Output { name: v.name.clone(), kind, labels: labels.clone(), amount: None }
        } else {
            hidden(v)
        }
    };
    Ok(outputs.iter().map(one).collect())
}
