//! Hidden states of recordings by a model and by the same architecture with random weights; remembered by the content of the file and the
//! hash of the model.

use super::kept;
use crate::identify::hear::part;
use crate::identify::manifest::Listed;
use crate::identify::sound::{hex, read};
use crate::memory::remember_bytes;
use crate::progress::Progress;
use affect::probe::encoder::{Encoder, Utterance};
use affect::probe::track::Track;
use affect::signal::resample::Resampler;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What an interruption says.
pub const INTERRUPTED: &str = "interrupted: what was computed is kept, the next run goes on from there";

/// Version of what is remembered: other numbers under the same name need another one.
const MEMORY: &str = "1";

/// Recordings that can be read again.
pub struct Sounds<'a> {
    /// Where they are.
    pub listed: &'a [&'a Listed],
    /// Set by an interrupt.
    pub stop: &'a AtomicBool,
}

impl Sounds<'_> {
    /// Samples of one at 16 kHz, full scale 1.
    pub fn samples(&self, k: usize) -> Result<Vec<f32>, String> {
        let l = self.listed[k];
        let mut sound = read(&l.path, self.stop)?;
        sound.cut(l.start_s, l.end_s);
        let mut resampler = Resampler::new(sound.rate_hz).map_err(|e| e.to_string())?;
        let mut out = Vec::new();
        resampler.push(&sound.single(), |x| out.extend_from_slice(x));
        resampler.finish(|x| out.extend_from_slice(x));
        Ok(out)
    }

    /// Hash of its content and of what part is meant.
    fn content(&self, k: usize) -> Result<String, String> {
        let bytes = std::fs::read(&self.listed[k].path).map_err(|e| e.to_string())?;
        Ok(format!("{} {}", hex(&Sha256::digest(&bytes)), part(self.listed[k])))
    }
}

/// Where something that is told by these texts is remembered.
fn place(cache: &Path, texts: &[&str]) -> PathBuf {
    let mut h = Sha256::new();
    for text in [MEMORY, env!("CARGO_PKG_VERSION")].iter().chain(texts) {
        h.update(text.as_bytes());
        h.update([0]);
    }
    let name = hex(&h.finalize());
    cache.join(&name[..2]).join(format!("{}.states", &name[2..]))
}

/// A network, or how to open it when the first recording needs it.
enum Net<'a> {
    Open(&'a Encoder),
    Later(&'a (dyn Fn() -> Result<Encoder, String> + Sync), OnceLock<Result<Encoder, String>>),
}

impl Net<'_> {
    fn encoder(&self) -> Result<&Encoder, String> {
        match self {
            Self::Open(encoder) => Ok(encoder),
            Self::Later(open, opened) => opened.get_or_init(open).as_ref().map_err(Clone::clone),
        }
    }

    /// Why it could not be opened, where that was tried.
    fn failed(&self) -> Option<&String> {
        if let Self::Later(_, opened) = self { opened.get()?.as_ref().err() } else { None }
    }
}

/// All that a probe needs of the recordings.
pub struct Gathered {
    /// Descriptors over time.
    pub tracks: Vec<Track>,
    /// Moments of the single frames.
    pub times: Vec<Vec<usize>>,
    /// States of the model.
    pub learnt: Vec<Utterance>,
    /// States with random weights.
    pub random: Vec<Utterance>,
    refused: Vec<Option<String>>,
}

/// What one recording gave, or why it cannot be taken.
type Outcome<T> = Result<T, String>;

