//! Alterations: every property moves by its dose, as the analyzer measures it, and everything else stays.

mod common;
#[path = "common/voice.rs"]
mod voice;

use affect::alter::{AlterError, Altered, DoseError, Doses, Measured, Property, Voice};
use affect::analyzer::{Analyzer, Config, Output, Segmentation};
use affect::features::catalogue::Group;
use affect::record::Record;
use affect::signal::samples::Samples;
use common::{root, wav};
use voice::{Recipe, VOWELS, make};

fn features(samples: &[f32], rate_hz: u32) -> Record {
    let config = Config { segmentation: Segmentation::File, ..Config::default() };
    let mut analyzer = Analyzer::new(config, rate_hz, 1).unwrap();
    let mut record = None;
    let mut take = |o: Output<'_>| {
        if let Output::Segment(r) = o {
            record = Some(*r);
        }
    };
    analyzer.push(&Samples::f32(samples, 1).unwrap(), &mut take).unwrap();
    analyzer.finish(&mut take);
    record.unwrap()
}

/// A voice with its features.
struct Subject {
    name: String,
    voice: Voice,
    record: Record,
}

impl Subject {
    fn new(name: &str, samples: Vec<f32>, rate_hz: u32) -> Self {
        let record = features(&samples, rate_hz);
        Self { name: name.to_owned(), voice: Voice::new(samples, rate_hz).unwrap(), record }
    }

    fn with(&self, property: Property, dose: f64) -> (Altered, Measured) {
        let doses = Doses::default().with(property, dose).unwrap();
        let altered = self.voice.alter(&doses).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let after = features(&altered.samples, self.voice.rate_hz());
        let measured = Measured::between(&self.voice, &altered, &doses, &self.record, &after);
        (altered, measured)
    }

    /// What came of a dose.
    fn came(&self, property: Property, dose: f64) -> f64 {
        self.with(property, dose).1.doses[0]
            .2
            .unwrap_or_else(|| panic!("{}: {} is undefined", self.name, property.name()))
    }
}

fn single(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|s| f32::from(*s) / 32_768.0).collect()
}

/// Clips of EmoDB.
fn clips() -> Vec<Subject> {
    let mut paths: Vec<_> =
        std::fs::read_dir(root().join("tests/data/emodb")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 8);
    let subject = |p: &std::path::PathBuf| {
        let (samples, channels, rate_hz) = wav(p);
        assert_eq!(channels, 1);
        Subject::new(&p.file_name().unwrap().to_string_lossy(), single(&samples), rate_hz)
    };
    paths.iter().map(subject).collect()
}

/// The first 40 s of both parties of the call, 8 kHz.
fn parties() -> Vec<Subject> {
    let (samples, channels, rate_hz) = wav(&root().join("tests/data/calls/call40_185s_2ch_pcm16.wav"));
    let party =
        |c: usize| -> Vec<i16> { samples.chunks(channels).map(|frame| frame[c]).take(40 * rate_hz as usize).collect() };
    (0..channels).map(|c| Subject::new(&format!("party {c}"), single(&party(c)), rate_hz)).collect()
}

/// Vowels of voices from 90 to 210 Hz.
fn vowels() -> Vec<Subject> {
    let one = |(k, vowel): (usize, &voice::Vowel)| {
        let recipe = Recipe { hnr_db: Some(20.0), seconds: 2.0, ..Recipe::steady(90.0 + 30.0 * k as f64, *vowel) };
        let (name, samples) = (format!("vowel {}", vowel.name), make(&recipe).samples);
        Subject::new(&name, samples.iter().map(|v| v * 0.3).collect(), 16_000)
    };
    VOWELS.iter().enumerate().map(one).collect()
}

fn median(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    0.5 * (list[(list.len() - 1) / 2] + list[list.len() / 2])
}

#[test]
fn doses_that_change_nothing_give_the_samples_back() {
    let neutral = Property::ALL.iter().filter_map(|p| Some((*p, p.neutral()?)));
    let doses = neutral.fold(Doses::default(), |d, (p, n)| d.with(p, n).unwrap());
    for s in clips().iter().chain(&parties()) {
        for doses in [Doses::default(), doses] {
            let altered = s.voice.alter(&doses).unwrap();
            assert!(altered.samples == s.voice.samples(), "{}", s.name);
            assert_eq!(altered.f0_in_range, 1.0);
        }
    }
}

