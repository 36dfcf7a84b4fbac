//! Archives from one end to the other: planned, analysed in parts, killed, resumed, verified.

mod common;

use affect_archive::calls::{CallRow, CallsTable};
use affect_archive::store::{Local, Store};
use affect_archive::{Run, read};
use common::{CALL, Folder, affect, chunk, command, ended, root, said, signal, speech, wav};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// Bytes of samples of a short call: three seconds of the long one, from there on.
fn samples(from_s: usize) -> Vec<u8> {
    let bytes = std::fs::read(root().join(CALL)).unwrap();
    bytes[44 + from_s * 32_000..][..96_000].to_vec()
}

fn sound(from_s: usize) -> Vec<u8> {
    wav(&[chunk(b"data", 96_000, &samples(from_s))])
}

fn write(folder: &Path, name: impl AsRef<OsStr>, bytes: &[u8]) {
    let path = folder.join(Path::new(name.as_ref()));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Calls with all kinds of names.
fn good(folder: &Path) {
    let names: [&[u8]; 6] =
        [b"2025/a.wav", b"2025/b b.wav", b"2026/c\nd \"e\".wav", b"2026/\xff.wav", b"f'--x.wav", b"\xc3\xbc\\xff.wav"];
    for (k, name) in names.into_iter().enumerate() {
        write(folder, OsStr::from_bytes(name), &sound(2 + 3 * k));
    }
}

/// Calls on which everything goes wrong.
fn poison(folder: &Path) {
    write(folder, "bad/empty.wav", b"");
    write(folder, "bad/noise.wav", &[7; 5000]);
    write(folder, "bad/silent-header.wav", &wav(&[chunk(b"data", 0, &[])]));
    for fault in ["crash", "hang", "swell", "panic"] {
        write(folder, format!("bad/{fault}.wav"), &sound(4));
    }
}

fn archive(words: &[&str], paths: &[&Path]) -> Command {
    let mut c = command();
    c.arg("archive").args(words).args(paths).env("AFFECT_TEST_FAULTS", "1").env("AFFECT_LOG_SECONDS", "1000");
    c
}

fn plan(source: &Path, out: &Path, words: &[&str]) -> Output {
    let mut c = archive(&["plan"], &[source, Path::new("--out"), out]);
    ended(c.args(["--roles", "agent,caller", "--part-calls", "2"]).args(words).spawn().unwrap())
}

/// Limits under which nothing that is well is given up, and what hangs is given up soon.
const LIMITS: [&str; 5] = ["run", "--stall=6s", "--memory=500MiB", "--jobs=2", "--quiet"];

fn run(out: &Path, words: &[&str]) -> Output {
    ended(archive(&[&LIMITS[..], words].concat(), &[out]).spawn().unwrap())
}

fn planned(source: &Path, out: &Path) {
    let made = plan(source, out, &[]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
}

fn store(out: &Path) -> (Arc<dyn Store>, Run) {
    let store: Arc<dyn Store> = Arc::new(Local::new(out));
    let run = Run::all(&*store).unwrap().remove(0);
    (store, run)
}

/// All rows of calls, and the JSON of all results, in order; without the names of attempts.
fn tables(out: &Path) -> (Vec<CallRow>, Vec<String>) {
    let (store, run) = store(out);
    let (mut calls, mut results) = (Vec::new(), Vec::new());
    for part in run.committed(&*store).unwrap().into_keys() {
        let rows: Vec<CallRow> = CallsTable::of_part(&store, &run.id, part).unwrap().map(Result::unwrap).collect();
        let file = out.join(format!("run/{}/utterances/{}", run.id, rows[0].utterances_file));
        results.extend(read(std::fs::File::open(file).unwrap()).unwrap().map(|r| r.unwrap().to_json()));
        calls.extend(rows);
    }
    calls.iter_mut().for_each(|r| r.utterances_file.clear());
    (calls, results)
}

fn words(calls: &[CallRow]) -> BTreeMap<&str, &str> {
    calls.iter().filter_map(|r| Some((r.call.key.as_str(), r.error?.name()))).collect()
}

fn names_of_utterances(out: &Path) -> usize {
    let (store, run) = store(out);
    store.list(&format!("run/{}/utterances", run.id)).unwrap().len()
}

/// Bad calls are rows, and all others say bit for bit what `affect analyze` says of them; where the archive is mounted changes nothing.
#[test]
fn an_archive_says_what_analyze_says() {
    let folder = Folder::new("archive-equals");
    let (source, out) = (folder.at("calls"), folder.at("out"));
    good(&source);
    let analysed = affect(&[
        "analyze".as_ref(),
        source.as_os_str(),
        "--relative-to".as_ref(),
        source.as_os_str(),
        "--roles=agent,caller".as_ref(),
        "--json".as_ref(),
        "--quiet".as_ref(),
    ]);
    assert_eq!(analysed.status.code(), Some(0), "{}", said(&analysed));
    let mut expected: Vec<String> = String::from_utf8(analysed.stdout).unwrap().lines().map(str::to_owned).collect();
    assert!(expected.len() >= 4, "{}", expected.len());
    poison(&source);
    write(&source, "notes.txt", b"no recording");
    write(&source, ".hidden/x.wav", &sound(1));
    write(
        &folder.0,
        "calls.csv",
        b"key,team,when\n2025/a.wav,red,\"1 May, 10:00\"\nbad/hang.wav,blue,\ngone.wav,red,\n",
    );
    let made = plan(&source, &out, &["--metadata", folder.at("calls.csv").to_str().unwrap()]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    assert!(said(&made).contains("gone.wav"), "{}", said(&made));
    let done = run(&out, &[]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let lines: Vec<serde_json::Value> =
        String::from_utf8(done.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 7);
    assert!(lines.iter().all(|l| l["outcome"] == "committed"));
    assert_eq!(lines.iter().map(|l| l["calls"].as_u64().unwrap()).sum::<u64>(), 13);

    let (calls, mut results) = tables(&out);
    let expected_words = BTreeMap::from([
        ("bad/empty.wav", "empty"),
        ("bad/noise.wav", "decode"),
        ("bad/silent-header.wav", "no-audio"),
        ("bad/crash.wav", "crashed"),
        ("bad/hang.wav", "timed-out"),
        ("bad/swell.wav", "out-of-memory"),
        ("bad/panic.wav", "crashed"),
    ]);
    assert_eq!(words(&calls), expected_words);
    assert!(
        calls
            .iter()
            .find(|c| c.call.key == "bad/panic.wav")
            .unwrap()
            .error_message
            .as_ref()
            .unwrap()
            .contains("as the test")
    );
    let mut keys: Vec<&str> = calls.iter().map(|c| c.call.key.as_str()).collect();
    assert!(keys.is_sorted() && keys.len() == 13);
    keys.retain(|k| !k.starts_with("bad/"));
    assert_eq!(
        keys,
        ["2025/a.wav", "2025/b b.wav", "2026/\\xff.wav", "2026/c\nd \"e\".wav", "f'--x.wav", "ü\\x5cxff.wav"]
    );
    let a = &calls[0];
    assert_eq!((a.call.size, a.heard.unwrap().channels, a.heard.unwrap().sample_rate_hz), (96_044, 2, 8000));
    assert_eq!(a.heard.unwrap().duration_ns, 3_000_000_000);
    let cells = |row: &CallRow| {
        row.call
            .metadata
            .iter()
            .map(Option::as_deref)
            .map(Option::unwrap_or_default)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(cells(a), ["red", "1 May, 10:00"]);
    assert_eq!(cells(calls.iter().find(|c| c.call.key == "bad/hang.wav").unwrap()), ["blue", ""]);
    results.sort();
    expected.sort();
    assert!(results == expected, "other results than those of analyze");

    // Everything holds, and status says the same.
    let checked = ended(archive(&["verify", "--quiet"], &[&out]).spawn().unwrap());
    assert_eq!(checked.status.code(), Some(1), "{}", said(&checked));
    let status = ended(archive(&["status", "--json"], &[&out]).spawn().unwrap());
    assert_eq!(status.status.code(), Some(1));
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(
        (&status["complete"], &status["failed_calls"], &status["errors"]["crashed"]),
        (&true.into(), &7.into(), &2.into())
    );
    assert_eq!(status["committed"]["calls"], 13);

    // Elsewhere: the same plan, the same run, the same tables.
    let (moved, again) = (folder.at("mounted elsewhere"), folder.at("out2"));
    std::fs::rename(&source, &moved).unwrap();
    let away = run(&out, &[]);
    assert_eq!(away.status.code(), Some(1), "nothing is left to do: {}", said(&away));
    plan(&moved, &again, &["--metadata", folder.at("calls.csv").to_str().unwrap()]);
    assert_eq!(store(&again).1.id, store(&out).1.id);
    let plans = |out: &Path| store(out).0.folders("plan").unwrap();
    assert_eq!(plans(&again), plans(&out));
    assert_eq!(run(&again, &[]).status.code(), Some(1));
    let stable = |out: &Path| {
        let (mut calls, results) = tables(out);
        // How much memory it was by then, and what GStreamer's debugging says, are different every time.
        calls.iter_mut().filter(|r| r.error.is_some()).for_each(|r| r.error_message = None);
        (calls, results)
    };
    assert!(stable(&again) == stable(&out), "other tables at another place");
}

/// Process numbers of a process's children.
fn children(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task");
    let tasks = std::fs::read_dir(path).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|t| std::fs::read_to_string(t.path().join("children")).ok());
    lists.flat_map(|l| l.split_whitespace().filter_map(|n| n.parse().ok()).collect::<Vec<_>>()).collect()
}

fn alive(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|s| !s.contains(") Z "))
}

/// Two runs at once, killed again and again with their workers or without: in the end the tables are those of one run.
#[test]
fn whatever_is_killed_the_tables_are_those_of_one_run() {
    let folder = Folder::new("archive-kills");
    let (source, out, undisturbed) = (folder.at("calls"), folder.at("out"), folder.at("undisturbed"));
    good(&source);
    poison(&source);
    for fault in ["hang", "swell", "panic"] {
        std::fs::remove_file(source.join(format!("bad/{fault}.wav"))).unwrap();
    }
    planned(&source, &undisturbed);
    assert_eq!(run(&undisturbed, &[]).status.code(), Some(1));
    planned(&source, &out);
    let start = || {
        archive(&["run", "--quiet", "--jobs=1"], &[&out]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut orphans = Vec::new();
    let mut seed = 12345u64;
    let mut chance = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut running = [start(), start()];
    for kill in 0..8 {
        std::thread::sleep(std::time::Duration::from_millis(50 + chance(350)));
        let victim = &mut running[kill % 2];
        let workers = children(victim.id());
        if kill % 4 == 3 {
            // Only its worker.
            workers.iter().for_each(|w| drop(Command::new("kill").args(["-9", &w.to_string()]).status()));
            continue;
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        orphans.extend(workers);
        *victim = start();
    }
    for mut child in running {
        let code = child.wait().unwrap().code();
        assert!(code == Some(1), "{code:?}");
    }
    // What was killed has taken its workers along.
    assert!(!orphans.iter().any(|o| alive(*o)), "workers live on");
    assert!(tables(&out) == tables(&undisturbed), "other tables");
    let done = run(&out, &["--grace=1ms"]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert_eq!(names_of_utterances(&out), 5, "what dead attempts left behind is not swept");
    assert_eq!(ended(archive(&["verify", "--quiet"], &[&out]).spawn().unwrap()).status.code(), Some(1));
}

/// The calls of one part are shared by all jobs: rows and results stand in the order of the calls, whoever did them and whatever died.
#[test]
fn jobs_share_a_part() {
    let folder = Folder::new("archive-share");
    let (source, out, alone) = (folder.at("calls"), folder.at("out"), folder.at("alone"));
    for k in 0..10 {
        write(&source, format!("{k}.wav"), &sound(2 + 3 * k));
    }
    write(&source, "0 hang.wav", &sound(4));
    write(&source, "5 crash.wav", &sound(4));
    for out in [&out, &alone] {
        let words = [&source, Path::new("--out"), out, Path::new("--roles=agent,caller")];
        let made = ended(archive(&["plan"], &words).spawn().unwrap());
        assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    }
    let start = |jobs: &str, out: &Path| archive(&["run", "--stall=3s", "--quiet", jobs], &[out]).spawn().unwrap();
    assert_eq!(ended(start("--jobs=1", &alone)).status.code(), Some(1));
    let mut child = start("--jobs=2", &out);
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(children(child.id()).len());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let done = ended(child);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert_eq!(most, 2, "workers of two jobs at one part");
    let line: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&line["outcome"], &line["calls"], &line["dead_workers"]), (&"committed".into(), &12.into(), &3.into()));
    assert_eq!(words(&tables(&out).0), BTreeMap::from([("0 hang.wav", "timed-out"), ("5 crash.wav", "crashed")]));
    let stable = |out: &Path| {
        let (mut calls, results) = tables(out);
        calls.iter_mut().for_each(|r| r.error_message = None);
        (calls, results)
    };
    assert!(stable(&out) == stable(&alone), "other tables than those of one job");
}

/// An interruption finishes the call at hand and commits no part that is not whole; running again does the rest.
#[test]
fn an_interruption_is_resumed() {
    let folder = Folder::new("archive-term");
    let (source, out) = (folder.at("calls"), folder.at("out"));
    for k in 0..12 {
        write(&source, format!("{k:02}.wav"), &wav(&[chunk(b"data", 96_000, &speech())]));
    }
    planned(&source, &out);
    let mut child = archive(&["run", "--jobs=1"], &[&out]).spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.contains("\"committed\""), "{line}");
    signal(&child, "TERM");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut log, &mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3), "{rest}");
    let committed = tables(&out).0.len();
    assert!((2..12).contains(&committed), "{committed}");
    let status = ended(archive(&["status"], &[&out]).spawn().unwrap());
    assert_eq!(status.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&status.stdout).contains(&format!("{committed} of 12 calls")));
    let done = run(&out, &[]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!((tables(&out).0.len(), names_of_utterances(&out)), (12, 6));
}

/// Shards of several machines, by number and by an engine's environment, make one archive; each says how its own parts stand.
#[test]
fn shards_make_one_archive() {
    let folder = Folder::new("archive-shards");
    let (source, out, whole) = (folder.at("calls"), folder.at("out"), folder.at("whole"));
    good(&source);
    write(&source, "üz.wav", b"");
    planned(&source, &out);
    planned(&source, &whole);
    assert_eq!(run(&whole, &[]).status.code(), Some(1));
    let shard = |words: &[&str], environment: &[(&str, &str)]| {
        let mut c = archive(&[&LIMITS[..], words].concat(), &[&out]);
        ended(c.envs(environment.iter().copied()).spawn().unwrap()).status.code()
    };
    // The only call with an error is in the last of four parts, which is the first shard's second one.
    assert_eq!(shard(&["--shard", "0/3"], &[]), Some(1));
    assert_eq!(shard(&["--part", "1"], &[]), Some(0));
    assert_eq!(shard(&["--shard", "env/3"], &[("JOB_COMPLETION_INDEX", "1")]), Some(0));
    assert_eq!(ended(archive(&["status"], &[&out]).spawn().unwrap()).status.code(), Some(3));
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "2"),
        ("SLURM_ARRAY_TASK_MIN", "0"),
        ("SLURM_ARRAY_TASK_MAX", "2"),
        ("SLURM_ARRAY_TASK_COUNT", "3"),
    ];
    assert_eq!(shard(&["--shard", "env"], &slurm), Some(0));
    assert_eq!(shard(&["--shard", "0/3"], &[]), Some(1));
    assert_eq!(shard(&["--shard", "env"], &[]), Some(2));
    assert_eq!(shard(&["--part", "4"], &[]), Some(2));
    assert!(tables(&out) == tables(&whole));
}

