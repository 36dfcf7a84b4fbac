//! Properties of `affectscore`: those of the analysis, and those of the scores.

use crate::properties::Values;
use crate::tap::settings::{self, AnalysisSettings};
use affect::analyzer::{Attribution, Config, Policies, Scorer, ScoringConfig};
use affect::error::ConfigError;
use affect::explain::Unit;
use affect::model::engine::Backend;
use affect::model::{Layer, ModelError, Options};
use gst::glib;
use gst::prelude::*;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Values of the properties of `affectscore`.
#[derive(Debug, Clone)]
pub struct ScoreSettings {
    pub analysis: AnalysisSettings,
    pub model: String,
    pub model_card: String,
    pub backend: String,
    pub runtime_library: String,
    pub attribution: String,
    pub layer: String,
    pub reliability: u32,
    pub top_k: u32,
    pub target: String,
    pub unit: String,
    pub model_reference: String,
    pub inference_mode: String,
    pub max_queued: u32,
    pub max_lateness: u64,
    pub batch_size: u32,
    pub batch_timeout: u64,
    pub audit: String,
    pub purpose: String,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        let s = ScoringConfig::default();
        Self {
            analysis: AnalysisSettings::default(),
            model: String::new(),
            model_card: String::new(),
            backend: Backend::default().name().to_owned(),
            runtime_library: String::new(),
            attribution: s.attribution.name().to_owned(),
            layer: s.layer,
            reliability: s.reliability as u32,
            top_k: s.top_k as u32,
            target: s.target,
            unit: "score".to_owned(),
            model_reference: s.reference.name().to_owned(),
            inference_mode: "auto".to_owned(),
            max_queued: 8,
            max_lateness: 0,
            batch_size: 1,
            batch_timeout: 5_000_000,
            audit: String::new(),
            purpose: String::new(),
        }
    }
}

/// Thread on which scores are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By workers in a live pipeline, on the streaming thread elsewhere.
    Auto,
    /// By workers.
    Async,
    /// On the streaming thread.
    Sync,
}

/// Properties that decide which model is loaded: a running element refuses another value.
pub(super) const OF_THE_MODEL: [&str; 5] = ["model", "model-card", "backend", "runtime-library", "layer"];
/// Whether a property changes no result.
pub(super) fn changes_no_result(name: &str) -> bool {
    settings::RESULT_NEUTRAL_PROPERTIES.contains(&name)
        || ["max-queued", "max-lateness", "inference-mode", "audit", "purpose"].contains(&name)
}

fn unknown(what: &'static str, found: &str, known: &str) -> ConfigError {
    ConfigError::Unknown { what, found: found.to_owned(), known: known.to_owned() }
}

impl ScoreSettings {
    pub fn mode(&self) -> Result<Mode, ConfigError> {
        match self.inference_mode.as_str() {
            "auto" => Ok(Mode::Auto),
            "async" => Ok(Mode::Async),
            "sync" => Ok(Mode::Sync),
            other => Err(unknown("inference-mode", other, "auto, async, sync")),
        }
    }

    pub fn options(&self) -> Result<Options, ConfigError> {
        Ok(Options {
            backend: self.backend.parse()?,
            library: Some(PathBuf::from(&self.runtime_library)).filter(|p| !p.as_os_str().is_empty()),
            output: None,
            width: None,
            // What is not explained needs no gradient.
            layer: if self.attribution == Attribution::None.name() { Layer::Any } else { Layer::named(&self.layer) },
        })
    }

    pub fn scoring(&self) -> Result<ScoringConfig, ConfigError> {
        Ok(ScoringConfig {
            attribution: self.attribution.parse::<Attribution>()?,
            layer: self.layer.clone(),
            reliability: self.reliability as usize,
            top_k: self.top_k as usize,
            target: self.target.clone(),
            unit: match self.unit.as_str() {
                "score" => Unit::Score,
                "probability" => Unit::Probability,
                other => return Err(unknown("unit", other, "score, probability")),
            },
            reference: self.model_reference.parse()?,
            batch_size: self.batch_size as usize,
            batch_wait: Duration::from_nanos(self.batch_timeout),
        })
    }

    /// Configuration of the analyzer for a model. Scoring is left to this element, which enforces the policies of that moment.
    pub fn config(&self, scorer: Arc<Scorer>, stream: &str) -> Result<Config, ConfigError> {
        let base = self.analysis.config(stream, "affectscore")?;
        let config = Config {
            sets: scorer.set().map_or_else(|| base.sets.clone(), |s| vec![s]),
            scorer: Some(scorer),
            deferred: true,
            ..base
        };
        config.check()?;
        Ok(config)
    }

