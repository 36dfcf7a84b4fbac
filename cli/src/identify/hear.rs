//! Recordings heard: decoded, put under conditions, analysed; and remembered by the content of the file.

use super::manifest::Listed;
use super::sound::{hex, read};
use crate::memory::{remember, remembered};
use crate::progress::Progress;
use affect::analyzer::FeatureSet;
use affect::identify::condition::Condition;
use affect::identify::extract::features;
use affect::identify::pool::{Facts, Heard, Pool};
use affect_media::files::to_name;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Version of what is remembered: other numbers under the same name need another one.
const MEMORY: &str = "3";

/// A file that cannot be read, and why.
pub type Unreadable = (String, String);

/// One recording under one condition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Known {
    /// Hash of the samples.
    audio: String,
    facts: Facts,
    values: Vec<Option<f32>>,
    speech_s: f64,
}

/// Where and how recordings are heard.
pub struct Ears<'a> {
    /// Feature set.
    pub set: FeatureSet,
    /// Conditions by name.
    pub conditions: &'a [String],
    /// Folder of what is remembered.
    pub memory: Option<PathBuf>,
    /// Set by an interrupt.
    pub stop: &'a AtomicBool,
    /// Shows how far it is.
    pub progress: &'a Progress,
}

impl Ears<'_> {
    fn place(&self, content: &str, condition: &str, l: &Listed) -> Option<PathBuf> {
        let mut h = Sha256::new();
        let part = part(l);
        for text in [MEMORY, content, condition, self.set.name(), self.set.version(), env!("CARGO_PKG_VERSION"), &part]
        {
            h.update(text.as_bytes());
            h.update([0]);
        }
        let name = hex(&h.finalize());
        self.memory.as_ref().map(|m| m.join(&name[..2]).join(format!("{}.json", &name[2..])))
    }

    /// One recording under all conditions.
    fn one(&self, l: &Listed) -> Result<Vec<Known>, String> {
        let bytes = std::fs::read(&l.path).map_err(|e| e.to_string())?;
        let content = hex(&Sha256::digest(&bytes));
        drop(bytes);
        let mut sound = None;
        let mut out = Vec::new();
        for name in self.conditions {
            let place = self.place(&content, name, l);
            if let Some(k) = place.as_deref().and_then(remembered::<Known>) {
                out.push(k);
                continue;
            }
            if sound.is_none() {
                let mut s = read(&l.path, self.stop)?;
                s.cut(l.start_s, l.end_s);
                sound = Some((s.hash(), Facts::of(&s.single(), s.rate_hz), s));
            }
            let Some((audio, facts, clean)) = &sound else { continue };
            let condition = Condition::parse(name).map_err(|e| e.to_string())?;
            // Parts of one file are no more alike in their noise than files are.
            let whole = l.start_s.is_none() && l.end_s.is_none();
            let name = if whole { content.clone() } else { hex(&Sha256::digest(format!("{content} {}", part(l)))) };
            let seed = u64::from_str_radix(&name[..15], 16).unwrap_or(1);
            let (values, speech_s) = match &condition {
                Condition::Pipeline(elements) => {
                    let heard = clean.through(elements, self.stop)?;
                    features(&heard.samples, heard.rate_hz, self.set)
                }
                Condition::Clean => features(&clean.samples, clean.rate_hz, self.set),
                c => features(&c.apply(&clean.single(), clean.rate_hz, seed), clean.rate_hz, self.set),
            }
            .map_err(|e| e.to_string())?;
            let known = Known { audio: audio.clone(), facts: *facts, values, speech_s };
            if let Some(p) = place {
                remember(&p, &known)?;
            }
            out.push(known);
        }
        Ok(out)
    }

    /// All recordings as a pool, and those that cannot be read with the reason.
    pub fn all(&self, listed: &[Listed]) -> Result<(Pool, Vec<Unreadable>), String> {
        let (pool, _, broken) = self.each(listed)?;
        Ok((pool, broken))
    }

    /// The same, with the place in the list of every recording of the pool.
    pub fn each(&self, listed: &[Listed]) -> Result<(Pool, Vec<usize>, Vec<Unreadable>), String> {
        self.progress.set_total(listed.len() as u64);
        let broken = Mutex::new(Vec::new());
        let known: Vec<Option<Vec<Known>>> = listed
            .par_iter()
            .map(|l| {
                if self.stop.load(Ordering::Relaxed) {
                    return None;
                }
                let outcome = self.one(l);
                self.progress.step();
                outcome
                    .map_err(|e| {
                        let mut unreadable = broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        unreadable.push((to_name(&l.path), e));
                    })
                    .ok()
            })
            .collect();
        if self.stop.load(Ordering::Relaxed) {
            return Err("interrupted: what was heard is kept, the next run goes on from there".to_owned());
        }
        let mut pool = Pool::of(self.set.name(), self.set.version(), self.set.functionals());
        pool.heard = self.conditions.iter().map(|c| Heard { condition: c.clone(), ..Heard::default() }).collect();
        let mut places = Vec::new();
        for (k, (l, by_condition)) in listed.iter().zip(known).enumerate() {
            let Some(by_condition) = by_condition else { continue };
            places.push(k);
            let mut recording = l.recording.clone();
            for (place, k) in pool.heard.iter_mut().zip(by_condition) {
                recording.audio = k.audio;
                recording.facts = k.facts;
                place.values.push(k.values);
                place.speech_s.push(k.speech_s);
            }
            pool.recordings.push(recording);
        }
        let mut broken = broken.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        broken.sort();
        Ok((pool, places, broken))
    }
}

/// Which part of a file is meant.
pub fn part(l: &Listed) -> String {
    format!("{:?} {:?}", l.start_s, l.end_s)
}
