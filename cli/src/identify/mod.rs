//! `affect identify`: from labelled recordings to what matters in them, and to models that the stream runs.

pub mod config;
pub mod hear;
pub mod keep;
pub mod manifest;
pub mod sound;

use crate::interrupt;
use crate::progress::Progress;
use affect::analyzer::FeatureSet;
use affect::identify::labels::harmonised;
use affect::identify::models::{self, Plan};
use affect::identify::planted::{self, Carrier};
use affect::identify::pool::Pool;
use affect::identify::settings::StudySettings;
use affect::identify::train::{Background, Reference, TrainSettings, Trained};
use affect::identify::{report, study};
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs, replaceable};
use clap::Args;
use config::{ModelPlan, Study};
use hear::Ears;
use manifest::{Listed, listed};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Args)]
pub struct IdentifyArgs {
    /// What the study is made of (TOML; `docs/identify.md` describes it).
    config: PathBuf,
    /// Folder that the corpora's folders are relative to; that of the configuration without it.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Folder for the report, rankings and models; without it a folder named after the configuration, beside it.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder for features, so that another run need not extract them again; `cache` in the output folder without it.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Only train the models; no ranking, no report.
    #[arg(long)]
    models_only: bool,
    /// Check the configuration, the tables and the splits, and say what would be done.
    #[arg(long)]
    check: bool,
    /// Threads; as many as the machine has without it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
}

/// Runs a study.
pub fn run(args: &IdentifyArgs) -> Result<(), String> {
    gst::init().map_err(|e| format!("GStreamer cannot start: {e}"))?;
    let (plan, text) = Study::read(&args.config, args.root.as_deref())?;
    let out = args.out.clone().unwrap_or_else(|| args.config.with_extension(""));
    if out == args.config {
        return Err(format!("{}: give the configuration a name that ends in .toml, or --out", args.config.display()));
    }
    if let Some(n) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(n).build_global().map_err(|e| e.to_string())?;
    }
    let stop = interrupt::flag();
    let recordings = tables(&plan)?;
    if args.check {
        return print_plan(&plan, &recordings);
    }
    let named = |p: &Path, e: &dyn std::fmt::Display| format!("{}: {e}", p.display());
    apart(args, &plan, &recordings, &out)?;
    std::fs::create_dir_all(&out).map_err(|e| named(&out, &e))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        Complete::write(&path, Kind::Text, bytes).map_err(|e| named(&path, &e))
    };
    let cache = args.cache.clone().unwrap_or_else(|| out.join("cache"));
    let (pool, broken) = heard(&plan, &recordings, cache, args.quiet, stop)?;
    for (file, why) in &broken {
        eprintln!("affect: {file}: {why} (left out)");
    }
    if pool.recordings.is_empty() {
        return Err("no recording could be read".to_owned());
    }
    if !args.models_only {
        write("study.toml", text.as_bytes())?;
        write("recordings.csv", &keep::recordings(&pool)?)?;
        let progress = Progress::count(args.quiet, "study");
        let step = |what: &str, n: usize, of: usize| {
            progress.set_position(n as u64, Some(of as u64));
            progress.message(what);
            !stop.load(Ordering::Relaxed)
        };
        let mut settings = StudySettings {
            seed: plan.seed,
            learners: plan.learners()?,
            licences: plan.corpus.iter().map(|c| (c.name.clone(), c.licence.clone())).collect(),
            ..StudySettings::default()
        };
        settings.draws = plan.draws.unwrap_or(settings.draws);
        settings.permutations = plan.permutations.unwrap_or(settings.permutations);
        settings.pairs = plan.pairs.unwrap_or(settings.pairs);
        settings.sizes = plan.sizes.clone().unwrap_or(settings.sizes);
        settings.common = common(&plan);
        let mut findings = study::run(&pool, &settings, &step).map_err(|e| e.to_string())?;
        drop(progress);
        findings.unreadable = broken;
        let json = serde_json::to_vec_pretty(&findings).map_err(|e| e.to_string())?;
        write("ranking.json", &json)?;
        write("ranking.csv", &keep::ranking(&findings)?)?;
        write("report.html", report::page(&findings).map_err(|e| e.to_string())?.as_bytes())?;
        crate::say_line!("{}", out.join("report.html").display());
        for f in findings.features.iter().take(5) {
            crate::say_line!(
                "  {:<36} rank {:.0} ({:.0} to {:.0}), in {} of {} contexts{}",
                f.name,
                f.rank.value,
                f.rank.low,
                f.rank.high,
                f.generality,
                f.of_contexts,
                if f.flips { ", turns round between corpora" } else { "" }
            );
        }
    }
    for m in &plan.model {
        let trained = model(&plan, m, &pool, args.quiet, stop)?;
        let path = out.join(&m.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| named(folder, &e))?;
        }
        Complete::write(&path, Kind::Onnx, &trained.bytes).map_err(|e| named(&path, &e))?;
        if m.keep_features {
            // The features themselves, each recording once: what they are compared with follows from them.
            let data = plan_of(&plan, m, &pool).dataset(&pool, Reference::Training);
            keep::features(&path, &data.map_err(|e| format!("model {}: {e}", m.id))?)?;
        }
        say(&path, &trained)?;
    }
    Ok(())
}