/// What has changed since the plan is a row; a later plan takes it up. Where the archive is not mounted, nothing is committed.
#[test]
fn what_changes_and_what_is_away() {
    let folder = Folder::new("archive-changes");
    let (source, out) = (folder.at("calls"), folder.at("out"));
    good(&source);
    planned(&source, &out);
    std::fs::remove_file(source.join("2025/a.wav")).unwrap();
    write(&source, "f'--x.wav", &sound(30));
    std::fs::rename(&source, folder.at("unmounted")).unwrap();
    for empty in [false, true] {
        if empty {
            std::fs::create_dir(&source).unwrap();
        }
        let away = run(&out, &[]);
        assert_eq!(away.status.code(), Some(75), "{}", said(&away));
        assert_eq!(tables(&out).0.len(), 0);
    }
    std::fs::remove_dir(&source).unwrap();
    let done = run(&out, &["--source", folder.at("unmounted").to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let expected = BTreeMap::from([("2025/a.wav", "vanished"), ("f'--x.wav", "changed-since-plan")]);
    assert_eq!(words(&tables(&out).0), expected);
    let source = folder.at("unmounted");
    write(&source, "new.wav", &sound(11));
    let again = plan(&source, &out, &[]);
    let text = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(
        text.contains("2 calls in 1 parts") && text.contains("4 calls are in earlier plans, 1 of the new plan"),
        "{text}"
    );
    assert_eq!(run(&out, &[]).status.code(), Some(1));
    let calls = tables(&out).0;
    assert_eq!(calls.len(), 8);
    assert_eq!(
        calls[6..].iter().map(|c| (c.call.key.as_str(), c.error)).collect::<Vec<_>>(),
        [("f'--x.wav", None), ("new.wav", None)]
    );
    let again = plan(&source, &out, &[]);
    assert!(String::from_utf8_lossy(&again.stdout).contains("no call is new"));

    // Other settings are another run, which has to be chosen then.
    assert_eq!(plan(&source, &out, &["--top-k=1"]).status.code(), Some(0));
    let which = run(&out, &[]);
    assert!(which.status.code() == Some(2) && said(&which).contains("--run"), "{}", said(&which));
    // A damaged file is found and done again.
    let first = store(&out).0.folders("run").unwrap();
    let chosen = first.iter().find(|id| out.join(format!("run/{id}/utterances")).is_dir()).unwrap().clone();
    let files: Vec<PathBuf> =
        std::fs::read_dir(out.join(format!("run/{chosen}/utterances"))).unwrap().map(|e| e.unwrap().path()).collect();
    std::fs::write(&files[0], "PAR1").unwrap();
    let verify = |words: &[&str]| {
        ended(archive(&[&["verify", "--quiet", "--run", &chosen], words].concat(), &[&out]).spawn().unwrap())
    };
    let found = verify(&[]);
    assert!(found.status.code() == Some(3) && said(&found).contains("it was changed"), "{}", said(&found));
    assert_eq!(verify(&["--repair"]).status.code(), Some(3));
    let done = run(&out, &["--run", &chosen[..8], "--source", source.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert_eq!(verify(&[]).status.code(), Some(1));
}

#[test]
fn wrong_usage_is_said() {
    let folder = Folder::new("archive-usage");
    std::fs::create_dir(folder.at("empty")).unwrap();
    let none = folder.at("none");
    for (output, word) in [
        (plan(&none, &folder.at("out"), &[]), "expected a folder"),
        (plan(&folder.at("empty"), &folder.at("out"), &[]), "no recording"),
        (plan(&folder.at("empty"), &folder.at("out"), &["--glob", "a["]), "--glob"),
        (plan(&folder.at("empty"), &folder.at("out"), &["--part-bytes", "0"]), "4GiB"),
        (run(&none, &[]), "no run is planned"),
        (run(&none, &["--shard", "4"]), "no run is planned"),
    ] {
        assert!(output.status.code() == Some(2) && said(&output).contains(word), "{word}: {}", said(&output));
    }
}
