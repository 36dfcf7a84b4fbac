//! The functionals of `affect-v1`.

use super::super::wording::{self as w, Wording, wording};
use super::super::{Entry, Group, mfcc};
use super::lld as d;
use super::lld::Base;
use super::source as s;

/// A functional of a descriptor: how it is computed, and how a change of it reads.
enum Kind {
    /// A typical value: reads like the descriptor.
    Middle(&'static str),
    /// A low or high value, by its adjective.
    Extreme(&'static str, &'static str),
    /// A spread.
    Spread(&'static str),
}

impl Kind {
    /// What it is, and how it is computed.
    fn of(&self, what: &str) -> (String, &'static str) {
        match self {
            Self::Middle(how) => (what.to_owned(), how),
            Self::Extreme(which, how) => (format!("{which} {what}"), how),
            Self::Spread(how) => (format!("spread of {what}"), how),
        }
    }
}

fn of(name: String, b: &Base, kind: &Kind, over: &str, wording: Wording) -> Entry {
    let (what, definition) = kind.of(b.what);
    Entry {
        name,
        unit: b.unit.to_owned(),
        group: b.group,
        what: format!("{what}, over {over}"),
        wording,
        definition: format!("{definition} over {over} of: {}", b.definition),
        source: b.source.to_owned(),
        level_dependent: b.level_dependent && !matches!(kind, Kind::Spread(_)),
        typical: None,
        endurance: Vec::new(),
        evidence: None,
        cluster: None,
    }
}

/// A feature of its own.
fn own(
    (name, unit, group): (&str, &str, Group),
    what: &str,
    wording: Wording,
    definition: &str,
    source: &str,
) -> Entry {
    Entry {
        name: name.to_owned(),
        unit: unit.to_owned(),
        group,
        what: what.to_owned(),
        wording,
        definition: definition.to_owned(),
        source: source.to_owned(),
        level_dependent: false,
        typical: None,
        endurance: Vec::new(),
        evidence: None,
        cluster: None,
    }
}

const MEDIAN: Kind = Kind::Middle("median");
const IQR: Kind = Kind::Spread("interquartile range");
const VOICED: &str = "voiced frames";
const SPEECH: &str = "frames of speech";

pub(in crate::features::catalogue) fn entries() -> Vec<Entry> {
    let mut list = Vec::new();
    pitch(&mut list);
    energy(&mut list);
    balance(&mut list);
    cepstral(&mut list);
    quality(&mut list);
    formants(&mut list);
    rhythm(&mut list);
    list
}

fn pitch(list: &mut Vec<Entry>) {
    use Group::Frequency as G;
    let st =
        |end: &str, kind: &Kind, wording| of(format!("F0semitoneFrom27.5Hz_{end}"), &d::F0_ST, kind, VOICED, wording);
    let notes = |which: &str, name: &str| {
        let (rises, falls) = (format!("{which} notes higher"), format!("{which} notes lower"));
        wording(name, (&rises, &falls), w::SEMITONES.by())
    };
    list.push(of("F0_Hz_median".to_owned(), &d::F0_HZ, &MEDIAN, VOICED, d::F0_HZ.words.typical()));
    list.push(st("median", &MEDIAN, d::F0_ST.words.typical()));
    list.push(st("percentile5", &Kind::Extreme("lowest", "5th percentile"), notes("lowest", "lowest pitch")));
    list.push(st("percentile95", &Kind::Extreme("highest", "95th percentile"), notes("highest", "highest pitch")));
    let wide = wording("pitch range", ("pitch range wider", "pitch range narrower"), w::SEMITONES.by());
    list.push(own(
        ("F0semitone_range5-95", "semitones", G),
        "range of pitch",
        wide,
        "95th less 5th percentile of F0 in semitones over voiced frames",
        s::PITCH,
    ));
    let varied =
        wording("pitch variation", ("melody livelier", "melody more monotonous"), w::SEMITONES.of("spread", w::WIDER));
    list.push(own(
        ("F0semitone_stddev", "semitones", G),
        "variation of pitch",
        varied,
        "population standard deviation of F0 in semitones over voiced frames",
        s::PITCH,
    ));
    let stretch = "least-squares slope of F0 in semitones within each voiced stretch of at least 80 ms";
    list.push(own(
        ("F0stretchSlope_stPerS_mean", "semitones/s", G),
        "slope of pitch within voiced stretches",
        wording(
            "slope of syllables",
            ("syllables bend more upward", "syllables bend more downward"),
            w::SEMITONES_PER_S.by(),
        ),
        &format!("mean of the {stretch}"),
        s::PITCH,
    ));
    list.push(own(
        ("F0stretchSlope_stPerS_stddev", "semitones/s", G),
        "variety of pitch slopes",
        wording("variety of glides", ("pitch glides more varied", "pitch glides more alike"), w::SEMITONES_PER_S.by()),
        &format!("standard deviation of the {stretch}"),
        s::PITCH,
    ));
    list.push(own(
        ("F0declination_stPerS", "semitones/s", G),
        "drift of pitch over the utterance",
        wording(
            "drift of pitch",
            ("melody drifts more upward", "melody drifts more downward"),
            w::SEMITONES_PER_S.by(),
        ),
        "least-squares slope of F0 in semitones over time over all voiced frames, which span at least 0.5 s",
        s::TEXTBOOK,
    ));
    list.push(own(
        ("F0finalMovement_st", "semitones", G),
        "movement of pitch at the end",
        wording(
            "final pitch movement",
            ("pitch moves more upward at the end", "pitch moves more downward at the end"),
            w::SEMITONES.by(),
        ),
        "median F0 of the last 10 voiced frames less that of the 20 before them",
        s::OWN,
    ));
    let rate = "size of the regression slope of F0 in semitones over five rows within a voiced stretch";
    let faster = wording("speed of pitch", ("pitch moves faster", "pitch moves more slowly"), w::SEMITONES_PER_S.by());
    let fastest = wording(
        "fastest pitch movements",
        ("quick turns of pitch faster", "quick turns of pitch slower"),
        w::SEMITONES_PER_S.by(),
    );
    list.push(own(
        ("F0rate_stPerS_median", "semitones/s", G),
        "speed of pitch movement",
        faster,
        &format!("median {rate}"),
        s::TEXTBOOK,
    ));
    list.push(own(
        ("F0rate_stPerS_percentile90", "semitones/s", G),
        "speed of the fastest pitch movements",
        fastest,
        &format!("90th percentile of the {rate}"),
        s::TEXTBOOK,
    ));
    list.push(own(
        ("F0rising_share", "1 (share)", G),
        "share of rising pitch",
        wording("share of rising pitch", ("pitch rises more often", "pitch falls more often"), w::OF_VOICED_TIME.by()),
        "share of voiced frames whose F0 slope over five rows is positive",
        s::TEXTBOOK,
    ));
    list.push(own(
        ("F0turningPointsPerSec", "1/s", G),
        "turns of pitch",
        wording("turns of pitch", ("pitch turns more often", "pitch turns less often"), w::TIMES_PER_S.by()),
        "changes of direction of F0 with at least half a semitone between them, per second of voiced stretches",
        s::TEXTBOOK,
    ));
    list.push(of(
        "voicingProbability_mean".to_owned(),
        &d::VOICING,
        &Kind::Middle("mean"),
        "all frames",
        d::VOICING.words.typical(),
    ));
}

fn energy(list: &mut Vec<Entry>) {
    use Group::Energy as G;
    list.push(of("loudness_median".to_owned(), &d::LOUDNESS, &MEDIAN, SPEECH, d::LOUDNESS.words.typical()));
    list.push(of(
        "loudness_percentile90".to_owned(),
        &d::LOUDNESS,
        &Kind::Extreme("highest", "90th percentile"),
        SPEECH,
        w::Words { subject: "loud moments", sounds: ("louder", "softer"), ..d::LOUDNESS.words }.named("peak loudness"),
    ));
    list.push(own(
        ("loudness_variation", "1", G),
        "variation of loudness",
        d::LOUDNESS.words.spread_as(("loudness varies more", "loudness more even")),
        "interquartile range of loudness over frames of speech over its median",
        s::LOUDNESS,
    ));
    list.push(of(
        "level_dBFS_equivalent".to_owned(),
        &d::LEVEL,
        &Kind::Middle("10 log10 of the mean square"),
        "all frames",
        d::LEVEL.words.about("speech").named("overall level"),
    ));
    list.push(of(
        "level_dBFS_voicedMedian".to_owned(),
        &d::LEVEL,
        &MEDIAN,
        VOICED,
        d::LEVEL.words.about("voice").named("voice level"),
    ));
    let spoken = "the level of frames of speech (mean square over five rows)";
    list.push(own(
        ("level_dB_range5-95", "dB", G),
        "dynamic range",
        wording("level range", ("loud and soft farther apart", "loud and soft closer together"), w::DB.by()),
        &format!("95th less 5th percentile of {spoken}"),
        s::TEXTBOOK,
    ));
    list.push(own(
        ("level_dB_stddev", "dB", G),
        "variation of level",
        wording("level variation", ("level varies more", "level more even"), w::DB.of("spread", w::WIDER)),
        &format!("standard deviation of {spoken}"),
        s::TEXTBOOK,
    ));
    list.push(own(
        ("levelDeclination_dBPerS", "dB/s", G),
        "drift of level over the utterance",
        wording(
            "drift of level",
            ("voice fades less or swells more", "voice fades more or swells less"),
            w::DB_PER_S.by(),
        ),
        &format!("least-squares slope over time of {spoken}, at least 0.5 s"),
        s::TEXTBOOK,
    ));
    list.push(own(
        ("attack_dBPerS_median", "dB/s", G),
        "speed of onsets",
        wording(
            "attack of syllables",
            ("syllables start more abruptly", "syllables start more gently"),
            w::DB_PER_S.by(),
        ),
        "median over syllable nuclei of the rise in level from the valley before, per second",
        s::NUCLEI,
    ));
    list.push(own(
        ("decay_dBPerS_median", "dB/s", G),
        "speed of releases",
        wording("decay of syllables", ("syllables end more abruptly", "syllables end more gently"), w::DB_PER_S.by()),
        "median over syllable nuclei of the fall in level to the valley after, per second",
        s::NUCLEI,
    ));
    for (band, edges, pace, rhythm) in [
        ("1-2", "1 to 2 Hz", "phrases", "rhythm of phrases"),
        ("2-4", "2 to 4 Hz", "slow syllables", "rhythm of slow syllables"),
        ("4-8", "4 to 8 Hz", "syllables", "rhythm of syllables"),
        ("8-16", "8 to 16 Hz", "fast syllables and sounds", "rhythm of quick sounds"),
        ("16-32", "16 to 32 Hz", "roughness and fast sounds", "flutter of the level"),
    ] {
        list.push(own(
            (&format!("modulation{band}Hz_dB"), "dB re mean squared", G),
            &format!("modulation of the envelope at {band} Hz, the pace of {pace}"),
            wording(
                rhythm,
                (&format!("{rhythm} stronger"), &format!("{rhythm} weaker")),
                w::DB.of(&format!("{edges}:"), ("more", "less")),
            ),
            &format!("power of the envelope (root mean square of 20 ms every 10 ms, from the first to the last speech) in the octave {band} Hz over the square of its mean; at least two periods of the lower edge"),
            s::MODULATION,
        ));
    }
    list.push(own(
        ("modulationCentroid_Hz", "Hz", G),
        "pace of the envelope",
        wording("pace of loudness", ("loudness pulses faster", "loudness pulses more slowly"), w::SLOW_HZ.by()),
        "mean of the five bands' centres weighted by their power",
        s::MODULATION,
    ));
}

fn balance(list: &mut Vec<Entry>) {
    for b in [d::ALPHA, d::HAMMARBERG, d::SLOPE_LOW, d::SLOPE_MIDDLE, d::SLOPE_WHOLE, d::CENTROID, d::FLUX] {
        let consonants =
            Wording { short_name: format!("{} of consonants", b.words.short), ..b.words.about("consonants").typical() };
        let voice = b.words.about(if b.name == d::FLUX.name { "vowels" } else { "voice" }).typical();
        list.push(of(format!("{}_voicedMedian", b.name), &b, &MEDIAN, VOICED, voice));
        list.push(of(format!("{}_voicedIqr", b.name), &b, &IQR, VOICED, b.words.spread()));
        list.push(of(format!("{}_unvoicedMedian", b.name), &b, &MEDIAN, "unvoiced frames of speech", consonants));
    }
    list.push(own(("ltasSlope_dBPerOct", "dB/octave", Group::SpectralBalance), "slope of the long-term average spectrum", wording("long-term tilt", ("speech brighter overall", "speech darker overall"), w::DB_PER_OCTAVE.of("tilt", w::FLATTER)), "least-squares line over log2 of frequency through the levels per Hz of the mel bands centred from 100 to 5000 Hz, power averaged over frames of speech", s::TEXTBOOK));
}

fn cepstral(list: &mut Vec<Entry>) {
    for i in 1..=12 {
        let what = super::mfcc_shape(i);
        let entry = |end: &str, unit, what: String, wording, definition: String| {
            own((&format!("mfcc{i}_{end}"), unit, Group::Cepstral), &what, wording, &definition, s::MFCC)
        };
        let definition = super::MFCC;
        list.push(entry(
            "voicedMean",
            "1",
            format!("{what}, over voiced frames"),
            mfcc::of_the_voice(i),
            format!("mean over voiced frames of: {definition}"),
        ));
        list.push(entry(
            "voicedStddev",
            "1",
            format!("spread of the {what}, over voiced frames"),
            mfcc::spread(i),
            format!("standard deviation over voiced frames of: {definition}"),
        ));
        list.push(entry(
            "deltaStddev",
            "1/s",
            format!("speed of change of the {what}"),
            mfcc::pace(i),
            format!("standard deviation over frames of speech of the regression slope over five rows of: {definition}"),
        ));
    }
}

fn quality(list: &mut Vec<Entry>) {
    for b in [d::HNR, d::CPPS, d::H1_H2, d::H1_H2C, d::H1_A3, d::H1_A3C] {
        list.push(of(format!("{}_median", b.name), &b, &MEDIAN, VOICED, b.words.typical()));
        list.push(of(format!("{}_iqr", b.name), &b, &IQR, VOICED, b.words.spread()));
        if ![d::HNR.name, d::CPPS.name].contains(&b.name) {
            continue;
        }
        let lowest = b.words.about("weakest moments").named(&format!("lowest {}", b.words.short));
        list.push(of(
            format!("{}_percentile10", b.name),
            &b,
            &Kind::Extreme("lowest", "10th percentile"),
            VOICED,
            lowest,
        ));
    }
    let periods = "all periods of the segment, at least 10 pairs";
    list.push(of(
        format!("{}_mean", d::JITTER.name),
        &d::JITTER,
        &Kind::Middle("value"),
        periods,
        d::JITTER.words.typical(),
    ));
    let rough = d::JITTER.words.named("jitter PPQ5");
    list.push(own(("jitterPPQ5_percent", "%", Group::VoiceQuality), "irregularity of the period over five cycles", rough, "mean absolute difference between a period and the mean of the five around it, over the mean period; at least 10", s::PRAAT_PERTURBATION));
    list.push(of(
        format!("{}_mean", d::SHIMMER.name),
        &d::SHIMMER,
        &Kind::Middle("value"),
        periods,
        d::SHIMMER.words.typical(),
    ));
    let husky = w::Words { unit: w::OF_THE_AMPLITUDE, ..d::SHIMMER.words }.named("shimmer APQ5");
    list.push(own(("shimmerAPQ5_percent", "%", Group::VoiceQuality), "irregularity of the amplitude over five cycles", husky, "mean absolute difference between the amplitude of a period and the mean of the five around it, over the mean amplitude; at least 10", s::PRAAT_PERTURBATION));
}

fn formants(list: &mut Vec<Entry>) {
    use Group::Formants as G;
    let spreads = [
        ("openness of vowels varies more", "openness of vowels varies less"),
        ("tongue ranges farther", "tongue ranges less far"),
        ("lip rounding varies more", "lip rounding varies less"),
    ];
    for ([frequency, bandwidth, level], spread) in d::FORMANTS.iter().zip(spreads) {
        let median = |b: &Base| of(format!("{}_median", b.name), b, &MEDIAN, VOICED, b.words.typical());
        list.push(median(frequency));
        list.push(of(format!("{}_iqr", frequency.name), frequency, &IQR, VOICED, frequency.words.spread_as(spread)));
        list.push(median(bandwidth));
        list.push(median(level));
    }
    list.push(own(
        ("formantDispersion_Hz_median", "Hz", G),
        "spacing of the formants",
        wording(
            "spacing of the formants",
            ("vocal tract sounds shorter", "vocal tract sounds longer"),
            w::HZ.of("formants", ("farther apart", "closer together")),
        )
        .beware("shorter as when smiling, longer as with protruded lips"),
        "median over voiced frames of half the distance from F1 to F3",
        s::DISPERSION,
    ));
    list.push(own(
        ("vowelSpaceSpread_st", "semitones", G),
        "size of the vowel space",
        wording("vowel space", ("articulation more distinct", "articulation more slurred"), w::SEMITONES.by()),
        "fourth root of the determinant of the covariance of F1 and F2 in semitones over voiced frames",
        s::TEXTBOOK,
    ));
    for (i, (mover, faster, slower)) in [
        ("1", ("jaw", "jaw moves faster", "jaw moves more slowly")),
        ("2", ("tongue", "tongue moves faster", "tongue moves more slowly")),
    ] {
        list.push(own(
            (&format!("F{i}rate_stPerS_median"), "semitones/s", G),
            &format!("speed of movement of formant {i}"),
            wording(&format!("speed of the {mover}"), (faster, slower), w::SEMITONES_PER_S.by()),
            &format!(
                "median over voiced frames of the size of the regression slope of F{i} in semitones over five rows"
            ),
            s::FORMANTS,
        ));
    }
}

fn rhythm(list: &mut Vec<Entry>) {
    use Group::Temporal as G;
    let nucleus = "peaks of the level (mean square over five rows) at voiced frames less than 25 dB below its 95th percentile, with dips of at least 2 dB between them";
    let faster = |name: &str, what: &str| {
        let (rises, falls) = (format!("{what} faster"), format!("{what} slower"));
        wording(name, (&rises, &falls), w::SYLLABLES_PER_S.by())
    };
    list.push(own(
        ("nucleiPerSec", "1/s", G),
        "rate of syllables, pauses included",
        faster("speech rate", "speech"),
        &format!("number of syllable nuclei per second from the first to the last speech; nuclei: {nucleus}"),
        s::NUCLEI,
    ));
    list.push(own(
        ("articulationRate_nucleiPerSec", "1/s", G),
        "rate of syllables, pauses left out",
        faster("articulation rate", "articulation"),
        "number of syllable nuclei per second of speech without its pauses",
        s::NUCLEI,
    ));
    list.push(own(("nucleiInterval_nPVI", "1", G), "unevenness of the rhythm", wording("rhythm index", ("rhythm less even", "rhythm more even"), w::Unit { decimals: 0, ..w::PURE }.of("nPVI", w::HIGHER)), "100 times the mean of the absolute difference of neighbouring intervals between nuclei over their mean; at least three intervals", s::NPVI));
    let pause = "unvoiced stretches of at least 150 ms more than 20 dB below the 95th percentile of the level, between the first and the last speech";
    list.push(own(
        ("pausesPerSec", "1/s", G),
        "rate of pauses",
        wording("number of pauses", ("more pauses", "fewer pauses"), w::Unit { decimals: 2, ..w::PURE_PER_S }.by()),
        &format!("number of pauses per second; pauses: {pause}"),
        s::NUCLEI,
    ));
    list.push(own(
        ("pauseLength_s_mean", "s", G),
        "length of pauses",
        wording("length of pauses", ("pauses longer", "pauses shorter"), w::SECONDS.by()),
        &format!("mean length of pauses; pauses: {pause}"),
        s::NUCLEI,
    ));
    list.push(own(
        ("pauseLength_s_max", "s", G),
        "longest pause",
        wording("longest pause", ("longest pause longer", "longest pause shorter"), w::SECONDS.by()),
        &format!("length of the longest pause; pauses: {pause}"),
        s::NUCLEI,
    ));
    list.push(own(
        ("pause_share", "1 (share)", G),
        "share of pauses",
        wording("share of pauses", ("more silence", "less silence"), w::OF_THE_TIME.by()),
        &format!("length of all pauses over the time from the first to the last speech; pauses: {pause}"),
        s::NUCLEI,
    ));
    list.push(own(
        ("voiced_share", "1 (share)", G),
        "share of voiced frames",
        wording("share of voice", ("voice heard more", "voice heard less"), w::OF_THE_TIME.by()),
        "voiced frames over all frames from the first to the last speech",
        s::PITCH,
    ));
    list.push(own(
        ("voicedStretchesPerSec", "1/s", G),
        "rate of voiced stretches",
        wording(
            "breaks of voicing",
            ("voice more broken up", "voice more connected"),
            w::Unit { decimals: 2, ..w::TIMES_PER_S }.by(),
        ),
        "runs of voiced frames per second from the first to the last speech",
        s::PITCH,
    ));
    for (name, what, short, longer, varied) in [
        (
            "voicedStretch",
            "voiced",
            "voiced stretches",
            ("voice more drawn out", "voice more clipped"),
            ("length of vowels varies more", "length of vowels varies less"),
        ),
        (
            "unvoicedStretch",
            "unvoiced",
            "voiceless stretches",
            ("gaps and consonants longer", "gaps and consonants shorter"),
            ("gaps and consonants vary more in length", "gaps and consonants vary less in length"),
        ),
    ] {
        list.push(own(
            (&format!("{name}Length_s_mean"), "s", G),
            &format!("length of {what} stretches"),
            wording(&format!("length of {short}"), longer, w::SECONDS.by()),
            &format!("mean length of runs of {what} frames between the first and the last speech"),
            s::PITCH,
        ));
        list.push(own(
            (&format!("{name}Length_s_stddev"), "s", G),
            &format!("unevenness of the length of {what} stretches"),
            wording(&format!("unevenness of {short}"), varied, w::SECONDS.by()),
            &format!("standard deviation of the length of runs of {what} frames"),
            s::PITCH,
        ));
    }
}
