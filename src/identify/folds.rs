//! Cross-validation folds that share neither speaker, session nor sound, and the audit through which alone they are made.
//!
//! Recordings of one speaker, of one session of a corpus, and of the same sound under two names are tied; what is tied, directly
//! or through others, is one group, and a group lies in one fold.

use super::error::{Leak, TrainError};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What ties a recording to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ties {
    /// The recording, for messages.
    pub file: String,
    /// Who speaks, across corpora.
    pub speaker: String,
    /// The session, across corpora.
    pub session: Option<String>,
    /// Hash of the samples; empty where it is not known.
    pub audio: String,
}

/// One kind of tie: what it is of a recording, and the leak that parting it would be.
type Kind = (fn(&Ties) -> Option<&String>, fn(&str, [String; 2]) -> Leak);

const KINDS: [Kind; 3] = [
    (|t| Some(&t.speaker), |name, files| Leak::Speaker { speaker: name.to_owned(), files }),
    (|t| t.session.as_ref(), |name, files| Leak::Session { session: name.to_owned(), files }),
    (|t| Some(&t.audio).filter(|a| !a.is_empty()), |_, files| Leak::Recording { files }),
];

/// A fold for every recording. There is no way to make one but through the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    fold_of: Vec<usize>,
    group_of: Vec<usize>,
    count: usize,
}

impl Folds {
    /// The folds that a corpus gives, where it gives one for every recording; else groups are dealt out to at most `count` folds,
    /// those with most recordings first, to the fold that has least.
    ///
    /// # Errors
    /// [`TrainError::Leak`] where given folds part what is tied; [`TrainError::TooFew`] where there are fewer than two folds, or
    /// fewer than two groups to deal out.
    pub fn new(ties: &[Ties], given: Option<Vec<usize>>, count: usize) -> Result<Self, TrainError> {
        let group_of = groups(ties);
        let fold_of = match given.filter(|g| g.len() == ties.len()) {
            Some(given) => given,
            None => {
                let found = group_of.iter().max().map_or(0, |m| m + 1);
                if found < 2 {
                    let what = "groups of speakers that share no session and no recording".to_owned();
                    return Err(TrainError::TooFew { what, found, expected: 2 });
                }
                dealt(&group_of, count)
            }
        };
        audit(ties, &fold_of)?;
        let mut names = fold_of.clone();
        names.sort_unstable();
        names.dedup();
        if names.len() < 2 {
            return Err(TrainError::TooFew { what: "folds".to_owned(), found: names.len(), expected: 2 });
        }
        let fold_of = fold_of.iter().map(|f| names.binary_search(f).unwrap_or(0)).collect();
        Ok(Self { fold_of, group_of, count: names.len() })
    }

    /// Number of folds, at least two.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The fold of every recording, from 0 without holes.
    #[must_use]
    pub fn fold_of(&self) -> &[usize] {
        &self.fold_of
    }

    /// Recordings outside and inside a fold's training part: `(tested, learnt from)`.
    #[must_use]
    pub fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.fold_of.len()).partition(|i| self.fold_of[*i] == fold)
    }

    /// At most `count` splits of some recordings into `(tested, learnt from)` that part no group: folds inside a training part.
    /// None where the recordings are of one group.
    #[must_use]
    pub fn inner(&self, recordings: &[usize], count: usize) -> Vec<(Vec<usize>, Vec<usize>)> {
        let mut present: Vec<usize> = recordings.iter().map(|i| self.group_of[*i]).collect();
        present.sort_unstable();
        present.dedup();
        if present.len() < 2 {
            return Vec::new();
        }
        let count = count.clamp(2, present.len());
        let part = |i: &usize| present.binary_search(&self.group_of[*i]).unwrap_or(0) % count;
        (0..count).map(|k| recordings.iter().partition(|i| part(i) == k)).collect()
    }
}

