//! What a study is made of, as its configuration file says it.

use affect::identify::condition::Condition;
use affect::identify::learners::Learner;
use affect::identify::train::Reference;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Seed of everything that is drawn at random.
    #[serde(default = "one")]
    pub seed: u64,
    /// Feature set.
    #[serde(default = "affect_v1")]
    pub feature_set: String,
    /// How recordings are heard; the first one is the one that all else is compared with.
    #[serde(default = "clean")]
    pub conditions: Vec<String>,
    /// Labels to keep, harmonised; all of them without.
    pub labels: Option<Vec<String>>,
    /// Labels for transfers between corpora.
    pub common: Option<Vec<String>>,
    /// Learners that vote; all of them without.
    pub learners: Option<Vec<String>>,
    /// Draws of speakers for intervals.
    pub draws: Option<usize>,
    /// Permutations of labels.
    pub permutations: Option<usize>,
    /// Complementary pairs.
    pub pairs: Option<usize>,
    /// Numbers of features on curves.
    pub sizes: Option<Vec<usize>>,
    /// The corpora.
    #[serde(default)]
    pub corpus: Vec<Corpus>,
    /// Synthetic speech in which only one property carries the label, instead of corpora.
    pub planted: Option<Planted>,
    /// Models to train and export.
    #[serde(default)]
    pub model: Vec<ModelPlan>,
}

/// One corpus.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// Its name.
    pub name: String,
    /// Folder that the files are relative to.
    pub root: PathBuf,
    /// Tables with a column `file`, joined by it: speaker, emotion, and optionally language, sex, sentence, session, fold.
    pub manifest: Tables,
    /// One more table, with columns file and fold.
    pub folds: Option<PathBuf>,
    /// Language of all recordings, where the tables do not say.
    pub language: Option<String>,
    /// Licence, for the report and the card.
    #[serde(default)]
    pub licence: String,
}

/// One table or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Tables {
    /// One.
    One(PathBuf),
    /// Several, joined by `file`.
    Many(Vec<PathBuf>),
}

impl Tables {
    /// All of them.
    pub fn list(&self) -> Vec<&PathBuf> {
        match self {
            Self::One(p) => vec![p],
            Self::Many(list) => list.iter().collect(),
        }
    }
}

/// Synthetic speech.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planted {
    /// What carries the label: `f0`, `tilt`, `modulation`, `jitter`, or `nothing`.
    pub carries: String,
    /// Speakers.
    #[serde(default = "eight")]
    pub speakers: usize,
    /// Recordings of each speaker.
    #[serde(default = "sixteen")]
    pub recordings: usize,
}

/// A model to train.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPlan {
    /// The file to write, relative to the study's folder.
    pub path: PathBuf,
    /// Name in results.
    pub id: String,
    /// Version.
    #[serde(default = "version")]
    pub version: String,
    /// What it is, for its card.
    #[serde(default)]
    pub description: String,
    /// Licence of the weights.
    #[serde(default)]
    pub licence: String,
    /// Corpora to learn from; all without.
    pub corpora: Option<Vec<String>>,
    /// How the corpora are called on the card; their names without.
    pub credits: Option<Vec<String>>,
    /// Labels; without, those of a single corpus, or of several those that at least two of them have.
    pub labels: Option<Vec<String>>,
    /// Conditions to learn from; the first one without.
    pub conditions: Option<Vec<String>>,
    /// What features are compared with: `training`, `speaker` or `both`.
    #[serde(default = "training")]
    pub reference: String,
    /// Learners with strengths, such as `logistic:0.005`; without, the best is chosen.
    pub learners: Option<Vec<String>>,
    /// Keep features that move with the gain.
    #[serde(default)]
    pub level: bool,
    /// Beginnings of the names of features that are left out, such as `mfcc`.
    #[serde(default)]
    pub without: Vec<String>,
    /// Means of labels instead of recordings' rows as background.
    #[serde(default)]
    pub prototypes: bool,
    /// Write the rows that it was trained on beside it.
    #[serde(default)]
    pub keep_features: bool,
    /// Share of the least sure answers that are not given.
    #[serde(default = "tenth")]
    pub silent: f64,
    /// What it cannot do.
    #[serde(default)]
    pub limits: Vec<String>,
}

