//! Recordings heard: decoded, put under conditions, analysed; and remembered by the content of the file.

use super::manifest::Listed;
use crate::progress::Progress;
use affect::analyzer::FeatureSet;
use affect::identify::condition::Condition;
use affect::identify::extract::features;
use affect::identify::pool::{Facts, Heard, Pool};
use affect::signal::clock::rescale;
use affect_media::audio::{Unpacked, with_samples};
use affect_media::decode::{Delivery, Item, Limits, decode};
use affect_media::files::to_name;

use gst::prelude::*;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Version of what is remembered: other numbers under the same name need another one.
const MEMORY: &str = "2";

/// One recording under one condition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Known {
    /// Hash of the samples.
    audio: String,
    facts: Facts,
    values: Vec<Option<f32>>,
    speech_s: f64,
}

/// Samples of one channel.
struct Sound {
    rate_hz: u32,
    samples: Vec<f32>,
    /// Time of the first sample in the file.
    origin_ns: u64,
}

/// Buffers whose time is off by no more than this follow one another, as in a pipeline.
const TOLERANCE_NS: u64 = 40_000_000;

/// Longest gap that is filled with silence.
const LONGEST_GAP_NS: u64 = 3_600_000_000_000;

/// Time without progress after which a file is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The mean of all channels of a file with one audio track, with silence where it has gaps.
fn read(path: &Path, stop: &AtomicBool) -> Result<Sound, String> {
    let mut sound = Sound { rate_hz: 0, samples: Vec::new(), origin_ns: 0 };
    let mut channel = Vec::new();
    let mut unpacked = Unpacked::default();
    let mut form: Option<gst_audio::AudioInfo> = None;
    let limits = Limits { patience: PATIENCE, stop };
    let defects = decode(path, limits, &mut |delivery| {
        match delivery {
            Delivery::Tracks(tracks) if tracks.len() > 1 => {
                return Err(format!("{} audio tracks: expected one, of one speaker", tracks.len()));
            }
            Delivery::Item(_, Item::Form(info)) => match &form {
                Some(f) if f.rate() != info.rate() => {
                    return Err(format!("the rate changes within the file, from {} to {} Hz", f.rate(), info.rate()));
                }
                _ => {
                    sound.rate_hz = info.rate();
                    form = Some(*info);
                }
            },
            Delivery::Item(_, Item::Buffer(buffer)) => {
                let Some(info) = &form else { return Ok(()) };
                sound.go_to(buffer.pts().map(gst::ClockTime::nseconds));
                with_samples(&buffer, info, &mut unpacked, &mut |block| {
                    let (n, start) = (block.frames(), sound.samples.len());
                    sound.samples.resize(start + n, 0.0);
                    channel.resize(n, 0.0);
                    for c in 0..block.channels() {
                        block.read_channel(c, 0, &mut channel);
                        let share = 1.0 / block.channels() as f32;
                        sound.samples[start..].iter_mut().zip(&channel).for_each(|(s, v)| *s += v * share);
                    }
                })?;
            }
            _ => {}
        }
        Ok(())
    })
    .map_err(|e| e.to_string())?;
    if let Some(d) = defects.first() {
        return Err(d.to_string());
    }
    if sound.rate_hz == 0 { Err("no audio in it".to_owned()) } else { Ok(sound) }
}

impl Sound {
    /// The next samples have this time.
    fn go_to(&mut self, ns: Option<u64>) {
        let Some(ns) = ns else { return };
        if self.samples.is_empty() {
            self.origin_ns = ns;
            return;
        }
        let next = self.origin_ns + rescale(self.samples.len() as u64, u64::from(self.rate_hz), 1_000_000_000);
        if let Some(gap) = ns.checked_sub(next).filter(|g| *g > TOLERANCE_NS) {
            let silent = rescale(gap.min(LONGEST_GAP_NS), 1_000_000_000, u64::from(self.rate_hz)) as usize;
            self.samples.resize(self.samples.len() + silent, 0.0);
        }
    }

    fn cut(&mut self, start_s: Option<f64>, end_s: Option<f64>) {
        let first = self.origin_ns as f64 / 1e9;
        let sample_at =
            |s: f64| (((s - first).max(0.0) * f64::from(self.rate_hz)).round() as usize).min(self.samples.len());
        let (from, to) = (start_s.map_or(0, sample_at), end_s.map_or(self.samples.len(), sample_at));
        self.samples = self.samples[from.min(to)..to].to_vec();
    }

    fn hash(&self) -> String {
        let mut h = Sha256::new();
        // Silence before and after does not make another recording.
        let first = self.samples.iter().position(|s| *s != 0.0).unwrap_or(0);
        let last = self.samples.iter().rposition(|s| *s != 0.0).map_or(0, |k| k + 1);
        self.samples[first.min(last)..last].iter().for_each(|s| h.update(s.to_le_bytes()));
        hex(&h.finalize())
    }