/// A dose as small as a rounding goes through everything and moves nothing that is heard: 40 dB down, features to 0.01 deviations.
#[test]
fn the_smallest_dose_moves_nothing() {
    for s in clips().iter().take(3) {
        for (property, dose) in
            [(Property::F0, 1e-4), (Property::Formants, 1.00001), (Property::Tilt, 1e-4), (Property::Jitter, 1e-4)]
        {
            let (altered, measured) = s.with(property, dose);
            let power = |x: &mut dyn Iterator<Item = f32>| x.map(|v| f64::from(v) * f64::from(v)).sum::<f64>();
            let off = power(&mut altered.samples.iter().zip(s.voice.samples()).map(|(a, b)| a - b));
            let all = power(&mut s.voice.samples().iter().copied());
            assert!(off < 1e-4 * all, "{} {}: {:.1} dB", s.name, property.name(), 10.0 * (off / all).log10());
            for group in Group::ALL {
                let moved = measured.moved(group).unwrap();
                assert!(moved < 0.01, "{} {}: {} moved by {moved}", s.name, property.name(), group.name());
            }
        }
    }
}

#[test]
fn vowels_take_their_doses() {
    for s in vowels() {
        for dose in [-4.0, -2.0, -0.5, 1.0, 3.0, 4.0] {
            let came = s.came(Property::F0, dose);
            assert!((came - dose).abs() < 0.1, "{}: F0 {dose} came as {came}", s.name);
        }
        for dose in [-6.0, -3.0, 3.0, 6.0] {
            let came = s.came(Property::Tilt, dose);
            assert!((came - dose).abs() < 0.5, "{}: tilt {dose} came as {came}", s.name);
        }
        for dose in [15.0, 10.0, 5.0] {
            let came = s.came(Property::Hnr, dose);
            assert!((came - dose).abs() < 1.5, "{}: HNR {dose} came as {came}", s.name);
        }
        for dose in [1.0, 2.0] {
            let came = s.came(Property::Jitter, dose);
            assert!((came / dose - 1.0).abs() < 0.35, "{}: jitter {dose} came as {came}", s.name);
        }
        assert!((s.came(Property::Level, -6.0) + 6.0).abs() < 0.01);
        let slower = s.with(Property::Rate, 0.8).0;
        assert_eq!(slower.samples.len(), 40_000);
        let pitch = |x: &[f32]| features(x, 16_000).value("F0semitoneFrom27.5Hz_median").unwrap();
        assert!((pitch(&slower.samples) - pitch(s.voice.samples())).abs() < 0.05, "{}", s.name);
    }
}

/// Formants, against what the analyzer finds in the same voice made with a longer or a shorter vocal tract, where it finds what was made.
/// Two periods tell a low F1 apart from the harmonics badly: it strays most.
#[test]
fn vowels_change_their_formants() {
    let mut errors = Vec::new();
    for (k, vowel) in VOWELS.iter().enumerate() {
        let recipe =
            |vowel| Recipe { hnr_db: Some(20.0), seconds: 2.0, ..Recipe::steady(90.0 + 30.0 * k as f64, vowel) };
        let (own, f0_hz) = (Subject::new(vowel.name, make(&recipe(*vowel)).samples, 16_000), 90 + 30 * k);
        for dose in [0.9, 1.1] {
            let tract = vowel.hz.map(|hz| (hz * dose).min(7_800.0));
            let made = voice::Vowel { hz: tract, bandwidth_hz: vowel.bandwidth_hz.map(|b| b * dose), ..*vowel };
            let (truth, altered) =
                (features(&make(&recipe(made)).samples, 16_000), own.with(Property::Formants, dose).0);
            let after = features(&altered.samples, 16_000);
            for (k, name) in
                ["F1frequency_Hz_median", "F2frequency_Hz_median", "F3frequency_Hz_median"].iter().enumerate()
            {
                let (expected, found) = (f64::from(truth.value(name).unwrap()), f64::from(after.value(name).unwrap()));
                if (expected / tract[k] - 1.0).abs() < 0.03 {
                    println!("{} at {f0_hz} Hz, {dose}: {name} {found:.0}, expected {expected:.0}", vowel.name);
                    errors.push((found / expected - 1.0).abs());
                }
            }
        }
    }
    assert!(errors.len() >= 12, "{} formants", errors.len());
    let worst = errors.iter().copied().fold(0.0, f64::max);
    println!("median {:.4}, worst {worst:.4}", median(errors.clone()));
    assert!(median(errors) < 0.03 && worst < 0.1, "{worst}");
}

