//! The 88 functionals.

use super::lld::{BASES, Base, SOURCE};
use super::wording::{self as w, Wording, Words, wording};
use super::{Entry, Group, mfcc};

/// Which frames of a descriptor a functional looks at.
struct View {
    /// Name of the descriptor in functionals.
    name: String,
    suffix: &'static str,
    over: &'static str,
    base: &'static Base,
    /// `V` or `UV` where it is taken over voiced or unvoiced frames beside all.
    mark: &'static str,
    words: Words,
}

/// A statistic: name, what it is, how it is computed, and how a change of it reads.
struct Statistic {
    name: &'static str,
    unit: fn(&str) -> String,
    what: &'static str,
    definition: &'static str,
    wording: fn(&View) -> Wording,
}

fn same(unit: &str) -> String {
    unit.to_owned()
}

fn none(_: &str) -> String {
    "1".to_owned()
}

fn per_second(unit: &str) -> String {
    format!("{unit} per s")
}

/// The mean: reads like the descriptor.
fn mean(v: &View) -> Wording {
    match (v.base.cepstral(), v.mark) {
        (Some(i), "V") => mfcc::of_the_voice(i),
        // Over voiced frames beside all frames.
        (None, "V") if v.base.name == "spectralFlux" => v.base.wording(&v.words, "voiced flux"),
        _ => v.base.wording(&v.words, v.words.short),
    }
}

/// Deviation over mean: it says something where the mean cannot come near 0.
fn variation(v: &View) -> Wording {
    let voiced = v.mark == "V";
    let noun = if voiced && v.base.name == "spectralFlux" { "change in vowels" } else { v.words.noun };
    let name = match v.base.cepstral() {
        Some(i) => format!("{}MFCC {i}", if voiced { "vowel " } else { "" }),
        None => v.words.short.trim_start_matches("nominal ").to_owned(),
    };
    let spread = format!("{name} spread");
    let varied = (format!("{noun} varies more"), format!("{noun} varies less"));
    let said = |distance| wording(&spread, (&varied.0, &varied.1), distance);
    match v.base.name {
        "Loudness"
        | "hammarbergIndex"
        | "spectralFlux"
        | "F0semitoneFrom27.5Hz"
        | "jitterLocal"
        | "shimmerLocaldB"
        | "HNRdBACF" => said(w::PURE.of("spread ratio", w::HIGHER)),
        _ if v.base.unit == "Hz" => said(w::PURE.by_without_sound()),
        _ => {
            let ratio = match v.base.cepstral() {
                Some(_) => format!("{name} spread ratio"),
                None => format!("spread ratio of {name}"),
            };
            let phrases = (format!("{ratio} higher"), format!("{ratio} lower"));
            wording(&spread, (&phrases.0, &phrases.1), w::PURE.by_without_sound())
                .beware("explodes where the mean is near 0")
        }
    }
}

fn percentile(v: &View, which: &str, moments: &str) -> Wording {
    let subject =
        if v.base.unit.starts_with("semitones") { format!("{moments} notes") } else { format!("{which} moments") };
    let (rises, falls) = v.words.sounds;
    let unit = v.words.unit;
    let name = format!("{moments} {}", v.words.short);
    wording(&name, (&format!("{subject} {rises}"), &format!("{subject} {falls}")), unit.by())
}

fn low(v: &View) -> Wording {
    percentile(v, "quiet", "low")
}

fn median(v: &View) -> Wording {
    v.words.named(&format!("median {}", v.words.short))
}

fn high(v: &View) -> Wording {
    percentile(v, "loud", "high")
}

fn range(v: &View) -> Wording {
    let noun = v.words.noun;
    let phrases = (format!("{noun} range wider"), format!("{noun} range narrower"));
    wording(&format!("{noun} range"), (&phrases.0, &phrases.1), v.words.unit.by())
}

/// Slopes are per second.
fn slope(v: &View, name: &str, phrases: (String, String)) -> Wording {
    let unit = if v.words.unit == w::SEMITONES { w::SEMITONES_PER_S } else { w::PURE_PER_S };
    wording(&format!("{name} of {}", v.words.noun), (&phrases.0, &phrases.1), unit.by())
}

