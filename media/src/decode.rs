//! Any audio file as blocks of samples, decoded by GStreamer.

use crate::audio::{Unpacked, with_samples};
use affect::signal::samples::Samples;
use gst::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rate and channels of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Samples a second.
    pub rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
}

/// Decodes the first audio stream of a file in its own rate, channels and sample format.
///
/// `take` gets every block; what it returns as an error ends the decoding. `progress` gets position and duration in ns.
///
/// # Errors
/// A text that says what is wrong with the file.
pub fn decode(
    path: &Path,
    stop: &AtomicBool,
    take: &mut dyn FnMut(Shape, &Samples<'_>) -> Result<(), String>,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), String> {
    if let Err(e) = std::fs::File::open(path) {
        return Err(e.to_string());
    }
    let broken = |e: gst::glib::BoolError| format!("GStreamer is incomplete: {e} (run scripts/setup)");
    let pipeline = gst::Pipeline::new();
    let source = gst::ElementFactory::make("filesrc").property("location", path).build().map_err(broken)?;
    let decoder = gst::ElementFactory::make("decodebin").build().map_err(broken)?;
    let sink = gst_app::AppSink::builder()
        .caps(&gst_audio::AudioCapsBuilder::new().build())
        .sync(false)
        .max_buffers(16)
        .build();
    pipeline.add_many([&source, &decoder, sink.upcast_ref()]).map_err(broken)?;
    source.link(&decoder).map_err(broken)?;
    let target = sink.static_pad("sink");
    decoder.connect_pad_added(move |_, pad| {
        let audio = pad
            .current_caps()
            .and_then(|c| c.structure(0).map(|s| s.name().starts_with("audio/x-raw")))
            .unwrap_or(false);
        if let Some(target) = target.as_ref().filter(|t| audio && !t.is_linked()) {
            // A refusal shows as "not linked" on the bus.
            let _ = pad.link(target);
        }
    });
    let result = pull(&pipeline, &sink, stop, take, progress);
    // Going to NULL cannot fail in a way that anything could be done about.
    let _ = pipeline.set_state(gst::State::Null);
    result
}

fn pull(
    pipeline: &gst::Pipeline,
    sink: &gst_app::AppSink,
    stop: &AtomicBool,
    take: &mut dyn FnMut(Shape, &Samples<'_>) -> Result<(), String>,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(), String> {
    if pipeline.set_state(gst::State::Playing).is_err() {
        return Err(bus_error(pipeline).unwrap_or_else(|| "cannot be opened".to_owned()));
    }
    let mut unpacked = Unpacked::default();
    let mut duration = None;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err("interrupted".to_owned());
        }
        let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(100)) else {
            if let Some(e) = bus_error(pipeline) {
                return Err(e);
            }
            if sink.is_eos() {
                return Ok(());
            }
            continue;
        };
        let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else { continue };
        let info = gst_audio::AudioInfo::from_caps(caps).map_err(|e| e.to_string())?;
        let shape = Shape { rate_hz: info.rate(), channels: info.channels() as usize };
        let mut outcome = Ok(());
        with_samples(buffer, &info, &mut unpacked, &mut |samples| outcome = take(shape, samples))?;
        outcome?;
        if duration.is_none() {
            duration = pipeline.query_duration::<gst::ClockTime>();
        }
        if let Some(pts) = buffer.pts() {
            progress(pts.nseconds(), duration.map(gst::ClockTime::nseconds));
        }
    }
}

/// The first error on the bus, in words.
fn bus_error(pipeline: &gst::Pipeline) -> Option<String> {
    let bus = pipeline.bus()?;
    while let Some(message) = bus.pop_filtered(&[gst::MessageType::Error, gst::MessageType::Eos]) {
        match message.view() {
            gst::MessageView::Error(e) => return Some(e.error().to_string()),
            // The end of a file without audio: the sink was never linked.
            gst::MessageView::Eos(_) => return None,
            _ => {}
        }
    }
    None
}