/// What real speech takes: the analyzer hears other frames as voiced in a voice that was altered, so single clips stray; their median is
/// held to the bars.
#[test]
fn speech_takes_its_doses() {
    for subjects in [clips(), parties()] {
        let came = |p: Property, dose: f64| {
            let list: Vec<f64> = subjects.iter().map(|s| s.came(p, dose)).collect();
            println!("{} {dose}: {list:.3?}", p.name());
            median(list)
        };
        for dose in [-4.0, -2.0, 2.0, 4.0] {
            let came = came(Property::F0, dose);
            assert!((came - dose).abs() < 0.1, "F0 {dose} came as {came}");
        }
        for dose in [0.5, 1.5] {
            let came = came(Property::F0Range, dose);
            assert!((came / dose - 1.0).abs() < 0.05, "range {dose} came as {came}");
        }
        for dose in [-6.0, -3.0, 3.0, 6.0] {
            let came = came(Property::Tilt, dose);
            assert!((came - dose).abs() < 0.5, "tilt {dose} came as {came}");
        }
        for dose in [0.7, 1.4] {
            let came = came(Property::EnvelopeDepth, dose);
            assert!((came / dose - 1.0).abs() < 0.1, "depth {dose} came as {came}");
        }
        for dose in [0.8, 1.25] {
            let came = came(Property::Rate, dose);
            assert!((came / dose - 1.0).abs() < 0.001, "rate {dose} came as {came}");
        }
        for s in &subjects {
            let dose = s.voice.hnr_db().unwrap() - 2.0;
            let came = s.came(Property::Hnr, dose);
            assert!((came - dose).abs() < 1.5, "{}: HNR {dose} came as {came}", s.name);
        }
    }
}

