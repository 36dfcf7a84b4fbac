//! `affect train`: from labelled recordings to a model that the stream runs.

use crate::identify::config::{Corpus, Tables};
use crate::identify::hear::Ears;
use crate::identify::manifest::{Listed, listed};
use crate::identify::say;
use crate::interrupt;
use crate::progress::Progress;
use affect::analyzer::FeatureSet;
use affect::identify::data::Dataset;
use affect::identify::labels::harmonised;
use affect::identify::learners::Learner;
use affect::identify::models::Plan;
use affect::identify::train::{Background, Reference, TrainSettings, train};
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs, replaceable};
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReferenceName {
    /// The training speakers' statistics.
    Training,
    /// What is usual for each speaker.
    Speaker,
    /// The training speakers until the speaker was heard, then the speaker.
    Both,
}

#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Recordings: CSV with columns file, speaker and emotion, optionally session, start and end (others are ignored).
    manifest: PathBuf,
    /// Folder that the files are relative to; that of the manifest without it.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Folds: CSV with columns file and fold. Without it speakers are dealt out.
    #[arg(long, value_name = "FILE")]
    folds: Option<PathBuf>,
    /// Number of folds, where none are given.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..=50))]
    fold_count: u8,
    /// The model to write.
    #[arg(short, long, value_name = "OUT.onnx")]
    out: PathBuf,
    /// Which learner; without it all are tried and the one with the best recall out of fold is kept. Figures are of the same choice
    /// made inside every fold.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Learner::ALL.map(Learner::name)))]
    learner: Option<String>,
    /// What features are compared with.
    #[arg(long, value_enum, default_value = "training")]
    reference: ReferenceName,
    /// Feature set.
    #[arg(long, value_name = "NAME", default_value = "affect-v1")]
    set: FeatureSet,
    /// Only these labels, with commas.
    #[arg(long, value_name = "LABELS")]
    labels: Option<String>,
    /// Keep features that move with the gain of the recording; without this a louder recording is no other emotion.
    #[arg(long)]
    with_level: bool,
    /// How strongly the learner of --learner learns: the inverse penalty C of logistic regression and support vector machines,
    /// the penalty of the sparse one, the number of trees, the weight decay of the perceptron.
    #[arg(long, value_name = "S", requires = "learner")]
    strength: Option<f64>,
    /// Share of the least sure answers that the model shall not give.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    silent: f64,
    /// Name of the model in results.
    #[arg(long, value_name = "NAME", default_value = "affect-trained")]
    id: String,
    /// Version of the model.
    #[arg(long, value_name = "VERSION", default_value = "1")]
    model_version: String,
    /// What it is, for its card.
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// Licence of the weights, for its card.
    #[arg(long, value_name = "LICENCE", default_value = "")]
    licence: String,
    /// Name of the corpus, for its card; the manifest's folder without it.
    #[arg(long, value_name = "NAME")]
    corpus: Option<String>,
    /// What it cannot do, for its card; may be given several times.
    #[arg(long, value_name = "TEXT")]
    limit: Vec<String>,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
}

/// Trains and writes; says how good the model is.
pub fn run(args: &TrainArgs) -> Result<(), String> {
    gst::init().map_err(|e| format!("GStreamer cannot start: {e}"))?;
    let strong = args.strength.is_none_or(|s| s > 0.0 && s.is_finite());
    if !strong || !(0.0..1.0).contains(&args.silent) {
        return Err("--strength: expected above 0; --silent: expected 0 to below 1".to_owned());
    }
    let stop = interrupt::flag();
    let recordings = recordings(args)?;
    let tables = [Some(&args.manifest), args.folds.as_ref()].into_iter().flatten();
    let inputs = tables.chain(recordings.iter().map(|l| &l.path)).map(PathBuf::as_path);
    refuse_outputs_among_inputs(inputs, [args.out.as_path()]).map_err(|e| e.to_string())?;
    replaceable(&args.out, Kind::Onnx).map_err(|e| format!("{}: {e}", args.out.display()))?;
    let data = dataset(args, &recordings, stop)?;
    let usual = |l: Learner| (l, args.strength.unwrap_or(l.strength()));
    let settings = TrainSettings {
        id: args.id.clone(),
        version: args.model_version.clone(),
        description: args.description.clone(),
        learners: match &args.learner {
            None => Learner::ALL.map(|l| (l, l.strength())).to_vec(),
            Some(name) => vec![usual(Learner::parse(name).ok_or_else(|| format!("--learner {name}: unknown"))?)],
        },
        selection: String::new(),
        reference: reference(args),
        folds: usize::from(args.fold_count),
        seed: 1,
        silent_share: args.silent,
        background: Background::Rows(32),
        licence: args.licence.clone(),
        corpora: vec![name_of(args)],
        limits: args.limit.clone(),
        derived: Vec::new(),
        metrics: Vec::new(),
    };
    let progress = Progress::count(args.quiet, "fits");
    let trained = train(&data, &data.only(|_| false), &settings, &mut |done, of| {
        progress.set_position(done as u64, Some(of as u64));
        !stop.load(Ordering::Relaxed)
    })
    .map_err(|e| e.to_string())?;
    drop(progress);
    Complete::write(&args.out, Kind::Onnx, &trained.bytes).map_err(|e| format!("{}: {e}", args.out.display()))?;
    say(&args.out, &trained)
}

/// The recordings of the manifest that have wanted labels.
fn recordings(args: &TrainArgs) -> Result<Vec<Listed>, String> {
    let corpus = Corpus {
        name: name_of(args),
        root: args.root.clone().or_else(|| args.manifest.parent().map(Path::to_owned)).unwrap_or_default(),
        manifest: Tables::One(args.manifest.clone()),
        folds: args.folds.clone(),
        language: None,
        licence: String::new(),
    };
    let wanted: Option<Vec<String>> = args.labels.as_ref().map(|l| l.split(',').map(harmonised).collect());
    let mut wanted_recordings = listed(&corpus)?;
    wanted_recordings.retain(|l| wanted.as_ref().is_none_or(|w| w.contains(&l.recording.label)));
    if wanted_recordings.is_empty() {
        return Err(format!("{}: no recording with such labels in it: nothing to learn from", args.manifest.display()));
    }
    Ok(wanted_recordings)
}

fn dataset(args: &TrainArgs, recordings: &[Listed], stop: &AtomicBool) -> Result<Dataset, String> {
    let progress = Progress::count(args.quiet, "recordings");
    let conditions = ["clean".to_owned()];
    let ears = Ears { set: args.set, conditions: &conditions, memory: None, stop, progress: &progress };
    let (pool, broken) = ears.all(recordings)?;
    drop(progress);
    if let Some((file, why)) = broken.first() {
        return Err(format!("{file}: {why}"));
    }
    let plan = Plan {
        corpora: pool.corpora(),
        labels: None,
        conditions: conditions.to_vec(),
        level: args.with_level,
        without: Vec::new(),
        common: Vec::new(),
    };
    plan.dataset(&pool, reference(args)).map_err(|e| e.to_string())
}

fn name_of(args: &TrainArgs) -> String {
    let folder = || args.manifest.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned());
    args.corpus.clone().or_else(folder).unwrap_or_else(|| "corpus".to_owned())
}

fn reference(args: &TrainArgs) -> Reference {
    match args.reference {
        ReferenceName::Training => Reference::Training,
        ReferenceName::Speaker => Reference::Speaker,
        ReferenceName::Both => Reference::Both,
    }
}
