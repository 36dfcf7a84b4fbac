//! The low-level descriptors of `affect-v1`.

use super::super::wording::{self as w, Words, words};
use super::super::{Entry, Group, mfcc};
use super::source as s;

/// A descriptor: what rows contain and functionals are taken of.
pub(super) struct Base {
    pub name: &'static str,
    pub unit: &'static str,
    pub group: Group,
    /// What it is, as a noun.
    pub what: &'static str,
    pub words: Words,
    pub definition: &'static str,
    pub source: &'static str,
    /// Moves with the gain of the recording.
    pub level_dependent: bool,
}

const fn base(
    (name, unit, group): (&'static str, &'static str, Group),
    what: &'static str,
    words: Words,
    definition: &'static str,
    source: &'static str,
) -> Base {
    Base { name, unit, group, what, words, definition, source, level_dependent: false }
}

const fn level(mut b: Base) -> Base {
    b.level_dependent = true;
    b
}

use Group::{Energy, Formants, Frequency, SpectralBalance, VoiceQuality};

pub(super) const F0_HZ: Base = base(
    ("F0_Hz", "Hz", Frequency),
    "pitch",
    words("pitch", "voice", ("higher", "lower"), "pitch", w::HZ),
    "best path through six candidates per 60 ms Gaussian frame, 60 to 600 Hz: peaks of the window-corrected autocorrelation, with the harmonic sum (12 harmonics, weights 0.8^(h-1), valleys -0.5) where the line carries the fundamental and the autocorrelation of the envelope of 600 to 3300 Hz where it does not; undefined where unvoiced",
    s::PITCH,
);
pub(super) const F0_ST: Base = base(
    ("F0semitoneFrom27.5Hz", "semitones above 27.5 Hz", Frequency),
    "pitch",
    words("pitch", "voice", ("higher", "lower"), "pitch", w::SEMITONES),
    "12 log2(F0 / 27.5 Hz)",
    s::PITCH,
);
pub(super) const VOICING: Base = base(
    ("voicingProbability", "1 (probability)", Frequency),
    "probability of voicing",
    words("voicing", "voice", ("heard more of the time", "heard less of the time"), "voicing", w::PURE),
    "logistic function of the waveform's periodicity, of the harmonic sum (or of the envelope's roughness where the line carries no fundamental) and of the level below that of the loud parts",
    s::OWN,
);
pub(super) const LOUDNESS: Base = level(base(
    ("loudness", "1 (cube root of power)", Energy),
    "perceived loudness",
    words("loudness", "voice", ("louder or nearer", "softer or farther away"), "loudness", w::PURE),
    "mean over 26 mel bands (20 to 8000 Hz) of (band power times equal-loudness weight) to the power 0.33; Hamming frame of 20 ms",
    s::LOUDNESS,
));
pub(super) const LEVEL: Base = level(base(
    ("level_dBFS", "dB re full scale", Energy),
    "level",
    words("level", "sound", ("louder or nearer", "softer or farther away"), "level", w::DB),
    "10 log10 of the mean square of the 20 ms frame; undefined for digital silence",
    s::TEXTBOOK,
));
pub(super) const ALPHA: Base = base(
    ("alphaRatio_dB", "dB", SpectralBalance),
    "energy in 1 to 5 kHz over energy below 1 kHz",
    words("alpha ratio", "sound", ("brighter", "duller"), "brightness", w::DB),
    "10 log10 of summed power 1 to 5 kHz over summed power below 1 kHz",
    s::GEMAPS,
);
pub(super) const HAMMARBERG: Base = base(
    ("hammarbergIndex_dB", "dB", SpectralBalance),
    "strongest peak below 2 kHz over strongest peak in 2 to 5 kHz",
    Words {
        spread: Some("spread"),
        ..words("Hammarberg index", "sound", ("mellower", "more piercing"), "mellowness", w::DB)
    },
    "10 log10 of the strongest bin below 2 kHz over the strongest bin in 2 to 5 kHz",
    s::HAMMARBERG,
);
pub(super) const SLOPE_LOW: Base = base(
    ("slope0-500_dBPerkHz", "dB/kHz", SpectralBalance),
    "slope of the spectrum up to 500 Hz",
    Words { spread: Some("spread"), ..words("low slope", "sound", ("less bassy", "bassier"), "bass", w::DB_PER_KHZ) },
    "least-squares line through the levels of the bins above 0 up to 500 Hz, bins not below -100 dB of the strongest",
    s::GEMAPS,
);
pub(super) const SLOPE_MIDDLE: Base = base(
    ("slope500-1500_dBPerkHz", "dB/kHz", SpectralBalance),
    "slope of the spectrum from 500 to 1500 Hz",
    Words {
        spread: Some("spread"),
        ..words("mid slope", "sound", ("more forceful", "gentler"), "vocal force", w::DB_PER_KHZ)
    },
    "least-squares line through the levels of the bins from 500 to 1500 Hz",
    s::GEMAPS,
);
pub(super) const SLOPE_WHOLE: Base = base(
    ("slope80-5000_dBPerOct", "dB/octave", SpectralBalance),
    "slope of the spectrum over the speech band",
    Words {
        ways: w::FLATTER,
        spread: Some("spread"),
        ..words("tilt", "sound", ("more brilliant", "more muffled"), "brilliance", w::DB_PER_OCTAVE)
    },
    "least-squares line of the levels of the bins from 80 to 5000 Hz over log2 of frequency",
    s::TEXTBOOK,
);
pub(super) const CENTROID: Base = base(
    ("spectralCentroid_Hz", "Hz", SpectralBalance),
    "centre of gravity of the spectrum",
    words("centroid", "sound", ("sharper", "darker"), "sharpness", w::HZ),
    "mean frequency of the bins from 80 to 5000 Hz weighted by power",
    s::TEXTBOOK,
);
pub(super) const FLUX: Base = base(
    ("spectralFluxNorm", "1 (0 to 1.414)", SpectralBalance),
    "change of the spectrum's shape from frame to frame",
    words("flux", "sound", ("changing faster", "changing more slowly"), "pace of change", w::PURE),
    "length of the difference of two successive magnitude spectra up to 5 kHz, each scaled to length 1",
    s::TEXTBOOK,
);
pub(super) const HNR: Base = base(
    ("HNR_dB", "dB", VoiceQuality),
    "harmonic energy over noise energy",
    words("HNR", "voice", ("less hoarse", "hoarser"), "hoarseness", w::DB),
    "10 log10(r / (1 - r)), r the peak within 3 samples of the period of the autocorrelation of the 60 ms Gaussian frame, the window's own divided out; -20 to 45 dB",
    s::BOERSMA,
);
pub(super) const CPPS: Base = base(
    ("CPPS_dB", "dB", VoiceQuality),
    "smoothed cepstral peak prominence, how far the voice's regularity stands out",
    words("CPPS", "voice", ("clearer", "breathier"), "clearness", w::DB),
    "highest point of the power cepstrum (0 to 5 kHz; mean of three frames and three quefrencies) from 2 to 16.7 ms above the least-squares line through its level from 1 ms on",
    s::CPPS,
);
pub(super) const H1_H2: Base = base(
    ("H1-H2_dB", "dB", VoiceQuality),
    "level of the first harmonic over that of the second",
    words("H1-H2", "voice", ("breathier", "more pressed"), "breathiness", w::DB),
    "level at F0 less level at 2 F0 of the 60 ms Gaussian spectrum, parabola through the logarithms of three bins",
    s::ISELI,
);
pub(super) const H1_H2C: Base = base(
    ("H1-H2corrected_dB", "dB", VoiceQuality),
    "level of the first harmonic over that of the second, formants taken off",
    Words {
        spread: Some("corrected spread"),
        ..words("corrected H1-H2", "voice", ("breathier", "more pressed"), "breathiness", w::DB)
    },
    "H1-H2 less what F1 and F2 (fitted frequencies and bandwidths) add to each",
    s::ISELI,
);
pub(super) const H1_A3: Base = base(
    ("H1-A3_dB", "dB", SpectralBalance),
    "level of the first harmonic over that of the harmonics near F3",
    words("H1-A3", "voice", ("softer in tone", "harder in tone"), "hardness", w::DB),
    "level at F0 less that of the strongest harmonic near F3",
    s::ISELI,
);
pub(super) const H1_A3C: Base = base(
    ("H1-A3corrected_dB", "dB", SpectralBalance),
    "level of the first harmonic over that of the harmonics near F3, formants taken off",
    Words {
        spread: Some("corrected spread"),
        ..words("corrected H1-A3", "voice", ("softer in tone", "harder in tone"), "hardness", w::DB)
    },
    "H1-A3 less what F1 and F2 (fitted frequencies and bandwidths) add to each",
    s::ISELI,
);
pub(super) const JITTER: Base = base(
    ("jitterLocal_percent", "%", VoiceQuality),
    "irregularity of the period from cycle to cycle",
    words("jitter", "voice", ("rougher", "smoother"), "roughness", w::OF_THE_PERIOD),
    "mean absolute difference of neighbouring periods over the mean period; periods by the correlation of the waveform with itself within 15 % of 1/F0, neighbours that differ by more than a factor of 1.3 left out; rows: over 50 ms",
    s::PRAAT_PERTURBATION,
);
pub(super) const SHIMMER: Base = base(
    ("shimmerLocal_dB", "dB", VoiceQuality),
    "irregularity of the amplitude from cycle to cycle",
    words("shimmer", "voice", ("huskier", "less husky"), "huskiness", w::DB),
    "mean absolute level difference of neighbouring periods, neighbours that differ by more than a factor of 1.6 left out; rows: over 50 ms",
    s::PRAAT_PERTURBATION,
);

