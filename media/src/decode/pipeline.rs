//! GStreamer pipeline that decodes, as messages in one channel.

use super::Item;
use super::cause::{self, DecodeError};
use super::source::Input;
use gst::prelude::*;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Message of the pipeline.
#[derive(Debug)]
pub enum Message {
    /// The decoder has a pad, which carries this where that is known.
    Pad(Option<Form>),
    /// The pads so far are all that belong together.
    NoMorePads,
    /// Something came out of a pad, by its number.
    Item(usize, Item),
    /// A pad, by its number, carries something that is no audio.
    Other(usize, String),
    /// Something went wrong.
    Failed(DecodeError),
    /// Every sink has seen the end.
    Ended,
}

/// Form of the data of a pad.
#[derive(Debug)]
pub enum Form {
    /// Audio.
    Audio(Box<gst_audio::AudioInfo>),
    /// Something else, by the name of its caps.
    Other(String),
}

impl Form {
    fn of(caps: &gst::CapsRef) -> Self {
        let name = caps.structure(0).map_or_else(|| "something unknown".to_owned(), |s| s.name().to_string());
        match gst_audio::AudioInfo::from_caps(caps) {
            Ok(info) if name == "audio/x-raw" => Self::Audio(Box::new(info)),
            _ => Self::Other(name),
        }
    }
}

/// Messages that may wait; a decoder that is ahead of the analysis waits too.
const WAITING: usize = 256;

/// Longest time to wait for threads of the pipeline to stop. What hangs then is left behind.
const LONGEST_STOP: Duration = Duration::from_secs(5);

/// A pipeline that runs.
pub struct Running {
    pipeline: gst::Pipeline,
    pub messages: Receiver<Message>,
    /// The furthest byte that was read.
    pub bytes: Arc<AtomicU64>,
    missing: Arc<Mutex<Vec<gst::Structure>>>,
    duration: OnceLock<Option<u64>>,
}

/// Whether a stream of that kind is decoded: pictures and texts are not.
fn wanted(caps: &gst::CapsRef) -> bool {
    let unwanted =
        ["video/x-h", "video/x-vp", "video/x-av1", "video/mpeg", "video/x-raw", "image/", "text/", "subpicture/"];
    let name = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
    // `video/mpeg` is a container too: with `systemstream` it is one.
    let system = caps.structure(0).is_some_and(|s| s.get::<bool>("systemstream").unwrap_or(false));
    system || !unwanted.iter().any(|u| name.starts_with(u))
}

impl Running {
    /// Builds the pipeline and starts it, without waiting for it.
    pub fn start(input: &Input) -> Result<Self, DecodeError> {
        let (sender, messages) = sync_channel(WAITING);
        let bytes = Arc::new(AtomicU64::new(0));
        let missing = Arc::new(Mutex::new(Vec::new()));
        let pipeline = gst::Pipeline::new();
        let source = input.element(&bytes, &sender)?;
        let decoder = gst::ElementFactory::make("decodebin").build().map_err(cause::incomplete)?;
        pipeline.add_many([&source, &decoder]).map_err(cause::incomplete)?;
        source.link(&decoder).map_err(cause::incomplete)?;
        decoder.connect("autoplug-continue", false, |values| {
            let caps = values.get(2).and_then(|v| v.get::<gst::Caps>().ok());
            Some(caps.is_none_or(|c| wanted(&c)).to_value())
        });
        let count = Arc::new(AtomicUsize::new(0));
        let (to, weak) = (sender.clone(), pipeline.downgrade());
        decoder.connect_pad_added(move |_, pad| {
            let Some(pipeline) = weak.upgrade() else { return };
            let number = count.fetch_add(1, Ordering::Relaxed);
            // The receiver may have gone already.
            let _ = to.send(Message::Pad(pad.current_caps().map(|c| Form::of(&c))));
            if let Err(e) = forward(&pipeline, pad, number, &to) {
                let _ = to.send(Message::Failed(e));
            }
        });
        let held = Arc::new(Mutex::new(Vec::new()));
        let held_pads = held.clone();
        pipeline.connect_deep_element_added(move |_, _, element| hold_back(element, &held_pads));
        let to = sender.clone();
        decoder.connect_no_more_pads(move |_| {
            let _ = to.send(Message::NoMorePads);
            for (pad, probe) in held.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                pad.remove_probe(probe);
            }
        });
        if let Some(bus) = pipeline.bus() {
            let (to, missing, beginning) = (sender, missing.clone(), input.beginning());
            bus.set_sync_handler(move |_, message| {
                match message.view() {
                    gst::MessageView::Error(e) => {
                        let missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
                        let error = cause::of(e, &missing, &beginning);
                        drop(missing);
                        let _ = to.send(Message::Failed(error));
                    }
                    gst::MessageView::Element(e) => {
                        if let Some(s) = e.structure().filter(|s| s.name() == "missing-plugin") {
                            missing.lock().unwrap_or_else(PoisonError::into_inner).push(s.to_owned());
                        }
                    }
                    gst::MessageView::Eos(_) => drop(to.send(Message::Ended)),
                    _ => {}
                }
                gst::BusSyncReply::Drop
            });
        }
        // Opening may block (a file on a server that is gone), so that it has a thread of its own. Its failure is on the bus.
        let starting = pipeline.clone();
        std::thread::spawn(move || {
            let _ = starting.set_state(gst::State::Playing);
        });
        Ok(Self { pipeline, messages, bytes, missing, duration: OnceLock::new() })
    }

    /// How long the file says that it is, as it was known when there was audio first.
    pub fn duration_ns(&self) -> Option<u64> {
        *self.duration.get_or_init(|| self.pipeline.query_duration::<gst::ClockTime>().map(gst::ClockTime::nseconds))
    }

    /// Why there is no audio, where there is something else.
    pub fn no_audio(&self, others: Vec<String>) -> DecodeError {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        cause::missing_decoder(&missing).unwrap_or(DecodeError::NoAudio { others })
    }

    /// Stops the pipeline; a thread that hangs in it is left behind after [`LONGEST_STOP`].
    pub fn shut_down(self) {
        let Self { pipeline, messages, .. } = self;
        // Threads that wait to hand over get an error instead.
        drop(messages);
        let (stopped, stops) = channel();
        std::thread::spawn(move || {
            // Going to NULL cannot fail in a way that anything could be done about.
            let _ = pipeline.set_state(gst::State::Null);
            if let Some(bus) = pipeline.bus() {
                bus.unset_sync_handler();
            }
            let _ = stopped.send(());
        });
        let _ = stops.recv_timeout(LONGEST_STOP);
    }
}

