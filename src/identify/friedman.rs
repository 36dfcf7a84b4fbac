//! Friedman's test: whether learners differ over corpora.
//!
//! Blocks have to be independent. Contexts of a corpus are the same recordings again (a sex, a line, another normalisation), and
//! whatever a learner's luck is in one of them it is in all; so a corpus is one block, with the mean of each learner's recall over
//! its contexts.

use super::error::TrainError;
use crate::statistics::streams::{Purpose, stream};
use crate::statistics::{permutation_p, ranks};

/// Friedman's test and Nemenyi's critical difference.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Friedman {
    /// Mean rank of each treatment, 1 the best.
    pub mean_ranks: Vec<f64>,
    /// The statistic, corrected for ties.
    pub chi_squared: f64,
    /// Its p value, by ranks permuted within blocks: the chi-squared distribution is for many blocks.
    pub p: f64,
    /// Mean ranks further apart than this differ at 5 % (Nemenyi); `None` for more than ten treatments.
    pub critical_difference: Option<f64>,
    /// Blocks.
    pub blocks: usize,
}

/// Quantiles of the studentised range at 5 % over the square root of two, for 2 to 10 treatments (Demsar, Statistical comparisons
/// of classifiers over multiple data sets, JMLR 7, 2006).
const NEMENYI: [f64; 9] = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164];

/// Permutations of ranks.
const PERMUTATIONS: usize = 9999;

/// Blocks of figures: for every corpus the mean over its contexts. `figures` are a context's corpus and one figure for each
/// treatment.
#[must_use]
pub fn by_corpus(figures: &[(&str, Vec<f64>)]) -> Vec<Vec<f64>> {
    let mut blocks: Vec<(&str, Vec<f64>, f64)> = Vec::new();
    for (corpus, list) in figures {
        match blocks.iter_mut().find(|b| b.0 == *corpus) {
            Some(b) => {
                b.1.iter_mut().zip(list).for_each(|(sum, v)| *sum += v);
                b.2 += 1.0;
            }
            None => blocks.push((corpus, list.clone(), 1.0)),
        }
    }
    blocks.into_iter().map(|(_, sums, n)| sums.iter().map(|s| s / n).collect()).collect()
}

/// The statistic of ranks within blocks, corrected for ties.
fn statistic(block_ranks: &[Vec<f64>]) -> f64 {
    let (n, k) = (block_ranks.len() as f64, block_ranks[0].len() as f64);
    // Without ties the sum of squares is n k (k+1) (2k+1) / 6.
    let squares: f64 = block_ranks.iter().flatten().map(|r| r * r).sum();
    let centre = n * k * (k + 1.0).powi(2) / 4.0;
    let sum = |j: usize| block_ranks.iter().map(|r| r[j]).sum::<f64>();
    let between = (0..block_ranks[0].len()).map(|j| sum(j).powi(2)).sum::<f64>() / n - centre;
    if squares > centre { (k - 1.0) * n * between / (squares - centre) } else { 0.0 }
}

