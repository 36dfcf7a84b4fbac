//! The command line: raw arguments, then what they ask for.

use crate::inputs::{InputArgs, Inputs};
use crate::whole::ReadingArgs;
use affect::analyzer::{ChannelMode, Config, FeatureSet, Segmentation, WindowConfig};
use affect::features::catalogue::Group;
use affect::segment::utterance::UtteranceConfig;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::sync::Arc;

/// Interpretable acoustic features of speech.
///
/// Results are measures of expression, with the limits that the catalogue states for each feature. They are not claims
/// about what somebody feels.
#[derive(Debug, Parser)]
#[command(name = "affect", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Features of audio files as CSV or JSON lines.
    ///
    /// Reads every format that the installed GStreamer decodes. Channels are analysed one by one unless asked
    /// otherwise. Exit code: 0 done, 1 some file or the output failed or is not complete (the others were done), 2 wrong usage,
    /// 130 interrupted.
    #[command(after_long_help = catalogue_help())]
    Features(FeaturesArgs),
    /// Who sounded how, when, and which features of the voice say so.
    ///
    /// Reads every format that the installed GStreamer decodes; the channels of a file are its speakers. Scores measure
    /// expression in the voice, with the uncertainty shown; they are no claims about feelings. Exit code: 0 done, 1 some
    /// file or the output failed or is not complete (the others were done), 2 wrong usage, 130 interrupted.
    Analyze(crate::analyze::AnalyzeArgs),
    /// Recorded call archives: planned, analysed in parts that are committed once, resumed, verified.
    Archive(crate::archive::ArchiveArgs),
    /// A page about one call: who spoke when, level, pitch, scores with their reasons, and how good the sound was.
    ///
    /// One file of HTML that asks for nothing else, for a browser or a printer. Measures of expression; no claims about feelings. Exit
    /// code: 0 done, 1 the file or the page failed or is not complete, 2 wrong usage, 130 interrupted.
    Report(crate::report::ReportArgs),
    /// Scores of rows of features by a model.
    Score(crate::score::ScoreArgs),
    /// Attributions of rows of features, or of waveforms, in full precision.
    Attribute(crate::attribute::AttributeArgs),
    /// The card of a model, as it is understood from the files of its folder.
    Card(crate::card::CardArgs),
    /// A voice with one property changed by a dose and everything else as it was, and what came of it.
    Alter(crate::alter::AlterArgs),
    /// A picture of one utterance: waveform, F0, and where in it a waveform model looked.
    Picture(crate::picture::PictureArgs),
    /// A model's card, checked, and which attributions apply.
    ExplainModel(crate::explain_model::ExplainModelArgs),
    /// A model from labelled recordings, with its card, that the stream runs as it is.
    Train(crate::train::TrainArgs),
    /// Which features matter for which emotion, in which contexts, and how sure that is; and the model that follows from it.
    Identify(crate::identify::IdentifyArgs),
    /// What a model listens to: its scores when one measured property of the voice is altered at a time.
    ///
    /// For every property and score: response to every dose, slope and effect with intervals over speakers, and a ranking; beside them
    /// what really came of the doses and what else moved. Exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted (what was heard is
    /// kept; the next run goes on from there).
    Intervene(crate::intervene::InterveneArgs),
    /// Which layer of a waveform model holds which named feature, and which of it a score uses.
    ///
    /// Linear maps of hidden states on held-out speakers, beside shuffled targets and random weights; what is held is erased in closed form to
    /// see what a read-out and the model's own score lose (`docs/probe.md`). Exit code: 0 done, 1 something failed, 2 wrong usage, 130
    /// interrupted: what was computed is kept, the next run goes on from there.
    Probe(crate::probe::ProbeArgs),
    /// Adds gradients to a model, as operators that any ONNX runtime runs.
    Differentiate(crate::differentiate::DifferentiateArgs),
}

