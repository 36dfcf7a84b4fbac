//! Implementation of `affectscore`.

use super::audit;
use super::settings::{BESIDE, Mode, OF_THE_MODEL, PROPERTIES, Settings};
use super::worker::{Job, Outcome, Worker};
use crate::seen::Seen;
use crate::tap::{Tap, Trouble};
use crate::{UPSTREAM_QUERY, meta, result};
use affect::analyzer::{Analyzer, Config, Policy, Scorer, upstream};
use affect::error::InputError;
use affect::model::Model;
use affect::record::{Ended, Record, SegmentKind};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::BaseTransformMode;
use gst_base::subclass::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("affectscore", gst::DebugColorFlags::empty(), Some("Emotion scores of speech, explained"))
});

/// Scored versions of a segment come after all that a feature element makes of it.
const SCORED_REVISION: u32 = 1 << 16;
/// Warnings about dropped windows come no closer than this.
const WARNING_INTERVAL: Duration = Duration::from_secs(5);

/// The model on its way.
#[derive(Default)]
enum Loading {
    #[default]
    Not,
    /// The number tells one start from the next.
    Underway(u64),
    Ready(Arc<Model>),
    Failed,
}

#[derive(Default)]
struct State {
    tap: Tap,
    /// Features come from upstream; decided with the first buffer.
    upstream: Option<bool>,
    /// The settings for features from upstream.
    config: Option<Arc<Config>>,
    deferred: bool,
    seen: Seen,
    worker: Option<Worker>,
    /// Results that wait for a buffer, and to be posted.
    ready: Vec<Record>,
    /// Windows dropped since that was last looked at.
    dropped: usize,
    stale: bool,
}

#[derive(Default)]
struct Stats {
    results: u64,
    scored: u64,
    abstained: u64,
    dropped: u64,
    attached: u64,
    posted: u64,
    scoring: Duration,
    last_error: Option<String>,
    warned: Option<Instant>,
}

/// Why the stream cannot go on. Said on the bus by whoever holds no lock.
enum Stop {
    Flow(gst::FlowError),
    Error(String),
}

/// What goes out with a buffer or event.
#[derive(Default)]
struct Out {
    /// Not posted yet.
    fresh: Vec<Record>,
    /// Posted by the worker already.
    made: Vec<Record>,
    dropped: usize,
}

