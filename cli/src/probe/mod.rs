//! `affect probe`: which layer of a waveform model holds which named feature, and which of it a score uses.

mod kept;
mod states;
mod tables;

use crate::identify::config::Study;
use crate::identify::hear::{Ears, Unreadable};
use crate::identify::manifest::Listed;
use crate::identify::tables as manifests;
use crate::interrupt;
use crate::model_args::{ModelArgs, say_meaning};
use crate::progress::Progress;
use affect::analyzer::FeatureSet;
use affect::features::catalogue::affect_llds;
use affect::identify::pool::Pool;
use affect::probe::encoder::Encoder;
use affect::probe::error::ProbeError;
use affect::probe::findings::Findings;
use affect::probe::report;
use affect::probe::settings::Settings;
use affect::probe::study::{self, Material, Rerun};
use affect_media::files::{Complete, Kind, refuse_outputs_among_inputs, replaceable};
use clap::Args;
use states::{Gathered, Sounds};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The model: a folder or ONNX file of a waveform model.
    model: PathBuf,
    /// What the study is made of (TOML, as for `affect identify`): its corpora, labels, features and folds.
    study: PathBuf,
    /// Folder for probe.json, probe.csv and report.html.
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// Folder that the corpora's folders are relative to; that of the study without it.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Folder for features and hidden states, so that another run need not compute them again; `cache` in the output folder without it.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// The output that holds the scores, where the card names none.
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// A feature that is erased by itself, beside the groups; several times for several.
    #[arg(long = "feature", value_name = "NAME")]
    features: Vec<String>,
    /// Layers, spread over the blocks, from which the model is run on with an erased state; 0 for none.
    #[arg(long, value_name = "N", default_value_t = Settings::default().score_layers)]
    score_layers: usize,
    /// Recordings, spread over the speakers, for which it is.
    #[arg(long, value_name = "N", default_value_t = Settings::default().score_recordings)]
    score_recordings: usize,
    /// Random erasures that each erasure of the score is compared with; fewer than 19 are no evidence.
    #[arg(long, value_name = "N", default_value_t = Settings::default().score_erasures)]
    score_draws: usize,
    /// Threads; as many as the machine has without it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    common: ModelArgs,
}

const OUTPUTS: [&str; 3] = ["probe.json", "probe.csv", "report.html"];

/// Probes a model.
pub fn run(args: &ProbeArgs) -> Result<(), String> {
    let (plan, _) = Study::read(&args.study, args.root.as_deref())?;
    if plan.corpus.is_empty() {
        return Err(format!("{}: expected [[corpus]] sections: a probe needs recordings", args.study.display()));
    }
    if args.score_recordings == 0 || args.score_draws == 0 {
        return Err(
            "--score-recordings and --score-draws: expected at least 1 (--score-layers 0 runs the model on from none)"
                .to_owned(),
        );
    }
    let recordings = manifests(&plan)?;
    apart(args, &plan, &recordings)?;
    let model = args.common.open(&args.model, args.output.as_deref(), None)?;
    let encoder = Encoder::new(model.clone()).map_err(|e| format!("{}: {e}", args.model.display()))?;
    if !args.quiet {
        say_meaning(&model, &args.model);
    }
    gst::init().map_err(|e| format!("GStreamer cannot start: {e}"))?;
    if let Some(n) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(n).build_global().map_err(|e| e.to_string())?;
    }
    let stop = interrupt::flag();
    let named = |p: &Path, e: &dyn std::fmt::Display| format!("{}: {e}", p.display());
    std::fs::create_dir_all(&args.out).map_err(|e| named(&args.out, &e))?;
    let cache = args.cache.clone().unwrap_or_else(|| args.out.join("cache"));
    let (pool, places, mut broken) = heard(&plan, &recordings, &cache, args.quiet)?;
    let heard: Vec<&Listed> = places.iter().map(|k| &recordings[*k]).collect();
    let sounds = Sounds { listed: &heard, stop };
    let gathered = Gathered::of(&sounds, &encoder, plan.seed, &cache, args.quiet)?;
    let (pool, kept) = without(pool, &gathered, &heard, &mut broken);
    for (file, why) in &broken {
        eprintln!("affect: {file}: {why} (left out)");
    }
    let gathered = gathered.only(&kept);
    let settings = Settings {
        seed: plan.seed,
        draws: plan.draws.unwrap_or(Settings::default().draws),
        features: args.features.clone(),
        score_layers: args.score_layers,
        score_recordings: args.score_recordings,
        score_erasures: args.score_draws,
        ..Settings::default()
    };
    let descriptors: Vec<(String, String)> =
        affect_llds().iter().map(|e| (e.name.clone(), e.group.name().to_owned())).collect();
    let samples = |i: usize| sounds.samples(kept[i]);
    let progress = Progress::count(args.quiet, "probes");
    let step = |what: &str, n: usize, of: usize| {
        progress.set_position(n as u64, Some(of as u64));
        progress.message(what);
        !stop.load(Ordering::Relaxed)
    };
    let material = Material {
        pool: &pool,
        learnt: &gathered.learnt,
        random: &gathered.random,
        times: &gathered.times,
        tracks: &gathered.tracks,
        descriptors: &descriptors,
        rerun: Rerun { encoder: &encoder, samples: &samples },
    };
    let mut findings = study::run(&material, &settings, &step).map_err(|e| match e {
        ProbeError::Interrupted => states::INTERRUPTED.to_owned(),
        e => e.to_string(),
    })?;
    drop(progress);
    findings.unreadable = broken;
    write(&args.out, &findings)?;
    say(&args.out, &findings)
}

