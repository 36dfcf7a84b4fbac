//! `affect intervene`: which properties of a voice a model listens to, asked by altering them.

mod asked;
mod hear;
mod sample;
mod tables;

use crate::identify::config::Study;
use crate::inputs::InputArgs;
use crate::interrupt;
use crate::model_args::ModelArgs;
use affect::intervene::report::{page, sentences};
use affect::intervene::{FrameRule, Over, Participant, Settings, Subject, findings};
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs, replaceable, to_name};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// What is made of an output with a value for every frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OverFrames {
    /// Their median.
    Median,
    /// Their mean.
    Mean,
}

#[derive(Debug, Args)]
pub struct InterveneArgs {
    /// The model: an ONNX file, or a folder as exporters leave it. Of features (with a card) or of waveforms.
    model: PathBuf,
    #[command(flatten)]
    inputs: InputArgs,
    /// Folder for interventions.json, the tables and the report.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// In place of recordings one STUDY.toml as of `affect identify` can be named, whose tables say who speaks: folder that its corpora are
    /// relative to; that of the study without it.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Properties, with commas; all of them without it: f0, f0-range, f0-declination, tilt, envelope-depth, level, rate, formants, hnr,
    /// jitter, shimmer.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    properties: Vec<String>,
    /// Doses of one property instead of the usual ones, as `affect alter` takes them (of hnr a change in dB), such as f0=-2,2 or
    /// rate=0.8,1.2. May come several times.
    #[arg(long, value_name = "PROPERTY=LIST", allow_hyphen_values = true)]
    doses: Vec<String>,
    /// Two properties that are also altered at once, such as f0+tilt, at their outermost doses. May come several times.
    #[arg(long, value_name = "A+B")]
    pairs: Vec<String>,
    /// Most recordings, taken evenly from the speakers; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 100)]
    sample: usize,
    /// The channel of recordings with several, the first being 0; without it the mean of all.
    #[arg(long, value_name = "N")]
    channel: Option<usize>,
    /// The output to read, for models without a card.
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// What is made of an output with a value for every frame.
    #[arg(long, value_enum, default_value = "median")]
    over_frames: OverFrames,
    /// Such values are frequencies in Hz and count in semitones.
    #[arg(long)]
    semitones: bool,
    /// Only frames of which another output of the graph is at least so sure, such as confidence=0.9.
    #[arg(long, value_name = "OUTPUT=LEAST")]
    sure: Option<String>,
    /// Folder for what was heard, so that another run need not ask again; `cache` in the output folder without it.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Seed of what is drawn at random.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Draws of speakers for intervals, and of signs for p values.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    draws: u32,
    /// Threads; as many as the machine has without it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    common: ModelArgs,
}

/// Names of what is written.
const OUTPUTS: [&str; 4] = ["interventions.json", "effects.csv", "responses.csv", "report.html"];

/// Alters, asks, and tells.
pub fn run(args: &InterveneArgs) -> Result<(), String> {
    let schedule = asked::schedule(&args.properties, &args.doses, &args.pairs)?;
    if let Some(n) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(n).build_global().map_err(|e| e.to_string())?;
    }
    gst::init().map_err(|e| format!("GStreamer cannot start: {e}"))?;
    let stop = interrupt::flag();
    let (recordings, mut left_out) = sample::recordings(args)?;
    let outputs = OUTPUTS.map(|n| args.out.join(n));
    let inputs = recordings.iter().map(|r| r.listed.path.as_path()).chain([args.model.as_path()]);
    refuse_outputs_among_inputs(inputs, outputs.iter().map(PathBuf::as_path)).map_err(|e| e.to_string())?;
    for place in &outputs {
        replaceable(place, Kind::Text).map_err(|e| format!("{}: {e}", place.display()))?;
    }
    let subject = subject(args)?;
    std::fs::create_dir_all(&args.out).map_err(|e| format!("{}: {e}", args.out.display()))?;
    let cache = args.cache.clone().unwrap_or_else(|| args.out.join("cache"));
    let ears =
        hear::Ears { subject: &subject, rule: rule_name(args), schedule: &schedule, channel: args.channel, cache };
    let (heard, failed) = ears.all(&recordings, args.quiet, stop)?;
    left_out.extend(failed);
    for (file, why) in &left_out {
        eprintln!("affect: {file}: {why} (left out)");
    }
    if heard.is_empty() {
        return Err("no recording could be asked about".to_owned());
    }
    let participants: Vec<Participant<'_>> =
        heard.iter().map(|h| Participant { speaker: h.speaker.as_deref(), trial: &h.trial }).collect();
    let settings = Settings { seed: args.seed, draws: args.draws as usize };
    let name = to_name(args.model.file_name().unwrap_or(args.model.as_os_str()));
    let found = findings(&subject, &name, &schedule, &participants, left_out, settings);
    let json = serde_json::to_vec_pretty(&found).map_err(|e| e.to_string())?;
    let report = page(&found).map_err(|e| e.to_string())?;
    let contents = [json, tables::effects(&found)?, tables::responses(&found)?, report.into_bytes()];
    for (place, bytes) in outputs.iter().zip(&contents) {
        Complete::write(place, Kind::Text, bytes).map_err(|e| format!("{}: {e}", place.display()))?;
    }
    crate::say_line!("{}", outputs[3].display());
    for sentence in sentences(&found) {
        crate::say_line!("  {sentence}");
    }
    Ok(())
}

/// The model, as it is asked.
fn subject(args: &InterveneArgs) -> Result<Subject, String> {
    let model = args.common.open(&args.model, args.output.as_deref(), None)?;
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", args.model.display());
    let sure = match &args.sure {
        None => None,
        Some(text) => {
            let wrong =
                || format!("--sure {text}: expected the name of an output, = and a number, such as confidence=0.9");
            let (output, least) = text.split_once('=').ok_or_else(wrong)?;
            let least = least.trim().parse().ok().filter(|v: &f64| v.is_finite()).ok_or_else(wrong)?;
            Some((args.common.open(&args.model, Some(output.trim()), None)?, least))
        }
    };
    let asked = args.semitones || sure.is_some() || args.over_frames != OverFrames::Median;
    let over = if args.over_frames == OverFrames::Mean { Over::Mean } else { Over::Median };
    let subject =
        Subject::new(model, Some(FrameRule { over, semitones: args.semitones, sure })).map_err(|e| named(&e))?;
    if asked && subject.frames().is_none() {
        return Err(named(
            &"--over-frames, --semitones and --sure are for outputs with a value for every frame: expected none of them",
        ));
    }
    Ok(subject)
}

/// How the model is asked, for the names of what is remembered.
fn rule_name(args: &InterveneArgs) -> String {
    format!("{:?} {:?} {} {:?}", args.output, args.over_frames, args.semitones, args.sure)
}

/// A study, where that is what the only input is.
fn study(args: &InterveneArgs, only: &Path) -> Result<Option<Study>, String> {
    let is_study = only.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
    if is_study { Study::read(only, args.root.as_deref()).map(|s| Some(s.0)) } else { Ok(None) }
}
