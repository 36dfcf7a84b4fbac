//! `affect analyze FILE...`: who sounded how, when, and which features of the voice say so.

use crate::model_args::ModelArgs;
use crate::timeline::timeline;
use crate::whole::{Batch, Full, ReadingArgs, Results, batch};
use crate::{DONE, FAILED, USAGE, interrupt};
use affect::analyzer::{
    Analyzer, Attribution, ChannelMode, Config, FeatureSet, ModelReference, Policy, Scorer, ScoringConfig,
    Segmentation, WindowConfig, two_pass,
};
use affect::explain::Unit;
use affect::model::{Layer, Options, pool};
use affect::record::Record;
use affect::segment::utterance::UtteranceConfig;
use affect_media::file::Heard;
use affect_media::files::refuse_standard_output_among;
use clap::{Args, ValueEnum};
use std::io::{self, BufWriter, Write};
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

#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    /// Audio files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The model; the built-in default without it.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Records of the schema affect.result/2 as JSON lines on standard output, instead of the timeline.
    #[arg(long)]
    json: bool,
    /// What becomes a result.
    #[arg(long, value_enum, default_value = "utterance")]
    segments: Pieces,
    /// Length of a window in seconds.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    window: f64,
    /// Distance between windows in seconds.
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    hop: f64,
    /// Which channels: per-channel, mix, or numbers such as 0,2.
    #[arg(long, value_name = "MODE", default_value = "per-channel")]
    channels: String,
    /// Roles of the channels in order, for example agent,caller. An agent's channel gets features only.
    #[arg(long, value_name = "ROLES", default_value = "")]
    roles: String,
    /// What may be told about each channel in order: allow, features-only or deny.
    #[arg(long, value_name = "POLICIES", default_value = "")]
    policy: String,
    /// What is explained: auto (features, or the frames of a waveform), none, groups, features, frames or occlusion.
    #[arg(long, value_name = "WHAT", default_value = "auto")]
    attribution: Attribution,
    /// Layer of a waveform model whose frames are explained: auto, a tensor, or hidden-K.
    #[arg(long, value_name = "LAYER", default_value = "auto")]
    layer: String,
    /// With how many random spans the strongest one is compared, of a waveform model: a run of the model each; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 19)]
    reliability: usize,
    /// How many features or spans are listed; 0 for all, and the relevance of every frame.
    #[arg(long, value_name = "N", default_value_t = 3)]
    top_k: usize,
    /// What is explained: top, all, or labels or dimensions with commas.
    #[arg(long, value_name = "TARGETS", default_value = "top")]
    target: String,
    /// Explain calibrated probabilities instead of the model's own scores.
    #[arg(long)]
    probability: bool,
    /// What a model that knows both compares a voice with: auto (the training speakers until the voice was heard, then itself),
    /// training or speaker.
    #[arg(long, value_name = "WHAT", default_value = "auto")]
    model_reference: ModelReference,
    /// With how much of the voice a model compares it: with all that is said in the file, or with what was said before, as in a
    /// live stream.
    #[arg(long, value_enum, default_value = "two-pass")]
    baseline: Passes,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    common: ModelArgs,
}

impl AnalyzeArgs {
    fn config(&self) -> Result<Config, String> {
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
            collapse_dual_mono: !self.reading.keep_dual_mono,
            ..Config::default()
        };
        config.check().map_err(|e| e.to_string())?;
        Ok(config)
    }
}

/// JSON lines as they come, or what waits for the end of the file: a timeline, and scores that rest on all that is said.
struct Shown<'a, W> {
    out: W,
    config: &'a Config,
    json: bool,
    held: Vec<Record>,
    /// The model's first failure in this file.
    failed: Option<String>,
    /// Exit code of the files so far, by the model alone.
    code: u8,
}

impl<W: Write> Shown<'_, W> {
    fn note_failure(&mut self, record: &Record) {
        if let (None, Some(s)) = (&self.failed, record.scored.as_ref().filter(|s| s.emotion.failed)) {
            self.failed.clone_from(&s.emotion.abstained);
        }
    }
}

impl<W: Write> Results for Shown<'_, W> {
    fn take(&mut self, _file: &str, record: Record) -> io::Result<()> {
        if self.json && !self.config.deferred {
            self.note_failure(&record);
            return writeln!(self.out, "{}", record.to_json());
        }
        self.held.push(record);
        Ok(())
    }

    fn end_of_file(&mut self, file: &str, heard: &Heard) -> io::Result<()> {
        let mut held = std::mem::take(&mut self.held);
        if self.config.deferred {
            two_pass(&mut held);
            for r in &mut held {
                Analyzer::score(self.config, heard.channels, r);
            }
        }
        held.iter().for_each(|r| self.note_failure(r));
        if self.json {
            held.iter().try_for_each(|r| writeln!(self.out, "{}", r.to_json()))?;
        } else {
            held.sort_by_key(|r| (r.start_ns, r.channel.index));
            timeline(&mut self.out, file, heard, &held)?;
        }
        if let Some(e) = self.failed.take() {
            eprintln!("affect: {file}: {e}");
            self.code = FAILED;
        }
        self.out.flush()
    }
}

/// Analyses all files; one bad file never stops the rest. Returns the exit code.
pub fn run(args: &AnalyzeArgs) -> u8 {
    let apart = refuse_standard_output_among(args.files.iter().map(PathBuf::as_path)).map_err(|e| e.to_string());
    let config = match apart.and_then(|()| args.config()) {
        Ok(c) => c,
        Err(e) => {
            eprintln!("affect: {e}");
            return USAGE;
        }
    };
    if let Err(e) = gst::init() {
        eprintln!("affect: GStreamer cannot start: {e}");
        return FAILED;
    }
    interrupt::flag();
    let mut shown = Shown {
        out: BufWriter::new(io::stdout().lock()),
        config: &config,
        json: args.json,
        held: Vec::new(),
        failed: None,
        code: DONE,
    };
    let files =
        Batch { files: &args.files, config: &config, reading: &args.reading, quiet: args.quiet, baseline: None };
    let outcome = batch(&files, &mut shown).and_then(|code| shown.out.flush().map(|()| code).map_err(Full));
    match outcome {
        Ok(code) => code.max(shown.code),
        Err(Full(e)) if e.kind() == io::ErrorKind::BrokenPipe => DONE, // whoever read has had enough
        Err(Full(e)) => {
            eprintln!("affect: cannot write to standard output: {e}");
            FAILED
        }
    }
}
