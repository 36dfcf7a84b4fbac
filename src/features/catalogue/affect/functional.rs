//! The functionals of `affect-v1`.

use super::super::{Entry, Group};
use super::lld as d;
use super::lld::Base;
use super::source as s;

/// A functional of a descriptor: end of its name, its definition, and how a change of it reads.
enum Kind {
    /// A typical value: reads like the descriptor.
    Middle(&'static str),
    /// A low or high value: reads like the descriptor.
    Extreme(&'static str, &'static str),
    /// A spread.
    Spread(&'static str),
}

fn of(name: String, b: &Base, kind: &Kind, over: &str) -> Entry {
    let (what, definition, rises, falls) = match kind {
        Kind::Middle(how) => (b.what.to_owned(), *how, b.rises.to_owned(), b.falls.to_owned()),
        Kind::Extreme(which, how) => (format!("{which} {}", b.what), *how, b.rises.to_owned(), b.falls.to_owned()),
        Kind::Spread(how) => (
            format!("spread of {}", b.what),
            *how,
            format!("{} varies more than usual", first_part(b.what)),
            format!("{} steadier than usual", first_part(b.what)),
        ),
    };
    Entry {
        name,
        unit: b.unit.to_owned(),
        group: b.group,
        what: format!("{what}, over {over}"),
        when_it_rises: rises,
        when_it_falls: Some(falls),
        definition: format!("{definition} over {over} of: {}", b.definition),
        source: b.source.to_owned(),
        level_dependent: b.level_dependent && !matches!(kind, Kind::Spread(_)),
        typical: None,
        endurance: Vec::new(),
        evidence: None,
    }
}

/// A noun without its explanation.
fn first_part(what: &str) -> &str {
    what.split(", ").next().unwrap_or(what)
}

/// A feature of its own.
fn own(
    (name, unit, group): (&str, &str, Group),
    what: &str,
    (rises, falls): (&str, &str),
    definition: &str,
    source: &str,
) -> Entry {
    Entry {
        name: name.to_owned(),
        unit: unit.to_owned(),
        group,
        what: what.to_owned(),
        when_it_rises: rises.to_owned(),
        when_it_falls: Some(falls.to_owned()),
        definition: definition.to_owned(),
        source: source.to_owned(),
        level_dependent: false,
        typical: None,
        endurance: Vec::new(),
        evidence: None,
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
    let st = |end: &str, kind: &Kind| of(format!("F0semitoneFrom27.5Hz_{end}"), &d::F0_ST, kind, VOICED);
    list.push(of("F0_Hz_median".to_owned(), &d::F0_HZ, &MEDIAN, VOICED));
    list.push(st("median", &MEDIAN));
    list.push(st("percentile5", &Kind::Extreme("lowest", "5th percentile")));
    list.push(st("percentile95", &Kind::Extreme("highest", "95th percentile")));
    let wide = ("pitch range wider than usual", "pitch range narrower than usual");
    list.push(own(
        ("F0semitone_range5-95", "semitones", G),
        "range of pitch",
        wide,
        "95th less 5th percentile of F0 in semitones over voiced frames",
        s::PITCH,
    ));
    let varied = ("pitch varies more than usual", "pitch more monotonous than usual");
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
        ("pitch rises more within syllables than usual", "pitch falls more within syllables than usual"),
        &format!("mean of the {stretch}"),
        s::PITCH,
    ));
    list.push(own(
        ("F0stretchSlope_stPerS_stddev", "semitones/s", G),
        "variety of pitch slopes",
        ("rises and falls more varied than usual", "rises and falls more alike than usual"),
        &format!("standard deviation of the {stretch}"),
        s::PITCH,
    ));
    list.push(own(
        ("F0declination_stPerS", "semitones/s", G),
        "drift of pitch over the utterance",
        ("pitch falls less, or rises, over the utterance", "pitch falls more over the utterance than usual"),
        "least-squares slope of F0 in semitones over time over all voiced frames, which span at least 0.5 s",
        s::TEXTBOOK,
    ));
    list.push(own(
        ("F0finalMovement_st", "semitones", G),
        "movement of pitch at the end",
        ("pitch rises at the end, as in a question", "pitch falls at the end"),
        "median F0 of the last 10 voiced frames less that of the 20 before them",
        s::OWN,
    ));
    let rate = "size of the regression slope of F0 in semitones over five rows within a voiced stretch";
    let faster = ("pitch moves faster than usual", "pitch moves more slowly than usual");
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
        faster,
        &format!("90th percentile of the {rate}"),
        s::TEXTBOOK,
    ));
    list.push(own(
        ("F0rising_share", "1 (share)", G),
        "share of rising pitch",
        ("pitch rises more of the time than usual", "pitch falls more of the time than usual"),
        "share of voiced frames whose F0 slope over five rows is positive",
        s::TEXTBOOK,
    ));
    list.push(own(
        ("F0turningPointsPerSec", "1/s", G),
        "turns of pitch",
        ("pitch turns more often than usual", "pitch turns less often than usual"),
        "changes of direction of F0 with at least half a semitone between them, per second of voiced stretches",
        s::TEXTBOOK,
    ));
    list.push(of("voicingProbability_mean".to_owned(), &d::VOICING, &Kind::Middle("mean"), "all frames"));
}

