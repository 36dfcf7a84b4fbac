//! Audit records: one line for every start and every change of policy while the element runs, with the model, the settings, the
//! purpose and the time.

use super::settings::ScoreSettings;
use crate::named_files::user_of;
use affect::model::Model;
use gst::prelude::*;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

#[expect(clippy::disallowed_methods, reason = "an audit record says when; no result depends on it")]
fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}

/// Event that an audit record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The element starts.
    Start,
    /// Other policies or roles are in force.
    Policy,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Policy => "policy",
        }
    }
}

/// Error text for a record that cannot be written.
pub(super) fn failure(settings: &ScoreSettings, why: &io::Error) -> String {
    format!("cannot write the audit record to {}: {why}; nothing is inferred", settings.audit)
}

/// Appends the record, and sees to it that it is on the disk. A file that the pipeline reads or writes otherwise is not opened.
pub(super) fn write(event: Event, settings: &ScoreSettings, model: &Model, element: &gst::Element) -> io::Result<()> {
    if settings.audit.is_empty() {
        return Ok(());
    }
    if let Some(user) = user_of(element, Path::new(&settings.audit)) {
        let why = format!("{} of this pipeline reads or writes that file, choose another one", user.name());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    let card: serde_json::Value =
        model.card().and_then(|c| serde_json::from_str(&c.to_json()).ok()).unwrap_or(serde_json::Value::Null);
    // The background rows are no part of what is accounted for, and large.
    let card = match card {
        serde_json::Value::Object(mut o) => {
            o.remove("background");
            serde_json::Value::Object(o)
        }
        other => other,
    };
    let record = json!({
        "schema": "affect.audit/1",
        "time_unix_ns": now_ns(),
        "software": affect::record::SOFTWARE,
        "event": event.name(),
        "element": element.name().as_str(),
        "model": {"path": settings.model, "sha256": model.sha256(), "engine": model.engine(), "card": card},
        "policy": settings.analysis.policy,
        "roles": settings.analysis.channel_roles,
        "purpose": settings.purpose,
        "settings": settings.as_json(),
    });
    let mut file = OpenOptions::new().create(true).append(true).open(&settings.audit)?;
    // One write, so that several processes may share the file.
    file.write_all(format!("{record}\n").as_bytes())?;
    // Pipes and devices have nothing to be synchronised.
    if file.metadata()?.is_file() { file.sync_data() } else { Ok(()) }
}
