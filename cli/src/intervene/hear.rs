//! Recordings heard in every version, and remembered by the content of the file and of the model.

use super::sample::Sampled;
use crate::identify::sound::{Sound, hex, read, read_channels};
use crate::memory::{remember, remembered};
use crate::progress::Progress;
use affect::intervene::{Schedule, Subject, Trial, TrialError};
use affect_media::files::to_name;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Version of what is remembered: other numbers under the same name need another one.
const MEMORY: &str = "1";

/// A recording that was heard.
pub struct Heard {
    /// Who speaks, where somebody says.
    pub speaker: Option<String>,
    /// What was heard.
    pub trial: Trial,
}

/// How recordings are heard.
pub struct Ears<'a> {
    /// The model.
    pub subject: &'a Subject,
    /// How it is asked, for the names of what is remembered.
    pub rule: String,
    /// Properties and doses.
    pub schedule: &'a Schedule,
    /// Which channel; the mean of all without it.
    pub channel: Option<usize>,
    /// Folder of what is remembered.
    pub cache: PathBuf,
}

/// Files that take no part, and why.
pub type LeftOut = Vec<(String, String)>;

impl Ears<'_> {
    fn place(&self, content: &str, s: &Sampled) -> PathBuf {
        let mut h = Sha256::new();
        let model = self.subject.model();
        let part = format!("{:?} {:?} {:?}", s.listed.start_s, s.listed.end_s, self.channel);
        // A card beside the model decides on its numbers as well.
        let card = model.card().map(affect::model::card::Card::to_json).unwrap_or_default();
        for text in
            [MEMORY, content, &part, &self.rule, model.sha256(), &card, model.engine(), env!("CARGO_PKG_VERSION")]
        {
            h.update(text.as_bytes());
            h.update([0]);
        }
        let name = hex(&h.finalize());
        self.cache.join(&name[..2]).join(format!("{}.json", &name[2..]))
    }

    fn sound(&self, s: &Sampled, stop: &AtomicBool) -> Result<Sound, String> {
        let path = &s.listed.path;
        let mut sound = match self.channel {
            None => read(path, stop)?,
            Some(channel) => {
                let mut channels = read_channels(path, stop)?;
                if channel >= channels.len() {
                    return Err(format!("--channel {channel}: expected 0 to {}", channels.len() - 1));
                }
                channels.swap_remove(channel)
            }
        };
        sound.cut(s.listed.start_s, s.listed.end_s);
        Ok(sound)
    }

    /// One recording; `None` where it was stopped.
    fn one(&self, s: &Sampled, stop: &AtomicBool) -> Result<Option<Trial>, String> {
        let bytes = std::fs::read(&s.listed.path).map_err(|e| e.to_string())?;
        let place = self.place(&hex(&Sha256::digest(&bytes)), s);
        drop(bytes);
        let combinations = self.schedule.combinations();
        let known = remembered::<Trial>(&place).filter(|k| k.fits(self.subject));
        if let Some(k) = known.as_ref().filter(|k| k.has(&combinations)) {
            return Ok(Some(k.clone()));
        }
        let sound = self.sound(s, stop)?;
        let stopped = || stop.load(Ordering::Relaxed);
        match Trial::new(self.subject, sound.single(), sound.rate_hz, &combinations, known, &stopped) {
            Ok(trial) => {
                remember(&place, &trial)?;
                Ok(Some(trial))
            }
            Err(TrialError::Stopped(part)) => {
                remember(&place, &part)?;
                Ok(None)
            }
            Err(e) => Err(e.to_string()),
        }
    }

    /// All recordings, in their order, and those that take no part.
    pub fn all(&self, sampled: &[Sampled], quiet: bool, stop: &AtomicBool) -> Result<(Vec<Heard>, LeftOut), String> {
        let progress = Progress::count(quiet, "recordings");
        progress.set_total(sampled.len() as u64);
        let left_out = Mutex::new(Vec::new());
        let heard: Vec<Option<Heard>> = sampled
            .par_iter()
            .map(|s| {
                if stop.load(Ordering::Relaxed) {
                    return None;
                }
                let outcome = self.one(s, stop);
                progress.step();
                match outcome {
                    Ok(trial) => trial.map(|trial| Heard { speaker: s.speaker.clone(), trial }),
                    Err(why) => {
                        let mut list = left_out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        list.push((to_name(&s.listed.path), why));
                        None
                    }
                }
            })
            .collect();
        if stop.load(Ordering::Relaxed) {
            return Err("interrupted: what was heard is kept, the next run goes on from there".to_owned());
        }
        let mut left_out = left_out.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        left_out.sort();
        Ok((heard.into_iter().flatten().collect(), left_out))
    }
}
