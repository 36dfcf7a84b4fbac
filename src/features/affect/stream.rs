//! Spectra to rows, with bounded memory and delay.

use super::plan::{Plan, TRACT};
use super::row::{Row, Shape, Sink, Voice};
use super::tract::tract;
use crate::descriptors::cepstral_peak::CepstralState;
use crate::descriptors::formant_fit::FormantFit;
use crate::descriptors::formant_track::{self, FormantTrack, TrackedFormants};
use crate::descriptors::harmonic_levels::HarmonicLevels;
use crate::descriptors::linear_prediction::{PredictionState, Resonances};
use crate::descriptors::low_band::LowBand;
use crate::descriptors::periodicity::PeriodicityState;
use crate::descriptors::pitch_evidence::{EvidenceState, PitchEvidence};
use crate::descriptors::pitch_track::{self, Pitch, PitchTrack};
use crate::descriptors::pulses::{MARGIN, Pulses};
use crate::descriptors::tilt::TiltState;
use crate::descriptors::voicing;
use crate::signal::frames::{PITCH_DF_HZ, PitchFrame, ShortFrame, start};
use crate::signal::history::History;
use crate::signal::log::ln_all;
use crate::signal::spectrum::SpectrumState;
use crate::signal::sums::max;
use crate::signal::{HOP, PITCH, RATE_HZ, SHORT};
use std::sync::Arc;

/// A pitch frame and the short frame with the same centre: the latter's index, which is that of the row, is this much
/// higher.
pub const CENTRE: u64 = ((PITCH - SHORT) / 2 / HOP) as u64;
/// Pitch frames that must follow before the periods of a row are marked, so that the samples they need are there.
const FOLLOW: u64 = 2;
/// Longest delay of a row behind its pitch frame, in frames.
const DELAY: usize = pitch_track::DELAY + formant_track::DELAY + FOLLOW as usize;
/// Rows that wait.
const WAITING: usize = DELAY + 8;
/// Samples that must stay in reach.
pub const KEPT: usize = (DELAY + 2) * HOP + PITCH + MARGIN;
/// Longest delay of a row behind its last sample, in samples.
pub const MAX_DELAY: u64 = ((DELAY + 1) * HOP + (PITCH - SHORT) / 2) as u64;
/// Spectra that wait.
const SPECTRA: usize = pitch_track::DELAY + 1;
/// Unvoiced frames on each side of a voiced stretch that the formant tracker sees too, as a run-up.
const BESIDE: u64 = 2;
/// Lowest HNR at which the period is taken from the frame's own correlation, in dB.
const CLEAR_DB: f32 = 10.0;
/// Samples of a pitch frame that may stand in for lost ones where it has an HNR: half of it.
const MOST_CONCEALED: usize = PITCH / 2;
/// Bins this much weaker than the strongest count as that weak: -120 dB.
const FLOOR: f32 = 1e-12;

/// A row that waits.
#[derive(Debug, Clone)]
struct Pending {
    row: Row,
    /// Everything but the periods is known.
    ready: bool,
}

/// A frame that waits for its formants: its pitch frame and, if it is voiced, its harmonics.
#[derive(Debug, Clone, Default)]
struct Tracked {
    index: u64,
    voiced: bool,
    levels: HarmonicLevels,
}

/// The rows of one channel.
#[derive(Debug)]
pub struct Stream {
    plan: Arc<Plan>,
    tilt: TiltState,
    logs: Vec<f32>,
    low_band: LowBand,
    evidence: EvidenceState,
    pitch_track: PitchTrack,
    /// A ring of the spectra of the pitch frames whose F0 is not decided.
    powers: Vec<f32>,
    ln_power: Vec<f32>,
    periodicity: PeriodicityState,
    cepstral: CepstralState,
    spectrum: SpectrumState,
    prediction: PredictionState,
    formant_track: FormantTrack,
    /// A ring of the frames whose formants are not decided.
    tracked: Vec<Tracked>,
    oldest: usize,
    undecided: usize,
    /// The pitch frame after the last one that the formant tracker has seen.
    untracked: u64,
    /// Unvoiced frames since the last voiced one, up to the number that is tracked.
    since_voiced: u64,
    fit: FormantFit,
    pulses: Pulses,
    waiting: Vec<Pending>,
    short_bad: bool,
    shorts: u64,
    pitches: u64,
    /// Pitch frames whose F0 is decided.
    decided: u64,
    /// Rows handed out.
    rows: u64,
}

