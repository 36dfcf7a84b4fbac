//! Implementation of `affectsink`.

use super::output::{AffectFormat, Output, Target, WriteHalt};
use super::writing::{Preroll, refusal};
use crate::named_files::{FileId, reader_of};
use crate::outbox::workspace::Workspace;
use crate::outbox::{Outbox, poster};
use crate::seen::Seen;
use crate::{RESULT_CAPS, meta, result};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::LazyLock;

pub(super) static CAT: LazyLock<gst::DebugCategory> =
    LazyLock::new(|| gst::DebugCategory::new("affectsink", gst::DebugColorFlags::empty(), Some("Writer of results")));

/// Values of the properties.
#[derive(Debug, Clone)]
pub(super) struct SinkSettings {
    location: Option<String>,
    fd: i32,
    append: bool,
    format: AffectFormat,
    final_only: bool,
}

impl Default for SinkSettings {
    fn default() -> Self {
        Self { location: None, fd: -1, append: false, format: AffectFormat::default(), final_only: false }
    }
}

impl SinkSettings {
    fn target(&self) -> Target {
        match (&self.location, self.fd) {
            (Some(path), _) if path != "-" => Target::File { path: path.clone(), append: self.append },
            (None, fd) if fd >= 0 => Target::Fd(fd),
            _ => Target::Stdout,
        }
    }
}

/// Shared state of the element.
#[derive(Default)]
pub(super) struct SinkState {
    settings: SinkSettings,
    /// Taken out while it is written to.
    pub(super) output: Workspace<Option<Output>>,
    pub(super) name: String,
    seen: Seen,
    json: bool,
    written: u64,
    repeated: u64,
}

impl SinkState {
    /// Whether a result is to be written; counts those that come again.
    pub(super) fn takes(&mut self, id: &str, interim: bool) -> bool {
        if interim && self.settings.final_only {
            return false;
        }
        let first = self.seen.first_time(id);
        if first {
            self.written += 1;
        } else {
            self.repeated += 1;
        }
        first
    }
}

/// The element.
#[derive(Default)]
pub struct AffectSink {
    pub(super) outbox: Outbox<SinkState>,
}

#[glib::object_subclass]
impl ObjectSubclass for AffectSink {
    const NAME: &'static str = "GstAffectSink";
    type Type = super::AffectSink;
    type ParentType = gst_base::BaseSink;
}

impl ObjectImpl for AffectSink {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let d = SinkSettings::default();
            vec![
                glib::ParamSpecString::builder("location")
                    .nick("Location")
                    .blurb("File to write; standard output if unset or -")
                    .mutable_ready()
                    .build(),
                glib::ParamSpecInt::builder("fd")
                    .nick("File descriptor")
                    .blurb("Open file descriptor to write to if there is no location; it must stay open while the element runs; -1 for none")
                    .minimum(-1)
                    .maximum(i32::MAX)
                    .default_value(d.fd)
                    .mutable_ready()
                    .build(),
                glib::ParamSpecBoolean::builder("append")
                    .nick("Append")
                    .blurb("Add to the file instead of starting it anew")
                    .default_value(d.append)
                    .mutable_ready()
                    .build(),
                glib::ParamSpecEnum::builder_with_default("format", d.format)
                    .nick("Format")
                    .blurb("Form of the output")
                    .mutable_ready()
                    .build(),
                glib::ParamSpecBoolean::builder("final-only")
                    .nick("Final only")
                    .blurb("Leave out interim results")
                    .default_value(d.final_only)
                    .mutable_playing()
                    .build(),
                glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                    .nick("Statistics")
                    .blurb("Counters: written, repeated (results that came again and were left out)")
                    .read_only()
                    .build(),
            ]
        });
        PROPERTIES.as_ref()
    }

    fn constructed(&self) {
        self.parent_constructed();
        // As other file writers: as fast as data come, unless asked otherwise.
        self.obj().set_sync(false);
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.outbox.with(|state| {
            let s = &mut state.settings;
            match pspec.name() {
                "location" => s.location = value.get().ok().flatten(),
                "fd" => s.fd = value.get().unwrap_or(-1),
                "append" => s.append = value.get().unwrap_or_default(),
                "format" => s.format = value.get().unwrap_or_default(),
                "final-only" => s.final_only = value.get().unwrap_or_default(),
                _ => {}
            }
        });
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        self.outbox.with(|state| {
            let s = &state.settings;
            match pspec.name() {
                "location" => s.location.to_value(),
                "fd" => s.fd.to_value(),
                "append" => s.append.to_value(),
                "format" => s.format.to_value(),
                "final-only" => s.final_only.to_value(),
                _ => gst::Structure::builder("affectsink-stats")
                    .field("written", state.written)
                    .field("repeated", state.repeated)
                    .build()
                    .to_value(),
            }
        })
    }
}