/// Friedman's test over blocks (such as corpora) of figures for the same treatments (such as learners), more being better.
///
/// # Errors
/// [`TrainError::TooFew`] for fewer than two blocks or treatments; [`TrainError::Width`] for blocks of different length.
pub fn friedman(blocks: &[Vec<f64>], seed: u64) -> Result<Friedman, TrainError> {
    let (n, k) = (blocks.len(), blocks.first().map_or(0, Vec::len));
    let few = |what: &str, found| TrainError::TooFew { what: what.to_owned(), found, expected: 2 };
    if n < 2 {
        return Err(few("blocks", n));
    }
    if k < 2 {
        return Err(few("treatments", k));
    }
    if let Some(b) = blocks.iter().find(|b| b.len() != k) {
        return Err(TrainError::Width { found: b.len(), expected: k });
    }
    let mut block_ranks: Vec<Vec<f64>> = blocks.iter().map(|b| ranks(b)).collect();
    let mean_ranks = (0..k).map(|j| block_ranks.iter().map(|r| r[j]).sum::<f64>() / n as f64).collect();
    let chi_squared = statistic(&block_ranks);
    let mut random = stream(seed, Purpose::Learners, 0);
    let beaten = (0..PERMUTATIONS).filter(|_| {
        block_ranks.iter_mut().for_each(|r| random.shuffle(r));
        statistic(&block_ranks) >= chi_squared - 1e-9
    });
    let p = permutation_p(beaten.count(), PERMUTATIONS);
    let kf = k as f64;
    let critical_difference = NEMENYI.get(k - 2).map(|q| q * (kf * (kf + 1.0) / (6.0 * n as f64)).sqrt());
    Ok(Friedman { mean_ranks, chi_squared, p, critical_difference, blocks: n })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;

    const BLOCKS: [[f64; 3]; 4] = [[0.9, 0.5, 0.1], [0.8, 0.6, 0.2], [0.7, 0.6, 0.5], [0.3, 0.4, 0.2]];

    /// The statistic is SciPy's `friedmanchisquare` on the same numbers, 6.5; p is that of all 1296 permutations.
    #[test]
    fn friedman_agrees_with_the_formula_and_with_all_permutations() {
        let blocks = BLOCKS.map(|b| b.to_vec());
        let f = friedman(&blocks, 1).unwrap();
        let formula =
            |sums: &[f64]| 12.0 / (4.0 * 3.0 * 4.0) * sums.iter().map(|r| r * r).sum::<f64>() - 3.0 * 4.0 * 4.0;
        let sums: Vec<f64> = f.mean_ranks.iter().map(|r| r * 4.0).collect();
        assert!((f.chi_squared - formula(&sums)).abs() < 1e-9 && (f.chi_squared - 6.5).abs() < 1e-9, "{f:?}");
        let orders =
            [[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [2.0, 1.0, 3.0], [2.0, 3.0, 1.0], [3.0, 1.0, 2.0], [3.0, 2.0, 1.0]];
        let beaten = (0..1296usize).filter(|code| {
            let rows = [code % 6, code / 6 % 6, code / 36 % 6, code / 216].map(|o| orders[o]);
            formula(&[0, 1, 2].map(|j| rows.iter().map(|r| r[j]).sum::<f64>())) >= 6.5 - 1e-9
        });
        let exact = beaten.count() as f64 / 1296.0;
        assert!((f.p - exact).abs() < 3.5 * (exact * (1.0 - exact) / 9999.0).sqrt(), "{} against {exact}", f.p);
        assert!((f.critical_difference.unwrap() - 2.343 * (12.0f64 / 24.0).sqrt()).abs() < 1e-12);
        assert!(friedman(&blocks[..1], 1).is_err());
    }

    /// Ties: by the definition, ranks of equals shared (SciPy gives 3.8461538 for these).
    #[test]
    fn ties_are_corrected_for() {
        let f =
            friedman(&[vec![0.9, 0.9, 0.1], vec![0.8, 0.6, 0.2], vec![0.7, 0.6, 0.7], vec![0.3, 0.4, 0.4]], 1).unwrap();
        let rank = [[1.5, 1.5, 3.0], [1.0, 2.0, 3.0], [1.5, 3.0, 1.5], [3.0, 1.5, 1.5]];
        let mean: Vec<f64> = (0..3).map(|j| rank.iter().map(|r| r[j]).sum::<f64>() / 4.0).collect();
        let between: f64 = 4.0 * mean.iter().map(|m| (m - 2.0).powi(2)).sum::<f64>();
        let within: f64 = rank.iter().flatten().map(|r| (r - 2.0f64).powi(2)).sum::<f64>() / (4.0 * 2.0);
        assert!((f.chi_squared - between / within).abs() < 1e-9, "{} {}", f.chi_squared, between / within);
    }

    /// Worlds in which no learner is better than another in general, though in every corpus some are: p is below 0.05 in about 5 % of
    /// them (three standard deviations of a binomial share either way), and would be in most if contexts were blocks.
    #[test]
    fn without_a_difference_p_is_small_in_one_world_of_twenty() {
        const WORLDS: usize = 1000;
        let (mut corpora, mut contexts) = (0, 0);
        for world in 0..WORLDS as u64 {
            let mut r = Random(world);
            let mut figures = Vec::new();
            for corpus in ["a", "b", "c", "d"] {
                let own: Vec<f64> = (0..7).map(|_| 0.6 + 0.03 * r.normal()).collect();
                figures.extend((0..10).map(|_| (corpus, own.iter().map(|v| v + 0.01 * r.normal()).collect())));
            }
            corpora += usize::from(friedman(&by_corpus(&figures), world).unwrap().p < 0.05);
            let each: Vec<Vec<f64>> = figures.into_iter().map(|f| f.1).collect();
            contexts += usize::from(world < 100 && friedman(&each, world).unwrap().p < 0.05);
        }
        let share = corpora as f64 / WORLDS as f64;
        eprintln!("p < 0.05 in {share:.3} of worlds over corpora, in {:.2} over contexts", contexts as f64 / 100.0);
        assert!((share - 0.05).abs() <= 3.0 * (0.05 * 0.95 / WORLDS as f64).sqrt(), "{share}");
        assert!(contexts > 80, "{contexts} of 100 with contexts as blocks");
    }
}
