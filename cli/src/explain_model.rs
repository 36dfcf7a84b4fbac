//! `affect explain-model`: a model's card, checked, and how its scores can be explained.

use crate::model_args::ModelArgs;
use affect::explain::{Method, applies};
use affect::model::Model;
use affect::model::card::{Card, Input};
use affect::model::engine::Backend;
use affect_media::files::refuse_standard_output_among;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ExplainModelArgs {
    /// The model: an ONNX file.
    model: PathBuf,
    /// Print the card as JSON instead.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    common: ModelArgs,
}

macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{
        // Writing to memory does not fail.
        let _ = writeln!($out, $($arg)*);
    }};
}

/// Prints.
pub fn run(args: &ExplainModelArgs) -> Result<(), String> {
    refuse_standard_output_among([args.model.as_path()]).map_err(|e| e.to_string())?;
    let model = args.common.open(&args.model, None, None)?;
    if args.json {
        return crate::say(&format!("{}\n", model.card().ok_or("the model has no card")?.to_json()));
    }
    let mut out = String::new();
    put!(out, "{}", args.model.display());
    put!(out, "  sha-256     {}", model.sha256());
    put!(out, "  structure   {}", model.structure());
    put!(out, "  runs on     {}", model.engine());
    for backend in Backend::ALL.into_iter().filter(|b| *b != Backend::Auto) {
        let common = ModelArgs { backend, ..args.common.clone() };
        match common.open(&args.model, None, None) {
            Ok(_) => put!(out, "    {backend:<12} yes"),
            Err(e) => put!(out, "    {backend:<12} no: {}", e.replacen(&format!("{}: ", args.model.display()), "", 1)),
        }
    }
    let (kind, basis) = (model.kind().name(), &model.meaning().basis);
    put!(out, "  output      {} ({kind}, {basis}): {}", model.output_name(), model.labels().join(", "));
    match model.card() {
        Some(card) => print_card(&mut out, card),
        None => {
            put!(out, "  card        none: usable on tables, not in the stream (docs/models.md says how to write one)")
        }
    }
    if let Some(w) = model.takes_waveform() {
        match (w.exactly(), w.longest()) {
            (Some(n), _) => put!(
                out,
                "  windows     {n} samples, as the graph takes them; longer utterances are the mean over windows"
            ),
            (None, Some(n)) => {
                put!(out, "  windows     utterances of more than {n} samples are the mean over windows of that length")
            }
            (None, None) => {}
        }
        print_layers(&mut out, &model);
    }
    put!(out, "  attributions");
    for m in Method::ALL {
        put!(out, "    {:<21} {}", m.name(), applies(m, &model));
    }
    crate::say(&out)
}

/// The layers whose frames can be explained, and which of them is without a name.
fn print_layers(out: &mut String, model: &Model) {
    let layers = model.layers();
    let chosen = model.default_layer();
    put!(
        out,
        "  layers      for gradients and Grad-CAM (--layer, property layer), a frame every {} samples",
        layers.step
    );
    let mark = |name: &String| if chosen.as_ref() == Some(name) { " (auto)" } else { "" };
    if let Some(c) = &layers.convolution {
        put!(out, "    {:<21} {c}{}", "last convolution", mark(c));
    }
    for (k, h) in layers.hidden.iter().enumerate() {
        put!(out, "    {:<21} {h}{}", format!("hidden-{k}"), mark(h));
    }
    if layers.hidden.is_empty() {
        put!(out, "    none was found that every way from the samples to the scores passes through: name a tensor");
    }
}

fn print_card(out: &mut String, card: &Card) {
    put!(out, "  card        {} version {}, agrees with the graph", card.id, card.version);
    if !card.description.is_empty() {
        put!(out, "    {}", card.description);
    }
    match &card.input {
        Input::Features { feature_set, feature_set_version, features, .. } => {
            put!(out, "    takes {} features of {feature_set} version {feature_set_version}", features.len());
        }
        Input::Waveform { rate_hz, min_s, .. } => put!(out, "    takes a waveform at {rate_hz} Hz, at least {min_s} s"),
    }
    put!(out, "    z-scores against: {}; temperature {}", card.normaliser.reference(), card.calibration.temperature);
    if let Some(t) = card.calibration.temperature_speaker {
        put!(out, "    temperature where a voice is compared with itself: {t}");
    }
    for (o, amount) in card.amounts() {
        put!(
            out,
            "    {}: learnt by itself, -1 to 1; {:.0} % of the truths on corpora not heard lay from {:.2} below to {:.2} above it",
            o.labels.join(", "),
            100.0 * amount.coverage,
            amount.reach.below,
            amount.reach.above
        );
        if let Some(own) = amount.reach_speaker {
            put!(
                out,
                "      where a voice is compared with itself: from {:.2} below to {:.2} above it",
                own.below,
                own.above
            );
        }
    }
    if let Some(n) = &card.novelty {
        let usual = n.quantiles.get(95).copied().unwrap_or_default();
        put!(out, "    novelty: 95 % of the training rows lie within {usual:.2}; silent beyond {:.2}", n.limit);
    }
    put!(out, "    background rows: {}", card.background.len());
    put!(
        out,
        "    abstains below probability {}, with less than {} s of speech, or a baseline of less than {} s",
        card.abstain.confidence_below,
        card.abstain.min_speech_s,
        card.abstain.min_baseline_s
    );
    put!(out, "    licence: {}; trained on: {}", card.licence, card.corpora.join(", "));
    let mut protocol = "";
    for m in &card.metrics {
        if m.protocol != protocol {
            protocol = &m.protocol;
            put!(out, "    measured on {protocol}:");
        }
        put!(out, "      {} {:.3}", m.name, m.value);
    }
    for l in &card.limits {
        put!(out, "    limit: {l}");
    }
}
