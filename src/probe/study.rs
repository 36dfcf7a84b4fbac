//! A probe of a model over the recordings of a study.

use super::concept::{Targets, concepts};
use super::content::Rows;
use super::encoder::{Layer, Utterance};
use super::error::ProbeError;
use super::findings::{Findings, LayerFindings, LeftOut, MaterialFacts, ModelFacts, SCHEMA, Use};
use super::frames::Moments;
use super::layer::{PARTS, Plan};
use super::readout::{Recall, readout};
use super::ridge::Split;
use super::score::sample;
use super::settings::Settings;
use super::track::Track;
use crate::identify::contexts::Context;
use crate::identify::pool::Pool;
use crate::identify::prepare::{Normalisation, raw};
use crate::model::card::OutputKind;
use crate::statistics::resamples;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub use super::score::{Rerun, Samples};

/// Splits inside a training part.
const INNER: usize = 2;

/// What a probe learns from: states and descriptors of the recordings of a pool, in its order.
pub struct Material<'a> {
    /// Recordings with their features.
    pub pool: &'a Pool,
    /// States of the model.
    pub learnt: &'a [Utterance],
    /// States of the same architecture with random weights.
    pub random: &'a [Utterance],
    /// Moments of the single frames, in samples.
    pub times: &'a [Vec<usize>],
    /// Descriptors over time.
    pub tracks: &'a [Track],
    /// Name and group of each descriptor.
    pub descriptors: &'a [(String, String)],
    /// The model, and samples of a recording at 16 kHz.
    pub rerun: Rerun<'a>,
}

/// Called after every step with its name, how many are done, and out of how many; `false` ends the work.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) -> bool + Sync);

/// Folds of a context, with splits inside their training parts that share no speaker.
fn splits(context: &Context) -> Vec<Split> {
    (0..context.fold_count())
        .map(|k| {
            let (tested, learnt) = context.split(k);
            let inner = context.folds.inner(&learnt, INNER);
            Split { tested, learnt, inner }
        })
        .collect()
}

/// Layers from which the model is run on: blocks, evenly spread, the last one among them.
fn asked(layers: &[Layer], count: usize) -> Vec<usize> {
    let hidden: Vec<usize> = (0..layers.len()).filter(|k| layers[*k].name.starts_with("hidden-")).collect();
    let n = count.min(hidden.len());
    match n {
        0 => Vec::new(),
        1 => hidden[hidden.len() - 1..].to_vec(),
        n => (0..n).map(|k| hidden[k * (hidden.len() - 1) / (n - 1)]).collect(),
    }
}

fn same(what: &str, expected: usize, found: usize) -> Result<(), ProbeError> {
    if expected == found { Ok(()) } else { Err(ProbeError::Unlike { what: what.to_owned(), expected, found }) }
}

