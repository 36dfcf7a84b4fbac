//! What the model's own score uses: the graph run on from a layer with something erased from every frame, beside random erasures of equal
//! rank.

use super::content::Prepared;
use super::encoder::{Encoder, Layer};
use super::erasure::{Eraser, noise};
use super::error::ProbeError;
use super::findings::{Effect, ScoreEffect};
use super::ridge::Split;
use super::scatter::Scatter;
use super::settings::Settings;
use crate::identify::contexts::Context;
use crate::model::Tensor;
use crate::model::card::OutputKind;
use crate::statistics::interval;
use crate::statistics::streams::{Purpose, stream};
use ndarray::{Array2, Array3, Axis};

/// How far the rest of a graph may be off from the whole of it, relative to the scores.
const TOLERANCE: f64 = 1e-3;

/// Speakers that a score has to be asked of before anything counts as used.
const LEAST_SPEAKERS: usize = 6;

/// Samples of a recording at 16 kHz, by number.
pub type Samples<'a> = &'a (dyn Fn(usize) -> Result<Vec<f32>, String> + Sync);

/// The model, and the sound that it is run on again.
#[derive(Clone, Copy)]
pub struct Rerun<'a> {
    /// The model.
    pub encoder: &'a Encoder,
    /// The sound.
    pub samples: Samples<'a>,
}

/// Recordings spread evenly over the speakers.
pub fn sample(context: &Context, count: usize) -> Vec<usize> {
    let speakers = context.speaker_names.len();
    let members: Vec<Vec<usize>> =
        (0..speakers).map(|s| (0..context.speakers.len()).filter(|i| context.speakers[*i] == s).collect()).collect();
    let most = count.div_ceil(speakers.max(1));
    let nth = |list: &Vec<usize>, k: usize| {
        (k < list.len().min(most)).then(|| list[(2 * k + 1) * list.len() / (2 * list.len().min(most))])
    };
    let mut out: Vec<usize> =
        (0..most).flat_map(|k| members.iter().filter_map(move |l| nth(l, k)).collect::<Vec<_>>()).collect();
    out.truncate(count);
    out
}

/// Scores as differences matter: logits are the same when all of them move alike.
fn centred(scores: &[f64], kind: OutputKind) -> Vec<f64> {
    let shift = if kind == OutputKind::Logits && scores.len() > 1 {
        scores.iter().sum::<f64>() / scores.len() as f64
    } else {
        0.0
    };
    scores.iter().map(|s| s - shift).collect()
}

/// Variance of the scores over all recordings, summed over them; `None` where they do not vary.
fn variance(scores: &[Vec<f64>], kind: OutputKind) -> Option<f64> {
    let rows: Vec<Vec<f64>> = scores.iter().map(|s| centred(s, kind)).collect();
    let (n, width) = (rows.len() as f64, rows.first()?.len());
    let mean: Vec<f64> = (0..width).map(|c| rows.iter().map(|r| r[c]).sum::<f64>() / n).collect();
    let sum: f64 = rows.iter().flat_map(|r| r.iter().zip(&mean).map(|(v, m)| (v - m).powi(2))).sum();
    Some(sum / n).filter(|v| *v > 0.0)
}

/// An eraser in the channels of a layer.
struct InChannels {
    along: Array2<f64>,
    by: Array2<f64>,
}

/// Principal axes and mean of a fold's training part, in channels.
struct Axes {
    axes: Array2<f64>,
    mean: Vec<f64>,
}

impl Axes {
    fn of(prepared: &Prepared, scatter: &Scatter) -> Self {
        let rotated = &prepared.rotated;
        let shift = rotated.in_channels(&scatter.mean.clone().insert_axis(Axis(1)));
        let mean = rotated.mean.iter().zip(&shift).map(|(a, b)| a + b).collect();
        Self { axes: rotated.in_channels(&scatter.axes), mean }
    }

    fn eraser(&self, e: &Eraser) -> InChannels {
        InChannels { along: self.axes.dot(&e.along), by: self.axes.dot(&e.by) }
    }
}

/// The model, the layer, and what is erased from it.
pub struct Question<'a> {
    /// The model.
    pub rerun: Rerun<'a>,
    /// The layer.
    pub layer: &'a Layer,
    /// Its states.
    pub prepared: &'a Prepared,
    /// Folds.
    pub splits: &'a [Split],
    /// Erasers by concept and fold.
    pub erasers: &'a [Vec<Eraser>],
    /// Rank of each concept.
    pub ranks: &'a [usize],
    /// The model's scores of all recordings.
    pub scores: &'a [Vec<f64>],
    /// Recordings that it is run on again.
    pub recordings: &'a [usize],
}