/// Keeps the audio of a parser back until the decoder has shown its pads. A parser of uncoded audio that reads by itself (AIFF)
/// starts before decodebin blocks its pad; what it sends too early meets an inactive or unlinked pad, and it stops for good, with an
/// error or without a word.
fn hold_back(element: &gst::Element, held: &Mutex<Vec<(gst::Pad, gst::PadProbeId)>>) {
    let class = element.metadata(gst::ELEMENT_METADATA_KLASS).unwrap_or_default();
    if !(class.contains("Demuxer") || class.contains("Parser")) {
        return;
    }
    for pad in element.src_pads() {
        let caps = pad.pad_template_caps();
        if !caps.is_any() && !caps.is_empty() && caps.iter().all(|s| s.name() == "audio/x-raw") {
            let kinds = gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
            let probe = pad.add_probe(kinds, |_, _| gst::PadProbeReturn::Ok);
            let held = &mut held.lock().unwrap_or_else(PoisonError::into_inner);
            held.extend(probe.map(|p| (pad, p)));
        }
    }
}

/// Sends everything that comes out of a pad.
fn forward(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    number: usize,
    to: &SyncSender<Message>,
) -> Result<(), DecodeError> {
    let sink = gst::ElementFactory::make("fakesink").property("sync", false).property("async", false);
    let sink = sink.build().map_err(cause::incomplete)?;
    let broken = |e: &dyn std::fmt::Display| DecodeError::Broken(format!("a track cannot be linked: {e}"));
    pipeline.add(&sink).map_err(|e| broken(&e))?;
    let target = sink.static_pad("sink").ok_or_else(|| broken(&"no pad"))?;
    let to = to.clone();
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST | gst::PadProbeType::EVENT_DOWNSTREAM;
    target.add_probe(kinds, move |_, info| {
        // Sending fails once nobody listens any more, and then the pipeline is being stopped.
        let send = |item| drop(to.send(Message::Item(number, item)));
        match &info.data {
            Some(gst::PadProbeData::Buffer(b)) => send(Item::Buffer(b.clone())),
            Some(gst::PadProbeData::BufferList(l)) => l.iter_owned().map(Item::Buffer).for_each(send),
            Some(gst::PadProbeData::Event(e)) => {
                if let Some(m) = message(e, number) {
                    // Nobody listens any more where the decoding was given up.
                    let _ = to.send(m);
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
    sink.sync_state_with_parent().map_err(|e| broken(&e))?;
    pad.link(&target).map_err(|e| broken(&e))?;
    Ok(())
}

fn message(event: &gst::Event, number: usize) -> Option<Message> {
    let item = match event.view() {
        gst::EventView::StreamStart(e) => Item::Stream(e.stream_id().to_owned()),
        gst::EventView::Caps(e) => match Form::of(e.caps()) {
            Form::Audio(info) => Item::Form(info),
            Form::Other(name) => return Some(Message::Other(number, name)),
        },
        gst::EventView::Segment(e) => Item::Segment(e.segment().downcast_ref::<gst::ClockTime>().cloned()),
        gst::EventView::Gap(e) => {
            let (pts, duration) = e.get();
            Item::Gap(pts, duration)
        }
        gst::EventView::Eos(_) => Item::End,
        _ => return None,
    };
    Some(Message::Item(number, item))
}