/// Probes a model.
///
/// # Errors
/// [`ProbeError`]: too few speakers or labels, states of another model, an unknown feature, numbers that fail, an interruption.
pub fn run(material: &Material<'_>, settings: &Settings, progress: Progress<'_>) -> Result<Findings, ProbeError> {
    let pool = material.pool;
    let n = pool.recordings.len();
    let encoder = material.rerun.encoder;
    let layers = encoder.layers();
    same("states of the model", n, material.learnt.len())?;
    same("states with random weights", n, material.random.len())?;
    same("moments", n, material.times.len())?;
    same("descriptors over time", n, material.tracks.len())?;
    for (u, times) in material.learnt.iter().zip(material.times).chain(material.random.iter().zip(material.times)) {
        same("layers of a recording", layers.len(), u.layers.len())?;
        for (l, s) in layers.iter().zip(&u.layers) {
            same("channels of a layer", l.channels, s.mean.len())?;
            same("channels at the moments of a recording", l.channels * times.len(), s.frames.len())?;
        }
    }
    let context = Context::new(pool, "all recordings".to_owned(), (0..n).collect(), 0)?;
    let splits = splits(&context);
    let columns: Vec<(String, String)> =
        pool.names.iter().zip(&pool.groups).map(|(n, g)| (n.clone(), g.name().to_owned())).collect();
    let targets = Targets::of(&columns, &pool.heard[0].values);
    let concepts = concepts(&targets, &settings.features).map_err(|name| ProbeError::Feature { name })?;
    let draws = resamples(context.speaker_names.len(), settings.draws, settings.seed);
    let features = raw(pool, &context, Normalisation::Training);
    let alone = Recall::of_answers(&context, &readout(&context, &features, settings.seed)?.answers);
    let moments = Moments::of(material.times, &splits, &context.speakers);
    let scores: Vec<Vec<f64>> = material.learnt.iter().map(|u| u.scores.clone()).collect();
    let recordings = sample(&context, settings.score_recordings);
    let plan = Plan {
        context: &context,
        rows: Rows { speakers: &context.speakers, count: context.speaker_names.len(), splits: &splits, draws: &draws },
        targets: &targets,
        concepts: &concepts,
        features: &features,
        features_alone: &alone,
        moments: &moments,
        descriptors: material.descriptors,
        tracks: material.tracks,
        learnt: material.learnt,
        random: material.random,
        scores: &scores,
        recordings: &recordings,
        settings,
    };
    let scored = encoder.model().kind() != OutputKind::HiddenStates && !encoder.model().labels().is_empty();
    let asked = asked(layers, settings.score_layers);
    let score = |k: usize| {
        if !scored {
            Err("the model gives hidden states and no scores".to_owned())
        } else if !asked.contains(&k) {
            Err("not among the layers from which the model is run on".to_owned())
        } else {
            Ok(material.rerun)
        }
    };
    let (done, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    let total = layers.len() * PARTS;
    let told = |what: &str| {
        let going = progress(what, done.fetch_add(1, Ordering::Relaxed) + 1, total);
        ended.fetch_or(!going, Ordering::Relaxed);
        !ended.load(Ordering::Relaxed)
    };
    let go_on = || {
        ended.fetch_or(!progress("erasures", done.load(Ordering::Relaxed), total), Ordering::Relaxed);
        !ended.load(Ordering::Relaxed)
    };
    let probed: Vec<(LayerFindings, Vec<LeftOut>)> = layers
        .par_iter()
        .enumerate()
        .map(
            |(k, layer)| {
                if go_on() { plan.probe(k, layer, score(k), &told, &go_on) } else { Err(ProbeError::Interrupted) }
            },
        )
        .collect::<Result<_, _>>()?;
    let mut left_out = targets.left_out.clone();
    for l in probed.iter().flat_map(|p| &p.1) {
        if !left_out.contains(l) {
            left_out.push(l.clone());
        }
    }
    let layers: Vec<LayerFindings> = probed.into_iter().map(|p| p.0).collect();
    let uses = concepts
        .iter()
        .map(|c| used(&c.name, &c.members.iter().map(|t| &targets.names[*t]).collect::<Vec<_>>(), &layers))
        .collect();
    let model = encoder.model();
    Ok(Findings {
        schema: SCHEMA,
        program: env!("CARGO_PKG_VERSION"),
        seed: settings.seed,
        model: ModelFacts {
            name: model.card().map_or_else(|| "model".to_owned(), |c| c.id.clone()),
            sha256: model.sha256().to_owned(),
            output: model.output_name().to_owned(),
            kind: model.kind().name().to_owned(),
            labels: if scored { model.labels().to_vec() } else { Vec::new() },
        },
        material: MaterialFacts {
            recordings: n,
            speakers: context.speaker_names.len(),
            folds: context.fold_count(),
            labels: context.labels.clone(),
            frames: moments.count(),
            feature_set: pool.feature_set.clone(),
            protocol: context.protocol(),
            draws: settings.draws,
            shuffles: settings.shuffles,
            erasures: settings.erasures,
            score_recordings: recordings.len(),
            score_erasures: settings.score_erasures,
        },
        features_alone: alone.with_interval(&draws),
        chance: 1.0 / context.labels.len() as f64,
        layers,
        uses,
        left_out,
        unreadable: Vec::new(),
    })
}

/// Where something is held and used.
fn used(name: &str, members: &[&String], layers: &[LayerFindings]) -> Use {
    let names = |is: &dyn Fn(&LayerFindings) -> bool| layers.iter().filter(|l| is(l)).map(|l| l.name.clone()).collect();
    let erased = |l: &LayerFindings| l.erased.iter().find(|e| e.name == name).cloned();
    let score = |l: &LayerFindings| erased(l).and_then(|e| e.score.effect());
    Use {
        name: name.to_owned(),
        held_in: names(&|l| l.features.iter().any(|f| f.held && members.contains(&&f.name))),
        readout_in: names(&|l| erased(l).is_some_and(|e| e.readout.used)),
        score_in: names(&|l| score(l).is_some_and(|e| e.used)),
        score_asked: names(&|l| score(l).is_some()),
        largest: layers.iter().filter_map(score).map(|e| e.excess.value).reduce(f64::max),
    }
}
