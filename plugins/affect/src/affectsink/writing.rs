//! Writing of results: each once, and in no wait that a pause, a flush or a stop cannot interrupt.

use super::imp::{AffectSink, CAT};
use super::output::{Output, WriteHalt};
use crate::named_files::reader_of;
use crate::outbox::poster;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use std::io;

/// Whether the thread holds the preroll lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Preroll {
    Locked,
    Free,
}

impl AffectSink {
    /// Writes to the output, which only the streaming thread does.
    fn work<R>(&self, work: impl FnOnce(&mut Option<Output>) -> R) -> R {
        let (mut output, _) = self.outbox.with(|s| s.output.take());
        let result = work(&mut output);
        self.outbox.with(|s| s.output.put(output));
        result
    }

    /// Writes results that are new. Each batch reaches its place at once, so that nothing is lost when a process is stopped hard.
    fn write<'a>(
        &self,
        results: impl Iterator<Item = (String, &'a str, bool)>,
        preroll: Preroll,
    ) -> Result<(), gst::FlowError> {
        let fresh: Vec<&str> = results
            .filter(|(id, _, interim)| self.outbox.with(|s| s.takes(id, *interim)))
            .map(|(_, json, _)| json)
            .collect();
        let begun = self.work(|output| {
            let Some(output) = output else { return Err(gst::FlowError::Flushing) };
            self.begin(output)?;
            fresh.iter().for_each(|json| output.add(json));
            Ok(())
        });
        begun?;
        self.flush(preroll)
    }

    /// Empties a file that is started anew, unless somebody in the pipeline has come to read it meanwhile.
    fn begin(&self, output: &mut Output) -> Result<(), gst::FlowError> {
        if output.is_fresh()
            && let Some(reader) =
                output.file_id().and_then(|id| poster::unlocked(|| reader_of(self.obj().upcast_ref(), id)))
        {
            let name = self.outbox.with(|s| s.name.clone());
            poster::error(&*self.obj(), gst::ResourceError::OpenWrite, &refusal(&name, &reader));
            return Err(gst::FlowError::Error);
        }
        output.begin().map_err(|e| self.fail(&e))
    }

    /// Writes what is left. A pause waits for what comes after it; a flush or a stop leaves the rest for later.
    fn flush(&self, preroll: Preroll) -> Result<(), gst::FlowError> {
        loop {
            let outcome = self.work(|output| match output {
                Some(output) => poster::unlocked(|| output.flush(&|| self.outbox.alarm())),
                None => Ok(()),
            });
            match outcome {
                Ok(()) => return Ok(()),
                Err(WriteHalt::Io(e)) => return Err(self.fail(&e)),
                Err(WriteHalt::Interrupted) if preroll == Preroll::Locked => {
                    // Gives the lock to whoever interrupts, and waits for what they do.
                    poster::unlocked(|| self.obj().wait_preroll())?;
                }
                Err(WriteHalt::Interrupted) => {
                    self.outbox.wait_for_resume();
                    let flushing = |p: gst::Pad| p.pad_flags().contains(gst::PadFlags::FLUSHING);
                    if self.obj().static_pad("sink").is_none_or(flushing) {
                        return Err(gst::FlowError::Flushing);
                    }
                }
            }
        }
    }

    fn fail(&self, e: &io::Error) -> gst::FlowError {
        let name = self.outbox.with(|s| s.name.clone());
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
        poster::error(&*self.obj(), kind, &format!("Cannot write results to {name}: {e}"));
        gst::FlowError::Error
    }

    pub(super) fn structures(&self, list: &[gst::Structure], preroll: Preroll) -> Result<(), gst::FlowError> {
        let results = list.iter().filter_map(|s| {
            let id = s.get::<&str>("id").ok()?.to_owned();
            let json = s.get::<&str>("json").ok()?;
            let partial = json.contains("\"ended\":\"open\"");
            Some((id, json, partial))
        });
        self.write(results, preroll)
    }

    pub(super) fn lines(&self, bytes: &[u8]) -> Result<(), gst::FlowError> {
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
        self.write(records, Preroll::Locked)
    }
}

/// Error text for an output that the pipeline uses otherwise.
pub(super) fn refusal(name: &str, reader: &gst::Element) -> String {
    format!(
        "Will not write results to {name}: {} of this pipeline reads that file, or keeps its audit records in it. Choose another location.",
        reader.name()
    )
}