/// Groups that a property does not concern move no more than under the overlap-add of Praat on twenty clips of EmoDB (parselmouth 0.4.7,
/// the analyzer's deviations). Voice quality is held to the same; half of it is aimed at and not reached (`docs/alter.md`).
#[test]
fn everything_else_stays() {
    use Group::{Cepstral, Energy, SpectralBalance, Temporal, VoiceQuality};
    type Bar = (Property, f64, &'static [(Group, f64)]);
    let bars: [Bar; 3] = [
        (Property::F0, 2.0, &[(Energy, 0.10), (SpectralBalance, 0.16), (Temporal, 0.05), (VoiceQuality, 0.45)]),
        (
            Property::F0Range,
            0.5,
            &[(Energy, 0.13), (SpectralBalance, 0.16), (Cepstral, 0.15), (Temporal, 0.04), (VoiceQuality, 0.51)],
        ),
        (Property::Tilt, -3.0, &[(Group::Frequency, 0.06), (Energy, 0.39), (Temporal, 0.04)]),
    ];
    let clips = clips();
    for (property, dose, groups) in bars {
        let all: Vec<Measured> = clips.iter().map(|s| s.with(property, dose).1).collect();
        let moved = |group: Group| {
            let of = |m: &Measured| {
                m.features.iter().filter(|f| f.group == group).map(|f| f.deviations.abs()).collect::<Vec<_>>()
            };
            median(all.iter().flat_map(of).collect())
        };
        for group in Group::ALL {
            println!("{} {dose}: {} {:.3}", property.name(), group.name(), moved(group));
        }
        for (group, bar) in groups {
            assert!(moved(*group) <= *bar, "{} {dose}: {} moved by {}", property.name(), group.name(), moved(*group));
        }
    }
}

/// Pauses and voiceless sounds stay sample by sample under what concerns the voice alone.
#[test]
fn what_has_no_voice_stays() {
    for s in clips().iter().chain(&parties()) {
        let frames = {
            let config = Config { segmentation: Segmentation::Frames, ..Config::default() };
            let mut analyzer = Analyzer::new(config, s.voice.rate_hz(), 1).unwrap();
            let mut voiced: Vec<(u64, bool)> = Vec::new();
            let mut take = |o: Output<'_>| {
                if let Output::Frame(r) = o {
                    voiced.push(((r.start_ns + r.end_ns) / 2, r.columns()[0].is_some()));
                }
            };
            analyzer.push(&Samples::f32(s.voice.samples(), 1).unwrap(), &mut take).unwrap();
            analyzer.finish(&mut take);
            voiced
        };
        let far = |k: usize| (k.saturating_sub(3)..(k + 4).min(frames.len())).all(|i| !frames[i].1);
        let at = |ns: u64| (ns as f64 * 1e-9 * f64::from(s.voice.rate_hz())) as usize;
        for (property, dose) in [
            (Property::F0, 3.0),
            (Property::F0Range, 0.0),
            (Property::Tilt, -6.0),
            (Property::Jitter, 3.0),
            (Property::Shimmer, 1.0),
            (Property::Formants, 1.1),
            (Property::Hnr, s.voice.hnr_db().unwrap() - 2.0),
        ] {
            let altered = s.with(property, dose).0;
            assert_eq!(altered.samples.len(), s.voice.samples().len());
            let mut still = 0;
            for k in (0..frames.len()).filter(|k| far(*k)) {
                let range = at(frames[k].0)..at(frames[k].0 + 10_000_000).min(altered.samples.len());
                assert!(
                    altered.samples[range.clone()] == s.voice.samples()[range],
                    "{} {}: frame {k}",
                    s.name,
                    property.name()
                );
                still += 1;
            }
            assert!(still > 10, "{}: {still} frames without voice", s.name);
            assert!(altered.samples != s.voice.samples());
        }
    }
}

/// No clicks: nowhere does the waveform break as it never did before.
#[test]
fn pieces_meet_without_clicks() {
    let break_of = |x: &[f32]| x.windows(3).map(|w| (w[2] - 2.0 * w[1] + w[0]).abs()).fold(0.0, f32::max);
    for s in clips().iter().chain(&parties()) {
        let own = break_of(s.voice.samples());
        for (property, dose) in [
            (Property::F0, -4.0),
            (Property::F0, 4.0),
            (Property::F0Range, 0.0),
            (Property::Rate, 0.7),
            (Property::Rate, 1.5),
        ] {
            let broken = break_of(&s.with(property, dose).0.samples);
            assert!(broken < 1.5 * own, "{} {} {dose}: {broken} against {own}", s.name, property.name());
        }
    }
}

/// Several doses at once all come.
#[test]
fn doses_go_together() {
    let vowels = vowels();
    let s = &vowels[0];
    let doses = [(Property::F0, 3.0), (Property::Tilt, -3.0), (Property::Rate, 1.25), (Property::Level, -6.0)];
    let all = doses.iter().fold(Doses::default(), |d, (p, x)| d.with(*p, *x).unwrap());
    let altered = s.voice.alter(&all).unwrap();
    let measured = Measured::between(&s.voice, &altered, &all, &s.record, &features(&altered.samples, 16_000));
    let came: Vec<f64> = measured.doses.iter().map(|d| d.2.unwrap()).collect();
    assert!(measured.doses.iter().map(|d| d.0).eq([Property::F0, Property::Tilt, Property::Level, Property::Rate]));
    assert!((came[0] - 3.0).abs() < 0.1 && (came[1] + 3.0).abs() < 0.5, "{came:?}");
    assert!((came[2] + 6.0).abs() < 0.2 && (came[3] - 1.25).abs() < 0.01, "{came:?}");
    assert_eq!(s.voice.alter(&all).unwrap(), altered, "the same every time");
}

