//! The recipes for engines: what they run, with the environment that the engine sets, makes one archive.

mod common;

use common::{Folder, affect, chunk, ended, root, said, speech, wav};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

/// Recipes whose tasks are parts. What they do without their engine is tested here; `make engines` runs them on it.
const OF_PARTS: [&str; 2] = ["ray_archive.py", "spark_archive.py"];

/// Runs `what` with the functions of a recipe as `recipe`, and with these words as `words`.
fn python(name: &str, what: &str, words: &[&Path]) -> Command {
    let load = "import importlib.util, pathlib, sys, types\n\
                spec = importlib.util.spec_from_file_location('recipe', sys.argv[1])\n\
                recipe = importlib.util.module_from_spec(spec)\n\
                spec.loader.exec_module(recipe)\n\
                words = sys.argv[2:]\n";
    let mut c = Command::new("python3");
    c.args(["-B", "-c", &format!("{load}{what}")]).arg(root().join("examples/engines").join(name)).args(words);
    c.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    c
}

/// The command, which keeps a list of the parts that were begun and ends otherwise where `cases` say so.
fn listed(folder: &Folder, cases: &str) -> (PathBuf, PathBuf) {
    let (path, list) = (folder.at("affect"), folder.at("begun"));
    let (real, begun) = (env!("CARGO_BIN_EXE_affect"), list.display());
    let text = format!(
        "#!/bin/sh\nif [ $2 = run ]; then\necho $5 >>'{begun}'\ntimes=$(grep -cx $5 '{begun}')\ncase $5-$times in\n\
         {cases}\nesac\nfi\nexec '{real}' \"$@\"\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let _ = std::fs::remove_file(&list);
    (path, list)
}

/// Runs the rounds of a recipe, with tasks one after another here; its exit code, and the parts that were begun.
fn drive(name: &str, folder: &Folder, cases: &str) -> (Option<i32>, Vec<u32>) {
    let what = "options = types.SimpleNamespace(affect=words[0], out=words[1], rounds=3, wait=0.0, verify=True)\n\
                here = lambda parts: ((p, recipe.run_part(options.affect, options.out, p)) for p in parts)\n\
                sys.exit(recipe.drive(options, here))";
    let (command, list) = listed(folder, cases);
    let out = ended(python(name, what, &[&command, &folder.at("results")]).spawn().unwrap());
    let begun = std::fs::read_to_string(list).unwrap_or_default();
    (out.status.code(), begun.lines().map(|l| l.parse().unwrap()).collect())
}

#[test]
fn recipes_of_parts_do_what_is_open_and_heed_exit_codes() {
    for name in OF_PARTS {
        let folder = Folder::new(&format!("engine-{name}"));
        let out = planned(&folder);
        let one = ["archive", "run", "--quiet", "--part=1"].map(std::ffi::OsStr::new);
        assert_eq!(affect(&[&one[..], &[out.as_os_str()]].concat()).status.code(), Some(0));
        // What does not fit is not tried again, and nothing else is begun.
        assert_eq!(drive(name, &folder, "0-1) exit 2 ;;"), (Some(2), vec![0]), "{name}");
        // What is never committed ends the rounds.
        assert_eq!(drive(name, &folder, "*) exit 75 ;;"), (Some(3), [0, 2, 3, 4].repeat(3)), "{name}");
        // Interrupted, killed, and storage away: again, these alone. The last part has a call with an error, which is complete too.
        let cases = "0-1) exit 3 ;;\n2-1) kill -9 $$ ;;\n3-[12]) exit 75 ;;";
        assert_eq!(drive(name, &folder, cases), (Some(0), vec![0, 2, 3, 4, 0, 2, 3, 3]), "{name}");
        assert!(complete(&out));
        assert_eq!(drive(name, &folder, ""), (Some(0), vec![]), "{name}: nothing is open");
    }
}

#[test]
fn a_task_dies_with_its_worker() {
    for name in OF_PARTS {
        let folder = Folder::new(&format!("engine-dies-{name}"));
        let (command, list) =
            listed(&folder, &format!("*) echo $$ >'{}'; exec sleep 300 ;;", folder.at("process").display()));
        let what = "recipe.run_part(words[0], 'nowhere', 7)";
        let mut worker = python(name, what, &[&command]).spawn().unwrap();
        let begun = Instant::now();
        let process = loop {
            let text = std::fs::read_to_string(folder.at("process")).unwrap_or_default();
            if text.ends_with('\n') {
                break text.trim().to_owned();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not begin");
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(std::fs::read_to_string(list).unwrap(), "7\n");
        worker.kill().unwrap();
        worker.wait().unwrap();
        let lives = || std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|s| !s.contains(") Z "));
        while lives() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{name}: it lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn recipes_of_parts_explain_themselves() {
    for name in OF_PARTS {
        let help =
            Command::new("python3").arg(root().join("examples/engines").join(name)).arg("--help").output().unwrap();
        let text = String::from_utf8(help.stdout).unwrap();
        assert!(help.status.success() && text.contains("OUT") && text.contains("--rounds"), "{text}");
    }
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
