//! `affect train`: from labelled recordings to a model that the stream runs.

use crate::tables::Table;
use crate::whole::{analyse, interruptible};
use affect::analyzer::{ChannelMode, Config, FeatureSet, Output, Segmentation};
use affect::identify::data::{Dataset, Sample};
use affect::identify::train::{Learner, Reference, Settings, train};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LearnerName {
    /// Both, and the one with the better recall out of fold is kept.
    Best,
    /// Logistic regression with an L2 penalty.
    Logistic,
    /// Gradient-boosted trees.
    Boosting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReferenceName {
    /// The training speakers' statistics.
    Training,
    /// What is usual for each speaker.
    Speaker,
}

#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Recordings: CSV with columns file, speaker and emotion (others are ignored).
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
    /// Which learner.
    #[arg(long, value_enum, default_value = "best")]
    learner: LearnerName,
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
    /// Inverse penalty of the logistic regression, as scikit-learn's C.
    #[arg(long, value_name = "C", default_value_t = 0.02)]
    strength: f64,
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
    let strong = args.strength > 0.0 && args.strength.is_finite();
    if !strong || !(0.0..1.0).contains(&args.silent) {
        return Err("--strength: expected above 0; --silent: expected 0 to below 1".to_owned());
    }
    let stop = interruptible();
    let data = dataset(args, &stop)?;
    let data = if args.with_level || args.reference == ReferenceName::Speaker {
        data
    } else {
        let level = |n: &str| args.set.functionals().iter().any(|e| e.name == n && e.level_dependent);
        data.select(|n| !level(n))
    };
    let corpus = args
        .corpus
        .clone()
        .or_else(|| args.manifest.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned()));
    let settings = Settings {
        id: args.id.clone(),
        version: args.model_version.clone(),
        description: args.description.clone(),
        learners: match args.learner {
            LearnerName::Best => Learner::ALL.to_vec(),
            LearnerName::Logistic => vec![Learner::Logistic],
            LearnerName::Boosting => vec![Learner::Boosting],
        },
        reference: if args.reference == ReferenceName::Speaker { Reference::Speaker } else { Reference::Training },
        folds: usize::from(args.fold_count),
        strength: args.strength,
        silent_share: args.silent,
        background: 32,
        licence: args.licence.clone(),
        corpora: corpus.into_iter().collect(),
        limits: args.limit.clone(),
    };
    let bar = progress(args.quiet, "fits");
    let trained = train(&data, &settings, &mut |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        !stop.load(Ordering::Relaxed)
    })
    .map_err(|e| e.to_string())?;
    bar.finish_and_clear();
    std::fs::write(&args.out, &trained.bytes).map_err(|e| format!("{}: {e}", args.out.display()))?;
    crate::say_line!(
        "{}: {} over {} features, {} bytes",
        args.out.display(),
        trained.learner.name(),
        data.names.len(),
        trained.bytes.len()
    );
    for (learner, uar) in &trained.recall {
        crate::say_line!("  {:<10} UAR {uar:.3}", learner.name());
    }
    for m in &trained.card.metrics {
        crate::say_line!("  {} {:.3}", m.name, m.value);
    }
    crate::say_line!(
        "  temperature {:.3}, silent below {:.3}",
        trained.card.calibration.temperature,
        trained.card.abstain.confidence_below
    );
    if let Some(m) = trained.card.metrics.first() {
        crate::say_line!("  protocol: {}", m.protocol);
    }
    Ok(())
}

fn progress(quiet: bool, what: &str) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.set_prefix(what.to_owned());
    bar
}

/// Columns of a table by name.
fn columns(path: &Path, names: &[&str]) -> Result<Vec<Vec<String>>, String> {
    let table = Table::read(path)?;
    let header = table.header.as_ref().ok_or_else(|| format!("{}: no header", path.display()))?;
    let place =
        |n: &&str| header.iter().position(|h| h == n).ok_or_else(|| format!("{}: no column \"{n}\"", path.display()));
    let places: Vec<usize> = names.iter().map(place).collect::<Result<_, _>>()?;
    Ok(table.cells.iter().map(|r| places.iter().map(|p| r[*p].clone()).collect()).collect())
}

fn dataset(args: &TrainArgs, stop: &AtomicBool) -> Result<Dataset, String> {
    let listed = columns(&args.manifest, &["file", "speaker", "emotion"])?;
    let folds: HashMap<String, usize> = match &args.folds {
        None => HashMap::new(),
        Some(path) => columns(path, &["file", "fold"])?
            .into_iter()
            .map(|r| {
                r[1].parse().map(|f| (r[0].clone(), f)).map_err(|_| format!("{}: fold \"{}\"", path.display(), r[1]))
            })
            .collect::<Result<_, _>>()?,
    };
    let wanted: Option<Vec<&str>> = args.labels.as_ref().map(|l| l.split(',').map(str::trim).collect());
    let taken: Vec<&Vec<String>> =
        listed.iter().filter(|r| wanted.as_ref().is_none_or(|w| w.contains(&r[2].as_str()))).collect();
    let root = args.root.clone().or_else(|| args.manifest.parent().map(Path::to_owned)).unwrap_or_default();
    let config = Config {
        sets: vec![args.set],
        segmentation: Segmentation::File,
        channels: ChannelMode::Mix,
        ..Config::default()
    };
    let bar = progress(args.quiet, "recordings");
    bar.set_length(taken.len() as u64);
    let hidden = ProgressBar::hidden();
    let mut samples = Vec::with_capacity(taken.len());
    for row in taken {
        if stop.load(Ordering::Relaxed) {
            return Err("interrupted: nothing was written".to_owned());
        }
        let path = root.join(&row[0]);
        let mut found = None;
        let mut take = |o: Output<'_>, _: usize| {
            if let Output::Segment(r) = o {
                found = Some((r.features.iter().map(|f| f.value).collect::<Vec<_>>(), r.quality));
            }
            Ok(())
        };
        let heard =
            analyse(&path, &config, stop, &hidden, &mut take).map_err(|e| format!("{}: {e}", path.display()))?;
        if let Some(e) = heard.problem {
            return Err(format!("{}: {e}", path.display()));
        }
        let (values, quality) = found.ok_or_else(|| format!("{}: nothing in it", path.display()))?;
        let fold = match (&args.folds, folds.get(&row[0])) {
            (Some(p), None) => return Err(format!("{}: no fold for {}", p.display(), row[0])),
            (_, fold) => fold.copied(),
        };
        let speech_s = quality.and_then(|q| q.speech_s).map_or(0.0, f64::from);
        samples.push(Sample { values, speech_s, label: row[2].clone(), speaker: row[1].clone(), fold });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let names = args.set.functionals().iter().map(|e| e.name.clone()).collect();
    Ok(Dataset { feature_set: (args.set.name().to_owned(), args.set.version().to_owned()), names, samples })
}
