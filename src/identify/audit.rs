//! Audits of confounds: duplicate recordings, and labels that can be predicted from something other than the voice.

use super::contexts::Context;
use super::pool::{Pool, Recording};
use crate::statistics::streams::{Purpose, stream};
use crate::statistics::{permutation_p, quantile};
use serde::Serialize;
use std::collections::BTreeMap;

/// Recordings whose sound occurs before under another name: `(later, earlier)`, by number.
#[must_use]
pub fn twins(recordings: &[Recording]) -> Vec<(usize, usize)> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for (i, r) in recordings.iter().enumerate().filter(|(_, r)| !r.audio.is_empty()) {
        match first.get(r.audio.as_str()) {
            Some(k) => out.push((i, *k)),
            None => {
                first.insert(&r.audio, i);
            }
        }
    }
    out
}

/// How well labels, or corpora, can be told from something that is not the voice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confound {
    /// Where.
    pub context: String,
    /// What is told: `label`, or `corpus`.
    pub target: String,
    /// From what: `speaker`, `sentence`, `level`, `peak`, `padding`, `bandwidth`, `duration`.
    pub from: String,
    /// Unweighted average recall of the most frequent label of each value (or of each tenth of the values), judged on the other
    /// half of the recordings.
    pub uar: f64,
    /// What chance gives.
    pub chance: f64,
    /// By permuted labels.
    pub p: f64,
    /// Whether it is worth a warning: beyond chance by a tenth and p at most 0.01.
    pub warning: bool,
}

/// UAR of the majority label by cell, learnt on every second member and judged on the others, and the other way round.
fn majority_recall(cells: &[usize], classes: &[usize], count: usize) -> f64 {
    let width = cells.iter().max().map_or(0, |m| m + 1);
    let mut answers = vec![0; cells.len()];
    for half in 0..2 {
        let mut seen = vec![0.0; width * count];
        let total: Vec<f64> = (0..count).map(|c| classes.iter().filter(|k| **k == c).count().max(1) as f64).collect();
        for (i, (cell, class)) in cells.iter().zip(classes).enumerate() {
            if i / 2 % 2 != half {
                seen[cell * count + class] += 1.0 / total[*class];
            }
        }
        for (i, cell) in cells.iter().enumerate().filter(|(i, _)| i / 2 % 2 == half) {
            answers[i] = super::measure::top(&seen[cell * count..][..count]);
        }
    }
    super::measure::uar(classes, &answers, count)
}

/// The tenth that each value lies in.
fn tenths(values: &[f64]) -> Vec<usize> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let edges: Vec<f64> = (1..10).filter_map(|k| quantile(&sorted, f64::from(k) / 10.0)).collect();
    values.iter().map(|v| edges.iter().filter(|e| *v > **e).count()).collect()
}

fn numbered<T: Ord>(values: Vec<T>) -> Vec<usize> {
    let mut of: BTreeMap<T, usize> = BTreeMap::new();
    values
        .into_iter()
        .map(|v| {
            let next = of.len();
            *of.entry(v).or_insert(next)
        })
        .collect()
}

fn judge(context: &str, target: &str, from: &str, cells: &[usize], classes: &[usize], seed: u64) -> Confound {
    const DRAWS: usize = 199;
    let count = classes.iter().max().map_or(0, |m| m + 1);
    // Mixed once, so that halves are not an order of the corpus.
    let mut order: Vec<usize> = (0..cells.len()).collect();
    let mut random = stream(seed, Purpose::Confounds, 0);
    random.shuffle(&mut order);
    let cells: Vec<usize> = order.iter().map(|i| cells[*i]).collect();
    let mut classes: Vec<usize> = order.iter().map(|i| classes[*i]).collect();
    let uar = majority_recall(&cells, &classes, count);
    let beaten = (0..DRAWS)
        .filter(|_| {
            random.shuffle(&mut classes);
            majority_recall(&cells, &classes, count) >= uar
        })
        .count();
    let (p, chance) = (permutation_p(beaten, DRAWS), 1.0 / count.max(1) as f64);
    Confound {
        context: context.to_owned(),
        target: target.to_owned(),
        from: from.to_owned(),
        uar,
        chance,
        p,
        warning: p <= 0.01 && uar > chance + 0.1,
    }
}