/// The element.
#[derive(Default)]
pub struct AffectScore {
    settings: Mutex<Settings>,
    state: Mutex<State>,
    /// Results that the worker has made.
    made: Mutex<Vec<Record>>,
    stats: Mutex<Stats>,
    loading: Mutex<Loading>,
    loaded: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while holding a lock has posted an element error; the data are plain values and stay usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AffectScore {
    /// Loads the model and writes the audit record, on a thread of its own.
    fn load(&self) -> Result<(), gst::ErrorMessage> {
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
    fn bring(&self, settings: &Settings) -> Option<Arc<Model>> {
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
    fn model(&self, wait: bool) -> Result<Option<Arc<Model>>, gst::FlowError> {
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
    fn await_model(&self) {
        if matches!(*lock(&self.loading), Loading::Underway(_)) {
            let mode = lock(&self.settings).mode();
            if matches!(mode, Ok(Mode::Sync)) || !self.live() {
                // Whoever needs the model asks again, and hears what went wrong.
                let _ = self.model(true);
            }
        }
    }

    fn live(&self) -> bool {
        let mut query = gst::query::Latency::new();
        self.obj().sink_pad().peer_query(&mut query) && query.result().0
    }

    /// Whether an element upstream attaches the features that a model needs.
    fn comes_from_upstream(&self, scorer: &Scorer) -> bool {
        let Some(set) = scorer.set() else { return false };
        let mut query = gst::query::Custom::new(gst::Structure::new_empty(UPSTREAM_QUERY));
        if !self.obj().sink_pad().peer_query(&mut query) {
            return false;
        }
        let Some(s) = query.structure() else { return false };
        let sets = s.get::<&str>("feature-set").unwrap_or_default();
        sets.split(',').any(|n| n.trim() == set.name())
            && s.get::<&str>("segmentation").is_ok_and(|s| s != "frame")
            && s.get::<bool>("attached").unwrap_or(false)
            && (!scorer.needs_baseline() || s.get::<bool>("speaker-baseline").unwrap_or(false))
    }

    /// Gets everything ready for the settings and the model, where that has not been done.
    fn prepare(&self, state: &mut State) -> Result<bool, Stop> {
        if state.config.is_some() && !state.stale {
            return Ok(true);
        }
        let settings = lock(&self.settings).clone();
        let live = self.live();
        let deferred = match settings.mode() {
            Ok(Mode::Async) => true,
            Ok(Mode::Auto) => live,
            _ => false,
        };
        // Only live audio cannot wait for the model: until it is there, it passes unanalysed.
        let Some(model) = self.model(!(live && deferred)).map_err(Stop::Flow)? else { return Ok(false) };
        let made = settings
            .scoring()
            .map_err(|e| e.to_string())
            .and_then(|c| Scorer::new(model, c).map_err(|e| e.to_string()))
            .map(Arc::new)
            .and_then(|s| settings.config(s, deferred, state.tap.stream_id()).map_err(|e| e.to_string()));
        let config = Arc::new(made.map_err(Stop::Error)?);
        if state.stale {
            // What was asked under the old settings (a policy, say) is not answered any more.
            if let Some(w) = &state.worker {
                w.clear();
            }
            lock(&self.made).clear();
            state.tap.outdated();
        }
        let scorer = config.scorer.clone();
        state.upstream = Some(scorer.is_some_and(|s| self.comes_from_upstream(&s)));
        gst::debug!(CAT, imp = self, "deferred: {deferred}, features from upstream: {:?}", state.upstream);
        state.deferred = deferred;
        state.config = Some(config);
        state.stale = false;
        if deferred && state.worker.is_none() {
            let weak = self.obj().downgrade();
            let worker = Worker::new(move |outcome| {
                if let Some(e) = weak.upgrade() {
                    e.imp().made(outcome);
                }
            });
            state.worker = Some(worker.map_err(|e| Stop::Error(format!("cannot start a thread: {e}")))?);
        }
        Ok(true)
    }

    /// Takes what the worker has made, on its thread: messages go out at once, metas with the next buffer.
    fn made(&self, outcome: Outcome) {
        let record = match outcome {
            Outcome::Done(record, took) => {
                lock(&self.stats).scoring += took;
                record
            }
            Outcome::Dropped(mut record) => {
                record.audio = None;
                self.dropped(1);
                record
            }
            Outcome::Nothing { dropped } => {
                self.dropped(usize::from(dropped));
                return;
            }
            Outcome::Failed(record) => {
                gst::element_imp_error!(self, gst::LibraryError::Failed, ("the model's engine panicked"));
                record
            }
        };
        self.count(&record);
        self.post(std::slice::from_ref(&record));
        lock(&self.made).push(record);
    }

    /// Says that windows were dropped, not too often.
    fn dropped(&self, count: usize) {
        let mut stats = lock(&self.stats);
        stats.dropped += count as u64;
        if count == 0 || stats.warned.is_some_and(|w| w.elapsed() < WARNING_INTERVAL) {
            return;
        }
        stats.warned = Some(Instant::now());
        let total = stats.dropped;
        drop(stats);
        gst::element_imp_warning!(
            self,
            gst::StreamError::Failed,
            ("The model is slower than the stream: {total} windows were dropped"),
            ["Their features are handed out unscored. Use a longer hop, a smaller model, or attribution=groups."]
        );
    }

    fn count(&self, record: &Record) {
        let mut stats = lock(&self.stats);
        stats.results += 1;
        if let Some(s) = &record.scored {
            stats.scored += 1;
            stats.abstained += u64::from(s.emotion.abstained.is_some());
        }
    }

    /// Sends fresh records to be scored, or makes those ready that are.
    fn pass_on(&self, state: &mut State, records: Vec<Record>) {
        let Some(config) = state.config.clone() else { return };
        let channels = state.tap.channels();
        let (most, lateness) = {
            let s = lock(&self.settings);
            (s.max_queued as usize, Duration::from_nanos(s.max_lateness))
        };
        for mut record in records {
            let pending = state.deferred && record.scored.is_none() && record.segment != SegmentKind::Frame;
            if let (true, Some(w)) = (pending, &state.worker) {
                let refined = state.upstream == Some(true);
                let job = Job { config: config.clone(), channels, record, refined, since: Instant::now() };
                if let Some(old) = w.push(job, most, lateness) {
                    state.dropped += 1;
                    if !old.refined {
                        let mut old = old.record;
                        old.audio = None;
                        self.count(&old);
                        state.ready.push(old);
                    }
                }
                continue;
            }
            record.audio = None;
            self.count(&record);
            state.ready.push(record);
        }
    }

    /// Records of an element upstream, each once, as those of this element.
    fn refine(&self, state: &mut State, structures: &[gst::Structure]) -> Vec<Record> {
        let Some(config) = state.config.clone() else { return Vec::new() };
        let channels = state.tap.channels();
        let mut out = Vec::new();
        for s in structures {
            let (Ok(id), Ok(json)) = (s.get::<&str>("id"), s.get::<&str>("json")) else { continue };
            if !state.seen.first_time(id) {
                continue;
            }
            let mut record = match upstream::record(json) {
                Ok(r) => r,
                Err(e) => {
                    gst::debug!(CAT, imp = self, "a result from upstream is left alone: {e}");
                    continue;
                }
            };
            if !config.scorer.as_ref().is_some_and(|s| s.takes(record.feature_set)) {
                continue;
            }
            record.revision = record.revision.saturating_add(SCORED_REVISION);
            record.source = config.source.clone();
            if Analyzer::policy_for(&config, channels, &record) != Policy::Allow {
                // What is attached already is all that may be told, or more; nothing is added.
                continue;
            }
            if state.deferred {
                out.push(record);
            } else {
                let begun = Instant::now();
                if Analyzer::score(&config, channels, &mut record) {
                    out.push(record);
                }
                lock(&self.stats).scoring += begun.elapsed();
            }
        }
        out
    }

    /// Analyses a buffer. Nothing is posted while the state is locked: whoever hears a message may ask for statistics.
    fn analyse(&self, buffer: &gst::BufferRef) -> Result<Vec<Record>, gst::FlowError> {
        self.await_model();
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let mut trouble = None;
        let mut stop = None;
        match self.prepare(state) {
            Ok(false) => {}
            Ok(true) if state.upstream == Some(true) => {
                let fresh = self.refine(state, &meta::read(buffer));
                self.pass_on(state, fresh);
            }
            Ok(true) => {
                let config = state.config.clone();
                let make =
                    |_: &str| config.as_deref().cloned().ok_or(affect::error::ConfigError::Input(InputError::Finished));
                trouble = state.tap.buffer(buffer, &make).err();
                let fresh = state.tap.take();
                self.pass_on(state, fresh);
            }
            Err(e) => stop = Some(e),
        }
        let out = self.collect(state);
        drop(guard);
        let records = self.told(out);
        if let Some(Trouble::Settings(e)) = &trouble {
            stop = Some(Stop::Error(e.to_string()));
        }
        match stop {
            None => {}
            Some(Stop::Flow(e)) => return Err(e),
            Some(Stop::Error(e)) => {
                lock(&self.stats).last_error = Some(e.clone());
                gst::element_imp_error!(self, gst::LibraryError::Settings, ("{e}"));
                return Err(gst::FlowError::Error);
            }
        }
        match trouble {
            Some(Trouble::Audio(e)) => {
                lock(&self.stats).last_error = Some(e.to_string());
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Format,
                    ("No scores: {e}"),
                    ["Audio passes through unchanged. Put audioresample before this element."]
                );
            }
            Some(Trouble::Buffer(e)) => {
                gst::warning!(CAT, imp = self, "{e}");
                lock(&self.stats).last_error = Some(e);
            }
            Some(Trouble::Settings(_)) | None => {}
        }
        Ok(records)
    }

    /// Everything that can go out now.
    fn collect(&self, state: &mut State) -> Out {
        Out {
            fresh: std::mem::take(&mut state.ready),
            made: std::mem::take(&mut lock(&self.made)),
            dropped: std::mem::take(&mut state.dropped),
        }
    }

    /// Posts what has not been posted, and gives all of it to be attached.
    fn told(&self, out: Out) -> Vec<Record> {
        self.dropped(out.dropped);
        self.post(&out.fresh);
        let mut all = out.fresh;
        all.extend(out.made);
        all
    }

    /// Posts messages. Called without any lock that the application could want.
    fn post(&self, records: &[Record]) {
        let (post, messages) = {
            let s = lock(&self.settings);
            (s.analysis.post, s.analysis.post_messages)
        };
        for record in records {
            if messages && post.takes(record.ended == Ended::Open) && record.segment != SegmentKind::Frame {
                // Fails only without a bus, and then nobody listens.
                let _ = self.obj().post_message(result::message(record, &*self.obj()));
                lock(&self.stats).posted += 1;
            }
        }
    }

    fn structures(&self, records: &[Record]) -> Vec<gst::Structure> {
        let attach = lock(&self.settings).analysis.attach;
        let out: Vec<gst::Structure> =
            records.iter().filter(|r| attach.takes(r.ended == Ended::Open)).map(result::structure).collect();
        lock(&self.stats).attached += out.len() as u64;
        out
    }

    /// The stream ends (or a part of it): everything that is pending goes out ahead of the event.
    fn finish(&self) {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        if state.config.is_none() {
            return;
        }
        state.tap.finish();
        let fresh = state.tap.take();
        self.pass_on(state, fresh);
        if let Some(w) = &state.worker {
            w.drain();
        }
        let out = self.collect(state);
        drop(guard);
        let records = self.told(out);
        self.push(&records);
    }

    fn push(&self, records: &[Record]) {
        let structures = self.structures(records);
        if !structures.is_empty() {
            self.obj().src_pad().push_event(result::event(structures));
        }
    }

    fn forget(&self) {
        let mut state = lock(&self.state);
        state.tap.restart();
        state.ready.clear();
        state.seen.clear();
        if let Some(w) = &state.worker {
            w.clear();
        }
        drop(state);
        lock(&self.made).clear();
    }

    fn stats_structure(&self) -> gst::Structure {
        let model = match &*lock(&self.loading) {
            Loading::Ready(m) => Some(m.clone()),
            _ => None,
        };
        let state = lock(&self.state);
        let s = lock(&self.stats);
        let c = &state.tap.counts;
        gst::Structure::builder("affectscore-stats")
            .field("engine", model.as_ref().map(|m| m.engine().to_owned()).unwrap_or_default())
            .field("model", model.as_ref().map(|m| m.sha256().to_owned()).unwrap_or_default())
            .field("mode", if state.deferred { "async" } else { "sync" })
            .field("upstream-features", state.upstream.unwrap_or(false))
            .field("results", s.results)
            .field("scored", s.scored)
            .field("abstained", s.abstained)
            .field("dropped", s.dropped)
            .field("queued", state.worker.as_ref().map_or(0, Worker::queued) as u64)
            .field("attached", s.attached)
            .field("posted", s.posted)
            .field("cuts", c.cuts)
            .field("audio-time", c.audio.nseconds())
            .field("processing-time", c.processing.as_nanos() as u64)
            .field("scoring-time", s.scoring.as_nanos() as u64)
            .field("max-result-delay", c.max_delay)
            .field("last-error", s.last_error.clone().unwrap_or_default())
            .build()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AffectScore {
    const NAME: &'static str = "GstAffectScore";
    type Type = super::AffectScore;
    type ParentType = gst_base::BaseTransform;
}

impl ObjectImpl for AffectScore {
    fn properties() -> &'static [glib::ParamSpec] {
        PROPERTIES.as_ref()
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: LazyLock<Vec<glib::subclass::Signal>> = LazyLock::new(|| {
            vec![
                glib::subclass::Signal::builder("reset")
                    .action()
                    .class_handler(|args| {
                        if let Ok(element) = args[0].get::<super::AffectScore>() {
                            element.imp().forget();
                        }
                        None
                    })
                    .build(),
            ]
        });
        SIGNALS.as_ref()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let mut settings = lock(&self.settings);
        let mut next = settings.clone();
        let outcome = if pspec.name() == "settings" {
            next.apply(&value.get::<Option<String>>().ok().flatten().unwrap_or_default())
        } else {
            next.set(pspec.name(), value);
            Ok(())
        };
        // Of a running stream only what can be used is taken over; before it starts, start says what is wrong.
        let running = !matches!(*lock(&self.loading), Loading::Not);
        let checked = if running { outcome.and_then(|()| next.check().map_err(|e| e.to_string())) } else { outcome };
        if let Err(e) = checked {
            gst::error!(CAT, imp = self, "{}: {e}", pspec.name());
            lock(&self.stats).last_error = Some(format!("{}: {e}", pspec.name()));
            return;
        }
        *settings = next;
        drop(settings);
        if running && !BESIDE.contains(&pspec.name()) && !OF_THE_MODEL.contains(&pspec.name()) {
            lock(&self.state).stale = true;
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => self.stats_structure().to_value(),
            "settings" => None::<&str>.to_value(),
            name => lock(&self.settings).get(name).unwrap_or_else(|| pspec.default_value().clone()),
        }
    }
}

impl GstObjectImpl for AffectScore {}

impl ElementImpl for AffectScore {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Affect emotion scores",
                "Filter/Analyzer/Audio",
                "Passes audio through unchanged and attaches emotion scores of the speech in it, each with the features that moved it",
                "The Affect developers",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let caps = gst_audio::AudioCapsBuilder::new().build();
            [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
                .into_iter()
                .filter_map(|(name, direction)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
                })
                .collect()
        });
        TEMPLATES.as_ref()
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::PausedToReady {
            // The streaming thread may be waiting for the model.
            *lock(&self.loading) = Loading::Not;
            self.loaded.notify_all();
        }
        self.parent_change_state(transition)
    }
}

impl BaseTransformImpl for AffectScore {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.state) = State::default();
        *lock(&self.stats) = Stats::default();
        lock(&self.made).clear();
        // Settings that can never work fail here, before any data flow.
        lock(&self.settings).check().map_err(|e| gst::error_msg!(gst::LibraryError::Settings, ("{e}")))?;
        self.load()
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.loading) = Loading::Not;
        self.loaded.notify_all();
        // Outside the lock: the worker may be about to hand over a result.
        let old = std::mem::take(&mut *lock(&self.state));
        drop(old);
        lock(&self.made).clear();
        Ok(())
    }

    fn set_caps(&self, incaps: &gst::Caps, _outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let info = gst_audio::AudioInfo::from_caps(incaps)
            .map_err(|_| gst::loggable_error!(CAT, "cannot parse caps {incaps}"))?;
        lock(&self.state).tap.set_info(info);
        Ok(())
    }

    fn transform_ip(&self, buffer: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let records = self.analyse(buffer)?;
        if let Err(e) = meta::append(buffer, self.structures(&records)) {
            gst::error!(CAT, imp = self, "cannot attach results: {e}");
            lock(&self.stats).last_error = Some(e.to_string());
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        match event.view() {
            EventView::StreamStart(e) => {
                let mut state = lock(&self.state);
                state.tap.set_stream(e.stream_id());
                // The next buffer asks again who is upstream.
                state.config = None;
            }
            EventView::Segment(e) => {
                let segment = e.segment().downcast_ref::<gst::ClockTime>().cloned();
                lock(&self.state).tap.set_segment(segment);
            }
            EventView::Gap(e) => {
                let (pts, duration) = e.get();
                lock(&self.state).tap.missing_time(Some(pts), duration);
            }
            EventView::CustomDownstream(e) => {
                let structures = result::from_event(e);
                let mut guard = lock(&self.state);
                if guard.upstream == Some(true) && !structures.is_empty() {
                    let state = &mut *guard;
                    let fresh = self.refine(state, &structures);
                    self.pass_on(state, fresh);
                    if let Some(w) = &state.worker {
                        w.drain();
                    }
                    let out = self.collect(state);
                    drop(guard);
                    let records = self.told(out);
                    let sent = self.parent_sink_event(event);
                    self.push(&records);
                    return sent;
                }
            }
            EventView::FlushStop(_) => self.forget(),
            EventView::Eos(_) | EventView::SegmentDone(_) => self.finish(),
            _ => {}
        }
        self.parent_sink_event(event)
    }
}
