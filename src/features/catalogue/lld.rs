//! The 25 low-level descriptors.

use super::wording::{self as w, Words, words};
use super::{Entry, Group, mfcc};

/// Where the definitions come from.
pub(super) const SOURCE: &str = "Eyben et al., The Geneva Minimalistic Acoustic Parameter Set (GeMAPS), IEEE \
    Transactions on Affective Computing 7(2), 2016, set eGeMAPSv02, with the departures of its reference program.";

/// A descriptor before smoothing: what functionals and rows are named after.
pub(super) struct Base {
    pub name: &'static str,
    pub unit: &'static str,
    pub group: Group,
    pub what: &'static str,
    /// How it is spoken of; the cepstral coefficients' words are made in `mfcc`.
    pub words: Words,
    pub definition: &'static str,
}

const fn base(
    name: &'static str,
    unit: &'static str,
    group: Group,
    what: &'static str,
    words: Words,
    definition: &'static str,
) -> Base {
    Base { name, unit, group, what, words, definition }
}

/// Stands where `mfcc` has the words.
const CEPSTRAL: Words = words("MFCC", "sound", ("higher", "lower"), "cepstrum", w::PURE);

/// What a level near a formant mostly says: -201 dB of unvoiced frames enter its mean.
const HEARD: w::Ways = ("heard more", "heard less");

/// Numbers that are no resonances of the vocal tract, though tables call them so.
const fn nominal(short: &'static str, unit: w::Unit) -> Words {
    words(short, short, ("higher", "lower"), short, unit)
}

impl Base {
    /// The place of a cepstral coefficient.
    pub(super) fn cepstral(&self) -> Option<usize> {
        self.name.strip_prefix("mfcc").and_then(|i| i.parse().ok())
    }

    /// No sound goes with it.
    pub(super) fn is_nominal(&self) -> bool {
        self.words.short == self.words.subject
    }

    /// What else moves it.
    pub(super) fn caveat(&self) -> Option<&'static str> {
        match self.name {
            "spectralFlux" => Some("also when simply louder"),
            "HNRdBACF" => Some("also when the voice is higher, since the window is not corrected for"),
            name if name.ends_with("amplitudeLogRelF0") => Some("mostly the share of voice; brighter voices too"),
            _ if self.is_nominal() => {
                Some("no resonance of the vocal tract, and no plain sound; tables and models use it as it is")
            }
            _ => None,
        }
    }

    /// The words of the descriptor, or of a typical value under a name.
    pub(super) fn wording(&self, words: &Words, name: &str) -> w::Wording {
        let said = match self.cepstral() {
            Some(i) => mfcc::coefficient(i),
            None if self.is_nominal() => w::Wording { distance: words.unit.by_without_sound(), ..words.named(name) },
            None => words.named(name),
        };
        w::Wording { caveat: self.caveat(), ..said }
    }
}

