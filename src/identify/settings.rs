//! Settings of a study.

use super::learners::Learner;

/// Extent of a study: its learners, and how often it draws, permutes and splits.
#[derive(Debug, Clone, PartialEq)]
pub struct StudySettings {
    /// Seed of everything that is drawn at random.
    pub seed: u64,
    /// The learners that vote.
    pub learners: Vec<Learner>,
    /// What is chosen from inside the folds.
    pub candidates: Vec<(Learner, f64)>,
    /// Draws of speakers.
    pub draws: usize,
    /// Permutations of labels.
    pub permutations: usize,
    /// Complementary pairs.
    pub pairs: usize,
    /// Numbers of features on curves.
    pub sizes: Vec<usize>,
    /// Labels for transfers between corpora.
    pub common: Vec<String>,
    /// Licences by corpus.
    pub licences: Vec<(String, String)>,
}

impl Default for StudySettings {
    fn default() -> Self {
        Self {
            seed: 1,
            learners: Learner::ALL.to_vec(),
            candidates: vec![
                (Learner::Logistic, 0.02),
                (Learner::Logistic, 0.1),
                (Learner::Logistic, 0.005),
                (Learner::Sparse, 0.05),
                (Learner::KernelSvm, 1.0),
            ],
            draws: 500,
            permutations: 499,
            pairs: 25,
            sizes: vec![5, 10, 20, 40, 80],
            common: ["anger", "happiness", "neutral", "sadness"].map(str::to_owned).to_vec(),
            licences: Vec::new(),
        }
    }
}
