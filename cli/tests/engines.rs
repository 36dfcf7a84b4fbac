//! The recipes for engines: what they run, with the environment that the engine sets, makes one archive.

mod common;

use common::{Folder, affect, chunk, ended, root, said, speech, wav};
use std::path::Path;
use std::process::{Command, Stdio};

/// A planned archive of five calls, each a part of its own; the last has no bytes.
fn planned(folder: &Folder) -> std::path::PathBuf {
    let (source, out) = (folder.at("calls"), folder.at("results"));
    std::fs::create_dir_all(&source).unwrap();
    for k in 0..4 {
        std::fs::write(source.join(format!("{k}.wav")), wav(&[chunk(b"data", 96_000, &speech())])).unwrap();
    }
    std::fs::write(source.join("5.wav"), "").unwrap();
    let words = ["archive", "plan", "--part-calls=1", "--out"].map(std::ffi::OsStr::new);
    let made = affect(&[&words[..], &[out.as_os_str(), source.as_os_str()]].concat());
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    out
}

fn recipe(name: &str) -> String {
    std::fs::read_to_string(root().join("examples/engines").join(name)).unwrap()
}

/// Runs a script with the command in its path.
fn run(shell: &str, script: &str, folder: &Folder, environment: &[(&str, &str)]) -> Option<i32> {
    let commands = Path::new(env!("CARGO_BIN_EXE_affect")).parent().unwrap();
    let path = format!("{}:{}", commands.display(), std::env::var("PATH").unwrap());
    let mut c = Command::new(shell);
    c.args(["-c", script]).current_dir(root()).env("PATH", path).env("ARCHIVE", folder.at("results"));
    c.envs(environment.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let out = ended(c.spawn().unwrap());
    assert!(out.status.code().is_some_and(|c| c < 2), "{}", said(&out));
    out.status.code()
}

fn complete(out: &Path) -> bool {
    // Complete, and one call has no bytes.
    affect(&["archive".as_ref(), "status".as_ref(), out.as_os_str()]).status.code() == Some(1)
}

#[test]
fn a_slurm_array_makes_one_archive() {
    let folder = Folder::new("engine-slurm");
    let out = planned(&folder);
    let script = recipe("slurm.sbatch");
    assert!(
        script.contains("#SBATCH --array=0-99\n") && script.contains("SHARDS=100 "),
        "as many shards as the array has"
    );
    let script = script.replace("SHARDS=100", "SHARDS=2");
    for index in ["0", "1"] {
        assert!(!complete(&out));
        assert_eq!(
            run("bash", &script, &folder, &[("SLURM_ARRAY_TASK_ID", index), ("SLURM_CPUS_PER_TASK", "2")]),
            Some(0)
        );
    }
    assert!(complete(&out));
}

#[test]
fn an_indexed_job_makes_one_archive() {
    let folder = Folder::new("engine-kubernetes");
    let out = planned(&folder);
    let manifest = recipe("kubernetes.yaml");
    for line in ["kind: Job", "completionMode: Indexed", "completions: 100", "backoffLimitPerIndex: 10", "values: [2]"]
    {
        assert!(manifest.lines().any(|l| l.trim() == line), "{line}");
    }
    let after = manifest.split("- |\n").nth(1).unwrap();
    let script: String =
        after.lines().take_while(|l| l.starts_with("              ")).map(|l| format!("{l}\n")).collect();
    assert!(script.contains("run /results --shard env/100 "), "as many shards as the job has completions");
    let script = script.replace("env/100", "env/2").replace("/results", out.to_str().unwrap());
    for index in ["1", "0"] {
        assert!(!complete(&out));
        assert_eq!(run("sh", &script, &folder, &[("JOB_COMPLETION_INDEX", index)]), Some(0));
    }
    assert!(complete(&out));
}

/// The unit's command is understood; here there is no queue, or the program was built without.
#[test]
fn a_unit_starts_a_worker() {
    let unit = recipe("nats/affect-worker.service");
    let start = unit.lines().find_map(|l| l.strip_prefix("ExecStart=/usr/local/bin/affect ")).unwrap();
    let away =
        start.replace("tls://queue.example", "nats://127.0.0.1:1").replace("--creds /etc/affect/worker.creds", "");
    let words: Vec<&str> = away.split_whitespace().chain(["--away", "1s"]).collect();
    let done = affect(&words);
    let expected = if cfg!(feature = "queue") { (75, "does not answer") } else { (2, "--features queue") };
    assert_eq!(done.status.code(), Some(expected.0), "{}", said(&done));
    assert!(said(&done).contains(expected.1), "{}", said(&done));
    for line in ["KillMode=mixed", "RestartPreventExitStatus=2"] {
        assert!(unit.lines().any(|l| l == line), "{line}");
    }
}