impl Gathered {
    /// Of all recordings, each from memory where it is there.
    pub fn of(sounds: &Sounds<'_>, encoder: &Encoder, seed: u64, cache: &Path, quiet: bool) -> Result<Self, String> {
        let n = sounds.listed.len();
        let contents: Vec<Outcome<String>> = (0..n).into_par_iter().map(|k| sounds.content(k)).collect();
        let progress = Progress::count(quiet, "descriptors");
        progress.set_total(n as u64);
        let tracks: Vec<Outcome<Track>> = (0..n)
            .into_par_iter()
            .map(|k| {
                let track = tracked(sounds, k, contents[k].as_ref().map_err(Clone::clone)?, cache);
                progress.step();
                track
            })
            .collect();
        drop(progress);
        ended(sounds.stop)?;
        let times: Vec<Vec<usize>> = tracks.iter().map(|t| t.as_ref().map(Track::voiced).unwrap_or_default()).collect();
        let layers: Vec<&str> = encoder.layers().iter().map(|l| l.tensor.as_str()).collect();
        let card = encoder.model().card().map(affect::model::card::Card::to_json).unwrap_or_default();
        let model = encoder.model();
        let identity = [model.sha256(), &card, model.output(), model.engine(), &layers.join("\u{1f}")].join("\0");
        let redraw = || encoder.redrawn(seed).map_err(|e| format!("the architecture with random weights: {e}"));
        let (net, drawn) = (Net::Open(encoder), Net::Later(&redraw, OnceLock::new()));
        let progress = Progress::count(quiet, "hidden states");
        progress.set_total(2 * n as u64);
        let all = |identity: &str, net: &Net<'_>| -> Vec<Outcome<Utterance>> {
            // An engine runs one utterance at a time; the two networks run beside one another.
            (0..n)
                .map(|k| {
                    ended(sounds.stop)?;
                    tracks[k].as_ref().map_err(Clone::clone)?;
                    let content = contents[k].as_ref().map_err(Clone::clone)?;
                    let states = computed(sounds, k, content, identity, &times[k], cache, net);
                    progress.step();
                    states
                })
                .collect()
        };
        let other = format!("random weights {seed}\0{identity}");
        let (learnt, random) = rayon::join(|| all(&identity, &net), || all(&other, &drawn));
        drop(progress);
        ended(sounds.stop)?;
        if let Some(why) = drawn.failed() {
            return Err(why.clone());
        }
        let mut out = Self {
            refused: vec![None; n],
            times,
            tracks: Vec::with_capacity(n),
            learnt: Vec::with_capacity(n),
            random: Vec::with_capacity(n),
        };
        for (k, ((track, learnt), random)) in tracks.into_iter().zip(learnt).zip(random).enumerate() {
            let why = track.as_ref().err().or(learnt.as_ref().err()).or(random.as_ref().err());
            out.refused[k] = why.cloned();
            out.tracks.push(track.unwrap_or_default());
            out.learnt.push(learnt.unwrap_or_default());
            out.random.push(random.unwrap_or_default());
        }
        Ok(out)
    }

    /// Why a recording cannot be taken; `None` where it can.
    pub fn refused(&self, k: usize) -> Option<&str> {
        self.refused[k].as_deref()
    }

    /// Some of the recordings.
    pub fn only(mut self, kept: &[usize]) -> Self {
        fn some<T: Default>(all: &mut [T], kept: &[usize]) -> Vec<T> {
            kept.iter().map(|k| std::mem::take(&mut all[*k])).collect()
        }
        Self {
            tracks: some(&mut self.tracks, kept),
            times: some(&mut self.times, kept),
            learnt: some(&mut self.learnt, kept),
            random: some(&mut self.random, kept),
            refused: vec![None; kept.len()],
        }
    }
}

fn ended(stop: &AtomicBool) -> Result<(), String> {
    if stop.load(Ordering::Relaxed) { Err(INTERRUPTED.to_owned()) } else { Ok(()) }
}

fn tracked(sounds: &Sounds<'_>, k: usize, content: &str, cache: &Path) -> Outcome<Track> {
    ended(sounds.stop)?;
    let place = place(cache, &["descriptors", content]);
    // Something half written or of another kind is made anew.
    if let Some(track) = std::fs::read(&place).ok().and_then(|b| kept::track(&b)) {
        return Ok(track);
    }
    let track = Track::of(&sounds.samples(k)?).map_err(|e| e.to_string())?;
    remember_bytes(&place, &kept::of_track(&track))?;
    Ok(track)
}

fn computed(
    sounds: &Sounds<'_>,
    k: usize,
    content: &str,
    identity: &str,
    times: &[usize],
    cache: &Path,
    net: &Net<'_>,
) -> Outcome<Utterance> {
    let moments = format!("{times:?}");
    let place = place(cache, &["states", content, identity, &moments]);
    if let Some(utterance) = std::fs::read(&place).ok().and_then(|b| kept::utterance(&b)) {
        return Ok(utterance);
    }
    let utterance = net.encoder()?.utterance(&sounds.samples(k)?, times).map_err(|e| e.to_string())?;
    remember_bytes(&place, &kept::of_utterance(&utterance))?;
    Ok(utterance)
}
