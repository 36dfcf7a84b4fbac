//! Sound of one recording: decoded, mixed to one channel or channel by channel, cut, hashed, sent through elements of a pipeline.

use affect::signal::clock::rescale;
use affect::signal::samples::Sample;
use affect_media::audio::{Unpacked, with_samples};
use affect_media::decode::{Delivery, Item, Limits, decode};
use gst::prelude::*;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Samples of one channel, relative to full scale.
///
/// The analysis has a full scale of its own (`Sample::enter`), which buffers are read with; it is taken back here, exactly in double
/// precision, so that sound which is analysed enters once and every bit is as in the stream.
pub struct Sound {
    /// Sample rate.
    pub rate_hz: u32,
    /// The samples.
    pub samples: Vec<f64>,
    /// Time of the first sample in the file.
    origin_ns: u64,
}

/// Buffers whose time is off by no more than this follow one another, as in a pipeline.
const TOLERANCE_NS: u64 = 40_000_000;

/// Longest gap that is filled with silence.
const LONGEST_GAP_NS: u64 = 3_600_000_000_000;

/// Time without progress after which a file is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A sample relative to full scale of one that has entered the analysis: a product and a quotient without rounding.
fn relative(entered: f32) -> f64 {
    f64::from(entered) * 32_767.0 / 32_768.0
}

/// The mean of all channels of a file with one audio track, with silence where it has gaps.
pub fn read(path: &Path, stop: &AtomicBool) -> Result<Sound, String> {
    let channels = read_channels(path, stop)?;
    let share = 1.0 / channels.len() as f64;
    let mut channels = channels.into_iter();
    let mut sound = channels.next().ok_or_else(|| "no audio in it".to_owned())?;
    sound.samples.iter_mut().for_each(|s| *s *= share);
    channels.for_each(|c| sound.samples.iter_mut().zip(c.samples).for_each(|(s, v)| *s += v * share));
    Ok(sound)
}

/// Every channel of a file with one audio track, with silence where it has gaps.
pub fn read_channels(path: &Path, stop: &AtomicBool) -> Result<Vec<Sound>, String> {
    let mut sounds: Vec<Sound> = Vec::new();
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
                Some(f) if f.channels() != info.channels() => {
                    let (from, to) = (f.channels(), info.channels());
                    return Err(format!("the number of channels changes within the file, from {from} to {to}"));
                }
                _ => {
                    let silent = || Sound { rate_hz: info.rate(), samples: Vec::new(), origin_ns: 0 };
                    sounds.resize_with(info.channels() as usize, silent);
                    form = Some(*info);
                }
            },
            Delivery::Item(_, Item::Buffer(buffer)) => {
                let Some(info) = &form else { return Ok(()) };
                sounds.iter_mut().for_each(|s| s.go_to(buffer.pts().map(gst::ClockTime::nseconds)));
                with_samples(&buffer, info, &mut unpacked, &mut |block| {
                    channel.resize(block.frames(), 0.0);
                    for (c, sound) in sounds.iter_mut().enumerate() {
                        block.read_channel(c, 0, &mut channel);
                        sound.samples.extend(channel.iter().map(|v| relative(*v)));
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
    if sounds.is_empty() { Err("no audio in it".to_owned()) } else { Ok(sounds) }
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

    /// Keeps what lies between two times of the file.
    pub fn cut(&mut self, start_s: Option<f64>, end_s: Option<f64>) {
        let first = self.origin_ns as f64 / 1e9;
        let sample_at =
            |s: f64| (((s - first).max(0.0) * f64::from(self.rate_hz)).round() as usize).min(self.samples.len());
        let (from, to) = (start_s.map_or(0, sample_at), end_s.map_or(self.samples.len(), sample_at));
        self.samples = self.samples[from.min(to)..to].to_vec();
    }

    /// The samples in single precision.
    pub fn single(&self) -> Vec<f32> {
        self.samples.iter().map(|s| *s as f32).collect()
    }

    /// Hash of the samples as they enter the analysis: equal for the same sound in files of different formats.
    pub fn hash(&self) -> String {
        let mut h = Sha256::new();
        // Silence before and after does not make another recording.
        let first = self.samples.iter().position(|s| *s != 0.0).unwrap_or(0);
        let last = self.samples.iter().rposition(|s| *s != 0.0).map_or(0, |k| k + 1);
        self.samples[first.min(last)..last].iter().for_each(|s| h.update(s.enter().to_le_bytes()));
        hex(&h.finalize())
    }

    /// The sound through elements of a GStreamer pipeline.
    ///
    /// # Errors
    /// A text that names the elements.
    pub fn through(&self, elements: &str, stop: &AtomicBool) -> Result<Self, String> {
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
        let bytes: Vec<u8> = self.single().iter().flat_map(|s| s.to_le_bytes()).collect();
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
                    let four = |b: &[u8]| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
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

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