type Fact = (&'static str, fn(&Recording) -> f64);

const FACTS: [Fact; 5] = [
    ("level", |r| r.facts.level_dbfs),
    ("peak", |r| r.facts.peak_dbfs),
    ("padding", |r| r.facts.silence_share),
    ("bandwidth", |r| r.facts.bandwidth_hz),
    ("duration", |r| r.facts.duration_s),
];

/// How well a context's labels can be told from speaker, sentence and each fact.
#[must_use]
pub fn labels(pool: &Pool, context: &Context, seed: u64) -> Vec<Confound> {
    let recordings: Vec<&Recording> = context.members.iter().map(|i| &pool.recordings[*i]).collect();
    let mut out = vec![judge(&context.name, "label", "speaker", &context.speakers, &context.classes, seed)];
    if recordings.iter().all(|r| r.sentence.is_some()) {
        let cells = numbered(recordings.iter().map(|r| r.sentence.clone()).collect());
        out.push(judge(&context.name, "label", "sentence", &cells, &context.classes, seed));
    }
    for (name, fact) in FACTS {
        let cells = tenths(&recordings.iter().map(|r| fact(r)).collect::<Vec<_>>());
        out.push(judge(&context.name, "label", name, &cells, &context.classes, seed));
    }
    out
}

/// How well the corpus can be told from each fact: where it can, a model of several corpora may learn the corpus.
#[must_use]
pub fn corpora(pool: &Pool, seed: u64) -> Vec<Confound> {
    let corpora = pool.corpora();
    if corpora.len() < 2 {
        return Vec::new();
    }
    let classes = numbered(pool.recordings.iter().map(|r| r.corpus.clone()).collect());
    let one = |(name, fact): Fact| {
        let cells = tenths(&pool.recordings.iter().map(fact).collect::<Vec<_>>());
        judge("all corpora", "corpus", name, &cells, &classes, seed)
    };
    FACTS.into_iter().map(one).collect()
}

/// Corpora whose recordings all have nearly the same peak: brought to one level, so that loudness says nothing there.
#[must_use]
pub fn levelled(pool: &Pool) -> Vec<(String, f64)> {
    let spread = |corpus: &String| {
        let peaks: Vec<f64> =
            pool.recordings.iter().filter(|r| r.corpus == *corpus).map(|r| r.facts.peak_dbfs).collect();
        let mean = peaks.iter().sum::<f64>() / peaks.len().max(1) as f64;
        (peaks.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / peaks.len().max(1) as f64).sqrt()
    };
    pool.corpora().into_iter().map(|c| (spread(&c), c)).filter(|(s, _)| *s < 1.5).map(|(s, c)| (c, s)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;

    fn recording(file: &str, audio: &str) -> Recording {
        Recording { file: file.into(), audio: audio.into(), corpus: "c".into(), ..Recording::default() }
    }

    #[test]
    fn twins_are_found() {
        let (a, b, c) = (recording("a", "x"), recording("b", "y"), recording("c", "x"));
        assert_eq!(twins(&[a, b, c, recording("d", ""), recording("e", "")]), [(2, 0)]);
    }

    #[test]
    fn a_confound_is_found_and_none_is_made_up() {
        let mut random = Random(3);
        let classes: Vec<usize> = (0..400).map(|_| random.below(4)).collect();
        let sure = judge("c", "label", "speaker", &classes, &classes, 1);
        assert!(sure.warning && sure.uar > 0.99 && sure.p < 0.01, "{sure:?}");
        let cells: Vec<usize> = (0..400).map(|_| random.below(10)).collect();
        let none = judge("c", "label", "level", &cells, &classes, 1);
        assert!(!none.warning && (none.uar - 0.25).abs() < 0.12, "{none:?}");
    }
}
