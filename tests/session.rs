//! A session gives the results of the analyzer, owned, and says what is wrong before it begins.

mod common;

#[path = "../examples/first.rs"]
#[allow(dead_code, reason = "its main is called")]
mod first;

use affect::analyzer::{Config, FeatureSet, Policy, Segmentation};
use affect::error::{ConfigError, InputError};
use affect::record::{Ended, Record};
use affect::segment::utterance::UtteranceConfig;
use affect::session::{NoLabel, Session, SessionError, Utterances, Windows};
use affect::signal::samples::Samples;
use common::{records, root, run, wav};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_first_program_runs() {
    first::main().unwrap();
}

/// Pushed in blocks of 20 ms, with roles: the same records as from the analyzer.
#[test]
fn the_results_are_those_of_the_analyzer() {
    let (audio, channels, rate_hz) = wav(&root().join("tests/data/calls/call40_185s_2ch_pcm16.wav"));
    let builder = || Session::builder(rate_hz, channels).stream("call").roles(["agent", "caller"]);
    let mut session = builder().segments(Utterances::default()).default_model().build().unwrap();
    let mut results = Vec::new();
    for block in audio.chunks(rate_hz as usize / 50 * channels) {
        results.extend(session.push(&Samples::s16(block, channels).unwrap()).unwrap());
    }
    assert_eq!(session.position(), Duration::from_secs_f64(audio.len() as f64 / channels as f64 / f64::from(rate_hz)));
    results.extend(session.finish());
    assert!(matches!(session.push(&Samples::s16(&audio[..2], channels).unwrap()), Err(InputError::Finished)));

    let model = affect::model::pool::open_bytes(affect::model::DEFAULT.to_vec(), None, &Default::default()).unwrap();
    let scorer = affect::analyzer::Scorer::new(model, Default::default()).unwrap();
    let config = Config {
        segmentation: Segmentation::Utterances(UtteranceConfig::default()),
        stream: "call".into(),
        roles: vec!["agent".into(), "caller".into()],
        scorer: Some(scorer.into()),
        ..Config::default()
    };
    let kept = run(&config, rate_hz, channels, &audio, &[1024]);
    let expected: Vec<&Record> = records(&kept);
    assert!(expected.len() > 20);
    assert_eq!(results.iter().map(|r| r.record()).collect::<Vec<_>>(), expected);

    for (r, e) in results.iter().zip(expected) {
        assert_eq!(r.span(), Duration::from_nanos(e.start_ns)..Duration::from_nanos(e.end_ns));
        assert_eq!((r.channel(), r.role()), (e.channel.index, e.channel.role.as_deref()));
        assert_eq!(r.value("HNR_dB_median"), e.value("HNR_dB_median"));
        assert_eq!(r.is_final(), e.ended.name() != "open");
        match r.role() {
            Some("agent") => assert!(r.label().is_none() && r.no_label() == Some(NoLabel::Policy)),
            _ => assert!(r.label().is_some() != r.no_label().is_some()),
        }
        if let Some(label) = r.label() {
            let others = ["anger", "happiness", "neutral", "sadness"].map(|l| r.probability(l).unwrap_or(0.0));
            assert!(others.iter().all(|p| *p <= r.probability(label).unwrap()));
            assert!(r.reasons().count() == 3 && r.reasons().all(|f| f.to_string() == f.sentence));
        }
    }
    let scored = results.iter().filter(|r| r.label().is_some()).count();
    assert!(scored > 5 && results.iter().any(|r| r.no_label().is_some()), "{scored}");
}

#[test]
fn features_alone_say_that_no_model_was_asked() {
    let (audio, channels, rate_hz) = wav(&root().join("tests/data/emodb/16a01Wb.wav"));
    let mut session = Session::builder(rate_hz, channels)
        .feature_set(FeatureSet::EgemapsV02)
        .segments(Windows::default())
        .build()
        .unwrap();
    let mut results = session.push(&Samples::s16(&audio, channels).unwrap()).unwrap();
    results.extend(session.skip(SECOND).unwrap());
    results.extend(session.finish());
    assert!(!results.is_empty());
    for r in results {
        assert_eq!((r.label(), r.no_label(), r.reasons().count()), (None, Some(NoLabel::NoModel), 0));
        assert!(r.features().len() == 88 && r.probability("anger").is_none());
        assert_eq!(r.into_record().feature_set, "egemaps-v02");
    }
}