#[test]
fn what_cannot_be_done_is_said() {
    let silence = Voice::new(vec![0.0; 16_000], 16_000).unwrap();
    let dose = |p: Property, d: f64| Doses::default().with(p, d).unwrap();
    for p in Property::ALL.into_iter().filter(|p| p.needs_voice()) {
        assert_eq!(
            silence.alter(&dose(p, if p == Property::Formants { 1.1 } else { 0.5 })),
            Err(AlterError::NoVoice(p)),
            "{}",
            p.name()
        );
    }
    assert_eq!(silence.alter(&dose(Property::Level, 6.0)).unwrap().samples, vec![0.0; 16_000]);
    assert_eq!(silence.alter(&dose(Property::EnvelopeDepth, 0.5)).unwrap().samples, vec![0.0; 16_000]);
    assert_eq!(silence.alter(&dose(Property::Rate, 2.0)).unwrap().samples, vec![0.0; 8_000]);
    assert!(matches!(Voice::new(vec![0.0, f32::NAN], 16_000), Err(AlterError::NotASample { at: 1, .. })));
    assert!(matches!(Voice::new(vec![0.0; 100], 4_000), Err(AlterError::Input(_))));
    assert!(Voice::new(Vec::new(), 16_000).unwrap().alter(&dose(Property::Rate, 0.5)).unwrap().samples.is_empty());
    assert!(matches!(Doses::default().with(Property::F0, f64::NAN), Err(DoseError::OutOfRange { .. })));
    let vowels = vowels();
    // 210 Hz and two octaves up is no voice; an octave below 90 Hz neither.
    let high = vowels[4].voice.alter(&dose(Property::F0, 12.0)).unwrap();
    assert_eq!(high.f0_in_range, 1.0);
    assert!(matches!(vowels[0].voice.alter(&dose(Property::F0, -12.0)), Err(AlterError::NoSuchVoice { .. })));
    let slides = vowels[0].voice.alter(&dose(Property::F0Declination, -10.0)).unwrap();
    assert!(slides.f0_in_range > 0.3 && slides.f0_in_range < 0.9, "{}", slides.f0_in_range);
    // In so much noise no voice is heard any more, or only a stronger one.
    let clips = clips();
    let drowned = clips.iter().filter(|s| match s.voice.alter(&dose(Property::Hnr, 0.0)) {
        Ok(altered) => {
            let came = features(&altered.samples, s.voice.rate_hz()).value("HNR_dB_median").unwrap();
            assert!(came < 1.6, "{}: {came}", s.name);
            false
        }
        Err(e) => {
            assert!(matches!(e, AlterError::NoisierThanAVoice { .. }), "{e}");
            true
        }
    });
    assert!(drowned.count() > 0);
    let loud = Voice::new(vec![200.0; 8_000], 16_000).unwrap().alter(&dose(Property::Rate, 0.5));
    assert!(loud.is_ok());
    let click = (0..8_000).map(|i| if i == 4_000 { 100.0 } else { 0.0 }).collect();
    assert!(matches!(
        Voice::new(click, 16_000).unwrap().alter(&dose(Property::Level, 20.0)),
        Err(AlterError::TooLoud { .. })
    ));
    let clear = vowels[0].voice.alter(&dose(Property::Hnr, 40.0));
    assert!(matches!(clear, Err(AlterError::ClearerThanItIs { .. })), "{clear:?}");
}

/// A constant offset is no sound: doses come and everything else stays as without it.
#[test]
fn an_offset_changes_nothing() {
    let clips = clips();
    for s in clips.iter().take(3) {
        let moved = |x: &[f32]| Subject::new(&s.name, x.to_vec(), s.voice.rate_hz());
        let offset: Vec<f32> = s.voice.samples().iter().map(|v| v + 0.05).collect();
        let (plain, offset) = (moved(s.voice.samples()), moved(&offset));
        for (property, dose) in [(Property::Tilt, 6.0), (Property::EnvelopeDepth, 1.4), (Property::F0, 2.0)] {
            let (a, b) = (plain.with(property, dose), offset.with(property, dose));
            let off = a.0.samples.iter().zip(&b.0.samples).map(|(a, b)| (a + 0.05 - b).abs()).fold(0.0, f32::max);
            assert!(off < 2e-3, "{} {}: {off}", s.name, property.name());
        }
    }
}
