//! One layer, probed: what it holds, which emotion it tells, and what of it is used.

use super::concept::{Concept, Targets};
use super::content::{Prepared, Rows, contents};
use super::encoder::{Layer, Utterance};
use super::erasure::Eraser;
use super::error::ProbeError;
use super::findings::{Content, Emotion, Erasure, LayerFindings, LeftOut, ScoreEffect};
use super::frames::Moments;
use super::readout::{Recall, readout};
use super::ridge::Predicted;
use super::score::{Question, Rerun};
use super::settings::Settings;
use super::track::Track;
use super::used::{Reader, left};
use crate::identify::contexts::Context;
use crate::signal::RATE_HZ;
use ndarray::{Array2, Axis, concatenate};

/// What all layers are probed for.
pub struct Plan<'a> {
    /// Recordings, labels and folds.
    pub context: &'a Context,
    /// Utterances as rows.
    pub rows: Rows<'a>,
    /// Features.
    pub targets: &'a Targets,
    /// What is erased.
    pub concepts: &'a [Concept],
    /// Features in standard deviations, for each fold the same columns: those that recall of emotion is compared with.
    pub features: &'a Array2<f32>,
    /// Recall of these alone.
    pub features_alone: &'a Recall,
    /// Single frames.
    pub moments: &'a Moments,
    /// Descriptors and their groups.
    pub descriptors: &'a [(String, String)],
    /// Descriptors over time.
    pub tracks: &'a [Track],
    /// States of the model.
    pub learnt: &'a [Utterance],
    /// States of the same architecture with random weights.
    pub random: &'a [Utterance],
    /// Scores of the model.
    pub scores: &'a [Vec<f64>],
    /// Recordings that the model is run on again.
    pub recordings: &'a [usize],
    /// Extent.
    pub settings: &'a Settings,
}

/// Progress through a layer: told after every part, `false` where the work shall end.
pub type Told<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// Parts of the work on one layer.
pub const PARTS: usize = 4;

/// Directions that are erased: the median over the folds.
fn rank(erasers: &[Eraser]) -> usize {
    let mut ranks: Vec<usize> = erasers.iter().map(Eraser::rank).collect();
    ranks.sort_unstable();
    ranks.get(ranks.len() / 2).copied().unwrap_or(0)
}

fn go(told: Told<'_>, what: &str) -> Result<(), ProbeError> {
    if told(what) { Ok(()) } else { Err(ProbeError::Interrupted) }
}