fn energy(list: &mut Vec<Entry>) {
    use Group::Energy as G;
    list.push(of("loudness_median".to_owned(), &d::LOUDNESS, &MEDIAN, SPEECH));
    list.push(of(
        "loudness_percentile90".to_owned(),
        &d::LOUDNESS,
        &Kind::Extreme("highest", "90th percentile"),
        SPEECH,
    ));
    list.push(own(
        ("loudness_variation", "1", G),
        "variation of loudness",
        ("loudness varies more than usual", "loudness more even than usual"),
        "interquartile range of loudness over frames of speech over its median",
        s::LOUDNESS,
    ));
    list.push(of(
        "level_dBFS_equivalent".to_owned(),
        &d::LEVEL,
        &Kind::Middle("10 log10 of the mean square"),
        "all frames",
    ));
    list.push(of("level_dBFS_voicedMedian".to_owned(), &d::LEVEL, &MEDIAN, VOICED));
    let spoken = "the level of frames of speech (mean square over five rows)";
    list.push(own(
        ("level_dB_range5-95", "dB", G),
        "dynamic range",
        ("wider dynamics than usual", "narrower dynamics than usual"),
        &format!("95th less 5th percentile of {spoken}"),
        s::TEXTBOOK,
    ));
    list.push(own(
        ("level_dB_stddev", "dB", G),
        "variation of level",
        ("level varies more than usual", "level more even than usual"),
        &format!("standard deviation of {spoken}"),
        s::TEXTBOOK,
    ));
    list.push(own(
        ("levelDeclination_dBPerS", "dB/s", G),
        "drift of level over the utterance",
        ("voice fades less, or swells, over the utterance", "voice fades more over the utterance than usual"),
        &format!("least-squares slope over time of {spoken}, at least 0.5 s"),
        s::TEXTBOOK,
    ));
    list.push(own(
        ("attack_dBPerS_median", "dB/s", G),
        "speed of onsets",
        ("syllables start more abruptly than usual", "syllables start more gently than usual"),
        "median over syllable nuclei of the rise in level from the valley before, per second",
        s::NUCLEI,
    ));
    list.push(own(
        ("decay_dBPerS_median", "dB/s", G),
        "speed of releases",
        ("syllables end more abruptly than usual", "syllables end more gently than usual"),
        "median over syllable nuclei of the fall in level to the valley after, per second",
        s::NUCLEI,
    ));
    for (band, pace) in [
        ("1-2", "phrases"),
        ("2-4", "slow syllables"),
        ("4-8", "syllables"),
        ("8-16", "fast syllables and sounds"),
        ("16-32", "roughness and fast sounds"),
    ] {
        list.push(own((&format!("modulation{band}Hz_dB"), "dB re mean squared", G), &format!("modulation of the envelope at {band} Hz, the pace of {pace}"), (&format!("more movement of the level at the pace of {pace} than usual"), &format!("less movement of the level at the pace of {pace} than usual")), &format!("power of the envelope (root mean square of 20 ms every 10 ms, from the first to the last speech) in the octave {band} Hz over the square of its mean; at least two periods of the lower edge"), s::MODULATION));
    }
    list.push(own(
        ("modulationCentroid_Hz", "Hz", G),
        "pace of the envelope",
        ("level moves at a faster pace than usual", "level moves at a slower pace than usual"),
        "mean of the five bands' centres weighted by their power",
        s::MODULATION,
    ));
}

