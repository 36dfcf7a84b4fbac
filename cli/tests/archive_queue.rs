//! Archives through a queue: what needs no server. `scripts/archive_queue_test.py` does the rest with one.

mod common;

use common::{Folder, affect, said};
use std::process::Output;

/// An archive of one call.
fn archive(name: &str) -> Folder {
    let folder = Folder::new(name);
    std::fs::create_dir(folder.at("calls")).unwrap();
    let call = common::wav(&[common::chunk(b"data", 96_000, &common::speech())]);
    std::fs::write(folder.at("calls/a.wav"), call).unwrap();
    let (calls, out) = (folder.at("calls"), folder.at("out"));
    let made = affect(&["archive".as_ref(), "plan".as_ref(), calls.as_os_str(), "--out".as_ref(), out.as_os_str()]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    folder
}

fn verbs(folder: &Folder, words: &[&str]) -> [Output; 3] {
    let out = folder.at("out");
    let out = out.to_str().unwrap();
    [&["submit", out][..], &["work"], &["status", out]].map(|verb| affect(&[&["archive"], verb, words].concat()))
}

/// Whether it was built with queues or not: a wrong address is wrong usage, and the sentence says what is expected, not the password.
#[test]
fn wrong_addresses_are_refused() {
    let folder = archive("queue-addresses");
    for address in [
        "host:4222",
        "http://host",
        "nats://",
        "nats://user:secret@host:x",
        "nats://host/a.b",
        "nats://user:secret@host/a/b",
    ] {
        for done in verbs(&folder, &["--queue", address]) {
            let why = said(&done);
            assert_eq!(done.status.code(), Some(2), "{address}: {why}");
            assert!(why.contains("expected an address such as nats://"), "{address}: {why}");
        }
    }
    let missing = affect(&["archive", "work"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(said(&missing).contains("--queue"), "{}", said(&missing));
    let alone = affect(&["archive", "status", folder.at("out").to_str().unwrap(), "--creds", "x"]);
    assert_eq!(alone.status.code(), Some(2));
}

/// A program without queues says how to get one.
#[cfg(not(feature = "queue"))]
#[test]
fn a_program_without_queues_says_so() {
    let folder = archive("queue-absent");
    for done in verbs(&folder, &["--queue", "nats://127.0.0.1:1"]) {
        assert_eq!(done.status.code(), Some(2));
        assert!(said(&done).contains("--features queue"), "{}", said(&done));
    }
}

/// Where nothing listens it is tried for a while, and then trying again later is what helps.
#[cfg(feature = "queue")]
#[test]
fn a_queue_that_is_away_is_waited_for_and_given_up() {
    let folder = archive("queue-away");
    // A port that is free, and stays so: nobody listens at one that is bound only.
    let bound = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = format!("nats://user:secret@127.0.0.1:{}", bound.local_addr().unwrap().port());
    for done in verbs(&folder, &["--queue", &address, "--away", "1s"]) {
        let why = said(&done);
        assert_eq!(done.status.code(), Some(75), "{why}");
        assert!(why.contains("does not answer") && !why.contains("secret"), "{why}");
    }
    let run = affect(&["archive", "run", folder.at("out").to_str().unwrap(), "--quiet"]);
    assert_eq!(run.status.code(), Some(0), "it is done without a queue all the same: {}", said(&run));
}

/// A lease within which a call that hangs is not given up would give its part to everybody in turn.
#[cfg(feature = "queue")]
#[test]
fn leases_outlast_calls_that_hang() {
    let done = affect(&["archive", "work", "--queue", "nats://127.0.0.1:1", "--lease", "60s", "--stall", "60s"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(said(&done).contains("--lease") && said(&done).contains("--stall"), "{}", said(&done));
    let creds =
        affect(&["archive", "work", "--queue", "nats://127.0.0.1:1", "--away", "1s", "--creds", "/nowhere/user.creds"]);
    assert_eq!(creds.status.code(), Some(2), "{}", said(&creds));
    assert!(said(&creds).contains("/nowhere/user.creds"), "{}", said(&creds));
}