/// Names of all features by group, from the catalogue.
fn catalogue_help() -> String {
    let set = FeatureSet::default();
    let mut out = format!("Features of {set} (`affect features --list` says what each is):\n");
    for group in Group::ALL {
        let names: Vec<&str> = set.functionals().iter().filter(|e| e.group == group).map(|e| e.name.as_str()).collect();
        out.push_str(&format!("\n  {} ({}):\n", group.name(), names.len()));
        for name in names {
            out.push_str(&format!("    {name}\n"));
        }
    }
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// One row of low-level descriptors per 10 ms.
    Lld,
    /// One row of functionals per segment.
    Functionals,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// One record of the schema affect.result/2 a line.
    Jsonl,
    /// A table of columns with everything that a record says, for pandas, DuckDB, Spark.
    Parquet,
    /// With --list: the catalogue as JSON.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Segments {
    /// The whole file.
    File,
    /// Sliding windows.
    Window,
    /// Utterances by voice activity detection.
    Utterance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BaselineMode {
    /// No comparison.
    None,
    /// With what was said before, as in a live stream.
    Running,
    /// With all that is said in the file.
    TwoPass,
}

#[derive(Debug, Args)]
pub struct FeaturesArgs {
    #[command(flatten)]
    inputs: InputArgs,
    /// Feature set: affect-v1, egemaps-v02, or both with a comma (JSON lines only).
    #[arg(long, value_name = "NAME", default_value = "affect-v1")]
    set: String,
    /// Functionals of segments, or low-level descriptors of frames.
    #[arg(long, value_enum, default_value = "functionals")]
    level: Level,
    /// Form of the output.
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// What becomes a row of functionals.
    #[arg(long, value_enum, default_value = "file")]
    segments: Segments,
    /// Write here instead of to standard output. The file appears when it is complete.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which channels: per-channel, mix, or numbers such as 0,2.
    #[arg(long, value_name = "MODE", default_value = "per-channel")]
    channels: String,
    /// Roles of the channels in order, for example agent,caller.
    #[arg(long, value_name = "ROLES", default_value = "")]
    roles: String,
    /// Length of a window in seconds.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    window: f64,
    /// Distance between windows in seconds.
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    hop: f64,
    /// Interim results of long utterances every so many seconds; 0 for none.
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    interval: f64,
    /// Pause that ends an utterance, in seconds.
    #[arg(long, value_name = "S", default_value_t = 0.5)]
    min_pause: f64,
    /// Least speech of an utterance, in seconds.
    #[arg(long, value_name = "S", default_value_t = 0.25)]
    min_speech: f64,
    /// Longest utterance, in seconds.
    #[arg(long, value_name = "S", default_value_t = 15.0)]
    max_length: f64,
    /// Compare with what is usual for the speaker of each channel: as they speak, or with all they say (JSON lines or Parquet).
    #[arg(long, value_enum, default_value = "none")]
    baseline: BaselineMode,
    /// Learn from here and save here what is usual for the speaker (with --baseline running, one channel).
    #[arg(long, value_name = "FILE")]
    baseline_file: Option<PathBuf>,
    /// Print the catalogue of features instead (with --format json as JSON).
    #[arg(long)]
    list: bool,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// What to do.
pub enum Job {
    List { sets: Vec<FeatureSet>, json: bool },
    Extract(Box<Extract>),
}

/// Extraction of features from files.
pub struct Extract {
    pub inputs: Inputs,
    pub config: Config,
    pub level: Level,
    pub format: Format,
    pub two_pass: bool,
    pub baseline_file: Option<PathBuf>,
    pub out: Option<PathBuf>,
    pub quiet: bool,
    pub reading: ReadingArgs,
}

/// Seconds as samples at 16 kHz; what is no length becomes 0, which the settings' own check refuses.
fn samples(seconds: f64) -> u64 {
    if seconds.is_finite() && seconds > 0.0 { (seconds * 16_000.0).round() as u64 } else { 0 }
}

impl FeaturesArgs {
    /// Checks everything that can be checked before work begins.
    pub fn resolve(self) -> Result<Job, String> {
        let sets = FeatureSet::list(&self.set).map_err(|e| format!("--set: {e}"))?;
        if self.list {
            return Ok(Job::List { sets, json: self.format == Format::Json });
        }
        if sets.len() > 1 && self.format != Format::Jsonl {
            return Err("a table holds one feature set; use --format jsonl for several, or one run each".to_owned());
        }
        if self.format == Format::Json {
            return Err("--format json goes with --list; use csv, jsonl or parquet for features".to_owned());
        }
        if self.level == Level::Lld && self.segments != Segments::File {
            return Err("--level lld gives a row per frame: --segments applies to functionals only".to_owned());
        }
        if self.baseline != BaselineMode::None && (self.format == Format::Csv || self.level == Level::Lld) {
            return Err("--baseline compares segments: use it with --format jsonl or parquet, and --level functionals"
                .to_owned());
        }
        if self.baseline_file.is_some() && self.baseline != BaselineMode::Running {
            return Err("--baseline-file goes with --baseline running".to_owned());
        }
        let channels: ChannelMode = self.channels.parse().map_err(|e| format!("--channels: {e}"))?;
        if self.baseline_file.is_some() && channels != ChannelMode::Each {
            return Err("--baseline-file is for files with one channel: leave --channels as it is".to_owned());
        }
        let utterances = UtteranceConfig {
            min_speech: samples(self.min_speech),
            min_pause: samples(self.min_pause),
            max_length: samples(self.max_length),
            interim: samples(self.interval),
            ..UtteranceConfig::default()
        };
        let segmentation = match (self.level, self.segments) {
            (Level::Lld, _) => Segmentation::Frames,
            (_, Segments::File) => Segmentation::File,
            (_, Segments::Window) => {
                Segmentation::Windows(WindowConfig { length: samples(self.window), hop: samples(self.hop) })
            }
            (_, Segments::Utterance) => Segmentation::Utterances(utterances),
        };
        let config = Config {
            sets,
            segmentation,
            channels,
            roles: self.roles.split(',').map(|r| Arc::from(r.trim())).collect(),
            source: "affect features".into(),
            baseline: self.baseline == BaselineMode::Running,
            collapse_dual_mono: !self.reading.decoding.keep_dual_mono,
            ..Config::default()
        };
        config.check().map_err(|e| e.to_string())?;
        Ok(Job::Extract(Box::new(Extract {
            inputs: self.inputs.find()?,
            config,
            level: self.level,
            format: self.format,
            two_pass: self.baseline == BaselineMode::TwoPass,
            baseline_file: self.baseline_file,
            out: self.out,
            quiet: self.quiet,
            reading: self.reading,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn contradictions_are_refused_before_work_begins() {
        let resolve = |words: &[&str]| {
            let words = ["affect", "features", "x.wav"].into_iter().chain(words.iter().copied());
            let Command::Features(f) = Cli::parse_from(words).command else { unreachable!() };
            f.resolve().err()
        };
        assert_eq!(resolve(&[]), None);
        assert!(resolve(&["--set", "gemaps"]).unwrap().contains("egemaps-v02"));
        assert!(resolve(&["--set", "affect-v1,egemaps-v02"]).unwrap().contains("jsonl"));
        assert!(resolve(&["--level", "lld", "--segments", "window"]).is_some());
        assert!(resolve(&["--format", "json"]).is_some());
        assert!(resolve(&["--baseline", "running"]).unwrap().contains("jsonl"));
        assert!(resolve(&["--baseline-file", "x.json"]).unwrap().contains("running"));
        let mixed = ["--format", "jsonl", "--baseline", "running", "--baseline-file", "x.json", "--channels", "mix"];
        assert!(resolve(&mixed).unwrap().contains("one channel"));
        assert!(resolve(&["--segments", "window", "--window", "nan"]).is_some());
        assert!(resolve(&["--channels", "left"]).is_some());
    }

    #[test]
    fn help_names_every_feature() {
        let help = catalogue_help();
        assert!(FeatureSet::default().functionals().iter().all(|e| help.contains(&e.name)));
    }
}