fn balance(list: &mut Vec<Entry>) {
    for b in [d::ALPHA, d::HAMMARBERG, d::SLOPE_LOW, d::SLOPE_MIDDLE, d::SLOPE_WHOLE, d::CENTROID, d::FLUX] {
        list.push(of(format!("{}_voicedMedian", b.name), &b, &MEDIAN, VOICED));
        list.push(of(format!("{}_voicedIqr", b.name), &b, &IQR, VOICED));
        list.push(of(format!("{}_unvoicedMedian", b.name), &b, &MEDIAN, "unvoiced frames of speech"));
    }
    list.push(own(("ltasSlope_dBPerOct", "dB/octave", Group::SpectralBalance), "slope of the long-term average spectrum", ("flatter long-term spectrum: more effort than usual", "steeper long-term spectrum: less effort than usual"), "least-squares line over log2 of frequency through the levels per Hz of the mel bands centred from 100 to 5000 Hz, power averaged over frames of speech", s::TEXTBOOK));
}

fn cepstral(list: &mut Vec<Entry>) {
    for i in 1..=12 {
        let (what, rises, falls) = super::mfcc_phrases(i);
        let entry = |end: &str, unit, what: String, phrases: (&str, &str), definition: String| {
            own((&format!("mfcc{i}_{end}"), unit, Group::Cepstral), &what, phrases, &definition, s::MFCC)
        };
        let mfcc = super::MFCC;
        list.push(entry(
            "voicedMean",
            "1",
            format!("{what}, over voiced frames"),
            (rises, falls),
            format!("mean over voiced frames of: {mfcc}"),
        ));
        let spread = ("vowels differ more than usual in this respect", "vowels more alike than usual in this respect");
        list.push(entry(
            "voicedStddev",
            "1",
            format!("spread of the {what}, over voiced frames"),
            spread,
            format!("standard deviation over voiced frames of: {mfcc}"),
        ));
        let speed =
            ("sounds change faster than usual in this respect", "sounds change more slowly than usual in this respect");
        list.push(entry(
            "deltaStddev",
            "1/s",
            format!("speed of change of the {what}"),
            speed,
            format!("standard deviation over frames of speech of the regression slope over five rows of: {mfcc}"),
        ));
    }
}

fn quality(list: &mut Vec<Entry>) {
    for (i, b) in [d::HNR, d::CPPS, d::H1_H2, d::H1_H2C, d::H1_A3, d::H1_A3C].into_iter().enumerate() {
        list.push(of(format!("{}_median", b.name), &b, &MEDIAN, VOICED));
        list.push(of(format!("{}_iqr", b.name), &b, &IQR, VOICED));
        if i < 2 {
            list.push(of(format!("{}_percentile10", b.name), &b, &Kind::Extreme("lowest", "10th percentile"), VOICED));
        }
    }
    let periods = "all periods of the segment, at least 10 pairs";
    list.push(of(format!("{}_mean", d::JITTER.name), &d::JITTER, &Kind::Middle("value"), periods));
    let rough = (d::JITTER.rises, d::JITTER.falls);
    list.push(own(("jitterPPQ5_percent", "%", Group::VoiceQuality), "irregularity of the period over five cycles", rough, "mean absolute difference between a period and the mean of the five around it, over the mean period; at least 10", s::PRAAT_PERTURBATION));
    list.push(of(format!("{}_mean", d::SHIMMER.name), &d::SHIMMER, &Kind::Middle("value"), periods));
    let breathy = (d::SHIMMER.rises, d::SHIMMER.falls);
    list.push(own(("shimmerAPQ5_percent", "%", Group::VoiceQuality), "irregularity of the amplitude over five cycles", breathy, "mean absolute difference between the amplitude of a period and the mean of the five around it, over the mean amplitude; at least 10", s::PRAAT_PERTURBATION));
}

