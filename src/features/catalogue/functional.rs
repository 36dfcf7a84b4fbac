//! The 88 functionals.

use super::lld::{BASES, Base, SOURCE};
use super::{Entry, Group};

/// Which frames of a descriptor a functional looks at.
struct View {
    /// Name of the descriptor in functionals.
    name: String,
    suffix: &'static str,
    over: &'static str,
    base: &'static Base,
}

/// A statistic: name, how it reads in a sentence, how it is computed.
struct Statistic {
    name: &'static str,
    unit: fn(&str) -> String,
    what: &'static str,
    rises: Option<&'static str>,
    definition: &'static str,
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

const MEAN: Statistic =
    Statistic { name: "amean", unit: same, what: "mean of", rises: None, definition: "arithmetic mean" };
const VARIATION: Statistic = Statistic {
    name: "stddevNorm",
    unit: none,
    what: "variation of",
    rises: Some("more variation, relative to the mean (explodes where the mean is near 0)"),
    definition: "population standard deviation over mean, with the mean's sign",
};

const CONTOUR: [Statistic; 10] = [
    MEAN,
    VARIATION,
    Statistic { name: "percentile20.0", unit: same, what: "low values of", rises: None, definition: "20th percentile" },
    Statistic { name: "percentile50.0", unit: same, what: "median of", rises: None, definition: "median" },
    Statistic {
        name: "percentile80.0",
        unit: same,
        what: "high values of",
        rises: None,
        definition: "80th percentile",
    },
    Statistic {
        name: "pctlrange0-2",
        unit: same,
        what: "range of",
        rises: Some("wider movement"),
        definition: "80th less 20th percentile",
    },
    Statistic {
        name: "meanRisingSlope",
        unit: per_second,
        what: "mean slope of the rises of",
        rises: Some("faster rises"),
        definition: "mean slope from minima to maxima that stand out by a tenth of the range",
    },
    Statistic {
        name: "stddevRisingSlope",
        unit: per_second,
        what: "variation of the slope of the rises of",
        rises: Some("less even rises"),
        definition: "deviation of those slopes",
    },
    Statistic {
        name: "meanFallingSlope",
        unit: per_second,
        what: "mean slope of the falls of",
        rises: Some("faster falls"),
        definition: "mean slope from maxima to minima, positive; the tail enters with its sign",
    },
    Statistic {
        name: "stddevFallingSlope",
        unit: per_second,
        what: "variation of the slope of the falls of",
        rises: Some("less even falls"),
        definition: "deviation of those slopes",
    },
];

/// Everything that is not a statistic of one descriptor.
const RATES: [(&str, &str, Group, &str, &str, &str); 7] = [
    (
        "loudnessPeaksPerSec",
        "1/s",
        Group::Temporal,
        "rate of loudness peaks, close to the syllable rate",
        "faster speech",
        "maxima of loudness that stand out by a tenth of its range, per second",
    ),
    (
        "VoicedSegmentsPerSec",
        "1/s",
        Group::Temporal,
        "rate of voiced stretches",
        "faster or more broken speech",
        "runs of at least 3 voiced frames, single gaps tolerated, per second",
    ),
    (
        "MeanVoicedSegmentLengthSec",
        "s",
        Group::Temporal,
        "mean length of voiced stretches",
        "longer vowels, smoother speech",
        "mean of (last frame - first frame) times 10 ms",
    ),
    (
        "StddevVoicedSegmentLengthSec",
        "s",
        Group::Temporal,
        "variation of the length of voiced stretches",
        "less even rhythm",
        "population deviation of the same",
    ),
    (
        "MeanUnvoicedSegmentLength",
        "s",
        Group::Temporal,
        "mean length of unvoiced stretches, pauses included",
        "longer pauses or consonants",
        "as for voiced stretches",
    ),
    (
        "StddevUnvoicedSegmentLength",
        "s",
        Group::Temporal,
        "variation of the length of unvoiced stretches",
        "less even pausing",
        "population deviation of the same",
    ),
    (
        "equivalentSoundLevel_dBp",
        "dB re full scale",
        Group::Energy,
        "level of the segment",
        "louder, or recorded louder",
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
        when_it_rises: s.rises.unwrap_or(b.rises).to_owned(),
        when_it_falls: None,
        definition: format!("{} of: {}{over}", s.definition, b.definition),
        source: SOURCE.to_owned(),
        level_dependent: super::lld::level_dependent(b.name),
        typical: None,
        endurance: Vec::new(),
        evidence: None,
    }
}

pub(super) fn entries() -> Vec<Entry> {
    let view = |i: usize, mark: &str, suffix, over| {
        let name = BASES[i].name;
        // The published names put the mark of voicing before a band's limits, and begin loudness in lower case.
        let name = match name.strip_prefix("slope").filter(|_| !mark.is_empty()) {
            Some(band) => format!("slope{mark}{band}"),
            None if i == 0 => "loudness".to_owned(),
            None => format!("{name}{mark}"),
        };
        View { name, suffix, over, base: &BASES[i] }
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
    out.extend(RATES.iter().map(|(name, unit, group, what, rises, definition)| Entry {
        name: (*name).to_owned(),
        unit: (*unit).to_owned(),
        group: *group,
        what: (*what).to_owned(),
        when_it_rises: (*rises).to_owned(),
        when_it_falls: None,
        definition: (*definition).to_owned(),
        source: SOURCE.to_owned(),
        level_dependent: *group == Group::Energy,
        typical: None,
        endurance: Vec::new(),
        evidence: None,
    }));
    out
}
