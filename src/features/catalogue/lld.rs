//! The 25 low-level descriptors.

use super::{Entry, Group};

/// Where the definitions come from.
pub(super) const SOURCE: &str = "Eyben et al., The Geneva Minimalistic Acoustic Parameter Set (GeMAPS), IEEE \
    Transactions on Affective Computing 7(2), 2016, set eGeMAPSv02, with the departures of its reference program.";

/// A descriptor before smoothing: what functionals and rows are named after.
pub(super) struct Base {
    pub name: &'static str,
    pub unit: &'static str,
    pub group: Group,
    pub what: &'static str,
    pub rises: &'static str,
    pub definition: &'static str,
}

const fn base(
    name: &'static str,
    unit: &'static str,
    group: Group,
    what: &'static str,
    rises: &'static str,
    definition: &'static str,
) -> Base {
    Base { name, unit, group, what, rises, definition }
}

/// The ten descriptors of the short frames, then the fifteen of the voice.
pub(super) const BASES: [Base; 25] = [
    base(
        "Loudness",
        "1 (cube root of power)",
        Group::Energy,
        "perceived loudness",
        "louder",
        "mean over 26 mel bands (20 to 8000 Hz) of (band power times equal-loudness weight) to the power 0.33; Hamming frame of 20 ms",
    ),
    base(
        "alphaRatio",
        "dB",
        Group::SpectralBalance,
        "energy in 1 to 5 kHz over energy below 1 kHz",
        "brighter, more pressed or tense",
        "10 log10 of summed power 1 to 5 kHz over summed power 0 to 1 kHz",
    ),
    base(
        "hammarbergIndex",
        "dB",
        Group::SpectralBalance,
        "strongest peak below 2 kHz over strongest peak in 2 to 5 kHz",
        "duller, softer, less vocal effort",
        "10 log10 of the strongest bin below 2 kHz over the strongest bin in 2 to 5 kHz",
    ),
    base(
        "slope0-500",
        "dB/Hz",
        Group::SpectralBalance,
        "slope of the spectrum up to 500 Hz",
        "weight moves from the lowest harmonics towards 500 Hz",
        "regression of bin level in dB on frequency, 0 to 500 Hz, count one less than the number of bins: moves by -0.0008 dB/Hz per dB of gain",
    ),
    base(
        "slope500-1500",
        "dB/Hz",
        Group::SpectralBalance,
        "slope of the spectrum from 500 to 1500 Hz",
        "brighter, more vocal effort",
        "regression of bin level in dB on frequency, 500 to 1500 Hz, count one less than the number of bins: moves by -0.00055 dB/Hz per dB of gain",
    ),
    base(
        "spectralFlux",
        "1 (magnitude)",
        Group::SpectralBalance,
        "change of the spectrum from frame to frame",
        "livelier articulation, stronger onsets; also simply louder",
        "root mean square over bins below 5 kHz of the difference of magnitudes to the previous frame, not normalised",
    ),
    base(
        "mfcc1",
        "1",
        Group::Cepstral,
        "first mel-frequency cepstral coefficient",
        "energy tilts towards low frequencies",
        "cosine transform of log mel band energies, liftered (22), floor 1 after scaling to 16 bit",
    ),
    base(
        "mfcc2",
        "1",
        Group::Cepstral,
        "second mel-frequency cepstral coefficient",
        "weaker middle frequencies against the ends of the band",
        "as mfcc1",
    ),
    base(
        "mfcc3",
        "1",
        Group::Cepstral,
        "third mel-frequency cepstral coefficient",
        "a finer ripple of the spectrum; no single sound",
        "as mfcc1",
    ),
    base(
        "mfcc4",
        "1",
        Group::Cepstral,
        "fourth mel-frequency cepstral coefficient",
        "a finer ripple of the spectrum; no single sound",
        "as mfcc1",
    ),
    base(
        "F0semitoneFrom27.5Hz",
        "semitones above 27.5 Hz",
        Group::Frequency,
        "pitch",
        "higher voice",
        "sub-harmonic summation (15 harmonics, 0.85) on a spline octave axis, 55 to 1000 Hz, dynamic programming over 6 candidates; 0 unvoiced",
    ),
    base(
        "jitterLocal",
        "1 (relative)",
        Group::VoiceQuality,
        "irregularity of the period from cycle to cycle",
        "rougher, hoarser",
        "mean absolute difference of successive periods over the mean period, periods by waveform correlation within 10 % of F0",
    ),
    base(
        "shimmerLocaldB",
        "dB",
        Group::VoiceQuality,
        "irregularity of the amplitude from cycle to cycle",
        "rougher, breathier",
        "20 log10(1 + mean absolute difference of successive peak-to-peak amplitudes over the mean amplitude)",
    ),
    base(
        "HNRdBACF",
        "dB",
        Group::VoiceQuality,
        "harmonic energy over noise energy",
        "clearer, less breathy; also higher, since the window is not corrected for",
        "10 log10(R/(R0-R)) of the autocorrelation of the windowed 60 ms frame at the period; saturates between 6 and 14 dB with rising F0",
    ),
    base(
        "logRelF0-H1-H2",
        "dB",
        Group::VoiceQuality,
        "level of the harmonic at 2 F0 over the one at 3 F0 (the set's H1 and H2)",
        "breathier, softer onset of the higher harmonics",
        "difference of harmonic levels in dB; the reference program counts F0 itself as harmonic 0",
    ),
    base(
        "logRelF0-H1-A3",
        "dB",
        Group::VoiceQuality,
        "level of the harmonic at 2 F0 over the strongest one near the third formant",
        "duller, softer",
        "difference of harmonic levels in dB, third formant as in F3frequency",
    ),
    base(
        "F1frequency",
        "Hz",
        Group::Formants,
        "first formant of the set (not a resonance of the vocal tract: see definition)",
        "no simple sound; tables and models use it as it is",
        "first root angle of the order-11 prediction polynomial of the 11 kHz signal with its coefficients' sign inverted, as the reference program computes it",
    ),
    base(
        "F1bandwidth",
        "Hz",
        Group::Formants,
        "bandwidth that belongs to F1frequency",
        "no simple sound",
        "from the radius of the same root",
    ),
    base(
        "F1amplitudeLogRelF0",
        "dB",
        Group::Formants,
        "level of the strongest harmonic near F1 over F0; -201 unvoiced",
        "brighter; in means mostly a larger voiced share",
        "strongest harmonic within 20 % of F1frequency relative to the one at F0; 0 where none",
    ),
    base(
        "F2frequency",
        "Hz",
        Group::Formants,
        "second formant of the set (see F1frequency)",
        "no simple sound; tables and models use it as it is",
        "second root, as F1frequency",
    ),
    base(
        "F2bandwidth",
        "Hz",
        Group::Formants,
        "bandwidth that belongs to F2frequency",
        "no simple sound",
        "from the radius of the same root",
    ),
    base(
        "F2amplitudeLogRelF0",
        "dB",
        Group::Formants,
        "level of the strongest harmonic near F2 over F0; -201 unvoiced",
        "brighter; in means mostly a larger voiced share",
        "strongest harmonic within 20 % of F2frequency relative to the one at F0; 0 where none",
    ),
    base(
        "F3frequency",
        "Hz",
        Group::Formants,
        "third formant of the set (see F1frequency)",
        "no simple sound; tables and models use it as it is",
        "third root, as F1frequency",
    ),
    base(
        "F3bandwidth",
        "Hz",
        Group::Formants,
        "bandwidth that belongs to F3frequency",
        "no simple sound",
        "from the radius of the same root",
    ),
    base(
        "F3amplitudeLogRelF0",
        "dB",
        Group::Formants,
        "level of the strongest harmonic near F3 over F0; -201 unvoiced",
        "brighter; in means mostly a larger voiced share",
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
                when_it_rises: b.rises.to_owned(),
                when_it_falls: None,
                definition: format!("{}; {rule}", b.definition),
                source: SOURCE.to_owned(),
                level_dependent: level_dependent(b.name),
                typical: None,
                endurance: Vec::new(),
                evidence: None,
            }
        })
        .collect()
}

/// Whether the descriptor moves with the gain: the slopes do too, by the standard's formula.
pub(super) fn level_dependent(name: &str) -> bool {
    matches!(name, "Loudness" | "slope0-500" | "slope500-1500" | "spectralFlux")
}