impl Question<'_> {
    /// What every erasure does to the scores.
    ///
    /// # Errors
    /// [`ProbeError`] for recordings that can no longer be read, and interruptions; a graph that cannot be run on is an answer.
    pub fn effects(
        &self,
        context: &Context,
        settings: &Settings,
        draws: &[Vec<usize>],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<ScoreEffect>, ProbeError> {
        let model = self.rerun.encoder.model();
        let not_run = |why: String| vec![ScoreEffect::NotRun { why }; self.erasers.len()];
        let Some(variance) = variance(self.scores, model.kind()) else {
            return Ok(not_run("the scores do not vary".to_owned()));
        };
        let (states, rest) = match self.rerun.encoder.around(self.layer) {
            Ok(engines) => engines,
            Err(e) => return Ok(not_run(format!("the graph behind the layer cannot be run: {e}"))),
        };
        let axes: Vec<Axes> = self.prepared.scatters.iter().map(|s| Axes::of(self.prepared, s)).collect();
        let random = self.random(context, settings)?;
        let speakers = context.speaker_names.len();
        let width = 1 + settings.score_erasures;
        // Sums over recordings: by concept, speaker, and what was erased; first the concept itself, then random directions.
        let mut sums = Array3::<f64>::zeros((self.erasers.len(), speakers, width));
        let mut counts = vec![0.0; speakers];
        for i in self.recordings {
            let samples =
                (self.rerun.samples)(*i).map_err(|_| ProbeError::Numbers("a recording that cannot be read again"))?;
            let way = model.check_length(samples.len())?;
            if way.windows(samples.len()).len() > 1 {
                continue;
            }
            let entered = way.normalised(&samples);
            let (scores, state) = self.rerun.encoder.whole(&states, self.layer, &entered)?;
            let run = |state: &Tensor| model.run_rest(&rest, &entered, state).map(|s| centred(&s, model.kind()));
            let whole = centred(&scores, model.kind());
            let again = match run(&state) {
                Ok(again) => again,
                Err(e) => return Ok(not_run(format!("the graph behind the layer cannot be run: {e}"))),
            };
            let off = whole.iter().zip(&again).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let size = whole.iter().fold(variance.sqrt(), |m, v| m.max(v.abs()));
            if off > TOLERANCE * size {
                return Ok(not_run(format!("run on from the layer the graph gives other scores, off by {off:.2e}")));
            }
            let fold = context.folds.fold_of()[*i];
            let moved = |e: &Eraser| -> Result<f64, ProbeError> {
                let c = axes[fold].eraser(e);
                let other = run(&self.layer.erased(&state, &axes[fold].mean, &c.along, &c.by))?;
                Ok(other.iter().zip(&whole).map(|(a, b)| (a - b).powi(2)).sum())
            };
            for (c, erasers) in self.erasers.iter().enumerate() {
                for (k, erasers) in std::iter::once(erasers).chain(&random[c]).enumerate() {
                    if !go_on() {
                        return Err(ProbeError::Interrupted);
                    }
                    sums[(c, context.speakers[*i], k)] += moved(&erasers[fold])? / variance;
                }
            }
            counts[context.speakers[*i]] += 1.0;
        }
        if counts.iter().all(|c| *c == 0.0) {
            return Ok(not_run("no recording of the sample goes in at once".to_owned()));
        }
        let mean = |of: &dyn Fn(usize) -> f64, list: &mut dyn Iterator<Item = usize>| {
            let (sum, n) = list.fold((0.0, 0.0), |(s, n), k| (s + of(k), n + counts[k]));
            (n > 0.0).then(|| sum / n)
        };
        let effect = |c: usize| {
            let losses: Vec<f64> = (0..width).filter_map(|k| mean(&|s| sums[(c, s, k)], &mut (0..speakers))).collect();
            let chance = |s: usize| (1..width).map(|k| sums[(c, s, k)]).sum::<f64>() / (width - 1).max(1) as f64;
            let difference = |s: usize| sums[(c, s, 0)] - chance(s);
            let drawn = draws.iter().filter_map(|d| mean(&difference, &mut d.iter().copied())).collect();
            let value = mean(&difference, &mut (0..speakers)).unwrap_or(0.0);
            let found = Effect::new(losses[0], &losses[1..], interval(value, drawn));
            // Nothing is beyond doubt over so few speakers.
            let asked = counts.iter().filter(|n| **n > 0.0).count();
            ScoreEffect::Measured(Effect { used: found.used && asked >= LEAST_SPEAKERS, ..found })
        };
        Ok((0..self.erasers.len()).map(effect).collect())
    }

    /// Random erasers by concept, draw and fold, of the concepts' ranks.
    fn random(&self, context: &Context, settings: &Settings) -> Result<Vec<Vec<Vec<Eraser>>>, ProbeError> {
        let one = |rank: usize, draw: usize| {
            let mut source = stream(settings.seed, Purpose::ScoreErasures, draw as u64);
            self.prepared.erasers(&noise(context.classes.len(), rank, &mut source), self.splits)
        };
        self.ranks.iter().map(|rank| (0..settings.score_erasures).map(|draw| one(*rank, draw)).collect()).collect()
    }
}