/// The conversation of a session is that of the analyzer.
#[test]
fn a_session_tells_of_the_conversation() {
    let (audio, channels, rate_hz) = wav(&root().join("tests/data/calls/call40_185s_2ch_pcm16.wav"));
    let builder = || Session::builder(rate_hz, channels).roles(["agent", "caller"]).segments(Utterances::default());
    let samples = || audio.chunks(2 * 8000).map(|block| Samples::s16(block, channels).unwrap());
    let mut session = builder().conversation_every(10 * SECOND).build().unwrap();
    assert_eq!(session.conversation(), None);
    let mut seen = Vec::new();
    for block in samples() {
        session.push(&block).unwrap();
        seen.extend(session.conversation().filter(|c| c.ended == Ended::Open).map(|c| c.revision));
    }
    session.finish();
    seen.dedup();
    assert!(seen.len() >= 3 && seen.is_sorted(), "{seen:?}");
    let whole = session.conversation().unwrap();
    assert!(whole.ended == Ended::EndOfStream && whole.revision > *seen.last().unwrap());
    assert!(whole.number("caller_talk_s").unwrap() > 10.0);
    // At the end the same, whether it was asked for in between or not.
    let mut quiet = builder().conversation().build().unwrap();
    samples().for_each(|block| drop(quiet.push(&block).unwrap()));
    quiet.finish();
    assert_eq!(quiet.conversation().unwrap().measures, whole.measures);
    quiet.reset();
    assert_eq!(quiet.conversation(), None);
    // Without being asked for there is none.
    let mut plain = builder().build().unwrap();
    samples().for_each(|block| drop(plain.push(&block).unwrap()));
    plain.finish();
    assert_eq!(plain.conversation(), None);
    let short = builder().conversation_every(SECOND / 2).build().unwrap_err().to_string();
    assert!(short.contains("conversation-interval"), "{short}");
}

#[test]
fn what_cannot_be_is_said_with_the_next_step() {
    let why = |builder: affect::session::SessionBuilder| builder.build().unwrap_err();
    let voice = || Session::builder(16_000, 1);
    let said = |e: &SessionError, words: &[&str]| {
        let text = e.to_string();
        assert!(words.iter().all(|w| text.contains(w)), "{text}");
    };
    let roles = why(voice().roles(["agent", "caller"]));
    assert_eq!(roles, SessionError::Roles { found: 2, channels: 1 });
    said(&roles, &["2 roles for 1 channels", "\"\" for a channel without a role"]);
    said(&why(Session::builder(4_000, 1)), &["4000 Hz", "8000 to 192000", "resample"]);
    said(&why(Session::builder(16_000, 0).roles(["caller"])), &["0 channels", "at least 1"]);
    said(&why(voice().segments(Windows::new(SECOND / 100, SECOND))), &["window", "0.01", "0.1 to 300 s"]);
    said(&why(voice().segments(Windows::new(Duration::MAX, SECOND))), &["window", "0.1 to 300 s"]);
    said(&why(voice().segments(Utterances::default().max_length(SECOND / 2))), &["max-length", "1 to 300 s"]);
    said(&why(voice().segments(Utterances::default().threshold(f32::NAN))), &["threshold", "between 0 and 1"]);
    let range = why(voice().segments(Utterances::default().interim(SECOND / 1000)));
    assert!(matches!(range, SessionError::Config(ConfigError::Range { name: "interval", .. })));
    // Allowed on purpose: an agent's channel by policy.
    assert!(voice().roles(["agent"]).policies([Policy::Allow]).default_model().build().is_ok());
}