const FORMANT: &str = "resonances by linear prediction (order 10, 0 to 5.5 kHz, 30 ms Gaussian frame), F1 to F3 by dynamic programming over voiced frames, then fitted to the levels of the harmonics";

pub(super) const FORMANTS: [[Base; 3]; 3] = [
    [
        formant(
            "F1frequency_Hz",
            "first formant",
            words("F1", "vowels", ("more open", "more closed"), "openness", w::HZ),
        ),
        bandwidth("F1bandwidth_Hz", "bandwidth of the first formant", "F1 bandwidth"),
        formant_level(
            "F1level_dB",
            "level of the first formant",
            words("F1 level", "vowels", ("fuller", "thinner"), "fullness", w::DB),
        ),
    ],
    [
        formant(
            "F2frequency_Hz",
            "second formant",
            words("F2", "vowels", ("farther forward", "farther back"), "place of the tongue", w::HZ),
        ),
        bandwidth("F2bandwidth_Hz", "bandwidth of the second formant", "F2 bandwidth"),
        formant_level(
            "F2level_dB",
            "level of the second formant",
            words("F2 level", "vowels", ("brighter", "duller"), "brightness", w::DB),
        ),
    ],
    [
        formant(
            "F3frequency_Hz",
            "third formant",
            words("F3", "lips", ("less rounded", "more rounded"), "rounding", w::HZ),
        ),
        bandwidth("F3bandwidth_Hz", "bandwidth of the third formant", "F3 bandwidth"),
        formant_level(
            "F3level_dB",
            "level of the third formant",
            words("F3 level", "voice", ("rings more", "rings less"), "ring", w::DB),
        ),
    ],
];