/// Refuses a study whose outputs would overwrite what it is made of.
fn apart(args: &IdentifyArgs, plan: &Study, recordings: &[Listed], out: &Path) -> Result<(), String> {
    let text = ["study.toml", "recordings.csv", "ranking.json", "ranking.csv", "report.html"];
    let mut outputs = text.map(|n| (out.join(n), Kind::Text)).to_vec();
    for m in &plan.model {
        let path = out.join(&m.path);
        if m.keep_features {
            let [rows, columns] = keep::beside(&path);
            outputs.extend([(rows, Kind::Npy), (columns, Kind::Text)]);
        }
        outputs.push((path, Kind::Onnx));
    }
    let tables = plan.corpus.iter().flat_map(|c| c.manifest.list().into_iter().chain(&c.folds));
    let inputs = [&args.config].into_iter().chain(tables).chain(recordings.iter().map(|l| &l.path));
    refuse_outputs_among_inputs(inputs.map(PathBuf::as_path), outputs.iter().map(|(p, _)| p.as_path()))
        .map_err(|e| e.to_string())?;
    outputs.iter().try_for_each(|(p, kind)| replaceable(p, *kind).map_err(|e| format!("{}: {e}", p.display())))
}

/// What a trained model is like.
pub fn say(path: &Path, trained: &Trained) -> Result<(), String> {
    crate::say_line!(
        "{}: {} at {} over {} features, {} bytes",
        path.display(),
        trained.learner.name(),
        trained.strength,
        trained.card.features().len(),
        trained.bytes.len()
    );
    if trained.recall.len() > 1 {
        for (learner, strength, uar) in &trained.recall {
            crate::say_line!("  tried {:<10} {strength:<6} UAR {uar:.3} (the choice rests on it)", learner.name());
        }
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

fn common(plan: &Study) -> Vec<String> {
    let usual = || ["anger", "happiness", "neutral", "sadness"].map(str::to_owned).to_vec();
    plan.common.as_ref().map_or_else(usual, |l| l.iter().map(|x| harmonised(x)).collect())
}

/// All tables, with the labels that are wanted.
pub fn tables(plan: &Study) -> Result<Vec<Listed>, String> {
    let wanted: Option<Vec<String>> = plan.labels.as_ref().map(|l| l.iter().map(|x| harmonised(x)).collect());
    let mut out = Vec::new();
    for c in &plan.corpus {
        let recordings = listed(c)?;
        out.extend(recordings.into_iter().filter(|l| wanted.as_ref().is_none_or(|w| w.contains(&l.recording.label))));
    }
    Ok(out)
}

/// What would be done.
fn print_plan(plan: &Study, recordings: &[Listed]) -> Result<(), String> {
    for c in &plan.corpus {
        let corpus_recordings: Vec<&Listed> = recordings.iter().filter(|l| l.recording.corpus == c.name).collect();
        let mut speakers: Vec<&String> = corpus_recordings.iter().map(|l| &l.recording.speaker).collect();
        speakers.sort_unstable();
        speakers.dedup();
        let missing = corpus_recordings.iter().filter(|l| !l.path.exists()).count();
        crate::say_line!(
            "{}: {} recordings of {} speakers, {missing} files missing",
            c.name,
            corpus_recordings.len(),
            speakers.len()
        );
    }
    crate::say_line!("conditions: {}", plan.conditions.join(", "));
    crate::say_line!("models: {}", plan.model.iter().map(|m| m.id.clone()).collect::<Vec<_>>().join(", "));
    Ok(())
}

fn heard(
    plan: &Study,
    recordings: &[Listed],
    cache: PathBuf,
    quiet: bool,
    stop: &AtomicBool,
) -> Result<(Pool, Vec<(String, String)>), String> {
    if let Some(p) = &plan.planted {
        let names = || Carrier::ALL.map(Carrier::name).join(", ");
        let carrier = Carrier::parse(&p.carries)
            .ok_or_else(|| format!("planted \"{}\": expected one of {}", p.carries, names()))?;
        return Ok((planted::pool(carrier, p.speakers, p.recordings, plan.seed), Vec::new()));
    }
    let set: FeatureSet = plan.feature_set.parse().map_err(|e| format!("feature_set: {e}"))?;
    let progress = Progress::count(quiet, "recordings");
    Ears { set, conditions: &plan.conditions, memory: Some(cache), stop, progress: &progress }.all(recordings)
}

/// What a model learns from.
fn plan_of(plan: &Study, m: &ModelPlan, pool: &Pool) -> Plan {
    Plan {
        corpora: m.corpora.clone().unwrap_or_else(|| pool.corpora()),
        labels: m.labels.as_ref().map(|l| l.iter().map(|x| harmonised(x)).collect()),
        conditions: m.conditions.clone().unwrap_or_else(|| plan.conditions[..1].to_vec()),
        level: m.level,
        without: m.without.clone(),
        common: common(plan),
    }
}

fn reference(m: &ModelPlan) -> Reference {
    // Checked when the study was read.
    Reference::parse(&m.reference).unwrap_or_default()
}

fn model(plan: &Study, m: &ModelPlan, pool: &Pool, quiet: bool, stop: &AtomicBool) -> Result<Trained, String> {
    if let Some(w) = m.without.iter().find(|w| !pool.names.iter().any(|n| n.starts_with(w.as_str()))) {
        return Err(format!("model {}: without \"{w}\": no feature of the set begins like this", m.id));
    }
    let settings = TrainSettings {
        id: m.id.clone(),
        version: m.version.clone(),
        description: m.description.clone(),
        learners: m.learners()?.unwrap_or_default(),
        selection: String::new(),
        reference: reference(m),
        folds: 6,
        seed: plan.seed,
        silent_share: m.silent,
        background: if m.prototypes { Background::Prototypes } else { Background::Rows(32) },
        licence: m.licence.clone(),
        corpora: m.credits.clone().unwrap_or_else(|| m.corpora.clone().unwrap_or_else(|| pool.corpora())),
        limits: m.limits.clone(),
        derived: Vec::new(),
        metrics: Vec::new(),
    };
    let progress = Progress::count(quiet, &m.id);
    let mut step = |n: usize, of: usize| {
        progress.set_position(n as u64, Some(of as u64));
        !stop.load(Ordering::Relaxed)
    };
    let trained = models::model(pool, &plan_of(plan, m, pool), settings, &mut step);
    trained.map_err(|e| format!("model {}: {e}", m.id))
}
