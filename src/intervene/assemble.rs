//! Findings out of trials: means over speakers, intervals by drawing speakers anew, a ranking.

use super::dose::Schedule;
use super::familiar::Familiar;
use super::findings::{Findings, ModelFacts, PropertyFindings, SCHEMA, SampleFacts, ScoreFacts};
use super::groups::groups;
use super::material::Material;
use super::properties::Squares;
use super::subject::Subject;
use super::trial::Trial;
use crate::statistics::{Interval, false_discovery, resamples};
use std::cmp::Ordering;

/// Fewer speakers cannot be drawn anew.
const LEAST_SPEAKERS: usize = 6;
/// False discovery level.
pub(super) const LEVEL: f64 = 0.05;

/// A recording that takes part.
#[derive(Debug, Clone)]
pub struct Participant<'a> {
    /// Its speaker; `None` where nobody says.
    pub speaker: Option<&'a str>,
    /// What was heard of it.
    pub trial: &'a Trial,
}

/// How figures are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Seed of everything that is drawn at random.
    pub seed: u64,
    /// Draws of speakers, and of signs.
    pub draws: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, draws: 1000 }
    }
}

/// What a model listens to, by what was heard of recordings under every combination of a schedule.
#[must_use]
pub fn findings(
    subject: &Subject,
    name: &str,
    schedule: &Schedule,
    participants: &[Participant<'_>],
    left_out: Vec<(String, String)>,
    settings: Settings,
) -> Findings {
    let mut speakers: Vec<&str> = participants.iter().filter_map(|p| p.speaker).collect();
    speakers.sort_unstable();
    speakers.dedup();
    let known = participants.iter().all(|p| p.speaker.is_some());
    let by_speaker = known && speakers.len() >= LEAST_SPEAKERS;
    let unit_of = |(k, p): (usize, &Participant<'_>)| {
        if by_speaker { speakers.iter().position(|s| Some(*s) == p.speaker).unwrap_or(0) } else { k }
    };
    let count = if by_speaker { speakers.len() } else { participants.len() };
    let trials: Vec<&Trial> = participants.iter().map(|p| p.trial).collect();
    let card = subject.model().card().and_then(|c| c.novelty.as_ref());
    let scores: Vec<ScoreFacts> = (subject.names().iter().enumerate())
        .map(|(k, n)| ScoreFacts { name: n.clone(), spread: spread(&trials, k) })
        .collect();
    let material = Material {
        subject,
        participants,
        units: participants.iter().enumerate().map(unit_of).collect(),
        count,
        familiar: Familiar::new(card, &trials),
        draws: resamples(count, settings.draws, settings.seed),
        settings,
        spreads: scores.iter().map(|s| s.spread).collect(),
    };
    let mut properties: Vec<PropertyFindings> = Vec::new();
    let mut squares: Vec<Squares> = Vec::new();
    for (number, (property, doses)) in schedule.properties.iter().enumerate() {
        let (found, own) = material.property(*property, doses, &scores, number);
        properties.push(found);
        squares.push(own);
    }
    let p: Vec<f64> = properties.iter().flat_map(|p| p.effects.iter().map(|e| e.p)).collect();
    let q = false_discovery(&p);
    for (e, q) in properties.iter_mut().flat_map(|p| p.effects.iter_mut()).zip(q) {
        (e.q, e.beyond_chance) = (q, q <= LEVEL);
    }
    (0..scores.len()).for_each(|k| rank(&mut properties, k));
    let groups = groups(&properties, &squares, &scores);
    let attributions = material.attributions(&properties, &groups);
    let interactions = material.interactions(schedule, &scores);
    properties.sort_by(|a, b| order(a.effect, b.effect));
    Findings {
        schema: SCHEMA,
        program: env!("CARGO_PKG_VERSION"),
        model: ModelFacts {
            name: name.to_owned(),
            sha256: subject.model().sha256().to_owned(),
            engine: subject.model().engine().to_owned(),
            kind: subject.model().kind().name().to_owned(),
            novelty_by: material.familiar.basis(),
        },
        sample: SampleFacts {
            recordings: participants.len(),
            speakers: known.then_some(speakers.len()),
            unit: if by_speaker { "speakers" } else { "recordings" },
            left_out,
        },
        seed: settings.seed,
        draws: settings.draws,
        level: LEVEL,
        scores,
        properties,
        groups,
        interactions,
        attributions,
    }
}

/// Standard deviation of a score over the recordings as they are.
fn spread(trials: &[&Trial], score: usize) -> f64 {
    let list: Vec<f64> = trials.iter().map(|t| t.original.answer.scores[score]).collect();
    let n = list.len().max(1) as f64;
    let mean = list.iter().sum::<f64>() / n;
    (list.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// Order of effects: by what they are at least (the lower end of the interval), the largest first; none comes last.
pub(super) fn order(a: Option<Interval>, b: Option<Interval>) -> Ordering {
    let size = |e: Option<Interval>| e.map_or((f64::NEG_INFINITY, f64::NEG_INFINITY), |i| (i.low, i.value));
    let (a, b) = (size(a), size(b));
    b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
}

/// Gives the properties their places for a score.
fn rank(properties: &mut [PropertyFindings], score: usize) {
    let mut places: Vec<usize> = (0..properties.len()).collect();
    places.sort_by(|a, b| order(properties[*a].effects[score].effect, properties[*b].effects[score].effect));
    places.into_iter().enumerate().for_each(|(place, k)| properties[k].effects[score].rank = place + 1);
}