    /// A model's file, or none for the one built in.
    pub fn path(&self) -> Option<PathBuf> {
        Some(PathBuf::from(&self.model)).filter(|p| !p.as_os_str().is_empty())
    }

    pub fn open(&self) -> Result<Arc<affect::model::Model>, ModelError> {
        let options = self.options().map_err(|e| ModelError::mismatch("backend", "a known one", e.to_string()))?;
        let card = Some(PathBuf::from(&self.model_card)).filter(|p| !p.as_os_str().is_empty());
        match self.path() {
            Some(path) => affect::model::pool::open(&path, card.as_deref(), &options),
            None => affect::model::pool::open_bytes(affect::model::DEFAULT.to_vec(), None, &options),
        }
    }

    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "model" => self.model.to_value(),
            "model-card" => self.model_card.to_value(),
            "backend" => self.backend.to_value(),
            "runtime-library" => self.runtime_library.to_value(),
            "attribution" => self.attribution.to_value(),
            "layer" => self.layer.to_value(),
            "reliability" => self.reliability.to_value(),
            "top-k" => self.top_k.to_value(),
            "target" => self.target.to_value(),
            "unit" => self.unit.to_value(),
            "model-reference" => self.model_reference.to_value(),
            "inference-mode" => self.inference_mode.to_value(),
            "max-queued" => self.max_queued.to_value(),
            "max-lateness" => self.max_lateness.to_value(),
            "batch-size" => self.batch_size.to_value(),
            "batch-timeout" => self.batch_timeout.to_value(),
            "audit" => self.audit.to_value(),
            "purpose" => self.purpose.to_value(),
            _ => return self.analysis.get(name),
        })
    }

    /// The settings as they are written into an audit record.
    pub fn as_json(&self) -> serde_json::Value {
        let one = |p: &glib::ParamSpec| {
            let value = self.get(p.name())?;
            let text = value.get::<Option<String>>().ok().flatten();
            Some((
                p.name().to_owned(),
                text.or_else(|| value.serialize().ok().map(|s| s.to_string())).unwrap_or_default().into(),
            ))
        };
        serde_json::Value::Object(PROPERTIES.iter().filter_map(one).collect())
    }
}

impl Values for ScoreSettings {
    fn set(&mut self, name: &str, value: &glib::Value) {
        fn put<'a, T: glib::value::FromValue<'a>>(slot: &mut T, value: &'a glib::Value) {
            // The property system has checked the type.
            if let Ok(v) = value.get::<T>() {
                *slot = v;
            }
        }
        let text = |slot: &mut String| *slot = value.get::<Option<String>>().ok().flatten().unwrap_or_default();
        match name {
            "model" => text(&mut self.model),
            "model-card" => text(&mut self.model_card),
            "backend" => text(&mut self.backend),
            "runtime-library" => text(&mut self.runtime_library),
            "attribution" => text(&mut self.attribution),
            "layer" => text(&mut self.layer),
            "reliability" => put(&mut self.reliability, value),
            "top-k" => put(&mut self.top_k, value),
            "target" => text(&mut self.target),
            "unit" => text(&mut self.unit),
            "model-reference" => text(&mut self.model_reference),
            "inference-mode" => text(&mut self.inference_mode),
            "max-queued" => put(&mut self.max_queued, value),
            "max-lateness" => put(&mut self.max_lateness, value),
            "batch-size" => put(&mut self.batch_size, value),
            "batch-timeout" => put(&mut self.batch_timeout, value),
            "audit" => text(&mut self.audit),
            "purpose" => text(&mut self.purpose),
            _ => self.analysis.set(name, value),
        }
    }

    fn apply(&mut self, list: &str) -> Result<Vec<String>, String> {
        let mut next = self.clone();
        let named = settings::parse(&PROPERTIES, list, &mut |name, value| next.set(name, value))?;
        next.check(0).map_err(|e| e.to_string())?;
        *self = next;
        Ok(named)
    }

    fn fixed(&self, next: &Self) -> Option<&'static str> {
        let of_the_model =
            |s: &Self| [&s.model, &s.model_card, &s.backend, &s.runtime_library, &s.layer].map(String::clone);
        let both = of_the_model(self).into_iter().zip(of_the_model(next));
        OF_THE_MODEL.into_iter().zip(both).find(|(_, (old, new))| old != new).map(|(name, _)| name)
    }

    fn check(&self, channels: usize) -> Result<(), ConfigError> {
        self.mode()?;
        self.options()?;
        self.scoring()?;
        self.analysis.check(channels)
    }

    fn policies(&self) -> Result<Policies, ConfigError> {
        self.analysis.policies()
    }
}

