//! Implementation of `affectsink`.

use super::output::{AffectFormat, Output, Target};
use crate::seen::Seen;
use crate::{RESULT_CAPS, meta, result};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use std::io;
use std::str::FromStr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

static CAT: LazyLock<gst::DebugCategory> =
    LazyLock::new(|| gst::DebugCategory::new("affectsink", gst::DebugColorFlags::empty(), Some("Writer of results")));

#[derive(Debug, Clone)]
struct Settings {
    location: Option<String>,
    fd: i32,
    append: bool,
    format: AffectFormat,
    final_only: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { location: None, fd: -1, append: false, format: AffectFormat::default(), final_only: false }
    }
}

impl Settings {
    fn target(&self) -> Target {
        match (&self.location, self.fd) {
            (Some(path), _) if path != "-" => Target::File { path: path.clone(), append: self.append },
            (None, fd) if fd >= 0 => Target::Fd(fd),
            _ => Target::Stdout,
        }
    }
}

#[derive(Default)]
struct State {
    output: Option<Output>,
    name: String,
    seen: Seen,
    json: bool,
    written: u64,
    repeated: u64,
}

/// The element.
#[derive(Default)]
pub struct AffectSink {
    settings: Mutex<Settings>,
    state: Mutex<State>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AffectSink {
    /// Writes results that are new. The lock is released before an error is posted.
    fn write<'a>(&self, results: impl Iterator<Item = (String, &'a str, bool)>) -> Result<(), gst::FlowError> {
        let final_only = lock(&self.settings).final_only;
        let outcome = {
            let mut guard = lock(&self.state);
            let State { output, seen, written, repeated, .. } = &mut *guard;
            let Some(output) = output else { return Err(gst::FlowError::Flushing) };
            let mut any = false;
            let run = || -> io::Result<()> {
                for (id, json, interim) in results {
                    if interim && final_only {
                        continue;
                    }
                    if !seen.first_time(&id) {
                        *repeated += 1;
                        continue;
                    }
                    output.write(json)?;
                    *written += 1;
                    any = true;
                }
                // Results are rare: each batch reaches its place at once, so that nothing is lost when a process is
                // stopped hard.
                if any { output.flush() } else { Ok(()) }
            };
            run().map_err(|e| (e, guard.name.clone()))
        };
        outcome.map_err(|(e, name)| self.fail(&e, &name))
    }

    fn fail(&self, e: &io::Error, name: &str) -> gst::FlowError {
        if e.kind() == io::ErrorKind::BrokenPipe {
            // Whoever read the results has had enough: that is an end, not a failure.
            gst::info!(CAT, imp = self, "{name} is closed");
            return gst::FlowError::Eos;
        }
        let kind = if e.kind() == io::ErrorKind::StorageFull {
            gst::ResourceError::NoSpaceLeft
        } else {
            gst::ResourceError::Write
        };
        gst::element_imp_error!(self, kind, ("Cannot write results to {name}: {e}"));
        gst::FlowError::Error
    }

    fn structures(&self, list: &[gst::Structure]) -> Result<(), gst::FlowError> {
        self.write(list.iter().filter_map(|s| {
            let id = s.get::<&str>("id").ok()?.to_owned();
            let json = s.get::<&str>("json").ok()?;
            let partial = json.contains("\"ended\":\"open\"");
            Some((id, json, partial))
        }))
    }

    fn lines(&self, bytes: &[u8]) -> Result<(), gst::FlowError> {
        #[derive(Default)]
        struct Head {
            id: String,
            open: bool,
        }
        let text = String::from_utf8_lossy(bytes);
        let records = text.lines().filter(|l| !l.trim().is_empty()).map(|line| {
            let head = serde_json::from_str::<serde_json::Value>(line)
                .map(|v| Head {
                    id: v.get("id").and_then(|i| i.as_str()).unwrap_or_default().to_owned(),
                    open: v.get("ended").and_then(|e| e.as_str()) == Some("open"),
                })
                .unwrap_or_default();
            // A line without an identity is known by itself.
            let id = if head.id.is_empty() { line.to_owned() } else { head.id };
            (id, line, head.open)
        });
        self.write(records)
    }
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
            let d = Settings::default();
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
        let mut s = lock(&self.settings);
        match pspec.name() {
            "location" => s.location = value.get().ok().flatten(),
            "fd" => s.fd = value.get().unwrap_or(-1),
            "append" => s.append = value.get().unwrap_or_default(),
            "format" => s.format = value.get().unwrap_or_default(),
            "final-only" => s.final_only = value.get().unwrap_or_default(),
            _ => {}
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        let s = lock(&self.settings).clone();
        match pspec.name() {
            "location" => s.location.to_value(),
            "fd" => s.fd.to_value(),
            "append" => s.append.to_value(),
            "format" => s.format.to_value(),
            "final-only" => s.final_only.to_value(),
            _ => {
                let state = lock(&self.state);
                gst::Structure::builder("affectsink-stats")
                    .field("written", state.written)
                    .field("repeated", state.repeated)
                    .build()
                    .to_value()
            }
        }
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
        let settings = lock(&self.settings).clone();
        let target = settings.target();
        let output = Output::open(&target, settings.format).map_err(|e| {
            gst::error_msg!(gst::ResourceError::OpenWrite, ("Cannot open {} for writing results: {e}", target.name()))
        })?;
        *lock(&self.state) = State { output: Some(output), name: target.name(), ..State::default() };
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        let output = lock(&self.state).output.take();
        if let Some(Err(e)) = output.map(|mut o| o.flush())
            && e.kind() != io::ErrorKind::BrokenPipe
        {
            return Err(gst::error_msg!(gst::ResourceError::Write, ("Cannot write results: {e}")));
        }
        Ok(())
    }

    fn set_caps(&self, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
        lock(&self.state).json = caps.structure(0).is_some_and(|s| s.name() == "application/x-json");
        self.parent_set_caps(caps)
    }

    fn render(&self, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        if lock(&self.state).json {
            let map = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            self.lines(&map)?;
        } else {
            let results = meta::read(buffer);
            if !results.is_empty() {
                self.structures(&results)?;
            }
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn event(&self, event: gst::Event) -> bool {
        if let gst::EventView::CustomDownstream(e) = event.view() {
            let results = result::from_event(e);
            if !results.is_empty() && self.structures(&results).is_err() {
                return false;
            }
        }
        self.parent_event(event)
    }
}