fn rise(v: &View) -> Wording {
    let noun = v.words.noun;
    slope(v, "rises", (format!("{noun} rises faster"), format!("{noun} rises more slowly")))
}

fn rise_spread(v: &View) -> Wording {
    let noun = v.words.noun;
    slope(v, "unevenness of rises", (format!("rises of {noun} less alike"), format!("rises of {noun} more alike")))
}

fn fall(v: &View) -> Wording {
    let noun = v.words.noun;
    slope(v, "falls", (format!("{noun} falls faster"), format!("{noun} falls more slowly")))
}

fn fall_spread(v: &View) -> Wording {
    let noun = v.words.noun;
    slope(v, "unevenness of falls", (format!("falls of {noun} less alike"), format!("falls of {noun} more alike")))
}

const MEAN: Statistic =
    Statistic { name: "amean", unit: same, what: "mean of", definition: "arithmetic mean", wording: mean };
const VARIATION: Statistic = Statistic {
    name: "stddevNorm",
    unit: none,
    what: "variation of",
    definition: "population standard deviation over mean, with the mean's sign",
    wording: variation,
};

const CONTOUR: [Statistic; 10] = [
    MEAN,
    VARIATION,
    Statistic {
        name: "percentile20.0",
        unit: same,
        what: "low values of",
        definition: "20th percentile",
        wording: low,
    },
    Statistic { name: "percentile50.0", unit: same, what: "median of", definition: "median", wording: median },
    Statistic {
        name: "percentile80.0",
        unit: same,
        what: "high values of",
        definition: "80th percentile",
        wording: high,
    },
    Statistic {
        name: "pctlrange0-2",
        unit: same,
        what: "range of",
        definition: "80th less 20th percentile",
        wording: range,
    },
    Statistic {
        name: "meanRisingSlope",
        unit: per_second,
        what: "mean slope of the rises of",
        definition: "mean slope from minima to maxima that stand out by a tenth of the range",
        wording: rise,
    },
    Statistic {
        name: "stddevRisingSlope",
        unit: per_second,
        what: "variation of the slope of the rises of",
        definition: "deviation of those slopes",
        wording: rise_spread,
    },
    Statistic {
        name: "meanFallingSlope",
        unit: per_second,
        what: "mean slope of the falls of",
        definition: "mean slope from maxima to minima, positive; the tail enters with its sign",
        wording: fall,
    },
    Statistic {
        name: "stddevFallingSlope",
        unit: per_second,
        what: "variation of the slope of the falls of",
        definition: "deviation of those slopes",
        wording: fall_spread,
    },
];

/// Name, unit, group, what it is; short name, phrases, unit in words; definition.
type Rate = (&'static str, &'static str, Group, &'static str, (&'static str, w::Ways, w::Unit), &'static str);

/// Everything that is not a statistic of one descriptor.
const RATES: [Rate; 7] = [
    (
        "loudnessPeaksPerSec",
        "1/s",
        Group::Temporal,
        "rate of loudness peaks, close to the syllable rate",
        ("speech rate", ("speech faster", "speech slower"), w::PEAKS_PER_S),
        "maxima of loudness that stand out by a tenth of its range, per second",
    ),
    (
        "VoicedSegmentsPerSec",
        "1/s",
        Group::Temporal,
        "rate of voiced stretches",
        ("voiced stretches", ("voice more broken up", "voice more connected"), w::TIMES_PER_S),
        "runs of at least 3 voiced frames, single gaps tolerated, per second",
    ),
    (
        "MeanVoicedSegmentLengthSec",
        "s",
        Group::Temporal,
        "mean length of voiced stretches",
        ("length of voiced stretches", ("voice more drawn out", "voice more clipped"), w::SECONDS),
        "mean of (last frame - first frame) times 10 ms",
    ),
    (
        "StddevVoicedSegmentLengthSec",
        "s",
        Group::Temporal,
        "variation of the length of voiced stretches",
        (
            "unevenness of voiced stretches",
            ("length of vowels varies more", "length of vowels varies less"),
            w::SECONDS,
        ),
        "population deviation of the same",
    ),
    (
        "MeanUnvoicedSegmentLength",
        "s",
        Group::Temporal,
        "mean length of unvoiced stretches, pauses included",
        ("length of voiceless stretches", ("gaps and consonants longer", "gaps and consonants shorter"), w::SECONDS),
        "as for voiced stretches",
    ),
    (
        "StddevUnvoicedSegmentLength",
        "s",
        Group::Temporal,
        "variation of the length of unvoiced stretches",
        (
            "unevenness of voiceless stretches",
            ("gaps and consonants vary more in length", "gaps and consonants vary less in length"),
            w::SECONDS,
        ),
        "population deviation of the same",
    ),
    (
        "equivalentSoundLevel_dBp",
        "dB re full scale",
        Group::Energy,
        "level of the segment",
        ("overall level", ("speech louder or nearer", "speech softer or farther away"), w::DB),
        "10 log10 of the mean over 20 ms frames of the mean square, not below -120",
    ),
];

