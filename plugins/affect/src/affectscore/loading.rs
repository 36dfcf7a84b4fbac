//! The model of `affectscore`: loaded on a thread of its own, with its audit record, and waited for where that is allowed.

use super::audit;
use super::imp::AffectScore;
use super::settings::{Mode, Settings};
use crate::tap::lock;
use affect::analyzer::Scorer;
use affect::model::Model;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

/// The model on its way.
#[derive(Default)]
pub(super) enum Loading {
    #[default]
    Not,
    /// The number tells one start from the next.
    Underway(u64),
    Ready(Arc<Model>),
    Failed,
}

impl AffectScore {
    /// Loads the model and writes the audit record, on a thread of its own.
    pub(super) fn load(&self) -> Result<(), gst::ErrorMessage> {
        static STARTS: AtomicU64 = AtomicU64::new(0);
        let number = STARTS.fetch_add(1, Ordering::Relaxed);
        *lock(&self.loading) = Loading::Underway(number);
        let weak = self.obj().downgrade();
        let started = std::thread::Builder::new().name("affectscore-load".to_owned()).spawn(move || {
            if let Some(element) = weak.upgrade() {
                let imp = element.imp();
                let settings = lock(&imp.settings).clone();
                let outcome = imp.bring(&settings);
                let mut loading = lock(&imp.loading);
                if matches!(*loading, Loading::Underway(n) if n == number) {
                    *loading = outcome.map_or(Loading::Failed, Loading::Ready);
                }
                drop(loading);
                imp.loaded.notify_all();
            }
        });
        started.map(|_| ()).map_err(|e| gst::error_msg!(gst::ResourceError::Failed, ("cannot start a thread: {e}")))
    }

    /// The model, after its audit record was written. Says on the bus how it goes.
    pub(super) fn bring(&self, settings: &Settings) -> Option<Arc<Model>> {
        let name = settings.path().map_or("built-in model".to_owned(), |p| p.display().to_string());
        let progress = |kind: gst::ProgressType, text: &str| {
            let message = gst::message::Progress::builder(kind, "load-model", text).src(&*self.obj()).build();
            // Fails only without a bus, and then nobody listens.
            let _ = self.obj().post_message(message);
        };
        progress(gst::ProgressType::Start, &format!("loading {name}"));
        let failed = |why: String| {
            progress(gst::ProgressType::Error, &why);
            lock(&self.stats).last_error = Some(why.clone());
            gst::element_imp_error!(self, gst::ResourceError::OpenRead, ("{why}"));
        };
        let opened = settings.open().and_then(|m| {
            // What a scorer refuses (no card, an unknown target) is known now, not with the first speech.
            let scoring = settings.scoring().unwrap_or_default();
            Scorer::new(m.clone(), scoring).map(|_| m)
        });
        let model = match opened {
            Ok(m) => m,
            Err(e) => {
                failed(format!("cannot use the model {name}: {e}"));
                return None;
            }
        };
        if let Err(e) = audit::write(settings, &model, &self.obj().name()) {
            failed(format!("cannot write the audit record to {}: {e}; nothing is inferred", settings.audit));
            return None;
        }
        progress(gst::ProgressType::Complete, &format!("{name} on {}", model.engine()));
        Some(model)
    }

    /// The model; waits for it where the stream may wait. `None` where it is not there (yet).
    pub(super) fn model(&self, wait: bool) -> Result<Option<Arc<Model>>, gst::FlowError> {
        let mut loading = lock(&self.loading);
        loop {
            match &*loading {
                Loading::Ready(m) => return Ok(Some(m.clone())),
                Loading::Failed => return Err(gst::FlowError::Error),
                Loading::Underway(_) if wait => {
                    loading = self.loaded.wait(loading).unwrap_or_else(PoisonError::into_inner);
                }
                Loading::Not if wait => return Err(gst::FlowError::Flushing),
                Loading::Underway(_) | Loading::Not => return Ok(None),
            }
        }
    }

    /// Waits for the model where the stream may wait, holding no lock: statistics can be asked for meanwhile.
    pub(super) fn await_model(&self) {
        if matches!(*lock(&self.loading), Loading::Underway(_)) {
            let mode = lock(&self.settings).mode();
            if matches!(mode, Ok(Mode::Sync)) || !self.live() {
                // Whoever needs the model asks again, and hears what went wrong.
                let _ = self.model(true);
            }
        }
    }

    pub(super) fn live(&self) -> bool {
        let mut query = gst::query::Latency::new();
        self.obj().sink_pad().peer_query(&mut query) && query.result().0
    }
}