/// Refuses folds that part what is tied.
fn audit(ties: &[Ties], fold_of: &[usize]) -> Result<(), Leak> {
    for (key, leak) in KINDS {
        let mut seen: BTreeMap<&String, usize> = BTreeMap::new();
        for (i, t) in ties.iter().enumerate() {
            let Some(name) = key(t) else { continue };
            match seen.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(i);
                }
                Entry::Occupied(first) if fold_of[*first.get()] != fold_of[i] => {
                    return Err(leak(name, [ties[*first.get()].file.clone(), t.file.clone()]));
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    Ok(())
}

/// The group of every recording: connected components over all ties, numbered by the first of their speakers in alphabetical
/// order.
fn groups(ties: &[Ties]) -> Vec<usize> {
    let mut above: Vec<usize> = (0..ties.len()).collect();
    fn root(above: &mut [usize], mut i: usize) -> usize {
        while above[i] != i {
            above[i] = above[above[i]];
            i = above[i];
        }
        i
    }
    for (key, _) in KINDS {
        let mut first: BTreeMap<&String, usize> = BTreeMap::new();
        for (i, t) in ties.iter().enumerate() {
            let Some(name) = key(t) else { continue };
            let other = *first.entry(name).or_insert(i);
            let (a, b) = (root(&mut above, other), root(&mut above, i));
            above[b] = a;
        }
    }
    let roots: Vec<usize> = (0..ties.len()).map(|i| root(&mut above, i)).collect();
    let mut first_speaker: BTreeMap<usize, &String> = BTreeMap::new();
    for (r, t) in roots.iter().zip(ties) {
        let name = first_speaker.entry(*r).or_insert(&t.speaker);
        *name = (*name).min(&t.speaker);
    }
    let mut order: Vec<(&String, usize)> = first_speaker.into_iter().map(|(r, name)| (name, r)).collect();
    order.sort_unstable();
    let number: BTreeMap<usize, usize> = order.iter().enumerate().map(|(k, (_, r))| (*r, k)).collect();
    roots.iter().map(|r| number[r]).collect()
}

/// Groups dealt out: those that come most first, to the fold that has least.
fn dealt(group_of: &[usize], count: usize) -> Vec<usize> {
    let mut sizes = vec![0; group_of.iter().max().map_or(0, |m| m + 1)];
    group_of.iter().for_each(|g| sizes[*g] += 1);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|a, b| sizes[*b].cmp(&sizes[*a]).then(a.cmp(b)));
    let mut loads = vec![0; count.clamp(2, sizes.len().max(2))];
    let mut fold_of = vec![0; sizes.len()];
    for g in order {
        let least = (0..loads.len()).min_by_key(|k| loads[*k]).unwrap_or(0);
        loads[least] += sizes[g];
        fold_of[g] = least;
    }
    group_of.iter().map(|g| fold_of[*g]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;

    fn tied(file: &str, speaker: &str, session: &str, audio: &str) -> Ties {
        let session = (!session.is_empty()).then(|| session.to_owned());
        Ties { file: file.to_owned(), speaker: speaker.to_owned(), session, audio: audio.to_owned() }
    }

    #[test]
    fn leaks_are_named() {
        let list = [tied("a", "1", "", "x"), tied("b", "2", "", "y"), tied("c", "1", "", "z"), tied("d", "3", "", "x")];
        let given = |folds: &[usize]| Folds::new(&list, Some(folds.to_vec()), 2);
        assert_eq!(given(&[7, 9, 7, 7]).unwrap().fold_of(), [0, 1, 0, 0]);
        let e = given(&[0, 1, 1, 0]).unwrap_err();
        assert_eq!(e, TrainError::Leak(Leak::Speaker { speaker: "1".into(), files: ["a".into(), "c".into()] }));
        let e = given(&[0, 1, 0, 1]).unwrap_err();
        assert!(e.to_string().contains("a and d are the same recording"), "{e}");
        assert!(given(&[0; 4]).unwrap_err().to_string().contains("1 folds"));
        let rooms = [tied("a", "1", "x/one", ""), tied("b", "2", "x/one", "")];
        let e = Folds::new(&rooms, Some(vec![0, 1]), 2).unwrap_err();
        assert!(e.to_string().contains("session \"x/one\"") && e.to_string().contains("(a and b)"), "{e}");
    }

    /// Sessions join speakers: one who speaks in two sessions joins both, and all who speak there.
    #[test]
    fn speakers_of_several_sessions_are_dealt_out_together() {
        let list = [
            tied("a", "1", "s1", ""),
            tied("b", "1", "s2", ""),
            tied("c", "2", "s2", ""),
            tied("d", "3", "s3", ""),
            tied("e", "3", "s4", ""),
            tied("f", "4", "", "same"),
            tied("g", "5", "", "same"),
        ];
        let folds = Folds::new(&list, None, 3).unwrap();
        let f = folds.fold_of();
        assert!(f[0] == f[1] && f[1] == f[2] && f[3] == f[4] && f[5] == f[6], "{f:?}");
        assert_eq!(folds.count(), 3);
        let one = [tied("a", "1", "s", ""), tied("b", "2", "s", "")];
        let e = Folds::new(&one, None, 3).unwrap_err();
        assert_eq!(e.to_string(), "1 groups of speakers that share no session and no recording: expected at least 2");
    }

    /// Any ties: no fold, and no fold inside a training part, has anything in common with what is outside it.
    #[test]
    fn nothing_that_is_tied_is_parted() {
        let mut r = Random(5);
        for _ in 0..300 {
            let n = 8 + r.below(30);
            let mut name = |of: usize, empty: f64| {
                if r.uniform() < empty { String::new() } else { format!("n{}", r.below(of)) }
            };
            let list: Vec<Ties> =
                (0..n).map(|i| tied(&i.to_string(), &name(12, 0.0), &name(20, 0.5), &name(60, 0.3))).collect();
            let Ok(folds) = Folds::new(&list, None, 4) else { continue };
            let apart = |a: &[usize], b: &[usize]| {
                for i in a.iter().map(|i| &list[*i]) {
                    for j in b.iter().map(|j| &list[*j]) {
                        assert_ne!(i.speaker, j.speaker);
                        assert!(i.session.is_none() || i.session != j.session);
                        assert!(i.audio.is_empty() || i.audio != j.audio);
                    }
                }
            };
            for k in 0..folds.count() {
                let (outside, inside) = folds.split(k);
                assert!(!outside.is_empty() && !inside.is_empty());
                apart(&outside, &inside);
                for (tested, learnt) in folds.inner(&inside, 3) {
                    assert!(!tested.is_empty() && !learnt.is_empty());
                    assert_eq!(tested.len() + learnt.len(), inside.len());
                    apart(&tested, &learnt);
                }
            }
        }
    }
}