/// Descriptions of all properties.
pub(super) static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
    let d = ScoreSettings::default();
    let text = |name: &str, nick: &str, blurb: &str, default: &str, playing: bool| {
        let b = glib::ParamSpecString::builder(name).nick(nick).blurb(blurb).default_value(Some(default));
        if playing { b.mutable_playing().build() } else { b.mutable_ready().build() }
    };
    let count = |name: &str, nick: &str, blurb: &str, default: u32, min: u32, max: u32| {
        glib::ParamSpecUInt::builder(name)
            .nick(nick)
            .blurb(blurb)
            .minimum(min)
            .maximum(max)
            .default_value(default)
            .mutable_playing()
            .build()
    };
    let duration = |name: &str, nick: &str, blurb: &str, default: u64, max: u64| {
        glib::ParamSpecUInt64::builder(name)
            .nick(nick)
            .blurb(blurb)
            .maximum(max)
            .default_value(default)
            .mutable_playing()
            .build()
    };
    let second = 1_000_000_000;
    let mut list = vec![
        text("model", "Model", "Path of the ONNX model; the built-in default if empty", &d.model, false),
        text(
            "model-card",
            "Model card",
            "Path of the model's card, where it is neither inside nor beside it",
            &d.model_card,
            false,
        ),
        text("backend", "Backend", "What runs the model: auto, onnxruntime, rten or builtin", &d.backend, false),
        text(
            "runtime-library",
            "Runtime library",
            "Path of ONNX Runtime's shared library, where it shall not be searched for",
            &d.runtime_library,
            false,
        ),
        text(
            "attribution",
            "Attribution",
            "What is explained: auto (features, or the frames of a waveform), none, groups, features, frames or occlusion",
            &d.attribution,
            true,
        ),
        text(
            "layer",
            "Layer",
            "Layer of a waveform model whose frames are explained: auto, a tensor, or hidden-K",
            &d.layer,
            false,
        ),
        count(
            "reliability",
            "Reliability",
            "With how many random spans the strongest one of a final result of a waveform model is compared, a run of the model each; 0 for none",
            d.reliability,
            0,
            1_000,
        ),
        count(
            "top-k",
            "Top k",
            "How many features or spans are listed in an explanation; 0 for all, and the relevance of every frame",
            d.top_k,
            0,
            10_000,
        ),
        text("target", "Target", "What is explained: top, all, or labels or dimensions with commas", &d.target, true),
        text("unit", "Unit", "In which unit: score (logits or margins) or probability", &d.unit, true),
        text(
            "model-reference",
            "Model reference",
            "What a model that knows both compares a voice with: auto (training speakers until the voice was heard, then itself), training or speaker",
            &d.model_reference,
            true,
        ),
        text(
            "inference-mode",
            "Inference mode",
            "async computes scores beside the stream, sync in it; auto is async in live pipelines and sync elsewhere",
            &d.inference_mode,
            false,
        ),
        count(
            "max-queued",
            "Maximum queued",
            "Windows that may wait for the model in async mode; beyond it the oldest is dropped",
            d.max_queued,
            1,
            10_000,
        ),
        duration(
            "max-lateness",
            "Maximum lateness",
            "In async mode windows that have waited longer than this are dropped, ns; 0 for no limit",
            d.max_lateness,
            3600 * second,
        ),
        count(
            "batch-size",
            "Batch size",
            "Windows of several streams that are run together, at most",
            d.batch_size,
            1,
            4096,
        ),
        duration(
            "batch-timeout",
            "Batch timeout",
            "How long a window waits for others, ns",
            d.batch_timeout,
            10 * second,
        ),
        text(
            "audit",
            "Audit",
            "File to which every start and every change of policy while playing appends one record; if it cannot be written, nothing is inferred. Empty for none",
            &d.audit,
            false,
        ),
        text("purpose", "Purpose", "What the scores are for, as the audit record shall say", &d.purpose, false),
    ];
    // The model decides the feature set and whether speakers are compared with themselves.
    list.extend(
        settings::properties()
            .into_iter()
            .filter(|p| !matches!(p.name(), "feature-set" | "speaker-baseline" | "stats")),
    );
    list.push(
        glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
            .nick("Statistics")
            .blurb("State and counters: engine, model, mode, upstream-features, results, scored, abstained, dropped, queued, attached, posted, audio-time (ns), processing-time (ns), scoring-time (ns), cuts, max-result-delay (ns), analysis (inline or worker), lag and max-lag (audio that waits for workers, now and at most, ns), overloads (times that it was too much), left-out-interim (results), left-out-audio (ns), last-error")
            .read_only()
            .build(),
    );
    list
});
