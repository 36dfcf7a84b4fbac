//! Options of the verbs that analyse recordings: what becomes a result, and what is said about it.

use crate::model_args::ModelArgs;
use affect::analyzer::{
    Analyzer, Attribution, ChannelMode, Config, FeatureSet, ModelReference, Policy, Scorer, ScoringConfig,
    Segmentation, WindowConfig, two_pass,
};
use affect::explain::Unit;
use affect::model::{Layer, Options, pool};
use affect::record::Record;
use affect::segment::utterance::UtteranceConfig;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pieces {
    /// Utterances by voice activity detection.
    Utterance,
    /// Sliding windows.
    Window,
    /// Whole files.
    File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Passes {
    /// With all that is said in the file.
    TwoPass,
    /// With what was said before, as in a live stream.
    Running,
}

/// Everything that decides what is said about a recording, beside how it is decoded.
#[derive(Debug, Clone, Args)]
pub struct AnalysisArgs {
    /// The model; the built-in default without it.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// What becomes a result.
    #[arg(long, value_enum, default_value = "utterance")]
    pub segments: Pieces,
    /// Length of a window in seconds.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    pub window: f64,
    /// Distance between windows in seconds.
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    pub hop: f64,
    /// Which channels: per-channel, mix, or numbers such as 0,2.
    #[arg(long, value_name = "MODE", default_value = "per-channel")]
    pub channels: String,
    /// Roles of the channels in order, for example agent,caller. An agent's channel gets features only.
    #[arg(long, value_name = "ROLES", default_value = "")]
    pub roles: String,
    /// What may be told about each channel in order: allow, features-only or deny.
    #[arg(long, value_name = "POLICIES", default_value = "")]
    pub policy: String,
    /// What is explained: auto (features, or the frames of a waveform), none, groups, features, frames or occlusion.
    #[arg(long, value_name = "WHAT", default_value = "auto")]
    pub attribution: Attribution,
    /// Layer of a waveform model whose frames are explained: auto, a tensor, or hidden-K.
    #[arg(long, value_name = "LAYER", default_value = "auto")]
    pub layer: String,
    /// With how many random spans the strongest one is compared, of a waveform model: a run of the model each; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 19)]
    pub reliability: usize,
    /// How many features or spans are listed; 0 for all, and the relevance of every frame.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub top_k: usize,
    /// What is explained: top, all, or labels or dimensions with commas.
    #[arg(long, value_name = "TARGETS", default_value = "top")]
    pub target: String,
    /// Explain calibrated probabilities instead of the model's own scores.
    #[arg(long)]
    pub probability: bool,
    /// What a model that knows both compares a voice with: auto (the training speakers until the voice was heard, then itself),
    /// training or speaker.
    #[arg(long, value_name = "WHAT", default_value = "auto")]
    pub model_reference: ModelReference,
    /// With how much of the voice a model compares it: with all that is said in the file, or with what was said before, as in a
    /// live stream.
    #[arg(long, value_enum, default_value = "two-pass")]
    pub baseline: Passes,
    #[command(flatten)]
    pub common: ModelArgs,
}

impl AnalysisArgs {
    /// The settings that they ask for.
    ///
    /// # Errors
    /// A sentence that names the option.
    pub fn config(&self, keep_dual_mono: bool) -> Result<Config, String> {
        let samples = |s: f64| if s.is_finite() && s > 0.0 { (s * 16_000.0).round() as u64 } else { 0 };
        let model = match &self.model {
            Some(path) => {
                let explained = self.attribution != Attribution::None;
                let layer = if explained { Layer::named(&self.layer) } else { Layer::Any };
                self.common.open_with(path, None, None, layer)?
            }
            None => {
                let options = Options {
                    backend: self.common.backend,
                    library: self.common.runtime_library.clone(),
                    ..Options::default()
                };
                pool::open_bytes(affect::model::DEFAULT.to_vec(), None, &options).map_err(|e| e.to_string())?
            }
        };
        let scoring = ScoringConfig {
            attribution: self.attribution,
            layer: self.layer.clone(),
            reliability: self.reliability,
            top_k: self.top_k,
            target: self.target.clone(),
            unit: if self.probability { Unit::Probability } else { Unit::Score },
            reference: self.model_reference,
            ..ScoringConfig::default()
        };
        let scorer = Scorer::new(model, scoring).map_err(|e| e.to_string())?;
        let deferred = self.baseline == Passes::TwoPass && scorer.needs_baseline();
        let config = Config {
            deferred,
            sets: vec![scorer.set().unwrap_or(FeatureSet::AffectV1)],
            segmentation: match self.segments {
                Pieces::Utterance => {
                    Segmentation::Utterances(UtteranceConfig { interim: 0, ..UtteranceConfig::default() })
                }
                Pieces::Window => {
                    Segmentation::Windows(WindowConfig { length: samples(self.window), hop: samples(self.hop) })
                }
                Pieces::File => Segmentation::File,
            },
            channels: self.channels.parse::<ChannelMode>().map_err(|e| format!("--channels: {e}"))?,
            roles: self.roles.split(',').map(|r| Arc::from(r.trim())).collect(),
            source: "affect analyze".into(),
            policy: Policy::list(&self.policy).map_err(|e| format!("--policy: {e}"))?,
            scorer: Some(Arc::new(scorer)),
            collapse_dual_mono: !keep_dual_mono,
            ..Config::default()
        };
        config.check().map_err(|e| e.to_string())?;
        Ok(config)
    }
}

/// Does what waits for the end of a recording: comparison with all that was said, and scores that rest on it. `tick` is called after each
/// result.
pub fn conclude(config: &Config, channels: usize, held: &mut [Record], tick: &mut dyn FnMut()) {
    if config.deferred {
        two_pass(held);
        for r in held {
            Analyzer::score(config, channels, r);
            tick();
        }
    }
}