/// Refuses outputs that would overwrite what the probe is made of, or what is not of its kind.
fn apart(args: &ProbeArgs, plan: &Study, recordings: &[Listed]) -> Result<(), String> {
    if args.out.exists() && !args.out.is_dir() {
        return Err(format!("--out {}: expected a folder or a new name", args.out.display()));
    }
    let outputs = OUTPUTS.map(|n| args.out.join(n));
    let tables = plan.corpus.iter().flat_map(|c| c.manifest.list().into_iter().chain(&c.folds));
    let inputs = [&args.model, &args.study].into_iter().chain(tables).chain(recordings.iter().map(|l| &l.path));
    refuse_outputs_among_inputs(inputs.map(PathBuf::as_path), outputs.iter().map(PathBuf::as_path))
        .map_err(|e| e.to_string())?;
    outputs.iter().try_for_each(|p| replaceable(p, Kind::Text).map_err(|e| format!("{}: {e}", p.display())))
}

/// Features of the recordings as they are.
fn heard(
    plan: &Study,
    recordings: &[Listed],
    cache: &Path,
    quiet: bool,
) -> Result<(Pool, Vec<usize>, Vec<Unreadable>), String> {
    let set: FeatureSet = plan.feature_set.parse().map_err(|e| format!("feature_set: {e}"))?;
    let progress = Progress::count(quiet, "recordings");
    let conditions = ["clean".to_owned()];
    let memory = Some(cache.to_owned());
    Ears { set, conditions: &conditions, memory, stop: interrupt::flag(), progress: &progress }.each(recordings)
}

/// The pool without recordings that the model cannot take, which are named with the reason; and the places of those that stay.
fn without(mut pool: Pool, gathered: &Gathered, heard: &[&Listed], broken: &mut Vec<Unreadable>) -> (Pool, Vec<usize>) {
    let kept: Vec<usize> = (0..heard.len()).filter(|i| gathered.refused(*i).is_none()).collect();
    for (i, l) in heard.iter().enumerate() {
        broken.extend(gathered.refused(i).map(|why| (affect_media::files::to_name(&l.path), why.to_owned())));
    }
    broken.sort();
    pool.recordings = kept.iter().map(|i| pool.recordings[*i].clone()).collect();
    for h in &mut pool.heard {
        h.values = kept.iter().map(|i| h.values[*i].clone()).collect();
        h.speech_s = kept.iter().map(|i| h.speech_s[*i]).collect();
    }
    (pool, kept)
}

fn write(out: &Path, findings: &Findings) -> Result<(), String> {
    let json = serde_json::to_vec_pretty(findings).map_err(|e| e.to_string())?;
    let html = report::page(findings).map_err(|e| e.to_string())?.into_bytes();
    for (name, bytes) in OUTPUTS.iter().zip([json, tables::csv(findings)?, html]) {
        let path = out.join(name);
        Complete::write(&path, Kind::Text, &bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// In a few lines what came out.
fn say(out: &Path, f: &Findings) -> Result<(), String> {
    crate::say_line!("{}", out.join("report.html").display());
    if let Some(best) = f.layers.iter().max_by(|a, b| a.emotion.layer.value.total_cmp(&b.emotion.layer.value)) {
        let e = &best.emotion;
        crate::say_line!(
            "  emotion: UAR {:.3} in {}, {:.3} with random weights, {:.3} from named features (chance {:.3}; {})",
            e.layer.value,
            best.name,
            e.random_weights.value,
            f.features_alone.value,
            f.chance,
            f.material.protocol
        );
    }
    for u in &f.uses {
        let of = |n: usize| format!("{n} of {} layers", f.layers.len());
        let score = if u.score_asked.is_empty() {
            "score not run".to_owned()
        } else {
            format!("used by the score from {} of {}", u.score_in.len(), u.score_asked.len())
        };
        crate::say_line!(
            "  {:<28} held in {}, used by read-outs of {}, {score}",
            u.name,
            of(u.held_in.len()),
            u.readout_in.len()
        );
    }
    Ok(())
}