const fn formant(name: &'static str, what: &'static str, words: Words) -> Base {
    base((name, "Hz", Formants), what, words, FORMANT, s::FORMANTS)
}

const fn bandwidth(name: &'static str, what: &'static str, short: &'static str) -> Base {
    base(
        (name, "Hz", Formants),
        what,
        Words { ways: w::WIDER, ..words(short, "vowels", ("more damped", "more resonant"), "resonance", w::HZ) },
        "width at -3 dB of the fitted resonance; above an F0 of 180 Hz the harmonics lie too far apart to tell, and the value is mostly the usual one",
        s::FORMANTS,
    )
}

const fn formant_level(name: &'static str, what: &'static str, words: Words) -> Base {
    base(
        (name, "dB re first harmonic", Formants),
        what,
        words,
        "level of the strongest harmonic near the formant less that of the first harmonic",
        s::GEMAPS,
    )
}

fn entry(b: &Base) -> Entry {
    Entry {
        name: b.name.to_owned(),
        unit: b.unit.to_owned(),
        group: b.group,
        what: b.what.to_owned(),
        wording: b.words.typical(),
        definition: b.definition.to_owned(),
        source: b.source.to_owned(),
        level_dependent: b.level_dependent,
        typical: None,
        endurance: Vec::new(),
        evidence: None,
        cluster: None,
    }
}

pub(in crate::features::catalogue) fn entries() -> Vec<Entry> {
    let first = [
        F0_HZ,
        F0_ST,
        VOICING,
        LOUDNESS,
        LEVEL,
        ALPHA,
        HAMMARBERG,
        SLOPE_LOW,
        SLOPE_MIDDLE,
        SLOPE_WHOLE,
        CENTROID,
        FLUX,
    ];
    let mut list: Vec<Entry> = first.iter().map(entry).collect();
    let cepstral = |i: usize, delta: bool| {
        let what = super::mfcc_shape(i);
        let (name, unit, what, definition, wording) = if delta {
            let definition = "regression of the coefficient over five rows";
            (format!("mfcc{i}_delta"), "1/s", format!("rate of change of {what}"), definition, mfcc::change(i))
        } else {
            (format!("mfcc{i}"), "1", what.to_owned(), super::MFCC, mfcc::coefficient(i))
        };
        Entry {
            name,
            unit: unit.to_owned(),
            group: Group::Cepstral,
            what,
            wording,
            definition: definition.to_owned(),
            source: s::MFCC.to_owned(),
            level_dependent: false,
            typical: None,
            endurance: Vec::new(),
            evidence: None,
            cluster: None,
        }
    };
    list.extend((1..=12).map(|i| cepstral(i, false)));
    list.extend((1..=12).map(|i| cepstral(i, true)));
    list.extend([HNR, CPPS, H1_H2, H1_H2C, H1_A3, H1_A3C, JITTER, SHIMMER].iter().map(entry));
    list.extend(FORMANTS.iter().flatten().map(entry));
    list
}
