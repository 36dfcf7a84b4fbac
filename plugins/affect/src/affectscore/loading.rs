//! Loading of the model of `affectscore`, on a thread of its own, with its audit record.

use super::audit;
use super::imp::AffectScore;
use super::settings::Mode;
use super::state::ScoreState;
use crate::outbox::{Interrupted, poster};
use crate::tap::analysis;
use affect::analyzer::Scorer;
use affect::model::Model;
use gst::prelude::*;
use gst::subclass::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// State of the model's loading.
#[derive(Default)]
pub enum Loading {
    #[default]
    Stopped,
    /// The number tells one start from the next.
    InProgress(u64),
    Ready(Arc<Model>),
    Failed,
}

impl Loading {
    fn is_start(&self, number: u64) -> bool {
        matches!(self, Self::InProgress(n) if *n == number)
    }
}

/// A start that was cancelled by a stop.
struct StartCancelled;

impl AffectScore {
    /// Loads the model and writes the audit record, on a thread of its own.
    pub(super) fn load(&self) -> Result<(), gst::ErrorMessage> {
        static STARTS: AtomicU64 = AtomicU64::new(0);
        let number = STARTS.fetch_add(1, Ordering::Relaxed);
        self.outbox.with(|s| s.loading = Loading::InProgress(number));
        let weak = self.obj().downgrade();
        let started = std::thread::Builder::new().name("affectscore-load".to_owned()).spawn(move || {
            if let Some(element) = weak.upgrade() {
                // A start that was cancelled posts nothing.
                let _ = element.imp().open(number);
            }
        });
        started.map(|_| ()).map_err(|e| gst::error_msg!(gst::ResourceError::Failed, ("cannot start a thread: {e}")))
    }

    /// Reads or writes the state for start `number`, if that has not been cancelled.
    fn in_start<R>(&self, number: u64, change: impl FnOnce(&mut ScoreState) -> R) -> Result<R, StartCancelled> {
        self.outbox.with(|s| if s.loading.is_start(number) { Ok(change(s)) } else { Err(StartCancelled) })
    }

    fn progress(&self, kind: gst::ProgressType, text: &str) {
        poster::post(&*self.obj(), gst::message::Progress::builder(kind, "load-model", text).src(&*self.obj()).build());
    }

    /// Opens the model for start `number` and writes the audit record, with progress messages on the bus.
    fn open(&self, number: u64) -> Result<(), StartCancelled> {
        let settings = self.in_start(number, |s| s.properties.values().clone())?;
        let name = settings.path().map_or("built-in model".to_owned(), |p| p.display().to_string());
        self.progress(gst::ProgressType::Start, &format!("loading {name}"));
        let opened = poster::unlocked(|| {
            settings.open().and_then(|m| {
                // What a scorer refuses (no card, an unknown target) is known now, not with the first speech.
                let scoring = settings.scoring().unwrap_or_default();
                Scorer::new(m.clone(), scoring).map(|_| m)
            })
        });
        let model = match opened {
            Ok(model) => model,
            Err(e) => return self.failed(number, &format!("cannot use the model {name}: {e}")),
        };
        let mut event = audit::Event::Start;
        loop {
            let (settings, change) = self.in_start(number, |s| (s.properties.values().clone(), s.policies.due()))?;
            if let Some(change) = change {
                if let Err(e) = poster::unlocked(|| audit::write(event, &settings, &model, self.obj().upcast_ref())) {
                    return self.failed(number, &audit::failure(&settings, &e));
                }
                event = audit::Event::Policy;
                self.in_start(number, |s| s.policies.account(change, true))?;
            }
            // Policies that changed meanwhile have a record of their own.
            let ready = self.in_start(number, |s| s.policies.due().is_none())?;
            if ready {
                break;
            }
        }
        self.in_start(number, |_| ())?;
        self.progress(gst::ProgressType::Complete, &format!("{name} on {}", model.engine()));
        self.in_start(number, |s| s.loading = Loading::Ready(model))?;
        // A change in this last moment is audited as one while playing.
        self.audit_changes();
        Ok(())
    }

    fn failed(&self, number: u64, why: &str) -> Result<(), StartCancelled> {
        self.in_start(number, |s| s.stats.last_error = Some(why.to_owned()))?;
        self.progress(gst::ProgressType::Error, why);
        poster::error(&*self.obj(), gst::ResourceError::OpenRead, why);
        // Only now, so that the stream does not stop before the bus has the reason.
        self.in_start(number, |s| s.loading = Loading::Failed)
    }

    /// Writes audit records of changed policies, where they are due; one thread at a time.
    pub(super) fn audit_changes(&self) {
        loop {
            let due = self.outbox.with(|s| {
                let Loading::Ready(model) = &s.loading else { return None };
                let change = s.policies.due().filter(|_| !s.policies.auditing)?;
                let due = (change, model.clone(), s.properties.values().clone());
                s.policies.auditing = true;
                Some(due)
            });
            let Some((change, model, settings)) = due else { return };
            let written =
                poster::unlocked(|| audit::write(audit::Event::Policy, &settings, &model, self.obj().upcast_ref()));
            self.outbox.with(|s| {
                s.policies.auditing = false;
                s.policies.account(change, written.is_ok());
            });
            if let Err(e) = written {
                let why = audit::failure(&settings, &e);
                self.note(why.clone());
                poster::warning(
                    &*self.obj(),
                    gst::ResourceError::OpenWrite,
                    &why,
                    "Audio passes through unchanged, without results, until a change of policy can be recorded.",
                );
            }
        }
    }

    /// The model; waits for it where the stream may wait. `None` where it is not there (yet).
    pub(super) fn model(&self, wait: bool) -> Result<Option<Arc<Model>>, gst::FlowError> {
        let outcome = self.outbox.wait(|s| match &s.loading {
            Loading::Ready(m) => Some(Ok(Some(m.clone()))),
            Loading::Failed => Some(Err(gst::FlowError::Error)),
            Loading::InProgress(_) if wait => None,
            Loading::Stopped if wait => Some(Err(gst::FlowError::Flushing)),
            Loading::InProgress(_) | Loading::Stopped => Some(Ok(None)),
        });
        outcome.unwrap_or_else(|Interrupted| Err(gst::FlowError::Flushing))
    }

    /// Waits for the model where the stream may wait: statistics can be asked for meanwhile.
    pub(super) fn await_model(&self) {
        let in_progress =
            self.outbox.with(|s| matches!(s.loading, Loading::InProgress(_)).then(|| s.properties.values().mode()));
        if let Some(mode) = in_progress
            && (matches!(mode, Ok(Mode::Sync)) || !self.live())
        {
            // Whoever needs the model asks again, and hears what went wrong.
            let _ = self.model(true);
        }
    }

    pub(super) fn live(&self) -> bool {
        analysis::is_live(self.obj().upcast_ref())
    }
}