impl Stream {
    /// A stream at its beginning.
    #[must_use]
    pub fn new() -> Self {
        let plan = Plan::shared();
        let pending = Pending { row: Row::default(), ready: false };
        Self {
            tilt: plan.tilt.state(),
            logs: vec![0.0; crate::signal::frames::BANDS],
            low_band: LowBand::new(PITCH_DF_HZ),
            evidence: plan.pitch.state(),
            pitch_track: PitchTrack::default(),
            powers: vec![0.0; plan.voice_bins * SPECTRA],
            ln_power: vec![0.0; plan.voice_bins],
            periodicity: plan.periodicity.state(),
            cepstral: plan.cepstral.state(),
            spectrum: plan.tract.state(),
            prediction: plan.prediction.state(),
            formant_track: FormantTrack::default(),
            tracked: vec![Tracked::default(); formant_track::DELAY],
            oldest: 0,
            undecided: 0,
            untracked: 0,
            since_voiced: BESIDE,
            fit: FormantFit::default(),
            pulses: Pulses::default(),
            waiting: vec![pending; WAITING],
            short_bad: false,
            shorts: 0,
            pitches: 0,
            decided: 0,
            rows: 0,
            plan,
        }
    }

    /// Takes the next short frame.
    pub fn short(&mut self, frame: &ShortFrame<'_>) {
        let plan = &self.plan;
        // The flux looks back one frame.
        let last_bad = std::mem::replace(&mut self.short_bad, frame.bad);
        if !frame.bad {
            let share = plan.short_band.share(&frame.spectrum.power);
            self.pitch_track.hear(frame.samples, frame.mean_square, share);
        }
        let row = &mut self.waiting[slot(frame.index)].row;
        *row = Row {
            bad: frame.bad || last_bad,
            mean_square: frame.mean_square,
            loudness: plan.loudness.process(frame.log_energies),
            energies: *frame.energies,
            ..Row::default()
        };
        if let Some(tilt) = plan.tilt.process(&mut self.tilt, &frame.spectrum.power) {
            let balance = plan.balance.process(&frame.spectrum.power);
            let mut mfcc = [0.0; super::row::MFCCS];
            plan.mfcc.process_relative(frame.log_energies, &mut self.logs, &mut mfcc);
            row.shape = Some(Shape {
                alpha_ratio_db: balance.alpha_ratio_db,
                hammarberg_db: balance.hammarberg_db,
                low_db_per_khz: tilt.low_db_per_khz,
                middle_db_per_khz: tilt.middle_db_per_khz,
                whole_db_per_octave: tilt.whole_db_per_octave,
                centroid_hz: tilt.centroid_hz,
                change: tilt.change,
                mfcc,
            });
        }
        // The first frames have no pitch frame around them.
        self.waiting[slot(frame.index)].ready = frame.index < CENTRE;
        self.shorts = frame.index + 1;
    }