/// The ten descriptors of the short frames, then the fifteen of the voice.
pub(super) const BASES: [Base; 25] = [
    base(
        "Loudness",
        "1 (cube root of power)",
        Group::Energy,
        "perceived loudness",
        words("loudness", "sound", ("louder or nearer", "softer or farther away"), "loudness", w::PURE),
        "mean over 26 mel bands (20 to 8000 Hz) of (band power times equal-loudness weight) to the power 0.33; Hamming frame of 20 ms",
    ),
    base(
        "alphaRatio",
        "dB",
        Group::SpectralBalance,
        "energy in 1 to 5 kHz over energy below 1 kHz",
        words("alpha ratio", "sound", ("brighter", "duller"), "brightness", w::DB),
        "10 log10 of summed power 1 to 5 kHz over summed power 0 to 1 kHz",
    ),
    base(
        "hammarbergIndex",
        "dB",
        Group::SpectralBalance,
        "strongest peak below 2 kHz over strongest peak in 2 to 5 kHz",
        words("Hammarberg index", "sound", ("mellower", "more piercing"), "mellowness", w::DB),
        "10 log10 of the strongest bin below 2 kHz over the strongest bin in 2 to 5 kHz",
    ),
    base(
        "slope0-500",
        "dB/Hz",
        Group::SpectralBalance,
        "slope of the spectrum up to 500 Hz",
        words("low slope", "sound", ("less bassy", "bassier"), "bass", w::DB_PER_HZ),
        "regression of bin level in dB on frequency, 0 to 500 Hz, count one less than the number of bins: moves by -0.0008 dB/Hz per dB of gain",
    ),
    base(
        "slope500-1500",
        "dB/Hz",
        Group::SpectralBalance,
        "slope of the spectrum from 500 to 1500 Hz",
        words("mid slope", "sound", ("more forceful", "gentler"), "vocal force", w::DB_PER_HZ),
        "regression of bin level in dB on frequency, 500 to 1500 Hz, count one less than the number of bins: moves by -0.00055 dB/Hz per dB of gain",
    ),
    base(
        "spectralFlux",
        "1 (magnitude)",
        Group::SpectralBalance,
        "change of the spectrum from frame to frame",
        words("flux", "sound", ("changing more", "changing less"), "amount of change", w::PURE),
        "root mean square over bins below 5 kHz of the difference of magnitudes to the previous frame, not normalised",
    ),
    base(
        "mfcc1",
        "1",
        Group::Cepstral,
        "first mel-frequency cepstral coefficient",
        CEPSTRAL,
        "cosine transform of log mel band energies, liftered (22), floor 1 after scaling to 16 bit",
    ),
    base("mfcc2", "1", Group::Cepstral, "second mel-frequency cepstral coefficient", CEPSTRAL, "as mfcc1"),
    base("mfcc3", "1", Group::Cepstral, "third mel-frequency cepstral coefficient", CEPSTRAL, "as mfcc1"),
    base("mfcc4", "1", Group::Cepstral, "fourth mel-frequency cepstral coefficient", CEPSTRAL, "as mfcc1"),
    base(
        "F0semitoneFrom27.5Hz",
        "semitones above 27.5 Hz",
        Group::Frequency,
        "pitch",
        words("pitch", "voice", ("higher", "lower"), "pitch", w::SEMITONES),
        "sub-harmonic summation (15 harmonics, 0.85) on a spline octave axis, 55 to 1000 Hz, dynamic programming over 6 candidates; 0 unvoiced",
    ),
    base(
        "jitterLocal",
        "1 (relative)",
        Group::VoiceQuality,
        "irregularity of the period from cycle to cycle",
        words("jitter", "voice", ("rougher", "smoother"), "roughness", w::SHARE_OF_THE_PERIOD),
        "mean absolute difference of successive periods over the mean period, periods by waveform correlation within 10 % of F0",
    ),
    base(
        "shimmerLocaldB",
        "dB",
        Group::VoiceQuality,
        "irregularity of the amplitude from cycle to cycle",
        words("shimmer", "voice", ("huskier", "less husky"), "huskiness", w::DB),
        "20 log10(1 + mean absolute difference of successive peak-to-peak amplitudes over the mean amplitude)",
    ),
    base(
        "HNRdBACF",
        "dB",
        Group::VoiceQuality,
        "harmonic energy over noise energy",
        words("HNR", "voice", ("less hoarse", "hoarser"), "hoarseness", w::DB),
        "10 log10(R/(R0-R)) of the autocorrelation of the windowed 60 ms frame at the period; saturates between 6 and 14 dB with rising F0",
    ),
    base(
        "logRelF0-H1-H2",
        "dB",
        Group::VoiceQuality,
        "level of the harmonic at 2 F0 over the one at 3 F0 (the set's H1 and H2)",
        words("nominal H1-H2", "voice", ("breathier", "more pressed"), "breathiness", w::DB),
        "difference of harmonic levels in dB; the reference program counts F0 itself as harmonic 0",
    ),
    base(
        "logRelF0-H1-A3",
        "dB",
        Group::VoiceQuality,
        "level of the harmonic at 2 F0 over the strongest one near the third formant",
        words("nominal H1-A3", "voice", ("softer in tone", "harder in tone"), "hardness", w::DB),
        "difference of harmonic levels in dB, third formant as in F3frequency",
    ),
    base(
        "F1frequency",
        "Hz",
        Group::Formants,
        "first formant of the set (not a resonance of the vocal tract: see definition)",
        nominal("nominal F1", w::HZ),
        "first root angle of the order-11 prediction polynomial of the 11 kHz signal with its coefficients' sign inverted, as the reference program computes it",
    ),
    base(
        "F1bandwidth",
        "Hz",
        Group::Formants,
        "bandwidth that belongs to F1frequency",
        nominal("nominal F1 width", w::HZ),
        "from the radius of the same root",
    ),
    base(
        "F1amplitudeLogRelF0",
        "dB",
        Group::Formants,
        "level of the strongest harmonic near F1 over F0; -201 unvoiced",
        words("nominal F1 level", "voice", HEARD, "voicing", w::DB),
        "strongest harmonic within 20 % of F1frequency relative to the one at F0; 0 where none",
    ),
    base(
        "F2frequency",
        "Hz",
        Group::Formants,
        "second formant of the set (see F1frequency)",
        nominal("nominal F2", w::HZ),
        "second root, as F1frequency",
    ),
    base(
        "F2bandwidth",
        "Hz",
        Group::Formants,
        "bandwidth that belongs to F2frequency",
        nominal("nominal F2 width", w::HZ),
        "from the radius of the same root",
    ),
    base(
        "F2amplitudeLogRelF0",
        "dB",
        Group::Formants,
        "level of the strongest harmonic near F2 over F0; -201 unvoiced",
        words("nominal F2 level", "voice", HEARD, "voicing", w::DB),
        "strongest harmonic within 20 % of F2frequency relative to the one at F0; 0 where none",
    ),
    base(
        "F3frequency",
        "Hz",
        Group::Formants,
        "third formant of the set (see F1frequency)",
        nominal("nominal F3", w::HZ),
        "third root, as F1frequency",
    ),
    base(
        "F3bandwidth",
        "Hz",
        Group::Formants,
        "bandwidth that belongs to F3frequency",
        nominal("nominal F3 width", w::HZ),
        "from the radius of the same root",
    ),
    base(
        "F3amplitudeLogRelF0",
        "dB",
        Group::Formants,
        "level of the strongest harmonic near F3 over F0; -201 unvoiced",
        words("nominal F3 level", "voice", HEARD, "voicing", w::DB),
        "strongest harmonic within 20 % of F3frequency relative to the one at F0; 0 where none",
    ),
];

pub(super) fn entries() -> Vec<Entry> {
    BASES
        .iter()
        .enumerate()
        .map(|(i, b)| {
            let (suffix, rule) = if i < 10 {
                ("sma3", "mean of three frames")
            } else {
                ("sma3nz", "mean of those of three frames that are not 0")
            };
            Entry {
                name: format!("{}_{suffix}", b.name),
                unit: b.unit.to_owned(),
                group: b.group,
                what: b.what.to_owned(),
                wording: b.wording(&b.words, b.words.short),
                definition: format!("{}; {rule}", b.definition),
                source: SOURCE.to_owned(),
                level_dependent: level_dependent(b.name),
                typical: None,
                endurance: Vec::new(),
                evidence: None,
                cluster: None,
            }
        })
        .collect()
}

/// Whether the descriptor moves with the gain: the slopes do too, by the standard's formula.
pub(super) fn level_dependent(name: &str) -> bool {
    matches!(name, "Loudness" | "slope0-500" | "slope500-1500" | "spectralFlux")
}
