//! Mono that arrives as stereo: analysed once, said so, and bound by the stricter policy, in every front end alike.

mod common;

use affect::analyzer::{Config, Segmentation};
use affect::segment::utterance::UtteranceConfig;
use affect_media::decode::Limits;
use affect_media::file::{Job, analyse};
use common::{CALL, json, launch, root};
use std::sync::atomic::AtomicBool;

/// The caller of the call on one channel.
fn caller() -> String {
    format!(
        "filesrc location={} ! wavparse ! audioconvert mix-matrix=\"<<(float)0, (float)1>>\" ! \
         audio/x-raw,format=S16LE,channels=1",
        root().join(CALL).display()
    )
}

const STEREO: &str = "audioconvert ! audio/x-raw,channels=2";
const WAYS: [&str; 3] = ["affectfeatures", "affectscore", "affectscore inference-mode=async max-queued=1000"];

fn finals(description: &str) -> Vec<serde_json::Value> {
    let ran = launch(&format!("{description} ! appsink name=out"));
    let mut seen = std::collections::HashSet::new();
    ran.results.iter().map(json).filter(|r| seen.insert(r["id"].to_string()) && r["ended"] != "open").collect()
}

fn same_as(r: &serde_json::Value) -> bool {
    r["channel"]["same_as"] == serde_json::json!([1])
}

#[test]
fn two_equal_channels_have_one_result() {
    for way in WAYS {
        let one = finals(&format!("{} ! {way} stream=s", caller()));
        let two = finals(&format!("{} ! {STEREO} ! {way} stream=s", caller()));
        assert!(one.len() >= 4, "{way}");
        assert_eq!(two.len(), one.len(), "{way}");
        for (a, b) in one.iter().zip(&two) {
            assert!(same_as(b) && b["channel"]["index"] == 0, "{way}: {}", b["channel"]);
            assert_eq!(a["features"], b["features"], "{way}");
            assert_eq!(a["emotion"], b["emotion"], "{way}");
            assert_eq!((&a["id"], &a["segment_id"]), (&b["id"], &b["segment_id"]), "{way}");
        }
        let apart = finals(&format!("{} ! {STEREO} ! {way} stream=s collapse-dual-mono=false", caller()));
        assert_eq!(apart.len(), 2 * one.len(), "{way}");
    }
}

/// Opus has one voice, its decoder hands out two channels.
#[test]
fn mono_opus_is_one_voice() {
    let opus = "audioresample ! audio/x-raw,rate=48000 ! opusenc ! rtpopuspay ! rtpopusdepay ! opusdec ! audio/x-raw,channels=2";
    let ran = launch(&format!("{} ! {opus} ! affectscore stream=s ! appsink name=out", caller()));
    let last: Vec<serde_json::Value> = ran.messages.iter().map(json).filter(|r| r["ended"] != "open").collect();
    assert!(last.len() >= 4 && last.iter().all(same_as));
    let flat = ran.results.iter().all(|s| s.get::<gst::Array>("same-as").is_ok_and(|a| a.len() == 1));
    assert!(flat, "the flat fields say it too");
    // The second channel says that its speech has ended where it comes to rest; the first one speaks for both then.
    let of = |c: i32| -> Vec<&str> {
        let own = ran.speech.iter().filter(|s| s.get::<i32>("channel").unwrap() == c);
        own.map(|s| s.name().as_str()).collect()
    };
    assert_eq!(of(1), ["affect-speech-started", "affect-speech-ended"]);
    assert!(of(0).len() >= 6 && of(0).chunks(2).all(|p| p == ["affect-speech-started", "affect-speech-ended"]));
}

/// The command's path gives the same records.
#[test]
fn a_file_gives_what_the_elements_give() {
    let path = std::env::temp_dir().join(format!("dual-mono-{}.wav", std::process::id()));
    launch(&format!(
        "{} ! {STEREO} ! tee name=t ! wavenc ! filesink location={} t. ! queue ! appsink name=out",
        caller(),
        path.display()
    ));
    let elements = finals(&format!("filesrc location={} ! wavparse ! affectfeatures stream=s", path.display()));
    let config = Config {
        segmentation: Segmentation::Utterances(UtteranceConfig::default()),
        stream: "s".into(),
        source: "affectfeatures".into(),
        ..Config::default()
    };
    let stop = AtomicBool::new(false);
    let limits = Limits { patience: std::time::Duration::from_secs(30), stop: &stop };
    let job = Job { config: &config, track: None, baseline: None, one_channel: false, limits };
    let mut records = Vec::new();
    let heard = analyse(&path, &job, &mut |_, _| (), &mut |r| {
        records.push(serde_json::from_str::<serde_json::Value>(&r.to_json()).unwrap());
        Ok(())
    })
    .unwrap();
    std::fs::remove_file(&path).unwrap();
    records.retain(|r| r["ended"] != "open");
    assert!(records.len() >= 4 && records == elements);
    assert!(
        heard.notes.iter().any(|n| n.contains("channels 0 and 1") && n.contains("analysed once")),
        "{:?}",
        heard.notes
    );
}

/// The stricter policy holds for both channels, also behind an element that knows of no policy.
#[test]
fn the_stricter_policy_holds() {
    for way in WAYS {
        let agent = finals(&format!("{} ! {STEREO} ! {way} channel-roles=agent,caller", caller()));
        assert!(agent.len() >= 4 && agent.iter().all(|r| r["policy"] == "features-only" && r.get("emotion").is_none()));
        for policy in ["allow,deny", "deny,allow"] {
            let denied = finals(&format!("{} ! {STEREO} ! {way} policy={policy}", caller()));
            assert!(denied.is_empty(), "{way} {policy}: {}", denied.len());
        }
    }
    let behind =
        |policy: &str| finals(&format!("{} ! {STEREO} ! affectfeatures ! affectscore policy={policy}", caller()));
    assert!(behind("allow,allow").iter().any(|r| r["emotion"].is_object()));
    assert!(behind("allow,features-only").iter().all(|r| r.get("emotion").is_none() && r["policy"] == "features-only"));
    assert!(behind("allow,deny").is_empty());
}