    /// Takes the next pitch frame and hands out the rows that are complete.
    pub fn pitch(&mut self, frame: &PitchFrame<'_>, sink: &mut impl Sink) {
        let pending = &mut self.waiting[slot(frame.index + CENTRE)];
        pending.row.bad |= frame.bad;
        let power = &frame.spectrum.power;
        let bins = self.plan.voice_bins;
        self.powers[bins * place(frame.index)..][..bins].copy_from_slice(&power[..bins]);
        // Nothing is known of a hole: no candidate, no energy.
        let (mut evidence, mut level_db) = (PitchEvidence::default(), self.pitch_track.level_db(0.0));
        if !frame.bad {
            let share = f64::from(self.plan.pitch_band.share(power));
            level_db = self.pitch_track.level_db(if frame.still { 0.0 } else { frame.energy * share });
            let fundamental = self.low_band.process(power, level_db).max(self.pitch_track.above_line());
            if level_db > voicing::NEVER_DB {
                evidence = self.plan.pitch.process(&mut self.evidence, frame.spectrum, fundamental);
            }
        }
        self.pitches = frame.index + 1;
        let mut decided = [Pitch::default(); pitch_track::DELAY + 1];
        let mut count = 0;
        self.pitch_track.push(&evidence, level_db, |p| {
            decided[count] = p;
            count += 1;
        });
        for pitch in &decided[..count] {
            self.decide(*pitch, frame.history);
        }
        self.hand_out(frame.history, false, sink);
    }

    /// F0 of the next pitch frame is known.
    fn decide(&mut self, pitch: Pitch, history: &History) {
        let index = self.decided;
        self.decided += 1;
        let pending = &mut self.waiting[slot(index + CENTRE)];
        pending.row.voicing = pitch.voicing;
        let Some(f0_hz) = pitch.hz else {
            pending.ready = true;
            self.plan.cepstral.pause(&mut self.cepstral);
            if pending.row.bad {
                self.tear(index);
            } else if self.since_voiced < BESIDE {
                self.track(index, false, history);
                self.since_voiced += 1;
                if self.since_voiced == BESIDE {
                    self.pause();
                }
            }
            return;
        };
        self.since_voiced = 0;
        pending.ready = false;
        for before in self.untracked.max(index.saturating_sub(BESIDE))..index {
            self.track(before, false, history);
        }
        let pending = &mut self.waiting[slot(index + CENTRE)];
        let plan = &self.plan;
        let periodic = history
            .get(start(index), PITCH)
            .and_then(|x| plan.periodicity.process(&mut self.periodicity, x, f64::from(f0_hz), f64::from(RATE_HZ)));
        // What stands in for lost sound is as periodic as it was made.
        let heard = history.concealed(start(index), PITCH) <= MOST_CONCEALED;
        // Where noise moves the peak, what the whole path says of the period is better than the frame alone.
        let exact = periodic.filter(|p| p.hnr_db >= CLEAR_DB);
        let f0 = exact.map_or(f64::from(f0_hz), |p| f64::from(RATE_HZ) / p.period);
        let power = &self.powers[plan.voice_bins * place(index)..][..plan.voice_bins];
        let floor = max(power) * FLOOR;
        ln_all(power, floor.max(f32::MIN_POSITIVE), &mut self.ln_power);
        let levels = &mut self.tracked[(self.oldest + self.undecided) % formant_track::DELAY].levels;
        plan.harmonics.process(levels, &self.ln_power, f0);
        pending.row.voice = Some(Voice {
            f0_hz: f0 as f32,
            hnr_db: periodic.filter(|_| heard).map(|p| p.hnr_db),
            cpps_db: plan.cepstral.process(&mut self.cepstral, &self.ln_power),
            h1_h2_db: super::tract::h1_h2_db(levels),
            tract: None,
        });
        self.track(index, true, history);
    }

    /// Shows a frame to the formant tracker.
    fn track(&mut self, index: u64, voiced: bool, history: &History) {
        let plan = &self.plan;
        let entry = &mut self.tracked[(self.oldest + self.undecided) % formant_track::DELAY];
        (entry.index, entry.voiced) = (index, voiced);
        self.undecided += 1;
        self.untracked = index + 1;
        let resonances = match history.get(start(index) + ((PITCH - TRACT) / 2) as u64, TRACT) {
            Some(x) => {
                plan.tract.process(&mut self.spectrum, x);
                plan.prediction.process(&mut self.prediction, &self.spectrum.power)
            }
            None => Resonances::default(),
        };
        let mut found = [None; formant_track::DELAY + 1];
        let mut count = 0;
        self.formant_track.push(&resonances, |f| {
            found[count] = f;
            count += 1;
        });
        self.settle(&found[..count]);
    }