fn one() -> u64 {
    1
}
fn eight() -> usize {
    8
}
fn sixteen() -> usize {
    16
}
fn tenth() -> f64 {
    0.1
}
fn version() -> String {
    "1".to_owned()
}
fn training() -> String {
    "training".to_owned()
}
fn affect_v1() -> String {
    "affect-v1".to_owned()
}
fn clean() -> Vec<String> {
    vec!["clean".to_owned()]
}

impl Study {
    /// Reads a file; folders in it are relative to `base`, or to the file. Gives its text as well.
    pub fn read(path: &Path, base: Option<&Path>) -> Result<(Self, String), String> {
        let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| named(&e))?;
        let base = base.or(path.parent()).unwrap_or(Path::new(""));
        Ok((Self::parse(&text, base).map_err(|e| named(&e))?, text))
    }

    /// Reads the text of a file; folders in it are relative to `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, String> {
        let mut study: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        for c in &mut study.corpus {
            c.root = base.join(&c.root);
            let place = |p: &PathBuf| c.root.join(p);
            c.manifest = Tables::Many(c.manifest.list().into_iter().map(place).collect());
            c.folds = c.folds.as_ref().map(place);
        }
        study.check()?;
        Ok(study)
    }

    fn check(&self) -> Result<(), String> {
        if self.corpus.is_empty() == self.planted.is_none() {
            return Err("expected [[corpus]] sections, or one [planted] section".to_owned());
        }
        let mut names: Vec<&String> = self.corpus.iter().map(|c| &c.name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
            return Err(format!("two corpora are called \"{}\"", twice[0]));
        }
        if self.conditions.is_empty() {
            return Err("conditions: expected at least one, such as \"clean\"".to_owned());
        }
        for c in &self.conditions {
            Condition::parse(c).map_err(|e| e.to_string())?;
        }
        self.learners()?;
        for m in &self.model {
            m.learners()?;
            if let Some(c) = m.corpora.iter().flatten().find(|c| !self.corpus.iter().any(|x| x.name == **c)) {
                return Err(format!("model {}: no corpus is called \"{c}\"", m.id));
            }
            if let Some(c) = m.conditions.iter().flatten().find(|c| !self.conditions.contains(c)) {
                return Err(format!("model {}: condition \"{c}\" is not among the study's", m.id));
            }
            if Reference::parse(&m.reference).is_none() {
                let known = Reference::NAMES.join(", ");
                return Err(format!("model {}: reference \"{}\": expected one of {known}", m.id, m.reference));
            }
            if !(0.0..1.0).contains(&m.silent) {
                return Err(format!("model {}: silent {}: expected 0 to below 1", m.id, m.silent));
            }
        }
        Ok(())
    }

    /// The learners that vote.
    pub fn learners(&self) -> Result<Vec<Learner>, String> {
        let known = || Learner::ALL.map(|l| l.name()).join(", ");
        match &self.learners {
            None => Ok(Learner::ALL.to_vec()),
            Some(list) => list
                .iter()
                .map(|n| Learner::parse(n).ok_or_else(|| format!("learner \"{n}\": expected one of {}", known())))
                .collect(),
        }
    }
}

impl ModelPlan {
    /// Learners with strengths, where they are given.
    pub fn learners(&self) -> Result<Option<Vec<(Learner, f64)>>, String> {
        let one = |text: &String| {
            let (name, strength) = text.split_once(':').map_or((text.as_str(), None), |(n, s)| (n, Some(s)));
            let learner = Learner::parse(name).ok_or_else(|| {
                format!(
                    "model {}: learner \"{name}\": expected one of {}",
                    self.id,
                    Learner::ALL.map(|l| l.name()).join(", ")
                )
            })?;
            let strength = match strength {
                None => learner.strength(),
                Some(s) => s
                    .parse()
                    .ok()
                    .filter(|v: &f64| v.is_finite() && *v > 0.0)
                    .ok_or_else(|| format!("model {}: strength \"{s}\": expected a number above 0", self.id))?,
            };
            Ok((learner, strength))
        };
        self.learners.as_ref().map(|l| l.iter().map(one).collect()).transpose()
    }
}