fn formants(list: &mut Vec<Entry>) {
    use Group::Formants as G;
    for [frequency, bandwidth, level] in &d::FORMANTS {
        list.push(of(format!("{}_median", frequency.name), frequency, &MEDIAN, VOICED));
        list.push(of(format!("{}_iqr", frequency.name), frequency, &IQR, VOICED));
        list.push(of(format!("{}_median", bandwidth.name), bandwidth, &MEDIAN, VOICED));
        list.push(of(format!("{}_median", level.name), level, &MEDIAN, VOICED));
    }
    list.push(own(
        ("formantDispersion_Hz_median", "Hz", G),
        "spacing of the formants",
        ("vocal tract shorter than usual, as when smiling", "vocal tract longer than usual, as with protruded lips"),
        "median over voiced frames of half the distance from F1 to F3",
        s::DISPERSION,
    ));
    list.push(own(
        ("vowelSpaceSpread_st", "semitones", G),
        "size of the vowel space",
        ("articulation more distinct than usual", "articulation more reduced than usual"),
        "fourth root of the determinant of the covariance of F1 and F2 in semitones over voiced frames",
        s::TEXTBOOK,
    ));
    for (i, phrases) in [
        ("1", ("jaw moves faster than usual", "jaw moves more slowly than usual")),
        ("2", ("tongue moves faster than usual", "tongue moves more slowly than usual")),
    ] {
        list.push(own(
            (&format!("F{i}rate_stPerS_median"), "semitones/s", G),
            &format!("speed of movement of formant {i}"),
            phrases,
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
    let faster = ("speech faster than usual", "speech slower than usual");
    list.push(own(
        ("nucleiPerSec", "1/s", G),
        "rate of syllables, pauses included",
        faster,
        &format!("number of syllable nuclei per second from the first to the last speech; nuclei: {nucleus}"),
        s::NUCLEI,
    ));
    list.push(own(
        ("articulationRate_nucleiPerSec", "1/s", G),
        "rate of syllables, pauses left out",
        faster,
        "number of syllable nuclei per second of speech without its pauses",
        s::NUCLEI,
    ));
    list.push(own(("nucleiInterval_nPVI", "1", G), "unevenness of the rhythm", ("rhythm less even than usual", "rhythm more even than usual"), "100 times the mean of the absolute difference of neighbouring intervals between nuclei over their mean; at least three intervals", s::NPVI));
    let pause = "unvoiced stretches of at least 150 ms more than 20 dB below the 95th percentile of the level, between the first and the last speech";
    list.push(own(
        ("pausesPerSec", "1/s", G),
        "rate of pauses",
        ("more pauses than usual", "fewer pauses than usual"),
        &format!("number of pauses per second; pauses: {pause}"),
        s::NUCLEI,
    ));
    let longer = ("pauses longer than usual", "pauses shorter than usual");
    list.push(own(
        ("pauseLength_s_mean", "s", G),
        "length of pauses",
        longer,
        &format!("mean length of pauses; pauses: {pause}"),
        s::NUCLEI,
    ));
    list.push(own(
        ("pauseLength_s_max", "s", G),
        "longest pause",
        longer,
        &format!("length of the longest pause; pauses: {pause}"),
        s::NUCLEI,
    ));
    list.push(own(
        ("pause_share", "1 (share)", G),
        "share of pauses",
        ("more of the time silent than usual", "less of the time silent than usual"),
        &format!("length of all pauses over the time from the first to the last speech; pauses: {pause}"),
        s::NUCLEI,
    ));
    list.push(own(
        ("voiced_share", "1 (share)", G),
        "share of voiced frames",
        ("more of the time voiced than usual", "less of the time voiced than usual"),
        "voiced frames over all frames from the first to the last speech",
        s::PITCH,
    ));
    list.push(own(
        ("voicedStretchesPerSec", "1/s", G),
        "rate of voiced stretches",
        ("voicing more broken than usual", "voicing more connected than usual"),
        "runs of voiced frames per second from the first to the last speech",
        s::PITCH,
    ));
    for (name, what, rises, falls) in [
        (
            "voicedStretch",
            "voiced",
            "longer vowels, smoother speech than usual",
            "shorter vowels, more clipped speech than usual",
        ),
        (
            "unvoicedStretch",
            "unvoiced",
            "longer gaps and consonants than usual",
            "shorter gaps and consonants than usual",
        ),
    ] {
        list.push(own(
            (&format!("{name}Length_s_mean"), "s", G),
            &format!("length of {what} stretches"),
            (rises, falls),
            &format!("mean length of runs of {what} frames between the first and the last speech"),
            s::PITCH,
        ));
        list.push(own(
            (&format!("{name}Length_s_stddev"), "s", G),
            &format!("unevenness of the length of {what} stretches"),
            ("rhythm less even than usual", "rhythm more even than usual"),
            &format!("standard deviation of the length of runs of {what} frames"),
            s::PITCH,
        ));
    }
}