impl GstObjectImpl for AffectSink {}

impl ElementImpl for AffectSink {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Affect result writer",
                "Sink/Analyzer/Audio",
                "Writes the results that audio carries, or a stream of results, as JSON lines or a table",
                "The Affect developers",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let mut caps = gst_audio::AudioCapsBuilder::new().build();
            if let (Some(caps), Ok(json)) = (caps.get_mut(), gst::Caps::from_str(RESULT_CAPS)) {
                caps.append(json);
            }
            gst::PadTemplate::new("sink", gst::PadDirection::Sink, gst::PadPresence::Always, &caps)
                .into_iter()
                .collect()
        });
        TEMPLATES.as_ref()
    }
}

impl BaseSinkImpl for AffectSink {
    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.outbox.with(|s| s.settings.clone());
        let target = settings.target();
        if let Target::File { path, .. } = &target
            && let Some(id) = FileId::at(Path::new(path))
            && let Some(reader) = reader_of(self.obj().upcast_ref(), id)
        {
            return Err(gst::error_msg!(gst::ResourceError::OpenWrite, ("{}", refusal(&target.name(), &reader))));
        }
        let output = poster::unlocked(|| Output::open(&target, settings.format)).map_err(|e| {
            gst::error_msg!(gst::ResourceError::OpenWrite, ("Cannot open {} for writing results: {e}", target.name()))
        })?;
        self.outbox.resume();
        self.outbox.with(|s| {
            let settings = s.settings.clone();
            *s = SinkState { settings, name: target.name(), ..SinkState::default() };
            s.output.put(Box::new(Some(output)));
        });
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        let (mut output, _) = self.outbox.with(|s| s.output.take());
        let Some(output) = output.as_mut() else { return Ok(()) };
        // What a pipe takes at once; a stop does not wait for its reader.
        let outcome = poster::unlocked(|| output.flush(&|| Err(crate::outbox::Interrupted)));
        match outcome {
            Ok(()) => Ok(()),
            Err(WriteHalt::Interrupted) => {
                let name = self.outbox.with(|s| s.name.clone());
                let lost = format!("{name} is not read: the last {} bytes of results are lost", output.pending());
                poster::warning(&*self.obj(), gst::ResourceError::Write, &lost, "Read it until its end.");
                Ok(())
            }
            Err(WriteHalt::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(WriteHalt::Io(e)) => Err(gst::error_msg!(gst::ResourceError::Write, ("Cannot write results: {e}"))),
        }
    }

    fn unlock(&self) -> Result<(), gst::ErrorMessage> {
        self.outbox.interrupt();
        Ok(())
    }

    fn unlock_stop(&self) -> Result<(), gst::ErrorMessage> {
        self.outbox.resume();
        Ok(())
    }

    fn set_caps(&self, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let json = caps.structure(0).is_some_and(|s| s.name() == "application/x-json");
        self.outbox.with(|s| s.json = json);
        self.parent_set_caps(caps)
    }

    fn render(&self, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        if self.outbox.with(|s| s.json) {
            let map = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            self.lines(&map)?;
        } else {
            self.structures(&meta::read(buffer), Preroll::Locked)?;
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn event(&self, event: gst::Event) -> bool {
        let results = match event.view() {
            gst::EventView::CustomDownstream(e) => result::from_event(e),
            // Whatever is left goes out before the end is told, and a file without results is empty.
            gst::EventView::Eos(_) => Vec::new(),
            _ => return poster::unlocked(|| self.parent_event(event)),
        };
        let written = self.structures(&results, Preroll::Free);
        if written.is_err() && !matches!(event.view(), gst::EventView::Eos(_)) {
            return false;
        }
        poster::unlocked(|| self.parent_event(event))
    }
}
