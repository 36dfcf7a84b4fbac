//! Recordings that are asked about: as a study's tables name them, or files; evenly from the speakers where there are too many.

use super::InterveneArgs;
use super::hear::LeftOut;
use crate::identify::manifest::Listed;
use crate::identify::tables;
use affect::identify::pool::Recording;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A recording, and who speaks.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// The file, and where in it.
    pub listed: Listed,
    /// Who speaks, across corpora, where a study says.
    pub speaker: Option<String>,
}

/// The recordings, and what named none.
pub fn recordings(args: &InterveneArgs) -> Result<(Vec<Sampled>, LeftOut), String> {
    let found = args.inputs.find()?;
    let mut problems: LeftOut = found.problems.iter().map(|p| (p.clone(), "names no recording".to_owned())).collect();
    let toml = |f: &&std::path::PathBuf| f.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
    if let Some(several) = found.files.iter().find(toml).filter(|_| found.files.len() > 1) {
        return Err(format!("{}: expected one study, or recordings, not both", several.display()));
    }
    let study = match &found.files[..] {
        [only] => super::study(args, only)?,
        _ => None,
    };
    let all: Vec<Sampled> = match study {
        Some(plan) => {
            problems = Vec::new();
            let of = |listed: Listed| Sampled { speaker: Some(listed.recording.who()), listed };
            tables(&plan)?.into_iter().map(of).collect()
        }
        None => {
            let of = |(path, name): (&std::path::PathBuf, &String)| Sampled {
                speaker: None,
                listed: Listed {
                    recording: Recording { file: name.clone(), ..Recording::default() },
                    path: path.clone(),
                    start_s: None,
                    end_s: None,
                },
            };
            found.files.iter().zip(&found.names).map(of).collect()
        }
    };
    if all.is_empty() {
        return Err("expected recordings: none were named".to_owned());
    }
    Ok((evenly(all, args.sample, args.seed), problems))
}

/// At most `most` recordings (0 for all), from every speaker about as many, in an order that follows from their names and the seed.
fn evenly(all: Vec<Sampled>, most: usize, seed: u64) -> Vec<Sampled> {
    if most == 0 || all.len() <= most {
        return all;
    }
    let mut by_speaker: BTreeMap<Option<String>, Vec<([u8; 32], Sampled)>> = BTreeMap::new();
    for s in all {
        let name = format!("{seed} {} {:?} {:?}", s.listed.recording.file, s.listed.start_s, s.listed.end_s);
        by_speaker.entry(s.speaker.clone()).or_default().push((Sha256::digest(name).into(), s));
    }
    let mut lists: Vec<_> = by_speaker.into_values().collect();
    lists.iter_mut().for_each(|l| l.sort_by_key(|x| std::cmp::Reverse(x.0)));
    // Who comes first in a round that is not complete follows from the names too.
    lists.sort_by_key(|l| l.last().map(|x| x.0));
    let mut out = Vec::new();
    while out.len() < most && lists.iter().any(|l| !l.is_empty()) {
        for list in &mut lists {
            if out.len() < most {
                out.extend(list.pop().map(|x| x.1));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(speaker: &str, file: &str) -> Sampled {
        Sampled {
            speaker: Some(speaker.to_owned()),
            listed: Listed {
                recording: Recording { file: file.to_owned(), ..Recording::default() },
                path: file.into(),
                start_s: None,
                end_s: None,
            },
        }
    }

    #[test]
    fn speakers_have_even_shares() {
        let many = || {
            let a = (0..40).map(|k| sampled("a", &format!("a{k}")));
            a.chain((0..3).map(|k| sampled("b", &format!("b{k}")))).collect::<Vec<_>>()
        };
        let taken = evenly(many(), 10, 1);
        assert_eq!(taken.iter().filter(|s| s.speaker.as_deref() == Some("b")).count(), 3);
        assert_eq!(taken.len(), 10);
        let names = |l: &[Sampled]| l.iter().map(|s| s.listed.recording.file.clone()).collect::<Vec<_>>();
        assert_eq!(names(&taken), names(&evenly(many(), 10, 1)));
        assert_ne!(names(&taken), names(&evenly(many(), 10, 2)));
        assert_eq!(evenly(many(), 0, 1).len(), 43);
    }
}