    /// A voiced stretch has ended.
    fn pause(&mut self) {
        if self.undecided == 0 {
            return;
        }
        let mut found = [None; formant_track::DELAY + 1];
        let mut count = 0;
        self.formant_track.pause(|f| {
            found[count] = f;
            count += 1;
        });
        self.settle(&found[..count]);
    }

    /// A hole: what the formant tracker knows ends here, and no frame up to here is a run-up for what follows.
    fn tear(&mut self, index: u64) {
        self.pause();
        self.formant_track = FormantTrack::default();
        self.since_voiced = BESIDE;
        self.untracked = index + 1;
    }

    /// The formants of the oldest undecided frames are known.
    fn settle(&mut self, found: &[Option<TrackedFormants>]) {
        for (i, tracked) in found.iter().enumerate() {
            let entry = &self.tracked[(self.oldest + i) % formant_track::DELAY];
            if !entry.voiced {
                continue;
            }
            let pending = &mut self.waiting[slot(entry.index + CENTRE)];
            pending.ready = true;
            if let (Some(tracked), Some(voice)) = (tracked, &mut pending.row.voice) {
                let fitted = self.fit.process(&entry.levels, tracked);
                voice.tract = Some(tract(&entry.levels, &fitted, voice.f0_hz));
            }
        }
        self.oldest = (self.oldest + found.len()) % formant_track::DELAY;
        self.undecided -= found.len();
    }

    fn hand_out(&mut self, history: &History, all: bool, sink: &mut impl Sink) {
        while self.rows < self.shorts {
            let index = self.rows;
            let pitch = index.checked_sub(CENTRE);
            let follow = all || pitch.is_none_or(|p| self.pitches > p + FOLLOW);
            let pending = &mut self.waiting[slot(index)];
            if !(pending.ready && follow) {
                break;
            }
            let f0 = pending.row.voice.map(|v| f64::from(v.f0_hz));
            let centre = start(index) + (SHORT / 2) as u64;
            let tract = pending.row.voice.and_then(|v| v.tract);
            let resonances: [_; 3] =
                std::array::from_fn(|i| tract.map_or((0.0, 0.0), |t| (t.hz[i], t.bandwidth_hz[i])));
            let known = if tract.is_some() { &resonances[..] } else { &[] };
            pending.row.periods = self.pulses.process(history, centre, f0, known);
            sink.row(index, &pending.row);
            self.rows += 1;
        }
    }

    /// The input has ended: decides and hands on everything that waits. Reset before pushing again.
    pub fn finish(&mut self, history: &History, sink: &mut impl Sink) {
        let mut decided = [Pitch::default(); pitch_track::DELAY + 1];
        let mut count = 0;
        self.pitch_track.finish(|p| {
            decided[count] = p;
            count += 1;
        });
        for pitch in &decided[..count] {
            self.decide(*pitch, history);
        }
        self.pause();
        // The last frames have no pitch frame around them.
        for index in self.decided + CENTRE..self.shorts {
            self.waiting[slot(index)].ready = true;
        }
        self.hand_out(history, true, sink);
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.plan.tilt.reset(&mut self.tilt);
        self.plan.cepstral.pause(&mut self.cepstral);
        self.pitch_track = PitchTrack::default();
        self.low_band.reset();
        self.formant_track = FormantTrack::default();
        self.pulses.reset();
        self.oldest = 0;
        self.undecided = 0;
        self.untracked = 0;
        self.since_voiced = BESIDE;
        self.short_bad = false;
        self.shorts = 0;
        self.pitches = 0;
        self.decided = 0;
        self.rows = 0;
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

fn place(index: u64) -> usize {
    (index % SPECTRA as u64) as usize
}

fn slot(index: u64) -> usize {
    (index % WAITING as u64) as usize
}