impl Plan<'_> {
    fn pooled(&self, utterances: &[Utterance], k: usize, channels: usize) -> Array2<f32> {
        Array2::from_shape_fn((utterances.len(), channels), |(i, c)| utterances[i].layers[k].mean[c])
    }

    /// Probes a layer; `score` says how its score is asked, or why not.
    pub fn probe(
        &self,
        k: usize,
        layer: &Layer,
        score: Result<Rerun<'_>, String>,
        told: Told<'_>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(LayerFindings, Vec<LeftOut>), ProbeError> {
        let splits = self.rows.splits;
        let states = self.pooled(self.learnt, k, layer.channels);
        let untrained = self.pooled(self.random, k, layer.channels);
        let (own, other) = (Prepared::of(states.view(), splits)?, Prepared::of(untrained.view(), splits)?);
        let (shuffles, seed) = (self.settings.shuffles, self.settings.seed);
        let (features, predicted) = contents(&self.rows, self.targets, &own, &other, shuffles, seed)?;
        go(told, "features")?;
        let (descriptors, left_out) = self.descriptors(k, layer)?;
        go(told, "descriptors")?;
        let reader = readout(self.context, &states, seed)?;
        let emotion = self.emotion(&states, &reader.answers, &untrained)?;
        go(told, "emotion")?;
        let reader = Reader::new(self.context, &own, splits, &reader);
        let members = |c: &Concept| self.targets.values.select(Axis(1), &c.members);
        let erasers: Vec<Vec<Eraser>> =
            self.concepts.iter().map(|c| own.erasers(&members(c), splits)).collect::<Result<_, _>>()?;
        let ranks: Vec<usize> = erasers.iter().map(|e| rank(e)).collect();
        let scores = match score {
            Err(why) => vec![ScoreEffect::NotRun { why }; self.concepts.len()],
            Ok(rerun) => {
                let (prepared, erasers, ranks) = (&own, &erasers[..], &ranks[..]);
                let (scores, recordings) = (self.scores, self.recordings);
                Question { rerun, layer, prepared, splits, erasers, ranks, scores, recordings }.effects(
                    self.context,
                    self.settings,
                    self.rows.draws,
                    go_on,
                )?
            }
        };
        let mut erased = Vec::new();
        for ((concept, erasers), score) in self.concepts.iter().zip(&erasers).zip(scores) {
            if !go_on() {
                return Err(ProbeError::Interrupted);
            }
            erased.push(self.erasure(&own, &reader, concept, erasers, &predicted, score)?);
        }
        go(told, "erasures")?;
        let step_ms = 1000.0 * layer.step as f64 / f64::from(RATE_HZ);
        let (name, tensor, channels) = (layer.name.clone(), layer.tensor.clone(), layer.channels);
        Ok((LayerFindings { name, tensor, channels, step_ms, features, descriptors, emotion, erased }, left_out))
    }

    fn descriptors(&self, k: usize, layer: &Layer) -> Result<(Vec<Content>, Vec<LeftOut>), ProbeError> {
        if !self.moments.enough() {
            let why = "too few frames with voice: expected some in every fold".to_owned();
            return Ok((Vec::new(), vec![LeftOut { name: "low-level descriptors".to_owned(), why }]));
        }
        let targets = self.moments.targets(self.descriptors, self.tracks, layer);
        let rows = Rows {
            speakers: &self.moments.speakers,
            count: self.rows.count,
            splits: &self.moments.splits,
            draws: self.rows.draws,
        };
        let of = |u: &[Utterance]| Prepared::of(self.moments.states(u, k, layer.channels).view(), rows.splits);
        let (own, other) = (of(self.learnt)?, of(self.random)?);
        let found = contents(&rows, &targets, &own, &other, self.settings.shuffles.min(1), self.settings.seed)?;
        Ok((found.0, targets.left_out))
    }

    fn emotion(&self, states: &Array2<f32>, answers: &[usize], untrained: &Array2<f32>) -> Result<Emotion, ProbeError> {
        let draws = self.rows.draws;
        let seed = self.settings.seed;
        let own = Recall::of_answers(self.context, answers);
        let random = Recall::of_answers(self.context, &readout(self.context, untrained, seed)?.answers);
        let both = concatenate(Axis(1), &[states.view(), self.features.view()])
            .map_err(|_| ProbeError::Numbers("states and features of different recordings"))?;
        let both = Recall::of_answers(self.context, &readout(self.context, &both, seed)?.answers);
        Ok(Emotion {
            layer: own.with_interval(draws),
            random_weights: random.with_interval(draws),
            with_features: both.with_interval(draws),
            beyond_random: own.beyond(&random, draws),
            beyond_features: both.beyond(self.features_alone, draws),
        })
    }

    fn erasure(
        &self,
        own: &Prepared,
        reader: &Reader<'_>,
        concept: &Concept,
        erasers: &[Eraser],
        predicted: &Predicted,
        score: ScoreEffect,
    ) -> Result<Erasure, ProbeError> {
        let rank = rank(erasers);
        let (r2, left) = left(own, &self.rows, self.targets, concept, erasers, predicted)?;
        Ok(Erasure {
            name: concept.name.clone(),
            rank,
            r2,
            left,
            readout: reader.effect(erasers, rank, self.settings.erasures, self.rows.draws, self.settings.seed)?,
            score,
        })
    }
}