fn entry(view: &View, s: &Statistic) -> Entry {
    let b = view.base;
    let over = if view.over.is_empty() { String::new() } else { format!(" {}", view.over) };
    Entry {
        name: format!("{}_{}_{}", view.name, view.suffix, s.name),
        unit: (s.unit)(b.unit),
        group: b.group,
        what: format!("{} {}{over}", s.what, b.what),
        wording: (s.wording)(view),
        definition: format!("{} of: {}{over}", s.definition, b.definition),
        source: SOURCE.to_owned(),
        level_dependent: super::lld::level_dependent(b.name),
        typical: None,
        endurance: Vec::new(),
        evidence: None,
        cluster: None,
    }
}

pub(super) fn entries() -> Vec<Entry> {
    let view = |i: usize, mark: &'static str, suffix, over| {
        let name = BASES[i].name;
        // The published names put the mark of voicing before a band's limits, and begin loudness in lower case.
        let name = match name.strip_prefix("slope").filter(|_| !mark.is_empty()) {
            Some(band) => format!("slope{mark}{band}"),
            None if i == 0 => "loudness".to_owned(),
            None => format!("{name}{mark}"),
        };
        let base = &BASES[i];
        let words = match mark {
            "V" if base.name == "spectralFlux" => base.words.about("vowels"),
            "V" => base.words.about("voice"),
            "UV" => base.words.about("consonants"),
            _ => base.words,
        };
        View { name, suffix, over, base, mark, words }
    };
    let mut out = Vec::new();
    let f0 = view(10, "", "sma3nz", "over voiced frames");
    let loudness = view(0, "", "sma3", "over all frames");
    for v in [&f0, &loudness] {
        out.extend(CONTOUR.iter().map(|s| entry(v, s)));
    }
    let mut pairs = |v: View| out.extend([&MEAN, &VARIATION].map(|s| entry(&v, s)));
    (5..10).for_each(|i| pairs(view(i, "", "sma3", "over all frames")));
    for i in 11..25 {
        let over = if matches!(i, 18 | 21 | 24) {
            "over all frames that are not 0, the -201 of unvoiced ones included"
        } else {
            "over voiced frames"
        };
        pairs(view(i, "", "sma3nz", over));
    }
    (1..10).for_each(|i| pairs(view(i, "V", "sma3nz", "over voiced frames")));
    out.extend((1..6).map(|i| entry(&view(i, "UV", "sma3nz", "over unvoiced frames"), &MEAN)));
    out.extend(RATES.iter().map(|(name, unit, group, what, (short, phrases, words), definition)| Entry {
        name: (*name).to_owned(),
        unit: (*unit).to_owned(),
        group: *group,
        what: (*what).to_owned(),
        wording: wording(short, *phrases, words.by()),
        definition: (*definition).to_owned(),
        source: SOURCE.to_owned(),
        level_dependent: *group == Group::Energy,
        typical: None,
        endurance: Vec::new(),
        evidence: None,
        cluster: None,
    }));
    out
}
