//! Any order of buffers, gaps, segments, flushes and changes of format: the analysis of a pad never panics and never hangs, and
//! within an unbroken run of audio its results go forward.
#![no_main]

use affect::analyzer::{Config, Segmentation, WindowConfig};
use affect::error::ConfigError;
use affect::segment::utterance::UtteranceConfig;
use affect_media::tap::Tap;
use gst::ClockTime;
use gst::prelude::*;
use libfuzzer_sys::fuzz_target;
use std::collections::HashMap;

/// Most samples of all channels of one run, so that it ends soon.
const MOST_SAMPLES: usize = 60_000;

/// Reads numbers off the input; zeros where it has ended.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// A time: short, long, or near the end of what a clock can count.
    fn time(&mut self) -> ClockTime {
        let kind = self.byte();
        let milliseconds = u64::from(self.word());
        ClockTime::from_nseconds(match kind % 8 {
            0 => u64::MAX - 1 - milliseconds,
            1 => milliseconds * 3_600_000_000_000,
            2 => milliseconds,
            _ => milliseconds * 1_000_000,
        })
    }

    fn info(&mut self) -> Option<gst_audio::AudioInfo> {
        use gst_audio::AudioFormat as F;
        let formats = [F::S16le, F::S16be, F::S32le, F::F32le, F::F64le, F::U8, F::S2432le, F::S24le];
        let format = formats[usize::from(self.byte()) % formats.len()];
        let rates = [16_000, 8_000, 48_000, 44_100, 11_025, 7_999, 384_000, 1, 1 + u32::from(self.word())];
        let rate = rates[usize::from(self.byte()) % rates.len()];
        gst_audio::AudioInfo::builder(format, rate, 1 + u32::from(self.byte() % 4)).build().ok()
    }

    fn segment(&mut self) -> Option<gst::FormattedSegment<ClockTime>> {
        let kind = self.byte();
        let mut segment = gst::FormattedSegment::new();
        if kind % 4 > 0 {
            segment.set_start(self.time());
            segment.set_time(self.time());
            segment.set_base(self.time());
        }
        match kind / 4 % 8 {
            0 => return None,
            1 => segment.set_rate(-1.0),
            2 => segment.set_rate(0.5),
            _ => {}
        }
        Some(segment)
    }

    fn segmentation(&mut self) -> Segmentation {
        match self.byte() % 4 {
            0 => Segmentation::File,
            1 => Segmentation::Windows(WindowConfig { length: 8_000, hop: 3_200 }),
            2 => Segmentation::Frames,
            _ => {
                Segmentation::Utterances(UtteranceConfig { min_speech: 1_600, min_pause: 3_200, ..Default::default() })
            }
        }
    }

    /// Sound of one kind or another.
    fn sound(&mut self, bytes: usize) -> Vec<u8> {
        let (kind, step) = (self.byte(), u32::from(self.byte()) + 1);
        let one = |k: usize| match kind % 4 {
            0 => 0,
            1 => (k as u32).wrapping_mul(2_654_435_761).wrapping_mul(step) as u8 >> 1,
            2 => (k as u32 * step / 16) as u8,
            _ => kind ^ k as u8,
        };
        (0..bytes).map(one).collect()
    }
}

/// Where the next sample of an unbroken run is due.
struct Run {
    first: ClockTime,
    frames: u64,
    rate: u32,
}

impl Run {
    fn next(&self) -> Option<ClockTime> {
        self.first.checked_add(ClockTime::SECOND.mul_div_floor(self.frames, u64::from(self.rate))?)
    }
}

fuzz_target!(|data: &[u8]| {
    gst::init().expect("GStreamer starts");
    let mut numbers = Numbers(data);
    let segmentation = numbers.segmentation();
    let make = move |stream: &str| -> Result<Config, ConfigError> {
        Ok(Config { segmentation, stream: stream.into(), ..Config::default() })
    };
    let mut tap = Tap::default();
    let mut info = None;
    let mut run: Option<Run> = None;
    let mut samples = 0;
    // The latest start of a complete result in the run, by channel.
    let mut latest: HashMap<String, u64> = HashMap::new();
    while !numbers.0.is_empty() && samples < MOST_SAMPLES {
        let step = numbers.byte();
        let whole_run = step % 16 >= 8;
        match step % 16 {
            0 => {
                info = numbers.info();
                if let Some(i) = &info {
                    tap.set_info(i.clone());
                }
            }
            1 => drop(tap.set_segment(numbers.segment())),
            2 => {
                let (pts, duration) = (numbers.time(), numbers.time());
                tap.missing_time((step < 128).then_some(pts), (step % 32 < 16).then_some(duration));
            }
            3 => tap.restart(),
            4 => tap.reset(),
            5 => tap.finish(),
            6 => tap.set_stream(["a", "b", ""][usize::from(numbers.byte() % 3)]),
            7 => tap.outdated(),
            kind => {
                let Some(info) = &info else { continue };
                let bytes = usize::from(numbers.word()) % 8_192;
                // Now and then a buffer that ends within a sample.
                let bytes = if numbers.byte() == 0 { bytes } else { bytes - bytes % info.bpf() as usize };
                let frames = bytes as u64 / u64::from(info.bpf());
                samples += frames as usize * info.channels() as usize;
                let jump = numbers.time();
                let next = run.as_ref().and_then(Run::next).filter(|_| kind > 8);
                if next.is_none() {
                    latest.clear();
                    run = Some(Run { first: jump, frames: 0, rate: info.rate() });
                }
                let mut buffer = gst::Buffer::from_slice(numbers.sound(bytes));
                if let Some(b) = buffer.get_mut() {
                    b.set_pts(next.unwrap_or(jump));
                    if kind == 9 {
                        b.set_flags(gst::BufferFlags::GAP);
                        latest.clear();
                    }
                }
                // What cannot be analysed is said; that is no fault of the analysis.
                let _ = tap.buffer(&buffer, &make);
                if let Some(run) = &mut run {
                    run.frames += frames;
                }
            }
        }
        if !whole_run {
            run = None;
            latest.clear();
        }
        for record in tap.take() {
            let json: serde_json::Value = serde_json::from_str(&record.to_json()).expect("a record is JSON");
            let (start, end) = (json["start_ns"].as_u64(), json["end_ns"].as_u64());
            assert!(start.is_some() && start <= end, "{json}");
            if json["partial"] == false && whole_run {
                let last = latest.entry(json["channel"].to_string()).or_default();
                assert!(start >= Some(*last), "back to {start:?} from {last}: {json}");
                *last = start.unwrap_or_default();
            }
        }
    }
    tap.finish();
    tap.take();
});