    /// The sound through elements of a GStreamer pipeline.
    fn through(&self, elements: &str, stop: &AtomicBool) -> Result<Self, String> {
        let line = format!(
            "appsrc name=in format=time ! audioconvert dithering=none ! audioresample ! {elements} \
             ! audioconvert dithering=none ! appsink name=out sync=false"
        );
        let failed = |e: &dyn std::fmt::Display| format!("condition \"{elements}\": {e} (run scripts/setup)");
        let pipeline = gst::parse::launch(&line).map_err(|e| failed(&e))?.downcast::<gst::Pipeline>();
        let pipeline = pipeline.map_err(|_| failed(&"no pipeline"))?;
        let source = pipeline.by_name("in").and_then(|e| e.downcast::<gst_app::AppSrc>().ok());
        let sink = pipeline.by_name("out").and_then(|e| e.downcast::<gst_app::AppSink>().ok());
        let (Some(source), Some(sink)) = (source, sink) else { return Err(failed(&"no pipeline")) };
        let info = gst_audio::AudioInfo::builder(gst_audio::AUDIO_FORMAT_F32, self.rate_hz, 1).build();
        source.set_caps(Some(&info.and_then(|i| i.to_caps()).map_err(|e| failed(&e))?));
        let mono =
            gst_audio::AudioCapsBuilder::new_interleaved().format(gst_audio::AUDIO_FORMAT_F32).channels(1).build();
        sink.set_caps(Some(&mono));
        let bytes: Vec<u8> = self.samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_slice(bytes);
        if let Some(b) = buffer.get_mut() {
            b.set_pts(gst::ClockTime::ZERO);
        }
        pipeline.set_state(gst::State::Playing).map_err(|e| failed(&e))?;
        let mut out = Self { rate_hz: 0, samples: Vec::new(), origin_ns: 0 };
        let outcome = (|| {
            source.push_buffer(buffer).map_err(|e| failed(&e))?;
            source.end_of_stream().map_err(|e| failed(&e))?;
            let mut last = Instant::now();
            loop {
                if stop.load(Ordering::Relaxed) {
                    return Err("interrupted".to_owned());
                }
                let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(100)) else {
                    let error = pipeline.bus().and_then(|b| b.pop_filtered(&[gst::MessageType::Error]));
                    if let Some(gst::MessageView::Error(e)) = error.as_ref().map(|m| m.view()) {
                        return Err(failed(&e.error()));
                    }
                    if sink.is_eos() {
                        return Ok(());
                    }
                    if last.elapsed() >= PATIENCE {
                        return Err(failed(&format!("no progress for {} s", PATIENCE.as_secs())));
                    }
                    continue;
                };
                last = Instant::now();
                let info = sample.caps().and_then(|c| gst_audio::AudioInfo::from_caps(c).ok());
                let map = sample.buffer().and_then(|b| b.map_readable().ok());
                if let (Some(info), Some(map)) = (info, map) {
                    out.rate_hz = info.rate();
                    let four = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                    out.samples.extend(map.chunks_exact(4).map(four));
                }
            }
        })();
        // Going to NULL cannot fail in a way that anything could be done about.
        let _ = pipeline.set_state(gst::State::Null);
        outcome?;
        if out.rate_hz == 0 { Err(failed(&"no sound came out")) } else { Ok(out) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
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
        let part = format!("{:?} {:?}", l.start_s, l.end_s);
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
            let known = place.as_ref().and_then(|p| std::fs::read(p).ok());
            // Something half written or of another kind is made anew.
            if let Some(k) = known.and_then(|b| serde_json::from_slice::<Known>(&b).ok()) {
                out.push(k);
                continue;
            }
            if sound.is_none() {
                let mut s = read(&l.path, self.stop)?;
                s.cut(l.start_s, l.end_s);
                sound = Some((s.hash(), Facts::of(&s.samples, s.rate_hz), s));
            }
            let Some((audio, facts, clean)) = &sound else { continue };
            let condition = Condition::parse(name).map_err(|e| e.to_string())?;
            let seed = u64::from_str_radix(&content[..15], 16).unwrap_or(1);
            let (values, speech_s) = match &condition {
                Condition::Pipeline(elements) => {
                    let heard = clean.through(elements, self.stop)?;
                    features(&heard.samples, heard.rate_hz, self.set)
                }
                c => features(&c.apply(&clean.samples, clean.rate_hz, seed), clean.rate_hz, self.set),
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
    pub fn all(&self, listed: &[Listed]) -> Result<(Pool, Vec<(String, String)>), String> {
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
        for (l, by_condition) in listed.iter().zip(known) {
            let Some(by_condition) = by_condition else { continue };
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
        Ok((pool, broken))
    }
}

/// Writes beside the place first, so that an interruption leaves nothing half done.
fn remember(place: &Path, known: &Known) -> Result<(), String> {
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", place.display());
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(|e| named(&e))?;
    }
    let beside = place.with_extension(format!("{}.part", std::process::id()));
    let bytes = serde_json::to_vec(known).map_err(|e| named(&e))?;
    std::fs::write(&beside, bytes).map_err(|e| named(&e))?;
    std::fs::rename(&beside, place).map_err(|e| named(&e))
}
